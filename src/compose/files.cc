#include "compose/files.h"

#include "compose/checks.h"
#include "compose/diagnostics.h"
#include "compose/extends.h"
#include "compose/include.h"
#include "compose/limits.h"
#include "compose/merge.h"
#include "compose/normalise.h"
#include "compose/paths.h"
#include "compose/read.h"
#include "compose/short_forms.h"
#include "compose/structure.h"

namespace defang::compose {
namespace {

/// One document on its way into the project.
struct Document {
  Workspace& workspace;
  const FileSet& set;
  std::filesystem::path file;
  Node root;
  Resets resets;
};

/// False: variables made the document too big.
bool replace_variables(Document& document) {
  Workspace& workspace = document.workspace;
  const std::size_t size = size_of(document.root);
  if (workspace.on_document) workspace.on_document(document.root);
  if (workspace.interpolated) {
    interpolate(document.root, document.set.variables.lookup(), workspace.unset, workspace.on_unset,
                workspace.diagnostics);
  } else {
    convert_types(document.root, workspace.diagnostics);
  }
  const std::size_t now = size_of(document.root);
  return now <= size || workspace.admit(now - size, document.root.span);
}

/// The next of the documents that are merged. False: one too many, or too big, which was reported.
bool admit_document(Workspace& workspace, const Node& root, std::size_t& count) {
  if (++count <= kMostDocuments) return workspace.admit(size_of(root), root.span);
  if (count == kMostDocuments + 1) workspace.diagnostics.add(too_many_documents(root.span));
  return false;
}

void ignore_version(Document& document, Node& project) {
  const Node::Entry* version = project.find_entry("version");
  if (!version) return;
  document.workspace.diagnostics.add(version_is_obsolete(version->key_span));
  project.erase("version");
}

/// `dns` items that variables left empty (CS-156).
void drop_empty_dns(Node& project) {
  Node* services = project.find("services");
  if (!services) return;
  for (Node::Entry& service : services->entries)
    if (Node* dns = service.value.find("dns"))
      std::erase_if(dns->items,
                    [](const Node& item) { return item.is_null() || (item.is_text() && item.text.empty()); });
}

void to_long_forms(Document& document, Node& project) {
  const ShortFormOptions options{
      .interpolated = document.workspace.interpolated,
      .admit = [&](std::size_t values, const SourceSpan& place) { return document.workspace.admit(values, place); }};
  expand_short_forms(project, options, document.workspace.diagnostics);
  drop_empty_dns(project);
  drop_repeated(project);
}

Node cut_short(Node project) {
  project.damaged = true;
  return project;
}

/// The order is the reference loader's: it decides what each step sees (compose-semantics.md, "Pipeline order").
Node add_document(Document& document, Node project) {
  document.resets = take_resets(document.root);
  if (!replace_variables(document)) return cut_short(std::move(project));
  apply_include(document.workspace, document.set, document.file, document.root, document.resets);
  apply_resets(project, document.resets);
  apply_extends(document.workspace, document.set, document.file, document.root, document.resets);
  if (!document.workspace.has_room()) return cut_short(std::move(project));
  project = merge_projects(std::move(project), std::move(document.root), document.workspace.diagnostics);
  drop_repeated(project);
  check_structure(project, document.workspace.diagnostics);
  ignore_version(document, project);
  to_long_forms(document, project);
  return project;
}

Node add_unchecked(Document& document, Node project) {
  document.resets = take_resets(document.root);
  if (!replace_variables(document)) return cut_short(std::move(project));
  apply_resets(project, document.resets);
  project = merge_projects(std::move(project), std::move(document.root), document.workspace.diagnostics);
  drop_repeated(project);
  to_long_forms(document, project);
  return project;
}

}  // namespace

namespace {

/// Piece by piece: a device has no end.
Result<std::string> read_up_to(const Disk& disk, const std::filesystem::path& path, std::size_t most) {
  TRY_ASSIGN(const auto reader, disk.open(path));
  std::string text;
  std::vector<char> buffer(1u << 16);
  while (text.size() < most) {
    TRY_ASSIGN(const std::size_t count, reader->read(buffer.data(), buffer.size()));
    if (count == 0) break;
    text.append(buffer.data(), count);
  }
  return text;
}

std::optional<std::vector<Node>> mappings_of(std::optional<std::vector<Node>> documents, Diagnostics& diagnostics) {
  if (!documents) return std::nullopt;
  for (const Node& document : *documents) {
    if (document.is_mapping()) continue;
    diagnostics.add(document_not_a_mapping(document.span));
    return std::nullopt;
  }
  return documents;
}

}  // namespace

Lookup Variables::lookup() const {
  return [this](std::string_view name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  };
}

void Variables::add_missing(const std::vector<std::pair<std::string, std::string>>& entries) {
  for (const auto& [name, value] : entries) values.emplace(name, value);
}

std::string Workspace::shown(const std::filesystem::path& path) const {
  const std::filesystem::path relative = path.lexically_relative(working_folder);
  if (relative.empty() || relative.begin()->string() == "..") return path.string();
  return relative.string();
}

std::shared_ptr<const SourceFile> Workspace::source(const std::filesystem::path& path, const SourceSpan& asked_by) {
  if (const auto known = sources_.find(path); known != sources_.end()) return known->second;
  std::string text = standard_input;
  if (path != "-") {
    auto read = read_up_to(disk, path, kMostFileBytes + 1);
    if (!read) {
      diagnostics.add(cannot_read(shown(path), read.error(), asked_by));
      return nullptr;
    }
    text = std::move(*read);
  }
  if (text.size() > kMostFileBytes) {
    diagnostics.add(file_too_big(path == "-" ? "-" : shown(path), asked_by));
    return nullptr;
  }
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);  // byte order mark
  return sources_[path] = std::make_shared<SourceFile>(path == "-" ? "-" : shown(path), std::move(text));
}

