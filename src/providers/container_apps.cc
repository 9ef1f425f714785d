#include "providers/container_apps.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "providers/diagnostics.h"
#include "providers/managed_identity.h"
#include "support/text.h"

namespace defang::providers {
namespace {

using graph::Value;

constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr std::string_view kJobType = "Microsoft.App/jobs";
constexpr std::string_view kEnvironmentType = "Microsoft.App/managedEnvironments";
constexpr std::int64_t kMostReplicas = 1000;        // CA-40
constexpr std::int64_t kLongestGraceSeconds = 600;  // CA-36
constexpr int kJobTimeoutSeconds = 3600;            // CA-140
constexpr std::string_view kRegistrySecret = "registry-password";

Value::List words(const std::vector<std::string>& texts) {
  Value::List list;
  for (const auto& text : texts) list.push_back(text);
  return list;
}

// --- identities: used by the platform for the app, never offered to its containers ---

std::vector<graph::Resource> identities_of(const StackScope& scope, const Workload& workload) {
  std::vector<graph::Resource> identities;
  if (workload.is_built && scope.can_assign_roles) identities.push_back(pull_identity(scope));
  if (!workload.secrets.empty() || (workload.is_built && !scope.can_assign_roles))
    identities.push_back(secrets_identity(scope));
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
    settings.push_back(Value::Map{{"identity", id_of(identity.id)}, {"lifecycle", "None"}});
  return settings;
}

// --- configuration that apps and jobs have in common ---

Value::List registries(const StackScope& scope) {
  Value::Map registry = {{"server", property_of(kRegistry, "properties.loginServer")}};
  if (scope.can_assign_roles) {
    registry.emplace_back("identity", id_of(kPullIdentity));  // CA-95
  } else {
    registry.emplace_back("username", graph::Reference{std::string(kRegistry), graph::Reference::Kind::name, "", ""});
    registry.emplace_back("passwordSecretRef", kRegistrySecret);
  }
  return {std::move(registry)};
}

Value::List secrets(const StackScope& scope, const Workload& workload) {
  auto secrets = workload.secrets;
  if (workload.is_built && !scope.can_assign_roles)
    secrets.push_back(Value::Map{{"name", kRegistrySecret},
                                 {"keyVaultUrl", output_of(kRegistryPassword, "secretUri")},
                                 {"identity", id_of(kSecretsIdentity)}});
  return secrets;
}

void add_common_configuration(const StackScope& scope, const Workload& workload, Value::Map& configuration) {
  if (auto list = secrets(scope, workload); !list.empty()) configuration.emplace_back("secrets", std::move(list));
  if (workload.is_built) configuration.emplace_back("registries", registries(scope));
  if (auto list = identity_settings(scope, workload); !list.empty())
    configuration.emplace_back("identitySettings", std::move(list));
}

// --- template ---

constexpr std::string_view kSecretsFolder = "/run/secrets";

Value::List volumes(const Workload& workload) {
  Value::List list;
  for (std::size_t i = 0; i < workload.scratch_folders.size(); ++i)
    list.push_back(Value::Map{{"name", fmt::format("scratch-{}", i + 1)}, {"storageType", "EmptyDir"}});
  if (!workload.secret_files.empty())
    list.push_back(Value::Map{{"name", "secrets"}, {"storageType", "Secret"}, {"secrets", workload.secret_files}});
  return list;
}

Value::List volume_mounts(const Workload& workload) {
  Value::List list;
  for (std::size_t i = 0; i < workload.scratch_folders.size(); ++i)
    list.push_back(
        Value::Map{{"volumeName", fmt::format("scratch-{}", i + 1)}, {"mountPath", workload.scratch_folders[i]}});
  if (!workload.secret_files.empty())
    list.push_back(Value::Map{{"volumeName", "secrets"}, {"mountPath", kSecretsFolder}});
  return list;
}

Value container(const Workload& workload) {
  Value::Map container = {{"name", workload.name}, {"image", workload.image}};
  // CA-33: `command` is Docker's entry point, `args` its command.
  if (!workload.entrypoint.empty()) container.emplace_back("command", words(workload.entrypoint));
  if (!workload.arguments.empty()) container.emplace_back("args", words(workload.arguments));
  if (!workload.environment.empty()) container.emplace_back("env", workload.environment);
  container.emplace_back("resources", Value::Map{{"cpu", workload.size.cpus()}, {"memory", workload.size.memory()}});
  if (!workload.probes.empty()) container.emplace_back("probes", workload.probes);
  if (auto mounts = volume_mounts(workload); !mounts.empty()) container.emplace_back("volumeMounts", std::move(mounts));
  return container;
}

Value::Map common_template(const Workload& workload) {
  Value::Map body = {{"containers", Value::List{container(workload)}}};
  if (auto list = volumes(workload); !list.empty()) body.emplace_back("volumes", std::move(list));
  return body;
}

/// CA-41: without HTTP nothing ever wakes an app that scaled to zero, so there is always one replica.
Value scale(const Workload& workload, Diagnostics& diagnostics) {
  const auto& replicas = workload.service->replicas;
  std::int64_t count = replicas ? replicas->value : 1;
  if (count == 0 && workload.ingress.kind == Ingress::Kind::http) {
    diagnostics.add(zero_replicas_wake_up(workload.service->name, replicas->span));
    return Value::Map{{"minReplicas", 0}, {"maxReplicas", 1}};
  }
  if (count < 1 || count > kMostReplicas) {
    diagnostics.add(replicas_out_of_range(workload.service->name, *replicas, kMostReplicas));
    count = 1;
  }
  return Value::Map{{"minReplicas", count}, {"maxReplicas", count}};
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
  for (const auto& identity : identities_of(scope, workload)) resource.after.push_back({identity.id, ""});
  if (!scope.can_assign_roles) return;
  if (workload.is_built) resource.after.push_back({std::string(kPullRole), "its identity must be allowed to pull"});
  if (!workload.secrets.empty())
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

}  // namespace

graph::Resource environment(const StackScope& scope) {
  const auto name = scope.name_for(kEnvironmentType);
  // Sent or not decides the kind for ever (CA-1). The infrastructure group is named, so that `down` knows it (CA-7).
  auto environment = make_resource(
      scope, kEnvironment, kEnvironmentType, name,
      Value::Map{
          {"properties",
           Value::Map{
               {"workloadProfiles",
                Value::List{Value::Map{{"name", "Consumption"}, {"workloadProfileType", "Consumption"}}}},
               {"vnetConfiguration", Value::Map{{"infrastructureSubnetId", id_of(kAppsSubnet)}, {"internal", false}}},
               {"infrastructureResourceGroup", scope.infrastructure_group()},
               {"appLogsConfiguration",
                Value::Map{{"destination", "log-analytics"},
                           {"logAnalyticsConfiguration",
                            Value::Map{{"customerId", property_of(kWorkspace, "properties.customerId")},
                                       {"sharedKey", list_of(kWorkspace, "sharedKeys", "primarySharedKey")}}}}}}}});
  environment.because = "all services run there";
  environment.retention = graph::Retention::shared;
  return environment;
}

graph::Resource container_app(const StackScope& scope, const Workload& workload, Diagnostics& diagnostics) {
  Value::Map configuration = {{"activeRevisionsMode", "Single"}};
  if (workload.ingress.kind != Ingress::Kind::none) {
    auto ingress = to_value(workload.ingress);
    // CA-130: what is not sent back is unbound.
    if (workload.custom_domains && workload.ingress.is_public_http())
      ingress.set("customDomains", *workload.custom_domains);
    configuration.emplace_back("ingress", std::move(ingress));
  }
  add_common_configuration(scope, workload, configuration);

  auto app_template = common_template(workload);
  app_template.emplace_back("scale", scale(workload, diagnostics));
  add_grace_period(workload, app_template, diagnostics);

  Value::Map body;
  add_identity(scope, workload, body);
  body.emplace_back("properties", Value::Map{{"environmentId", id_of(kEnvironment)},
                                             {"workloadProfileName", "Consumption"},
                                             {"configuration", std::move(configuration)},
                                             {"template", std::move(app_template)}});
  return finish(scope, workload, kAppType, std::move(body));
}

graph::Resource job(const StackScope& scope, const Workload& workload, Diagnostics& diagnostics) {
  note_what_jobs_lack(*workload.service, diagnostics);
  Value::Map configuration = {
      {"triggerType", "Manual"},
      {"replicaTimeout", kJobTimeoutSeconds},
      {"replicaRetryLimit", retries_of(*workload.service)},
      {"manualTriggerConfig", Value::Map{{"parallelism", 1}, {"replicaCompletionCount", 1}}},
  };
  add_common_configuration(scope, workload, configuration);

  Value::Map body;
  add_identity(scope, workload, body);
  body.emplace_back("properties", Value::Map{{"environmentId", id_of(kEnvironment)},
                                             {"workloadProfileName", "Consumption"},
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
