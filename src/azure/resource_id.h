#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace defang::azure {

/// "/subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}[/{type}/{name}]...", compared without
/// case (wire facts 1.9).
class ResourceId {
 public:
  static std::optional<ResourceId> parse(std::string_view text);
  static ResourceId subscription(std::string_view subscription);
  static ResourceId group(std::string_view subscription, std::string_view group);
  /// type "Microsoft.App/managedEnvironments/storages", name "env/share": as many name parts as type parts after the
  /// namespace.
  static ResourceId resource(std::string_view subscription, std::string_view group, std::string_view type,
                             std::string_view name);
  /// An extension resource such as a role assignment on this one.
  ResourceId extension(std::string_view type, std::string_view name) const;

  const std::string& text() const { return text_; }
  std::string subscription_id() const;
  std::string group_name() const;  // empty at subscription scope
  std::string type()
      const;  // "Microsoft.App/containerApps", of the last /providers/ part; "Microsoft.Resources/resourceGroups"
  std::string name() const;  // "app" or "parent/child", of the last /providers/ part
  std::string last_name() const;
  std::optional<ResourceId> parent() const;  // of a child resource, or the scope of an extension

  friend bool operator==(const ResourceId& a, const ResourceId& b);
  friend std::strong_ordering operator<=>(const ResourceId& a, const ResourceId& b);

 private:
  explicit ResourceId(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace defang::azure
