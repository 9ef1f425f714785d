#include "compose/dotenv.h"

#include <gtest/gtest.h>

namespace defang::compose {
namespace {

std::string read(std::string_view text) {
  const Lookup lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name == "SHELL_V") return "sh";
    return std::nullopt;
  };
  const auto entries = parse_env_file(text, lookup);
  if (!entries) return "line " + std::to_string(entries.error().line) + ": " + entries.error().message;
  std::string out;
  for (const auto& [key, value] : *entries) out += key + "=" + value + "|";
  return out;
}

TEST(EnvFile, ReadsTheSpellingsOfAStatement) {
  EXPECT_EQ(read("A=1\nB: 2\nexport C=3\n D = 4 \n# comment\n\nE=5"), "A=1|B=2|C=3|D=4|E=5|");
  EXPECT_EQ(read("A=1\r\nB=2\r\n"), "A=1|B=2|");
}

TEST(EnvFile, UnquotedValuesEndAtACommentAndKeepQuotesInside) {
  EXPECT_EQ(read("A=a #c\nB=a#c\nC=it's\nD={\"j\": 1}\n"), "A=a|B=a#c|C=it's|D={\"j\": 1}|");
}

TEST(EnvFile, SingleQuotesAreLiteralAndDoubleQuotesAreNot) {
  EXPECT_EQ(read("A='$SHELL_V \\n \\''\n"), "A=$SHELL_V \\n '|");
  EXPECT_EQ(read("A=\"$SHELL_V\\n\\$X\\\"\\0123\"\n"), "A=sh\n$X\"S|");
  EXPECT_EQ(read("A='l1\nl2'\nB=\"l1\nl2\"\n"), "A=l1\nl2|B=l1\nl2|");
}

TEST(EnvFile, SeesTheEnvironmentFirstThenEarlierKeys) {
  EXPECT_EQ(read("SHELL_V=own\nA=$SHELL_V\nB=$A$C\nC=1\n"), "SHELL_V=own|A=sh|B=sh|C=1|");
}

TEST(EnvFile, AKeyAloneTakesItsValueFromTheEnvironment) { EXPECT_EQ(read("SHELL_V\nNOPE\n"), "SHELL_V=sh|"); }

TEST(EnvFile, TheLaterValueOfAKeyWins) { EXPECT_EQ(read("A=1\nB=2\nA=3\n"), "A=3|B=2|"); }

TEST(EnvFile, ErrorsNameLineAndKeyButNoValue) {
  EXPECT_EQ(read("A=1\nB=\"secret\n"), "line 2: the quoted value of `B` has no end");
  EXPECT_EQ(read("A=1\n\nlol$wut\n"), "line 3: unexpected character `$` in a variable name");
  EXPECT_EQ(read("A B=1\n"), "line 1: the key `A B` contains a space");
  EXPECT_EQ(read("A=${B:?set B}\n"), "line 1: required variable `B` is missing a value: set B");
}

}  // namespace
}  // namespace defang::compose
