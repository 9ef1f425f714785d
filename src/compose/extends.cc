#include "compose/extends.h"

#include <algorithm>

#include "compose/attributes.h"
#include "compose/diagnostics.h"
#include "compose/limits.h"
#include "compose/merge.h"
#include "compose/paths.h"

namespace defang::compose {
namespace {

/// A file's services as far as they are known, and what its tags reset.
struct Scope {
  std::filesystem::path file;
  Node* services;
  const Resets* resets;
  KeyIndex* index;

  Node* find(const std::string& name) const { return index->find(*services, name); }
};

std::size_t last_line(const Node& node, std::size_t line) {
  line = std::max(line, node.span.line);
  for (const Node& item : node.items) line = last_line(item, line);
  for (const Node::Entry& entry : node.entries) line = last_line(entry.value, std::max(line, entry.key_span.line));
  return line;
}

class Extension {
 public:
  Extension(Workspace& workspace, const FileSet& set) : workspace_(workspace), set_(set) {}

  /// Makes the service whole, in its scope. False after an error.
  bool apply(const Scope& scope, const std::string& name) {
    if (workspace_.diagnostics.error_count() >= kMostMistakes) return false;
    Node* service = scope.find(name);
    if (service->is_null()) return true;
    if (!service->is_mapping()) return fail(service_not_a_mapping(name, service->span));
    const Node::Entry* extends = service->find_entry("extends");
    if (!extends) return true;
    const Node* base_name = extends->value.is_text() ? &extends->value : extends->value.find("service");
    if (!base_name || !base_name->is_text()) return fail(extends_without_service(name, extends->key_span));
    if (!enter(scope, name, extends->key_span)) return false;
    const Node* base = base_of(scope, name, extends->value, *base_name);
    chain_.pop_back();
    if (!base || !workspace_.admit(size_of(*base), extends->key_span)) return damage(*service);
    if (base->is_null()) return service->erase("extends");

    // Tags within the extending service act on what it inherits (CS-87).
    Node inherited = *base;
    apply_resets(inherited, scope.resets->at("services").at(name));
    inherited.erase("extends");

    Node own = std::move(*service);
    own.erase("extends");
    const SourceSpan span = own.span;
    *service = merge(std::move(inherited), std::move(own), compose_file().key("services")->each, "services." + name,
                     workspace_.diagnostics);
    service->span = span;
    return true;
  }

 private:
  struct Link {
    std::filesystem::path file;
    std::string service;
    SourceSpan span;
  };

  bool fail(Diagnostic diagnostic) {
    workspace_.diagnostics.add(std::move(diagnostic));
    return false;
  }

  /// What the service would have inherited is not known.
  static bool damage(Node& service) {
    service.erase("extends");
    service.damaged = true;
    return false;
  }

  bool enter(const Scope& scope, const std::string& name, const SourceSpan& span) {
    const auto same = [&](const Link& link) { return link.file == scope.file && link.service == name; };
    if (std::ranges::any_of(chain_, same)) {
      std::vector<std::pair<std::string, SourceSpan>> links;
      for (const Link& link : chain_) links.emplace_back(link.service, link.span);
      return fail(circular_extends(links, name, workspace_.shown(scope.file)));
    }
    if (chain_.size() >= kLongestExtends) return fail(extends_too_long(name, span));
    chain_.push_back({scope.file, name, span});
    return true;
  }

  /// The service that is extended, whole; nothing after an error.
  const Node* base_of(const Scope& scope, const std::string& name, const Node& extends, const Node& base_name) {
    const Node* file = extends.find("file");
    if (!file || file->is_null()) {
      if (!scope.find(base_name.text)) {
        fail(extended_service_not_found(name, base_name, workspace_.shown(scope.file), "", *scope.services));
        return nullptr;
      }
      return apply(scope, base_name.text) ? scope.find(base_name.text) : nullptr;
    }
    const std::filesystem::path path = absolute_path(file->text, {set_.folder, workspace_.home});
    const auto other = load_extended_file(workspace_, set_, path, file->span);
    if (!other) return nullptr;
    Node* services = other->project.find("services");
    if (!services || !services->is_mapping() || !services->find(base_name.text)) {
      fail(extended_service_not_found(name, base_name, workspace_.shown(scope.file), workspace_.shown(path),
                                      services ? *services : Node()));
      return nullptr;
    }
    const Node::Entry& base = *services->find_entry(base_name.text);
    workspace_.origins.push_back({workspace_.shown(path), base.key_span.line, last_line(base.value, base.key_span.line),
                                  "`" + name + "` extends `" + base_name.text + "` of that file here", base_name.span});
    const Scope there{path, services, &other->resets, &other->index};
    return apply(there, base_name.text) ? there.find(base_name.text) : nullptr;
  }

  Workspace& workspace_;
  const FileSet& set_;
  std::vector<Link> chain_;
};

}  // namespace

void apply_extends(Workspace& workspace, const FileSet& set, const std::filesystem::path& file, Node& document,
                   const Resets& resets) {
  Node* services = document.find("services");
  if (!services) return;
  if (!services->is_mapping()) {  // not even nothing, which elsewhere keeps what earlier files said
    const SourceSpan& span = services->is_null() ? document.find_entry("services")->key_span : services->span;
    return workspace.diagnostics.add(wrong_type("services", form_mapping, *services, span));
  }
  Extension extension(workspace, set);
  std::vector<std::string> names;
  for (const Node::Entry& entry : services->entries) names.push_back(entry.key);
  KeyIndex index;
  for (const std::string& name : names) extension.apply({file, services, &resets, &index}, name);
}

}  // namespace defang::compose
