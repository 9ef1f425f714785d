#include "rest/image_push.h"

#include <gtest/gtest.h>

#include "rest/credential.h"
#include "rest/fake_transport.h"

namespace defang::rest {
namespace {

class FixedCredential : public Credential {
 public:
  std::string name() const override { return "fixed"; }
  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token) override {
    return AccessToken{Secret("for " + request.audience), std::chrono::sys_days{std::chrono::year{2100} / 1 / 1}};
  }
};

struct Fixture {
  FakeClock clock;
  FakeTransport transport;
  std::unique_ptr<Random> random = make_seeded_random(7);
  FixedCredential credential;
  TokenCache tokens{credential, clock};
  std::unique_ptr<Pipeline> pipeline = make_pipeline({.transport = transport, .clock = clock, .random = *random});
  RegistryClient registry{*find_cloud("AzureCloud"), "r.azurecr.io", "tenant", tokens, *pipeline};

  Fixture() { transport.then(200, {}, R"({"refresh_token":"refresh"})").then(200, {}, R"({"access_token":"access"})"); }
  Result<void> push() {
    const OciImage image{.blobs = {{"sha256:aa", "layer"}, {"sha256:bb", "{}"}},
                         .manifest = "{\"m\":1}",
                         .manifest_digest = "sha256:cc"};
    return push_image(image, registry, "r.azurecr.io", "defang/run", "v1", *pipeline, {});
  }
};

TEST(PushImage, SendsWhatTheRegistryLacksAndTheTagLast) {
  Fixture f;
  f.transport.then(404)
      .then(202, {{"Location", "/v2/defang/run/blobs/uploads/7?state=x"}})
      .then(201)
      .then(200)  // the configuration is there
      .then(201);
  const auto pushed = f.push();
  ASSERT_TRUE(pushed) << pushed.error().message;
  const auto requests = f.transport.requests();
  auto lines = f.transport.lines();
  lines.erase(lines.begin(), lines.begin() + 2);  // signing in at the registry
  EXPECT_EQ(lines, (std::vector<std::string>{
                       "HEAD https://r.azurecr.io/v2/defang/run/blobs/sha256:aa",
                       "POST https://r.azurecr.io/v2/defang/run/blobs/uploads/",
                       "PUT https://r.azurecr.io/v2/defang/run/blobs/uploads/7?state=x&digest=sha256%3Aaa",
                       "HEAD https://r.azurecr.io/v2/defang/run/blobs/sha256:bb",
                       "PUT https://r.azurecr.io/v2/defang/run/manifests/v1"}));
  EXPECT_EQ(requests[4].body, "layer");
  EXPECT_EQ(requests[4].headers.get("Authorization"), "Bearer access");
  EXPECT_EQ(requests.back().body, "{\"m\":1}");
  EXPECT_EQ(requests.back().headers.get("Content-Type"), "application/vnd.oci.image.manifest.v1+json");
}

TEST(PushImage, HandsOnWhatTheRegistrySays) {
  Fixture f;
  f.transport.then(404).then(403, {}, R"({"errors":[{"code":"DENIED","message":"no push for you"}]})");
  const auto pushed = f.push();
  ASSERT_FALSE(pushed);
  EXPECT_EQ(pushed.error().http_status, 403);
}

}  // namespace
}  // namespace defang::rest
