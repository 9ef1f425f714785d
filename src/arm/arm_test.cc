#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "arm/template.h"

namespace defang::arm {
namespace {

using namespace graph;
using Json = nlohmann::ordered_json;

Result<Json> resolve_all(const Reference& reference) {
  if (reference.node == "missing") return fail(Error::Kind::refused, "NotFound", "no such node");
  if (reference.path == "properties.port") return Json(80);
  return Json(reference.node + "!" + reference.path);
}

TEST(ToJson, FillsReferencesIn) {
  const Value value(Value::Map{{"one", Reference{"a", Reference::Kind::property, "properties.port"}},
                               {"many", Value::Text{"x-", Reference{"a", Reference::Kind::property, "properties.port"},
                                                    "/", Reference{"b", Reference::Kind::id}}},
                               {"list", Value::List{1, true, 0.25, Value()}},
                               {"none", Value::Text{}}});
  const auto json = to_json(value, resolve_all);
  ASSERT_TRUE(json);
  EXPECT_EQ(json->dump(), R"({"one":80,"many":"x-80/b!","list":[1,true,0.25,null],"none":""})");
}

TEST(ToJson, GivesTheErrorOfAReference) {
  const auto json = to_json(Value(Value::List{Reference{"missing", Reference::Kind::id}}), resolve_all);
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, "NotFound");
}

TEST(ToJsonWithReferences, WritesThemOut) {
  const Value value(Value::Map{{"a", Reference{"n", Reference::Kind::list, "keys[0].value", "listKeys"}},
                               {"b", Value::Text{"x", Reference{"n", Reference::Kind::id}}}});
  EXPECT_EQ(to_json_with_references(value).dump(),
            R"({"a":{"$ref":"n","kind":"list","path":"keys[0].value","function":"listKeys"},)"
            R"("b":{"$join":["x",{"$ref":"n","kind":"id"}]}})");
}

Resource resource(std::string id, std::string type, std::string name, Value body) {
  Resource r;
  r.id = std::move(id);
  r.type = std::move(type);
  r.api_version = "2026-01-01";
  r.name = std::move(name);
  r.body = std::move(body);
  return r;
}

TEST(ToTemplate, WritesReferencesAsExpressions) {
  ResourceGraph graph;
  graph.add(resource("group", "Microsoft.Resources/resourceGroups", "g", {}));
  graph.add(resource("vault", "Microsoft.KeyVault/vaults", "v", Value(Value::Map{{"location", "westus3"}})));
  graph.add(Action{.id = "config/KEY", .what = WriteSecret{"vault", "KEY", ConfigRecipe{"KEY"}}});
  graph.add(Action{.id = "build/web", .what = BuildImage{.service = "web", .registry = "vault"}, .service = "web"});
  auto app = resource(
      "app/web", "Microsoft.App/containerApps", "web",
      Value(Value::Map{{"image", Reference{"build/web", Reference::Kind::output, "image"}},
                       {"uri", Reference{"config/KEY", Reference::Kind::output, "secretUri"}},
                       {"name", Value::Text{"key-", Reference{"config/KEY", Reference::Kind::output, "version"}}},
                       {"vault", Reference{"vault", Reference::Kind::property, "properties.vaultUri"}},
                       {"text", "[it's]"}}));
  app.after = {{"group", ""}};
  graph.add(app);
  const auto json = Json::parse(to_template(graph));
  const auto& written = json["resources"][0];
  const std::string uri =
      "reference(resourceId('Microsoft.KeyVault/vaults/secrets', 'v', 'KEY'), '2025-05-01').secretUriWithVersion";
  EXPECT_EQ(written["image"], "[parameters('image_web')]");
  EXPECT_EQ(written["uri"], "[" + uri + "]");
  EXPECT_EQ(written["name"], "[concat('key-', last(split(" + uri + ", '/')))]");
  EXPECT_EQ(written["vault"], "[reference(resourceId('Microsoft.KeyVault/vaults', 'v'), '2026-01-01').vaultUri]");
  EXPECT_EQ(written["text"], "[[it's]");
  EXPECT_EQ(written["dependsOn"], Json::parse(R"x(["[resourceId('Microsoft.KeyVault/vaults', 'v')]",
                                                "[resourceId('Microsoft.KeyVault/vaults/secrets', 'v', 'KEY')]"])x"));
  EXPECT_EQ(json["parameters"]["config_KEY"]["type"], "securestring");
  EXPECT_EQ(json["resources"].size(), 3u);
}

TEST(ToTemplate, SaysIdsAndTheTenantRelatively) {
  ResourceGraph graph;
  const std::string id =
      "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i";
  graph.add(
      resource("a", "Microsoft.App/jobs", "a",
               Value(Value::Map{{"identities", Value(Value::Map{{id, Value(Value::Map{})}})},
                                {"tenant", "t"},
                                {"role", "/subscriptions/s/providers/Microsoft.Authorization/roleDefinitions/r"}})));
  const auto written = Json::parse(to_template(graph, {"s", "t", "g"}))["resources"][0];
  EXPECT_TRUE(written["identities"].contains("[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'i')]"));
  EXPECT_EQ(written["tenant"], "[subscription().tenantId]");
  EXPECT_EQ(written["role"], "[subscriptionResourceId('Microsoft.Authorization/roleDefinitions', 'r')]");
}

ResourceGraph with_role_outside() {
  ResourceGraph graph;
  graph.add(Resource{.id = "group", .type = "Microsoft.Resources/resourceGroups", .name = "rg"});
  graph.add(Resource{.id = "identity",
                     .type = "Microsoft.ManagedIdentity/userAssignedIdentities",
                     .api_version = "2024-11-30",
                     .name = "pull",
                     .body = Value(Value::Map{}),
                     .after = {{"group", ""}}});
  graph.add(Resource{
      .id = "role",
      .type = "Microsoft.Authorization/roleAssignments",
      .api_version = "2022-04-01",
      .name = "guid",
      .scope = "/subscriptions/s/resourceGroups/team/providers/Microsoft.ContainerRegistry/registries/shared",
      .body = Value(Value::Map{
          {"properties",
           Value::Map{{"principalId", Reference{"identity", Reference::Kind::property, "properties.principalId"}}}}}),
      .after = {{"group", ""}}});
  graph.add(Resource{.id = "app",
                     .type = "Microsoft.App/containerApps",
                     .api_version = "2026-01-01",
                     .name = "web",
                     .body = Value(Value::Map{}),
                     .after = {{"role", "to pull"}}});
  return graph;
}

TEST(Template, WritesInAnotherGroupByADeploymentThere) {
  const auto json = Json::parse(to_template(with_role_outside(), {.subscription_id = "s", .group = "rg"}));
  const Json& nested = json["resources"][2];
  EXPECT_EQ(nested["type"], "Microsoft.Resources/deployments");
  EXPECT_EQ(nested["resourceGroup"], "team");
  EXPECT_EQ(nested["dependsOn"],
            Json::array({"[resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', 'pull')]"}));
  EXPECT_EQ(nested["properties"]["template"]["resources"].dump(),
            R"([{"type":"Microsoft.Authorization/roleAssignments","apiVersion":"2022-04-01","name":"guid",)"
            R"("scope":"/subscriptions/s/resourceGroups/team/providers/Microsoft.ContainerRegistry/registries/shared",)"
            R"("properties":{"principalId":"[reference(resourceId('Microsoft.ManagedIdentity/userAssignedIdentities', )"
            R"('pull'), '2024-11-30').principalId]"}}])");
  EXPECT_EQ(json["resources"][0]["dependsOn"],
            Json::array({"[resourceId('team', 'Microsoft.Resources/deployments', 'guid')]"}));
}

