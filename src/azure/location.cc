#include "azure/location.h"

#include <algorithm>
#include <array>

namespace defang::azure {
namespace {

struct Region {
  std::string_view name;
  std::string_view display;
};
// Regions with Container Apps, "Products available by region". Others work as well: the table only knows how Azure
// writes the name.
constexpr auto kRegions = std::to_array<Region>({
    {"australiaeast", "Australia East"},
    {"brazilsouth", "Brazil South"},
    {"canadacentral", "Canada Central"},
    {"centralindia", "Central India"},
    {"centralus", "Central US"},
    {"eastasia", "East Asia"},
    {"eastus", "East US"},
    {"eastus2", "East US 2"},
    {"francecentral", "France Central"},
    {"germanywestcentral", "Germany West Central"},
    {"japaneast", "Japan East"},
    {"koreacentral", "Korea Central"},
    {"northcentralus", "North Central US"},
    {"northeurope", "North Europe"},
    {"norwayeast", "Norway East"},
    {"southafricanorth", "South Africa North"},
    {"southcentralus", "South Central US"},
    {"southeastasia", "Southeast Asia"},
    {"swedencentral", "Sweden Central"},
    {"switzerlandnorth", "Switzerland North"},
    {"uaenorth", "UAE North"},
    {"uksouth", "UK South"},
    {"ukwest", "UK West"},
    {"westeurope", "West Europe"},
    {"westus", "West US"},
    {"westus2", "West US 2"},
    {"westus3", "West US 3"},
});
static_assert(std::ranges::is_sorted(kRegions, {}, &Region::name));

}  // namespace

std::optional<Location> Location::parse(std::string_view text) {
  std::string name;
  for (const char c : text) {
    if (c == ' ') continue;
    if (c >= 'A' && c <= 'Z')
      name += static_cast<char>(c - 'A' + 'a');
    else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
      name += c;
    else
      return std::nullopt;
  }
  if (name.empty()) return std::nullopt;
  return Location(std::move(name));
}

std::string display_name(const Location& location) {
  const auto found = std::ranges::lower_bound(kRegions, location.text(), {}, &Region::name);
  return found != kRegions.end() && found->name == location.text() ? std::string(found->display) : location.text();
}

std::string_view storage_suffix(std::string_view location) {
  // The clouds of their own; "Azure Storage endpoints", "Compare Azure Government and global Azure".
  if (location.starts_with("usgov") || location.starts_with("usdod")) return "core.usgovcloudapi.net";
  if (location.starts_with("china")) return "core.chinacloudapi.cn";
  return "core.windows.net";
}

}  // namespace defang::azure
