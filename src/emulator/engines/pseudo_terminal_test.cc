#include "emulator/engines/pseudo_terminal.h"

#include <gtest/gtest.h>
#include <poll.h>

namespace defang::emulator {
namespace {

/// Everything it writes until it ends, or until `wanted` has come.
std::string read_until(PseudoTerminal& terminal, std::string_view wanted) {
  std::string all;
  while (all.find(wanted) == std::string::npos || wanted.empty()) {
    pollfd waiting{terminal.descriptor(), POLLIN, 0};
    if (::poll(&waiting, 1, 10000) == 0) return all + "<nothing more>";
    const auto piece = terminal.read();
    if (!piece) return all;
    all += *piece;
  }
  return all;
}

TEST(PseudoTerminal, GivesAProgramATerminalOfAGivenSizeAndReadsToItsEnd) {
  auto terminal =
      PseudoTerminal::start({"sh", "-c", "echo begun; read line; stty size; echo \"$line $MARK\""}, {{"MARK", "set"}});
  ASSERT_TRUE(terminal) << terminal.error().message;
  EXPECT_EQ(read_until(**terminal, "begun\r\n"), "begun\r\n");
  (*terminal)->resize(123, 45);
  (*terminal)->write("typed\n");
  EXPECT_EQ(read_until(**terminal, ""), "typed\r\n45 123\r\ntyped set\r\n");
}

TEST(PseudoTerminal, EndsAProgramThatNobodyListensToAnyMore) {
  auto terminal = PseudoTerminal::start({"sh", "-c", "trap '' HUP; echo begun; sleep 60"}, {});
  ASSERT_TRUE(terminal);
  read_until(**terminal, "begun");
  terminal->reset();  // returns
}

TEST(PseudoTerminal, SaysThatAProgramIsNotThere) {
  EXPECT_EQ(PseudoTerminal::start({"no-such-program"}, {}).error().code, "program-not-found");
}

}  // namespace
}  // namespace defang::emulator
