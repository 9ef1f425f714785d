#include "deploy/logs.h"

#include <gtest/gtest.h>

namespace defang::deploy {
namespace {

TEST(LogLine, IsTimeAndText) {
  const auto line = parse_log_line(R"({"TimeStamp":"2026-01-02T03:04:03.97894","Log":"Listening on :80..."})");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->time, "2026-01-02T03:04:03.97894");
  EXPECT_EQ(line->text, "Listening on :80...");
}

TEST(LogLine, LeavesOutWhatTheStreamSaysOfItself) {
  EXPECT_FALSE(parse_log_line(R"({"TimeStamp":"2026-01-02T03:04:03","Log":"Connecting to the container 'web'..."})"));
  EXPECT_FALSE(parse_log_line(
      R"({"TimeStamp":"2026-01-02T03:04:04","Log":"Successfully Connected to container: 'web' [Revision: 'r', Replica: 'p']"})"));
  EXPECT_FALSE(parse_log_line("Kubernetes error"));
}

TEST(LogLine, OfAnEventIsReasonAndMessageWithItsTime) {
  const auto line = parse_event_line(
      R"({"TimeStamp":"2026-05-24 17:22:30.3728326 +0000 UTC","Type":"Normal","ReplicaName":"web--1-a","Msg":"Started container 'web'","Reason":"ContainerStarted"})");
  ASSERT_TRUE(line);
  EXPECT_EQ(line->time, "2026-05-24T17:22:30.3728326");
  EXPECT_EQ(line->text, "ContainerStarted: Started container 'web'");
  EXPECT_EQ(line->replica, "web--1-a");
  EXPECT_FALSE(parse_event_line(
      R"({"TimeStamp":"2026-05-24T17:22:34Z","Msg":"Connecting to the events collector...","Reason":"StartingGettingEvents"})"));
  EXPECT_FALSE(parse_event_line("ColdStartEvents"));
}

TEST(LogLine, OfABuildMayTellItsTime) {
  EXPECT_EQ(build_line_time("2026/01/31 12:00:00 Downloading source code..."), "2026-01-31T12:00:00");
  EXPECT_EQ(build_line_time("Step 1/5 : FROM busybox"), std::nullopt);
  EXPECT_EQ(build_line_time("2026/01/31"), std::nullopt);
}

LogLine at(std::string time, std::string text) {
  LogLine line;
  line.time = std::move(time);
  line.text = std::move(text);
  return line;
}

/// The texts that are new.
std::string new_of(LogResume& resume, const std::vector<LogLine>& lines) {
  std::string out;
  for (const auto& line : lines)
    if (resume.is_new(line)) out += line.text;
  return out;
}

TEST(LogResume, ShowsEachLineOnceHoweverOftenTheStreamBreaksOff) {
  LogResume resume;
  resume.connected();
  EXPECT_EQ(new_of(resume, {at("01.1", "a"), at("01.2", "b"), at("01.2", "c")}), "abc");
  resume.connected();
  EXPECT_EQ(new_of(resume, {at("01.2", "b"), at("01.2", "c"), at("01.2", "d"), at("01.3", "e")}), "de");
  resume.connected();
  EXPECT_EQ(new_of(resume, {at("01.1", "a"), at("01.2", "b"), at("01.2", "c"), at("01.2", "d"), at("01.3", "e")}), "");
  resume.connected();
  EXPECT_EQ(new_of(resume, {at("01.4", "f")}), "f");
}

TEST(LogResume, LosesNothingWhenAClockIsSetBack) {
  LogResume resume;
  resume.connected();
  EXPECT_EQ(new_of(resume, {at("05", "a"), at("03", "b"), at("04", "c")}), "abc");
}

TEST(LogTime, ComparesWithAndWithoutZone) {
  EXPECT_LT(log_time("2026-01-02T03:04:03.978Z"), log_time("2026-01-02T03:04:03.97894"));
  EXPECT_LT(log_time("2026-01-02T03:04:03+00:00"), log_time("2026-01-02T03:04:03.5Z"));
}

}  // namespace
}  // namespace defang::deploy
