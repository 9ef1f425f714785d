#pragma once

#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// Brings every value of a project in long form into its canonical text or number (vectors: durations as "1m30s", sizes
/// in bytes, commands as lists ...) and leaves out what is empty.
void canonicalise_values(Node& project, Diagnostics& diagnostics);

}  // namespace defang::compose
