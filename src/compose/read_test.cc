#include "compose/read.h"

#include <gtest/gtest.h>

namespace defang::compose {
namespace {

struct Read {
  Diagnostics diagnostics;
  std::optional<std::vector<Node>> documents;
  explicit Read(std::string text) {
    documents = read_documents(std::make_shared<SourceFile>("compose.yaml", std::move(text)), diagnostics);
  }
  const Node& root() const { return documents->at(0); }
  std::string first_error() const { return diagnostics.all().empty() ? "" : to_text(diagnostics.all()[0]); }
};

TEST(ReadYaml, KnowsThePlaceOfEveryKeyAndValueInBytes) {
  const Read read("services:\n  wéb: {image: \"x:1\"}\n");
  const Node::Entry& web = read.root().find("services")->entries[0];
  EXPECT_EQ(web.key_span.text(), "compose.yaml:2:3");
  EXPECT_EQ(web.key_span.length, 4u);  // é has two bytes
  const Node::Entry& image = web.value.entries[0];
  EXPECT_EQ(image.key_span.text(), "compose.yaml:2:10");
  EXPECT_EQ(image.value.span.text(), "compose.yaml:2:17");
  EXPECT_EQ(image.value.span.length, 5u);
}

TEST(ReadYaml, LocalKeysWinOverMergedOnesAndEarlierSourcesOverLater) {
  const Read read("a: &a {x: 1, y: 1}\nb: &b {x: 2, y: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\n");
  const Node* c = read.root().find("c");
  EXPECT_EQ(c->find("x")->integer, 1);
  EXPECT_EQ(c->find("y")->integer, 3);
  EXPECT_EQ(c->find("z")->integer, 2);
}

TEST(ReadYaml, ARepeatedKeyIsReportedWithBothPlacesAndTheRestIsStillRead) {
  const Read read("a: 1\nb: 2\na: 3\n");
  ASSERT_TRUE(read.documents);
  EXPECT_EQ(read.first_error(),
            "compose.yaml:3:1: error: the key `a` stands here a second time [compose.duplicate-key]\n"
            "    a: 3\n    ^\n"
            "  compose.yaml:1:1: it stands first on line 1\n"
            "    a: 1\n    ^\n"
            "  help: remove one, or make one of both\n");
}

TEST(ReadYaml, KeysMustBeTexts) {
  EXPECT_NE(Read("a: {1: x}\n").first_error().find("the key `1` in `a` is a number"), std::string::npos);
  EXPECT_NE(Read("true: x\n").first_error().find("at top level"), std::string::npos);
  EXPECT_TRUE(Read("\"1\": x\n").diagnostics.all().empty());
}

TEST(ReadYaml, AnchorsEndWithTheirDocument) {
  const Read read("a: &a 1\n---\nb: *a\n");
  EXPECT_FALSE(read.documents);
  EXPECT_NE(read.first_error().find("unknown anchor `a`"), std::string::npos);
}

TEST(ReadYaml, AliasesOfThemselvesAndAliasBombsAreRefused) {
  EXPECT_NE(Read("a: &a [*a]\n").first_error().find("inside what it refers to"), std::string::npos);
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 8; ++i) {
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [";
    for (int j = 0; j < 10; ++j) bomb += (j > 0 ? ", *a" : "*a") + std::to_string(i - 1);
    bomb += "]\n";
  }
  EXPECT_NE(Read(bomb).first_error().find("beyond all reason"), std::string::npos);
}

TEST(ReadYaml, NestingHasALimit) {
  EXPECT_NE(Read("a: " + std::string(1000, '[')).first_error().find("nested too deep"), std::string::npos);
}

TEST(ReadYaml, AMergeKeyWantsMappings) {
  EXPECT_NE(Read("a: {<<: 1}\n").first_error().find("`<<` wants a mapping"), std::string::npos);
}

TEST(ReadYaml, SyntaxErrorsPointAtWhereTheOpenEndStarts) {
  const Read read("a: \"x\nb: 1\n");
  EXPECT_FALSE(read.documents);
  ASSERT_FALSE(read.diagnostics.all()[0].related.empty());
  EXPECT_EQ(read.diagnostics.all()[0].related[0].span.text(), "compose.yaml:1:4");
}

TEST(ReadYaml, PlacesAreOnTheLinesOfEditorsWhateverYamlTakesForALineEnd) {
  const Read read("x:\ra: 1 # \xE2\x80\xA8 \xC2\x85\nb: {c: 2}\n");
  EXPECT_EQ(read.root().entries[1].key_span.text(), "compose.yaml:1:4");
  EXPECT_EQ(read.root().find("b")->entries[0].key_span.text(), "compose.yaml:2:5");
}

TEST(ReadYaml, TagsAreKept) {
  EXPECT_EQ(Read("a: !reset [1]\n").root().find("a")->tag, "!reset");
  EXPECT_EQ(Read("a: !override {}\n").root().find("a")->tag, "!override");
}

}  // namespace
}  // namespace defang::compose
