#include <algorithm>

#include "plan/plan.h"
#include "support/text.h"

namespace defang::plan {
namespace {

namespace fs = std::filesystem;

LocalPath::File file_at(const fs::path& path, std::string name, std::uint64_t size_bytes, const Disk& disk) {
  LocalPath::File file{.name = std::move(name), .size_bytes = size_bytes, .is_plain = disk.is_file(path)};
  if (!file.is_plain || size_bytes > kLargestCarried) return file;
  const auto content = disk.read(path);
  file.is_text = content && is_utf8(*content) && content->find('\0') == std::string::npos;
  if (content) file.size_bytes = content->size();  // of what a link leads to
  return file;
}

/// Adds the files below `folder`, whose names start with `prefix`. A link to a folder may lead round in a circle: it
/// counts as something that cannot be carried.
void collect(const fs::path& folder, const std::string& prefix, const Disk& disk, LocalPath& found) {
  const auto entries = disk.list(folder);
  if (!entries) return;
  for (const auto& entry : *entries) {
    if (found.files.size() >= kMostFilesSeen) return;
    if (entry.kind == Disk::Entry::Kind::folder)
      collect(folder / entry.name, prefix + entry.name + "/", disk, found);
    else
      found.files.push_back(file_at(folder / entry.name, prefix + entry.name, entry.size_bytes, disk));
  }
}

LocalPath look_at(const fs::path& path, const Disk& disk) {
  LocalPath found;
  if (disk.is_folder(path)) {
    found.kind = LocalPath::Kind::folder;
    collect(path, "", disk, found);
  } else if (const auto entry = disk.look_at(path)) {
    found.kind = LocalPath::Kind::file;
    found.files.push_back(file_at(path, path.filename().string(), entry->size_bytes, disk));
  }
  return found;
}

}  // namespace

std::map<std::string, LocalPath> local_paths(const compose::Project& project, const Disk& disk) {
  std::map<std::string, LocalPath> paths;
  for (const auto& [name, service] : project.services)
    for (const auto& mount : service.volumes)
      if (mount.type == "bind" && is_inside(mount.source, project.folder) && !paths.contains(mount.source))
        paths.emplace(mount.source, look_at(mount.source, disk));
  for (const auto* sources : {&project.secrets, &project.configs})
    for (const auto& [name, source] : *sources)
      if (!source.file.empty()) paths.emplace(source.file, look_at(source.file, disk));
  return paths;
}

void look_at_disk(const compose::Project& project, const Disk& disk, Facts& facts) {
  facts.without_dockerfile = services_without_dockerfile(project, disk);
  facts.modules = module_images(project, disk);
  facts.local_paths = local_paths(project, disk);
}

}  // namespace defang::plan
