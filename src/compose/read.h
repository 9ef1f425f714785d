#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// The documents of one YAML text, with aliases and merge keys resolved and every place kept (CS-20..CS-31). Empty
/// documents are left out. Nothing where the text cannot be understood; a repeated key is reported, but the rest is
/// still worth checking.
std::optional<std::vector<Node>> read_documents(const std::shared_ptr<const SourceFile>& file,
                                                Diagnostics& diagnostics);

}  // namespace defang::compose
