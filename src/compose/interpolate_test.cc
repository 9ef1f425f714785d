#include "compose/interpolate.h"

#include <gtest/gtest.h>

#include <map>

namespace defang::compose {
namespace {

std::string expand(std::string_view text, std::map<std::string, std::string, std::less<>> variables = {},
                   Unset unset = Unset::blank) {
  const auto result = substitute(
      text,
      [&](std::string_view name) -> std::optional<std::string> {
        const auto found = variables.find(name);
        return found == variables.end() ? std::nullopt : std::optional(found->second);
      },
      unset);
  if (result) return result->text;
  return result.error().kind == SubstitutionError::Kind::malformed
             ? "malformed"
             : "required " + result.error().variable + ": " + result.error().message;
}

TEST(Interpolation, KnowsTheOperatorsOfTheSpecification) {
  const std::map<std::string, std::string, std::less<>> kSet{{"S", "s"}, {"E", ""}};
  const std::pair<const char*, const char*> kCases[] = {
      {"$S-${S}", "s-s"},
      {"${U:-d}", "d"},
      {"${E:-d}", "d"},
      {"${E-d}", ""},
      {"${U-d}", "d"},
      {"${S:+a}", "a"},
      {"${E:+a}", ""},
      {"${E+a}", "a"},
      {"${U+a}", ""},
      {"${S:?m}", "s"},
      {"${E:?m}", "required E: m"},
      {"${U?m}", "required U: m"},
      {"$$S", "$S"},
      {"a $ b", "a $ b"},
  };
  for (const auto& [text, expected] : kCases) EXPECT_EQ(expand(text, kSet), expected) << text;
}

TEST(Interpolation, NestsAndMatchesBraces) {
  EXPECT_EQ(expand("${A:-${B:-x}}"), "x");
  EXPECT_EQ(expand("${A:-{\"k\":1}}"), "{\"k\":1}");
  EXPECT_EQ(expand("${A:-x}}"), "x}");
  EXPECT_EQ(expand("${A:-a:-b}"), "a:-b");
}

TEST(Interpolation, RefusesWhatIsNoVariable) {
  for (const char* text : {"${", "${A", "${1A}", "${A.B}", "${A//x/y}", "${}", "${ A}"})
    EXPECT_EQ(expand(text), "malformed") << text;
}

TEST(Interpolation, AMessageIsShownAsWritten) {
  EXPECT_EQ(expand("${U:?set it like $S}", {{"S", "secret"}}), "required U: set it like $S");
}

TEST(Interpolation, WhatConfigWillBringIsToldApartFromATextThatLooksLikeIt) {
  const std::string text = expand("a$$X-${X}-$Y${Z:-z}", {}, Unset::config);
  EXPECT_EQ(pieces_of(text),
            (std::vector<TextPiece>{{false, "a$X-"}, {true, "X"}, {false, "-"}, {true, "Y"}, {false, "z"}}));
  EXPECT_EQ(without_marks(text), "a$X-${X}-${Y}z");
}

TEST(Interpolation, AValueIsMarkedAsComingFromAVariable) {
  const Lookup lookup = [](std::string_view) { return std::optional<std::string>("v"); };
  EXPECT_TRUE(substitute("a$X", lookup, Unset::blank)->from_variable);
  EXPECT_FALSE(substitute("a$$X", lookup, Unset::blank)->from_variable);
}

}  // namespace
}  // namespace defang::compose
