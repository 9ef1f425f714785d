#include "compose/env_files.h"

#include <map>

#include "compose/diagnostics.h"
#include "compose/dotenv.h"
#include "compose/limits.h"

namespace defang::compose {
namespace {

/// Without its text: the line would show a secret.
SourceSpan line_of(const SourceFile& file, std::size_t line) {
  return {std::make_shared<SourceFile>(file.path, ""), line, 1, 0};
}

/// Entries of several files, the later winning. Nothing after an error.
std::optional<EnvFileEntries> read_all(Workspace& workspace, const std::vector<EnvFile>& files, const Lookup& lookup) {
  EnvFileEntries all;
  std::map<std::string, std::size_t, std::less<>> places;  // of keys in `all`
  bool is_good = true;
  for (const EnvFile& file : files) {
    const auto source = workspace.source(file.path, file.asked_by);
    if (!source) {
      is_good = false;
      continue;
    }
    const std::size_t size = source->text.size() / kBytesAsValue;
    if (!workspace.admit(size, file.asked_by ? file.asked_by : line_of(*source, 0))) return std::nullopt;
    const Lookup with_earlier = [&](std::string_view name) -> std::optional<std::string> {
      if (auto value = lookup(name)) return value;
      const auto found = places.find(name);
      if (found == places.end()) return std::nullopt;
      return all[found->second].second;
    };
    std::vector<EnvFileError> doubts;
    const auto entries = parse_env_file(source->text, with_earlier, &doubts);
    for (const EnvFileError& doubt : doubts)
      workspace.diagnostics.add(quote_without_partner(doubt.message, line_of(*source, doubt.line)));
    if (!entries) {
      workspace.diagnostics.add(bad_env_file(entries.error().message, line_of(*source, entries.error().line)));
      is_good = false;
      continue;
    }
    for (const auto& [key, value] : *entries) {
      const auto [place, is_new] = places.emplace(key, all.size());
      if (is_new) {
        all.emplace_back(key, value);
      } else {
        all[place->second].second = value;
      }
    }
    if (!workspace.admit(entries->size(), file.asked_by ? file.asked_by : line_of(*source, 0))) return std::nullopt;
  }
  if (!is_good) return std::nullopt;
  return all;
}

class Folding {
 public:
  Folding(Workspace& workspace, const Variables& variables) : workspace_(workspace), variables_(variables) {}

  void environment(Node& service, const std::string& path) {
    const Node* files = service.find("env_file");
    if (!files) return;
    std::vector<EnvFile> present;
    for (const Node& file : files->items) {
      if (auto found = existing(file, path)) present.push_back(*found);
    }
    const Node* own = service.find("environment");
    KeyIndex keys;
    fold(service, "environment", present, [&](std::string_view name) -> std::optional<std::string> {
      if (auto value = variables_.lookup()(name)) return value;
      const Node* value = own ? keys.find(*own, name) : nullptr;
      if (!value || !value->is_text()) return std::nullopt;
      return value->text;
    });
  }

  void labels(Node& service) {
    const Node* files = service.find("label_file");
    if (!files) return;
    std::vector<EnvFile> all;
    for (const Node& file : files->items) all.push_back({file.text, file.span});
    fold(service, "labels", all, variables_.lookup());
  }

 private:
  std::optional<EnvFile> existing(const Node& file, const std::string& path) {
    const Node* name = file.find("path");
    if (!name) {
      workspace_.diagnostics.add(empty_env_file(path, file.span));
      return std::nullopt;
    }
    if (const Node* format = file.find("format"); format && !format->text.empty()) {
      workspace_.diagnostics.add(unsupported_env_file_format(path, *format));
      return std::nullopt;
    }
    const Node* is_required = file.find("required");
    const bool is_optional = is_required && !is_required->boolean;
    if (is_optional && !workspace_.disk.is_file(name->text)) return std::nullopt;
    return EnvFile{name->text, name->span};
  }

  /// What the files say comes first, then the service's own entries, which win.
  void fold(Node& service, std::string_view key, const std::vector<EnvFile>& files, const Lookup& lookup) {
    const auto entries = read_all(workspace_, files, lookup);
    if (!entries || entries->empty()) return;
    Node folded = Node::of_mapping();
    KeyIndex keys;
    if (const Node* own = service.find(key)) folded.span = own->span;
    for (const auto& [name, value] : *entries) {
      Node text = Node::of(value);
      text.span = files.back().asked_by;
      text.from_variable = true;
      keys.set(folded, name, std::move(text));
    }
    if (const Node* own = service.find(key))
      for (const Node::Entry& entry : own->entries) {
        if (Node::Entry* same = keys.find_entry(folded, entry.key)) {
          *same = entry;
        } else {
          folded.entries.push_back(entry);
        }
      }
    service.set(key, std::move(folded));
  }

  Workspace& workspace_;
  const Variables& variables_;
};

}  // namespace

bool read_env_files(Workspace& workspace, const std::vector<EnvFile>& files, Variables& variables) {
  const auto entries = read_all(workspace, files, variables.lookup());
  if (entries) variables.add_missing(*entries);
  return entries.has_value();
}

void fold_env_files(Workspace& workspace, const Variables& variables, Node& project) {
  Node* services = project.find("services");
  if (!services) return;
  Folding folding(workspace, variables);
  for (Node::Entry& entry : services->entries) {
    folding.environment(entry.value, "services." + entry.key);
    folding.labels(entry.value);
  }
}

}  // namespace defang::compose
