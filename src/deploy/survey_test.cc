#include "deploy/survey.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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

}  // namespace
}  // namespace defang::deploy
