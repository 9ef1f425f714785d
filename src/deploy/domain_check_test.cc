#include "deploy/domain_check.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "support/text.h"

namespace defang::deploy {
namespace {

using rest::DnsAnswer;
using rest::DnsRecord;

/// Name servers that hold records each, and a resolver that asks them once and remembers.
class FakeDns : public rest::NameServers {
 public:
  std::map<std::string, std::vector<DnsRecord>> servers;  // by address
  std::map<std::string, std::vector<DnsRecord>> kept;     // "name TYPE": what the resolver has of old
  std::set<std::string> silent, lame;
  std::vector<std::string> resolved;

  Result<DnsAnswer> resolve(const std::string& name, const std::string& type, std::stop_token) override {
    resolved.push_back(name + " " + type);
    if (const auto old = kept.find(name + " " + type); old != kept.end())
      return DnsAnswer{.answers = old->second, .authority = {}};
    DnsAnswer answer;
    for (const auto& [address, records] : servers)
      for (const auto& record : records)
        if (record.name == name && (record.type == type || record.type == "CNAME") && answer.answers.empty())
          answer.answers = matching(records, name, type);
    return answer;
  }
  Result<DnsAnswer> ask(const std::string& address, const std::string& name, const std::string& type,
                        std::stop_token) override {
    if (silent.contains(address)) return fail(Error::Kind::unreachable, "dns-no-answer", "nothing");
    if (lame.contains(address)) return DnsAnswer{.code = DnsAnswer::Code::failed, .answers = {}, .authority = {}};
    const auto& records = servers[address];
    DnsAnswer answer{.authoritative = true, .answers = matching(records, name, type), .authority = {}};
    for (const auto& record : records)
      if (record.type == "DELEGATION" && name.ends_with(record.name)) {
        answer.authoritative = false;
        answer.authority.push_back({record.name, "NS", 60, record.value});
      }
    return answer;
  }

