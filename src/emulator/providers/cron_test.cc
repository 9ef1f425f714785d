#include "emulator/providers/cron.h"

#include <gtest/gtest.h>

#include <string>

namespace defang::emulator {
namespace {

constexpr std::int64_t kMidnight = 1764288000;  // Friday 2025-11-28 00:00 UTC
constexpr std::int64_t kMinute = 60, kHour = 3600, kDay = 86400;

std::int64_t minutes_until(const std::string& expression, std::int64_t now = kMidnight) {
  const auto cron = CronExpression::parse(expression);
  EXPECT_TRUE(cron) << expression;
  const auto next = cron ? cron->next_after(now) : std::nullopt;
  EXPECT_TRUE(next) << expression;
  return next ? (*next - now) / kMinute : -1;
}

TEST(Cron, TheNextMinuteIsAlwaysLaterThanNow) {
  EXPECT_EQ(minutes_until("* * * * *"), 1);
  EXPECT_EQ(minutes_until("0 0 * * *"), 24 * 60);
}

TEST(Cron, ListsRangesAndStepsCount) {
  EXPECT_EQ(minutes_until("*/15 * * * *", kMidnight + kMinute), 14);
  EXPECT_EQ(minutes_until("5,50 * * * *", kMidnight + 6 * kMinute), 44);
  EXPECT_EQ(minutes_until("0 9-17/4 * * *", kMidnight + 10 * kHour), 3 * 60);
  EXPECT_EQ(minutes_until("30 20/2 * * *"), 20 * 60 + 30);
}

TEST(Cron, NamesOfDaysAndMonthsAreKnownAndSundayIsSevenToo) {
  EXPECT_EQ(minutes_until("0 0 * * sun"), 2 * 24 * 60);
  EXPECT_EQ(minutes_until("0 0 * * 7"), 2 * 24 * 60);
  EXPECT_EQ(minutes_until("0 0 1 Dec *"), 3 * 24 * 60);
}

TEST(Cron, ADayOfTheMonthOrOfTheWeekWillDoWhereBothAreSaid) {
  EXPECT_EQ(minutes_until("0 0 30 * mon"), 2 * 24 * 60);
  EXPECT_EQ(minutes_until("0 0 1 * mon"), 3 * 24 * 60);
}

TEST(Cron, WhatNeverComesIsNothing) {
  EXPECT_EQ(CronExpression::parse("0 0 30 2 *")->next_after(kMidnight), std::nullopt);
  EXPECT_EQ(CronExpression::parse("0 0 29 2 *")->next_after(kMidnight), kMidnight + 823 * kDay);
}

TEST(Cron, WhatIsNoExpressionIsRefused) {
  for (const auto* text : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *",
                           "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *", "1,,2 * * * *", "@daily"})
    EXPECT_FALSE(CronExpression::parse(text)) << text;
}

}  // namespace
}  // namespace defang::emulator
