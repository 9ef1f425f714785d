#include <nlohmann/json.hpp>

#include "arm/template.h"

namespace defang::arm {
namespace {

using graph::Reference;
using graph::Value;
using Json = nlohmann::ordered_json;

std::string_view name_of(Reference::Kind kind) {
  switch (kind) {
    case Reference::Kind::id:
      return "id";
    case Reference::Kind::name:
      return "name";
    case Reference::Kind::property:
      return "property";
    case Reference::Kind::list:
      return "list";
    case Reference::Kind::output:
      return "output";
  }
  return "";
}

Json written(const Reference& reference) {
  Json json = {{"$ref", reference.node}, {"kind", name_of(reference.kind)}};
  if (!reference.path.empty()) json["path"] = reference.path;
  if (!reference.function.empty()) json["function"] = reference.function;
  if (reference.percent_encoded) json["encoding"] = "percent";
  return json;
}

Json written(const Value::Text& text) {
  if (text.empty()) return "";
  if (text.size() == 1) {
    if (const auto* literal = std::get_if<std::string>(&text[0])) return *literal;
    return written(std::get<Reference>(text[0]));
  }
  Json pieces = Json::array();
  for (const auto& piece : text) {
    if (const auto* literal = std::get_if<std::string>(&piece))
      pieces.push_back(*literal);
    else
      pieces.push_back(written(std::get<Reference>(piece)));
  }
  return {{"$join", std::move(pieces)}};
}

Result<Json> filled(const Value::Text& text, const Resolve& resolve) {
  if (text.size() == 1 && std::holds_alternative<Reference>(text[0])) return resolve(std::get<Reference>(text[0]));
  std::string joined;
  for (const auto& piece : text) {
    if (const auto* literal = std::get_if<std::string>(&piece)) {
      joined += *literal;
      continue;
    }
    TRY_ASSIGN(const auto part, resolve(std::get<Reference>(piece)));
    joined += part.is_string() ? part.get<std::string>() : part.dump();
  }
  return Json(std::move(joined));
}

Json scalar(const Value& value) {
  if (const auto* flag = value.get_if<bool>()) return *flag;
  if (const auto* integer = value.get_if<std::int64_t>()) return *integer;
  if (const auto* number = value.get_if<double>()) return *number;
  return nullptr;
}

}  // namespace

Result<Json> to_json(const Value& value, const Resolve& resolve) {
  if (const auto* text = value.get_if<Value::Text>()) return filled(*text, resolve);
  if (const auto* list = value.get_if<Value::List>()) {
    Json json = Json::array();
    for (const auto& item : *list) {
      TRY_ASSIGN(auto part, to_json(item, resolve));
      json.push_back(std::move(part));
    }
    return json;
  }
  if (const auto* map = value.get_if<Value::Map>()) {
    Json json = Json::object();
    for (const auto& [key, item] : *map) {
      TRY_ASSIGN(auto part, to_json(item, resolve));
      json[key] = std::move(part);
    }
    return json;
  }
  return scalar(value);
}

Json to_json_with_references(const Value& value) {
  if (const auto* text = value.get_if<Value::Text>()) return written(*text);
  if (const auto* list = value.get_if<Value::List>()) {
    Json json = Json::array();
    for (const auto& item : *list) json.push_back(to_json_with_references(item));
    return json;
  }
  if (const auto* map = value.get_if<Value::Map>()) {
    Json json = Json::object();
    for (const auto& [key, item] : *map) json[key] = to_json_with_references(item);
    return json;
  }
  return scalar(value);
}

}  // namespace defang::arm
