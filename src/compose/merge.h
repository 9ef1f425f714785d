#pragma once

#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

struct Shape;

/// What `later` says comes on top of `earlier` (compose-semantics.md, section F). `shape` is what both describe; null
/// below x-*. `path` is for messages.
Node merge(Node earlier, Node later, const Shape* shape, const std::string& path, Diagnostics& diagnostics);
Node merge_projects(Node earlier, Node later, Diagnostics& diagnostics);

/// Of list items that mean the same thing the last stays, in the place of the first (CS-72..CS-76).
void drop_repeated(Node& project);

}  // namespace defang::compose
