#include "deploy/store_shell.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "support/digest.h"

namespace defang::deploy {
namespace {

TEST(StoreShell, SendsInputAsLinesOfBase64) {
  EXPECT_EQ(piped_input(""), "");
  EXPECT_EQ(piped_input("a\0b\n"), base64("a\0b\n") + "\n");
  const std::string lines = piped_input(std::string(5000, 'x'));
  EXPECT_EQ(std::ranges::count(lines, '\n'), 2);
  EXPECT_EQ(from_base64(lines.substr(0, lines.find('\n'))).size(), 3072U);
}

TEST(StoreShell, NamesItsAppAfterTheSession) {
  const StackScope scope{"shop", "test", "sub", "rg", "westus3"};
  EXPECT_EQ(shell_app(scope, "0a1b2c3d4e").last_name(), "shell-0a1b2c3d4e");
}

}  // namespace
}  // namespace defang::deploy
