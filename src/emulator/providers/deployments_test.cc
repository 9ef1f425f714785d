#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class Deployments : public testing::Test {
 protected:
  Deployments() { bench.put(group, {{"location", "westus3"}}); }

  static Json body(const Json& resources, const Json& more = Json::object(), const Json& parameters = Json::object()) {
    Json source = {{"$schema", "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#"},
                   {"contentVersion", "1.0.0.0"},
                   {"resources", resources}};
    source.update(more);
    return {{"properties", {{"mode", "Incremental"}, {"template", source}, {"parameters", parameters}}}};
  }
  static Json identity_named(const std::string& name) {
    return {{"type", "Microsoft.ManagedIdentity/userAssignedIdentities"},
            {"apiVersion", "2023-01-31"},
            {"name", name},
            {"location", "[resourceGroup().location]"}};
  }
  Bench::Got finished() {
    for (int i = 0; i < 100; ++i) {
      const auto got = bench.get(deployment);
      const std::string state = text_at(got.json, "properties.provisioningState");
      if (state != "Accepted" && state != "Running") return got;
      bench.wait(10s);
    }
    return bench.get(deployment);
  }

  Bench bench;
  const std::string group = bench.group("g");
  const std::string deployment = group + "/providers/Microsoft.Resources/deployments/d";
};

TEST_F(Deployments, CreateResourcesInTheOrderOfTheirDependencies) {
  const Json resources =
      Json::array({{{"type", "Microsoft.KeyVault/vaults/secrets"},
                    {"apiVersion", "2023-07-01"},
                    {"name", "[concat(parameters('vault'), '/key')]"},
                    {"dependsOn", Json::array({"[resourceId('Microsoft.KeyVault/vaults', parameters('vault'))]"})},
                    {"properties", {{"value", "[parameters('secret')]"}}}},
                   {{"type", "Microsoft.KeyVault/vaults"},
                    {"apiVersion", "2023-07-01"},
                    {"name", "[parameters('vault')]"},
                    {"location", "[resourceGroup().location]"},
                    {"properties",
                     {{"tenantId", "[subscription().tenantId]"},
                      {"sku", {{"family", "A"}, {"name", "standard"}}},
                      {"accessPolicies", Json::array()}}}}});
  const Json more = {
      {"parameters", {{"vault", {{"type", "string"}}}, {"secret", {{"type", "securestring"}}}}},
      {"outputs",
       {{"VAULT_URI", {{"type", "string"}, {"value", "[reference(parameters('vault')).vaultUri]"}}},
        {"version",
         {{"type", "string"},
          {"value",
           "[last(split(reference(resourceId('Microsoft.KeyVault/vaults/secrets', parameters('vault'), 'key'), "
           "'2023-07-01').secretUriWithVersion, '/'))]"}}}}}};
  const auto begun = bench.put(
      deployment, body(resources, more, {{"vault", {{"value", "vault1"}}}, {"secret", {{"value", "top secret"}}}}));
  EXPECT_EQ(begun.status, 201) << begun.body;
  EXPECT_EQ(text_at(begun.json, "properties.provisioningState"), "Accepted");
  EXPECT_NE(begun.headers.get("Azure-AsyncOperation").find("/deployments/d/operationStatuses/"), std::string::npos);
  const auto got = finished();
  EXPECT_EQ(text_at(got.json, "properties.provisioningState"), "Succeeded") << got.body;
  EXPECT_EQ(text_at(bench.poll(begun.headers.get("Azure-AsyncOperation")).json, "status"), "Succeeded");
  EXPECT_EQ(text_at(got.json, "properties.outputs.version.value").size(), 32u);
  EXPECT_NE(got.body.find("\"vaulT_URI\""), std::string::npos) << got.body;
  EXPECT_EQ(got.body.find("top secret"), std::string::npos);
  ASSERT_NE(find_path(got.json, "properties.outputResources"), nullptr);
  EXPECT_EQ(find_path(got.json, "properties.outputResources")->size(), 2u);
  const auto operations = bench.get(deployment + "/operations");
  EXPECT_EQ(operations.json["value"].size(), 3u) << operations.body;
  EXPECT_EQ(bench.put(deployment, body(Json::array({identity_named("i")}))).status, 200);
}

TEST_F(Deployments, RefuseTemplatesThatCannotBeDeployed) {
  const Json twice = Json::array({identity_named("i"), identity_named("I")});
  Json circle = Json::array({identity_named("a"), identity_named("b")});
  circle[0]["dependsOn"] = {"b"};
  circle[1]["dependsOn"] = {"a"};
  Json stranger = Json::array({identity_named("a")});
  stranger[0]["dependsOn"] = {"nobody"};
  Json unknown = Json::array({identity_named("[unknown()]")});
  for (const auto& resources : {twice, circle, stranger, unknown}) {
    const auto got = bench.put(deployment, body(resources));
    EXPECT_EQ(got.status, 400);
    EXPECT_EQ(got.code(), "InvalidTemplate") << got.body;
  }
  const Json wanted = {{"parameters", {{"name", {{"type", "string"}}}}}};
  EXPECT_EQ(bench.post(deployment + "/validate", body(Json::array(), wanted)).code(), "InvalidTemplate");
  EXPECT_EQ(bench.put(deployment, body(Json::array(), Json::object(), {{"extra", {{"value", 1}}}})).code(),
            "InvalidTemplate");
  EXPECT_EQ(bench.put(deployment, {{"properties", {{"mode", "Complete"}, {"template", Json::object()}}}}).status, 501);
  EXPECT_EQ(bench.get(deployment).code(), "DeploymentNotFound");
}

