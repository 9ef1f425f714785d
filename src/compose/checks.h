#pragma once

#include <set>
#include <string>

#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// Values that contradict each other within one attribute or resource; checked of every project.
void check_values(const Node& project, Diagnostics& diagnostics);

/// Services of a canonical project that refer to what is not there, or contradict themselves (compose-semantics.md,
/// section M). `disabled` are the services that no active profile selects.
void check_consistency(const Node& project, const std::set<std::string>& disabled, Diagnostics& diagnostics);

}  // namespace defang::compose
