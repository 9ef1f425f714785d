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
