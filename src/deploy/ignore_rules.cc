#include "deploy/ignore_rules.h"

#include <fmt/format.h>

#include <filesystem>
#include <optional>

#include "support/text.h"

namespace defang::deploy {
namespace {

struct Class {
  bool matches = false;
  std::size_t end = 0;  // after the `]`
};

/// `[a-z]`, `[^a]` as in Go's filepath.Match; nothing when it does not end.
std::optional<Class> match_class(std::string_view pattern, std::size_t at, char c) {
  std::size_t i = at + 1;
  const bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool inside = false;
  for (bool first = true; i < pattern.size() && (pattern[i] != ']' || first); first = false) {
    if (pattern[i] == '\\' && i + 1 < pattern.size()) ++i;
    const char low = pattern[i++];
    char high = low;
    if (i + 1 < pattern.size() && pattern[i] == '-' && pattern[i + 1] != ']') {
      high = pattern[i + 1];
      i += 2;
    }
    inside = inside || (low <= c && c <= high);
  }
  if (i >= pattern.size()) return std::nullopt;
  return Class{inside != negated && c != '/', i + 1};
}

bool matches(std::string_view pattern, std::string_view path);

/// `**` takes any number of whole folders, none included; at the end of a pattern it takes everything.
bool matches_after_double_star(std::string_view rest, std::string_view path) {
  if (!rest.empty() && rest.front() == '/') rest.remove_prefix(1);
  if (rest.empty()) return true;
  if (matches(rest, path)) return true;
  for (std::size_t i = 0; i < path.size(); ++i)
    if (path[i] == '/' && matches(rest, path.substr(i + 1))) return true;
  return false;
}

bool matches_after_star(std::string_view rest, std::string_view path) {
  for (std::size_t i = 0;; ++i) {
    if (matches(rest, path.substr(i))) return true;
    if (i >= path.size() || path[i] == '/') return false;
  }
}

bool matches(std::string_view pattern, std::string_view path) {
  while (!pattern.empty()) {
    if (pattern.starts_with("**")) return matches_after_double_star(pattern.substr(2), path);
    if (pattern.front() == '*') return matches_after_star(pattern.substr(1), path);
    if (path.empty()) return false;
    if (pattern.front() == '[') {
      const auto found = match_class(pattern, 0, path.front());
      if (!found || !found->matches) return false;
      pattern.remove_prefix(found->end);
      path.remove_prefix(1);
      continue;
    }
    if (pattern.front() == '\\' && pattern.size() > 1) {
      pattern.remove_prefix(1);
      if (pattern.front() != path.front()) return false;
    } else if (pattern.front() == '?' ? path.front() == '/' : pattern.front() != path.front()) {
      return false;
    }
    pattern.remove_prefix(1);
    path.remove_prefix(1);
  }
  return path.empty();
}

bool matches_or_parent_matches(std::string_view pattern, std::string_view path) {
  if (matches(pattern, path)) return true;
  for (std::size_t slash = path.rfind('/'); slash != std::string_view::npos && slash > 0;
       slash = path.rfind('/', slash - 1))
    if (matches(pattern, path.substr(0, slash))) return true;
  return false;
}

/// As Go's filepath.Clean, and without the leading slash, which means the context's root.
std::string clean(std::string_view pattern) {
  std::string text = std::filesystem::path(pattern).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  if (text.size() > 1 && text.front() == '/') text.erase(0, 1);
  return text;
}

bool classes_end(std::string_view pattern) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == '[') {
      const auto found = match_class(pattern, i, 'x');
      if (!found) return false;
      i = found->end - 1;
    }
  }
  return true;
}

}  // namespace

Result<IgnoreRules> IgnoreRules::parse(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  IgnoreRules rules;
  std::size_t number = 0;
  for (const auto& line : split(text, '\n')) {
    ++number;
    if (line.starts_with('#')) continue;
    std::string_view pattern = trim(line);
    if (pattern.empty()) continue;
    Rule rule;
    if (pattern.front() == '!') {
      rule.exception = true;
      pattern = trim(pattern.substr(1));
    }
    if (pattern.empty())
      return fail(Error::Kind::invalid, "ignore-pattern", fmt::format("line {}: `!` without a pattern", number));
    rule.pattern = clean(pattern);
    if (!classes_end(rule.pattern))
      return fail(Error::Kind::invalid, "ignore-pattern",
                  fmt::format("line {}: `[` without its `]` in `{}`", number, pattern));
    if (rule.pattern == ".") continue;  // matches nothing below the context
    rules.has_exceptions_ = rules.has_exceptions_ || rule.exception;
    rules.rules_.push_back(std::move(rule));
  }
  return rules;
}

bool IgnoreRules::ignores(std::string_view path) const {
  bool ignored = false;
  for (const auto& rule : rules_)
    if (rule.exception == ignored && matches_or_parent_matches(rule.pattern, path)) ignored = !rule.exception;
  return ignored;
}

}  // namespace defang::deploy
