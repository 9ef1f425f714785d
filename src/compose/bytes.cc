#include "compose/bytes.h"

#include <array>
#include <charconv>
#include <string>

#include "support/text.h"

namespace defang::compose {
namespace {

struct Unit {
  char letter;
  std::int64_t factor;
};
// compose-spec, "Specifying byte values". Each may be followed by "b" or "ib".
constexpr auto kUnits = std::to_array<Unit>({
    {'b', 1},
    {'k', std::int64_t{1} << 10},
    {'m', std::int64_t{1} << 20},
    {'g', std::int64_t{1} << 30},
    {'t', std::int64_t{1} << 40},
    {'p', std::int64_t{1} << 50},
});

std::optional<std::int64_t> factor_of(std::string_view suffix) {
  if (suffix.empty()) return 1;
  for (const Unit& unit : kUnits) {
    if (suffix[0] != unit.letter) continue;
    const std::string_view rest = suffix.substr(1);
    const bool is_known = rest.empty() || (unit.letter != 'b' && (rest == "b" || rest == "ib"));
    return is_known ? std::optional(unit.factor) : std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  if (text == "-1") return -1;  // "unlimited" of memswap_limit
  const std::size_t last = text.find_last_of("0123456789. ");
  if (last == std::string_view::npos) return std::nullopt;
  const auto factor = factor_of(to_lower(text.substr(last + 1)));
  std::string digits(text.substr(0, text[last] == ' ' ? last : last + 1));
  std::erase(digits, '_');
  double value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (!factor || error != std::errc{} || end != digits.data() + digits.size() || value < 0) return std::nullopt;
  const double total = value * static_cast<double>(*factor);
  if (!(total < 9.2e18)) return std::nullopt;
  return static_cast<std::int64_t>(total);
}

}  // namespace defang::compose
