#include <algorithm>
#include <array>

#include "plan/plan.h"

namespace defang::plan {
namespace {

// What Cloud Native Buildpacks know a language by; a folder without any of these is none of theirs.
constexpr auto kLanguageFiles = std::to_array<std::string_view>({
    "Cargo.toml",
    "Gemfile",
    "build.gradle",
    "build.gradle.kts",
    "composer.json",
    "go.mod",
    "package.json",
    "pom.xml",
    "pyproject.toml",
    "requirements.txt",
});

bool holds_known_language(const std::filesystem::path& folder, const Disk& disk) {
  if (std::ranges::any_of(kLanguageFiles, [&](std::string_view file) { return disk.is_file(folder / file); }))
    return true;
  const auto entries = disk.list(folder);
  return entries &&
         std::ranges::any_of(*entries, [](const Disk::Entry& entry) { return entry.name.ends_with(".csproj"); });
}

}  // namespace

std::set<std::string> services_without_dockerfile(const compose::Project& project, const Disk& disk) {
  std::set<std::string> services;
  for (const auto& [name, service] : project.services) {
    if (!service.build || service.build->is_remote || service.build->dockerfile_inline) continue;
    const auto& build = *service.build;
    const bool is_named = !(build.dockerfile_span == build.span);  // the default's place is that of `build`
    if (is_named || disk.is_file(build.context / build.dockerfile)) continue;
    if (holds_known_language(build.context, disk)) services.insert(name);
  }
  return services;
}

}  // namespace defang::plan
