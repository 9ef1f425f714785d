#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "emulator/answer.h"
#include "emulator/json.h"

namespace defang::emulator {

/// A row of a table that says what a body may hold. `path` is dotted; `[]` stands for every element of a list:
/// "properties.template.containers[].name".
struct BodyCheck {
  enum class Kind { any, text, integer, number, boolean, object, list };
  std::string_view path;
  Kind kind = Kind::any;
  bool required = false;          // where its parent is there
  bool read_only = false;         // taken out of what is sent, as Azure ignores it
  std::string_view values;        // "Standard|Premium"; compared without case, stored as written here
  double min = 0, max = 0;        // of a number, or of a text's length; both 0: any
  std::string_view pattern;       // ECMAScript, of the whole text
  std::string_view rule;          // "KV-1", or the reference page: why this row is here
  std::string_view code = "";     // of the error; empty: the table's
  std::string_view message = "";  // empty: one is composed
};

/// Checks and normalises in place. The first violated row answers 400 as Azure would.
std::optional<Answer> check_body(Json& body, std::span<const BodyCheck> table,
                                 std::string_view default_code = "InvalidRequestContent");

}  // namespace defang::emulator
