#include "support/text.h"

#include <gtest/gtest.h>

#include "support/digest.h"

namespace defang {
namespace {

TEST(DidYouMean, FindsSlipsOfTheHandOnly) {
  const std::vector<std::string> keys{"ports", "image", "environment", "deploy"};
  EXPECT_EQ(did_you_mean("prots", keys), "ports");
  EXPECT_EQ(did_you_mean("enviroment", keys), "environment");
  EXPECT_EQ(did_you_mean("Image", keys), "image");
  EXPECT_EQ(did_you_mean("foo", keys), std::nullopt);
}

TEST(Text, EncodesAndDecodesPercentForms) {
  EXPECT_EQ(percent_encode("a b/ä="), "a%20b%2F%C3%A4%3D");
  EXPECT_EQ(percent_decode("a%20b%2F%C3%A4%3D%"), "a b/ä=%");
  EXPECT_EQ(percent_decode("%41"), "A");
}

TEST(Text, PrintsTimesAsAzureDoes) { EXPECT_EQ(to_iso8601(1767323045678), "2026-01-02T03:04:05.678Z"); }

TEST(Digest, MatchesPublishedValues) {
  // FIPS 180-4 and RFC 4231 test case 2.
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(from_base64(base64("\x01\x02\xff")), "\x01\x02\xff");
  EXPECT_EQ(from_base64("-_8"), "\xfb\xff");
}

TEST(ShellWords, AreQuotedForAPosixShell) {
  EXPECT_EQ(shell_words({"-c", "select 'a b'", ""}), R"('-c' 'select '\''a b'\''' '')");
  EXPECT_EQ(shell_words({}), "");
}

TEST(IsUtf8, RefusesWhatIsNot) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("plain, \xC3\xA9, \xE2\x82\xAC, \xF0\x9F\x98\x80"));
  for (const char* text : {"\xFF", "\xC3", "\xC0\x80", "\xED\xA0\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\x80"})
    EXPECT_FALSE(is_utf8(text)) << text;
}

}  // namespace
}  // namespace defang
