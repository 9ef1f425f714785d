#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace defang::emulator {

/// An ARM path taken apart. The part after the last "/providers/" names the type; what is before it is the scope.
///
///   {scope}/providers/{namespace}/{type}/{name}/{type}/{name}[/{collection or action}]
struct ArmPath {
  std::string scope;     // "/subscriptions/s/resourceGroups/g", as the client wrote it
  std::string provider;  // "Microsoft.App"; empty for groups and subscriptions
  std::vector<std::string> types;
  std::vector<std::string> names;  // as many as types, or one fewer: then the last type is a collection or an action
  std::string subscription;
  std::string group;  // empty above groups

  bool names_resource() const { return !types.empty() && types.size() == names.size(); }
  std::string type() const;         // "Microsoft.App/containerApps/revisions", of all of `types`
  std::string parent_type() const;  // without the last of `types`
  std::string name() const { return names.empty() ? std::string() : names.back(); }
  std::string id() const;         // scope and as many pairs as there are names
  std::string parent_id() const;  // without the last pair; the scope for a top-level resource
};

/// Segments are decoded already. A group is the type Microsoft.Resources/resourceGroups, a subscription
/// Microsoft.Resources/subscriptions. Nothing for a path that is not ARM's.
std::optional<ArmPath> parse_arm_path(const std::vector<std::string>& segments);
/// Of an id, which may hold no percent signs.
std::optional<ArmPath> parse_arm_id(std::string_view id);

}  // namespace defang::emulator
