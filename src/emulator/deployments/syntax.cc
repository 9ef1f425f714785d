#include "emulator/deployments/syntax.h"

#include <fmt/format.h>

#include <charconv>

namespace defang::emulator {
namespace {

bool is_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '$';
}
bool is_digit(char c) { return c >= '0' && c <= '9'; }

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Result<Expression> whole() {
    TRY_ASSIGN(auto expression, this->expression());
    if (at_ != text_.size()) return wrong("end of the expression");
    return expression;
  }

 private:
  static constexpr int kDeepest = 100;

  Result<Expression> expression() {
    if (++depth_ > kDeepest) return wrong("less nesting");
    TRY_ASSIGN(auto expression, primary());
    while (true) {
      skip_blanks();
      if (take('.')) {
        skip_blanks();
        const auto name = this->name();
        if (name.empty()) return wrong("a property name");
        expression.accesses.push_back({Json(name), {}, {}});
      } else if (take('[')) {
        TRY_ASSIGN(auto index, this->expression());
        if (!take(']')) return wrong("`]`");
        expression.accesses.push_back(std::move(index));
      } else {
        break;
      }
    }
    --depth_;
    return expression;
  }

  Result<Expression> primary() {
    skip_blanks();
    if (at_ == text_.size()) return wrong("an expression");
    if (text_[at_] == '\'') return quoted();
    if (is_digit(text_[at_]) || text_[at_] == '-') return integer();
    Expression call{name(), {}, {}};
    if (call.function().empty()) return wrong("an expression");
    while (take('.')) call.what = call.function() + "." + name();  // functions of a template's own name space
    if (!take('(')) return wrong("`(`");
    skip_blanks();
    if (take(')')) return call;
    do {
      TRY_ASSIGN(auto argument, expression());
      call.arguments.push_back(std::move(argument));
    } while (take(','));
    if (!take(')')) return wrong("`,` or `)`");
    return call;
  }

  Result<Expression> quoted() {
    std::string value;
    for (++at_; at_ < text_.size(); ++at_) {
      if (text_[at_] != '\'') {
        value += text_[at_];
      } else if (at_ + 1 < text_.size() && text_[at_ + 1] == '\'') {
        value += '\'';
        ++at_;
      } else {
        ++at_;
        skip_blanks();
        return Expression{Json(std::move(value)), {}, {}};
      }
    }
    return wrong("the end of a text");
  }

  Result<Expression> integer() {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc()) return wrong("an integer");
    at_ = static_cast<std::size_t>(end - text_.data());
    skip_blanks();
    return Expression{Json(value), {}, {}};
  }

  std::string name() {
    const auto start = at_;
    while (at_ < text_.size() && is_name(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }

  bool take(char c) {
    skip_blanks();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }

  std::unexpected<Error> wrong(std::string_view expected) const {
    return fail(
        Error::Kind::refused, "InvalidTemplate",
        fmt::format("Unable to parse language expression '{}': expected {} at position '{}'.", text_, expected, at_));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Expression> parse_expression(std::string_view text) { return Parser(text).whole(); }

}  // namespace defang::emulator
