#include "cli/views/board.h"

#include <gtest/gtest.h>

namespace defang::cli {
namespace {

using namespace std::chrono_literals;
using Lines = std::vector<std::string>;

TEST(Board, ShowsEachNodeWithTimeUsualTimeAndNews) {
  Board board;
  board.start("env", "creating managed environment `shop`", 87s, 0ms);
  board.start("group", "creating resource group `shop`", 1s, 60s);
  board.tell("env", "InProgress");
  EXPECT_EQ(board.lines(65s, 80, 10), (Lines{"  creating managed environment `shop` 1:05, usually 1:27 · InProgress",
                                             "  creating resource group `shop` 0:05"}));
  board.end("env");
  EXPECT_EQ(board.lines(65s, 80, 10), (Lines{"  creating resource group `shop` 0:05"}));
}

TEST(Board, FitsANarrowTerminal) {
  Board board;
  board.start("env", "creating managed environment `shop`", 87s, 0ms);
  EXPECT_EQ(board.lines(0s, 20, 10), (Lines{"  creating managed …"}));
}

TEST(Board, FitsALowTerminal) {
  Board board;
  for (const auto* node : {"a", "b", "c", "d"}) board.start(node, node, 0s, 0ms);
  EXPECT_EQ(board.lines(0s, 20, 3), (Lines{"  a 0:00", "  b 0:00", "  and 2 more"}));
}

TEST(Fit, CountsCharactersAndLetsNothingMoveTheCursor) {
  EXPECT_EQ(fit("grün", 4), "grün");
  EXPECT_EQ(fit("grüner", 4), "grü…");
  EXPECT_EQ(fit("a\tb\033[2J\r", 10), "a b [2J ");
  EXPECT_EQ(fit("abc", 0), "");
}

}  // namespace
}  // namespace defang::cli
