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

}  // namespace
}  // namespace defang::deploy
