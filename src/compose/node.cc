#include "compose/node.h"

#include <algorithm>

#include "compose/limits.h"

namespace defang::compose {

Node Node::of(std::string text) {
  Node node;
  node.kind = Kind::text;
  node.text = std::move(text);
  return node;
}

Node Node::of_integer(std::int64_t value) {
  Node node;
  node.kind = Kind::integer;
  node.integer = value;
  node.text = std::to_string(value);
  return node;
}

Node Node::of_number(double value) {
  Node node;
  node.kind = Kind::number;
  node.number = value;
  return node;
}

Node Node::of_boolean(bool value) {
  Node node;
  node.kind = Kind::boolean;
  node.boolean = value;
  node.text = value ? "true" : "false";
  return node;
}

Node Node::of_list() {
  Node node;
  node.kind = Kind::list;
  return node;
}

Node Node::of_mapping() {
  Node node;
  node.kind = Kind::mapping;
  return node;
}

void Node::lose() {
  kind = Kind::null;
  text.clear();
  items.clear();
  entries.clear();
  damaged = true;
}

const Node* Node::find(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &found->value;
}

Node* Node::find(std::string_view key) { return const_cast<Node*>(std::as_const(*this).find(key)); }

const Node::Entry* Node::find_entry(std::string_view key) const {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  return found == entries.end() ? nullptr : &*found;
}

Node& Node::set(std::string_view key, Node value) {
  if (kind == Kind::null) kind = Kind::mapping;
  if (Node* present = find(key)) {
    *present = std::move(value);
    return *present;
  }
  SourceSpan key_span = value.span;
  entries.push_back({std::string(key), std::move(key_span), std::move(value)});
  return entries.back().value;
}

bool Node::erase(std::string_view key) {
  return std::erase_if(entries, [&](const Entry& entry) { return entry.key == key; }) > 0;
}

std::size_t size_of(const Node& node) {
  std::size_t size = 1 + node.text.size() / kBytesAsValue;
  for (const Node& item : node.items) size += size_of(item);
  for (const Node::Entry& entry : node.entries) size += entry.key.size() / kBytesAsValue + size_of(entry.value);
  return size;
}

const Node::Entry* KeyIndex::find_entry(const Node& mapping, std::string_view key) {
  constexpr std::size_t kFew = 16;  // looked through faster than any index is made
  if (mapping.entries.size() <= kFew) return mapping.find_entry(key);
  for (; known_ < mapping.entries.size(); ++known_) places_.emplace(mapping.entries[known_].key, known_);
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : &mapping.entries[found->second];
}

Node::Entry* KeyIndex::find_entry(Node& mapping, std::string_view key) {
  return const_cast<Node::Entry*>(find_entry(std::as_const(mapping), key));
}

const Node* KeyIndex::find(const Node& mapping, std::string_view key) {
  const Node::Entry* entry = find_entry(mapping, key);
  return entry ? &entry->value : nullptr;
}

Node* KeyIndex::find(Node& mapping, std::string_view key) {
  return const_cast<Node*>(find(std::as_const(mapping), key));
}

void KeyIndex::set(Node& mapping, std::string_view key, Node value) {
  if (Node* present = find(mapping, key)) {
    *present = std::move(value);
  } else {
    SourceSpan key_span = value.span;
    mapping.entries.push_back({std::string(key), std::move(key_span), std::move(value)});
  }
}

}  // namespace defang::compose
