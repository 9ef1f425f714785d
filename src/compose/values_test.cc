#include <gtest/gtest.h>

#include "compose/bytes.h"
#include "compose/durations.h"
#include "compose/ports.h"
#include "compose/shell_words.h"
#include "compose/volumes.h"

namespace defang::compose {
namespace {

std::string duration(std::string_view text) {
  const auto value = parse_duration(text);
  return value ? format_duration(*value) : "no";
}

TEST(Durations, AreReadWithAllUnitsAndPrintedCanonically) {
  const std::pair<const char*, const char*> kCases[] = {
      {"90s", "1m30s"}, {"1m", "1m0s"},   {"1d", "24h0m0s"},   {"2w", "336h0m0s"}, {"10us", "10\xC2\xB5s"},
      {"0", "0s"},      {".5s", "500ms"}, {"1.5h", "1h30m0s"}, {"-1s", "-1s"},     {"1h30m", "1h30m0s"},
  };
  for (const auto& [text, printed] : kCases) EXPECT_EQ(duration(text), printed) << text;
}

TEST(Durations, NeedAUnitAndNoSpaces) {
  for (const char* text : {"", "10", "1h 30m", "1e3s", "abc", "1M", ".s"}) EXPECT_EQ(duration(text), "no") << text;
}

TEST(Sizes, ArePowersOf1024InEveryUnit) {
  EXPECT_EQ(parse_bytes("1k"), 1024);
  EXPECT_EQ(parse_bytes("1 gb"), 1 << 30);
  EXPECT_EQ(parse_bytes("1.5KiB"), 1536);
  EXPECT_EQ(parse_bytes("100"), 100);
  EXPECT_EQ(parse_bytes("-1"), -1);
}

TEST(Sizes, RefuseWhatIsNone) {
  for (const char* text : {"", "-5m", "1x", "1  gb", "10mbs", "m"}) EXPECT_FALSE(parse_bytes(text)) << text;
}

std::string port(std::string_view text) {
  const auto ports = parse_port(text);
  if (!ports) return ports.error();
  std::string out;
  for (const ShortPort& one : *ports)
    out += one.host_ip + "|" + one.published + "|" + std::to_string(one.target) + "/" + one.protocol + " ";
  return out;
}

TEST(Ports, RangesBecomePairsOrStayPublished) {
  EXPECT_EQ(port("80"), "||80/tcp ");
  EXPECT_EQ(port("127.0.0.1::80/UDP"), "127.0.0.1||80/udp ");
  EXPECT_EQ(port("[::1]:1:2"), "::1|1|2/tcp ");
  EXPECT_EQ(port("3000-3001:4000-4001"), "|3000|4000/tcp |3001|4001/tcp ");
  EXPECT_EQ(port("9000-9002:80"), "|9000-9002|80/tcp ");
}

TEST(Ports, ErrorsSayWhichPartIsWrong) {
  EXPECT_EQ(port("70000"), "has an invalid container port");
  EXPECT_EQ(port("x:80"), "has an invalid host port");
  EXPECT_EQ(port("a:80:80"), "has an invalid IP address");
  EXPECT_EQ(port("80/xyz"), "has an unknown protocol, expected tcp, udp or sctp");
  EXPECT_EQ(port("1-3:1-2"), "maps ranges of different lengths");
  EXPECT_EQ(port("80:"), "has no container port");
}

TEST(ShellWords, SplitAsAShellWithoutExpanding) {
  using Words = std::vector<std::string>;
  EXPECT_EQ(split_shell_words("a \"b c\"d 'e $f' \\g"), (Words{"a", "b cd", "e $f", "g"}));
  EXPECT_EQ(split_shell_words("a ''"), (Words{"a", ""}));
  EXPECT_EQ(split_shell_words("a && b"), (Words{"a"}));
  EXPECT_EQ(split_shell_words("$(x y)"), (Words{"$(x y)"}));
  EXPECT_FALSE(split_shell_words("a \"b"));
  EXPECT_FALSE(split_shell_words("(a)"));
}

TEST(Mounts, ArePathsVolumesOrAnonymous) {
  EXPECT_EQ(parse_mount("./a:/b:ro")->kind, ShortMount::Kind::bind);
  EXPECT_TRUE(parse_mount("./a:/b:ro")->read_only);
  EXPECT_EQ(parse_mount("data:/b")->kind, ShortMount::Kind::volume);
  EXPECT_EQ(parse_mount("/b")->source, "");
  EXPECT_EQ(parse_mount("C:\\a:/b")->source, "C:\\a");
  EXPECT_EQ(parse_mount("/a:/b:z,rshared")->propagation, "rshared");
}

TEST(Mounts, RefuseEmptySections) {
  EXPECT_FALSE(parse_mount(""));
  EXPECT_FALSE(parse_mount("data::b"));
  EXPECT_FALSE(parse_mount("data:/b:ro:x"));
}

}  // namespace
}  // namespace defang::compose
