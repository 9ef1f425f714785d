#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "support/source_span.h"

namespace defang::compose {

/// A tree of YAML as it was written: order, scalar style, tag and place of every node are kept.
/// It lives inside compose/ only; what leaves the room is a Project.
struct Node {
  enum class Kind { null, boolean, integer, number, text, list, mapping };
  struct Entry;

  Kind kind = Kind::null;
  bool boolean = false;
  std::int64_t integer = 0;
  double number = 0;
  std::string text;  // of a text; of the other scalars the source text
  std::vector<Node> items;
  std::vector<Entry> entries;
  bool from_variable = false;  // a variable's value is in the text: it may be a secret, so messages do not show it
  bool implied = false;        // nobody wrote it: a default, or part of what a short form stands for
  bool damaged = false;        // something of it was wrong, reported and removed: nothing is said of what it lacks
  std::string tag;             // "!reset", "!override", or another tag as written; empty for none
  SourceSpan span;             // of the value

  static Node of(std::string text);
  static Node of_integer(std::int64_t value);
  static Node of_number(double value);
  static Node of_boolean(bool value);
  static Node of_list();
  static Node of_mapping();

  bool is_mapping() const { return kind == Kind::mapping; }
  bool is_list() const { return kind == Kind::list; }
  bool is_text() const { return kind == Kind::text; }
  bool is_null() const { return kind == Kind::null; }
  bool is_lost() const { return damaged && is_null(); }  // reported, and of no use to what follows
  void lose();
  const Node* find(std::string_view key) const;  // nullptr: absent, or not a mapping
  Node* find(std::string_view key);
  const Entry* find_entry(std::string_view key) const;
  Node& set(std::string_view key, Node value);  // replaces in place or appends; makes a mapping of a null
  bool erase(std::string_view key);
};

struct Node::Entry {
  std::string key;
  SourceSpan key_span;
  Node value;
};

/// How much of kMostValues a node takes, with all that it holds.
std::size_t size_of(const Node& node);

/// Finds keys of one mapping, many after each other, in a time that does not grow with the mapping. Entries may be
/// appended meanwhile, none removed.
class KeyIndex {
 public:
  const Node::Entry* find_entry(const Node& mapping, std::string_view key);
  Node::Entry* find_entry(Node& mapping, std::string_view key);
  const Node* find(const Node& mapping, std::string_view key);
  Node* find(Node& mapping, std::string_view key);
  void set(Node& mapping, std::string_view key, Node value);  // as Node::set

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  std::unordered_map<std::string, std::size_t, Hash, std::equal_to<>> places_;
  std::size_t known_ = 0;  // entries among places_
};

}  // namespace defang::compose
