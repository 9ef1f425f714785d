#include "rest/arm_client.h"

#include <gtest/gtest.h>

#include "rest/fake_credential.h"
#include "rest/fake_transport.h"

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
  std::unique_ptr<Pipeline> pipeline =
      make_pipeline({.transport = transport, .clock = clock, .random = *random, .tokens = &tokens});
  std::unique_ptr<ArmClient> arm = make_arm_client(*find_cloud("AzureCloud"), *pipeline, clock);
};

const azure::ResourceId kApp = azure::ResourceId::resource("s", "g", "Microsoft.App/containerApps", "web");
const std::string kBase =
    "https://management.azure.com/subscriptions/s/resourceGroups/g/providers/Microsoft.App/containerApps/web";
const std::string kUrl = kBase + "?api-version=1";
const std::string kPoll = "https://management.azure.com/subscriptions/s/operations/1?c=%2b(x)";

TEST(ArmClient, PutsFollowsTheOperationAndReadsTheResource) {
  Fixture f;
  f.transport.then(201, {{"Azure-AsyncOperation", kPoll}}, R"({"properties":{"provisioningState":"InProgress"}})")
      .then(200, {}, R"({"status":"InProgress"})")
      .then(200, {}, R"({"status":"Succeeded"})")
      .then(200, {}, R"({"name":"web","properties":{"fqdn":"web.test"}})");
  const auto app = f.arm->put(kApp, "1", Json{{"location", "westus3"}}, {}, {});
  ASSERT_TRUE(app) << app.error().message;
  EXPECT_EQ((*app)["properties"]["fqdn"], "web.test");
  EXPECT_EQ(f.transport.lines(),
            (std::vector<std::string>{"PUT " + kUrl, "GET " + kPoll, "GET " + kPoll, "GET " + kUrl}));
  EXPECT_EQ(f.transport.requests()[0].body, R"({"location":"westus3"})");
  EXPECT_EQ(f.transport.requests()[1].headers.get("Authorization"), "Bearer for https://management.azure.com");
}

TEST(ArmClient, TakesTheBodyOfASynchronousPut) {
  Fixture f;
  f.transport.then(201, {}, R"({"name":"x","properties":{"principalId":"p"}})");
  EXPECT_EQ((*f.arm->put(kApp, "1", Json::object(), {}, {}))["properties"]["principalId"], "p");
}

TEST(ArmClient, AsksAgainWhereTheResourceDoesNotShowYet) {
  Fixture f;
  f.transport.then(202, {{"Location", kPoll}})
      .then(200, {}, "")
      .then(404, {}, R"({"error":{"code":"ResourceNotFound","message":"m"}})")
      .then(200, {}, R"({"name":"web"})");
  EXPECT_EQ((*f.arm->put(kApp, "1", Json::object(), {}, {}))["name"], "web");
}

TEST(ArmClient, WaitsForAResourceThatShowsLongAfterItsOperationSucceeded) {
  Fixture f;
  f.transport.then(202, {{"Azure-AsyncOperation", kPoll}}).then(200, {}, R"({"status":"Succeeded"})");
  for (int i = 0; i < 60; ++i) f.transport.then(404, {}, R"({"error":{"code":"ResourceNotFound","message":"m"}})");
  f.transport.then(200, {}, R"({"name":"web"})");
  EXPECT_EQ((*f.arm->put(kApp, "1", Json::object(), {}, {}))["name"], "web");
  EXPECT_GT(f.clock.elapsed(), 9min);
}

TEST(ArmClient, SaysSoWhereTheResourceNeverShows) {
  Fixture f;
  f.transport.then(202, {{"Azure-AsyncOperation", kPoll}}).then(200, {}, R"({"status":"Succeeded"})");
  for (int i = 0; i < 200; ++i) f.transport.then(404, {}, R"({"error":{"code":"ResourceNotFound","message":"m"}})");
  const auto app = f.arm->put(kApp, "1", Json::object(), {}, {});
  ASSERT_FALSE(app);
  EXPECT_EQ(app.error().code, "resource-not-visible");
  EXPECT_LT(f.clock.elapsed(), 16min);
}

TEST(ArmClient, AsksAtALinkWithABareSpace) {
  Fixture f;
  f.transport.then(202, {{"Azure-AsyncOperation", "https://management.azure.com/locations/a b/o/1?c=%2b(x)"}})
      .then(200, {}, R"({"status":"Succeeded"})");
  EXPECT_TRUE(f.arm->remove(kApp, "1", {}, {}));
  EXPECT_EQ(f.transport.requests()[1].url, "https://management.azure.com/locations/a%20b/o/1?c=%2b(x)");
}

