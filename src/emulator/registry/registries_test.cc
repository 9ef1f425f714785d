#include "emulator/registry/registries.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "emulator/registry/image_store.h"
#include "emulator/registry/tokens.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

class FakeAccess final : public RegistryAccess {
 public:
  std::optional<std::string> principal_of(const std::string& token) const override {
    return token == "entra-token-of-puller" ? std::optional<std::string>("puller") : std::nullopt;
  }
  bool may(const std::string& principal, const std::string& registry, Right right) const override {
    return principal == "puller" && registry == "team" && right == Right::pull && puller_may_pull;
  }
  std::optional<AdminUser> admin(const std::string& registry) const override {
    if (!admin_enabled) return std::nullopt;
    return AdminUser{registry, {Secret("first"), Secret("second")}};
  }
  bool admin_enabled = true;
  bool puller_may_pull = true;
};

class RegistriesTest : public testing::Test {
 protected:
  RegistriesTest() { std::filesystem::remove_all(folder_); }
  ~RegistriesTest() override { std::filesystem::remove_all(folder_); }

  Answer send(const std::string& method, const std::string& target, const std::string& body = "",
              const rest::Headers& headers = {}) {
    Request request;
    request.method = method;
    request.target = target;
    request.headers = headers;
    request.headers.set("Host", "localhost:5001");
    request.body = body;
    parse_target(request);
    request.base_url = "https://localhost:5001";
    return registries_->answer("team", request);
  }
  static rest::Headers basic(const std::string& user, const std::string& password) {
    return {{"Authorization", "Basic " + base64(user + ":" + password)}};
  }
  static rest::Headers bearer(const std::string& token) { return {{"Authorization", "Bearer " + token}}; }
  static std::string member(const Answer& answer, const std::string& name) {
    return text_at(parse_json(answer.body).value_or(Json()), name);
  }
  /// Pushes an image of one layer as the admin, and returns the manifest's digest.
  std::string push(const std::string& repository, const std::string& tag) {
    const auto admin = basic("team", "first");
    for (const std::string& blob : {std::string("config"), std::string("layer")}) {
      EXPECT_EQ(
          send("POST", "/v2/" + repository + "/blobs/uploads/?digest=sha256:" + sha256_hex(blob), blob, admin).status,
          201);
    }
    auto headers = admin;
    headers.set("Content-Type", "application/vnd.oci.image.manifest.v1+json");
    const auto manifest = R"({"schemaVersion":2,"config":{"digest":"sha256:)" + sha256_hex("config") +
                          R"("},"layers":[{"digest":"sha256:)" + sha256_hex("layer") + R"("}]})";
    const auto answer = send("PUT", "/v2/" + repository + "/manifests/" + tag, manifest, headers);
    EXPECT_EQ(answer.status, 201) << answer.body;
    return answer.headers.get("Docker-Content-Digest");
  }

  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("registries-test." + std::to_string(getpid()));
  FakeAccess access_;
  FakeClock clock_;
  std::unique_ptr<Random> random_ = make_seeded_random(1);
  std::unique_ptr<Registries> registries_ = make_registries(folder_, access_, clock_, *random_);
};

TEST_F(RegistriesTest, SaysWhereTokensComeFrom) {
  const auto answer = send("GET", "/v2/");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.headers.get("Www-Authenticate"),
            "Bearer realm=\"https://localhost:5001/oauth2/token\",service=\"localhost:5001\"");
}

TEST_F(RegistriesTest, KeepsWhatIsPushedAndListsItsTags) {
  const auto digest = push("a/web", "v1");
  const auto admin = basic("team", "second");
  EXPECT_EQ(send("GET", "/v2/a/web/manifests/v1", "", admin).headers.get("Docker-Content-Digest"), digest);
  EXPECT_EQ(send("HEAD", "/v2/a/web/manifests/" + digest, "", admin).status, 200);
  EXPECT_EQ(send("GET", "/v2/a/web/tags/list", "", admin).body, R"({"name":"a/web","tags":["v1"]})");
  EXPECT_EQ(registries_->digest("team", "a/web", "v1"), digest);
  EXPECT_EQ(registries_->digest("team", "a/web", "v2"), std::nullopt);

  auto again = make_registries(folder_, access_, clock_, *random_);
  EXPECT_EQ(again->digest("Team", "a/web", "v1"), digest);
}

TEST_F(RegistriesTest, TakesABlobInChunks) {
  const auto admin = basic("team", "first");
  const auto upload = send("POST", "/v2/web/blobs/uploads/", "", admin).headers.get("Location");
  EXPECT_EQ(send("PATCH", upload, "hello ", admin).headers.get("Range"), "0-5");
  auto wrong_place = admin;
  wrong_place.set("Content-Range", "3-7");
  EXPECT_EQ(send("PATCH", upload, "world", wrong_place).status, 416);
  EXPECT_EQ(send("PATCH", upload, "world", admin).status, 202);
  const auto digest = "sha256:" + sha256_hex("hello world");
  EXPECT_EQ(send("PUT", upload + "?digest=" + digest, "", admin).status, 201);
  const auto blob = send("GET", "/v2/web/blobs/" + digest, "", admin);
  ASSERT_TRUE(blob.file);
  EXPECT_EQ(blob.file->size_bytes, 11u);
}