 private:
  static std::vector<DnsRecord> matching(const std::vector<DnsRecord>& records, const std::string& name,
                                         const std::string& type) {
    std::vector<DnsRecord> found;
    for (const auto& record : records)
      if (record.name == name && (record.type == type || (record.type == "CNAME" && type == "A")))
        found.push_back(record);
    return found;
  }
};

const DomainTarget kWww{.host = "www.example.com",
                        .app_host = "web.calm-1.westus3.azurecontainerapps.io",
                        .address = "203.0.113.7",
                        .verification_id = "ABC123",
                        .token = {}};
const DomainTarget kApex{.host = "example.com",
                         .app_host = kWww.app_host,
                         .address = kWww.address,
                         .verification_id = "ABC123",
                         .token = {}};

/// example.com with two name servers, and what stands there for a host.
FakeDns world(const std::vector<DnsRecord>& records) {
  FakeDns dns;
  for (const std::string address : {"192.0.2.1", "192.0.2.2"}) {
    auto& held = dns.servers[address] = records;
    held.push_back({"example.com", "NS", 60, "ns1.example.net"});
    held.push_back({"example.com", "NS", 60, "ns2.example.net"});
    held.push_back({"example.com", "SOA", 60, ""});
    held.push_back({"ns1.example.net", "A", 60, "192.0.2.1"});
    held.push_back({"ns2.example.net", "A", 60, "192.0.2.2"});
  }
  return dns;
}
std::vector<DnsRecord> right() {
  return {{"www.example.com", "CNAME", 60, kWww.app_host}, {"asuid.www.example.com", "TXT", 60, "abc123"}};
}

std::vector<std::string> said(FakeDns& dns, const DomainTarget& target) {
  const auto sight = look_at_domain(dns, target, {});
  std::vector<std::string> lines;
  for (const auto& finding : judge_domain(target, *sight))
    lines.push_back(std::string(name_of(finding.kind)) + ": " + finding.message + " | " + finding.help);
  return lines;
}
using Lines = std::vector<std::string>;

TEST(DomainRecords, AreAnAliasAndAProof) {
  EXPECT_EQ(zone_fragment(records_for(kWww, false)),
            "www.example.com.       3600 IN CNAME web.calm-1.westus3.azurecontainerapps.io.\n"
            "asuid.www.example.com. 3600 IN TXT   \"ABC123\"\n");
}

TEST(DomainRecords, OfAZonesOwnNameAreAnAddressAProofAndTheTokenOnceThereIsOne) {
  DomainTarget apex = kApex;
  apex.token = "_token";
  EXPECT_EQ(zone_fragment(records_for(apex, true)),
            "example.com.          3600 IN A     203.0.113.7\n"
            "asuid.example.com.    3600 IN TXT   \"ABC123\"\n"
            "_dnsauth.example.com. 3600 IN TXT   \"_token\"\n");
}

TEST(DomainCheck, IsContentWhenEveryServerHasAliasAndProof) {
  auto dns = world(right());
  EXPECT_EQ(said(dns, kWww), Lines{});
  EXPECT_EQ(validation_method(kWww, *look_at_domain(dns, kWww, {})), "CNAME");
}

TEST(DomainCheck, TellsWhatIsMissingAndHowToSetIt) {
  auto dns = world({});
  EXPECT_EQ(
      said(dns, kWww),
      (Lines{"missing: `www.example.com` has no CNAME record | set CNAME `www.example.com` to "
             "`web.calm-1.westus3.azurecontainerapps.io`",
             "missing: `asuid.www.example.com` has no TXT record | set TXT `asuid.www.example.com` to `ABC123`"}));
}

TEST(DomainCheck, NeverAsksAResolverForWhatIsNotThereYet) {
  auto dns = world({});
  said(dns, kWww);
  EXPECT_EQ(std::ranges::count(dns.resolved, "www.example.com A"), 0);
  EXPECT_EQ(std::ranges::count(dns.resolved, "www.example.com NS"), 0);
  EXPECT_EQ(std::ranges::count(dns.resolved, "asuid.www.example.com TXT"), 0);
}

TEST(DomainCheck, TellsTheWrongValueBesideTheRightOne) {
  auto dns =
      world({{"www.example.com", "CNAME", 60, "old.example.net"}, {"asuid.www.example.com", "TXT", 60, "OTHER"}});
  EXPECT_EQ(said(dns, kWww), (Lines{"wrong-value: CNAME `www.example.com` is `old.example.net`, not "
                                    "`web.calm-1.westus3.azurecontainerapps.io` | set CNAME `www.example.com` to "
                                    "`web.calm-1.westus3.azurecontainerapps.io`",
                                    "wrong-value: TXT `asuid.www.example.com` is `OTHER`, not `ABC123` | set TXT "
                                    "`asuid.www.example.com` to `ABC123`"}));
}

TEST(DomainCheck, TakesTheEnvironmentsAddressInPlaceOfAnAlias) {
  auto dns = world({{"www.example.com", "A", 60, kWww.address}, {"asuid.www.example.com", "TXT", 60, "ABC123"}});
  EXPECT_EQ(said(dns, kWww), Lines{});
  EXPECT_EQ(validation_method(kWww, *look_at_domain(dns, kWww, {})), "HTTP");
}

TEST(DomainCheck, NamesTheProxyThatStandsBetween) {
  auto dns = world({{"www.example.com", "A", 60, "104.21.3.4"}, {"asuid.www.example.com", "TXT", 60, "ABC123"}});
  const auto lines = said(dns, kWww);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("proxied: `www.example.com` goes through Cloudflare")) << lines[0];
  auto manager = world(
      {{"www.example.com", "CNAME", 60, "shop.trafficmanager.net"}, {"asuid.www.example.com", "TXT", 60, "ABC123"}});
  EXPECT_TRUE(said(manager, kWww).front().contains("Azure Traffic Manager"));
}

TEST(DomainCheck, TellsWhichServersAreBehind) {
  auto dns = world(right());
  std::erase_if(dns.servers["192.0.2.2"], [](const auto& record) { return record.name.starts_with("asuid."); });
  const auto lines = said(dns, kWww);
  ASSERT_EQ(lines.size(), 1u);
  EXPECT_TRUE(lines[0].starts_with("out-of-sync: `asuid.www.example.com` has no TXT record: so says ns2.example.net"))
      << lines[0];
}

TEST(DomainCheck, TellsForHowLongTheOldValueIsKept) {
  auto dns = world(right());
  dns.kept["www.example.com A"] = {{"www.example.com", "CNAME", 240, "old.example.net"}};
  const auto sight = look_at_domain(dns, kWww, {});
  const auto findings = judge_domain(kWww, *sight);
  ASSERT_EQ(findings.size(), 1u);
  EXPECT_EQ(
      findings[0].message,
      "the resolver of this machine keeps the old value `old.example.net` for `www.example.com` for another 240 s");
  EXPECT_TRUE(is_ready(findings));
}

TEST(DomainCheck, FindsCaaRecordsThatForbidTheIssuer) {
  auto dns = world(right());
  dns.servers["192.0.2.1"].push_back({"example.com", "CAA", 60, "issue letsencrypt.org"});
  EXPECT_EQ(said(dns, kWww),
            (Lines{"caa: CAA `example.com` lets `letsencrypt.org` issue certificates, and not DigiCert, "
                   "who does for Azure | add CAA `example.com` `0 issue \"digicert.com\"`"}));
  dns.servers["192.0.2.1"].push_back({"example.com", "CAA", 60, "issue digicert.com; cansignhttpexchanges=yes"});
  EXPECT_EQ(said(dns, kWww), Lines{});
}

TEST(DomainCheck, HeedsTheCaaRecordsOfTheNearestNameOnly) {
  auto dns = world(right());
  dns.servers["192.0.2.1"].push_back({"example.com", "CAA", 60, "issue letsencrypt.org"});
  dns.servers["192.0.2.1"].push_back({"www.example.com", "CAA", 60, "iodef mailto:a@example.com"});
  EXPECT_EQ(said(dns, kWww), Lines{});
}

TEST(DomainCheck, FollowsADelegationToTheHostsOwnZone) {
  auto dns = world({});
  for (auto& [address, records] : dns.servers)
    records.push_back({"www.example.com", "DELEGATION", 60, "ns.sub.example.org"});
  dns.servers["192.0.2.1"].push_back({"ns.sub.example.org", "A", 60, "192.0.2.9"});
  dns.servers["192.0.2.9"] = {{"www.example.com", "A", 60, "198.51.100.1"}, {"www.example.com", "SOA", 60, ""}};
  const auto sight = look_at_domain(dns, kWww, {});
  EXPECT_EQ(sight->zone, "www.example.com");
  EXPECT_EQ(sight->servers, Lines{"ns.sub.example.org"});
  EXPECT_TRUE(sight->is_apex(kWww));
  EXPECT_TRUE(
      judge_domain(kWww, *sight)[0].message.starts_with("A `www.example.com` is `198.51.100.1`, not `203.0.113.7`"));
}

TEST(DomainCheck, SaysWhenNobodyHoldsTheDomainOrTellsAnything) {
  FakeDns nobody;
  EXPECT_TRUE(said(nobody, kWww).front().starts_with("no-zone: nobody holds a zone for `www.example.com`"));
  auto dns = world(right());
  dns.silent.insert("192.0.2.1");
  dns.lame.insert("192.0.2.2");
  EXPECT_EQ(said(dns, kWww).front(),
            "no-answer: no name server of `example.com` tells anything: ns1.example.net does not answer; "
            "ns2.example.net does not hold the zone `example.com` | check the name servers that are entered at the "
            "registrar");
}

TEST(DomainCheck, FindsAnIpv6AddressBesideTheRightOne) {
  auto dns = world({{"example.com", "A", 60, kApex.address},
                    {"example.com", "AAAA", 60, "2001:db8::1"},
                    {"asuid.example.com", "TXT", 60, "ABC123"}});
  EXPECT_EQ(said(dns, kApex), Lines{"wrong-value: `example.com` has the IPv6 address `2001:db8::1` too, which does not "
                                    "lead to Azure | remove AAAA `example.com`"});
}

}  // namespace
}  // namespace defang::deploy
