#pragma once

#include <set>
#include <string>

#include "compose/project.h"
#include "support/diagnostic.h"

namespace defang::cli {

/// One error a config that the project needs and the vault does not have, with every place that wants it.
void report_missing_config(const compose::Project& project, const std::set<std::string>& present,
                           Diagnostics& diagnostics);

}  // namespace defang::cli
