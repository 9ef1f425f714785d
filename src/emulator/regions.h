#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace defang::emulator {

/// "westus3": lower case, no blanks.
bool is_region(std::string_view name);
/// "North Central US (Stage)" and "NorthCentralUSStage" are "northcentralusstage".
std::string region_name(std::string_view text);
const std::vector<std::string>& region_names();
/// "West US 3", as Container Apps and some others show it; the name itself where it is unknown.
std::string display_name(std::string_view region);

}  // namespace defang::emulator
