#include "compose/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>

namespace defang::compose {
namespace {

struct Constant {
  std::string_view text;
  Node::Kind kind;
  bool boolean = false;
  double number = 0;
};
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// YAML 1.2, chapter 10.3 "Core Schema". `yes`, `on` and their kin of YAML 1.1 are texts here (CS-25).
constexpr auto kConstants = std::to_array<Constant>({
    {"", Node::Kind::null},
    {"~", Node::Kind::null},
    {"null", Node::Kind::null},
    {"Null", Node::Kind::null},
    {"NULL", Node::Kind::null},
    {"true", Node::Kind::boolean, true},
    {"True", Node::Kind::boolean, true},
    {"TRUE", Node::Kind::boolean, true},
    {"false", Node::Kind::boolean, false},
    {"False", Node::Kind::boolean, false},
    {"FALSE", Node::Kind::boolean, false},
    {".inf", Node::Kind::number, false, kInfinity},
    {".Inf", Node::Kind::number, false, kInfinity},
    {".INF", Node::Kind::number, false, kInfinity},
    {"+.inf", Node::Kind::number, false, kInfinity},
    {"+.Inf", Node::Kind::number, false, kInfinity},
    {"+.INF", Node::Kind::number, false, kInfinity},
    {"-.inf", Node::Kind::number, false, -kInfinity},
    {"-.Inf", Node::Kind::number, false, -kInfinity},
    {"-.INF", Node::Kind::number, false, -kInfinity},
    {".nan", Node::Kind::number, false, kNotANumber},
    {".NaN", Node::Kind::number, false, kNotANumber},
    {".NAN", Node::Kind::number, false, kNotANumber},
});

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::optional<std::int64_t> parse_digits(std::string_view digits, int base, bool negative) {
  std::uint64_t magnitude = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, base);
  if (digits.empty() || error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  const std::uint64_t limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1 : 0);
  if (magnitude > limit) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - magnitude : magnitude);
}

/// CS-27: decimal, 0x, 0o, 0b, and the older octal with a leading zero.
std::optional<std::int64_t> parse_integer(std::string_view text) {
  if (text == "-0") return std::nullopt;  // a number whose sign is kept
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text.size() > 1 && text.front() == '0') {
    switch (text[1]) {
      case 'x':
      case 'X':
        return parse_digits(text.substr(2), 16, negative);
      case 'o':
      case 'O':
        return parse_digits(text.substr(2), 8, negative);
      case 'b':
      case 'B':
        return parse_digits(text.substr(2), 2, negative);
      default:
        return parse_digits(text.substr(1), 8, negative);
    }
  }
  return parse_digits(text, 10, negative);
}

/// [-+]? (\.[0-9]+ | [0-9]+ (\.[0-9]*)?) ([eE][-+]?[0-9]+)?
std::optional<double> parse_number(std::string_view text) {
  std::size_t at = !text.empty() && (text[0] == '-' || text[0] == '+') ? 1 : 0;
  const auto digits = [&] {
    const std::size_t start = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - start;
  };
  const std::size_t whole = digits();
  if (at < text.size() && text[at] == '.') {
    ++at;
    if (digits() == 0 && whole == 0) return std::nullopt;
  } else if (whole == 0) {
    return std::nullopt;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    if (digits() == 0) return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  const std::string_view body = text.starts_with('+') ? text.substr(1) : text;
  double value = 0;
  const auto [end, error] = std::from_chars(body.data(), body.data() + body.size(), value);
  if (error != std::errc{} || end != body.data() + body.size()) return std::nullopt;
  return value;
}

// A whole number between 2^63 and 2^64 is kept exactly, by its text.
constexpr std::string_view kUnsignedTag = "!!uint";
bool is_unsigned(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} && end == digits.data() + digits.size() && value >> 63 != 0;
}

