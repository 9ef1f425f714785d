#include "compose/node.h"

#include <algorithm>

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

}  // namespace defang::compose
