#include "deploy/survey.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "azure/resource_id.h"
#include "azure/resource_types.h"
#include "rest/azure_error.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr std::string_view kProvidersVersion = "2024-03-01";
constexpr std::string_view kPermissionsVersion = "2022-04-01";
constexpr std::string_view kAssignRoles = "Microsoft.Authorization/roleAssignments/write";
/// Registration takes a few minutes at most (ARM-40); after that something is wrong with the subscription.
constexpr auto kRegistrationLimit = 10min;

std::string_view version_of(std::string_view type) {
  const auto* row = azure::find_resource_type(type);
  return row != nullptr ? row->api_version : "";
}

/// "Microsoft.App/*" against "microsoft.app/containerapps/read"; a star stands for anything.
bool matches(std::string_view pattern, std::string_view action) {
  if (pattern.empty()) return action.empty();
  if (pattern.front() == '*') {
    for (std::size_t skip = 0; skip <= action.size(); ++skip)
      if (matches(pattern.substr(1), action.substr(skip))) return true;
    return false;
  }
  return !action.empty() && pattern.front() == action.front() && matches(pattern.substr(1), action.substr(1));
}

bool any_matches(const Json& permission, const char* member, const std::string& action) {
  const auto patterns = permission.find(member);
  if (patterns == permission.end() || !patterns->is_array()) return false;
  for (const auto& pattern : *patterns)
    if (pattern.is_string() && matches(to_lower(pattern.get<std::string>()), to_lower(action))) return true;
  return false;
}

Result<std::string> registration_state(rest::ArmClient& arm, const std::string& subscription, const std::string& name,
                                       const char* method, const char* action, std::stop_token stop) {
  TRY_ASSIGN(const auto answer, arm.raw(method,
                                        fmt::format("/subscriptions/{}/providers/{}{}?api-version={}", subscription,
                                                    name, action, kProvidersVersion),
                                        "", stop));
  if (answer.status >= 300) {
    Error error = rest::error_of(answer);
    if (std::string_view(method) == "POST")
      error.help =
          fmt::format("somebody with rights on the subscription can run `az provider register --namespace {}`", name);
    return fail(std::move(error.during(fmt::format("registering the resource provider `{}`", name))));
  }
  const Json body = Json::parse(answer.body, nullptr, false);
  return body.is_object() ? body.value("registrationState", "") : "";
}

std::string text_at(const Json& json, const char* pointer) {
  const Json::json_pointer where(pointer);
  return json.contains(where) && json[where].is_string() ? json[where].get<std::string>() : "";
}

/// A list of a group that may not exist.
Result<std::vector<Json>> list_if_there(rest::ArmClient& arm, const std::string& path, std::string_view version,
                                        std::stop_token stop) {
  auto items = arm.list(path, std::string(version), stop);
  if (!items && (items.error().http_status == 404 || rest::means_absent(items.error()))) return std::vector<Json>{};
  return items;
}

graph::Value value_of(const Json& json) {
  if (json.is_boolean()) return json.get<bool>();
  if (json.is_number_integer()) return json.get<std::int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (json.is_array()) {
    graph::Value::List list;
    for (const auto& item : json) list.push_back(value_of(item));
    return list;
  }
  if (json.is_object()) {
    graph::Value::Map map;
    for (const auto& [key, item] : json.items()) map.emplace_back(key, value_of(item));
    return map;
  }
  return {};
}

/// App name -> its hostname bindings, where it has any (CA-130).
std::map<std::string, graph::Value> custom_domains(const std::vector<Json>& apps) {
  std::map<std::string, graph::Value> found;
  const Json::json_pointer where("/properties/configuration/ingress/customDomains");
  for (const auto& app : apps)
    if (app.contains(where) && app[where].is_array() && !app[where].empty())
      found[app.value("name", "")] = value_of(app[where]);
  return found;
}

std::set<std::string> config_names(const std::vector<Json>& secrets) {
  std::set<std::string> names;
  for (const auto& secret : secrets)
    if (secret.contains("tags") && secret["tags"].is_object() && secret["tags"].contains("defang-config"))
      names.insert(secret["tags"]["defang-config"].get<std::string>());
  return names;
}

}  // namespace

