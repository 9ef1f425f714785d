#include "deploy/survey.h"

#include <fmt/format.h>

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
  return facts;
}

}  // namespace defang::deploy
