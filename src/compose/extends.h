#pragma once

#include <filesystem>

#include "compose/files.h"

namespace defang::compose {

/// Replaces `extends` of every service of the document by what it stands for (compose-semantics.md, section G).
void apply_extends(Workspace& workspace, const FileSet& set, const std::filesystem::path& file, Node& document,
                   const Resets& resets);

}  // namespace defang::compose
