#include "emulator/role_condition.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "emulator/roles.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

/// "Azure RBAC limits", Microsoft Learn: 8 KB.
constexpr std::size_t kLongest = 8 * 1024;
/// Parentheses and negations in each other. Ours: the parser calls itself.
constexpr int kDeepest = 100;

enum class Kind { text, guid };

// "Authorization: attributes", and "Actions and attributes for Azure role assignment conditions for Azure Blob
// Storage", Microsoft Learn.
struct Attribute {
  std::string_view name;
  Kind kind;
  bool of_request;  // otherwise of the resource only
};
constexpr auto kAttributes = std::to_array<Attribute>({
    {"Microsoft.Authorization/roleAssignments:PrincipalId", Kind::guid, true},
    {"Microsoft.Authorization/roleAssignments:PrincipalType", Kind::text, true},
    {"Microsoft.Authorization/roleAssignments:RoleDefinitionId", Kind::guid, true},
    {"Microsoft.Storage/storageAccounts/blobServices/containers:Name", Kind::text, false},
});

struct Comparison {
  std::string_view name;
  Kind kind;
  bool ignores_case, negated;
};
constexpr auto kComparisons = std::to_array<Comparison>({
    {"GuidEquals", Kind::guid, true, false},
    {"GuidNotEquals", Kind::guid, true, true},
    {"StringEquals", Kind::text, false, false},
    {"StringEqualsIgnoreCase", Kind::text, true, false},
    {"StringNotEquals", Kind::text, false, true},
    {"StringNotEqualsIgnoreCase", Kind::text, true, true},
});

/// How many of the attribute's values have to compare with how many of the condition's.
struct Quantifier {
  std::string_view name;
  bool all_of_attribute, all_values;
};
constexpr Quantifier kNone = {"", false, false};
constexpr auto kQuantifiers = std::to_array<Quantifier>({
    {"ForAllOfAllValues", true, true},
    {"ForAllOfAnyValues", true, false},
    {"ForAnyOfAllValues", false, true},
    {"ForAnyOfAnyValues", false, false},
});

template <class Rows>
auto* row_of(const Rows& rows, std::string_view name) {
  const auto found = std::ranges::find_if(rows, [&](const auto& row) { return equals_ignoring_case(row.name, name); });
  return found == rows.end() ? nullptr : &*found;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool is_guid(std::string_view text) {
  if (text.size() != 36) return false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool dash = at == 8 || at == 13 || at == 18 || at == 23;
    if (dash ? text[at] != '-' : std::string_view("0123456789abcdefABCDEF").find(text[at]) == std::string_view::npos)
      return false;
  }
  return true;
}

using Truth = std::optional<bool>;  // nothing: nobody can say

}  // namespace

struct RoleCondition::Term {
  enum class What { any, all, no, action, comparison } what = What::any;
  std::vector<std::shared_ptr<const Term>> parts;  // of any, all, no
  std::string action;                              // a pattern
  std::string attribute;                           // a key of ConditionAttributes
  Quantifier quantifier = kNone;
  Comparison comparison{};
  std::vector<std::string> values;
};

namespace {

using Term = RoleCondition::Term;
using Part = std::shared_ptr<const Term>;
using Parsed = std::expected<Part, std::string>;

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Parsed whole() {
    auto read = any();
    if (!read) return read;
    skip_blanks();
    if (at_ != text_.size()) return wrong("`AND`, `OR` or the end");
    return read;
  }

 private:
  Parsed any() {
    return joined(Term::What::any, "OR", "||", [this] { return all(); });
  }
  Parsed all() {
    return joined(Term::What::all, "AND", "&&", [this] { return one(); });
  }

  template <class Read>
  Parsed joined(Term::What what, std::string_view word, std::string_view sign, Read read) {
    Term term{.what = what};
    do {
      auto part = read();
      if (!part) return part;
      term.parts.push_back(std::move(*part));
    } while (take(sign) || take_word(word));
    return term.parts.size() == 1 ? term.parts.front() : std::make_shared<const Term>(std::move(term));
  }

