#include "plan/narrow.h"

#include <algorithm>
#include <set>
#include <variant>

namespace defang::plan {
namespace {

constexpr std::string_view kNetworkOf = "service:";

/// A node that is about the service as a whole, not about one config or image that it was the first to use.
bool belongs_to(const graph::Node& node, const std::set<std::string>& services) {
  if (!services.contains(graph::service_of(node))) return false;
  const auto* action = std::get_if<graph::Action>(&node);
  return !action || std::holds_alternative<graph::AwaitRevision>(action->what) ||
         std::holds_alternative<graph::RunJob>(action->what);
}

bool is_shared(const graph::Node& node) {
  const auto* resource = std::get_if<graph::Resource>(&node);
  return resource && resource->retention == graph::Retention::shared;
}

/// What a service waits for or is part of.
std::vector<std::string> needs_of(const compose::Service& service) {
  std::vector<std::string> names;
  for (const auto& dependency : service.depends_on) names.push_back(dependency.service);
  if (service.network_mode && service.network_mode->value.starts_with(kNetworkOf))
    names.push_back(service.network_mode->value.substr(kNetworkOf.size()));
  return names;
}

}  // namespace

std::vector<std::string> with_dependencies(const compose::Project& project, const std::vector<std::string>& services) {
  std::vector<std::string> found, pending = services;
  while (!pending.empty()) {
    const auto name = pending.back();
    pending.pop_back();
    const auto service = project.services.find(name);
    if (service == project.services.end() || std::ranges::find(found, name) != found.end()) continue;
    found.push_back(name);
    for (auto& need : needs_of(service->second)) pending.push_back(std::move(need));
  }
  return found;
}

graph::ResourceGraph narrowed(const graph::ResourceGraph& graph, const compose::Project& project,
                              const std::vector<std::string>& services) {
  const auto wanted = with_dependencies(project, services);
  const std::set<std::string> names(wanted.begin(), wanted.end());
  std::vector<std::string> pending;
  for (const auto& [id, node] : graph.nodes())
    if (is_shared(node) || belongs_to(node, names)) pending.push_back(id);
  graph::ResourceGraph narrow;
  while (!pending.empty()) {
    const auto id = pending.back();
    pending.pop_back();
    if (narrow.find(id)) continue;
    std::visit([&](const auto& node) { narrow.add(node); }, *graph.find(id));
    for (const auto& edge : graph.edges_of(id)) pending.push_back(edge.node);
  }
  return narrow;
}

}  // namespace defang::plan
