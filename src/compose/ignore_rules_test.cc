#include "compose/ignore_rules.h"

#include <gtest/gtest.h>

namespace defang::compose {
namespace {

std::string kept(std::string_view rules, const std::vector<std::string>& paths) {
  const auto parsed = IgnoreRules::parse(rules);
  if (!parsed) return parsed.error().message;
  std::string out;
  for (const auto& path : paths)
    if (!parsed->ignores(path)) out += (out.empty() ? "" : " ") + path;
  return out;
}

TEST(IgnoreRules, APatternTakesAFolderWithAllInIt) {
  EXPECT_EQ(kept("node_modules\n", {"node_modules", "node_modules/a/b.js", "src/node_modules/c"}),
            "src/node_modules/c");
}

TEST(IgnoreRules, TheLastPatternThatMatchesWins) {
  EXPECT_EQ(kept("*.md\n!README.md\n", {"a.md", "README.md", "docs/b.md"}), "README.md docs/b.md");
  EXPECT_EQ(kept("!README.md\n*.md\n", {"README.md"}), "");
}

TEST(IgnoreRules, AnExceptionBringsBackFromInsideAnIgnoredFolder) {
  EXPECT_EQ(kept("dist\n!dist/keep\n", {"dist/a", "dist/keep", "dist/keep/b"}), "dist/keep dist/keep/b");
}

TEST(IgnoreRules, TwoStarsTakeAnyNumberOfFolders) {
  EXPECT_EQ(kept("**/*.log\n", {"a.log", "x/a.log", "x/y/a.log", "x/a.txt"}), "x/a.txt");
  EXPECT_EQ(kept("a/**/b\n", {"a/b", "a/x/b", "a/x/y/b", "c/b"}), "c/b");
  EXPECT_EQ(kept("**\n!src\n", {"a", "b/c", "src", "src/d"}), "src src/d");
}

TEST(IgnoreRules, OneStarAndQuestionMarkStayInsideOneFolder) {
  EXPECT_EQ(kept("a/*/c\n", {"a/b/c", "a/b/d/c", "a/c"}), "a/b/d/c a/c");
  EXPECT_EQ(kept("?.txt\n", {"a.txt", "ab.txt"}), "ab.txt");
  EXPECT_EQ(kept("[a-c].txt\n", {"b.txt", "d.txt"}), "d.txt");
}

TEST(IgnoreRules, LeadingSlashesDotsAndCommentsAreNormalised) {
  EXPECT_EQ(kept("\xef\xbb\xbf# comment\n/build/\n./tmp\n  \nx/../y\n", {"build/a", "tmp", "y", "x", "sub/build"}),
            "x sub/build");
}

TEST(IgnoreRules, ABrokenPatternIsAnError) {
  EXPECT_EQ(kept("a\n!\n", {}), "line 2: `!` without a pattern");
  EXPECT_EQ(kept("[ab\n", {}), "line 1: `[ab` is no pattern that a builder understands");
}

}  // namespace
}  // namespace defang::compose
