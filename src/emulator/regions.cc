#include "emulator/regions.h"

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::emulator {

namespace {

struct Region {
  std::string_view name, display;
};

// Public cloud; "List Azure regions", learn.microsoft.com/azure/reliability/regions-list. The two EUAP rings occur in
// test traffic.
constexpr auto kRegions = std::to_array<Region>({
    {"australiacentral", "Australia Central"},
    {"australiaeast", "Australia East"},
    {"australiasoutheast", "Australia Southeast"},
    {"austriaeast", "Austria East"},
    {"belgiumcentral", "Belgium Central"},
    {"brazilsouth", "Brazil South"},
    {"canadacentral", "Canada Central"},
    {"canadaeast", "Canada East"},
    {"centralindia", "Central India"},
    {"centralus", "Central US"},
    {"centraluseuap", "Central US EUAP"},
    {"chilecentral", "Chile Central"},
    {"eastasia", "East Asia"},
    {"eastus", "East US"},
    {"eastus2", "East US 2"},
    {"eastus2euap", "East US 2 EUAP"},
    {"francecentral", "France Central"},
    {"francesouth", "France South"},
    {"germanynorth", "Germany North"},
    {"germanywestcentral", "Germany West Central"},
    {"indonesiacentral", "Indonesia Central"},
    {"israelcentral", "Israel Central"},
    {"italynorth", "Italy North"},
    {"japaneast", "Japan East"},
    {"japanwest", "Japan West"},
    {"jioindiawest", "Jio India West"},
    {"koreacentral", "Korea Central"},
    {"koreasouth", "Korea South"},
    {"malaysiawest", "Malaysia West"},
    {"mexicocentral", "Mexico Central"},
    {"newzealandnorth", "New Zealand North"},
    {"northcentralus", "North Central US"},
    {"northcentralusstage", "North Central US (Stage)"},
    {"northeurope", "North Europe"},
    {"norwayeast", "Norway East"},
    {"norwaywest", "Norway West"},
    {"polandcentral", "Poland Central"},
    {"qatarcentral", "Qatar Central"},
    {"southafricanorth", "South Africa North"},
    {"southafricawest", "South Africa West"},
    {"southcentralus", "South Central US"},
    {"southeastasia", "Southeast Asia"},
    {"southindia", "South India"},
    {"spaincentral", "Spain Central"},
    {"swedencentral", "Sweden Central"},
    {"switzerlandnorth", "Switzerland North"},
    {"switzerlandwest", "Switzerland West"},
    {"uaecentral", "UAE Central"},
    {"uaenorth", "UAE North"},
    {"uksouth", "UK South"},
    {"ukwest", "UK West"},
    {"westcentralus", "West Central US"},
    {"westeurope", "West Europe"},
    {"westindia", "West India"},
    {"westus", "West US"},
    {"westus2", "West US 2"},
    {"westus3", "West US 3"},
});
static_assert(std::ranges::is_sorted(kRegions, {}, &Region::name));

const Region* find_region(std::string_view name) {
  const auto found = std::ranges::lower_bound(kRegions, name, {}, &Region::name);
  return found == kRegions.end() || found->name != name ? nullptr : &*found;
}

}  // namespace

std::string region_name(std::string_view text) {
  std::string name = to_lower(text);
  std::erase_if(name, [](char c) { return c == ' ' || c == '(' || c == ')'; });
  return name;
}

bool is_region(std::string_view name) { return find_region(name) != nullptr; }

const std::vector<std::string>& region_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const auto& region : kRegions) names.emplace_back(region.name);
    return names;
  }();
  return kNames;
}

std::string display_name(std::string_view region) {
  const Region* found = find_region(region);
  return std::string(found == nullptr ? region : found->display);
}

}  // namespace defang::emulator
