#include "emulator/engines/console.h"

#include <optional>

#include "support/text.h"

namespace defang::emulator {
namespace {

using std::chrono::system_clock;

/// 2026-01-02T03:04:05.678901234+02:00, or with Z.
std::optional<system_clock::time_point> parse_time(std::string_view text) {
  if (text.size() < 20 || text[4] != '-' || text[10] != 'T') return std::nullopt;
  const auto number = [&](std::size_t at, std::size_t size) {
    return static_cast<int>(to_number(text.substr(at, size)).value_or(0));
  };
  const std::chrono::year_month_day day{std::chrono::year(number(0, 4)), std::chrono::month(number(5, 2)),
                                        std::chrono::day(number(8, 2))};
  if (!day.ok()) return std::nullopt;
  system_clock::time_point time = std::chrono::sys_days(day);
  time += std::chrono::hours(number(11, 2)) + std::chrono::minutes(number(14, 2)) + std::chrono::seconds(number(17, 2));
  std::size_t at = 19;
  if (text[at] == '.') {
    auto end = text.find_first_not_of("0123456789", at + 1);
    if (end == std::string_view::npos) end = text.size();
    std::string digits(text.substr(at + 1, end - at - 1));
    digits.resize(9, '0');
    time += std::chrono::duration_cast<system_clock::duration>(std::chrono::nanoseconds(to_number(digits).value_or(0)));
    at = end;
  }
  if (text.size() >= at + 6 && (text[at] == '+' || text[at] == '-')) {
    const auto offset = std::chrono::hours(number(at + 1, 2)) + std::chrono::minutes(number(at + 4, 2));
    time += text[at] == '+' ? -offset : offset;
  }
  return time;
}

struct Part {
  LogLine line;
  bool goes_on = false;
};

std::optional<Part> parse_part(std::string_view text) {
  const auto first = text.find(' ');
  const auto second = text.find(' ', first + 1);
  const auto third = text.find(' ', second + 1);
  if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
  const auto time = parse_time(text.substr(0, first));
  if (!time) return std::nullopt;
  const auto flag = text.substr(second + 1, third == std::string_view::npos ? 1 : third - second - 1);
  return Part{{*time, text.substr(first + 1, second - first - 1) == "stderr",
               third == std::string_view::npos ? "" : std::string(text.substr(third + 1))},
              flag == "P"};
}

}  // namespace

LogPiece read_console(std::string_view bytes, std::uint64_t from, std::size_t limit) {
  LogPiece piece{.lines = {}, .next = from};
  std::optional<LogLine> begun;
  std::uint64_t at = 0;
  while (piece.lines.size() < limit) {
    const auto end = bytes.find('\n', at);
    if (end == std::string_view::npos) break;
    auto part = parse_part(bytes.substr(at, end - at));
    at = end + 1;
    if (!part) continue;
    if (begun) {
      begun->text += part->line.text;
    } else {
      begun = std::move(part->line);
    }
    if (part->goes_on) continue;
    piece.lines.push_back(std::move(*begun));
    begun.reset();
    piece.next = from + at;
  }
  return piece;
}

std::string console_line(system_clock::time_point time, std::string_view text) {
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  return to_iso8601(milliseconds) + " stdout F " + std::string(text) + "\n";
}

}  // namespace defang::emulator
