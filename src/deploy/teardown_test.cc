#include "deploy/teardown.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "deploy/fake_arm.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

class Down : public ::testing::Test {
 protected:
  Down() : arm_(clock_) {
    options_.scope = {"shop", "test", "sub", "rg", "westus3"};
    options_.keep_vault = false;
    arm_.resources["/subscriptions/sub/resourcegroups/rg"] = {{"tags", ours()}};
    add("Microsoft.App/managedEnvironments", "env", ours());
    add("Microsoft.App/containerApps", "web", ours());
    add("Microsoft.Network/virtualNetworks", "net", ours());
    add("Microsoft.KeyVault/vaults", "vault", ours());
  }

  static Json ours() { return {{"defang-project", "shop"}, {"defang-stack", "test"}}; }
  void add(const std::string& type, const std::string& name, Json tags, const std::string& parent = "") {
    const auto last = parent.empty() ? type.size() : type.rfind('/');
    const auto path = type.substr(0, last) + (parent.empty() ? "" : "/" + parent + type.substr(last)) + "/" + name;
    const std::string id = "/subscriptions/sub/resourceGroups/rg/providers/" + path;
    const Json body = {{"id", id}, {"type", type}, {"name", name}, {"tags", std::move(tags)}};
    arm_.resources[to_lower(id)] = body;
    // What GET {group}/resources lists.
    arm_.resources["/subscriptions/sub/resourcegroups/rg/resources/" + name] = body;
  }
  std::string go() {
    arm_.requests.clear();
    tear_down(arm_, clock_, [](const Event&) {}, options_, {});
    std::string out;
    for (const auto& request : arm_.requests)
      if (request.starts_with("DELETE")) out += request + "\n";
    return out;
  }

  FakeClock clock_;
  FakeArm arm_;
  TeardownOptions options_;
};

TEST_F(Down, TakesTheWholeGroupWhereAllIsOurs) { EXPECT_EQ(go(), "DELETE rg\n"); }

TEST_F(Down, KeepsTheVaultAndRemovesTheRestInOrder) {
  options_.keep_vault = true;
  EXPECT_EQ(go(), "DELETE web\nDELETE env\nDELETE net\n");
}

TEST_F(Down, NamesTheStoresThatAPlanDoesNotUse) {
  const auto of = [](const std::string& service) {
    auto tags = ours();
    tags["defang-retention"] = "data";
    tags["defang-service"] = service;
    return tags;
  };
  add("Microsoft.DBforPostgreSQL/flexibleServers", "used", of("db"));
  add("Microsoft.DBforPostgreSQL/flexibleServers", "kept", of("old"));
  add("Microsoft.Storage/storageAccounts", "state", ours());
  graph::ResourceGraph graph;
  graph.add({.id = "postgres/db", .type = "Microsoft.DBforPostgreSQL/flexibleServers", .name = "used"});
  const auto kept = kept_stores(arm_, graph, options_.scope, {});
  ASSERT_TRUE(kept && kept->size() == 1);
  EXPECT_EQ(kept->front().name + " of " + kept->front().service, "kept of old");
}

TEST_F(Down, DeletesDataOnlyWhenToldTo) {
  auto data = ours();
  data["defang-retention"] = "data";
  add("Microsoft.Storage/storageAccounts", "state", ours());
  add("Microsoft.Storage/storageAccounts", "volumes", data);
  EXPECT_EQ(go().find("DELETE volumes"), std::string::npos);
  EXPECT_NE(go().find("DELETE state"), std::string::npos);
  EXPECT_NE(go().find("DELETE net"), std::string::npos);
  options_.keep_data = false;
  EXPECT_EQ(go(), "DELETE rg\n");
}

TEST_F(Down, KeepsTheNetworkOfADatabaseThatStays) {
  auto data = ours();
  data["defang-retention"] = "data";
  add("Microsoft.DBforPostgreSQL/flexibleServers", "db", data);
  EXPECT_EQ(go().find("DELETE db"), std::string::npos);
  EXPECT_EQ(go().find("DELETE net"), std::string::npos);
}

TEST_F(Down, TakesAPrivateZoneAfterItsLinks) {
  options_.keep_vault = true;
  add("Microsoft.Network/privateDnsZones", "zone", ours());
  add("Microsoft.Network/privateDnsZones/virtualNetworkLinks", "link", ours(), "zone");
  arm_.resources.erase("/subscriptions/sub/resourcegroups/rg/resources/link");  // the list of a group need not hold it
  const auto order = go();
  ASSERT_NE(order.find("DELETE link"), std::string::npos) << order;
  EXPECT_LT(order.find("DELETE link"), order.find("DELETE zone")) << order;
}

