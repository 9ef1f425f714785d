#include "compose/profiles.h"

#include <algorithm>

namespace defang::compose {
namespace {

bool is_active(const Node& service, const std::set<std::string>& active) {
  const Node* profiles = service.find("profiles");
  if (!profiles || profiles->items.empty() || active.contains("*")) return true;
  return std::ranges::any_of(profiles->items, [&](const Node& profile) { return active.contains(profile.text); });
}

}  // namespace

std::vector<std::string> drop_inactive_services(Node& project, const std::set<std::string>& active) {
  std::vector<std::string> dropped;
  Node* services = project.find("services");
  if (!services) return dropped;
  std::erase_if(services->entries, [&](const Node::Entry& entry) {
    if (is_active(entry.value, active)) return false;
    dropped.push_back(entry.key);
    return true;
  });
  std::ranges::sort(dropped);
  return dropped;
}

}  // namespace defang::compose
