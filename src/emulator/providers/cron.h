#pragma once

#include <bitset>
#include <cstdint>
#include <optional>
#include <string_view>

namespace defang::emulator {

/// When something is due, as crontab(5) says it: minute, hour, day of month, month, day of week; in UTC (CA-141).
class CronExpression {
 public:
  /// Nothing where the text does not have five fields of numbers, names, ranges, steps and lists within their limits.
  static std::optional<CronExpression> parse(std::string_view text);
  /// The first minute after `time` that fits, both in Unix seconds; nothing where there is none (30 February).
  std::optional<std::int64_t> next_after(std::int64_t time) const;

 private:
  CronExpression() = default;
  std::bitset<60> minutes_;
  std::bitset<24> hours_;
  std::bitset<32> days_;
  std::bitset<13> months_;
  std::bitset<8> weekdays_;  // 0 and 7 are Sunday
  bool any_day_ = false, any_weekday_ = false;
};

}  // namespace defang::emulator