TEST_F(Deployments, NameWhatFailedAndDeployTheRest) {
  Json wrong = identity_named("a");
  wrong["location"] = "atlantis";
  Json after = identity_named("b");
  after["dependsOn"] = {"a"};
  const auto begun = bench.put(deployment, body(Json::array({wrong, after, identity_named("c")})));
  const auto got = finished();
  EXPECT_EQ(text_at(got.json, "properties.provisioningState"), "Failed") << got.body;
  const auto polled = bench.poll(begun.headers.get("Azure-AsyncOperation"));
  EXPECT_EQ(polled.code(), "DeploymentFailed");
  EXPECT_EQ(polled.json["error"]["details"][0]["code"], "LocationNotAvailableForResourceType") << polled.body;
  const std::string identities = group + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/";
  EXPECT_EQ(bench.get(identities + "b").status, 404);
  EXPECT_EQ(bench.get(identities + "c").status, 200);
}

TEST_F(Deployments, OfASubscriptionMakeAGroupAndDeployIntoIt) {
  const std::string id = "/subscriptions/" + bench.subscription() + "/providers/Microsoft.Resources/deployments/all";
  const Json nested = body(Json::array({identity_named("[format('mi-{0}', parameters('suffix'))]")}),
                           {{"parameters", {{"suffix", {{"type", "string"}}}}},
                            {"outputs", {{"id", {{"type", "string"}, {"value", "[resourceId('A.B/c', 'd')]"}}}}}},
                           {{"suffix", {{"value", "[toLower(parameters('name'))]"}}}})["properties"];
  Json inner = nested;
  inner["expressionEvaluationOptions"] = {{"scope", "inner"}};
  Json sent = body(
      Json::array(
          {{{"type", "Microsoft.Resources/resourceGroups"},
            {"apiVersion", "2021-04-01"},
            {"name", "[format('rg-{0}', parameters('name'))]"},
            {"location", "westus3"}},
           {{"type", "Microsoft.Resources/deployments"},
            {"apiVersion", "2021-04-01"},
            {"name", "resources"},
            {"resourceGroup", "[format('rg-{0}', parameters('name'))]"},
            {"dependsOn", Json::array({"[subscriptionResourceId('Microsoft.Resources/resourceGroups', format('rg-{0}', "
                                       "parameters('name')))]"})},
            {"properties", inner}}}),
      {{"parameters", {{"name", {{"type", "string"}, {"defaultValue", "X"}}}}},
       {"outputs", {{"inner", {{"type", "string"}, {"value", "[reference('resources').outputs.id.value]"}}}}}});
  sent["location"] = "westus3";
  const auto begun = bench.put(id, sent);
  EXPECT_EQ(begun.status, 201) << begun.body;
  bench.wait(60s);
  bench.wait(60s);
  const auto got = bench.get(id);
  EXPECT_EQ(text_at(got.json, "properties.provisioningState"), "Succeeded") << got.body;
  EXPECT_EQ(text_at(got.json, "properties.outputs.inner.value"), bench.group("rg-X") + "/providers/A.B/c/d");
  EXPECT_EQ(bench.get(bench.group("rg-X") + "/providers/Microsoft.ManagedIdentity/userAssignedIdentities/mi-x").status,
            200);
}

TEST_F(Deployments, RepeatAResourceAndLeaveOutWhatItsConditionSays) {
  Json looped = identity_named("[concat('i', copyIndex(1))]");
  looped["copy"] = {{"name", "all"}, {"count", 2}};
  Json never = identity_named("never");
  never["condition"] = "[equals(1, 2)]";
  Json after = identity_named("after");
  after["dependsOn"] = {"all", "never"};
  bench.put(deployment, body(Json::array({looped, never, after})));
  const auto got = finished();
  EXPECT_EQ(text_at(got.json, "properties.provisioningState"), "Succeeded") << got.body;
  ASSERT_NE(find_path(got.json, "properties.outputResources"), nullptr);
  EXPECT_EQ(find_path(got.json, "properties.outputResources")->size(), 3u);
}

TEST_F(Deployments, AreListedCanceledAndDeleted) {
  bench.put(deployment, body(Json::array({identity_named("i")})));
  finished();
  EXPECT_EQ(bench.get(group + "/providers/Microsoft.Resources/deployments/").json["value"].size(), 1u);
  EXPECT_EQ(bench.get("/subscriptions/" + bench.subscription() + "/providers/Microsoft.Resources/deployments")
                .json["value"]
                .size(),
            0u);
  EXPECT_EQ(bench.post(deployment + "/cancel").code(), "DeploymentCannotBeCancelled");
  const auto removed = bench.remove(deployment);
  EXPECT_EQ(removed.status, 202);
  bench.wait(30s);
  EXPECT_EQ(bench.poll(removed.headers.get("Location")).status, 204);
  EXPECT_EQ(bench.get(deployment).status, 404);
}

}  // namespace
}  // namespace defang::emulator
