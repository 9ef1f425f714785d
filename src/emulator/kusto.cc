#include "emulator/kusto.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "support/text.h"

namespace defang::emulator {
namespace {

struct Token {
  enum class Kind { name, text, number, time, sign, end } kind = Kind::end;
  std::string text;
};

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Thrown inside this file alone, where a query cannot be read or run.
struct NoAnswer {
  KustoError error;
};
[[noreturn]] void refuse(std::string_view code, std::string message) {
  throw NoAnswer{{std::string(code), std::move(message)}};
}

std::vector<Token> tokens_of(std::string_view query) {
  std::vector<Token> tokens;
  std::size_t at = 0;
  while (at < query.size()) {
    const char c = query[at];
    const auto begin = at;
    if (c == ' ' || c == '\n' || c == '\t' || c == '\r') {
      ++at;
    } else if (begins_name(c)) {
      while (at < query.size() && (begins_name(query[at]) || is_digit(query[at]))) ++at;
      std::string name(query.substr(begin, at - begin));
      // datetime(2026-01-02T03:04:05Z) is a literal: what stands inside is no expression.
      if (name == "datetime" && at < query.size() && query[at] == '(') {
        const auto close = query.find(')', at);
        if (close == std::string_view::npos) refuse("SyntaxError", "datetime( is not closed");
        std::string time(query.substr(at + 1, close - at - 1));
        std::erase_if(time, [](char one) { return one == '\'' || one == '"' || one == ' '; });
        tokens.push_back({Token::Kind::time, std::move(time)});
        at = close + 1;
      } else {
        tokens.push_back({Token::Kind::name, std::move(name)});
      }
    } else if (is_digit(c)) {
      while (at < query.size() && (is_digit(query[at]) || query[at] == '.')) ++at;
      tokens.push_back({Token::Kind::number, std::string(query.substr(begin, at - begin))});
    } else if (c == '\'' || c == '"') {
      std::string text;
      for (++at; at < query.size() && query[at] != c; ++at) {
        if (query[at] == '\\' && at + 1 < query.size()) ++at;
        text += query[at];
      }
      if (at == query.size()) refuse("SyntaxError", "a string is not closed");
      ++at;
      tokens.push_back({Token::Kind::text, std::move(text)});
    } else {
      constexpr std::string_view kPairs[] = {"==", "!=", "=~", "!~", ">=", "<="};
      const auto pair = std::ranges::find(kPairs, query.substr(at, 2));
      at += pair == std::end(kPairs) ? 1 : 2;
      tokens.push_back({Token::Kind::sign, std::string(query.substr(begin, at - begin))});
    }
  }
  tokens.emplace_back();
  return tokens;
}

/// Times compare as text once the zone, always UTC here, is off.
std::string time_text(std::string_view text) {
  if (text.ends_with('Z')) text.remove_suffix(1);
  return std::string(text);
}

using Evaluate = std::function<Json(const Json& row)>;

class Query {
 public:
  Query(std::string_view text, const FindTable& find) : tokens_(tokens_of(text)), find_(find) {}

  KustoTable run() {
    source();
    while (take_sign("|")) step();
    if (peek().kind != Token::Kind::end) refuse("SyntaxError", fmt::format("unexpected '{}'", peek().text));
    return std::move(table_);
  }

 private:
  const Token& peek() const { return tokens_[at_]; }
  Token next() { return tokens_[at_ + 1 < tokens_.size() ? at_++ : at_]; }
  bool take(Token::Kind kind, std::string_view text) {
    if (peek().kind != kind || peek().text != text) return false;
    next();
    return true;
  }
  bool take_sign(std::string_view text) { return take(Token::Kind::sign, text); }
  bool take_word(std::string_view text) { return take(Token::Kind::name, text); }
  void expect_sign(std::string_view text) {
    if (!take_sign(text)) refuse("SyntaxError", fmt::format("expected '{}' before '{}'", text, peek().text));
  }
  std::string expect_name() {
    if (peek().kind != Token::Kind::name)
      refuse("SyntaxError", fmt::format("expected a name before '{}'", peek().text));
    return next().text;
  }
  const std::string& expect_column() {
    const std::string name = expect_name();
    const auto column = std::ranges::find(table_.columns, name, &KustoTable::Column::name);
    if (column == table_.columns.end()) refuse("SemanticError", unresolved(name));
    return column->name;
  }
  static std::string unresolved(std::string_view name) {
    return fmt::format("'{}' operator: Failed to resolve scalar expression named '{}'", "where", name);
  }

