#include "compose/reset.h"

#include <span>

namespace defang::compose {
namespace {

void collect(Node& node, std::vector<std::string>& path, ResetPaths& paths) {
  if (node.is_list()) {
    std::erase_if(node.items, [](const Node& item) { return item.tag == "!reset"; });
    for (Node& item : node.items) {
      path.push_back("[]");  // no place in a list is ever reset
      collect(item, path, paths);
      path.pop_back();
    }
  }
  for (Node::Entry& entry : node.entries) {
    path.push_back(entry.key);
    const bool is_tagged = entry.value.tag == "!reset" || entry.value.tag == "!override";
    if (is_tagged) {
      paths.push_back(path);
    } else {
      collect(entry.value, path, paths);
    }
    path.pop_back();
  }
  std::erase_if(node.entries, [](const Node::Entry& entry) { return entry.value.tag == "!reset"; });
}

void remove(Node& node, std::span<const std::string> path) {
  if (path.size() == 1) {
    node.erase(path[0]);
  } else if (Node* inner = node.find(path[0])) {
    remove(*inner, path.subspan(1));
  }
}

}  // namespace

ResetPaths take_resets(Node& document) {
  ResetPaths paths;
  std::vector<std::string> path;
  collect(document, path, paths);
  return paths;
}

void apply_resets(Node& project, const ResetPaths& paths) {
  for (const std::vector<std::string>& path : paths) remove(project, path);
}

}  // namespace defang::compose
