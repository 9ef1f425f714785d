#include "plan/addresses.h"

#include <algorithm>

#include "plan/diagnostics.h"
#include "plan/siblings.h"

namespace defang::plan {
namespace {

using compose::Service;
using providers::Ingress;
using providers::Workload;

/// The port of `sibling` that is published as `port` while its container listens on another.
std::optional<int> target_published_as(const Service& sibling, int port) {
  for (const auto& published : sibling.ports)
    if (published.published == std::to_string(port) && published.target != port) return published.target;
  return std::nullopt;
}

void imply_ports_of(Planning& plan, const std::string& user, std::string_view text, const SourceSpan& span) {
  for (const auto& mention : mentions_in(text, plan.hosts)) {
    auto& sibling = plan.services.at(mention.service);
    const auto port = mention.meant_port();
    if (!port || mention.service == user || providers::declared_ports(*sibling.service).contains(*port)) continue;
    if (const auto target = mention.port ? target_published_as(*sibling.service, *port) : std::nullopt) {
      plan.diagnostics.add(sibling_port_is_published(user, mention.service, *port, *target, span));
      continue;
    }
    if (!sibling.is_job) sibling.implied_ports.insert(*port);
  }
}

/// What stands for a mention on Azure; the mention itself where nothing changes.
std::string address_of(const Workload& sibling, const Mention& mention, std::string_view text) {
  const auto written = std::string(text.substr(mention.begin, mention.end - mention.begin));
  const auto with_port = [&] { return sibling.name + (mention.port ? ":" + std::to_string(*mention.port) : ""); };
  if (!mention.port || !sibling.ingress.is_public_http() || sibling.ingress.answers_on(*mention.port) ||
      *mention.port != sibling.ingress.target_port)
    return mention.service == written && sibling.name == mention.service ? written : with_port();
  // Its public HTTP port: Azure answers on 80 (CA-81).
  const bool is_web = mention.scheme == "http" || mention.scheme == "ws";
  return sibling.name + (is_web ? "" : ":80");
}

bool mentions(const Planning& plan, const Service& user, const std::string& sibling) {
  return std::ranges::any_of(texts_of(user), [&](std::string_view text) {
    const auto found = mentions_in(text, plan.hosts);
    return std::ranges::find(found, sibling, &Mention::service) != found.end();
  });
}

}  // namespace

void imply_ports(Planning& plan) {
  for (const auto& [name, service] : plan.project.services)
    for (const auto text : texts_of(service)) imply_ports_of(plan, name, text, service.span);
}

void choose_ingress(Planning& plan) {
  std::map<int, std::string> public_tcp;  // CA-63: once an environment
  for (auto& [name, planned] : plan.services) {
    if (planned.is_job) continue;
    auto& ingress = planned.workload.ingress;
    ingress = providers::ingress_of(plan.project, *planned.service, planned.implied_ports, plan.diagnostics);
    std::vector<int> ports;
    if (ingress.kind == Ingress::Kind::tcp && ingress.external) ports.push_back(ingress.target_port);
    for (const auto& mapping : ingress.additional)
      if (mapping.external) ports.push_back(mapping.target);
    for (const int port : ports)
      if (const auto [first, is_new] = public_tcp.emplace(port, name); !is_new)
        plan.diagnostics.add(public_port_twice(port, first->second, name, ingress.origin));
  }
}

std::string with_addresses(Planning& plan, const std::string& user, std::string_view text, const std::string& where,
                           const SourceSpan& span) {
  std::string result;
  std::size_t at = 0;
  for (const auto& mention : mentions_in(text, plan.hosts)) {
    const auto& sibling = plan.services.at(mention.service);
    const auto written = std::string(text.substr(mention.begin, mention.end - mention.begin));
    const auto address = address_of(sibling.workload, mention, text);
    if (sibling.is_job && mention.service != user && !mention.is_whole)
      plan.diagnostics.add(sibling_has_no_address(user, mention.service, span));
    if (address != written) plan.diagnostics.add(sibling_address_rewritten(user, where, written, address, span));
    result += text.substr(at, mention.begin - at);
    result += address;
    at = mention.end;
  }
  return result + std::string(text.substr(at));
}

void note_split_addresses(Planning& plan, const Service& service) {
  for (const auto& variable : service.environment) {
    if (!variable.value || variable.value->size() != 1 || variable.value->front().is_config) continue;
    const auto& text = variable.value->front().text;
    const auto host = plan.hosts.find(text);
    if (host == plan.hosts.end() || host->second == service.name) continue;
    const auto& ingress = plan.services.at(host->second).workload.ingress;
    const auto port = std::to_string(ingress.target_port);
    const bool names_port = std::ranges::any_of(service.environment, [&](const auto& other) {
      return other.value && other.value->size() == 1 && other.value->front().text == port;
    });
    if (ingress.is_public_http() && ingress.target_port != 80 && names_port)
      plan.diagnostics.add(sibling_on_http_port(service.name, text, ingress.target_port, variable.span));
  }
}

void note_hidden_addresses(Planning& plan) {
  for (const auto& [name, service] : plan.project.services)
    for (const auto& dependency : service.depends_on) {
      const auto sibling = plan.services.find(dependency.service);
      if (sibling == plan.services.end() || sibling->second.is_job || mentions(plan, service, dependency.service))
        continue;
      const auto& ingress = sibling->second.workload.ingress;
      if (ingress.kind == Ingress::Kind::none)
        plan.diagnostics.add(hidden_address_without_port(name, dependency.service, dependency.span));
      else if (ingress.is_public_http() && ingress.target_port != 80)
        plan.diagnostics.add(hidden_http_address(name, dependency.service, sibling->second.workload.name,
                                                 ingress.target_port, dependency.span));
    }
}

}  // namespace defang::plan
