#pragma once

#include <span>
#include <string_view>

/// The table of resource types: the only thing that the compiler's half and the emulator's half of a provider share
/// (style.md, 2).
namespace defang::azure {

struct ResourceType {
  std::string_view type;         // "Microsoft.App/containerApps"
  std::string_view api_version;  // that we send
  enum class Put { synchronous, long_running } put;
  bool taggable;
  bool has_location;
  struct NameRule {
    std::size_t min, max;
    enum class Characters {
      lower_alnum,
      lower_alnum_dash,
      alnum,
      alnum_dash,
      alnum_dash_underscore,
      alnum_dash_underscore_dot,
      guid,
      fixed
    } characters;
    bool starts_with_letter;
    bool double_dash;       // "--" is allowed
    std::string_view rule;  // "ARM-62"
  } name;
  enum class Scope { group, global, parent, extension } unique_in;
  std::string_view documentation;  // page under https://learn.microsoft.com/azure/templates/
};

/// Sorted by type, without case.
std::span<const ResourceType> resource_types();
/// nullptr for a type that we do not know. Without case.
const ResourceType* find_resource_type(std::string_view type);

}  // namespace defang::azure
