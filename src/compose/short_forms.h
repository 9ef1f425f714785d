#pragma once

#include <functional>

#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// Writes every short form of a checked project in its long form (compose-semantics.md, section I).
/// With `interpolated` false a text that holds a variable stays as it is.
/// `admit` is asked before a range of ports becomes many (Workspace::admit).
struct ShortFormOptions {
  bool interpolated = true;
  std::function<bool(std::size_t values, const SourceSpan& place)> admit;
};
void expand_short_forms(Node& project, const ShortFormOptions& options, Diagnostics& diagnostics);

}  // namespace defang::compose
