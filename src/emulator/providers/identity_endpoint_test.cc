#include <gtest/gtest.h>

#include "emulator/providers/apps_testing.h"

namespace defang::emulator {
namespace {

class IdentityEndpoint : public testing::Test {
 protected:
  std::string identity_id(const std::string& name) {
    return bench.group("g") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/" + name;
  }
  Json identity(const std::string& name) {
    return bench.put(identity_id(name), {{"location", "westus3"}}).json["properties"];
  }
  /// An app with these identities, and what its container finds in its environment.
  std::map<std::string, Secret> environment_of_app(const std::vector<std::string>& names,
                                                   const Json& settings = Json::array()) {
    bench.make_environment();
    Json body = bench.app_body();
    body["properties"]["configuration"]["identitySettings"] = settings;
    for (const auto& name : names) body["identity"]["userAssignedIdentities"][identity_id(name)] = Json::object();
    if (!names.empty()) body["identity"]["type"] = "UserAssigned";
    bench.put(bench.app_id(), body);
    bench.wait_seconds(40);
    EXPECT_EQ(bench.runtime->replicas.size(), 1u);
    return bench.runtime->replicas.begin()->second.containers.front().environment;
  }
  Bench::Got ask(const std::map<std::string, Secret>& environment, const std::string& more = "") {
    return bench.send("GET",
                      environment.at("IDENTITY_ENDPOINT").reveal() +
                          "?api-version=2019-08-01&resource=https%3A%2F%2Fmanagement.azure.com" + more,
                      Json(), {{"X-IDENTITY-HEADER", environment.at("IDENTITY_HEADER").reveal()}}, Bench::nobody);
  }
  AppsBench bench;
};

TEST_F(IdentityEndpoint, GivesTokensOfTheIdentityThatTheAppOffers) {
  const auto who = identity("who");
  const auto got = ask(environment_of_app({"who"}));
  ASSERT_EQ(got.status, 200) << got.body;
  EXPECT_EQ(got.json["resource"], "https://management.azure.com");
  EXPECT_TRUE(got.json["expires_on"].is_string());  // an epoch as text (ARM-8)
  const auto caller = bench.core.check_token(text_at(got.json, "access_token"));
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->object_id, text_at(who, "principalId"));
  EXPECT_EQ(caller->audience, "https://management.azure.com");
}

TEST_F(IdentityEndpoint, WantsToKnowWhichOfSeveral) {
  identity("one");
  const auto two = identity("two");
  const auto environment = environment_of_app({"one", "two"});
  EXPECT_EQ(ask(environment).status, 400);
  const auto got = ask(environment, "&client_id=" + text_at(two, "clientId"));
  EXPECT_EQ(got.json["client_id"], two["clientId"]);
  EXPECT_EQ(ask(environment, "&client_id=00000000-0000-0000-0000-000000000000").status, 400);
}

TEST_F(IdentityEndpoint, RefusesWhoDoesNotKnowItsHeader) {
  identity("who");
  auto environment = environment_of_app({"who"});
  environment["IDENTITY_HEADER"] = Secret(bench.core.issue_token(bench.app_id(), "https://management.azure.com"));
  EXPECT_EQ(ask(environment).status, 401);
  environment["IDENTITY_HEADER"] = Secret("guess");
  EXPECT_EQ(ask(environment).status, 401);
}

TEST_F(IdentityEndpoint, IsNotThereForWhatHasNoIdentity) {
  EXPECT_FALSE(environment_of_app({}).contains("IDENTITY_ENDPOINT"));
}

TEST_F(IdentityEndpoint, IsNotThereForWhatKeepsItsIdentityBack) {
  identity("who");
  const auto kept =
      environment_of_app({"who"}, Json::array({{{"identity", identity_id("who")}, {"lifecycle", "None"}}}));
  EXPECT_FALSE(kept.contains("IDENTITY_ENDPOINT"));
}

}  // namespace
}  // namespace defang::emulator
