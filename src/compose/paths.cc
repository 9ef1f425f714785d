#include "compose/paths.h"

#include <array>
#include <cctype>

#include "compose/attributes.h"
#include "compose/diagnostics.h"

namespace defang::compose {
namespace {

/// "C:\x", "C:/x" and "\\server\share": absolute where the containers run, and none of our business.
bool is_windows_path(std::string_view path) {
  if (path.starts_with("\\\\")) return true;
  return path.size() > 2 && std::isalpha(static_cast<unsigned char>(path[0])) && path[1] == ':' &&
         (path[2] == '\\' || path[2] == '/');
}

std::string resolved(const std::string& path, Place place, const PathBase& base) {
  if (place == Place::context && is_remote_context(path)) return path;
  if (place == Place::unix_path && is_windows_path(path)) return path;
  if (place == Place::unix_path && path.empty()) return base.folder.string();
  return absolute_path(path, base);
}

void visit(Node& node, const Shape& shape, const PathBase& base) {
  const Place place = shape.attribute->place;
  if (node.is_text()) {
    if (place != Place::none) node.text = resolved(node.text, place, base);
    return;
  }
  for (Node& item : node.items) {
    if (item.is_text() && place != Place::none) item.text = resolved(item.text, place, base);
    if (shape.each) visit(item, *shape.each, base);
  }
  for (Node::Entry& entry : node.entries) {
    if (entry.value.is_text() && place != Place::none) entry.value.text = resolved(entry.value.text, place, base);
    if (const Shape* inner = shape.key(entry.key)) visit(entry.value, *inner, base);
  }
}

void resolve_mounts(Node& service, const std::string& path, const PathBase& base, Diagnostics& diagnostics) {
  Node* volumes = service.find("volumes");
  if (!volumes) return;
  for (Node& mount : volumes->items) {
    const Node* type = mount.find("type");
    if (!type || type->text != "bind") continue;
    Node* source = mount.find("source");
    if (!source || source->text.empty()) {
      if (!mount.damaged) diagnostics.add(bind_without_source(path + ".volumes", mount.span));
    } else {
      source->text = resolved(source->text, Place::unix_path, base);
    }
  }
}

/// A local volume with `o: bind` is a bind mount in disguise.
void resolve_driver_options(Node& volume, const PathBase& base) {
  const Node* driver = volume.find("driver");
  Node* options = volume.find("driver_opts");
  if (!driver || driver->text != "local" || !options) return;
  const Node* kind = options->find("o");
  Node* device = options->find("device");
  if (kind && kind->text == "bind" && device && device->is_text())
    device->text = resolved(device->text, Place::unix_path, base);
}

// Reference: what a builder fetches itself.
constexpr auto kRemotePrefixes =
    std::to_array<std::string_view>({"https://", "http://", "git://", "ssh://", "github.com/", "git@", "service:"});

}  // namespace

std::string absolute_path(std::string_view path, const PathBase& base) {
  if (path.empty()) return "";
  std::filesystem::path full(path);
  if (path.starts_with('~') && !base.home.empty()) {
    std::string_view rest = path.substr(1);
    while (rest.starts_with('/')) rest.remove_prefix(1);
    full = base.home / rest;
  } else if (path.front() == '/') {
    return std::string(path);
  } else {
    full = base.folder / path;
  }
  std::string text = full.lexically_normal().string();
  if (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

bool is_remote_context(std::string_view context) {
  if (context.contains("://")) return true;
  for (const std::string_view prefix : kRemotePrefixes)
    if (context.starts_with(prefix)) return true;
  return false;
}

void resolve_paths(Node& project, const PathBase& base, Diagnostics& diagnostics) {
  visit(project, compose_file(), base);
  if (Node* services = project.find("services"))
    for (Node::Entry& entry : services->entries)
      resolve_mounts(entry.value, "services." + entry.key, base, diagnostics);
  if (Node* volumes = project.find("volumes"))
    for (Node::Entry& entry : volumes->entries) resolve_driver_options(entry.value, base);
}

}  // namespace defang::compose
