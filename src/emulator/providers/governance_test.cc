#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class Governance : public testing::Test {
 protected:
  Governance() {
    bench.put(group, {{"location", "westus3"}});
    bench.put(identity, {{"location", "westus3"}});
  }

  Bench bench;
  const std::string group = bench.group("g");
  const std::string identity = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/app";
  const std::string lock = group + "/providers/Microsoft.Authorization/locks/keep";
};

TEST_F(Governance, ALockRefusesDeletesAtAboveAndBelowItsScope) {
  EXPECT_EQ(bench.put(lock, {{"properties", {{"level", "CanNotDelete"}}}}).status, 201);
  const auto refused = bench.remove(identity);
  EXPECT_EQ(refused.status, 409);
  EXPECT_EQ(refused.code(), "ScopeLocked");
  EXPECT_EQ(bench.remove(group).code(), "ScopeLocked");
  EXPECT_EQ(bench.put(identity, {{"location", "westus3"}, {"tags", {{"a", "b"}}}}).status, 200);
  EXPECT_EQ(bench.remove(lock).status, 200);
  EXPECT_EQ(bench.remove(identity).status, 200);
}

TEST_F(Governance, AReadOnlyLockRefusesWritesToo) {
  bench.put(identity + "/providers/Microsoft.Authorization/locks/still", {{"properties", {{"level", "ReadOnly"}}}});
  EXPECT_EQ(bench.put(identity, {{"location", "westus3"}}).code(), "ScopeLocked");
  EXPECT_EQ(bench.remove(group).code(), "ScopeLocked");
  EXPECT_EQ(bench.put(group + "2", {{"location", "westus3"}}).status, 201);
}

TEST_F(Governance, ACustomRoleAllowsWhatItSays) {
  const std::string id = "01234567-89ab-4cde-8f01-23456789abcd";
  const std::string role =
      "/subscriptions/" + bench.subscription() + "/providers/Microsoft.Authorization/roleDefinitions/" + id;
  EXPECT_EQ(bench
                .put(role, {{"properties",
                             {{"roleName", "Tagger"},
                              {"assignableScopes", {group}},
                              {"permissions", {{{"actions", {"Microsoft.Resources/tags/*"}}}}}}}})
                .status,
            201);
  const std::string principal = text_at(bench.get(identity).json, "properties.principalId");
  EXPECT_EQ(
      bench
          .put(group + "/providers/Microsoft.Authorization/roleAssignments/00000000-0000-4000-8000-000000000001",
               {{"properties",
                 {{"roleDefinitionId", role}, {"principalId", principal}, {"principalType", "ServicePrincipal"}}}})
          .status,
      201);
  bench.wait(120s);
  EXPECT_TRUE(bench.core.may(principal, "Microsoft.Resources/tags/write", group));
  EXPECT_FALSE(bench.core.may(principal, "Microsoft.Resources/tags/write", bench.group("other")));
  EXPECT_FALSE(bench.core.may(principal, "Microsoft.KeyVault/vaults/read", group));
  EXPECT_EQ(bench.remove(role).code(), "RoleDefinitionHasAssignments");
}

TEST_F(Governance, APolicyAssignmentNeedsADefinitionOfTheSubscriptionThatExists) {
  const std::string definition =
      "/subscriptions/" + bench.subscription() + "/providers/Microsoft.Authorization/policyDefinitions/tags";
  const std::string assignment = group + "/providers/Microsoft.Authorization/policyAssignments/tags";
  const Json body = {{"properties", {{"policyDefinitionId", definition}}}};
  EXPECT_EQ(bench.put(assignment, body).code(), "PolicyDefinitionNotFound");
  EXPECT_EQ(bench.put(definition, {{"properties", {{"policyRule", {{"if", Json::object()}}}}}}).status, 201);
  const auto assigned = bench.put(assignment, body);
  EXPECT_EQ(assigned.status, 201);
  EXPECT_EQ(text_at(assigned.json, "properties.scope"), group);
  EXPECT_EQ(text_at(assigned.json, "properties.enforcementMode"), "Default");
}

}  // namespace
}  // namespace defang::emulator