  void source() {
    const bool is_union = take_word("union");
    bool is_fuzzy = false;
    if (is_union && take_word("isfuzzy")) {
      expect_sign("=");
      is_fuzzy = expect_name() == "true";
    }
    bool found = false;
    do {
      const bool is_enclosed = take_sign("(");
      const std::string name = expect_name();
      const auto table = name == "datatable" ? std::optional(empty_table()) : find_(name);
      if (is_enclosed) expect_sign(")");
      if (!table && !is_fuzzy) refuse("SemanticError", fmt::format("'{}' could not be resolved to a table", name));
      if (!table) continue;
      found = true;
      for (const auto& column : table->columns)
        if (std::ranges::find(table_.columns, column.name, &KustoTable::Column::name) == table_.columns.end())
          table_.columns.push_back(column);
      table_.rows.insert(table_.rows.end(), table->rows.begin(), table->rows.end());
    } while (is_union && take_sign(","));
    if (!found) refuse("SemanticError", "'union' operator: no table of it could be resolved");
  }

  /// After its name: "(When:datetime)[]".
  KustoTable empty_table() {
    KustoTable table;
    expect_sign("(");
    do {
      std::string name = expect_name();
      expect_sign(":");
      table.columns.push_back({std::move(name), expect_name()});
    } while (take_sign(","));
    expect_sign(")");
    expect_sign("[");
    if (!take_sign("]")) refuse("EmulatorNotImplemented", "a datatable with rows is not served");
    return table;
  }

  void step() {
    const std::string word = expect_name();
    if (word == "where") {
      const Evaluate keep = either();
      std::erase_if(table_.rows, [&](const Json& row) { return keep(row) != Json(true); });
    } else if (word == "project") {
      project();
    } else if (word == "order" || word == "sort") {
      if (!take_word("by")) refuse("SyntaxError", "expected 'by'");
      order();
    } else if (word == "take" || word == "limit") {
      const auto count = to_number(next().text);
      if (!count) refuse("SyntaxError", "take needs a number");
      if (table_.rows.size() > *count) table_.rows.resize(static_cast<std::size_t>(*count));
    } else {
      refuse("EmulatorNotImplemented", fmt::format("the operator '{}' is not served", word));
    }
  }

  void project() {
    std::vector<KustoTable::Column> columns;
    std::vector<Evaluate> values;
    do {
      const bool is_renamed = peek().kind == Token::Kind::name && tokens_[at_ + 1].text == "=";
      std::string name = is_renamed ? next().text : "";
      if (is_renamed) expect_sign("=");
      const auto column = std::ranges::find(table_.columns, peek().text, &KustoTable::Column::name);
      const std::string type = column == table_.columns.end() ? "string" : column->type;
      if (!is_renamed) name = peek().text;
      values.push_back(value());
      columns.push_back({std::move(name), type});
    } while (take_sign(","));
    for (auto& row : table_.rows) {
      Json made = Json::object();
      for (std::size_t i = 0; i < columns.size(); ++i) made[columns[i].name] = values[i](row);
      row = std::move(made);
    }
    table_.columns = std::move(columns);
  }

  void order() {
    std::vector<std::pair<std::string, bool>> keys;  // falling by default
    do {
      std::string name = expect_column();
      const bool rises = take_word("asc");
      if (!rises) take_word("desc");
      keys.emplace_back(std::move(name), rises);
    } while (take_sign(","));
    std::ranges::stable_sort(table_.rows, [&](const Json& a, const Json& b) {
      for (const auto& [name, rises] : keys) {
        const int difference = compare(a.value(name, Json()), b.value(name, Json()));
        if (difference != 0) return rises ? difference < 0 : difference > 0;
      }
      return false;
    });
  }

  static int compare(const Json& a, const Json& b) {
    if (a.is_string() && b.is_string()) {
      const auto left = time_text(a.get_ref<const std::string&>()), right = time_text(b.get_ref<const std::string&>());
      return left < right ? -1 : left > right ? 1 : 0;
    }
    return a < b ? -1 : b < a ? 1 : 0;
  }
  static bool same(const Json& a, const Json& b, bool ignore_case) {
    if (!a.is_string() || !b.is_string()) return a == b;
    const auto &left = a.get_ref<const std::string&>(), &right = b.get_ref<const std::string&>();
    return ignore_case ? equals_ignoring_case(left, right) : left == right;
  }

