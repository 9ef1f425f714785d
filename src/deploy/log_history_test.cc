#include "deploy/log_history.h"

#include <gtest/gtest.h>

namespace defang::deploy {
namespace {

std::vector<LogLine> lines(const std::string& letters) {
  std::vector<LogLine> made;
  for (const char letter : letters) {
    LogLine line;
    line.text = std::string(1, letter);
    made.push_back(std::move(line));
  }
  return made;
}

std::string joined_texts(const std::string& history, const std::string& stream) {
  std::string out;
  for (const auto& line : joined(lines(history), lines(stream))) out += line.text;
  return out;
}

TEST(LogHistory, AndWhatTheReplicaShowsOverlap) {
  EXPECT_EQ(joined_texts("abcd", "cdef"), "abcdef");
  EXPECT_EQ(joined_texts("", "ab"), "ab");
  EXPECT_EQ(joined_texts("ab", ""), "ab");
  EXPECT_EQ(joined_texts("abc", "xyz"), "abcxyz");
  EXPECT_EQ(joined_texts("abc", "abcdef"), "abcdef");
  EXPECT_EQ(joined_texts("abc", "abc"), "abc");
}

TEST(LogHistory, LosesNoLineThatIsWrittenOverAndOver) {
  EXPECT_EQ(joined_texts("xxtick", "tickxx"), "xxtickxx");
  EXPECT_EQ(joined_texts("aab", "aabaac"), "aabaac");
  EXPECT_EQ(joined_texts("caa", "aad"), "caad");
}

TEST(LogHistory, AsksForNoMoreThanIsWanted) {
  EXPECT_EQ(
      history_query("2026-01-02T03:04:05.6"),
      "union isfuzzy=true (datatable(TimeGenerated:datetime)[]), ContainerAppConsoleLogs_CL, "
      "ContainerAppConsoleLogs | where TimeGenerated >= datetime(2026-01-02T03:04:05.6Z) | order by TimeGenerated "
      "desc | take 30000");
  EXPECT_EQ(history_query("").find("where"), std::string::npos);
}

TEST(LogHistory, IsReadFromBothKindsOfTables) {
  const rest::LogsTable table{
      .columns = {"TimeGenerated", "ContainerAppName_s", "ContainerGroupName_s", "ContainerName_s", "Log_s",
                  "ContainerAppName", "ContainerGroupName", "ContainerName", "Log"},
      .rows = {
          {"2026-01-01T00:00:02Z", "web-app", "web-app--1-a", "web", "second", nullptr, nullptr, nullptr, nullptr},
          {"2026-01-01T00:00:01.5Z", nullptr, nullptr, nullptr, nullptr, "web-app", "web-app--1-a", "web", "first"},
          {"2026-01-01T00:00:01Z", "other", "other--1-a", "other", "of nobody", nullptr, nullptr, nullptr, nullptr}}};
  ServiceStatus web;
  web.service = "web";
  web.app_name = "web-app";
  const auto read = history_lines(table, {web});
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[0].text, "first");
  EXPECT_EQ(read[0].time, "2026-01-01T00:00:01.5");
  EXPECT_EQ(read[1].text, "second");
  EXPECT_EQ(read[1].replica, "web-app--1-a");
  EXPECT_EQ(read[1].service, "web");
}

}  // namespace
}  // namespace defang::deploy
