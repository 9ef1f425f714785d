#pragma once

#include <filesystem>
#include <stop_token>

#include "support/result.h"

namespace defang::emulator {

/// Unpacks a tar archive (with or without gzip) into a folder. An entry that would land outside is an error, not a
/// surprise: `..`, absolute names, and links that lead out on the way.
Result<void> unpack(const std::filesystem::path& archive, const std::filesystem::path& folder, std::stop_token stop);

}  // namespace defang::emulator
