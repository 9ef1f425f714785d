#include "compose/durations.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace defang::compose {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};
// compose-spec, "Specifying durations", and the days and weeks that the reference loader adds.
constexpr auto kUnits = std::to_array<Unit>({
    {"ns", 1},
    {"us", 1'000},
    {"\xC2\xB5s", 1'000},  // U+00B5, micro sign
    {"\xCE\xBCs", 1'000},  // U+03BC, Greek mu
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
    {"d", 86'400'000'000'000},
    {"w", 604'800'000'000'000},
});

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// One "1.5s" off the front.
std::optional<double> take_part(std::string_view& text) {
  std::size_t end = 0;
  std::uint64_t whole = 0;
  double fraction = 0, scale = 1;
  bool has_digits = false;
  for (; end < text.size() && is_digit(text[end]); ++end) {
    if (whole > std::numeric_limits<std::int64_t>::max() / 10) return std::nullopt;
    whole = whole * 10 + static_cast<std::uint64_t>(text[end] - '0');
    has_digits = true;
  }
  if (end < text.size() && text[end] == '.') {
    for (++end; end < text.size() && is_digit(text[end]); ++end) {
      scale /= 10;
      fraction += scale * (text[end] - '0');
      has_digits = true;
    }
  }
  if (!has_digits) return std::nullopt;
  text.remove_prefix(end);
  const auto unit_end = std::ranges::find_if(text, [](char c) { return is_digit(c) || c == '.'; });
  const std::string_view name = text.substr(0, static_cast<std::size_t>(unit_end - text.begin()));
  const auto unit = std::ranges::find(kUnits, name, &Unit::name);
  if (unit == kUnits.end()) return std::nullopt;
  text.remove_prefix(name.size());
  return static_cast<double>(whole) * static_cast<double>(unit->nanoseconds) +
         fraction * static_cast<double>(unit->nanoseconds);
}

}  // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return std::chrono::nanoseconds{0};
  if (text.empty()) return std::nullopt;
  double total = 0;
  while (!text.empty()) {
    const auto part = take_part(text);
    if (!part) return std::nullopt;
    total += *part;
  }
  if (total > 9.2e18) return std::nullopt;
  const auto count = static_cast<std::int64_t>(std::llround(total));
  return std::chrono::nanoseconds{negative ? -count : count};
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  std::uint64_t left = count < 0 ? 0 - static_cast<std::uint64_t>(count) : static_cast<std::uint64_t>(count);
  const std::string sign = count < 0 ? "-" : "";
  const auto with_fraction = [](std::uint64_t value, std::uint64_t unit, int digits) {
    std::string text = fmt::format("{}.{:0{}}", value / unit, value % unit, digits);
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
    return text;
  };
  if (left < 1'000) return fmt::format("{}{}ns", sign, left);
  if (left < 1'000'000) return sign + with_fraction(left, 1'000, 3) + "\xC2\xB5s";
  if (left < 1'000'000'000) return sign + with_fraction(left, 1'000'000, 6) + "ms";
  constexpr std::uint64_t kSecond = 1'000'000'000;
  const std::uint64_t hours = left / (3600 * kSecond);
  const std::uint64_t minutes = left / (60 * kSecond) % 60;
  const std::string seconds = with_fraction(left % (60 * kSecond), kSecond, 9) + "s";
  if (hours > 0) return fmt::format("{}{}h{}m{}", sign, hours, minutes, seconds);
  if (minutes > 0) return fmt::format("{}{}m{}", sign, minutes, seconds);
  return sign + seconds;
}

}  // namespace defang::compose
