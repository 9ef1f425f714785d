#include "compose/reset.h"

#include <algorithm>

namespace defang::compose {
namespace {

void drop_tagged_items(Node& node) {  // no place in a list is ever reset, but what is tagged there goes
  std::erase_if(node.items, [](const Node& item) { return item.tag == "!reset"; });
  for (Node& item : node.items) take_resets(item);
}

}  // namespace

const Resets& Resets::at(const std::string& key) const {
  static const Resets kNone;
  const auto found = below.find(key);
  return found == below.end() ? kNone : found->second;
}

Resets take_resets(Node& document) {
  drop_tagged_items(document);
  Resets resets;
  for (Node::Entry& entry : document.entries) {
    const bool is_tagged = entry.value.tag == "!reset" || entry.value.tag == "!override";
    Resets inner = is_tagged ? Resets{.here = true, .below = {}} : take_resets(entry.value);
    if (inner.here || !inner.below.empty()) resets.below.emplace(entry.key, std::move(inner));
  }
  std::erase_if(document.entries, [](const Node::Entry& entry) { return entry.value.tag == "!reset"; });
  return resets;
}

void apply_resets(Node& project, const Resets& resets) {
  if (resets.below.empty()) return;
  std::erase_if(project.entries, [&](Node::Entry& entry) {
    const auto found = resets.below.find(entry.key);
    if (found == resets.below.end()) return false;
    apply_resets(entry.value, found->second);
    return found->second.here;
  });
}

}  // namespace defang::compose
