#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>

namespace defang::replay {

/// What a recording calls things: names of resources, GUIDs, times, ids of operations. Not its vocabulary: keys, types,
/// regions.
std::set<std::string> names_in(const std::string& trace_text);

/// A stranger for each name, of the same length and kind; the same for the same seed.
std::map<std::string, std::string> strangers_for(const std::set<std::string>& names, std::uint64_t seed);

/// Every whole occurrence replaced, the longest name first.
std::string renamed(const std::string& text, const std::map<std::string, std::string>& names);

/// The first of `names` that stands in `text` as a whole word; empty when none does.
std::string first_name_in(const std::string& text, const std::set<std::string>& names);

}  // namespace defang::replay