TEST(Bicep, WritesInAnotherGroupByADeploymentThere) {
  const auto bicep = to_bicep(with_role_outside(), {.subscription_id = "s", .group = "rg"});
  EXPECT_NE(
      bicep.find("resource role 'Microsoft.Resources/deployments@2025-04-01' = {\n"
                 "  name: 'guid'\n"
                 "  resourceGroup: 'team'\n"
                 "  properties: {\n"
                 "    mode: 'Incremental'\n"
                 "    template: {\n"
                 "      '$schema': 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'\n"
                 "      contentVersion: '1.0.0.0'\n"
                 "      resources: [\n"
                 "        {\n"
                 "          type: 'Microsoft.Authorization/roleAssignments'\n"
                 "          apiVersion: '2022-04-01'\n"
                 "          name: 'guid'\n"
                 "          scope: "
                 "'/subscriptions/s/resourceGroups/team/providers/Microsoft.ContainerRegistry/registries/shared'\n"
                 "          properties: {\n"
                 "            principalId: identity.properties.principalId\n"
                 "          }\n"
                 "        }\n"
                 "      ]\n"
                 "    }\n"
                 "  }\n"
                 "}\n"),
      std::string::npos)
      << bicep;
  EXPECT_NE(bicep.find("  dependsOn: [\n    role\n  ]\n"), std::string::npos) << bicep;
}

}  // namespace
}  // namespace defang::arm