TEST(ArmClient, ShowsARefusalWithAzuresCodeAndWhatWasDone) {
  Fixture f;
  f.transport.then(403, {{"x-ms-request-id", "r"}},
                   R"({"error":{"code":"AuthorizationFailed","message":"The client has no right."}})");
  const auto app = f.arm->put(kApp, "1", Json::object(), {}, {});
  ASSERT_FALSE(app);
  EXPECT_EQ(app.error().code, "AuthorizationFailed");
  EXPECT_EQ(app.error().message, "The client has no right.");
  EXPECT_EQ(app.error().request_id, "r");
  EXPECT_EQ(app.error().context, (std::vector<std::string>{"PUT of Microsoft.App/containerApps `web`"}));
}

TEST(ArmClient, TellsAbsentFromRefused) {
  Fixture f;
  f.transport.then(404, {}, R"({"error":{"code":"ResourceGroupNotFound","message":"m"}})");
  const auto nothing = f.arm->get(kApp, "1", {});
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  f.transport.then(404, {}, R"({"error":{"code":"InvalidResourceType","message":"m"}})");
  EXPECT_FALSE(f.arm->get(kApp, "1", {}));
}

TEST(ArmClient, IsContentWhenWhatIsRemovedIsGoneAlready) {
  Fixture f;
  f.transport.then(404, {}, R"({"error":{"code":"ParentResourceNotFound","message":"m"}})").then(204);
  EXPECT_TRUE(f.arm->remove(kApp, "1", {}, {}));
  EXPECT_TRUE(f.arm->remove(kApp, "1", {}, {}));
}

TEST(ArmClient, RemovesAndWaitsUntilTheLocationSaysItIsOver) {
  Fixture f;
  f.transport.then(202, {{"Location", kPoll}, {"Retry-After", "15"}}).then(202, {{"Location", kPoll}}).then(204);
  EXPECT_TRUE(f.arm->remove(kApp, "1", {}, {}));
  EXPECT_EQ(f.transport.requests().size(), 3u);
}

TEST(ArmClient, CallsFunctions) {
  Fixture f;
  f.transport.then(200, {}, R"({"keys":[]})");
  EXPECT_TRUE(f.arm->post(kApp, "listKeys", "1", nullptr, {}, {})->contains("keys"));
  EXPECT_EQ(f.transport.lines()[0], "POST " + kBase + "/listKeys?api-version=1");
  f.transport.then(200, {}, "");
  EXPECT_TRUE(f.arm->post(kApp, "start", "1", nullptr, {}, {})->is_null());
}

TEST(ArmClient, ReadsAllPagesTheEmptyOnesToo) {
  Fixture f;
  f.transport.then(200, {}, R"({"value":[1],"nextLink":"https://management.azure.com/p2"})")
      .then(200, {}, R"({"value":[],"nextLink":"https://management.azure.com/p3"})")
      .then(200, {}, R"({"value":[2],"nextLink":null})");
  const auto all = f.arm->list("/subscriptions/s/resources?$filter=x", "1", {});
  ASSERT_TRUE(all);
  EXPECT_EQ(all->size(), 2u);
  EXPECT_EQ(f.transport.lines()[0],
            "GET https://management.azure.com/subscriptions/s/resources?$filter=x&api-version=1");
}

TEST(ArmClient, KeepsItsTokenFromStrangers) {
  Fixture f;
  f.transport.then(202, {{"Location", "https://elsewhere.test/poll"}}).then(204);
  EXPECT_TRUE(f.arm->remove(kApp, "1", {}, {}));
  EXPECT_FALSE(f.transport.last().headers.has("Authorization"));
}

TEST(ArmClient, AdoptsAnOperationThatSomebodyStarted) {
  Fixture f;
  f.transport.then(200, {}, R"({"id":"/x","properties":{"provisioningState":"Creating"}})")
      .then(200, {}, R"({"id":"/x","properties":{"provisioningState":"Succeeded"}})");
  EXPECT_EQ((*f.arm->adopt(kApp, "1", {}, {}))["id"], "/x");
  EXPECT_EQ(f.transport.lines(), (std::vector<std::string>{"GET " + kUrl, "GET " + kUrl}));
}

}  // namespace
}  // namespace defang::rest