  Parsed one() {
    if (++depth_ > kDeepest) return std::unexpected(fmt::format("it nests deeper than {} levels", kDeepest));
    auto part = one_of_depth();
    --depth_;
    return part;
  }

  Parsed one_of_depth() {
    if (take("!") || take_word("NOT")) {
      auto part = one();
      if (!part) return part;
      return std::make_shared<const Term>(Term{.what = Term::What::no, .parts = {std::move(*part)}});
    }
    if (take("(")) {
      auto part = any();
      if (part && !take(")")) return wrong("`)`");
      return part;
    }
    if (take_word("ActionMatches")) return action();
    skip_blanks();
    if (at_ < text_.size() && text_[at_] == '@') return comparison();
    return wrong("`(`, `!`, `ActionMatches`, `@Request` or `@Resource`");
  }

  Parsed action() {
    if (!take("{")) return wrong("`{`");
    const auto pattern = quoted();
    if (!pattern) return wrong("an action in single quotes");
    if (!take("}")) return wrong("`}`");
    return std::make_shared<const Term>(Term{.what = Term::What::action, .action = *pattern});
  }

  Parsed comparison() {
    const bool of_request = take("@Request");
    if (!of_request && !take("@Resource")) return wrong("`@Request` or `@Resource`");
    if (!take("[")) return wrong("`[`");
    const std::string name(upto(']'));
    if (!take("]")) return wrong("`]`");
    const auto* attribute = row_of(kAttributes, trim(name));
    if (attribute == nullptr || (of_request && !attribute->of_request))
      return std::unexpected(
          fmt::format("attribute '{}' is not known of the {}", trim(name), of_request ? "request" : "resource"));
    Term term{.what = Term::What::comparison,
              .attribute = to_lower(fmt::format("{}[{}]", of_request ? "@Request" : "@Resource", attribute->name))};
    if (const auto fault = read_operator(term); !fault.empty()) return std::unexpected(fault);
    if (term.comparison.kind != attribute->kind)
      return std::unexpected(
          fmt::format("'{}' does not compare values of attribute '{}'", term.comparison.name, attribute->name));
    if (const auto fault = read_values(term); !fault.empty()) return std::unexpected(fault);
    return std::make_shared<const Term>(std::move(term));
  }

  std::string read_operator(Term& term) {
    std::string_view name = word();
    if (const auto* quantifier = row_of(kQuantifiers, name)) {
      if (!take(":")) return fault("`:`");
      term.quantifier = *quantifier;
      name = word();
    }
    const auto* comparison = row_of(kComparisons, name);
    if (comparison == nullptr) return fmt::format("operator '{}' is not known", name);
    term.comparison = *comparison;
    return "";
  }

  std::string read_values(Term& term) {
    if (!take("{")) {
      if (!term.quantifier.name.empty()) return fault("`{`");
      return read_value(term);
    }
    do {
      if (auto fault = read_value(term); !fault.empty()) return fault;
    } while (take(","));
    if (!take("}")) return fault("`,` or `}`");
    if (term.quantifier.name.empty() && term.values.size() > 1)
      return fmt::format("'{}' compares with one value; several want 'ForAnyOfAnyValues:{}'", term.comparison.name,
                         term.comparison.name);
    return "";
  }

  std::string read_value(Term& term) {
    auto value = quoted();
    if (term.comparison.kind == Kind::guid) {
      if (!value) value = bare();
      if (!is_guid(*value)) return fmt::format("'{}' is no GUID", *value);
    }
    if (!value) return fault("a text in single quotes");
    term.values.push_back(std::move(*value));
    return "";
  }

  // --- what is read from the text

