#pragma once

#include <set>
#include <string>
#include <vector>

#include "compose/node.h"

namespace defang::compose {

/// Takes the services that no active profile selects out of the project (CS-220) and names them. `*` selects all.
std::vector<std::string> drop_inactive_services(Node& project, const std::set<std::string>& active);

}  // namespace defang::compose
