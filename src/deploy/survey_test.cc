#include "deploy/survey.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "deploy/fake_arm.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
constexpr auto kAssign = "Microsoft.Authorization/roleAssignments/write";

// The three built-in roles as the permissions API answers for them.
const Json kOwner = {{"actions", {"*"}}, {"notActions", Json::array()}};
const Json kContributor = {{"actions", {"*"}},
                           {"notActions", {"Microsoft.Authorization/*/Delete", "Microsoft.Authorization/*/Write"}}};
const Json kReader = {{"actions", {"*/read"}}, {"notActions", Json::array()}};

TEST(Permissions, AnOwnerAssignsRolesAContributorDoesNot) {
  EXPECT_TRUE(allows({kOwner}, kAssign));
  EXPECT_FALSE(allows({kContributor}, kAssign));
  EXPECT_FALSE(allows({kReader}, kAssign));
}

TEST(Permissions, OneRoleThatAllowsIsEnough) {
  EXPECT_TRUE(allows(
      {kContributor, {{"actions", {"Microsoft.Authorization/roleAssignments/*"}}, {"notActions", Json::array()}}},
      kAssign));
  EXPECT_TRUE(allows({kReader, kContributor}, "Microsoft.App/containerApps/write"));
}

TEST(Permissions, NoRoleAllowsNothing) { EXPECT_FALSE(allows({}, kAssign)); }

TEST(OfferedModels, AreThoseWithQuotaThatNewDeploymentsMayHave) {
  const auto model = [](const char* name, const char* state, Json skus) {
    return Json{{"kind", "OpenAI"},
                {"model",
                 {{"format", "OpenAI"},
                  {"name", name},
                  {"version", "1"},
                  {"isDefaultVersion", true},
                  {"lifecycleStatus", state},
                  {"capabilities", {{"chatCompletion", "true"}}},
                  {"skus", std::move(skus)}}}};
  };
  const auto sku = [](const char* name, const char* usage) { return Json{{"name", name}, {"usageName", usage}}; };
  const auto usage = [](const char* name, double now, double limit) {
    return Json{{"name", {{"value", name}}}, {"currentValue", now}, {"limit", limit}};
  };
  const auto offered =
      offered_models({model("a", "GenerallyAvailable", {sku("Standard", "S.a"), sku("GlobalStandard", "G.a")}),
                      model("a", "GenerallyAvailable", {sku("GlobalStandard", "G.a")}),
                      model("b", "Deprecating", {sku("Standard", "S.b")}),
                      model("c", "GenerallyAvailable", {sku("ProvisionedManaged", "P.c")})},
                     {usage("G.a", 30, 100), usage("S.a", 0, 10)});
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered.front().name, "a");
  EXPECT_EQ(offered.front().sku, "GlobalStandard");
  EXPECT_EQ(offered.front().free, 70);
}

TEST(Namespaces, AreThoseOfTheGraphThatNeedRegistration) {
  graph::ResourceGraph graph;
  const auto add = [&](std::string id, std::string type) {
    graph::Resource resource;
    resource.id = std::move(id);
    resource.type = std::move(type);
    graph.add(std::move(resource));
  };
  add("group", "Microsoft.Resources/resourceGroups");
  add("role", "Microsoft.Authorization/roleAssignments");
  add("app/web", "Microsoft.App/containerApps");
  add("environment", "Microsoft.App/managedEnvironments");
  EXPECT_EQ(namespaces_of(graph), (std::set<std::string>{"Microsoft.App"}));
}

class OwnRegistries : public ::testing::Test {
 protected:
  OwnRegistries() : arm_(clock_) {
    // As GET of the subscription's list has it.
    listed() = {{"id", kShared}, {"properties", {{"loginServer", "shared.azurecr.io"}}}};
  }
  Json& listed() { return arm_.resources["/subscriptions/s/providers/microsoft.containerregistry/registries/shared"]; }
  void permit(const Json& permission) {
    arm_.resources[to_lower(kShared) + "/providers/microsoft.authorization/permissions/1"] = permission;
  }
  plan::Facts ask(const std::set<std::string>& servers) {
    plan::Facts facts;
    EXPECT_TRUE(survey_registries(arm_, "shop", kStack, servers, facts, {}));
    return facts;
  }
  using Pull = plan::SharedRegistry::Pull;
  Pull pull() { return ask({"shared.azurecr.io"}).registries.at("shared.azurecr.io")->pull; }

  const std::string kShared =
      "/subscriptions/s/resourceGroups/team/providers/Microsoft.ContainerRegistry/registries/shared";
  const plan::Stack kStack{.name = "test", .subscription_id = "s"};
  FakeClock clock_;
  FakeArm arm_;
};

TEST_F(OwnRegistries, AreNotAskedForWhereNoImageIsOfOne) {
  EXPECT_TRUE(ask({}).registries.empty());
  EXPECT_TRUE(arm_.requests.empty());
}

TEST_F(OwnRegistries, AreKnownByTheirServer) {
  permit(kOwner);
  const auto facts = ask({"shared.azurecr.io", "other.azurecr.io"});
  EXPECT_EQ(facts.registries.at("shared.azurecr.io")->id, kShared);
  EXPECT_FALSE(facts.registries.at("shared.azurecr.io")->by_repository);
  EXPECT_FALSE(facts.registries.at("other.azurecr.io"));
  EXPECT_EQ(arm_.requests, (std::vector<std::string>{"LIST registries", "LIST permissions"}));
}

TEST_F(OwnRegistries, ThatEverybodyMayPullFromNeedNothing) {
  listed()["properties"]["anonymousPullEnabled"] = true;
  EXPECT_TRUE(ask({"shared.azurecr.io"}).registries.empty());
}

TEST_F(OwnRegistries, MayHaveRightsByRepository) {
  listed()["properties"]["roleAssignmentMode"] = "AbacRepositoryPermissions";
  EXPECT_TRUE(ask({"shared.azurecr.io"}).registries.at("shared.azurecr.io")->by_repository);
}

TEST_F(OwnRegistries, TellWhetherTheStackMayBeLetIn) {
  permit(kOwner);
  EXPECT_EQ(pull(), Pull::can_be_granted);
  permit(kContributor);
  EXPECT_EQ(pull(), Pull::refused);
}

TEST_F(OwnRegistries, TellWhetherSomebodyHasLetTheStackIn) {
  permit(kContributor);
  arm_.resources[to_lower(plan::pull_identity_id("shop", kStack).text())] = {{"properties", {{"principalId", "p"}}}};
  auto& role = arm_.resources[to_lower(kShared) + "/providers/microsoft.authorization/roleassignments/r"];
  role = {{"properties",
           {{"principalId", "p"},
            {"scope", kShared},
            {"roleDefinitionId", azure::role_definition_id("s", azure::Role::acr_pull)}}}};
  EXPECT_EQ(pull(), Pull::granted);
  for (const char* above : {"/subscriptions/s", "/subscriptions/S/resourceGroups/Team", "/"}) {
    role["properties"]["scope"] = above;
    EXPECT_EQ(pull(), Pull::granted) << above;
  }
  for (const char* elsewhere : {"/subscriptions/s/resourceGroups/tea", ""}) {
    role["properties"]["scope"] = elsewhere;
    EXPECT_EQ(pull(), Pull::refused) << elsewhere;
  }
  role["properties"]["scope"] = kShared;
  role["properties"]["principalId"] = "q";
  EXPECT_EQ(pull(), Pull::refused);
  EXPECT_EQ(ask({"shared.azurecr.io"}).pull_principal_id, "p");
}

}  // namespace
}  // namespace defang::deploy