TEST_F(Down, LeavesAloneWhatIsNotOurs) {
  add("Microsoft.App/containerApps", "other", Json{{"owner", "me"}});
  EXPECT_EQ(go().find("other"), std::string::npos);
  EXPECT_EQ(go().find("DELETE rg"), std::string::npos);
}

TEST_F(Down, NothingThereIsFine) {
  arm_.resources.clear();
  EXPECT_EQ(go(), "");
}

TEST_F(Down, WhatCannotBeRemovedKeepsWhatItUses) {
  options_.keep_vault = true;
  arm_.refusals["DELETE web"] = {{.code = "ScopeLocked", .message = "locked"}};
  EXPECT_EQ(go(), "DELETE web\n");
}

class DownWithRoles : public Down {
 protected:
  DownWithRoles() {
    add("Microsoft.ManagedIdentity/userAssignedIdentities", "pull", ours());
    const auto identity =
        azure::ResourceId::resource("sub", "rg", "Microsoft.ManagedIdentity/userAssignedIdentities", "pull");
    arm_.at(identity)["properties"]["principalId"] = "p";
    options_.pulls_with = identity;
    role("team/providers/Microsoft.ContainerRegistry/registries/shared", "theirs", "p");
    role("team/providers/Microsoft.ContainerRegistry/registries/shared", "of-others", "q");
    role("rg/providers/Microsoft.ContainerRegistry/registries/own", "ours", "p");
  }
  void role(const std::string& scope, const std::string& name, const std::string& principal) {
    // As GET of the subscription's list has them.
    arm_.resources["/subscriptions/sub/providers/microsoft.authorization/roleassignments/" + name] = {
        {"id",
         "/subscriptions/sub/resourceGroups/" + scope + "/providers/Microsoft.Authorization/roleAssignments/" + name},
        {"name", name},
        {"properties", {{"principalId", principal}}}};
  }
};

TEST_F(DownWithRoles, TakesThoseOutsideOfTheGroupBeforeTheirHolder) { EXPECT_EQ(go(), "DELETE theirs\nDELETE rg\n"); }

TEST_F(DownWithRoles, GoesOnWhereOneCannotBeTaken) {
  arm_.refusals["DELETE theirs"] = {{.code = "AuthorizationFailed", .message = "no"}};
  std::string said;
  const auto note = [&](const Event& event) {
    if (const auto* notice = std::get_if<Notice>(&event.what)) said += notice->message + "\n";
  };
  const auto result = tear_down(arm_, clock_, note, options_, {});
  EXPECT_EQ(result.finished.how, RunFinished::How::done);
  EXPECT_EQ(said,
            "the stack does not need a role on a registry any more, and it could not be taken back "
            "(AuthorizationFailed): somebody who may assign roles there can run `az role assignment delete --ids "
            "/subscriptions/sub/resourceGroups/team/providers/Microsoft.ContainerRegistry/registries/shared/providers/"
            "Microsoft.Authorization/roleAssignments/theirs`\n");
}

TEST_F(DownWithRoles, LeavesTheRestToAJobThatMayNotTakeThem) {
  const auto taken = take_roles_back(arm_, clock_, [](const Event&) {}, options_, {});
  EXPECT_EQ(taken.removed, 1u);
  EXPECT_EQ(std::ranges::count_if(arm_.requests, [](const auto& one) { return one.starts_with("DELETE"); }), 1);
}

class LeftOvers : public Down {
 protected:
  LeftOvers() {
    add("Microsoft.DBforPostgreSQL/flexibleServers", "shop-db", of_service("db", "data"));
    add("Microsoft.Network/privateEndpoints", "shop-door", of_service("db", ""));
    add("Microsoft.App/containerApps", "web", of_service("web", ""));
  }
  static Json of_service(const std::string& service, const std::string& retention) {
    auto tags = ours();
    tags["defang-service"] = service;
    if (!retention.empty()) tags["defang-retention"] = retention;
    return tags;
  }
  /// What was deleted, and what was said.
  std::string after_up(std::set<std::string> delete_data) {
    std::string out;
    const auto note = [&](const Event& event) {
      if (const auto* notice = std::get_if<Notice>(&event.what)) out += notice->message + "\n";
    };
    remove_left_over(arm_, clock_, note, graph::ResourceGraph(), options_.scope,
                     {.new_services = {}, .delete_data = std::move(delete_data)}, {});
    for (const auto& request : arm_.requests)
      if (request.starts_with("DELETE")) out += request + "\n";
    return out;
  }
};

