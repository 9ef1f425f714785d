#include "emulator/engines/console.h"

#include <gtest/gtest.h>

namespace defang::emulator {
namespace {

using namespace std::chrono;

TEST(Console, TellsTimeStreamAndText) {
  const auto piece = read_console(
      "2026-01-02T03:04:05.678901234+00:00 stdout F listening on 80\n"
      "2026-01-02T05:04:06.5+02:00 stderr F\n",
      0, 10);
  ASSERT_EQ(piece.lines.size(), 2u);
  EXPECT_EQ(piece.lines[0].text, "listening on 80");
  EXPECT_FALSE(piece.lines[0].error_stream);
  EXPECT_EQ(duration_cast<milliseconds>(piece.lines[0].time.time_since_epoch()).count(), 1767323045678);
  EXPECT_EQ(piece.lines[1].text, "");
  EXPECT_TRUE(piece.lines[1].error_stream);
  EXPECT_EQ(duration_cast<milliseconds>(piece.lines[1].time.time_since_epoch()).count(), 1767323046500);
}

TEST(Console, JoinsPartsOfALongLine) {
  const auto piece = read_console(
      "2026-01-02T03:04:05Z stdout P one, \n2026-01-02T03:04:05Z stdout P two, \n2026-01-02T03:04:05Z stdout F three\n",
      0, 10);
  ASSERT_EQ(piece.lines.size(), 1u);
  EXPECT_EQ(piece.lines[0].text, "one, two, three");
}

TEST(Console, GoesOnWhereItStopped) {
  const std::string all = "2026-01-02T03:04:05Z stdout F a\n2026-01-02T03:04:05Z stdout F b\n2026-01-02T03:04:05Z std";
  const auto first = read_console(all, 0, 1);
  ASSERT_EQ(first.lines.size(), 1u);
  const auto second = read_console(std::string_view(all).substr(first.next), first.next, 10);
  ASSERT_EQ(second.lines.size(), 1u);
  EXPECT_EQ(second.lines[0].text, "b");
  EXPECT_EQ(second.next, 64u);
}

TEST(Console, ReadsWhatItWrites) {
  const auto time = system_clock::time_point(milliseconds(1767323045678));
  const auto piece = read_console(console_line(time, "hello world"), 0, 10);
  ASSERT_EQ(piece.lines.size(), 1u);
  EXPECT_EQ(piece.lines[0].text, "hello world");
  EXPECT_EQ(piece.lines[0].time, time);
}

}  // namespace
}  // namespace defang::emulator
