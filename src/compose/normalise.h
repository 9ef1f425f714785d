#pragma once

#include <string>

#include "compose/interpolate.h"
#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// Values that are implied where nothing is written: `build.context: .`, `ports[].protocol: tcp` ...
void add_defaults(Node& project);

/// Entries without value of `environment` and `build.args` take it from the variables (CS-125, CS-135).
void resolve_valueless(Node& project, const Lookup& lookup);

/// The default network, implied dependencies, names of resources (CS-131, CS-180, CS-181).
void normalise(Node& project, const std::string& project_name);

}  // namespace defang::compose