const std::vector<Node>* Workspace::documents(const std::filesystem::path& path, const SourceSpan& asked_by) {
  const auto [known, is_new] = documents_.try_emplace(path);
  auto& documents = known->second;
  if (is_new)
    if (const auto file = source(path, asked_by))
      documents = mappings_of(read_documents(file, diagnostics), diagnostics);
  return documents ? &*documents : nullptr;
}

bool Workspace::admit(std::size_t count, const SourceSpan& place) {
  const bool was_told = !has_room();
  values_ += count;
  if (!has_room() && !was_told) diagnostics.add(project_too_big(place));
  return has_room();
}

Node load_files(Workspace& workspace, const FileSet& set) {
  Node project;
  bool is_whole = true;
  std::size_t count = 0;
  for (const std::filesystem::path& file : set.files) {
    const std::vector<Node>* documents = workspace.documents(file, {});
    is_whole &= documents != nullptr;
    if (!documents) continue;
    for (const Node& root : *documents) {
      if (!admit_document(workspace, root, count)) {
        is_whole = false;
        break;
      }
      Document document{workspace, set, file, root, {}};
      project = add_document(document, std::move(project));
    }
  }
  project.damaged |= !is_whole;
  if (project.is_null() || !workspace.has_room()) return project;
  add_defaults(project);
  check_values(project, workspace.diagnostics);
  resolve_paths(project, {set.folder, workspace.home}, workspace.diagnostics);
  resolve_valueless(project, set.variables.lookup());
  return project;
}

std::shared_ptr<ExtendedFile> load_extended_file(Workspace& workspace, const FileSet& set,
                                                 const std::filesystem::path& path, const SourceSpan& asked_by) {
  const auto [known, is_new] = set.extended->emplace(path, nullptr);
  if (!is_new) return known->second;
  const std::vector<Node>* documents = workspace.documents(path, asked_by);
  if (!documents) return nullptr;
  auto extended = std::make_shared<ExtendedFile>();
  std::size_t count = 0;
  for (const Node& root : *documents) {
    if (!admit_document(workspace, root, count)) return nullptr;
    Document document{workspace, set, path, root, {}};
    extended->project = add_unchecked(document, std::move(extended->project));
    extended->resets = std::move(document.resets);
  }
  resolve_paths(extended->project, {path.parent_path(), workspace.home}, workspace.diagnostics);
  return known->second = std::move(extended);
}

}  // namespace defang::compose
