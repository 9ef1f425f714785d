#include "rest/registry_client.h"

#include <gtest/gtest.h>

#include "rest/fake_credential.h"
#include "rest/fake_transport.h"
#include "rest/registry_sign_in.h"
#include "rest/vault_client.h"

namespace defang::rest {
namespace {

using namespace std::chrono_literals;
using Json = nlohmann::json;

struct Fixture {
  FakeClock clock;
  FakeTransport transport;
  std::unique_ptr<Random> random = make_seeded_random(7);
  FixedCredential credential;
  TokenCache tokens{credential, clock};
  std::unique_ptr<Pipeline> plain = make_pipeline({.transport = transport, .clock = clock, .random = *random});
  std::unique_ptr<Pipeline> pipeline =
      make_pipeline({.transport = transport, .clock = clock, .random = *random, .tokens = &tokens});
  Cloud cloud = *find_cloud("AzureCloud");
  std::unique_ptr<ArmClient> arm = make_arm_client(cloud, *pipeline, clock);
  RegistryTasks tasks{azure::ResourceId::resource("s", "g", "Microsoft.ContainerRegistry/registries", "reg"), *arm,
                      *plain, clock};
};

const std::string kRegistry =
    "https://management.azure.com/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/"
    "reg";
const std::string kVersion = "?api-version=2019-06-01-preview";

TEST(RegistryTasks, StartARun) {
  Fixture f;
  f.transport.then(200, {}, R"({"relativePath":"r/p.tar.gz","uploadUrl":"https://x/u?sig=1"})")
      .then(200, {}, R"({"name":"ch1","properties":{"runId":"ch1","status":"Queued"}})");
  EXPECT_EQ(f.tasks.upload_slot({})->relative_path, "r/p.tar.gz");
  EXPECT_EQ(f.tasks.schedule(Json{{"type", "DockerBuildRequest"}}, {}).value(), "ch1");
  EXPECT_EQ(f.transport.lines(), (std::vector<std::string>{"POST " + kRegistry + "/listBuildSourceUploadUrl" + kVersion,
                                                           "POST " + kRegistry + "/scheduleRun" + kVersion}));
}

TEST(RegistryTasks, FollowTheLogFromItsFirstByteToItsEndMarker) {
  Fixture f;
  const auto size = [](int bytes) { return Headers{{"Content-Length", std::to_string(bytes)}}; };
  f.transport.then(200, {}, R"({"logLink":"https://logs.test/l?sig=1"})")
      .then(404, {{"x-ms-error-code", "BlobNotFound"}})
      .then(200, size(13))
      .then(206, {}, "one\r\ntwo\rthre")
      .then(200, size(13))
      .then(200, {{"Content-Length", "20"}, {"x-ms-meta-Complete", "successful"}})
      .then(206, {}, "e\nfour\n")
      .then(
          200, {},
          R"({"properties":{"status":"Succeeded","outputImages":[{"registry":"reg.test","repository":"web","tag":"t","digest":"sha256:1"}]}})");
  std::vector<std::string> lines;
  const auto end = f.tasks.follow("ch1", [&](const std::string& line) { lines.push_back(line); }, {});
  ASSERT_TRUE(end) << end.error().message;
  EXPECT_EQ(lines, (std::vector<std::string>{"one", "two", "three", "four"}));
  EXPECT_TRUE(end->succeeded());
  EXPECT_EQ(end->images.at(0).digest, "sha256:1");
  EXPECT_EQ(end->last_lines.back(), "four");
  const auto requests = f.transport.requests();
  EXPECT_EQ(requests[3].headers.get("x-ms-range"), "bytes=0-12");
  EXPECT_EQ(requests[6].headers.get("x-ms-range"), "bytes=13-19");
  EXPECT_FALSE(requests[3].headers.has("Authorization"));
}

TEST(RegistryTasks, NoticeAFailedRunWhoseLogNeverAppears) {
  Fixture f;
  f.transport.then(200, {}, R"({"logLink":"https://logs.test/l?sig=1"})");
  FakeTransport::Answer answer = [](const HttpRequest& request) -> Result<HttpResponse> {
    if (request.method == "HEAD") return HttpResponse{404, {}, ""};
    return HttpResponse{200, {}, R"({"properties":{"status":"Failed","runErrorMessage":"no agent"}})"};
  };
  for (int i = 0; i < 60; ++i) f.transport.then(answer);
  const auto end = f.tasks.follow("ch1", nullptr, {});
  ASSERT_TRUE(end);
  EXPECT_EQ(end->status, "Failed");
  EXPECT_EQ(end->error_message, "no agent");
  EXPECT_LT(f.clock.elapsed(), 60s);
}

TEST(RegistryTasks, AskForAFreshLogAddressWhenTheOldOneRanOut) {
  Fixture f;
  f.transport.then(200, {}, R"({"logLink":"https://logs.test/l?sig=1"})")
      .then(403)
      .then(200, {}, R"({"logLink":"https://logs.test/l?sig=2"})")
      .then(200, {{"Content-Length", "0"}, {"x-ms-meta-complete", "failed"}})
      .then(200, {}, R"({"properties":{"status":"Failed"}})");
  EXPECT_EQ(f.tasks.follow("ch1", nullptr, {})->status, "Failed");
  EXPECT_EQ(f.transport.requests()[3].url, "https://logs.test/l?sig=2");
}

TEST(RegistryClient, ExchangesItsTokensAndFindsADigest) {
  Fixture f;
  RegistryClient registry(f.cloud, "reg.azurecr.io", "tenant", f.tokens, *f.plain);
  f.transport.then(200, {}, R"({"refresh_token":"r1"})")
      .then(200, {}, R"({"access_token":"a1"})")
      .then(200, {{"Docker-Content-Digest", "sha256:9"}});
  EXPECT_EQ(registry.digest_of("web", "t1", {}).value(), "sha256:9");
  const auto requests = f.transport.requests();
  EXPECT_EQ(requests[0].url, "https://reg.azurecr.io/oauth2/exchange");
  EXPECT_EQ(requests[0].body,
            "grant_type=access_token&service=reg.azurecr.io&tenant=tenant&access_token=for%20https%3A%2F%2Fmanagement."
            "azure.com");
  EXPECT_EQ(requests[1].body,
            "grant_type=refresh_token&service=reg.azurecr.io&scope=repository%3Aweb%3Apull&refresh_token=r1");
  EXPECT_EQ(requests[2].headers.get("Authorization"), "Bearer a1");
}

TEST(ReadSecret, GivesTheValueOfOneVersion) {
  Fixture f;
  f.transport.then(200, {}, R"({"value":"x","id":"https://v.vault.azure.net/secrets/A/v1"})")
      .then(403, {}, R"({"error":{"code":"Forbidden","message":"m","innererror":{"code":"ForbiddenByRbac"}}})")
      .then(200, {}, "{}");
  const auto read = [&] { return read_secret("https://v.vault.azure.net/secrets/A/v1", f.cloud, *f.pipeline, {}); };
  EXPECT_EQ(read()->reveal(), "x");
  EXPECT_EQ(f.transport.last().url, "https://v.vault.azure.net/secrets/A/v1?api-version=7.5");
  EXPECT_EQ(f.transport.last().headers.get("Authorization"), "Bearer for https://vault.azure.net");
  EXPECT_EQ(read().error().code, "ForbiddenByRbac");
  EXPECT_EQ(read().error().code, "no-secret-value");
}

TEST(ReadSecret, FollowsAChallengeOnlyToItsOwnCloud) {
  Fixture f;
  const auto challenge = [](const std::string& resource) {
    return Headers{
        {"WWW-Authenticate", "Bearer authorization=\"https://login.test/t\", resource=\"" + resource + "\""}};
  };
  const auto read = [&] { return read_secret("https://v.vault.private.test/secrets/A/v1", f.cloud, *f.pipeline, {}); };
  f.transport.then(401).then(401, challenge("https://vault.private.test")).then(200, {}, R"({"value":"x"})");
  EXPECT_EQ(read()->reveal(), "x");
  EXPECT_EQ(f.transport.last().headers.get("Authorization"), "Bearer for https://vault.private.test");
  f.transport.then(401).then(401, challenge("https://management.azure.com"));
  EXPECT_EQ(read().error().http_status, 401);
  EXPECT_EQ(challenged_resource("Bearer realm=\"x\", scope=\"https://vault.azure.net/.default\""),
            "https://vault.azure.net");
}

TEST(CheckSignIn, AsksWhereTheRegistrySaysWithThePassword) {
  Fixture f;
  const Headers challenge = {
      {"WWW-Authenticate",
       R"(Bearer realm="https://ghcr.io/token",service="ghcr.io",scope="repository:user/image:pull")"}};
  f.transport.then(401, challenge).then(200, {}, R"({"token":"t"})").then(401, challenge).then(401);
  EXPECT_TRUE(check_sign_in("ghcr.io", "me", Secret("pass"), *f.plain, {}));
  EXPECT_EQ(f.transport.lines(), (std::vector<std::string>{"GET https://ghcr.io/v2/",
                                                           "GET https://ghcr.io/token?service=ghcr.io&account=me"}));
  EXPECT_EQ(f.transport.last().headers.get("Authorization"), "Basic bWU6cGFzcw==");
  const auto refused = check_sign_in("ghcr.io", "me", Secret("wrong"), *f.plain, {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "registry-refuses");
  EXPECT_EQ(refused.error().message.find("wrong"), std::string::npos);
}

TEST(CheckSignIn, KnowsDockerHubByItsOtherNameAndRegistriesWithoutTokens) {
  Fixture f;
  f.transport.then(401, {{"WWW-Authenticate", R"(Basic realm="r")"}}).then(200).then(200);
  EXPECT_TRUE(check_sign_in("docker.io", "me", Secret("pass"), *f.plain, {}));
  EXPECT_TRUE(check_sign_in("open.test:5000", "me", Secret("pass"), *f.plain, {}));
  EXPECT_EQ(f.transport.lines(),
            (std::vector<std::string>{"GET https://registry-1.docker.io/v2/", "GET https://registry-1.docker.io/v2/",
                                      "GET https://open.test:5000/v2/"}));
  f.transport.then(404);
  EXPECT_EQ(check_sign_in("web.test", "me", Secret("pass"), *f.plain, {}).error().code, "registry-answers");
  // No password goes out in clear.
  EXPECT_FALSE(token_url(R"(Bearer realm="http://auth.test/token",service="s")"));
}

}  // namespace
}  // namespace defang::rest
