#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace defang::emulator {

/// Keeps the order of members, so that answers read like Azure's.
using Json = nlohmann::ordered_json;

/// The member of that name, without regard to case; nullptr where it is absent or `object` is no object.
const Json* find_member(const Json& object, std::string_view name);
/// The value below a dotted path ("properties.sku.name"), members compared without case; nullptr where absent.
const Json* find_path(const Json& value, std::string_view dotted);
/// The text below a dotted path; empty where it is absent or no text.
std::string text_at(const Json& value, std::string_view dotted);
bool true_at(const Json& value, std::string_view dotted);
std::int64_t integer_at(const Json& value, std::string_view dotted, std::int64_t otherwise = 0);
/// RFC 7396: null removes, objects merge, everything else (lists too) replaces. Members match without case.
void merge_patch(Json& target, const Json& patch);
/// Adds the members of `defaults` that `target` lacks, object by object.
void fill(Json& target, const Json& defaults);
std::optional<Json> parse_json(std::string_view text);
std::string dump(const Json& value);  // bytes that are no UTF-8 become replacement characters

}  // namespace defang::emulator
