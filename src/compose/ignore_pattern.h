#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace defang::compose {

/// One pattern of a `.dockerignore`, with all that BuildKit makes of it. BuildKit checks a pattern as Go's
/// filepath.Match reads it, then matches it as the regular expression that it is turned into:
///
///     *   [^/]*            **/  (.*/)?         ** at the end  .*
///     ?   [^/]             \x   \x             [...]          [...]
///
/// So `[*]` is no class of a star, `\d` is any digit, and `foo**` takes `foobar`. Patterns without any of these, and
/// those whose only magic is `**` at one end, are compared as text.
class IgnorePattern {
 public:
  /// Nothing for what BuildKit refuses, and for escapes that no path needs (`\p`, `\b`, octal and hexadecimal ones).
  static std::optional<IgnorePattern> parse(std::string_view text);

  bool matches(std::string_view path) const;
  /// Where it is the whole path: may something below `folder` match?
  bool could_match_below(std::string_view folder) const;

 private:
  enum class Kind { whole, prefix, suffix, expression };
  struct Step {
    enum class Kind {
      one,         // a character of the set
      any_times,   // of the set, also none
      folders,     // (.*/)?
      in_folders,  // the inside of `folders`
      at_start,    // ^ in the middle of a pattern
    };
    Kind kind = Kind::one;
    bool negated = false;
    std::vector<std::pair<char32_t, char32_t>> set;

    bool takes(char32_t c) const;
  };
  struct ExpressionReader;

  bool expression_matches(std::string_view path) const;
  void enter(std::size_t step, bool at_start, std::vector<bool>& active) const;

  Kind kind_ = Kind::whole;
  std::string text_;
  std::vector<Step> steps_;
};

}  // namespace defang::compose
