#include "emulator/providers/custom_domains.h"

#include <gtest/gtest.h>

#include "emulator/providers/apps_testing.h"
#include "emulator/providers/container_apps.h"
#include "emulator/providers/public_names.h"

namespace defang::emulator {
namespace {

/// An app in an environment, and a world of names around it.
class DomainsBench : public AppsBench {
 public:
  DomainsBench() {
    make_environment();
    put(app_id(), app_body());
    wait_seconds(13);
    const Core::Lock guard(core);
    proof = verification_id(core);
  }
  void hold(const std::string& zone_file) {
    const Core::Lock guard(core);
    ASSERT_TRUE(hold_records(core, zone_file));
  }
  std::string fqdn() { return text_at(get(app_id()).json, "properties.configuration.ingress.fqdn"); }
  std::string address() { return text_at(get(environment_id()).json, "properties.staticIp"); }
  Got bind(const std::string& host, const std::string& type = "Disabled", const std::string& certificate = "") {
    Json domain = {{"name", host}, {"bindingType", type}};
    if (!certificate.empty()) domain["certificateId"] = certificate;
    return patch(app_id(),
                 {{"properties", {{"configuration", {{"ingress", {{"customDomains", Json::array({domain})}}}}}}}});
  }
  std::string certificate_id() { return environment_id() + "/managedCertificates/mc"; }
  Got request(const std::string& host, const std::string& method) {
    return put(certificate_id(),
               {{"location", "westus3"}, {"properties", {{"subjectName", host}, {"domainControlValidation", method}}}});
  }
  std::string state() { return text_at(get(certificate_id()).json, "properties.provisioningState"); }
  std::string proof;
};

TEST(CustomDomain, IsRefusedUntilTheDnsProvesWhoseItIs) {
  DomainsBench bench;
  const auto refused = bench.bind("www.example.com");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(refused.code(), "InvalidCustomHostNameValidation");
  bench.hold("asuid.www.example.com. TXT " + bench.proof + "\n");
  EXPECT_EQ(bench.bind("www.example.com").status, 202);
}

TEST(CustomDomain, OfAZoneInTheSubscriptionIsFoundThere) {
  DomainsBench bench;
  const std::string zone = bench.group("g") + "/providers/Microsoft.Network/dnsZones/example.com";
  bench.put(zone, {{"location", "global"}});
  bench.put(zone + "/TXT/asuid.www",
            {{"properties", {{"TTL", 60}, {"TXTRecords", Json::array({{{"value", Json::array({bench.proof})}}})}}}});
  EXPECT_EQ(bench.bind("www.example.com").status, 202);
  bench.wait_seconds(20);
  bench.hold("example.com. TXT \"the registrar leads elsewhere\"\n");
  EXPECT_EQ(bench.bind("shop.example.com").status, 400);
}

TEST(CustomDomain, IsAnalysedFromWhatStandsInTheDns) {
  DomainsBench bench;
  const std::string analysis = bench.app_id() + "/listCustomHostNameAnalysis";
  const auto ask = [&] {
    return bench.send("POST", analysis + "?api-version=2024-03-01&customHostname=www.example.com").json;
  };
  EXPECT_EQ(ask()["customDomainVerificationTest"], "Failed");
  bench.hold("www.example.com. CNAME " + bench.fqdn() + ".\nasuid.www.example.com. TXT " + bench.proof + "\n");
  const Json seen = ask();
  EXPECT_EQ(seen["customDomainVerificationTest"], "Passed");
  EXPECT_EQ(seen["cNameRecords"], Json::array({bench.fqdn()}));
  EXPECT_EQ(seen["aRecords"], Json::array({bench.address()}));
  EXPECT_EQ(seen["alternateTxtRecords"], Json::array({bench.proof}));
}

TEST(ManagedCertificate, IsIssuedAMinuteAfterTheRecordsAreThere) {
  DomainsBench bench;
  bench.hold("www.example.com. CNAME " + bench.fqdn() + ".\nasuid.www.example.com. TXT " + bench.proof + "\n");
  EXPECT_EQ(bench.request("www.example.com", "CNAME").code(), "RequireCustomHostnameInEnvironment");
  bench.bind("www.example.com");
  bench.wait_seconds(13);
  EXPECT_EQ(bench.request("www.example.com", "CNAME").status, 201);
  bench.wait_seconds(50);
  EXPECT_EQ(bench.state(), "Pending");
  bench.wait_seconds(30);
  EXPECT_EQ(bench.state(), "Succeeded");
  EXPECT_EQ(bench.bind("www.example.com", "SniEnabled", bench.certificate_id()).status, 202);
  EXPECT_EQ(bench.remove(bench.certificate_id()).code(), "CertificateInUse");
}

TEST(ManagedCertificate, FailsWithTheReasonWhenTheRecordsDoNotCome) {
  DomainsBench bench;
  bench.hold("asuid.www.example.com. TXT " + bench.proof + "\n");
  bench.bind("www.example.com");
  bench.wait_seconds(13);
  bench.request("www.example.com", "CNAME");
  bench.wait_seconds(310);
  EXPECT_EQ(bench.state(), "Failed");
  EXPECT_EQ(text_at(bench.get(bench.certificate_id()).json, "properties.error"),
            "A CNAME record pointing from www.example.com to " + bench.fqdn() + " was not found.");
}

TEST(ManagedCertificate, HeedsCaaRecords) {
  DomainsBench bench;
  bench.hold("example.com. CAA 0 issue letsencrypt.org\nexample.com. A " + bench.address() +
             "\nasuid.example.com. TXT " + bench.proof + "\n");
  bench.bind("example.com");
  bench.wait_seconds(13);
  bench.request("example.com", "HTTP");
  bench.wait_seconds(310);
  EXPECT_EQ(text_at(bench.get(bench.certificate_id()).json, "properties.error"),
            "A CAA record of 'example.com' does not allow digicert.com.");
}

TEST(ManagedCertificate, OfAnApexIsProvenByAddressOrTokenAndNotByAlias) {
  DomainsBench bench;
  bench.hold("asuid.example.com. TXT " + bench.proof + "\n");
  bench.bind("example.com");
  bench.wait_seconds(13);
  EXPECT_EQ(bench.request("example.com", "CNAME").code(), "InvalidValidationMethod");
  const auto asked = bench.request("example.com", "TXT");
  const std::string token = text_at(asked.json, "properties.validationToken");
  EXPECT_FALSE(token.empty());
  bench.wait_seconds(100);
  EXPECT_EQ(bench.state(), "Pending");
  bench.hold("_dnsauth.example.com. TXT " + token + "\n");
  bench.wait_seconds(10);
  EXPECT_EQ(bench.state(), "Succeeded");
}

}  // namespace
}  // namespace defang::emulator
