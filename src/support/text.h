#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace defang {

std::string to_lower(std::string_view text);   // ASCII
std::string to_upper(std::string_view text);   // ASCII
std::string_view trim(std::string_view text);  // blanks, tabs and line ends
bool equals_ignoring_case(std::string_view a, std::string_view b);
bool contains_ignoring_case(std::string_view text, std::string_view part);
std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string replace_all(std::string text, std::string_view from, std::string_view to);
/// Whole text as a decimal number without sign; nothing for anything else, overflow included.
std::optional<std::uint64_t> to_number(std::string_view text);
/// The words as one line of a POSIX shell.
std::string shell_words(const std::vector<std::string>& words);
/// RFC 3986, unreserved characters stay.
std::string percent_encode(std::string_view text);
std::string percent_decode(std::string_view text);
/// Well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text);
/// 2026-01-02T03:04:05.678Z
std::string to_iso8601(std::int64_t unix_milliseconds);

/// The candidate that a slip of the hand would turn into `text`: at most 1 edit for short words, 2 from six characters,
/// 3 from ten. Nothing when none is near.
std::optional<std::string> did_you_mean(std::string_view text, const std::vector<std::string>& candidates);

}  // namespace defang
