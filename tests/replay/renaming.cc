#include "renaming.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "support/digest.h"
#include "support/text.h"

namespace defang::replay {
namespace {

using Json = nlohmann::json;

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0; }

void collect_keys(const Json& value, std::set<std::string>& keys) {
  if (value.is_object()) {
    for (const auto& item : value.items()) {
      keys.insert(to_lower(item.key()));
      collect_keys(item.value(), keys);
    }
  } else if (value.is_array()) {
    for (const Json& item : value) collect_keys(item, keys);
  }
}

/// /subscriptions/S/resourceGroups/G/providers/NS/type/NAME/...: every second segment is a name, but not the one after
/// providers.
void collect_names(const std::string& path, std::set<std::string>& names, std::set<std::string>& types) {
  const auto segments = split(path.substr(0, path.find('?')), '/');
  for (std::size_t i = 1; i + 1 < segments.size(); i += 2) {
    types.insert(to_lower(segments[i]));
    if (equals_ignoring_case(segments[i], "providers")) {
      types.insert(to_lower(segments[i + 1]));
      ++i;  // then the type, then its name
      if (i + 1 < segments.size()) types.insert(to_lower(segments[i + 1]));
      if (i + 2 < segments.size()) names.insert(segments[i + 2]);
      i += 1;
      continue;
    }
    if (!equals_ignoring_case(segments[i], "locations")) names.insert(segments[i + 1]);
  }
}

/// Where a letter of `shape` stands for a kind of character: 9 a digit, x a hexadecimal digit; anything else for
/// itself.
bool has_shape(std::string_view text, std::string_view shape) {
  if (text.size() != shape.size()) return false;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool fits = shape[i] == '9' ? std::isdigit(c) : shape[i] == 'x' ? std::isxdigit(c) : text[i] == shape[i];
    if (!fits) return false;
  }
  return true;
}
constexpr std::string_view kGuid = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
constexpr std::string_view kTime = "9999-99-99T99:99:99";
bool is_guid(std::string_view text) { return has_shape(text, kGuid); }
bool is_time(std::string_view text) { return has_shape(text, kTime); }

void collect_matches(const std::string& text, std::string_view shape, std::set<std::string>& into) {
  for (std::size_t at = 0; at + shape.size() <= text.size(); ++at) {
    if (at > 0 && is_word(text[at - 1])) continue;
    const std::string_view part(text.data() + at, shape.size());
    if (has_shape(part, shape)) into.emplace(part);
  }
}

/// Names by their first four characters, the longest first.
using Index = std::unordered_map<std::string, std::vector<const std::string*>>;

template <class Names, class Key>
Index index_of(const Names& names, Key key) {
  Index index;
  for (const auto& entry : names) index[key(entry).substr(0, 4)].push_back(&key(entry));
  for (auto& [prefix, list] : index) {
    std::ranges::sort(list, [](const std::string* a, const std::string* b) { return a->size() > b->size(); });
  }
  return index;
}

const std::string* match_at(const std::string& text, std::size_t at, const Index& index) {
  if (at > 0 && is_word(text[at - 1])) return nullptr;
  const auto found = index.find(text.substr(at, 4));
  if (found == index.end()) return nullptr;
  for (const std::string* name : found->second) {
    const std::size_t end = at + name->size();
    if (text.compare(at, name->size(), *name) == 0 && (end >= text.size() || !is_word(text[end]))) return name;
  }
  return nullptr;
}

std::string stranger(const std::string& name, Random& random) {
  std::string other;
  for (const char c : name) {
    if (c >= '0' && c <= '9') {
      other += static_cast<char>('0' + random.below(10));
    } else if (is_guid(name) && is_word(c)) {
      other += static_cast<char>('a' + random.below(6));
    } else if (c >= 'a' && c <= 'z') {
      other += static_cast<char>('a' + random.below(26));
    } else if (c >= 'A' && c <= 'Z') {
      other += static_cast<char>('A' + random.below(26));
    } else {
      other += c;
    }
  }
  return other;
}

std::string other_time(Random& random) {
  const auto two = [&](std::uint64_t from, std::uint64_t count) {
    const std::string text = std::to_string(from + random.below(count));
    return text.size() < 2 ? "0" + text : text;
  };
  return "20" + two(30, 60) + "-" + two(1, 12) + "-" + two(1, 28) + "T" + two(0, 24) + ":" + two(0, 60) + ":" +
         two(0, 60);
}

}  // namespace

std::set<std::string> names_in(const std::string& trace_text) {
  std::set<std::string> names, types, keys, found;
  for (const std::string& line : split(trace_text, '\n')) {
    if (line.empty()) continue;
    const Json record = Json::parse(line);
    collect_keys(record, keys);
    collect_names(record.value("path", ""), names, types);
  }
  for (const std::string& name : names) {
    const std::string lower = to_lower(name);
    if (name.size() >= 4 && !keys.contains(lower) && !types.contains(lower) && lower != "default") found.insert(name);
  }
  collect_matches(trace_text, kGuid, found);
  collect_matches(trace_text, kTime, found);
  return found;
}

std::map<std::string, std::string> strangers_for(const std::set<std::string>& names, std::uint64_t seed) {
  const auto random = make_seeded_random(seed);
  std::map<std::string, std::string> by_lower, strangers;
  for (const std::string& name : names) {
    // Two spellings of one name stay two spellings of one name.
    auto& other = by_lower[to_lower(name)];
    if (other.empty()) other = is_time(name) ? other_time(*random) : stranger(to_lower(name), *random);
    strangers[name] = name == to_lower(name) || is_time(name) ? other : to_upper(other);
  }
  return strangers;
}

std::string renamed(const std::string& text, const std::map<std::string, std::string>& names) {
  const Index index = index_of(names, [](const auto& entry) -> const std::string& { return entry.first; });
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size();) {
    if (const std::string* name = match_at(text, at, index)) {
      out += names.at(*name);
      at += name->size();
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string first_name_in(const std::string& text, const std::set<std::string>& names) {
  const Index index = index_of(names, [](const std::string& name) -> const std::string& { return name; });
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (const std::string* name = match_at(text, at, index)) return *name;
  }
  return "";
}

}  // namespace defang::replay
