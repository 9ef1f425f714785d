#include "deploy/pin_images.h"

#include <gtest/gtest.h>

#include "deploy/fake_access.h"

namespace defang::deploy {
namespace {

using namespace std::chrono_literals;

const std::string kOld = "sha256:" + std::string(64, 'a');
const std::string kNew = "sha256:" + std::string(64, 'b');

struct Pinning {
  FakeAccess world;
  Diagnostics diagnostics;
  std::map<std::string, plan::RegistryUser> users;
  std::chrono::system_clock::time_point begin = world.clock.now();

  PinnedImages pin(std::vector<plan::PulledImage> images, const PinnedImages& known = {}) {
    const auto vault = azure::ResourceId::resource("sub", "rg", "Microsoft.KeyVault/vaults", "v");
    return pin_images(images, known, users, vault, world.access, diagnostics, {}).value();
  }
  void answers(int status, const std::string& digest = "") {
    world.unsigned_pipeline.answer = [=](const rest::HttpRequest&) -> Result<rest::HttpResponse> {
      return rest::HttpResponse{status, {{"Docker-Content-Digest", digest}}, ""};
    };
  }
  std::int64_t ms_ago(std::chrono::milliseconds age) const {
    return std::chrono::duration_cast<std::chrono::milliseconds>(begin.time_since_epoch() - age).count();
  }
  std::vector<std::string> codes() const {
    std::vector<std::string> codes;
    for (const auto& one : diagnostics.all()) codes.push_back(one.code);
    return codes;
  }
};

plan::PulledImage image(const std::string& name, std::optional<std::chrono::milliseconds> refresh_after = {}) {
  return {name, plan::parse_image_name(name).value(), {"web"}, {}, refresh_after};
}

TEST(PinImages, LooksUpWhatIsNotKnown) {
  Pinning p;
  p.answers(200, kNew);
  const auto pinned = p.pin({image("nginx:1"), image("ghcr.io/a/b")});
  EXPECT_EQ(digests_of(pinned), (std::map<std::string, std::string>{{"nginx:1", kNew}, {"ghcr.io/a/b", kNew}}));
  EXPECT_EQ(pinned.at("nginx:1").asked_at_ms, p.ms_ago(0ms));
  EXPECT_EQ(p.world.unsigned_pipeline.requests.size(), 2U);
  EXPECT_TRUE(p.codes().empty());
}

TEST(PinImages, AsksNobodyAboutWhatIsKnownUntilItIsTooOld) {
  Pinning p;
  const PinnedImages known = {{"a", {kOld, p.ms_ago(2h)}}, {"b", {kOld, p.ms_ago(2h)}}, {"c", {kOld, p.ms_ago(2h)}}};
  p.answers(200, kNew);
  const auto pinned = p.pin({image("a"), image("b", 3h), image("c", 1h)}, known);
  EXPECT_EQ(digests_of(pinned), (std::map<std::string, std::string>{{"a", kOld}, {"b", kOld}, {"c", kNew}}));
  EXPECT_EQ(p.world.unsigned_pipeline.requests.size(), 1U);
  p.pin({image("c", 0ms)}, pinned);
  EXPECT_EQ(p.world.unsigned_pipeline.requests.size(), 2U);
}

TEST(PinImages, RefusesWhatNoReplicaCouldStartFrom) {
  Pinning p;
  p.answers(404);
  EXPECT_TRUE(p.pin({image("nginx:99")}).empty());
  p.answers(401);
  p.pin({image("me/private")});
  EXPECT_EQ(p.codes(), (std::vector<std::string>{"images.missing", "images.closed"}));
  EXPECT_TRUE(p.diagnostics.has_errors());
  EXPECT_EQ(p.diagnostics.all()[0].message, "service `web`: `docker.io` has no image `nginx:99`");
  EXPECT_EQ(p.diagnostics.all()[1].help, "look at its name; for a private one, `defang registry login docker.io`");
}

TEST(PinImages, LeavesAsItIsWhatCannotBeAskedAbout) {
  Pinning p;
  p.world.unsigned_pipeline.answer = [](const rest::HttpRequest&) -> Result<rest::HttpResponse> {
    return fail(Error::Kind::unreachable, "connect-failed", "nobody answers");
  };
  const auto pinned = p.pin({image("new:1"), image("known:1", 0ms)}, {{"known:1", {kOld, p.ms_ago(1h)}}});
  EXPECT_EQ(digests_of(pinned), (std::map<std::string, std::string>{{"new:1", ""}, {"known:1", kOld}}));
  EXPECT_FALSE(p.diagnostics.has_errors());
  EXPECT_EQ(p.diagnostics.all()[0].message,
            "image `new:1` is whatever its tag means when a replica starts: nobody answers");
  EXPECT_EQ(p.diagnostics.all()[1].message, "image `known:1` stays as it was: nobody answers");
  // The next run does not ask, nor write: a service is not restarted because a registry answers again.
  p.answers(200, kNew);
  EXPECT_EQ(digests_of(p.pin({image("new:1")}, pinned)), (std::map<std::string, std::string>{{"new:1", ""}}));
  // Unless it is to be looked up anew from time to time: an answer that was none does not count.
  p.answers(503);
  const auto weekly = p.pin({image("weekly:1", 168h)});
  p.answers(200, kNew);
  EXPECT_EQ(p.pin({image("weekly:1", 168h)}, weekly).at("weekly:1").digest, kNew);
  // A tag that was taken away takes nothing from who runs.
  p.answers(404);
  EXPECT_EQ(p.pin({image("known:1", 0ms)}, {{"known:1", {kOld, p.ms_ago(1h)}}}).at("known:1").digest, kOld);
  EXPECT_FALSE(p.diagnostics.has_errors());
}

TEST(PinImages, ThatAzureMaySeeAndWeMayNotAreNoMistake) {
  Pinning p;
  p.users["ghcr.io"] = {"me"};  // the vault does not show us the password
  p.world.cloud.registry_suffix = "azurecr.io";
  p.answers(401);
  p.pin({image("ghcr.io/me/web:1"), image("team.azurecr.io/web:1")});
  EXPECT_EQ(p.codes(), (std::vector<std::string>{"images.not-pinned", "images.not-pinned"}));
  EXPECT_FALSE(p.diagnostics.has_errors());
}

TEST(PinImages, AreReadAsTheyWereWritten) {
  const PinnedImages images = {{"a:1", {kOld, 17}}, {"b", {"", 18}}};
  EXPECT_EQ(images_of(images_json(images)), images);
}

TEST(ImagesToPin, AreThoseOfTheServicesThatAreDeployed) {
  compose::Project project;
  for (const auto* name : {"web", "other"}) {
    compose::Service service;
    service.name = name;
    service.image = {std::string(name) + ":1", {}};
    project.services[name] = service;
  }
  const auto all = images_to_pin(project, {}, {}, Pull::always);
  ASSERT_EQ(all.size(), 2U);
  EXPECT_EQ(all[0].refresh_after, 0ms);
  const auto one = images_to_pin(project, {}, {"web"}, Pull::as_services_say);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one[0].name, "web:1");
  EXPECT_FALSE(one[0].refresh_after);
}

}  // namespace
}  // namespace defang::deploy
