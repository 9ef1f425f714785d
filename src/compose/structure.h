#pragma once

#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// Holds a merged project against the table of attributes: unknown keys, wrong types, missing and repeated items
/// (CS-200..CS-202). Reports all of them, and removes what is wrong, so that the rest can be checked further.
void check_structure(Node& project, Diagnostics& diagnostics);

}  // namespace defang::compose
