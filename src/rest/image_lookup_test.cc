#include "rest/image_lookup.h"

#include <gtest/gtest.h>

#include "rest/fake_credential.h"
#include "rest/fake_transport.h"

namespace defang::rest {
namespace {

using Is = FoundImage::Is;
using Lines = std::vector<std::string>;

const std::string kDigest = "sha256:6965a10c15290ad0b29ca7fd1866de1850408b3cb15fb11a3bbbbc2fddb158bd";

struct Lookups {
  FakeClock clock;
  FakeTransport transport;
  std::unique_ptr<Random> random = make_seeded_random(7);
  FixedCredential credential;
  TokenCache tokens{credential, clock};
  std::unique_ptr<Pipeline> pipeline = make_pipeline({.transport = transport, .clock = clock, .random = *random});
  RegistryQuery query;

  FoundImage find(const ImageName& image) { return look_up_image(image, query, *pipeline, {}); }
};

TEST(ImageLookup, SignsInToDockerHubAsNobody) {
  Lookups l;
  l.transport
      .then(401, {{"WWW-Authenticate", R"(Bearer realm="https://auth.docker.io/token",service="registry.docker.io")"}})
      .then(200, {}, R"({"token":"t"})")
      .then(200, {{"Docker-Content-Digest", kDigest}});
  const auto found = l.find({"docker.io", "library/nginx", "1.27"});
  EXPECT_EQ(found.is, Is::there);
  EXPECT_EQ(found.digest, kDigest);
  EXPECT_EQ(
      l.transport.lines(),
      (Lines{"HEAD https://registry-1.docker.io/v2/library/nginx/manifests/1.27",
             "GET https://auth.docker.io/token?service=registry.docker.io&scope=repository%3Alibrary%2Fnginx%3Apull",
             "HEAD https://registry-1.docker.io/v2/library/nginx/manifests/1.27"}));
  EXPECT_EQ(l.transport.last().headers.get("Authorization"), "Bearer t");
  EXPECT_FALSE(l.transport.requests()[1].headers.has("Authorization"));
}

TEST(ImageLookup, TellsWhatIsNotThereFromWhatIsNotShown) {
  Lookups l;
  l.transport.then(404);
  EXPECT_EQ(l.find({"mcr.microsoft.com", "dotnet/runtime", "99"}).is, Is::missing);
  // Docker Hub gives a token for everything; GitHub's registry refuses one.
  const Headers challenge = {{"WWW-Authenticate", R"(Bearer realm="https://r.test/token",service="r.test")"}};
  l.transport.then(401, challenge).then(200, {}, R"({"token":"t"})").then(401, challenge);
  EXPECT_EQ(l.find({"r.test", "me/web", "1"}).is, Is::closed);
  l.transport.then(401, challenge).then(403, {}, R"({"errors":[{"code":"DENIED"}]})");
  EXPECT_EQ(l.find({"r.test", "me/web", "1"}).is, Is::closed);
}

TEST(ImageLookup, AsksOnceAndSaysWhyItDoesNotKnow) {
  Lookups l;
  l.transport.then(429);
  const auto limited = l.find({"docker.io", "library/nginx", "1.27"});
  EXPECT_EQ(limited.is, Is::unknown);
  EXPECT_EQ(limited.why, "`docker.io` answers with status 429");
  l.transport.then_error("connect-failed");
  EXPECT_EQ(l.find({"down.test", "web", "1"}).why, "connect-failed");
  l.transport.then(200);
  EXPECT_EQ(l.find({"old.test", "web", "1"}).why, "`old.test` does not say the digest");
  EXPECT_EQ(l.transport.requests().size(), 3U);
}

TEST(ImageLookup, UsesThePasswordOfALogin) {
  Lookups l;
  l.query.login = {"me", Secret("pass")};
  l.transport.then(401, {{"WWW-Authenticate", R"(Bearer realm="https://ghcr.io/token",service="ghcr.io")"}})
      .then(200, {}, R"({"access_token":"t"})")
      .then(200, {{"Docker-Content-Digest", kDigest}});
  EXPECT_EQ(l.find({"ghcr.io", "me/web", "1"}).is, Is::there);
  EXPECT_EQ(l.transport.requests()[1].headers.get("Authorization"), "Basic bWU6cGFzcw==");
  EXPECT_TRUE(l.transport.requests()[1].url.ends_with("&account=me"));
  l.transport.then(401, {{"WWW-Authenticate", R"(Basic realm="r")"}}).then(200, {{"Docker-Content-Digest", kDigest}});
  EXPECT_EQ(l.find({"own.test", "web", "1"}).is, Is::there);
  EXPECT_EQ(l.transport.last().headers.get("Authorization"), "Basic bWU6cGFzcw==");
}

TEST(ImageLookup, IsWhoeverSignedInAtARegistryOfAzure) {
  Lookups l;
  const Cloud cloud = *find_cloud("AzureCloud");
  RegistryClient azure(cloud, "team.azurecr.io", "tenant", l.tokens, *l.pipeline);
  l.query.azure = &azure;
  const Headers challenge = {
      {"WWW-Authenticate", R"(Bearer realm="https://team.azurecr.io/oauth2/token",service="team.azurecr.io")"}};
  l.transport.then(401, challenge)
      .then(401)
      .then(200, {}, R"({"refresh_token":"r"})")
      .then(200, {}, R"({"access_token":"a"})")
      .then(200, {{"Docker-Content-Digest", kDigest}});
  EXPECT_EQ(l.find({"team.azurecr.io", "web", "1"}).digest, kDigest);
  EXPECT_EQ(l.transport.last().headers.get("Authorization"), "Bearer a");
}

TEST(ImageLookup, AsksTheMirrorThatStandsForAll) {
  Lookups l;
  l.query.mirror = "https://localhost:4000";
  l.transport.then(200, {{"Docker-Content-Digest", kDigest}});
  EXPECT_EQ(l.find({"docker.io", "library/nginx", "1.27"}).digest, kDigest);
  EXPECT_EQ(l.transport.lines(), (Lines{"HEAD https://localhost:4000/v2/library/nginx/manifests/1.27?ns=docker.io"}));
}

}  // namespace
}  // namespace defang::rest