  void skip_blanks() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(std::string_view sign) {
    skip_blanks();
    if (!equals_ignoring_case(text_.substr(at_, sign.size()), sign)) return false;
    at_ += sign.size();
    return true;
  }
  std::string_view word() {
    skip_blanks();
    const auto from = at_;
    while (at_ < text_.size() && is_letter(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }
  bool take_word(std::string_view wanted) {
    const auto from = at_;
    if (equals_ignoring_case(word(), wanted)) return true;
    at_ = from;
    return false;
  }
  std::string_view upto(char end) {
    const auto from = at_;
    while (at_ < text_.size() && text_[at_] != end) ++at_;
    return text_.substr(from, at_ - from);
  }
  std::optional<std::string> quoted() {
    const auto from = at_;
    if (!take("'")) return std::nullopt;
    std::string text(upto('\''));
    if (take("'")) return text;
    at_ = from;
    return std::nullopt;
  }
  std::string bare() {
    skip_blanks();
    const auto from = at_;
    while (at_ < text_.size() && std::string_view(" \t\r\n,})").find(text_[at_]) == std::string_view::npos) ++at_;
    return std::string(text_.substr(from, at_ - from));
  }

  std::string fault(std::string_view expected) {
    skip_blanks();
    if (at_ == text_.size()) return fmt::format("it ends where {} was expected", expected);
    return fmt::format("at '{}': expected {}", text_.substr(at_, 20), expected);
  }
  std::unexpected<std::string> wrong(std::string_view expected) { return std::unexpected(fault(expected)); }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

bool compare(const Comparison& how, std::string_view a, std::string_view b) {
  return (how.ignores_case ? equals_ignoring_case(a, b) : a == b) != how.negated;
}

bool holds(const Term& term, const std::vector<std::string>& of_attribute) {
  const auto with_values = [&](const std::string& one) {
    const auto compares = [&](const std::string& value) { return compare(term.comparison, one, value); };
    return term.quantifier.all_values ? std::ranges::all_of(term.values, compares)
                                      : std::ranges::any_of(term.values, compares);
  };
  return term.quantifier.all_of_attribute ? std::ranges::all_of(of_attribute, with_values)
                                          : std::ranges::any_of(of_attribute, with_values);
}

struct Question {
  std::string_view action;
  const ConditionAttributes& attributes;
};

Truth truth_of(const Term& term, const Question& question);

/// `decides` is the truth of one part that makes the whole so.
Truth truth_of_parts(const Term& term, const Question& question, bool decides) {
  Truth truth = !decides;
  for (const auto& part : term.parts) {
    const auto one = truth_of(*part, question);
    if (one == decides) return decides;
    if (!one) truth = std::nullopt;
  }
  return truth;
}

Truth truth_of(const Term& term, const Question& question) {
  switch (term.what) {
    case Term::What::any:
      return truth_of_parts(term, question, true);
    case Term::What::all:
      return truth_of_parts(term, question, false);
    case Term::What::no: {
      const auto truth = truth_of(*term.parts.front(), question);
      return truth ? Truth(!*truth) : truth;
    }
    case Term::What::action:
      return fits_any(term.action, question.action);
    case Term::What::comparison: {
      const auto found = question.attributes.find(term.attribute);
      if (found == question.attributes.end() || found->second.empty()) return std::nullopt;
      return holds(term, found->second);
    }
  }
  return std::nullopt;
}

}  // namespace

std::expected<RoleCondition, std::string> RoleCondition::parse(std::string_view text) {
  if (text.size() > kLongest) return std::unexpected(fmt::format("it is longer than {} characters", kLongest));
  auto term = Parser(text).whole();
  if (!term) return std::unexpected(std::move(term.error()));
  return RoleCondition(std::move(*term));
}

bool RoleCondition::allows(std::string_view action, const ConditionAttributes& attributes) const {
  return truth_of(*term_, {action, attributes}) == Truth(true);
}

}  // namespace defang::emulator
