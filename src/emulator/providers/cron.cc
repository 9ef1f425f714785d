#include "emulator/providers/cron.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <span>
#include <string>

#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr auto kMonths = std::to_array<std::string_view>(
    {"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"});
constexpr auto kWeekdays = std::to_array<std::string_view>({"sun", "mon", "tue", "wed", "thu", "fri", "sat"});
constexpr int kDaysLookedAt = 4 * 366 + 1;  // 29 February comes at least every eight years; one is enough to find out

struct Field {
  int least;
  int most;
  std::span<const std::string_view> names;  // of the values from `least` on
};

std::optional<int> read_value(std::string_view text, const Field& field) {
  const auto lower = to_lower(text);
  const auto name = std::ranges::find(field.names, lower);
  if (name != field.names.end()) return field.least + static_cast<int>(name - field.names.begin());
  const auto number = to_number(text);
  if (!number || *number > 60) return std::nullopt;
  const int value = static_cast<int>(*number);
  return value < field.least || value > field.most ? std::nullopt : std::optional(value);
}

/// "*", "5", "1-5", each with "/2" perhaps.
template <class Bits>
bool read_part(std::string_view text, const Field& field, Bits& bits) {
  const auto slash = text.find('/');
  const bool has_step = slash != std::string_view::npos;
  const auto step = has_step ? to_number(text.substr(slash + 1)) : 1;
  if (!step || *step == 0 || *step > 60) return false;
  const auto range = text.substr(0, slash);
  const auto dash = range.find('-');
  std::optional<int> first = field.least, last = field.most;
  if (range != "*") {
    first = read_value(range.substr(0, dash), field);
    last = dash == std::string_view::npos ? (has_step ? field.most : first) : read_value(range.substr(dash + 1), field);
  }
  if (!first || !last || *first > *last) return false;
  for (int value = *first; value <= *last; value += static_cast<int>(*step)) bits.set(static_cast<std::size_t>(value));
  return true;
}

template <class Bits>
bool read_field(const std::string& text, const Field& field, Bits& bits) {
  return std::ranges::all_of(split(text, ','), [&](const auto& part) { return read_part(part, field, bits); });
}

}  // namespace

std::optional<CronExpression> CronExpression::parse(std::string_view text) {
  auto fields = split(trim(text), ' ');
  std::erase(fields, "");
  if (fields.size() != 5) return std::nullopt;
  CronExpression made;
  if (!read_field(fields[0], {0, 59, {}}, made.minutes_) || !read_field(fields[1], {0, 23, {}}, made.hours_) ||
      !read_field(fields[2], {1, 31, {}}, made.days_) || !read_field(fields[3], {1, 12, kMonths}, made.months_) ||
      !read_field(fields[4], {0, 7, kWeekdays}, made.weekdays_))
    return std::nullopt;
  if (made.weekdays_[7]) made.weekdays_.set(0);
  made.any_day_ = fields[2].starts_with('*');
  made.any_weekday_ = fields[4].starts_with('*');
  return made;
}

std::optional<std::int64_t> CronExpression::next_after(std::int64_t time) const {
  using namespace std::chrono;
  const sys_seconds start{seconds(time - time % 60 + 60)};
  const auto first_day = floor<days>(start);
  for (int ahead = 0; ahead < kDaysLookedAt; ++ahead) {
    const auto day = first_day + days(ahead);
    const year_month_day date(day);
    if (!months_[static_cast<unsigned>(date.month())]) continue;
    const bool day_fits = days_[static_cast<unsigned>(date.day())];
    const bool weekday_fits = weekdays_[weekday(day).c_encoding()];
    // crontab(5): where both are restricted, either will do.
    if (any_day_ || any_weekday_ ? !(day_fits && weekday_fits) : !(day_fits || weekday_fits)) continue;
    for (unsigned minute = 0; minute < 24 * 60; ++minute) {
      const auto when = day + minutes(minute);
      if (when >= start && hours_[minute / 60] && minutes_[minute % 60]) return when.time_since_epoch() / seconds(1);
    }
  }
  return std::nullopt;
}

}  // namespace defang::emulator
