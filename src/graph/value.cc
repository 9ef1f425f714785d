#include "graph/value.h"

#include <algorithm>

namespace defang::graph {

const Value* Value::find(std::string_view key) const {
  const auto* map = get_if<Map>();
  if (!map) return nullptr;
  const auto found = std::ranges::find(*map, key, &Member::first);
  return found == map->end() ? nullptr : &found->second;
}

Value& Value::set(std::string_view key, Value value) {
  if (!get_if<Map>()) data_ = Map{};
  auto& map = *get_if<Map>();
  const auto found = std::ranges::find(map, key, &Member::first);
  if (found != map.end()) return found->second = std::move(value);
  return map.emplace_back(std::string(key), std::move(value)).second;
}

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

}  // namespace defang::graph
