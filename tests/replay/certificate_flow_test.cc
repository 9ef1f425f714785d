// A recorded flow of a custom domain with a managed certificate is the server of ours: registered, issued, bound.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "deploy/custom_domains.h"
#include "rest/credential.h"
#include "support/text.h"
#include "trace.h"

namespace defang::replay {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;
namespace fs = std::filesystem;

const fs::path kTrace = fs::path(DEFANG_SOURCE_DIR) / ".." / "shared" / "azure-traces" /
                        "containerapp-cert-domain.cli.containerapp_env_certificate_and_managed_certificate_e2e.jsonl";

/// Answers each request as it was answered next in the recording. The certificate has another name with us, and its
/// operation was never asked for: the certificate itself was, and says the same.
class RecordedFlow : public rest::HttpTransport {
 public:
  RecordedFlow(const Trace& trace, int first_seq) : trace_(trace) {
    while (at_ < trace_.records.size() && trace_.records[at_].seq < first_seq) ++at_;
    for (const auto& record : trace_.records)
      if (record.method == "PUT" && record.path.contains("/managedcertificates/")) certificate_ = record.path;
  }

  std::vector<std::pair<std::string, Json>> writes;

  Result<rest::HttpResponse> send(const rest::HttpRequest& request, std::stop_token) override {
    const std::string target = request.url.substr(request.url.find('/', 8));
    std::string path = to_lower(target.substr(0, target.find('?')));
    if (path.contains("/managedcertificates/")) path = certificate_;
    if (request.method != "GET") writes.emplace_back(request.method, Json::parse(request.body));
    if (path.contains("/managedcertificateoperationstatuses/")) {
      const auto* record = next("GET", certificate_);
      const Json body = Json::parse(record->answer.body);
      return rest::HttpResponse{
          .status = 200, .headers = {}, .body = Json{{"status", body["properties"]["provisioningState"]}}.dump()};
    }
    const auto* record = next(request.method, path);
    if (record == nullptr)
      return fail(Error::Kind::refused, "not-recorded", request.method + " " + path + " was not recorded");
    return record->answer;
  }

 private:
  const Record* next(const std::string& method, const std::string& path) {
    for (std::size_t i = at_; i < trace_.records.size(); ++i) {
      const Record& record = trace_.records[i];
      if (record.method != method || to_lower(record.path) != path) continue;
      at_ = i + 1;
      return last_[method + path] = &record;
    }
    return last_[method + path];
  }

  const Trace& trace_;
  std::size_t at_ = 0;
  std::string certificate_;
  std::map<std::string, const Record*> last_;
};

class FixedCredential : public rest::Credential {
 public:
  std::string name() const override { return "fixed"; }
  Result<rest::AccessToken> get_token(const rest::TokenRequest&, std::stop_token) override {
    return rest::AccessToken{Secret("token"), std::chrono::sys_days{std::chrono::year{2100} / 1 / 1}};
  }
};

/// Everything is as the target wants it.
class RightRecords : public rest::NameServers {
 public:
  explicit RightRecords(const deploy::DomainTarget& target) : target_(target) {}
  Result<rest::DnsAnswer> resolve(const std::string& name, const std::string& type, std::stop_token) override {
    rest::DnsAnswer answer{.authoritative = true};
    if (type == "NS" && std::ranges::count(name, '.') == 1) answer.answers = {{name, "NS", 60, "ns.example.net"}};
    if (type == "A" && name == "ns.example.net") answer.answers = {{name, "A", 60, "192.0.2.1"}};
    if (type == "A" && name == target_.host) answer.answers = {{name, "CNAME", 60, target_.app_host}};
    if (type == "TXT" && name == "asuid." + target_.host) answer.answers = {{name, "TXT", 60, target_.verification_id}};
    return answer;
  }
  Result<rest::DnsAnswer> ask(const std::string&, const std::string& name, const std::string& type,
                              std::stop_token stop) override {
    return resolve(name, type, stop);
  }

 private:
  const deploy::DomainTarget& target_;
};

class GoodHandshake : public rest::TlsHandshake {
 public:
  Result<rest::ServedCertificate> shake(const std::string&, const std::string&, std::stop_token) override {
    return rest::ServedCertificate{"DigiCert Inc", std::chrono::sys_days{std::chrono::year{2025} / 4 / 14}};
  }
};

TEST(RecordedCertificateFlow, DrivesOursFromTheBareAppToTheBoundCertificate) {
  std::ifstream file(kTrace);
  if (!file) GTEST_SKIP() << "the recordings are not part of the project";
  const Trace trace = parse_trace("certificate", {std::istreambuf_iterator<char>(file), {}});
  const auto put = std::ranges::find_if(trace.records, [](const Record& r) { return r.seq == 126; });
  const auto patch = std::ranges::find_if(trace.records, [](const Record& r) { return r.seq == 86; });
  ASSERT_TRUE(put != trace.records.end() && patch != trace.records.end());

  deploy::CustomDomain domain{.service = "web"};
  domain.app = patch->target.substr(0, patch->target.find('?'));
  domain.environment = put->target.substr(0, put->target.find("/managedCertificates/"));
  domain.location = "East US";
  domain.target = {.host = put->request_body["properties"]["subjectName"],
                   .app_host = "containerapp000003.icyflower-d6897702.eastus.azurecontainerapps.io",
                   .address = "57.152.90.133",
                   .verification_id = "D3F71C85EB6552E36A89A3E4A080C3CFB00181670B659B0003264FC673AA9B00",
                   .token = {}};

  FakeClock clock;
  RecordedFlow azure(trace, 82);
  FixedCredential credential;
  rest::TokenCache tokens(credential, clock);
  const auto random = make_seeded_random(7);
  const auto pipeline = rest::make_pipeline({.transport = azure, .clock = clock, .random = *random, .tokens = &tokens});
  const auto arm = rest::make_arm_client(*rest::find_cloud("AzureCloud"), *pipeline, clock);
  RightRecords dns(domain.target);
  GoodHandshake tls;
  std::vector<std::string> steps;
  const auto unsecured =
      deploy::secure_domains({*arm, dns, tls, clock}, {domain}, {.ingress = {}, .write_records = {}},
                             [&](const deploy::DomainEvent& event) {
                               if (const auto* step = std::get_if<deploy::DomainStep>(&event.what))
                                 steps.emplace_back(name_of(step->step));
                               if (const auto* failed = std::get_if<deploy::DomainFailed>(&event.what))
                                 ADD_FAILURE() << failed->error.message;
                             },
                             {});
  EXPECT_TRUE(unsecured.empty());
  EXPECT_EQ(steps, (std::vector<std::string>{"registered", "certificate-requested", "certificate-issued", "bound"}));

  // What we send is what was recorded, but for nulls and for what our version of the interface calls the method.
  ASSERT_EQ(azure.writes.size(), 3u);
  const auto binding = [](const Json& body) { return body["properties"]["configuration"]["ingress"]["customDomains"]; };
  Json registered = binding(patch->request_body);
  registered[0].erase("certificateId");
  EXPECT_EQ(binding(azure.writes[0].second), registered);
  EXPECT_EQ(azure.writes[1].second["properties"],
            (Json{{"subjectName", domain.target.host}, {"domainControlValidation", "CNAME"}}));
  EXPECT_EQ(binding(azure.writes[2].second)[0]["bindingType"], "SniEnabled");
  EXPECT_TRUE(
      binding(azure.writes[2].second)[0]["certificateId"].get<std::string>().contains("/managedCertificates/mc-"));
}

}  // namespace
}  // namespace defang::replay