  Evaluate either() {
    Evaluate left = both();
    while (take_word("or"))
      left = [left, right = both()](const Json& row) { return Json(left(row) == true || right(row) == true); };
    return left;
  }
  Evaluate both() {
    Evaluate left = comparison();
    while (take_word("and"))
      left = [left, right = comparison()](const Json& row) { return Json(left(row) == true && right(row) == true); };
    return left;
  }
  Evaluate comparison() {
    if (take_sign("(")) {
      Evaluate inner = either();
      expect_sign(")");
      return inner;
    }
    Evaluate left = value();
    if (take_word("startswith"))
      return [left, right = value()](const Json& row) {
        const Json text = left(row), begin = right(row);
        return Json(
            text.is_string() && begin.is_string() &&
            to_lower(text.get_ref<const std::string&>()).starts_with(to_lower(begin.get_ref<const std::string&>())));
      };
    if (take_word("in")) {
      const bool ignore_case = take_sign("~");
      expect_sign("(");
      std::vector<Evaluate> members{value()};
      while (take_sign(",")) members.push_back(value());
      expect_sign(")");
      return [left, members, ignore_case](const Json& row) {
        const Json wanted = left(row);
        return Json(
            std::ranges::any_of(members, [&](const Evaluate& one) { return same(wanted, one(row), ignore_case); }));
      };
    }
    if (peek().kind != Token::Kind::sign) return left;
    const std::string sign = peek().text;
    const bool is_equality = sign == "==" || sign == "=~" || sign == "!=" || sign == "!~";
    if (!is_equality && sign != ">=" && sign != "<=" && sign != ">" && sign != "<") return left;
    next();
    return [left, right = value(), sign, is_equality](const Json& row) {
      const Json a = left(row), b = right(row);
      if (is_equality) return Json(same(a, b, sign[1] == '~') == (sign[0] == '='));
      const int difference = compare(a, b);
      return Json(sign[0] == '>' ? difference > 0 || (sign == ">=" && difference == 0)
                                 : difference < 0 || (sign == "<=" && difference == 0));
    };
  }
  Evaluate value() {
    const Token token = next();
    if (token.kind == Token::Kind::text || token.kind == Token::Kind::time)
      return [text = token.text](const Json&) { return Json(text); };
    if (token.kind == Token::Kind::number)
      return [number = parse_json(token.text).value_or(Json())](const Json&) { return number; };
    if (token.kind != Token::Kind::name) refuse("SyntaxError", fmt::format("unexpected '{}'", token.text));
    if (take_sign("(")) return call(token.text);
    if (std::ranges::find(table_.columns, token.text, &KustoTable::Column::name) == table_.columns.end())
      refuse("SemanticError", unresolved(token.text));
    Evaluate made = [name = token.text](const Json& row) { return row.value(name, Json()); };
    while (peek().text == "[" || peek().text == ".") {
      const bool is_indexed = next().text == "[";
      const std::string name = next().text;
      if (is_indexed) expect_sign("]");
      made = [made, name](const Json& row) {
        const Json object = made(row);
        const Json* member = find_member(object, name);
        return member == nullptr ? Json() : *member;
      };
    }
    return made;
  }
  Evaluate call(const std::string& name) {
    Evaluate inner = either();
    expect_sign(")");
    const auto is_empty = [](const Json& one) { return one.is_null() || one == ""; };
    if (name == "isnotempty") return [inner, is_empty](const Json& row) { return Json(!is_empty(inner(row))); };
    if (name == "isempty") return [inner, is_empty](const Json& row) { return Json(is_empty(inner(row))); };
    if (name == "not") return [inner](const Json& row) { return Json(inner(row) != true); };
    if (name == "tostring")
      return [inner](const Json& row) {
        const Json one = inner(row);
        return one.is_string() ? one : Json(one.is_null() ? "" : dump(one));
      };
    refuse("EmulatorNotImplemented", fmt::format("the function '{}' is not served", name));
  }

  std::vector<Token> tokens_;
  const FindTable& find_;
  std::size_t at_ = 0;
  KustoTable table_;
};

}  // namespace

std::expected<KustoTable, KustoError> run_kusto(std::string_view query, const FindTable& find) try {
  return Query(query, find).run();
} catch (const NoAnswer& refusal) {
  return std::unexpected(refusal.error);
}

}  // namespace defang::emulator
