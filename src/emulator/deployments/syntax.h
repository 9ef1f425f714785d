#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "emulator/json.h"
#include "support/result.h"

namespace defang::emulator {

/// One expression, parsed:
///
///   expression := primary { "." name | "[" expression "]" }
///   primary    := 'text' | integer | name "(" [ expression { "," expression } ] ")"
struct Expression {
  std::variant<Json, std::string> what;  // a literal, or the name of a function
  std::vector<Expression> arguments;
  std::vector<Expression> accesses;  // member names are literals

  bool is_call() const { return std::holds_alternative<std::string>(what); }
  const std::string& function() const { return std::get<std::string>(what); }
};

/// Without the brackets around it. Error: InvalidTemplate.
Result<Expression> parse_expression(std::string_view text);

}  // namespace defang::emulator
