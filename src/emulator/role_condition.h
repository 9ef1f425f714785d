#pragma once

#include <expected>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace defang::emulator {

/// What a request says of itself: "@request[microsoft.authorization/roleassignments:principalid]", all in lower case,
/// to the values of the attribute.
using ConditionAttributes = std::map<std::string, std::vector<std::string>>;

/// The condition of a role assignment, which decides whether the role counts for a request. Version 2.0, "Azure role
/// assignment condition format and syntax", Microsoft Learn:
///
///     condition := all { ("OR" | "||") all }
///     all       := one { ("AND" | "&&") one }
///     one       := ("NOT" | "!") one | "(" condition ")" | "ActionMatches" "{" text "}" | attribute operator values
///     attribute := ("@Request" | "@Resource") "[" name "]"
///     operator  := [ quantifier ":" ] comparison         without quantifier: one value
///     values    := value | "{" value { "," value } "}"
///     value     := "'" text "'" | GUID
///
/// Words are read without case. Which attributes and comparisons there are is a table in the .cc; others are refused.
class RoleCondition {
 public:
  /// The error says what is wrong, or not known here.
  static std::expected<RoleCondition, std::string> parse(std::string_view text);

  /// Only what certainly holds. A comparison of an attribute that the request does not have is neither true nor false,
  /// whatever negates it.
  bool allows(std::string_view action, const ConditionAttributes& attributes) const;

  struct Term;

 private:
  explicit RoleCondition(std::shared_ptr<const Term> term) : term_(std::move(term)) {}
  std::shared_ptr<const Term> term_;
};

}  // namespace defang::emulator
