#include "compose/include.h"

#include <algorithm>
#include <limits>
#include <map>

#include "compose/attributes.h"
#include "compose/diagnostics.h"
#include "compose/env_files.h"
#include "compose/limits.h"
#include "compose/merge.h"
#include "compose/paths.h"

namespace defang::compose {
namespace {

namespace fs = std::filesystem;

std::vector<Node> texts_of(const Node* node) {
  if (!node) return {};
  if (node->is_text()) return {*node};
  return node->items;
}

class Inclusion {
 public:
  Inclusion(Workspace& workspace, const FileSet& set, const fs::path& file)
      : workspace_(workspace), set_(set), file_(file) {}

  /// One after the other into the same document.
  void apply(const Node& entry, Node& document, const Resets& resets) {
    if (!include(entry, document, resets)) document.damaged = true;
  }

 private:
  /// False: what it brings is not known, for a reason that was reported.
  bool include(const Node& entry, Node& document, const Resets& resets) {
    if (entry.is_lost()) return false;
    const std::vector<Node> paths = texts_of(entry.is_text() ? &entry : entry.find("path"));
    if (paths.empty()) {
      workspace_.diagnostics.add(include_without_path(entry.span));
      return false;
    }
    FileSet included;
    included.including = set_.including;
    included.including.push_back(file_);
    for (const Node& path : paths) included.files.push_back(absolute_path(path.text, base()));
    if (is_cycle(included, paths[0].span)) return false;
    if (included.including.size() > kDeepestIncludes || ++workspace_.includes > kMostIncludes) {
      if (workspace_.includes <= kMostIncludes + 1) workspace_.diagnostics.add(too_many_includes(paths[0].span));
      return false;
    }
    included.folder = included.files[0].parent_path();
    if (const Node* folder = entry.find("project_directory"); folder && folder->is_text())
      included.folder = existing_folder(absolute_path(folder->text, base()));
    if (!workspace_.admit(set_.variables.values.size(), paths[0].span)) return false;
    included.variables = set_.variables;
    if (!read_variables(entry, included)) return false;
    for (const Node& path : paths)
      if (!workspace_.source(absolute_path(path.text, base()), path.span)) return false;

    for (std::size_t i = 0; i < paths.size(); ++i)
      workspace_.origins.push_back({workspace_.shown(included.files[i]), 0, std::numeric_limits<std::size_t>::max(),
                                    "included from here", paths[i].span});
    Node project = load_files(workspace_, included);
    const bool is_whole = !project.damaged;
    import(std::move(project), document, resets);
    return is_whole;
  }

  PathBase base() const { return {set_.folder, workspace_.home}; }

  /// The reference loader takes what is no folder for a file, and its folder instead.
  fs::path existing_folder(const fs::path& folder) const {
    return workspace_.disk.is_folder(folder) ? folder : folder.parent_path();
  }

  bool is_cycle(const FileSet& included, const SourceSpan& span) {
    const auto found = std::ranges::find(included.including, included.files[0]);
    if (found == included.including.end()) return false;
    std::vector<std::string> chain;
    for (const fs::path& file : included.including) chain.push_back(workspace_.shown(file));
    chain.push_back(workspace_.shown(included.files[0]));
    workspace_.diagnostics.add(include_cycle(chain, span));
    return true;
  }

  /// CS-97: what the including project knows wins.
  bool read_variables(const Node& entry, FileSet& included) {
    const std::vector<Node> named = texts_of(entry.find("env_file"));
    if (named.empty()) {
      const fs::path own = included.folder / ".env";
      if (!workspace_.disk.is_file(own)) return true;
      return read_env_files(workspace_, {{own, {}}}, included.variables);
    }
    std::vector<EnvFile> files;
    for (const Node& file : named)
      if (file.text != "/dev/null") files.push_back({absolute_path(file.text, base()), file.span});
    return read_env_files(workspace_, files, included.variables);
  }

  void import(Node project, Node& document, const Resets& resets) {
    for (const char* section : {"services", "volumes", "networks", "secrets", "configs", "models"}) {
      Node* from = project.find(section);
      if (!from || !from->is_mapping()) continue;
      Node* to = document.find(section);
      if (!to || to->is_null()) to = &document.set(section, Node::of_mapping());
      if (!to->is_mapping()) continue;
      to->damaged |= from->damaged;
      const Shape* shape = compose_file().key(section)->each;
      KeyIndex& keys = keys_[section];
      for (Node::Entry& entry : from->entries) {
        Node* own = keys.find(*to, entry.key);
        if (!own) {
          to->entries.push_back(std::move(entry));
          continue;
        }
        // What the including file says wins, and its tags act on what is included.
        apply_resets(entry.value, resets.at(section).at(entry.key));
        *own =
            merge(std::move(entry.value), std::move(*own), shape, section + ("." + entry.key), workspace_.diagnostics);
      }
    }
  }

  Workspace& workspace_;
  const FileSet& set_;
  const fs::path& file_;
  std::map<std::string, KeyIndex> keys_;  // of each section of the document
};

}  // namespace

void apply_include(Workspace& workspace, const FileSet& set, const std::filesystem::path& file, Node& document,
                   const Resets& resets) {
  const Node* include = document.find("include");
  if (!include) return;
  if (include->is_null()) return void(document.erase("include"));
  if (!include->is_list()) return workspace.diagnostics.add(include_not_a_list(include->span));
  const std::vector<Node> entries = include->items;
  document.erase("include");
  Inclusion inclusion(workspace, set, file);
  for (const Node& entry : entries) inclusion.apply(entry, document, resets);
}

}  // namespace defang::compose
