#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "compose/node.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// What relative paths of a project are relative to.
struct PathBase {
  std::filesystem::path folder;
  std::filesystem::path home;  // of "~"
};

/// Absolute and without "." and ".."; "" stays.
std::string absolute_path(std::string_view path, const PathBase& base);
/// A build context that is fetched from elsewhere: "https://...", "git@...", "service:x", "docker-image://..."
bool is_remote_context(std::string_view context);

/// Makes the paths of a project in long form absolute (CS-190).
void resolve_paths(Node& project, const PathBase& base, Diagnostics& diagnostics);

}  // namespace defang::compose
