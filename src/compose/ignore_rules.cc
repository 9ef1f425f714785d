#include "compose/ignore_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "support/text.h"

namespace defang::compose {
namespace {

constexpr std::size_t kLongestLine = 65536;  // of Go's line scanner, with the line's end

// What Unicode calls White_Space, which is what Go trims, beyond ASCII's own.
constexpr auto kWideBlanks = std::to_array<std::string_view>({
    "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80", "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82", "\xE2\x80\x83",
    "\xE2\x80\x84", "\xE2\x80\x85", "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88", "\xE2\x80\x89", "\xE2\x80\x8A",
    "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F", "\xE3\x80\x80",
});

std::size_t blank_at_start(std::string_view text) {
  if (!text.empty() && std::string_view(" \t\n\v\f\r").contains(text.front())) return 1;
  const auto found = std::ranges::find_if(kWideBlanks, [&](auto blank) { return text.starts_with(blank); });
  return found == kWideBlanks.end() ? 0 : found->size();
}

std::size_t blank_at_end(std::string_view text) {
  if (!text.empty() && std::string_view(" \t\n\v\f\r").contains(text.back())) return 1;
  const auto found = std::ranges::find_if(kWideBlanks, [&](auto blank) { return text.ends_with(blank); });
  return found == kWideBlanks.end() ? 0 : found->size();
}

std::string_view without_blanks(std::string_view text) {
  while (const std::size_t size = blank_at_start(text)) text.remove_prefix(size);
  while (const std::size_t size = blank_at_end(text)) text.remove_suffix(size);
  return text;
}

/// As Go's filepath.Clean.
std::string clean(std::string_view path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

/// Relative to the context's root, which a leading slash means.
std::string normalised(std::string_view line) {
  const bool is_exception = line.front() == '!';
  std::string pattern(is_exception ? without_blanks(line.substr(1)) : line);
  if (!pattern.empty()) {
    pattern = clean(pattern);
    if (pattern.size() > 1 && pattern.front() == '/') pattern.erase(0, 1);
  }
  return clean(without_blanks(is_exception ? "!" + pattern : pattern));
}

}  // namespace

Result<IgnoreRules> IgnoreRules::parse(std::string_view text) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  IgnoreRules rules;
  std::size_t number = 0;
  for (const auto& line : split(text, '\n')) {
    ++number;
    const auto refuse = [number](std::string_view what) {
      return fail(Error::Kind::invalid, "ignore-pattern", fmt::format("line {}: {}", number, what));
    };
    if (line.size() >= kLongestLine) return refuse("is longer than the 64 KiB that a builder reads");
    if (line.starts_with('#')) continue;
    const std::string_view trimmed = without_blanks(line);
    if (trimmed.empty()) continue;
    // After cleaning, because a builder looks for the `!` only then: `./!a` is an exception too.
    const std::string pattern = normalised(trimmed);
    const bool exception = pattern.front() == '!';
    if (pattern == "!") return refuse("`!` without a pattern");
    auto parsed = IgnorePattern::parse(std::string_view(pattern).substr(exception ? 1 : 0));
    if (!parsed) return refuse(fmt::format("`{}` is no pattern that a builder understands", trimmed));
    rules.rules_.push_back({std::move(*parsed), exception});
  }
  return rules;
}

IgnoreRules::Verdict IgnoreRules::judge(std::string_view path, const Verdict& parent) const {
  Verdict verdict{.matched = std::vector<bool>(rules_.size())};
  for (std::size_t at = 0; at < rules_.size(); ++at) {
    const Rule& rule = rules_[at];
    const bool can_change = rule.exception == verdict.ignored;
    verdict.matched[at] = (!parent.matched.empty() && parent.matched[at]) || (can_change && rule.pattern.matches(path));
    if (verdict.matched[at]) verdict.ignored = !rule.exception;
  }
  return verdict;
}

bool IgnoreRules::ignores(std::string_view path) const {
  Verdict verdict;
  for (std::size_t slash = path.find('/'); slash != std::string_view::npos; slash = path.find('/', slash + 1))
    verdict = judge(path.substr(0, slash), verdict);
  return judge(path, verdict).ignored;
}

bool IgnoreRules::may_bring_back_below(std::string_view folder) const {
  return std::ranges::any_of(
      rules_, [&](const Rule& rule) { return rule.exception && rule.pattern.could_match_below(folder); });
}

}  // namespace defang::compose
