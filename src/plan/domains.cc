#include "plan/domains.h"

#include <algorithm>
#include <array>
#include <map>

#include "plan/diagnostics.h"
#include "support/text.h"

namespace defang::plan {
namespace {

using compose::Service;

constexpr std::size_t kLongestHost = 64;  // CA-125
constexpr std::size_t kLongestLabel = 63;
constexpr std::string_view kAzureDomain = ".azurecontainerapps.io";  // CA-131

// Names that nobody can own: RFC 6761, RFC 6762 (local), RFC 8375 (home.arpa), ICANN's "internal" of 2024.
constexpr auto kPrivateEndings = std::to_array<std::string_view>(
    {".home.arpa", ".internal", ".invalid", ".lan", ".local", ".localdomain", ".localhost", ".onion"});

/// Docker knows such names as the domain of a container; they are no mistake, and nothing for the world.
bool is_private(std::string_view host) {
  return !host.contains('.') ||
         std::ranges::any_of(kPrivateEndings, [&](std::string_view ending) { return host.ends_with(ending); });
}

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kLongestLabel && label.front() != '-' && label.back() != '-' &&
         label.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_") == std::string_view::npos;
}

std::string normal(std::string_view host) {
  std::string lower = to_lower(trim(host));
  if (lower.ends_with('.')) lower.pop_back();
  return lower;
}

/// Aliases count only beside a `domainname`: alone they are names among siblings.
std::vector<CustomDomain> domains_of(const Service& service) {
  std::vector<CustomDomain> domains;
  if (!service.domainname) return domains;
  domains.push_back({normal(**service.domainname), service.name, service.domainname->span});
  for (const auto& network : service.networks)
    for (const auto& alias : network.aliases) {
      const auto host = normal(*alias);
      const bool known = std::ranges::find(domains, host, &CustomDomain::host) != domains.end();
      const bool is_meant = host.starts_with("*.") || (!is_private(host) && fault_of_host(host).empty());
      if (!known && is_meant) domains.push_back({host, service.name, alias.span});
    }
  return domains;
}

bool is_public_http(const compose::Project& project, const Service& service) {
  Diagnostics told_by_the_plan;
  return providers::ingress_of(project, service, {}, told_by_the_plan).is_public_http();
}

}  // namespace

std::string fault_of_host(std::string_view host) {
  if (host.size() > kLongestHost) return "a certificate's name has at most 64 characters";
  const auto labels = split(host, '.');
  if (!std::ranges::all_of(labels, is_label)) return "that is no host name";
  if (labels.back().find_first_not_of("0123456789") == std::string::npos) return "that is an address";
  if (host.ends_with(kAzureDomain)) return "such names are Azure's";
  return {};
}

std::vector<CustomDomain> custom_domains(const compose::Project& project) {
  std::vector<CustomDomain> domains;
  for (const auto& [name, service] : project.services)
    for (auto& domain : domains_of(service))
      if (fault_of_host(domain.host).empty() && !is_private(domain.host) && is_public_http(project, service))
        domains.push_back(std::move(domain));
  return domains;
}

void check_domains(Planning& plan) {
  std::map<std::string, std::string> owners;
  for (const auto& [name, service] : plan.project.services)
    for (const auto& domain : domains_of(service)) {
      if (domain.host.starts_with("*.")) {
        plan.diagnostics.add(domain_wildcard(domain));
        continue;
      }
      if (const auto fault = fault_of_host(domain.host); !fault.empty()) {
        plan.diagnostics.add(domain_wrong(domain, fault));
        continue;
      }
      if (is_private(domain.host)) {
        plan.diagnostics.add(domain_private(domain));
        continue;
      }
      if (const auto [owner, is_new] = owners.emplace(domain.host, name); !is_new)
        plan.diagnostics.add(domain_twice(domain, owner->second));
      const auto planned = plan.services.find(name);
      if (planned == plan.services.end() || !planned->second.workload.ingress.is_public_http()) {
        const auto owner = plan.sidecars.find(name);
        plan.diagnostics.add(domain_without_http(domain, owner == plan.sidecars.end() ? "" : owner->second));
      }
    }
}

}  // namespace defang::plan
