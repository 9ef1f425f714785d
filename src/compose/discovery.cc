#include "compose/discovery.h"

#include <array>

#include "compose/diagnostics.h"

namespace defang::compose {
namespace {

// compose-spec, "Compose file"; the order of the overrides is the reference loader's (CS-1, CS-2).
constexpr auto kFileNames =
    std::to_array<std::string_view>({"compose.yaml", "compose.yml", "docker-compose.yml", "docker-compose.yaml"});
constexpr auto kOverrideNames = std::to_array<std::string_view>(
    {"compose.override.yml", "compose.override.yaml", "docker-compose.override.yml", "docker-compose.override.yaml"});

template <class Names>
std::vector<std::filesystem::path> present(const Disk& disk, const std::filesystem::path& folder, const Names& names) {
  std::vector<std::filesystem::path> found;
  for (const std::string_view name : names)
    if (disk.is_file(folder / name)) found.push_back(folder / name);
  return found;
}

}  // namespace

std::optional<std::vector<std::filesystem::path>> find_compose_files(const Disk& disk,
                                                                     const std::filesystem::path& folder,
                                                                     Diagnostics& diagnostics) {
  for (std::filesystem::path place = folder;; place = place.parent_path()) {
    const auto files = present(disk, place, kFileNames);
    if (!files.empty()) {
      if (files.size() > 1) diagnostics.add(several_compose_files(files));
      std::vector<std::filesystem::path> chosen{files[0]};
      const auto overrides = present(disk, place, kOverrideNames);
      if (!overrides.empty()) chosen.push_back(overrides[0]);
      return chosen;
    }
    if (place == place.parent_path()) return std::nullopt;
  }
}

}  // namespace defang::compose
