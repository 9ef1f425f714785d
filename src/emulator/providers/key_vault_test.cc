#include "emulator/providers/key_vault.h"

#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class Vault : public testing::Test {
 protected:
  Vault() { bench.put(bench.group("g"), {{"location", "westus3"}}); }
  Json body(bool roles) {
    Json properties = {{"tenantId", bench.core.tenant()},
                       {"sku", {{"family", "A"}, {"name", "standard"}}},
                       {"accessPolicies", Json::array()}};
    if (roles)
      properties["enableRbacAuthorization"] = true;
    else
      properties["accessPolicies"].push_back({{"tenantId", bench.core.tenant()},
                                              {"objectId", bench.object_id()},
                                              {"permissions", {{"secrets", {"all", "purge"}}}}});
    return {{"location", "westus3"}, {"properties", properties}};
  }
  std::string make(bool roles) {
    bench.put(id, body(roles));
    bench.wait(31s);
    return text_at(bench.get(id).json, "properties.vaultUri");
  }
  Bench::Got call(const std::string& method, const std::string& url, const Json& sent = Json()) {
    return bench.send(method, url + (url.find('?') == std::string::npos ? "?api-version=7.4" : "&api-version=7.4"),
                      sent, {}, "https://vault.azure.net");
  }

  Bench bench;
  std::string id = bench.group("g") + "/providers/Microsoft.KeyVault/vaults/shop-secrets";
};

TEST_F(Vault, RegistersItsNameForHalfAMinuteWithoutAnOperation) {
  const auto made = bench.put(id, body(true));
  EXPECT_EQ(made.status, 200);
  EXPECT_FALSE(made.headers.has("Azure-AsyncOperation"));
  EXPECT_EQ(text_at(made.json, "properties.provisioningState"), "RegisteringDns");
  EXPECT_FALSE(text_at(made.json, "properties.vaultUri").ends_with('/'));
  EXPECT_EQ(call("GET", text_at(made.json, "properties.vaultUri") + "/secrets/x").status, -1);
  bench.wait(31s);
  EXPECT_EQ(text_at(bench.get(id).json, "properties.provisioningState"), "Succeeded");
}

TEST_F(Vault, SaysWhereToSignInWhenThereIsNoToken) {
  const std::string uri = make(true);
  const auto answer = bench.send("GET", uri + "secrets/a?api-version=7.4", Json(), {}, Bench::nobody);
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.headers.get("WWW-Authenticate"), "Bearer authorization=\"" + bench.core.arm_base_url() + "/" +
                                                        bench.core.tenant() +
                                                        "\", resource=\"https://vault.azure.net\"");
}

TEST_F(Vault, TakesNoTokenForAnotherAudience) {
  const std::string uri = make(false);
  EXPECT_EQ(bench.send("GET", uri + "secrets/a?api-version=7.4", Json(), {}, "https://management.azure.com").status,
            401);
}

TEST_F(Vault, KeepsVersionsAndGivesTheLatest) {
  const std::string uri = make(false);
  const auto first = call("PUT", uri + "secrets/PASSWORD", {{"value", "one"}});
  call("PUT", uri + "secrets/password", {{"value", "two"}});
  EXPECT_EQ(call("GET", uri + "secrets/Password").json["value"], "two");
  EXPECT_EQ(call("GET", text_at(first.json, "id")).json["value"], "one");
  EXPECT_EQ(call("GET", uri + "secrets/password/versions").json["value"].size(), 2);
}

TEST_F(Vault, KeepsTheNameOfADeletedSecretUntilItIsPurged) {
  const std::string uri = make(false);
  call("PUT", uri + "secrets/a", {{"value", "one"}});
  EXPECT_EQ(call("DELETE", uri + "secrets/a").status, 200);
  EXPECT_EQ(call("GET", uri + "secrets/a").code(), "SecretNotFound");
  EXPECT_EQ(call("PUT", uri + "secrets/a", {{"value", "two"}}).status, 409);
  EXPECT_EQ(call("DELETE", uri + "deletedsecrets/a").status, 204);
  EXPECT_EQ(call("PUT", uri + "secrets/a", {{"value", "two"}}).status, 200);
}

TEST_F(Vault, LetsARoleTakeEffectLater) {
  const std::string uri = make(true);
  EXPECT_EQ(bench.put(id + "/secrets/a", {{"properties", {{"value", "one"}}}}).status, 201);
  const auto refused = call("GET", uri + "secrets/a");
  EXPECT_EQ(refused.status, 403);
  EXPECT_EQ(text_at(refused.json, "error.innererror.code"), "ForbiddenByRbac");
  const std::string role = id + "/providers/Microsoft.Authorization/roleAssignments/" + bench.core.random().uuid();
  EXPECT_EQ(
      bench
          .put(role, {{"properties",
                       {{"roleDefinitionId",
                         "/providers/Microsoft.Authorization/roleDefinitions/4633458b-17de-408a-b874-0445c86b69e6"},
                        {"principalId", bench.object_id()},
                        {"principalType", "ServicePrincipal"}}}})
          .status,
      201);
  EXPECT_EQ(call("GET", uri + "secrets/a").status, 403);
  bench.wait(61s);
  EXPECT_EQ(call("GET", uri + "secrets/a").json["value"], "one");
}

TEST_F(Vault, NeverShowsAValueThroughArm) {
  make(true);
  const auto made = bench.put(id + "/secrets/a", {{"properties", {{"value", "very secret"}}}});
  EXPECT_EQ(made.body.find("very secret"), std::string::npos);
  EXPECT_EQ(bench.get(id + "/secrets/a").body.find("very secret"), std::string::npos);
  EXPECT_NE(text_at(made.json, "properties.secretUriWithVersion"), "");
}

TEST_F(Vault, KeepsItsNameAndItsSecretsWhenDeletedAndGivesThemBackWhenRecovered) {
  make(false);
  bench.put(id + "/secrets/a", {{"properties", {{"value", "one"}}}});
  EXPECT_EQ(bench.remove(id).status, 200);
  EXPECT_EQ(bench.get(id).status, 404);
  EXPECT_EQ(bench.put(id, body(false)).status, 409);
  Json again = body(false);
  again["properties"]["createMode"] = "recover";
  const auto recovered = bench.put(id, again);
  EXPECT_EQ(recovered.status, 200);
  EXPECT_EQ(text_at(recovered.json, "properties.provisioningState"), "Succeeded");
  EXPECT_EQ(call("GET", text_at(bench.get(id).json, "properties.vaultUri") + "secrets/a").json["value"], "one");
}

TEST_F(Vault, IsGoneForGoodOncePurged) {
  make(false);
  bench.remove(id);
  const std::string deleted = "/subscriptions/" + bench.subscription() +
                              "/providers/Microsoft.KeyVault/locations/westus3/deletedVaults/shop-secrets";
  EXPECT_EQ(bench.get(deleted).status, 200);
  const auto purge = bench.post(deleted + "/purge");
  EXPECT_EQ(purge.status, 202);
  EXPECT_EQ(bench.poll(purge.headers.get("Location")).json["status"], "NotStarted");
  bench.wait(9s);
  EXPECT_EQ(bench.poll(purge.headers.get("Location")).json["status"], "Succeeded");
  EXPECT_EQ(bench.get(deleted).code(), "DeletedVaultNotFound");
  EXPECT_EQ(bench.put(id, body(false)).status, 200);
}

}  // namespace
}  // namespace defang::emulator
