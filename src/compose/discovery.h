#pragma once

#include <filesystem>
#include <optional>
#include <vector>

#include "support/diagnostic.h"
#include "support/disk.h"

namespace defang::compose {

/// The Compose file of a folder or the nearest of its parents, and its override beside it (CS-1..CS-3). Nothing: none
/// has one.
std::optional<std::vector<std::filesystem::path>> find_compose_files(const Disk& disk,
                                                                     const std::filesystem::path& folder,
                                                                     Diagnostics& diagnostics);

}  // namespace defang::compose
