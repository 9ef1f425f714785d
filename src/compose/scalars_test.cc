#include "compose/scalars.h"

#include <gtest/gtest.h>

namespace defang::compose {
namespace {

Node plain(std::string_view text) { return resolve_scalar(text, ScalarStyle::plain, ""); }

TEST(Scalars, OnlyTrueAndFalseAreBooleans) {
  EXPECT_EQ(plain("true").kind, Node::Kind::boolean);
  EXPECT_EQ(plain("FALSE").kind, Node::Kind::boolean);
  for (const char* text : {"yes", "no", "on", "off", "y", "n", "tRue"}) EXPECT_TRUE(plain(text).is_text()) << text;
}

TEST(Scalars, NullHasFiveSpellings) {
  for (const char* text : {"", "~", "null", "Null", "NULL"}) EXPECT_TRUE(plain(text).is_null()) << text;
  EXPECT_TRUE(plain("nULL").is_text());
}

TEST(Scalars, IntegersHaveFourBasesAndUnderscores) {
  const std::pair<const char*, std::int64_t> kCases[] = {{"10", 10},  {"-7", -7},    {"0x10", 16},    {"0o17", 15},
                                                         {"0b11", 3}, {"0755", 493}, {"1_000", 1000}, {"+5", 5}};
  for (const auto& [text, value] : kCases) {
    EXPECT_EQ(plain(text).kind, Node::Kind::integer) << text;
    EXPECT_EQ(plain(text).integer, value) << text;
  }
}

TEST(Scalars, NothingIsEverBase60) { EXPECT_TRUE(plain("22:22").is_text()); }

TEST(Scalars, QuotedScalarsAndTaggedOnesStayTexts) {
  EXPECT_TRUE(resolve_scalar("123", ScalarStyle::quoted, "").is_text());
  EXPECT_TRUE(resolve_scalar("123", ScalarStyle::plain, "!!str").is_text());
  EXPECT_TRUE(resolve_scalar("123", ScalarStyle::plain, "!mine").is_text());
}

TEST(Scalars, NumbersAreReprintedFromTheirValue) {
  const std::pair<const char*, const char*> kCases[] = {
      {"1.50", "1.5"},  {"1.0", "1"},    {"1e3", "1000"},    {"010", "8"},
      {"0x10", "16"},   {"089", "89"},   {".5", "0.5"},      {"100000000000000000000000", "1e+23"},
      {"true", "true"}, {"65e1", "650"}, {"-0.25", "-0.25"}, {"12345678901234567890", "12345678901234567890"},
      {"-0", "-0"},     {"-0.0", "-0"},  {"-00", "0"},       {"+0", "0"},
  };
  for (const auto& [text, printed] : kCases) EXPECT_EQ(reprint(plain(text)), printed) << text;
}

TEST(Scalars, DatesAreReprintedAsTimes) {
  EXPECT_EQ(reprint(plain("2024-01-02")), "2024-01-02 00:00:00 +0000 UTC");
  EXPECT_EQ(reprint(plain("2024-01-02T03:04:05Z")), "2024-01-02 03:04:05 +0000 UTC");
  EXPECT_EQ(reprint(plain("2024-13-02")), "2024-13-02");
}

}  // namespace
}  // namespace defang::compose