std::set<std::string> namespaces_of(const graph::ResourceGraph& graph) {
  std::set<std::string> names;
  for (const auto& [id, node] : graph.nodes()) {
    const auto* resource = std::get_if<graph::Resource>(&node);
    if (resource == nullptr) continue;
    const std::string name = resource->type.substr(0, resource->type.find('/'));
    // These two are always there.
    if (name != "Microsoft.Resources" && name != "Microsoft.Authorization") names.insert(name);
  }
  return names;
}

Result<void> register_providers(rest::ArmClient& arm, Clock& clock, const std::string& subscription,
                                const std::set<std::string>& namespaces,
                                const std::function<void(const std::string&)>& tell, std::stop_token stop) {
  std::vector<std::string> waiting;
  for (const auto& name : namespaces) {
    TRY_ASSIGN(auto state, registration_state(arm, subscription, name, "GET", "", stop));
    if (equals_ignoring_case(state, "Registered")) continue;
    if (!equals_ignoring_case(state, "Registering"))
      TRY(registration_state(arm, subscription, name, "POST", "/register", stop));
    waiting.push_back(name);
  }
  if (!waiting.empty())
    tell(fmt::format("registering resource providers, once for the subscription: {}", join(waiting, ", ")));
  const auto begin = clock.elapsed();
  auto pause = 1000ms;
  while (!waiting.empty()) {
    if (clock.elapsed() - begin > kRegistrationLimit) {
      Error error{.kind = Error::Kind::refused, .code = "provider-not-registered"};
      error.message = fmt::format("the resource provider `{}` is still not registered after {} minutes",
                                  waiting.front(), kRegistrationLimit.count());
      error.help =
          fmt::format("see `az provider show --namespace {}`; then run the same command again", waiting.front());
      return fail(std::move(error));
    }
    if (!clock.sleep_for(pause, stop)) return stopped();
    pause = std::min(pause * 2, 10000ms);
    TRY_ASSIGN(const auto state, registration_state(arm, subscription, waiting.back(), "GET", "", stop));
    if (equals_ignoring_case(state, "Registered")) waiting.pop_back();
  }
  return {};
}

bool allows(const std::vector<Json>& permissions, const std::string& action) {
  // Each entry is one role: what it allows minus what it takes out; one that allows is enough.
  for (const auto& permission : permissions)
    if (any_matches(permission, "actions", action) && !any_matches(permission, "notActions", action)) return true;
  return false;
}

Result<plan::Facts> survey(rest::ArmClient& arm, const plan::Stack& stack, const std::string& group,
                           const std::string& vault, const std::string& principal_id, std::stop_token stop) {
  plan::Facts facts;
  facts.principal_id = principal_id;
  const auto group_id = azure::ResourceId::group(stack.subscription_id, group);
  TRY_ASSIGN(const auto live_group,
             arm.get(group_id, std::string(version_of("Microsoft.Resources/resourceGroups")), stop));
  // Rights may end at the group; where it does not exist, whoever makes it needs them above.
  const std::string scope = live_group ? group_id.text() : fmt::format("/subscriptions/{}", stack.subscription_id);
  TRY_ASSIGN(const auto permissions, arm.list(scope + "/providers/Microsoft.Authorization/permissions",
                                              std::string(kPermissionsVersion), stop));
  facts.can_assign_roles = allows(permissions, std::string(kAssignRoles));
  if (!live_group) {
    facts.config_names.emplace();
    return facts;
  }
  TRY_ASSIGN(const auto apps, list_if_there(arm, group_id.text() + "/providers/Microsoft.App/containerApps",
                                            version_of("Microsoft.App/containerApps"), stop));
  facts.live_custom_domains = custom_domains(apps);
  TRY_ASSIGN(
      const auto secrets,
      list_if_there(arm, fmt::format("{}/providers/Microsoft.KeyVault/vaults/{}/secrets", group_id.text(), vault),
                    version_of("Microsoft.KeyVault/vaults/secrets"), stop));
  facts.config_names = config_names(secrets);
  for (const auto& secret : secrets)
    if (const auto server = text_at(secret, "/tags/defang-registry"); !server.empty())
      facts.registry_users[server] = {text_at(secret, "/tags/defang-registry-user")};
  return facts;
}

