#pragma once

#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// Writes every short form of a checked project in its long form (compose-semantics.md, section I).
/// With `interpolated` false a text that holds a variable stays as it is.
struct ShortFormOptions {
  bool interpolated = true;
};
void expand_short_forms(Node& project, const ShortFormOptions& options, Diagnostics& diagnostics);

}  // namespace defang::compose
