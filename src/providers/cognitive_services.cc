#include "providers/cognitive_services.h"

#include <algorithm>
#include <array>

#include "azure/names.h"
#include "azure/resource_types.h"
#include "providers/network.h"
#include "support/text.h"

namespace defang::providers {

using graph::Value;

namespace {

constexpr std::string_view kType = "Microsoft.CognitiveServices/accounts";
constexpr std::string_view kDeploymentType = "Microsoft.CognitiveServices/accounts/deployments";
constexpr int kThousandTokensAMinute = 10;  // AI-10: 1 refuses most requests

struct Alias {
  std::string_view name, model;
};
constexpr auto kAliases = std::to_array<Alias>({
    {"chat-default", "gpt-5-mini"},
    {"chat-large", "gpt-5"},
    {"chat-small", "gpt-5-nano"},
    {"embedding-default", "text-embedding-3-small"},
    {"embedding-large", "text-embedding-3-large"},
});

// OpenAI's own names, by how they begin.
constexpr auto kKnownPrefixes = std::to_array<std::string_view>({"gpt-", "o1", "o3", "o4", "text-embedding-"});

}  // namespace

std::string model_node(const std::string& name) { return "model/" + name; }

std::vector<std::string> model_zones() {
  return {"privatelink.cognitiveservices.azure.com", "privatelink.openai.azure.com",
          "privatelink.services.ai.azure.com"};
}

std::vector<graph::Resource> model_account(const StackScope& scope) {
  const auto name = scope.global_name_for(kType, "models");
  auto account = make_resource(scope, kModels, kType, name,
                               Value::Map{{"kind", "AIServices"},
                                          {"sku", Value::Map{{"name", "S0"}}},
                                          // AI-3, AI-7
                                          {"properties", Value::Map{{"customSubDomainName", to_lower(name)},
                                                                    {"disableLocalAuth", false},
                                                                    {"publicNetworkAccess", "Disabled"}}}});
  account.because = "services talk to models";
  std::vector<graph::Resource> resources = {std::move(account)};
  for (auto& door : private_endpoint(
           scope, {.name = "models", .resource = std::string(kModels), .group = "account", .zones = model_zones()}))
    resources.push_back(std::move(door));
  return resources;
}

graph::Resource model_deployment(const StackScope& scope, const ModelDeployment& deployment, const std::string& after) {
  const auto& type = *azure::find_resource_type(kDeploymentType);
  auto made = make_resource(
      scope, model_node(deployment.name), kDeploymentType,
      scope.global_name_for(kType, "models") + "/" + azure::legal_name(type, deployment.name, deployment.name),
      Value::Map{{"sku", Value::Map{{"name", "GlobalStandard"}, {"capacity", kThousandTokensAMinute}}},
                 {"properties", Value::Map{{"model", Value::Map{{"format", "OpenAI"}, {"name", deployment.model}}},
                                           {"versionUpgradeOption", "OnceNewDefaultVersionAvailable"}}}},
      deployment.service);
  made.because = "service `" + deployment.service + "` uses it";
  made.origin = deployment.origin;
  made.after.push_back({after, "an account takes one write at a time"});
  return made;
}

Value::Text model_base_url() { return {property_of(kModels, "properties.endpoint"), "openai/v1/"}; }

graph::Reference model_key() { return list_of(kModels, "listKeys", "key1"); }

std::string model_for(std::string_view wanted) {
  const auto slash = wanted.rfind('/');
  const auto name = to_lower(slash == std::string_view::npos ? wanted : wanted.substr(slash + 1));
  if (const auto alias = std::ranges::find(kAliases, name, &Alias::name); alias != kAliases.end())
    return std::string(alias->model);
  if (std::ranges::any_of(kKnownPrefixes, [&](std::string_view prefix) { return name.starts_with(prefix); }))
    return name;
  return name.find("embed") == std::string::npos ? "gpt-5-mini" : "text-embedding-3-small";
}

}  // namespace defang::providers