std::vector<providers::OfferedModel> offered_models(const std::vector<Json>& models, const std::vector<Json>& usages) {
  // AI-10: kinds of deployment by the token, the widest first.
  constexpr auto kSkus = std::to_array<std::string_view>({"GlobalStandard", "DataZoneStandard", "Standard"});
  std::map<std::string, std::int64_t> free;
  for (const auto& usage : usages)
    if (const auto name = text_at(usage, "/name/value"); !name.empty())
      free[name] = static_cast<std::int64_t>(usage.value("limit", 0.0) - usage.value("currentValue", 0.0));
  std::vector<providers::OfferedModel> offered;
  for (const auto& entry : models) {
    const auto& model = entry.contains("model") ? entry["model"] : entry;
    // AI-11: they are listed still, and refused.
    const auto state = text_at(model, "/lifecycleStatus");
    if (state == "Deprecating" || state == "Deprecated" || !model.contains("skus")) continue;
    for (const auto wanted : kSkus) {
      const auto& skus = model["skus"];
      const auto sku = std::ranges::find_if(skus, [&](const Json& one) { return text_at(one, "/name") == wanted; });
      if (sku == skus.end()) continue;
      const auto known = free.find(text_at(*sku, "/usageName"));
      providers::OfferedModel found{.format = text_at(model, "/format"),
                                    .name = text_at(model, "/name"),
                                    .version = text_at(model, "/version"),
                                    .is_default = model.value("isDefaultVersion", false),
                                    .embeds = text_at(model, "/capabilities/embeddings") == "true",
                                    .sku = std::string(wanted),
                                    .free = known == free.end() ? 0 : known->second};
      // An account of one kind lists what an account of the other does: each once.
      const auto same = [&](const providers::OfferedModel& other) {
        return other.name == found.name && other.version == found.version && other.format == found.format;
      };
      if (std::ranges::none_of(offered, same)) offered.push_back(std::move(found));
      if (known != free.end() && known->second > 0) break;
    }
  }
  return offered;
}

Result<std::optional<providers::ModelFacts>> survey_models(rest::ArmClient& arm, const plan::Stack& stack,
                                                           const std::string& group, const std::string& account,
                                                           std::stop_token stop) {
  const auto version = version_of("Microsoft.CognitiveServices/accounts");
  const auto base = fmt::format("/subscriptions/{}/providers/Microsoft.CognitiveServices", stack.subscription_id);
  const auto region = fmt::format("{}/locations/{}", base, stack.location);
  const auto models = arm.list(region + "/models", std::string(version), stop);
  if (!models) {
    // MissingSubscriptionRegistration, or a region without the service: the deployment itself will say.
    if (models.error().kind == Error::Kind::refused) return std::optional<providers::ModelFacts>();
    return std::unexpected(models.error());
  }
  TRY_ASSIGN(const auto usages, arm.list(region + "/usages", std::string(version), stop));
  TRY_ASSIGN(const auto deleted, list_if_there(arm, base + "/deletedAccounts", version, stop));
  const auto account_id =
      azure::ResourceId::resource(stack.subscription_id, group, "Microsoft.CognitiveServices/accounts", account);
  TRY_ASSIGN(const auto deployments, list_if_there(arm, account_id.text() + "/deployments", version, stop));
  providers::ModelFacts facts;
  facts.offered = offered_models(*models, usages);
  const auto tail = fmt::format("/resourceGroups/{}/deletedAccounts/{}", group, account);
  facts.account_is_deleted = std::ranges::any_of(
      deleted, [&](const Json& one) { return to_lower(text_at(one, "/id")).ends_with(to_lower(tail)); });
  for (const auto& one : deployments)
    facts.live[text_at(one, "/name")] = {text_at(one, "/properties/model/format"),
                                         text_at(one, "/properties/model/name"),
                                         text_at(one, "/properties/model/version"), text_at(one, "/sku/name"),
                                         one.value(Json::json_pointer("/sku/capacity"), std::int64_t{1})};
  return std::optional(std::move(facts));
}