TEST_F(RegistriesTest, RefusesABlobWithAnotherDigest) {
  const auto answer =
      send("POST", "/v2/web/blobs/uploads/?digest=sha256:" + sha256_hex("a"), "b", basic("team", "first"));
  EXPECT_EQ(answer.status, 400);
  EXPECT_NE(answer.body.find("DIGEST_INVALID"), std::string::npos);
}

TEST_F(RegistriesTest, RefusesAManifestWhoseLayersAreMissing) {
  const auto manifest = R"({"config":{"digest":"sha256:)" + sha256_hex("nowhere") + R"("}})";
  EXPECT_NE(send("PUT", "/v2/web/manifests/v1", manifest, basic("team", "first")).body.find("MANIFEST_BLOB_UNKNOWN"),
            std::string::npos);
}

TEST_F(RegistriesTest, ExchangesAnEntraTokenForOneThatMayPullAndNotPush) {
  push("web", "v1");
  const auto refresh = member(send("POST", "/oauth2/exchange",
                                   "grant_type=access_token&service=localhost:5001&access_token=entra-token-of-puller"),
                              "refresh_token");
  const auto access = member(
      send("POST", "/oauth2/token", "grant_type=refresh_token&scope=repository:web:pull,push&refresh_token=" + refresh),
      "access_token");
  EXPECT_EQ(send("GET", "/v2/web/manifests/v1", "", bearer(access)).status, 200);
  const auto push_answer = send("POST", "/v2/web/blobs/uploads/", "", bearer(access));
  EXPECT_EQ(push_answer.status, 401);
  EXPECT_NE(push_answer.headers.get("Www-Authenticate").find("scope=\"repository:web:pull,push\""), std::string::npos);
  EXPECT_EQ(send("GET", "/v2/other/manifests/v1", "", bearer(access)).status, 401);
}

TEST_F(RegistriesTest, AsksForTheRightWhenItIsUsed) {
  push("web", "v1");
  const auto login = registries_->login_of("puller", "team", "localhost:5001");
  const std::string ask = "/oauth2/token?service=localhost:5001&scope=repository:web:pull";
  const auto with_right = member(send("GET", ask, "", basic(login.user, login.password.reveal())), "access_token");
  EXPECT_EQ(send("GET", "/v2/web/manifests/v1", "", bearer(with_right)).status, 200);
  access_.puller_may_pull = false;
  const auto without = member(send("GET", ask, "", basic(login.user, login.password.reveal())), "access_token");
  EXPECT_EQ(send("GET", "/v2/web/manifests/v1", "", bearer(without)).status, 401);
}

TEST_F(RegistriesTest, RefusesWrongPasswordsOldTokensAndTokensOfOthers) {
  EXPECT_EQ(send("GET", "/v2/", "", basic("team", "wrong")).status, 401);
  access_.admin_enabled = false;
  EXPECT_EQ(send("GET", "/v2/", "", basic("team", "first")).status, 401);
  const auto login = registries_->login_of_runs("other", "localhost:5002");
  EXPECT_EQ(send("GET", "/oauth2/token", "", basic(login.user, login.password.reveal())).status, 401);
  const auto own = registries_->login_of_runs("team", "localhost:5001");
  EXPECT_EQ(send("GET", "/oauth2/token", "", basic(own.user, own.password.reveal())).status, 200);
  clock_.sleep_for(std::chrono::hours(4), {});
  EXPECT_EQ(send("GET", "/oauth2/token", "", basic(own.user, own.password.reveal())).status, 401);
}

TEST_F(RegistriesTest, KnowsThatASyntheticImageIsThere) {
  const auto one = registries_->put_synthetic_image("team", "web", "v1", "source one");
  const auto two = registries_->put_synthetic_image("team", "web", "v2", "source two");
  ASSERT_TRUE(one && two);
  EXPECT_NE(*one, *two);
  EXPECT_EQ(registries_->digest("team", "web", "v1"), *one);
  registries_->remove("team");
  EXPECT_EQ(registries_->digest("team", "web", "v1"), std::nullopt);
}

TEST(RegistryNames, FollowTheDistributionSpecification) {
  EXPECT_TRUE(is_repository_name("a/b-c.d_e"));
  for (const auto* name : {"", "A", "a//b", "../x", "-a", "a/.."}) EXPECT_FALSE(is_repository_name(name)) << name;
  EXPECT_TRUE(is_tag("v1.0_x-Y"));
  for (const auto* tag : {"", ".x", "a/b", ".."}) EXPECT_FALSE(is_tag(tag)) << tag;
}

TEST(RegistryTokens, AChangedTokenIsNotOurs) {
  auto text =
      sign_registry_token({.subject = "a", .service = "s", .refresh = true, .expires = 10, .access = {}}, "key");
  EXPECT_TRUE(verify_registry_token(text, "key", 9));
  EXPECT_FALSE(verify_registry_token(text, "key", 10));
  EXPECT_FALSE(verify_registry_token(text, "other key", 9));
  text[text.find('.') + 2] ^= 1;
  EXPECT_FALSE(verify_registry_token(text, "key", 9));
}

}  // namespace
}  // namespace defang::emulator
