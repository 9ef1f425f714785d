#include "emulator/json.h"

#include "support/text.h"

namespace defang::emulator {

const Json* find_member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  for (const auto& [key, value] : object.items())
    if (equals_ignoring_case(key, name)) return &value;
  return nullptr;
}

const Json* find_path(const Json& value, std::string_view dotted) {
  const Json* at = &value;
  while (!dotted.empty()) {
    const auto dot = dotted.find('.');
    at = find_member(*at, dotted.substr(0, dot));
    if (at == nullptr || dot == std::string_view::npos) return at;
    dotted.remove_prefix(dot + 1);
  }
  return at;
}

std::string text_at(const Json& value, std::string_view dotted) {
  const Json* found = find_path(value, dotted);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

bool true_at(const Json& value, std::string_view dotted) {
  const Json* found = find_path(value, dotted);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

std::int64_t integer_at(const Json& value, std::string_view dotted, std::int64_t otherwise) {
  const Json* found = find_path(value, dotted);
  return found != nullptr && found->is_number() ? found->get<std::int64_t>() : otherwise;
}

namespace {

std::string key_like(const Json& object, const std::string& name) {
  for (const auto& [key, value] : object.items())
    if (equals_ignoring_case(key, name)) return key;
  return name;
}

}  // namespace

void merge_patch(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  if (!target.is_object()) target = Json::object();
  for (const auto& [name, value] : patch.items()) {
    const std::string key = key_like(target, name);
    if (value.is_null())
      target.erase(key);
    else
      merge_patch(target[key], value);
  }
}

void fill(Json& target, const Json& defaults) {
  if (!defaults.is_object()) return;
  if (target.is_null()) target = Json::object();
  if (!target.is_object()) return;
  for (const auto& [name, value] : defaults.items()) {
    const std::string key = key_like(target, name);
    if (!target.contains(key))
      target[key] = value;
    else if (value.is_object() && target[key].is_object())
      fill(target[key], value);
  }
}

std::optional<Json> parse_json(std::string_view text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace defang::emulator
