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
constexpr std::int64_t kUsualCapacity = 10;

/// What an alias may become, from the best on. The newest generation first, its small ones for what is called so.
struct Preference {
  std::string_view alias;
  std::string_view models;  // between blanks
};
constexpr auto kPreferences = std::to_array<Preference>({
    {"chat-default", "gpt-5-mini gpt-4.1-mini gpt-4o-mini gpt-5 gpt-4.1 gpt-4o gpt-5-nano gpt-4.1-nano gpt-35-turbo"},
    {"chat-large", "gpt-5 gpt-4.1 gpt-4o gpt-5-mini gpt-4.1-mini gpt-4o-mini"},
    {"chat-small", "gpt-5-nano gpt-4.1-nano gpt-4o-mini gpt-5-mini gpt-4.1-mini gpt-35-turbo"},
    {"embedding-default", "text-embedding-3-small text-embedding-3-large text-embedding-ada-002"},
    {"embedding-large", "text-embedding-3-large text-embedding-3-small text-embedding-ada-002"},
});

/// OpenAI's own names, by how they begin: known without asking.
constexpr auto kKnownPrefixes = std::to_array<std::string_view>({"gpt-", "o1", "o3", "o4", "text-embedding-"});

/// "ai/llama3.3:70B-Q4" -> "llama3.3"
std::string bare_name(std::string_view wanted) {
  wanted = wanted.substr(0, wanted.find_first_of("@:"));
  const auto slash = wanted.rfind('/');
  return to_lower(slash == std::string_view::npos ? wanted : wanted.substr(slash + 1));
}

std::string letters_of(std::string_view name) {
  std::string letters;
  for (const char c : to_lower(name))
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) letters += c;
  return letters;
}

std::string_view alias_for(std::string_view name) {
  const auto row = std::ranges::find(kPreferences, name, &Preference::alias);
  if (row != kPreferences.end()) return row->alias;
  const auto has = [&](std::string_view part) { return name.find(part) != std::string_view::npos; };
  if (has("embed") || has("bge-") || has("minilm")) return has("large") ? "embedding-large" : "embedding-default";
  return has("smol") || has("nano") || has("tiny") ? "chat-small" : "chat-default";
}

/// The names to look for, in order, and how each came to be there.
struct Candidate {
  std::string name;
  bool is_wanted = false;  // itself or a model of its family, no substitute
};
std::vector<Candidate> candidates_for(const std::string& name, const ModelFacts* facts) {
  std::vector<Candidate> candidates;
  const bool is_alias = std::ranges::find(kPreferences, name, &Preference::alias) != kPreferences.end();
  if (facts && !is_alias) {
    // "llama3.3" is the family of "Llama-3.3-70B-Instruct".
    for (const auto& model : facts->offered)
      if (equals_ignoring_case(model.name, name)) candidates.push_back({model.name, true});
    for (const auto& model : facts->offered)
      if (!name.empty() && letters_of(model.name).starts_with(letters_of(name)))
        candidates.push_back({model.name, true});
  }
  if (!facts && std::ranges::any_of(kKnownPrefixes, [&](auto prefix) { return name.starts_with(prefix); }))
    candidates.push_back({name, true});
  const auto row = std::ranges::find(kPreferences, alias_for(name), &Preference::alias);
  for (auto& model : split(row->models, ' ')) candidates.push_back({std::move(model), is_alias});
  return candidates;
}

/// Of the versions that are offered: the default one, else the newest.
const OfferedModel* offer_of(const ModelFacts& facts, const std::string& name) {
  const OfferedModel* best = nullptr;
  for (const auto& model : facts.offered) {
    if (!equals_ignoring_case(model.name, name) || model.free < 1) continue;
    if (!best || model.is_default > best->is_default ||
        (model.is_default == best->is_default && model.version > best->version))
      best = &model;
  }
  return best;
}

std::string offered_names(const ModelFacts& facts, bool embeds) {
  std::vector<std::string> names;
  for (const auto& model : facts.offered)
    if (model.embeds == embeds && std::ranges::find(names, model.name) == names.end())
      names.push_back(model.name + (model.free < 1 ? " (no quota left)" : ""));
  return names.empty() ? "none" : join(names, ", ");
}

}  // namespace

