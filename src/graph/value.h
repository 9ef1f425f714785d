#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace defang::graph {

/// An output of another node, known only once that node is done.
struct Reference {
  enum class Kind {
    id,        // the resource's id
    name,      // its name
    property,  // `path` in the body of its GET: "properties.loginServer"
    list,      // `path` in the answer of POST `function`: listKeys, "keys[0].value". Always secret
    output,    // `path` is an output of an Action: "image", "secretUri"
  };
  std::string node;  // Resource::id or Action::id of the graph
  Kind kind = Kind::property;
  std::string path;
  std::string function;          // of kind list only
  bool percent_encoded = false;  // to stand in a URL
  friend bool operator==(const Reference&, const Reference&) = default;
};

/// What a request body is made of. Text consists of pieces, so references survive until the request is sent; mappings
/// keep order.
class Value {
 public:
  struct Null {
    friend bool operator==(const Null&, const Null&) = default;
  };
  using Piece = std::variant<std::string, Reference>;
  using Text = std::vector<Piece>;
  using List = std::vector<Value>;
  using Member = std::pair<std::string, Value>;
  using Map = std::vector<Member>;

  Value() = default;
  Value(bool value) : data_(value) {}
  Value(int value) : data_(static_cast<std::int64_t>(value)) {}
  Value(std::int64_t value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(std::string value) : data_(Text{Piece(std::move(value))}) {}
  Value(std::string_view value) : Value(std::string(value)) {}
  Value(const char* value) : Value(std::string(value)) {}
  Value(Reference value) : data_(Text{Piece(std::move(value))}) {}
  Value(Text value) : data_(std::move(value)) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Map value) : data_(std::move(value)) {}

  template <class T>
  const T* get_if() const {
    return std::get_if<T>(&data_);
  }
  template <class T>
  T* get_if() {
    return std::get_if<T>(&data_);
  }
  const auto& variant() const { return data_; }
  const Value* find(std::string_view key) const;  // nullptr: absent, or not a mapping
  Value& set(std::string_view key, Value value);  // replaces in place or appends; makes a mapping of null

  friend bool operator==(const Value&, const Value&);

 private:
  std::variant<Null, bool, std::int64_t, double, Text, List, Map> data_;
};

/// Calls visit(const Reference&) for every reference in the value, in order.
template <class Visit>
void for_each_reference(const Value& value, Visit&& visit) {
  if (const auto* text = value.get_if<Value::Text>()) {
    for (const auto& piece : *text)
      if (const auto* reference = std::get_if<Reference>(&piece)) visit(*reference);
  } else if (const auto* list = value.get_if<Value::List>()) {
    for (const auto& item : *list) for_each_reference(item, visit);
  } else if (const auto* map = value.get_if<Value::Map>()) {
    for (const auto& [key, item] : *map) for_each_reference(item, visit);
  }
}

}  // namespace defang::graph
