#include "plan/detached.h"

#include <algorithm>
#include <array>
#include <set>

#include "plan/scope.h"
#include "providers/authorization.h"
#include "providers/container_registry.h"
#include "providers/managed_identity.h"
#include "support/text.h"

namespace defang::plan {
namespace {

using graph::Value;
using providers::StackScope;

constexpr std::string_view kJobType = "Microsoft.App/jobs";
constexpr std::string_view kIdentityType = "Microsoft.ManagedIdentity/userAssignedIdentities";
constexpr std::string_view kGroupType = "Microsoft.Resources/resourceGroups";
constexpr std::string_view kRoleType = "Microsoft.Authorization/roleAssignments";
constexpr auto kFirst =
    std::to_array<std::string_view>({providers::kGroup, providers::kRegistry, providers::kVault, providers::kStorage,
                                     providers::kStateContainer, providers::kUploadsContainer});
/// Longer than builds and servers take together; the platform ends what goes on after it.
constexpr int kLongestRunSeconds = 6 * 3600;

graph::Resource identity_of(const StackScope& scope) {
  auto identity =
      providers::make_resource(scope, kRunIdentity, kIdentityType, scope.name_for(kIdentityType, "run"), {});
  identity.because = "a run in Azure acts as it";
  identity.retention = graph::Retention::shared;
  return identity;
}

Value::List environment_of(const RunJobNeeds& needs) {
  Value::List variables = {
      Value::Map{{"name", "AZURE_CLIENT_ID"}, {"value", providers::property_of(kRunIdentity, "properties.clientId")}}};
  for (const auto& [name, value] : needs.environment) variables.push_back(Value::Map{{"name", name}, {"value", value}});
  return variables;
}

Value::Text image_of(const RunJobNeeds& needs) {
  if (needs.is_from_elsewhere) return {needs.image};
  return {providers::property_of(providers::kRegistry, "properties.loginServer"), "/" + needs.image};
}

bool is_role(const graph::Resource& resource) { return equals_ignoring_case(resource.type, kRoleType); }

/// What exists before the job does.
bool is_there_first(std::string_view node) { return std::ranges::find(kFirst, node) != kFirst.end(); }
bool is_about_first(const graph::Resource& role) { return role.is_outside() || is_there_first(role.scope); }

/// The roles, by GUID, of assignments whose scope only the job makes.
std::set<std::string> roles_left(const graph::ResourceGraph& graph) {
  std::set<std::string> guids;
  for (const auto& [id, node] : graph.nodes()) {
    const auto* resource = std::get_if<graph::Resource>(&node);
    if (resource == nullptr || !is_role(*resource) || is_about_first(*resource)) continue;
    const auto* definition = resource->body.find("properties")->find("roleDefinitionId")->get_if<Value::Text>();
    const auto& text = std::get<std::string>(definition->front());
    guids.insert(text.substr(text.rfind('/') + 1));
  }
  return guids;
}

enum class Registry { none, the_stacks };

graph::Resource job_of(const StackScope& scope, const RunJobNeeds& needs, Registry registry) {
  Value::Map configuration = {{"triggerType", "Manual"},
                              {"replicaTimeout", kLongestRunSeconds},
                              // A run that failed says so in its events: whoever reads them decides what comes next.
                              {"replicaRetryLimit", 0},
                              {"manualTriggerConfig", Value::Map{{"parallelism", 1}, {"replicaCompletionCount", 1}}}};
  if (registry == Registry::the_stacks)
    configuration.emplace_back(
        "registries",
        Value::List{Value::Map{{"server", providers::property_of(providers::kRegistry, "properties.loginServer")},
                               {"identity", providers::id_of(kRunIdentity)}}});
  Value::List arguments;
  for (const auto& argument : needs.arguments) arguments.emplace_back(argument);
  const Value container = Value::Map{{"name", "run"},
                                     {"image", image_of(needs)},
                                     {"args", std::move(arguments)},
                                     {"env", environment_of(needs)},
                                     {"resources", Value::Map{{"cpu", 0.5}, {"memory", "1Gi"}}}};
  const auto identity = scope.id_of(kIdentityType, scope.name_for(kIdentityType, "run")).text();
  auto job = providers::make_resource(
      scope, kRunJob, kJobType, scope.name_for(kJobType, "run"),
      Value::Map{{"identity", Value::Map{{"type", "UserAssigned"},
                                         {"userAssignedIdentities", Value::Map{{identity, Value(Value::Map{})}}}}},
                 {"properties", Value::Map{{"environmentId", providers::id_of(providers::kEnvironment)},
                                           {"workloadProfileName", "Consumption"},
                                           {"configuration", std::move(configuration)},
                                           {"template", Value::Map{{"containers", Value::List{container}}}}}}});
  job.because = "runs go on in it while nobody waits for them";
  job.retention = graph::Retention::shared;
  job.after = {{kRunIdentity, ""}, {kRunRole, "the image is pulled with it"}};
  return job;
}

void add_job(graph::ResourceGraph& graph, const StackScope& scope, const RunJobNeeds& needs) {
  const auto identity = identity_of(scope);
  const auto give = [&](const char* node, std::string_view about, azure::Role role) {
    graph.add(providers::identity_role(scope, node, *graph.resource(about), identity, role));
  };
  give(kRunRole, providers::kGroup, azure::Role::contributor);
  if (graph.find(providers::kDeployerRole)) give(kRunVaultRole, providers::kVault, azure::Role::key_vault_secrets_user);
  if (const auto left = roles_left(graph); !left.empty())
    graph.add(providers::granting_role(scope, kRunGrantRole, *graph.resource(providers::kGroup), identity, left));
  if (!needs.is_from_elsewhere && !graph.find(providers::kRegistry)) graph.add(providers::registry(scope));
  graph.add(identity);
  graph.add(job_of(scope, needs, graph.find(providers::kRegistry) ? Registry::the_stacks : Registry::none));
}

bool comes_first(const graph::Node& node) {
  if (const auto* resource = std::get_if<graph::Resource>(&node))
    return resource->id == kRunJob || (is_role(*resource) ? is_about_first(*resource) : is_there_first(resource->id));
  const auto* secret = std::get_if<graph::WriteSecret>(&std::get<graph::Action>(node).what);
  return secret != nullptr && std::holds_alternative<graph::FileRecipe>(secret->recipe);
}

}  // namespace

std::string run_job_name(const std::string& project, const Stack& stack) {
  return scope_of(project, stack).name_for(kJobType, "run");
}

std::string run_identity_name(const std::string& project, const Stack& stack) {
  return scope_of(project, stack).name_for(kIdentityType, "run");
}

azure::ResourceId run_grant_id(const std::string& project, const Stack& stack) {
  const auto scope = scope_of(project, stack);
  const auto group = providers::make_resource(scope, providers::kGroup, kGroupType, scope.group, {});
  const auto role = providers::granting_role(scope, kRunGrantRole, group, identity_of(scope), {});
  return azure::ResourceId::group(scope.subscription_id, scope.group).extension(role.type, role.name);
}

graph::ResourceGraph before_the_job(const graph::ResourceGraph& graph, const std::string& project, const Stack& stack,
                                    const RunJobNeeds& needs) {
  auto whole = graph;
  add_job(whole, scope_of(project, stack), needs);
  std::vector<std::string> pending;
  for (const auto& [id, node] : whole.nodes())
    if (comes_first(node)) pending.push_back(id);
  graph::ResourceGraph first;
  while (!pending.empty()) {
    const auto id = pending.back();
    pending.pop_back();
    if (first.find(id)) continue;
    std::visit([&](const auto& node) { first.add(node); }, *whole.find(id));
    for (const auto& edge : whole.edges_of(id)) pending.push_back(edge.node);
  }
  return first;
}

graph::ResourceGraph in_the_job(const graph::ResourceGraph& graph, const graph::ResourceGraph& first) {
  graph::ResourceGraph out;
  const bool has_own_roles = first.find(kRunVaultRole) || first.find(kRunGrantRole);
  for (const char* id : {kRunIdentity, kRunVaultRole, kRunGrantRole})
    if (has_own_roles && first.find(id)) out.add(*first.resource(id));
  const auto is_out_of_sight = [&](const graph::Edge& edge) {
    const auto* resource = graph.resource(edge.node);
    return resource != nullptr && resource->is_outside();
  };
  for (const auto& [id, node] : graph.nodes()) {
    if (const auto* resource = std::get_if<graph::Resource>(&node)) {
      if (resource->is_outside()) continue;
      auto added = *resource;
      std::erase_if(added.after, is_out_of_sight);
      if (is_role(added) && !is_about_first(added))
        added.after.push_back({kRunGrantRole, "the run must be allowed to give it"});
      out.add(std::move(added));
      continue;
    }
    auto action = std::get<graph::Action>(node);
    if (std::ranges::find(action.after, providers::kDeployerRole, &graph::Edge::node) != action.after.end())
      action.after.push_back({kRunVaultRole, "the run must be allowed to read config"});
    if (auto* write = std::get_if<graph::WriteSecret>(&action.what))
      if (const auto* file = std::get_if<graph::FileRecipe>(&write->recipe))
        write->recipe = graph::ConfigRecipe{file->path};
    out.add(std::move(action));
  }
  return out;
}

}  // namespace defang::plan