std::string model_node(const std::string& name) { return "model/" + name; }

std::vector<std::string> model_zones() {
  return {"privatelink.cognitiveservices.azure.com", "privatelink.openai.azure.com",
          "privatelink.services.ai.azure.com"};
}

std::string model_account_name(const StackScope& scope) { return scope.global_name_for(kType, "models"); }

std::string model_deployment_name(const std::string& wanted) {
  return azure::legal_name(*azure::find_resource_type(kDeploymentType), wanted, wanted);
}

std::vector<graph::Resource> model_account(const StackScope& scope, const ModelFacts* facts) {
  const auto name = model_account_name(scope);
  // AI-3, AI-7
  Value::Map properties = {
      {"customSubDomainName", to_lower(name)}, {"disableLocalAuth", false}, {"publicNetworkAccess", "Disabled"}};
  if (facts && facts->account_is_deleted) properties.emplace_back("restore", true);
  auto account = make_resource(
      scope, kModels, kType, name,
      Value::Map{{"kind", "AIServices"}, {"sku", Value::Map{{"name", "S0"}}}, {"properties", std::move(properties)}});
  account.because = "services talk to models";
  std::vector<graph::Resource> resources = {std::move(account)};
  for (auto& door : private_endpoint(
           scope, {.name = "models", .resource = std::string(kModels), .group = "account", .zones = model_zones()}))
    resources.push_back(std::move(door));
  return resources;
}

graph::Resource model_deployment(const StackScope& scope, const ModelDeployment& deployment, const std::string& after) {
  const auto& choice = deployment.model;
  Value::Map model = {{"format", choice.format}, {"name", choice.name}};
  if (!choice.version.empty()) model.emplace_back("version", choice.version);
  auto made = make_resource(
      scope, model_node(deployment.name), kDeploymentType,
      model_account_name(scope) + "/" + model_deployment_name(deployment.name),
      Value::Map{{"sku", Value::Map{{"name", choice.sku}, {"capacity", choice.capacity}}},
                 {"properties",
                  Value::Map{{"model", std::move(model)}, {"versionUpgradeOption", "OnceNewDefaultVersionAvailable"}}}},
      deployment.service);
  made.because = "service `" + deployment.service + "` uses it";
  made.origin = deployment.origin;
  made.after.push_back({after, "an account takes one write at a time"});
  return made;
}

Value::Text model_base_url() { return {property_of(kModels, "properties.endpoint"), "openai/v1/"}; }

graph::Reference model_key() { return list_of(kModels, "listKeys", "key1"); }

ModelChoice choose_model(std::string_view deployment, std::string_view wanted, const ModelFacts* facts) {
  const auto name = bare_name(wanted);
  const auto candidates = candidates_for(name, facts);
  const auto says = [&](const Candidate& candidate) {
    if (equals_ignoring_case(candidate.name, name)) return std::string("by its name");
    if (candidate.is_wanted) return "for `" + std::string(wanted) + "`";
    return "in place of `" + std::string(wanted) + "`, which Azure does not offer" + (facts ? " here" : "");
  };
  if (!facts) return {.name = candidates.front().name, .version = {}, .reason = says(candidates.front()), .fault = {}};
  const auto live = facts->live.find(model_deployment_name(std::string(deployment)));
  if (live != facts->live.end()) {
    const auto kept = std::ranges::find_if(
        candidates, [&](const Candidate& one) { return equals_ignoring_case(one.name, live->second.name); });
    if (kept != candidates.end()) {
      const auto& [format, model, version, sku, capacity] = live->second;
      return {format, model, version, sku, capacity, says(*kept) + "; it is deployed already", ""};
    }
  }
  for (const auto& candidate : candidates)
    if (const auto* offer = offer_of(*facts, candidate.name))
      return {.format = offer->format,
              .name = offer->name,
              .version = offer->version,
              .sku = offer->sku,
              .capacity = std::min(kUsualCapacity, offer->free),
              .reason = says(candidate),
              .fault = {}};
  const bool embeds = alias_for(name).starts_with("embedding");
  return {.name = {}, .version = {}, .reason = {}, .fault = "offered here: " + offered_names(*facts, embeds)};
}

Value::Text model_endpoint() { return {property_of(kModels, "properties.endpoint")}; }

}  // namespace defang::providers
