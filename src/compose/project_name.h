#pragma once

#include <string>
#include <string_view>

namespace defang::compose {

/// Lower case, without characters that a project name may not have (CS-11).
std::string normalise_project_name(std::string_view name);

}  // namespace defang::compose