/// YYYY-M-D, with an optional time: what YAML 1.1 calls a timestamp. Gives the text that Compose prints for it.
std::optional<std::string> parse_timestamp(std::string_view text) {
  const auto number = [&](std::size_t least, std::size_t most) -> std::optional<int> {
    std::size_t count = 0;
    int value = 0;
    while (count < text.size() && count < most && is_digit(text[count])) value = value * 10 + (text[count++] - '0');
    if (count < least) return std::nullopt;
    text.remove_prefix(count);
    return value;
  };
  const auto symbol = [&](std::string_view any) {
    if (text.empty() || !any.contains(text.front())) return false;
    text.remove_prefix(1);
    return true;
  };
  const auto year = number(4, 4);
  if (!year || !symbol("-")) return std::nullopt;
  const auto month = number(1, 2);
  if (!month || !symbol("-")) return std::nullopt;
  const auto day = number(1, 2);
  if (!day || *month < 1 || *month > 12 || *day < 1 || *day > 31) return std::nullopt;
  const std::string date = fmt::format("{:04}-{:02}-{:02}", *year, *month, *day);
  if (text.empty()) return date + " 00:00:00 +0000 UTC";
  if (!symbol("Tt ")) return std::nullopt;
  const auto hour = number(1, 2);
  if (!hour || !symbol(":")) return std::nullopt;
  const auto minute = number(1, 2);
  if (!minute || !symbol(":")) return std::nullopt;
  const auto second = number(1, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 59) return std::nullopt;
  std::string fraction;
  if (symbol(".")) {
    while (!text.empty() && is_digit(text.front())) {
      fraction += text.front();
      text.remove_prefix(1);
    }
    while (fraction.ends_with('0')) fraction.pop_back();
  }
  if (!text.empty() && text != "Z") return std::nullopt;
  return fmt::format("{} {:02}:{:02}:{:02}{}{} +0000 UTC", date, *hour, *minute, *second, fraction.empty() ? "" : ".",
                     fraction);
}

Node text_node(std::string_view text) { return Node::of(std::string(text)); }

std::optional<Node> constant(std::string_view text) {
  const auto found = std::ranges::find(kConstants, text, &Constant::text);
  if (found == kConstants.end()) return std::nullopt;
  Node node;
  node.kind = found->kind;
  node.boolean = found->boolean;
  node.number = found->number;
  return node;
}

Node resolve_plain(std::string_view text) {
  if (auto node = constant(text)) return *node;
  if (!is_digit(text[0]) && text[0] != '-' && text[0] != '+' && text[0] != '.') return text_node(text);
  std::string digits(text);
  std::erase(digits, '_');
  if (const auto integer = parse_integer(digits)) return Node::of_integer(*integer);
  if (const auto number = parse_number(digits)) {
    Node node = Node::of_number(*number);
    if (is_unsigned(digits)) node.tag = kUnsignedTag;
    return node;
  }
  Node node = text_node(text);
  if (parse_timestamp(text)) node.tag = "!!timestamp";
  return node;
}

}  // namespace

Node resolve_scalar(std::string_view text, ScalarStyle style, std::string_view tag) {
  if (tag == "!!str" || tag == "!!binary" || tag == "!") return text_node(text);
  const bool forced = tag == "!!int" || tag == "!!float" || tag == "!!bool" || tag == "!!null";
  Node node = style == ScalarStyle::plain || forced ? resolve_plain(text) : text_node(text);
  if (forced && tag == "!!float" && node.kind == Node::Kind::integer)
    node = Node::of_number(static_cast<double>(node.integer));
  if (!tag.empty() && !tag.starts_with("!!")) {  // makes the scalar a text, `!override` too (CS-30)
    node = text_node(text);
    node.tag = tag;
  }
  if (node.kind != Node::Kind::text) node.text = text;
  return node;
}

std::string format_number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Inf" : "+Inf";
  if (value == 0) return std::signbit(value) ? "-0" : "0";
  const double magnitude = std::fabs(value);
  if (magnitude >= 1e21 || magnitude < 1e-4) {
    std::array<char, 64> shortest;
    const auto result =
        std::to_chars(shortest.data(), shortest.data() + shortest.size(), value, std::chars_format::scientific);
    return std::string(shortest.data(), result.ptr);
  }
  std::array<char, 64> buffer;
  const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  return std::string(buffer.data(), result.ptr);
}

std::string reprint(const Node& scalar) {
  switch (scalar.kind) {
    case Node::Kind::boolean:
      return scalar.boolean ? "true" : "false";
    case Node::Kind::integer:
      return std::to_string(scalar.integer);
    case Node::Kind::number:
      if (scalar.tag == kUnsignedTag) return scalar.text;
      return format_number(scalar.number);
    case Node::Kind::text:
      if (scalar.tag == "!!timestamp") return parse_timestamp(scalar.text).value_or(scalar.text);
      return scalar.text;
    default:
      return "";
  }
}

}  // namespace defang::compose