TEST_F(LeftOvers, AStoreStaysAndIsNamedWithTheFlagThatDeletesIt) {
  EXPECT_EQ(
      after_up({}),
      "not in the project any more, so removed: `web`\n"
      "`shop-db` (Microsoft.DBforPostgreSQL/flexibleServers) holds data of service `db` that the project does not "
      "use any more: it stays, and costs what it did, until it is used again; `defang compose up --delete-data "
      "db` deletes it with all its data\n"
      "DELETE web\n");
}

TEST_F(LeftOvers, AStoreGoesWithItsDoorWhereTheUserSaysSo) {
  const auto said = after_up({"db"});
  EXPECT_EQ(said.find("holds data"), std::string::npos) << said;
  EXPECT_NE(said.find("DELETE shop-db"), std::string::npos) << said;
  EXPECT_NE(said.find("DELETE shop-door"), std::string::npos) << said;
  EXPECT_EQ(said.find("DELETE vault"), std::string::npos) << said;
  EXPECT_EQ(said.find("DELETE net"), std::string::npos) << said;
}

TEST_F(Down, InTheJobLeavesWhatItRunsInUnlessTheWholeGroupGoes) {
  auto data = ours();
  data["defang-retention"] = "data";
  add("Microsoft.App/jobs", "run", ours());
  add("Microsoft.App/jobs", "nightly", ours());
  add("Microsoft.ManagedIdentity/userAssignedIdentities", "runner", ours());
  add("Microsoft.ManagedIdentity/userAssignedIdentities", "secrets", ours());
  add("Microsoft.Storage/storageAccounts", "state", ours());
  options_.carried_out_by = RunJobNames{"run", "runner"};
  EXPECT_TRUE(takes_whole_group(arm_, options_, {}).value());
  options_.keep_vault = true;
  EXPECT_FALSE(takes_whole_group(arm_, options_, {}).value());
  std::string deleted = go();
  for (const char* gone : {"web", "nightly", "secrets"}) {
    const auto line = fmt::format("DELETE {}\n", gone);
    const auto at = deleted.find(line);
    ASSERT_NE(at, std::string::npos) << line;
    deleted.erase(at, line.size());
  }
  EXPECT_EQ(deleted, "");
}

TEST_F(Down, InTheJobEndsByOrderingTheDeletionOfAWholeGroup) {
  add("Microsoft.App/jobs", "run", ours());
  options_.carried_out_by = RunJobNames{"run", "runner"};
  EXPECT_EQ(go(), "DELETE rg unawaited\n");
}

TEST_F(Down, OfTheJobOfRunsTakesItsIdentityAndThatOnesRolesOnly) {
  const auto role = [&](const std::string& name, const std::string& principal) {
    const std::string id =
        "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Authorization/roleAssignments/" + name;
    arm_.resources[to_lower(id)] = {{"id", id}, {"name", name}, {"properties", {{"principalId", principal}}}};
  };
  add("Microsoft.App/jobs", "run", ours());
  add("Microsoft.ManagedIdentity/userAssignedIdentities", "runner", ours());
  arm_.at(
      *azure::ResourceId::parse("/subscriptions/sub/resourceGroups/rg/providers/Microsoft.ManagedIdentity/"
                                "userAssignedIdentities/runner"))["properties"]["principalId"] = "p";
  role("its", "p");
  role("another", "q");
  const auto remove = [&] {
    arm_.requests.clear();
    const auto finished = remove_run_job(arm_, clock_, [](const Event&) {}, options_.scope, {"run", "runner"}, {});
    EXPECT_EQ(finished.how, RunFinished::How::done);
    std::erase_if(arm_.requests, [](const auto& request) { return !request.starts_with("DELETE"); });
    return arm_.requests;
  };
  EXPECT_EQ(remove(), (std::vector<std::string>{"DELETE run", "DELETE its", "DELETE runner"}));
  EXPECT_EQ(remove(), std::vector<std::string>());
}

}  // namespace
}  // namespace defang::deploy
