#include "emulator/dns/zones.h"

#include <gtest/gtest.h>

#include "emulator/dns/resolver.h"

namespace defang::emulator {
namespace {

constexpr std::uint16_t kA = 1, kNs = 2, kTxt = 16;

Zones zones() {
  const auto records = parse_zone_file(R"($ORIGIN example.com.
$TTL 600
@        IN SOA ns1.example.com. admin.example.com. ( 1 3600 300 ; the lines of
                                                      86400 60 ) ; a start of authority
         IN NS  ns1
ns1      IN A   127.0.0.1
www  300 IN CNAME web.example.net.
alias       CNAME ns1
*.wild      A   192.0.2.9
text        TXT "two words" more
sub         NS  ns.example.org.
@           CAA 0 issue "digicert.com"
)");
  EXPECT_TRUE(records) << records.error().message;
  return {{"example.com", *records}};
}

std::string answers(const std::string& name, std::uint16_t type) {
  std::string text;
  for (const auto& record : look_up(zones(), name, type).answers) text += zone_file_line(record) + "\n";
  return text;
}

TEST(ZoneFile, IsReadWithOriginsTimesParenthesesAndQuotes) {
  EXPECT_EQ(zones()["example.com"].size(), 9u);
  EXPECT_EQ(answers("text.example.com", kTxt), "text.example.com. 600 IN TXT \"two words\" \"more\"\n");
  EXPECT_EQ(answers("example.com", 257), "example.com. 600 IN CAA 0 issue \"digicert.com\"\n");
}

TEST(ZoneFile, NamesTheLineThatIsWrong) {
  EXPECT_EQ(parse_zone_file("a.example.com. A 1.2.3.4\nb.example.com. A www\n").error().message,
            "line 2: these are no data of a A record");
  EXPECT_EQ(parse_zone_file("a.example.com. HINFO x\n").error().message, "line 1: `HINFO` is no type of record");
  EXPECT_EQ(parse_zone_file("a.example.com. TXT \"open\n").error().message, "line 1: a quotation mark is missing");
}

TEST(NameServer, FollowsAliasesAsFarAsItHoldsThem) {
  EXPECT_EQ(answers("www.example.com", kA), "www.example.com. 300 IN CNAME web.example.net.\n");
  EXPECT_EQ(answers("alias.example.com", kA),
            "alias.example.com. 600 IN CNAME ns1.example.com.\nns1.example.com. 600 IN A 127.0.0.1\n");
}

TEST(NameServer, AnswersForWildcardsButNotBesideThem) {
  EXPECT_EQ(answers("a.b.wild.example.com", kA), "a.b.wild.example.com. 600 IN A 192.0.2.9\n");
  EXPECT_EQ(look_up(zones(), "other.example.com", kA).code, DnsCode::name_error);
}

TEST(NameServer, TellsThatAnExistingNameHasNoSuchRecord) {
  const auto answer = look_up(zones(), "www.example.com", kNs);
  EXPECT_EQ(answer.code, DnsCode::no_error);
  const auto nothing = look_up(zones(), "ns1.example.com", kTxt);
  EXPECT_EQ(nothing.code, DnsCode::no_error);
  ASSERT_EQ(nothing.authority.size(), 1u);
  EXPECT_EQ(nothing.authority[0].type, "SOA");
}

TEST(NameServer, RefersToTheServersOfAZoneBelow) {
  const auto answer = look_up(zones(), "deep.sub.example.com", kA);
  EXPECT_FALSE(answer.authoritative);
  ASSERT_EQ(answer.authority.size(), 1u);
  EXPECT_EQ(answer.authority[0].data[0], "ns.example.org");
}

TEST(NameServer, RefusesWhatItDoesNotHold) { EXPECT_EQ(look_up(zones(), "example.org", kA).code, DnsCode::refused); }

TEST(Resolver, KeepsWhatItWasToldUntilItsTimeIsOver) {
  CachingResolver resolver;
  Zones world = zones();
  const DnsQuery query{.name = "ns1.example.com", .type = kA};
  resolver.answer(world, query, 0);
  for (auto& record : world["example.com"])
    if (record.name == "ns1.example.com") record.data[0] = "192.0.2.1";
  const auto kept = resolver.answer(world, query, 200'000);
  EXPECT_EQ(kept.answers[0].data[0], "127.0.0.1");
  EXPECT_EQ(kept.answers[0].ttl_seconds, 400u);
  EXPECT_EQ(resolver.answer(world, query, 600'000).answers[0].data[0], "192.0.2.1");
}

TEST(Resolver, KeepsThatThereWasNothingAsLongAsTheZoneSays) {
  CachingResolver resolver;
  Zones world = zones();
  const DnsQuery query{.name = "new.example.com", .type = kA};
  EXPECT_EQ(resolver.answer(world, query, 0).code, DnsCode::name_error);
  world["example.com"].push_back({"new.example.com", "A", 60, {"192.0.2.1"}});
  EXPECT_EQ(resolver.answer(world, query, 59'000).code, DnsCode::name_error);
  EXPECT_EQ(resolver.answer(world, query, 60'000).code, DnsCode::no_error);
}

}  // namespace
}  // namespace defang::emulator
