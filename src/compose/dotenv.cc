#include "compose/dotenv.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "compose/limits.h"

namespace defang::compose {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r'; }

bool is_key_character(unsigned char c) {
  return c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view("_.-[]").contains(static_cast<char>(c));
}

struct Escape {
  char written, meant;
};
// compose-spec, "env_file": Env_file format.
constexpr Escape kEscapes[] = {{'a', '\a'}, {'b', '\b'}, {'f', '\f'}, {'n', '\n'}, {'r', '\r'},
                               {'t', '\t'}, {'v', '\v'}, {'"', '"'},  {'\\', '\\'}};

/// Escapes of a double-quoted value. `\$` becomes `$$`, which interpolation turns into `$`.
std::string expand_escapes(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\\' || at + 1 == text.size()) {
      out += text[at];
      continue;
    }
    const char next = text[at + 1];
    const auto* escape = std::ranges::find(kEscapes, next, &Escape::written);
    const std::string_view octal = text.substr(at + 1, 4);
    if (next == '$') {
      out += "$$";
      ++at;
    } else if (escape != std::end(kEscapes)) {
      out += escape->meant;
      ++at;
    } else if (next == '0' && octal.size() == 4 &&
               std::ranges::all_of(octal, [](char c) { return c >= '0' && c <= '7'; })) {
      out += static_cast<char>((octal[1] - '0') * 64 + (octal[2] - '0') * 8 + (octal[3] - '0'));
      at += 4;
    } else {
      out += text[at];
    }
  }
  return out;
}

class Parser {
 public:
  Parser(std::string_view text, const Lookup& lookup, std::vector<EnvFileError>* doubts)
      : rest_(text), lookup_(lookup), doubts_(doubts) {}

  std::expected<EnvFileEntries, EnvFileError> run() {
    if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
    while (to_statement()) {
      auto key = read_key();
      if (!key) return std::unexpected(key.error());
      if (key->contains(' ')) return fail(fmt::format("the key `{}` contains a space", *key));
      if (bare_) {
        if (auto value = lookup_(*key)) set(*key, *value);
        continue;
      }
      auto value = read_value(*key);
      if (!value) return std::unexpected(value.error());
      set(*key, std::move(*value));
    }
    return std::move(entries_);
  }

 private:
  std::unexpected<EnvFileError> fail(std::string message) const {
    return std::unexpected(EnvFileError{line_, std::move(message)});
  }

  void doubt(std::string message) {
    if (doubts_) doubts_->push_back({line_, std::move(message)});
  }

  void drop(std::size_t count) {
    line_ += static_cast<std::size_t>(std::ranges::count(rest_.substr(0, count), '\n'));
    rest_.remove_prefix(count);
  }

  /// Skips blank lines and comments; false at the end.
  bool to_statement() {
    while (!rest_.empty()) {
      if (is_blank(rest_[0]) || rest_[0] == '\n') {
        drop(1);
      } else if (rest_[0] == '#') {
        drop(std::min(rest_.find('\n'), rest_.size()));
      } else {
        return true;
      }
    }
    return false;
  }

  std::expected<std::string, EnvFileError> read_key() {
    if (rest_.starts_with("export") && rest_.size() > 6 && is_blank(rest_[6])) {
      drop(6);
      while (!rest_.empty() && is_blank(rest_[0])) drop(1);
    }
    std::size_t end = 0;
    while (end < rest_.size() && (is_blank(rest_[end]) || is_key_character(static_cast<unsigned char>(rest_[end])))) {
      ++end;
    }
    if (end < rest_.size() && rest_[end] != '=' && rest_[end] != ':' && rest_[end] != '\n')
      return fail(fmt::format("unexpected character `{}` in a variable name", rest_[end]));
    std::string_view key = rest_.substr(0, end);
    while (!key.empty() && is_blank(key.back())) key.remove_suffix(1);
    bare_ = end == rest_.size() || rest_[end] == '\n';
    std::string name(key);
    drop(bare_ ? end : end + 1);
    return name;
  }

  std::expected<std::string, EnvFileError> read_value(const std::string& key) {
    while (!rest_.empty() && is_blank(rest_[0])) drop(1);
    if (!rest_.empty() && (rest_[0] == '"' || rest_[0] == '\'')) return read_quoted(key);
    const std::size_t end = std::min(rest_.find('\n'), rest_.size());
    std::string_view value = rest_.substr(0, end);
    value = value.substr(0, value.find(" #"));
    while (!value.empty() && is_blank(value.back())) value.remove_suffix(1);
    for (const char quote : {'"', '\''})
      if (value.ends_with(quote) && std::ranges::count(value, quote) % 2 == 1)
        doubt(fmt::format("the value of `{}` ends with a quote that has no partner: it is part of the value", key));
    auto expanded = expand(key, value);
    drop(end);
    return expanded;
  }

  std::expected<std::string, EnvFileError> read_quoted(const std::string& key) {
    const char quote = rest_[0];
    std::string value;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      const char c = rest_[at];
      if (c == '\\' && at + 1 < rest_.size()) {
        const char next = rest_[++at];
        if (next != quote) value += '\\';
        value += next;
      } else if (c == quote) {
        drop(at + 1);
        if (!rest_.empty() && !is_blank(rest_[0]) && rest_[0] != '\n' && rest_[0] != '#')
          doubt(fmt::format("what follows the closing quote of `{}` is no part of its value", key));
        return quote == '\'' ? value : expand(key, expand_escapes(value));
      } else {
        value += c;
      }
    }
    return fail(fmt::format("the quoted value of `{}` has no end", key));
  }

  std::expected<std::string, EnvFileError> expand(const std::string& key, std::string_view value) {
    const Lookup with_earlier = [this](std::string_view name) -> std::optional<std::string> {
      if (auto known = lookup_(name)) return known;
      const auto found = places_.find(name);
      if (found == places_.end()) return std::nullopt;
      return entries_[found->second].second;
    };
    auto result = substitute(value, with_earlier, Unset::blank);
    if (result && (filled_ += result->text.size()) <= kMostFilledBytes) return std::move(result->text);
    if (result || result.error().kind == SubstitutionError::Kind::too_long)
      return fail(fmt::format("variables make the value of `{}` too long", key));
    const SubstitutionError& error = result.error();
    if (error.kind == SubstitutionError::Kind::malformed)
      return fail(fmt::format("malformed `${{...}}` in the value of `{}`", key));
    return fail(fmt::format("required variable `{}` is missing a value: {}", error.variable, error.message));
  }

  void set(const std::string& key, std::string value) {
    const auto [place, is_new] = places_.emplace(key, entries_.size());
    if (is_new) {
      entries_.emplace_back(key, std::move(value));
    } else {
      entries_[place->second].second = std::move(value);
    }
  }

  std::string_view rest_;
  const Lookup& lookup_;
  std::vector<EnvFileError>* doubts_;
  std::size_t line_ = 1;
  std::size_t filled_ = 0;  // bytes of all values so far
  bool bare_ = false;       // the key read last stands alone
  EnvFileEntries entries_;
  std::map<std::string, std::size_t, std::less<>> places_;  // of keys in entries_
};

}  // namespace

std::expected<EnvFileEntries, EnvFileError> parse_env_file(std::string_view text, const Lookup& lookup,
                                                           std::vector<EnvFileError>* doubts) {
  return Parser(text, lookup, doubts).run();
}

}  // namespace defang::compose
