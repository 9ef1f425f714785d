#include "emulator/core.h"

#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"

namespace defang::emulator {
namespace {

TEST(Arm, TellsTheTenantToWhoHasNotSignedIn) {
  Bench bench;
  const auto answer = bench.send("GET", "/subscriptions/" + bench.subscription() + "?api-version=2020-01-01", Json(),
                                 {}, Bench::nobody);
  EXPECT_EQ(answer.status, 401);
  EXPECT_NE(answer.headers.get("WWW-Authenticate")
                .find("authorization_uri=\"https://localhost:40000/" + bench.core.tenant() + "\""),
            std::string::npos);
}

TEST(Arm, CreatesAGroupAndFindsItInAnyCase) {
  Bench bench;
  EXPECT_EQ(bench.put(bench.group("Web"), {{"location", "westus3"}, {"tags", {{"a", "b"}}}}).status, 201);
  const auto found = bench.get("/SUBSCRIPTIONS/" + bench.subscription() + "/resourcegroups/wEB");
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(found.json["id"], bench.group("Web"));
  EXPECT_EQ(bench.send("HEAD", bench.group("other") + "?api-version=1").status, 404);
  EXPECT_EQ(bench.get("/subscriptions/" + bench.subscription() + "/resourcegroups", "&$filter=tagname%20eq%20%27A%27")
                .json["value"]
                .size(),
            1);
}

TEST(Arm, DeletesAGroupAsALongRunningOperation) {
  Bench bench;
  bench.put(bench.group("g"), {{"location", "westus3"}});
  const auto accepted = bench.remove(bench.group("g"));
  EXPECT_EQ(accepted.status, 202);
  EXPECT_EQ(accepted.headers.get("Retry-After"), "15");
  EXPECT_FALSE(accepted.headers.has("Azure-AsyncOperation"));
  EXPECT_EQ(bench.poll(accepted.headers.get("Location")).status, 202);
  bench.wait(std::chrono::seconds(11));
  EXPECT_EQ(bench.poll(accepted.headers.get("Location")).status, 200);
  EXPECT_EQ(bench.get(bench.group("g")).status, 404);
}

TEST(Arm, FinishesOperationsThatWereInFlightWhenItWasKilled) {
  FakeClock clock;
  FakeDisk disk;
  std::string location;
  std::string group;
  {
    Bench bench(clock, disk);
    group = bench.group("g");
    bench.put(group, {{"location", "westus3"}});
    location = bench.remove(group).headers.get("Location");
  }
  clock.sleep_for(std::chrono::seconds(20), {});
  Bench again(clock, disk);
  EXPECT_EQ(again.poll(location).status, 200);
  EXPECT_EQ(again.get(group).status, 404);
}

TEST(Arm, RefusesWritesInNamespacesThatAreNotRegisteredUntilTheyAre) {
  Bench bench({.fresh_subscription = true});
  bench.put(bench.group("g"), {{"location", "westus3"}});
  const std::string id = bench.group("g") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/web";
  EXPECT_EQ(bench.put(id, {{"location", "westus3"}}).code(), "MissingSubscriptionRegistration");
  const std::string provider = "/subscriptions/" + bench.subscription() + "/providers/Microsoft.ManagedIdentity";
  EXPECT_EQ(bench.post(provider + "/register").json["registrationState"], "Registering");
  EXPECT_EQ(bench.put(id, {{"location", "westus3"}}).status, 409);
  bench.wait(std::chrono::seconds(61));
  EXPECT_EQ(bench.get(provider).json["registrationState"], "Registered");
  EXPECT_EQ(bench.put(id, {{"location", "westus3"}}).status, 201);
}

TEST(Arm, LetsAReaderReadAndNothingElse) {
  Bench bench({.role = "reader"});
  EXPECT_EQ(bench.put(bench.group("g"), {{"location", "westus3"}}).code(), "AuthorizationFailed");
  EXPECT_EQ(bench.get(bench.group("g")).status, 404);
}

TEST(Arm, LetsAContributorDoAllButAssignRoles) {
  Bench bench({.role = "contributor"});
  EXPECT_EQ(bench.put(bench.group("g"), {{"location", "westus3"}}).status, 201);
  const std::string id =
      bench.group("g") + "/providers/Microsoft.Authorization/roleAssignments/" + bench.core.random().uuid();
  EXPECT_EQ(bench.put(id, {{"properties", {{"roleDefinitionId", "x"}, {"principalId", "y"}}}}).code(),
            "AuthorizationFailed");
}

TEST(Arm, SaysWhatItDoesNotImplement) {
  Bench bench;
  bench.put(bench.group("g"), {{"location", "westus3"}});
  const auto answer =
      bench.put(bench.group("g") + "/providers/Microsoft.Compute/virtualMachines/vm", {{"location", "westus3"}});
  EXPECT_EQ(answer.status, 501);
  EXPECT_EQ(answer.code(), "EmulatorNotImplemented");
}

TEST(Entra, RefusesAWrongSecretAsEntraDoes) {
  Bench bench;
  const auto answer = bench.sign_in("wrong");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.json["error"], "invalid_client");
  EXPECT_EQ(answer.json["error_codes"][0], 7000215);
  EXPECT_TRUE(answer.json["error_description"].get<std::string>().starts_with(
      "AADSTS7000215: Invalid client secret provided."));
}

TEST(RoleAssignments, WantThePrincipalTypeForAFreshPrincipal) {
  Bench bench;
  bench.put(bench.group("g"), {{"location", "westus3"}});
  const auto principal = bench.core.create_principal("web", 28);
  const std::string id =
      bench.group("g") + "/providers/Microsoft.Authorization/roleAssignments/" + bench.core.random().uuid();
  Json body = {
      {"properties",
       {{"roleDefinitionId",
         "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/acdd72a7-3385-48ef-bd42-f606fba81ae7"},
        {"principalId", principal.object_id}}}};
  EXPECT_EQ(bench.put(id, body).code(), "PrincipalNotFound");
  body["properties"]["principalType"] = "ServicePrincipal";
  EXPECT_EQ(bench.put(id, body).status, 201);
  EXPECT_FALSE(bench.core.may(principal.object_id, "Microsoft.App/containerApps/read", bench.group("g")));
  bench.wait(std::chrono::seconds(61));
  EXPECT_TRUE(bench.core.may(principal.object_id, "Microsoft.App/containerApps/read",
                             bench.group("g") + "/providers/Microsoft.App/containerApps/a"));
}

}  // namespace
}  // namespace defang::emulator
