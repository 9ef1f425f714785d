#include "support/source_span.h"

#include <fmt/format.h>

namespace defang {

std::string SourceSpan::text() const {
  if (!file) return "";
  if (line == 0) return file->path;
  return fmt::format("{}:{}:{}", file->path, line, column);
}

}  // namespace defang
