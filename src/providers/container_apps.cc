#include "providers/container_apps.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "azure/location.h"
#include "azure/names.h"
#include "azure/resource_types.h"
#include "providers/container_apps_scale.h"
#include "providers/diagnostics.h"
#include "providers/managed_identity.h"
#include "support/text.h"

namespace defang::providers {
namespace {

using graph::Value;

constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr std::string_view kJobType = "Microsoft.App/jobs";
constexpr std::string_view kStorageType = "Microsoft.App/managedEnvironments/storages";
constexpr std::string_view kEnvironmentType = "Microsoft.App/managedEnvironments";
constexpr std::int64_t kLongestGraceSeconds = 600;  // CA-36
constexpr int kJobTimeoutSeconds = 3600;            // CA-140
constexpr int kMostMachines = 20;
constexpr std::string_view kRegistrySecret = "registry-password";

// --- identities: used by the platform for the app, and all but the data identity never offered to its containers ---

bool is_built(const Workload& workload) {
  return workload.is_built || std::ranges::any_of(workload.sidecars, &Workload::is_built);
}

bool pulls_as_itself(const Workload& workload) {
  return std::ranges::any_of(workload.registries, [](const Value& one) { return one.find("identity") != nullptr; }) ||
         std::ranges::any_of(workload.sidecars, pulls_as_itself);
}

bool has_secrets(const Workload& workload) {
  return !workload.secrets.empty() ||
         std::ranges::any_of(workload.sidecars, [](const Workload& sidecar) { return !sidecar.secrets.empty(); });
}

bool signs_in(const Workload& workload) {
  return workload.signs_in || std::ranges::any_of(workload.sidecars, &Workload::signs_in);
}

std::vector<graph::Resource> identities_of(const StackScope& scope, const Workload& workload) {
  std::vector<graph::Resource> identities;
  if ((is_built(workload) && scope.can_assign_roles) || pulls_as_itself(workload))
    identities.push_back(pull_identity(scope));
  if (has_secrets(workload) || (is_built(workload) && !scope.can_assign_roles))
    identities.push_back(secrets_identity(scope));
  if (signs_in(workload)) identities.push_back(data_identity(scope));
  return identities;
}

void add_identity(const StackScope& scope, const Workload& workload, Value::Map& body) {
  Value::Map ids;
  for (const auto& identity : identities_of(scope, workload))
    ids.emplace_back(identity_id(scope, identity), Value(Value::Map{}));
  if (!ids.empty())
    body.emplace_back("identity", Value::Map{{"type", "UserAssigned"}, {"userAssignedIdentities", std::move(ids)}});
}

Value::List identity_settings(const StackScope& scope, const Workload& workload) {
  Value::List settings;
  for (const auto& identity : identities_of(scope, workload))
    settings.push_back(
        Value::Map{{"identity", id_of(identity.id)}, {"lifecycle", identity.id == kDataIdentity ? "Main" : "None"}});
  return settings;
}

// --- configuration that apps and jobs have in common ---

Value own_registry(const StackScope& scope) {
  Value::Map registry = {{"server", property_of(kRegistry, "properties.loginServer")}};
  if (scope.can_assign_roles) {
    registry.emplace_back("identity", id_of(kPullIdentity));  // CA-95
  } else {
    registry.emplace_back("username", graph::Reference{std::string(kRegistry), graph::Reference::Kind::name, "", ""});
    registry.emplace_back("passwordSecretRef", kRegistrySecret);
  }
  return registry;
}

Value::List registries(const StackScope& scope, const Workload& workload) {
  Value::List list;
  if (is_built(workload)) list.push_back(own_registry(scope));
  const auto add = [&](const Workload& one) {
    for (const auto& registry : one.registries)
      if (std::ranges::find(list, registry) == list.end()) list.push_back(registry);
  };
  add(workload);
  for (const auto& sidecar : workload.sidecars) add(sidecar);
  return list;
}

Value::List secrets(const StackScope& scope, const Workload& workload) {
  auto secrets = workload.secrets;
  for (const auto& sidecar : workload.sidecars)
    for (const auto& secret : sidecar.secrets)
      if (std::ranges::find(secrets, secret) == secrets.end()) secrets.push_back(secret);
  if (is_built(workload) && !scope.can_assign_roles)
    secrets.push_back(Value::Map{{"name", kRegistrySecret},
                                 {"keyVaultUrl", output_of(kRegistryPassword, "secretUri")},
                                 {"identity", id_of(kSecretsIdentity)}});
  return secrets;
}

void add_common_configuration(const StackScope& scope, const Workload& workload, Value::Map& configuration) {
  if (auto list = secrets(scope, workload); !list.empty()) configuration.emplace_back("secrets", std::move(list));
  if (auto list = registries(scope, workload); !list.empty()) configuration.emplace_back("registries", std::move(list));
  if (auto list = identity_settings(scope, workload); !list.empty())
    configuration.emplace_back("identitySettings", std::move(list));
}

// --- template ---

Value container(const Workload& workload) {
  Value::Map container = {{"name", workload.name}, {"image", workload.image}};
  // CA-33: `command` is Docker's entry point, `args` its command.
  if (!workload.entrypoint.empty()) container.emplace_back("command", workload.entrypoint);
  if (!workload.arguments.empty()) container.emplace_back("args", workload.arguments);
  if (!workload.environment.empty()) container.emplace_back("env", workload.environment);
  container.emplace_back("resources", Value::Map{{"cpu", workload.size.cpus()}, {"memory", workload.size.memory()}});
  if (!workload.probes.empty()) container.emplace_back("probes", workload.probes);
  if (!workload.mounts.empty()) container.emplace_back("volumeMounts", workload.mounts);
  return container;
}

Value::Map common_template(const Workload& workload) {
  Value::List containers = {container(workload)};
  auto volumes = workload.volumes;
  for (const auto& sidecar : workload.sidecars) {
    containers.push_back(container(sidecar));
    for (const auto& volume : sidecar.volumes)
      if (std::ranges::find(volumes, volume) == volumes.end()) volumes.push_back(volume);
  }
  Value::Map body = {{"containers", std::move(containers)}};
  Value::List before;
  for (const auto& init : workload.init_containers) before.push_back(container(init));
  if (!before.empty()) body.emplace_back("initContainers", std::move(before));
  if (!volumes.empty()) body.emplace_back("volumes", std::move(volumes));
  return body;
}

void add_grace_period(const Workload& workload, Value::Map& body, Diagnostics& diagnostics) {
  const auto& grace = workload.service->stop_grace_period;
  if (!grace) return;
  auto seconds = std::chrono::ceil<std::chrono::seconds>(grace->value).count();
  if (seconds > kLongestGraceSeconds) {
    diagnostics.add(grace_period_cut(workload.service->name, kLongestGraceSeconds, grace->span));
    seconds = kLongestGraceSeconds;
  }
  body.emplace_back("terminationGracePeriodSeconds", std::max<std::int64_t>(seconds, 0));
}

void add_needs(const StackScope& scope, const Workload& workload, graph::Resource& resource) {
  constexpr const char* kMayPull = "its identity must be allowed to pull";
  for (const auto& identity : identities_of(scope, workload)) resource.after.push_back({identity.id, ""});
  auto pull_roles = workload.pull_roles;
  for (const auto& sidecar : workload.sidecars) pull_roles.insert(sidecar.pull_roles.begin(), sidecar.pull_roles.end());
  for (const auto& role : pull_roles) resource.after.push_back({role, kMayPull});
  if (!scope.can_assign_roles) return;
  if (is_built(workload)) resource.after.push_back({std::string(kPullRole), kMayPull});
  if (has_secrets(workload))
    resource.after.push_back({std::string(kSecretsRole), "its identity must be allowed to read secrets"});
}

/// A job has no probes, no replicas to count and no grace period.
void note_what_jobs_lack(const compose::Service& service, Diagnostics& diagnostics) {
  if (service.replicas) diagnostics.add(not_for_jobs(service.name, "deploy.replicas", service.replicas->span));
  if (service.healthcheck && !service.healthcheck->disabled)
    diagnostics.add(not_for_jobs(service.name, "healthcheck", service.healthcheck->span));
  if (service.stop_grace_period)
    diagnostics.add(not_for_jobs(service.name, "stop_grace_period", service.stop_grace_period->span));
}

graph::Resource finish(const StackScope& scope, const Workload& workload, std::string_view type, Value::Map body) {
  auto resource = make_resource(scope, workload.node, type, workload.name, std::move(body), workload.service->name);
  resource.origin = workload.service->span;
  resource.because = "service `" + workload.service->name + "`";
  add_needs(scope, workload, resource);
  return resource;
}

/// CA-1, CA-13. Machines of one's own are at least one, and as many as the services' replicas could fill, twice: while
/// a revision takes over from another both run.
Value::List workload_profiles(const EnvironmentNeeds& needs) {
  Value::List profiles = {Value::Map{{"name", "Consumption"}, {"workloadProfileType", "Consumption"}}};
  for (const auto& [name, use] : needs.profiles) {
    const auto& [profile, replicas] = use;
    Value::Map body = {{"name", profile->name}, {"workloadProfileType", profile->type}};
    if (!profile->type.starts_with("Consumption")) {
      body.emplace_back("minimumCount", 1);
      body.emplace_back("maximumCount", std::min(2 * replicas, kMostMachines));
    }
    profiles.push_back(std::move(body));
  }
  return profiles;
}

}  // namespace

graph::Resource environment(const StackScope& scope, const EnvironmentNeeds& needs) {
  const auto name = scope.name_for(kEnvironmentType);
  Value::Map body;
  const bool reads_vault = needs.mounts_shares;
  const auto identity = secrets_identity(scope);
  if (reads_vault)
    body.emplace_back("identity", Value::Map{{"type", "UserAssigned"},
                                             {"userAssignedIdentities",
                                              Value::Map{{identity_id(scope, identity), Value(Value::Map{})}}}});
  // Sent or not decides the kind for ever (CA-1). The infrastructure group is named, so that `down` knows it (CA-7).
  body.emplace_back(
      "properties",
      Value::Map{{"workloadProfiles", workload_profiles(needs)},
                 {"vnetConfiguration", Value::Map{{"infrastructureSubnetId", id_of(kAppsSubnet)}, {"internal", false}}},
                 {"infrastructureResourceGroup", scope.infrastructure_group()},
                 {"appLogsConfiguration",
                  Value::Map{{"destination", "log-analytics"},
                             {"logAnalyticsConfiguration",
                              Value::Map{{"customerId", property_of(kWorkspace, "properties.customerId")},
                                         {"sharedKey", list_of(kWorkspace, "sharedKeys", "primarySharedKey")}}}}}});
  auto environment = make_resource(scope, kEnvironment, kEnvironmentType, name, std::move(body));
  environment.because = "all services run there";
  environment.retention = graph::Retention::shared;
  if (reads_vault) environment.after.push_back({identity.id, ""});
  return environment;
}

std::string environment_storage_name(const std::string& share, ShareAccess access) {
  const auto wanted = access == ShareAccess::read_only ? share + "-ro" : share;
  return azure::legal_name(*azure::find_resource_type(kStorageType), wanted, wanted);
}

graph::Resource environment_storage(const StackScope& scope, std::string_view node, std::string_view share_node,
                                    const std::string& share, ShareProtocol protocol, ShareAccess access) {
  const auto account = std::string(file_account_node(protocol));
  const graph::Reference account_name{account, graph::Reference::Kind::name, "", ""};
  const Value mode = access == ShareAccess::read_only ? "ReadOnly" : "ReadWrite";
  Value::Map properties;
  if (protocol == ShareProtocol::nfs)
    properties.emplace_back(
        "nfsAzureFile",
        Value::Map{{"server", Value::Text{account_name, ".file." + std::string(azure::storage_suffix(scope.location))}},
                   {"shareName", Value::Text{"/", account_name, "/" + share}},
                   {"accessMode", mode}});
  else
    properties.emplace_back("azureFile", Value::Map{{"accountName", account_name},
                                                    {"accountKeyVaultProperties",
                                                     Value::Map{{"identity", id_of(kSecretsIdentity)},
                                                                {"keyVaultUrl", output_of(kFilesKey, "secretUri")}}},
                                                    {"shareName", share},
                                                    {"accessMode", mode}});
  auto storage = make_resource(scope, node, kStorageType,
                               scope.name_for(kEnvironmentType) + "/" + environment_storage_name(share, access),
                               Value::Map{{"properties", std::move(properties)}});
  storage.after.push_back({std::string(kEnvironment), ""});
  storage.after.push_back({std::string(share_node), "the share must exist"});
  if (protocol == ShareProtocol::smb && scope.can_assign_roles)
    storage.after.push_back({std::string(kSecretsRole), "the environment must be allowed to read the key"});
  return storage;
}

Value scratch_volume(const std::string& name) { return Value::Map{{"name", name}, {"storageType", "EmptyDir"}}; }

Value share_volume(const std::string& name, const std::string& storage, ShareProtocol protocol) {
  if (protocol == ShareProtocol::nfs)
    return Value::Map{{"name", name}, {"storageType", "NfsAzureFile"}, {"storageName", storage}};
  // CA-114: everyone may write, links are kept as files, locks stay in the container.
  return Value::Map{{"name", name},
                    {"storageType", "AzureFile"},
                    {"storageName", storage},
                    {"mountOptions", "dir_mode=0777,file_mode=0777,mfsymlinks,nobrl"}};
}

Value secret_volume(const std::string& name, Value::List files) {
  return Value::Map{{"name", name}, {"storageType", "Secret"}, {"secrets", std::move(files)}};
}

Value volume_mount(const std::string& volume, const std::string& path, const std::string& sub_path) {
  Value::Map mount = {{"volumeName", volume}, {"mountPath", path}};
  if (!sub_path.empty()) mount.emplace_back("subPath", sub_path);
  return mount;
}

graph::Resource container_app(const StackScope& scope, const Workload& workload, Diagnostics& diagnostics) {
  // What a body leaves out becomes 100 in a first write and null in a repeated one (recorded): said, it is the same
  // after a write whose answer was lost. CA-39.
  Value::Map configuration = {{"activeRevisionsMode", "Single"}, {"maxInactiveRevisions", std::int64_t{100}}};
  if (workload.ingress.kind != Ingress::Kind::none) {
    auto ingress = to_value(workload.ingress);
    // CA-130: what is not sent back is unbound.
    if (workload.custom_domains && workload.ingress.is_public_http())
      ingress.set("customDomains", *workload.custom_domains);
    configuration.emplace_back("ingress", std::move(ingress));
  }
  add_common_configuration(scope, workload, configuration);

  auto app_template = common_template(workload);
  app_template.emplace_back("scale", scale(*workload.service, workload.ingress, diagnostics));
  add_grace_period(workload, app_template, diagnostics);

  Value::Map body;
  add_identity(scope, workload, body);
  body.emplace_back("properties", Value::Map{{"environmentId", id_of(kEnvironment)},
                                             {"workloadProfileName", workload.size.profile_name()},
                                             {"configuration", std::move(configuration)},
                                             {"template", std::move(app_template)}});
  return finish(scope, workload, kAppType, std::move(body));
}

graph::Resource job(const StackScope& scope, const Workload& workload, Diagnostics& diagnostics) {
  note_what_jobs_lack(*workload.service, diagnostics);
  const bool scheduled = !workload.schedule.empty();
  Value::Map once = {{"parallelism", 1}, {"replicaCompletionCount", 1}};
  if (scheduled) once.emplace_back("cronExpression", workload.schedule);
  Value::Map configuration = {{"triggerType", scheduled ? "Schedule" : "Manual"},
                              {"replicaTimeout", kJobTimeoutSeconds},
                              {"replicaRetryLimit", retries_of(*workload.service)},
                              {scheduled ? "scheduleTriggerConfig" : "manualTriggerConfig", std::move(once)}};
  add_common_configuration(scope, workload, configuration);

  Value::Map body;
  add_identity(scope, workload, body);
  body.emplace_back("properties", Value::Map{{"environmentId", id_of(kEnvironment)},
                                             {"workloadProfileName", workload.size.profile_name()},
                                             {"configuration", std::move(configuration)},
                                             {"template", common_template(workload)}});
  return finish(scope, workload, kJobType, std::move(body));
}

int retries_of(const compose::Service& service) {
  constexpr std::string_view kPrefix = "on-failure:";
  if (!service.restart || !service.restart->value.starts_with(kPrefix)) return 0;
  const auto count = to_number(std::string_view(service.restart->value).substr(kPrefix.size()));
  return count ? static_cast<int>(std::min<std::uint64_t>(*count, 100)) : 0;
}

}  // namespace defang::providers
