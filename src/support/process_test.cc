#include "support/process.h"

#include <gtest/gtest.h>

#include <thread>

namespace defang {
namespace {
using namespace std::chrono_literals;

TEST(Processes, CollectsOutputAndPassesInputAndEnvironment) {
  auto processes = make_processes();
  const auto ended = processes->run({.arguments = {"sh", "-c", "cat; echo $WORD; echo bad >&2; exit 3"},
                                     .environment = {{"WORD", "seen"}},
                                     .folder = {},
                                     .input = "in\n",
                                     .on_output = {},
                                     .limit = {}},
                                    {});
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->output, "in\nseen\n");
  EXPECT_EQ(ended->error_output, "bad\n");
  EXPECT_EQ(ended->exit_code, 3);
}

TEST(Processes, NamesAMissingProgram) {
  const auto ended = make_processes()->run(
      {.arguments = {"no-such-program"}, .environment = {}, .folder = {}, .input = {}, .on_output = {}, .limit = {}},
      {});
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, "program-not-found");
}

TEST(Processes, EndsTheChildOnStopAndOnItsLimit) {
  auto processes = make_processes();
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_EQ(processes
                ->run({.arguments = {"sleep", "60"},
                       .environment = {},
                       .folder = {},
                       .input = {},
                       .on_output = {},
                       .limit = {}},
                      stop.get_token())
                .error()
                .kind,
            Error::Kind::stopped);
  EXPECT_EQ(processes
                ->run({.arguments = {"sleep", "60"},
                       .environment = {},
                       .folder = {},
                       .input = {},
                       .on_output = {},
                       .limit = 20ms},
                      {})
                .error()
                .code,
            "process-too-slow");
}

}  // namespace
}  // namespace defang
