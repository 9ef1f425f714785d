#pragma once

#include <filesystem>

#include "compose/files.h"

namespace defang::compose {

/// Loads each `include` entry of the document as a project of its own and copies its services, networks, volumes,
/// secrets, configs and models in (compose-semantics.md, section H).
void apply_include(Workspace& workspace, const FileSet& set, const std::filesystem::path& file, Node& document,
                   const Resets& resets);

}  // namespace defang::compose
