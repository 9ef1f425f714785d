#include "emulator/body_check.h"

#include <fmt/format.h>

#include <regex>

#include "support/text.h"

namespace defang::emulator {

namespace {

using Kind = BodyCheck::Kind;

bool is_kind(const Json& value, Kind kind) {
  switch (kind) {
    case Kind::any:
      return true;
    case Kind::text:
      return value.is_string();
    case Kind::integer:
      return value.is_number_integer();
    case Kind::number:
      return value.is_number();
    case Kind::boolean:
      return value.is_boolean();
    case Kind::object:
      return value.is_object();
    case Kind::list:
      return value.is_array();
  }
  return false;
}

std::string_view name_of(Kind kind) {
  switch (kind) {
    case Kind::any:
      return "value";
    case Kind::text:
      return "string";
    case Kind::integer:
      return "integer";
    case Kind::number:
      return "number";
    case Kind::boolean:
      return "boolean";
    case Kind::object:
      return "object";
    case Kind::list:
      return "array";
  }
  return "";
}

class Checker {
 public:
  Checker(const BodyCheck& row, std::string_view default_code) : row_(row), default_code_(default_code) {}

  std::optional<Answer> visit(Json& at, std::string_view rest, std::string where) {
    const auto dot = rest.find('.');
    std::string_view step = rest.substr(0, dot);
    const std::string_view below = dot == std::string_view::npos ? "" : rest.substr(dot + 1);
    const bool each = step.ends_with("[]");
    if (each) step.remove_suffix(2);
    if (!at.is_object()) return std::nullopt;  // another row says what it must be
    const Json* found = find_member(at, step);
    where += (where.empty() ? "" : ".") + std::string(step);
    if (found == nullptr || found->is_null())
      return below.empty() && !each && row_.required ? refuse_absent(where) : std::nullopt;
    Json& value = const_cast<Json&>(*found);  // `at` is ours to change
    if (each) {
      if (!value.is_array()) return std::nullopt;
      for (std::size_t i = 0; i < value.size(); ++i) {
        const std::string element = fmt::format("{}[{}]", where, i);
        auto refusal = below.empty() ? check(value[i], element) : visit(value[i], below, element);
        if (refusal) return refusal;
      }
      return std::nullopt;
    }
    if (!below.empty()) return visit(value, below, where);
    if (row_.read_only) {
      erase_member(at, step);
      return std::nullopt;
    }
    return check(value, where);
  }

 private:
  static void erase_member(Json& object, std::string_view name) {
    for (auto member = object.begin(); member != object.end(); ++member)
      if (equals_ignoring_case(member.key(), name)) {
        object.erase(member);
        return;
      }
  }

  Answer refuse(std::string text) const {
    return arm_error(400, row_.code.empty() ? default_code_ : row_.code,
                     row_.message.empty() ? text : std::string(row_.message));
  }

  std::optional<Answer> refuse_absent(const std::string& where) const {
    return refuse(fmt::format("Required property '{}' not found in JSON.", where));
  }

  std::optional<Answer> check(Json& value, const std::string& where) const {
    if (!is_kind(value, row_.kind))
      return refuse(
          fmt::format("The request content was invalid and could not be deserialized: 'Could not convert the "
                      "value of '{}' to {}.'",
                      where, name_of(row_.kind)));
    if (value.is_string()) return check_text(value, where);
    if (value.is_number() && out_of_range(value.get<double>()))
      return refuse(
          fmt::format("The value '{}' of '{}' is not in the range {} to {}.", value.dump(), where, row_.min, row_.max));
    return std::nullopt;
  }

  std::optional<Answer> check_text(Json& value, const std::string& where) const {
    const auto text = value.get<std::string>();
    if (out_of_range(static_cast<double>(text.size())))
      return refuse(fmt::format("The length of '{}' must be between {} and {}.", where, row_.min, row_.max));
    if (!row_.pattern.empty() && !std::regex_match(text, std::regex(std::string(row_.pattern))))
      return refuse(fmt::format("The value '{}' of '{}' does not match the pattern {}.", text, where, row_.pattern));
    if (row_.values.empty()) return std::nullopt;
    for (const auto& allowed : split(row_.values, '|'))
      if (equals_ignoring_case(allowed, text)) {
        value = allowed;
        return std::nullopt;
      }
    return refuse(fmt::format("The value '{}' of '{}' is not one of: {}.", text, where,
                              replace_all(std::string(row_.values), "|", ", ")));
  }

  bool out_of_range(double number) const {
    return (row_.min != 0 || row_.max != 0) && (number < row_.min || number > row_.max);
  }

  const BodyCheck& row_;
  std::string_view default_code_;
};

}  // namespace

std::optional<Answer> check_body(Json& body, std::span<const BodyCheck> table, std::string_view default_code) {
  for (const auto& row : table)
    if (auto refusal = Checker(row, default_code).visit(body, row.path, "")) return refusal;
  return std::nullopt;
}

}  // namespace defang::emulator
