#pragma once

#include <string_view>

namespace defang::azure {

/// What a resource of this type is billed for while nobody uses it, as the end of "costs ...": "each GB that it
/// keeps". Empty: nothing that our rules know of (azure-rules.md J).
std::string_view idle_cost_of(std::string_view type);

}  // namespace defang::azure