namespace {

/// Of an answer that the caller has no right to, nothing.
Result<std::vector<Json>> list_if_allowed(rest::ArmClient& arm, const std::string& path, std::string_view version,
                                          std::stop_token stop) {
  auto items = arm.list(path, std::string(version), stop);
  if (!items && items.error().kind == Error::Kind::refused) return std::vector<Json>{};
  return items;
}

/// "List role assignments", Microsoft Learn: at the scope, above and below it.
std::string assignments_of(const std::string& scope, const std::string& principal) {
  return fmt::format("{}/providers/Microsoft.Authorization/roleAssignments?$filter=principalId%20eq%20'{}'", scope,
                     principal);
}

/// Whether a role given at `scope` is good at `id`: there or above it, "/" above all.
bool is_within(const std::string& id, const std::string& scope) {
  return scope == "/" || (!scope.empty() && (to_lower(id) + "/").starts_with(to_lower(scope) + "/"));
}

/// Whether somebody has given the identity its role on the registry, which is good for those who may not.
Result<bool> is_granted(rest::ArmClient& arm, const plan::SharedRegistry& registry, const std::string& principal,
                        std::stop_token stop) {
  if (principal.empty()) return false;
  TRY_ASSIGN(const auto roles, list_if_allowed(arm, assignments_of(registry.id, principal),
                                               version_of("Microsoft.Authorization/roleAssignments"), stop));
  const auto wanted = azure::guid_of(plan::pull_role(registry));
  return std::ranges::any_of(roles, [&](const Json& role) {
    return to_lower(text_at(role, "/properties/roleDefinitionId")).ends_with(wanted) &&
           equals_ignoring_case(text_at(role, "/properties/principalId"), principal) &&
           is_within(registry.id, text_at(role, "/properties/scope"));
  });
}

}  // namespace

Result<void> survey_registries(rest::ArmClient& arm, const std::string& project, const plan::Stack& stack,
                               const std::set<std::string>& servers, plan::Facts& facts, std::stop_token stop) {
  if (servers.empty()) return {};
  for (const auto& server : servers) facts.registries[server].reset();
  TRY_ASSIGN(
      const auto registries,
      list_if_allowed(
          arm, fmt::format("/subscriptions/{}/providers/Microsoft.ContainerRegistry/registries", stack.subscription_id),
          version_of("Microsoft.ContainerRegistry/registries"), stop));
  for (const auto& one : registries) {
    const auto found = facts.registries.find(to_lower(text_at(one, "/properties/loginServer")));
    const auto id = azure::ResourceId::parse(text_at(one, "/id"));
    if (found == facts.registries.end() || !id) continue;
    if (one.value(Json::json_pointer("/properties/anonymousPullEnabled"), false)) {
      facts.registries.erase(found);
      continue;
    }
    plan::SharedRegistry registry{
        .id = id->text(),
        .by_repository = text_at(one, "/properties/roleAssignmentMode") == "AbacRepositoryPermissions"};
    TRY_ASSIGN(const auto permissions,
               list_if_allowed(arm, registry.id + "/providers/Microsoft.Authorization/permissions", kPermissionsVersion,
                               stop));
    if (allows(permissions, std::string(kAssignRoles))) registry.pull = plan::SharedRegistry::Pull::can_be_granted;
    if (registry.pull == plan::SharedRegistry::Pull::refused) {
      TRY_ASSIGN(const auto identity,
                 arm.get(plan::pull_identity_id(project, stack),
                         std::string(version_of("Microsoft.ManagedIdentity/userAssignedIdentities")), stop));
      if (identity) facts.pull_principal_id = text_at(*identity, "/properties/principalId");
      TRY_ASSIGN(const bool granted, is_granted(arm, registry, facts.pull_principal_id, stop));
      if (granted) registry.pull = plan::SharedRegistry::Pull::granted;
    }
    found->second = std::move(registry);
  }
  return {};
}

plan::Facts facts_of(const StackView& view, const std::string& principal_id) {
  plan::Facts facts;
  facts.principal_id = principal_id;
  facts.can_assign_roles = view.record && view.record->can_assign_roles;
  facts.live_custom_domains = custom_domains(view.apps);
  if (view.record) facts.registries = view.record->registries;
  facts.config_names.emplace();
  for (const auto& secret : view.secrets)
    if (!secret.config.empty()) facts.config_names->insert(secret.config);
  for (const auto& secret : view.secrets)
    if (!secret.registry.empty()) facts.registry_users[secret.registry] = {secret.registry_user};
  return facts;
}

}  // namespace defang::deploy
