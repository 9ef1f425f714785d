#pragma once

#include <string>
#include <vector>

#include "support/diagnostic.h"

namespace defang::compose {

/// How some lines of a file came into the project: by `include`, or by `extends` from another file.
struct Origin {
  std::string file;  // as SourceFile::path
  std::size_t first_line = 0, last_line = 0;
  std::string how;  // "included from here"
  SourceSpan span;  // what brought them
};

/// Hands on what loading found, as people want to read it: in the order of the lines, each mistake once however many
/// services inherit it, with the chain that led to its file.
void report(const Diagnostics& found, const std::vector<Origin>& origins, Diagnostics& diagnostics);

}  // namespace defang::compose
