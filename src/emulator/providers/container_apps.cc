#include "emulator/providers/container_apps.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/providers/container_app_bodies.h"
#include "emulator/providers/custom_domains.h"
#include "emulator/providers/resource_identity.h"
#include "emulator/regions.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr std::string_view kWritten = "container-app-written";
constexpr std::string_view kStep = "container-app-step";
// A revision shows up a little after the write that asks for it (CA-47).
constexpr double kRevisionSeconds = 2;

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  const Json* found = find_member(object, name);
  return found ? *found : kNull;
}

const Json& list(const Json& object, std::string_view name) {
  static const Json kEmpty = Json::array();
  const Json& value = member(object, name);
  return value.is_array() ? value : kEmpty;
}

std::string region_of(const Json& body) { return region_name(text_at(body, "location")); }

// ---------------------------------------------------------------------------------------------------- writes

AppFacts facts_of(const Write& write, const Resource& environment) {
  const Json* ingress = find_path(write.next.body, "properties.configuration.ingress");
  const std::string domain = text_at(environment.body, "properties.defaultDomain");
  AppFacts facts{.environment_id = environment.id,
                 .verification_id = verification_id(write.core),
                 .event_stream = event_stream(write.core, write.path, "containerApps"),
                 .outbound_addresses = Json::array({text_at(environment.body, "properties.staticIp")}),
                 .is_new = write.existing == nullptr};
  if (ingress != nullptr && ingress->is_object())
    facts.fqdn = fmt::format("{}.{}{}", write.path.name(), true_at(*ingress, "external") ? "" : "internal.", domain);
  return facts;
}

std::optional<Answer> check_app_body(Write& write, const Resource& environment) {
  AppSurroundings around = surroundings_of(write.core, environment, write.next.id);
  around.name = write.path.name();
  around.identity = member(write.next.body, "identity");
  const std::string present =
      write.existing ? text_at(write.existing->body, "properties.template.revisionSuffix") : std::string();
  const Json* before = write.existing ? find_path(write.existing->body, "properties.template") : nullptr;
  const Json after = app_properties(write.next.properties(), {})["template"];
  for (const auto& [suffix, used] : member(write.next.hidden, "suffixes").items())
    if (suffix != present || before == nullptr || !same_template(*before, after))
      around.used_revision_suffixes.insert(suffix);
  Verdict verdict = check_app(write.next.properties(), around);
  write.notes = std::move(verdict.notes);
  return refuse(verdict.refusal);
}

/// The revision names and running status stay what they are through a write.
void carry_over(const Resource* existing, Json& properties) {
  if (existing == nullptr) return;
  for (std::string_view name : {"runningStatus", "latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn"})
    if (const Json& value = member(existing->properties(), name); !value.is_null())
      properties[std::string(name)] = value;
}

std::optional<Answer> write_app(Write& write, AppKeeper& keeper) {
  if (write.existing != nullptr && write.core.operation_running(text_at(write.existing->hidden, "operation")))
    return arm_error(
        409, "ContainerAppOperationInProgress",  // CA-48
        fmt::format("Cannot modify the container app '{}' because there is an active provisioning operation in "
                    "progress. Please retry later.",
                    write.path.name()));
  const auto properties = [&write]() -> Json& { return write.next.properties(); };
  if (properties().is_null()) properties() = Json::object();
  read_numbers(properties());
  const FoundEnvironment found = find_environment(write.core, properties());
  if (found.refusal) return found.refusal;
  if (!write.next.body.contains("identity")) write.next.body["identity"] = {{"type", "None"}};
  if (auto refusal = complete_identity(write, IdentitySpelling::upper_camel)) return refusal;
  const Json secrets = secrets_to_keep(write);
  properties()["configuration"]["secrets"] = secrets;
  if (auto refusal = check_app_body(write, *found.environment)) return refusal;
  if (auto refusal = check_custom_domains(write, *found.environment)) return refusal;
  write.next.hidden["secrets"] = secrets;

  const AppFacts facts = facts_of(write, *found.environment);
  const Json sent = properties();
  write.next.hidden["first"] = app_first_answer(sent, facts);
  properties() = app_properties(sent, facts);
  carry_over(write.existing, properties());
  write.next.body["location"] = display_name(region_of(write.next.body));
  // CA-91: a vault secret that the identity cannot read is refused at once.
  if (const auto values = keeper.secrets_of(write.next); !values)
    return arm_error(400, values.error().code, values.error().message);

  write.held = true;
  write.next.hidden["write"] = {{"at", write.core.now_ms()}, {"least", write.patch ? 14 : 12}};
  write.core.schedule(kWritten, kRevisionSeconds, {{"app", write.next.id}, {"operation", write.operation}});
  return std::nullopt;
}

Json show_app(const Resource& app, View view) {
  if (view != View::first_answer || !app.hidden.contains("first")) return app.body;
  Json body = app.body;
  body["properties"] = app.hidden["first"];
  return body;
}

/// Steps the app until its operation has ended: about once a second of Azure's time at first, less often where it takes
/// long.
void step_until_done(Core& core, AppKeeper& keeper, Json payload) {
  const std::string app = text_at(payload, "app");
  if (core.store().find(app) == nullptr) return;
  keeper.step_app(app);
  if (!core.operation_running(text_at(payload, "operation"))) return;
  const int steps = payload.value("steps", 0) + 1;
  payload["steps"] = steps;
  const double shortest = std::min(0.25, 0.02 + 0.005 * steps);  // seconds of ours
  core.schedule(kStep, std::max(1.0, core.options().time_scale > 0 ? shortest / core.options().time_scale : 1),
                payload);
}

void app_written(Core& core, AppKeeper& keeper, const Json& payload) {
  const Resource* app = core.store().find(text_at(payload, "app"));
  if (app == nullptr || text_at(app->hidden, "operation") != text_at(payload, "operation")) return;
  keeper.ensure_revision(app->id);
  step_until_done(core, keeper, payload);
}

// ---------------------------------------------------------------------------------------------------- actions

Answer list_secrets(const Context& context, AppKeeper& keeper) {
  const auto values = keeper.secrets_of(*context.existing);
  Json shown = Json::array();
  for (const Json& secret : list(context.existing->hidden, "secrets")) {
    Json entry = {{"name", text_at(secret, "name")}};
    const std::string url = text_at(secret, "keyVaultUrl");
    if (!url.empty()) {
      entry["keyVaultUrl"] = url;
      entry["identity"] = text_at(secret, "identity");
    }
    if (values && values->contains(text_at(secret, "name")))
      entry["value"] = values->at(text_at(secret, "name")).reveal();
    shown.push_back(std::move(entry));
  }
  return json_answer(200, {{"value", std::move(shown)}});
}

Answer set_running(const Context& context, AppKeeper& keeper, std::string_view status) {
  const std::string id = context.existing->id;
  context.core.store().edit(id).properties()["runningStatus"] = status;
  if (status == "Stopped")
    for (const Resource* replica : keeper.replicas_of(id)) context.core.remove_resource(std::string(replica->id));
  keeper.step_app(id);
  return json_answer(200, context.core.show(*context.core.store().find(id), View::get));
}

// ---------------------------------------------------------------------------------------------------- revisions

unsigned traffic_weight(const Resource& app, const Resource& revision) {
  const std::string latest = text_at(app.body, "properties.latestReadyRevisionName");
  const Json* traffic = find_path(app.body, "properties.configuration.ingress.traffic");
  unsigned weight = 0;
  for (const Json& share : traffic && traffic->is_array() ? *traffic : Json::array()) {
    const std::string name = text_at(share, "revisionName");
    if ((name.empty() ? latest : name) == revision.name() && member(share, "weight").is_number())
      weight += member(share, "weight").get<unsigned>();
  }
  return weight;
}

Json show_revision(Core& core, const Resource& revision, AppKeeper& keeper) {
  const Resource* app = core.store().find(parse_arm_id(revision.id)->parent_id());
  if (app == nullptr) return revision.body;
  const RevisionStatus status = keeper.status_of(revision);
  Json body = revision.body;
  Json& properties = body["properties"];
  const bool external = true_at(app->body, "properties.configuration.ingress.external");
  const Resource* environment = core.store().find(text_at(app->body, "properties.environmentId"));
  const std::string domain = environment ? text_at(environment->body, "properties.defaultDomain") : "";
  const bool active = true_at(properties, "active");
  properties.erase("active");
  if (target_port_of(*app))
    properties["fqdn"] = fmt::format("{}.{}{}", revision.name(), external ? "" : "internal.", domain);
  properties["template"] = revision_template(revision.hidden["template"]);
  properties["active"] = active;
  properties["replicas"] = keeper.replicas_of(revision.id).size();
  properties["trafficWeight"] = active ? traffic_weight(*app, revision) : 0;
  if (!status.provisioning_error.empty()) properties["provisioningError"] = status.provisioning_error;
  properties["healthState"] = status.health_state;
  properties["provisioningState"] = status.provisioning_state;
  properties["runningState"] = status.running_state;
  if (!status.details.empty()) properties["runningStateDetails"] = status.details;
  return body;
}

Answer act_on_revision(const Context& context, AppKeeper& keeper, std::string_view action) {
  const std::string id = context.existing->id;
  if (action == "restart")
    keeper.restart_revision(id);
  else
    keeper.set_active(id, action == "activate");
  keeper.step_app(parse_arm_id(id)->parent_id());
  return empty_answer(200);
}

// ---------------------------------------------------------------------------------------------------- replicas

Json show_replica(Core& core, const Resource& replica, AppKeeper& keeper) {
  const auto path = parse_arm_id(replica.id);
  const Resource* app = core.store().find(parse_arm_id(path->parent_id())->parent_id());
  Json body = replica.body;
  Json& properties = body["properties"];
  const ReplicaView view = keeper.view_of(replica);
  const bool running =
      !view.containers.empty() && std::ranges::all_of(view.containers, [](const ContainerView& container) {
        return container.state.phase == ContainerState::Phase::running;
      });
  properties["runningState"] = running ? "Running" : "NotRunning";
  properties["runningStateDetails"] = "";
  properties["containers"] = Json::array();
  const std::string base = fmt::format(
      "/subscriptions/{}/resourceGroups/{}/containerApps/{}/revisions/{}/replicas/{}/containers/", path->subscription,
      path->group, app ? app->name() : "", path->names.size() > 1 ? path->names[1] : "", replica.name());
  const auto shown = [&](const ContainerView& container) -> Json {
    const ContainerWords words = words_of(container.state);
    const std::string here = base + container.state.name;
    return {{"name", container.state.name},
            {"containerId", "containerd://" + sha256_hex(replica.id + container.state.name).substr(0, 32)},
            {"ready", container.ready},
            {"started", container.started},
            {"restartCount", container.state.restarts},
            {"runningState", words.running_state},
            {"runningStateDetails", words.details},
            {"logStreamEndpoint", core.arm_base_url() + here + "/logstream"},
            {"execEndpoint", replace_all(core.arm_base_url(), "https://", "wss://") + here + "/exec"}};
  };
  for (const ContainerView& container : view.containers) properties["containers"].push_back(shown(container));
  properties["initContainers"] = Json::array();
  for (const ContainerView& container : view.init_containers) properties["initContainers"].push_back(shown(container));
  return body;
}

// ---------------------------------------------------------------------------------------------------- authConfigs

/// Every "...SettingName" names a secret of the app.
std::optional<std::string> missing_setting(const Json& value, const std::vector<std::string>& secrets) {
  if (!value.is_object()) return std::nullopt;
  for (const auto& [name, inner] : value.items()) {
    if (inner.is_string() && name.ends_with("SettingName") &&
        std::ranges::find(secrets, inner.get<std::string>()) == secrets.end())
      return inner.get<std::string>();
    if (auto missing = missing_setting(inner, secrets)) return missing;
  }
  return std::nullopt;
}

std::optional<Answer> write_auth_config(Write& write) {
  const Resource* app = write.core.store().find(write.path.parent_id());
  if (app == nullptr) return std::nullopt;
  std::vector<std::string> secrets;
  for (const Json& secret : list(app->hidden, "secrets")) secrets.push_back(text_at(secret, "name"));
  if (const auto missing = missing_setting(write.next.properties(), secrets))
    return arm_error(400, "AuthConfigSecretRefNotFound",
                     fmt::format("Secret with name '{}' is not found in configuration of container app '{}'.", *missing,
                                 app->name()));
  return std::nullopt;
}

std::vector<BodyCheck> app_checks() {
  using Kind = BodyCheck::Kind;
  return {
      {.path = "properties", .kind = Kind::object, .required = true},
      {.path = "properties.environmentId", .kind = Kind::text},
      {.path = "properties.managedEnvironmentId", .kind = Kind::text},
      {.path = "properties.workloadProfileName", .kind = Kind::text},
      {.path = "properties.configuration", .kind = Kind::object},
      {.path = "properties.configuration.activeRevisionsMode", .kind = Kind::text, .values = "Labels|Multiple|Single"},
      {.path = "properties.configuration.secrets", .kind = Kind::list},
      {.path = "properties.configuration.secrets[].name", .kind = Kind::text, .required = true},
      {.path = "properties.configuration.registries", .kind = Kind::list},
      {.path = "properties.configuration.ingress", .kind = Kind::object},
      {.path = "properties.configuration.ingress.external", .kind = Kind::boolean},
      {.path = "properties.configuration.ingress.allowInsecure", .kind = Kind::boolean},
      {.path = "properties.configuration.ingress.traffic", .kind = Kind::list},
      {.path = "properties.configuration.ingress.additionalPortMappings", .kind = Kind::list},
      {.path = "properties.configuration.ingress.customDomains[].name", .kind = Kind::text, .required = true},
      {.path = "properties.template", .kind = Kind::object},
      {.path = "properties.template.containers", .kind = Kind::list},
      {.path = "properties.template.containers[].name", .kind = Kind::text},
      {.path = "properties.template.containers[].image", .kind = Kind::text},
      {.path = "properties.template.containers[].command", .kind = Kind::list},
      {.path = "properties.template.containers[].args", .kind = Kind::list},
      {.path = "properties.template.containers[].command[]", .kind = Kind::text},
      {.path = "properties.template.containers[].args[]", .kind = Kind::text},
      {.path = "properties.template.containers[].env", .kind = Kind::list},
      {.path = "properties.template.containers[].env[].name", .kind = Kind::text, .required = true, .rule = "CA-34"},
      {.path = "properties.template.containers[].env[].value", .kind = Kind::text},
      {.path = "properties.template.containers[].env[].secretRef", .kind = Kind::text},
      {.path = "properties.template.containers[].resources.memory", .kind = Kind::text},
      {.path = "properties.template.scale", .kind = Kind::object},
      {.path = "properties.template.volumes", .kind = Kind::list},
  };
}

}  // namespace

// ---------------------------------------------------------------------------------------------------- shared

std::optional<Answer> refuse(const std::optional<Refusal>& refusal) {
  if (!refusal) return std::nullopt;
  return arm_error(refusal->status, refusal->code, refusal->message);
}

FoundEnvironment find_environment(Core& core, const Json& properties) {
  std::string id = text_at(properties, "environmentId");
  if (id.empty()) id = text_at(properties, "managedEnvironmentId");
  if (id.empty())
    return {nullptr,
            arm_error(400, "ManagedEnvironmentIdRequired", "EnvironmentId is required for a container app or job.")};
  const Resource* environment = core.store().find(id);
  if (environment == nullptr || !equals_ignoring_case(environment->type, "Microsoft.App/managedEnvironments"))
    return {nullptr, arm_error(404, "ManagedEnvironmentNotFound",
                               fmt::format("The managed environment '{}' was not found.", id))};
  const std::string state = environment->state();
  if (state == "Succeeded" || state == "Updating") return {environment, std::nullopt};
  if (state == "Failed")  // CA-8
    return {nullptr, arm_error(409, "ManagedEnvironmentNotProvisioned",
                               fmt::format("The managed environment '{}' provisioning failed.", environment->name()))};
  return {nullptr,
          arm_error(409, "ManagedEnvironmentNotReadyForAppCreation",
                    fmt::format("The managed environment '{}' is not ready for app creation: its provisioning state "
                                "is {}.",
                                environment->name(), state))};
}

AppSurroundings surroundings_of(Core& core, const Resource& environment, const std::string& app_id) {
  AppSurroundings around;
  around.environment_has_network =
      !text_at(environment.body, "properties.vnetConfiguration.infrastructureSubnetId").empty();
  for (const Json& profile : list(environment.properties(), "workloadProfiles")) {
    const std::string profile_name = to_lower(text_at(profile, "name"));
    around.workload_profiles.insert(profile_name);
    if (!equals_ignoring_case(text_at(profile, "workloadProfileType"), "Consumption"))
      around.dedicated_profiles.insert(profile_name);
  }
  for (const Resource* below : core.store().resources_below(environment.id))
    if (equals_ignoring_case(below->type, "Microsoft.App/managedEnvironments/storages"))
      around.storages.insert(to_lower(below->name()));
  for (const Resource* app : core.store().resources_of_type(kAppType)) {
    if (equals_ignoring_case(app->id, app_id) ||
        !equals_ignoring_case(text_at(app->body, "properties.environmentId"), environment.id))
      continue;
    const Json& ingress = member(member(app->properties(), "configuration"), "ingress");
    const auto hold = [&](const Json& mapping) {
      const Json& exposed = member(mapping, "exposedPort");
      const Json& port = exposed.is_number() && exposed != 0 ? exposed : member(mapping, "targetPort");
      if (true_at(mapping, "external") && port.is_number()) around.external_tcp_ports.insert(port.get<std::uint16_t>());
    };
    if (equals_ignoring_case(text_at(ingress, "transport"), "tcp")) hold(ingress);
    for (const Json& mapping : list(ingress, "additionalPortMappings")) hold(mapping);
  }
  return around;
}

Json secrets_to_keep(const Write& write) {
  const Json* sent = find_path(write.sent, "properties.configuration.secrets");
  if (sent == nullptr && write.patch) return list(write.next.hidden, "secrets");
  Json kept = Json::array();
  for (const Json& secret : sent && sent->is_array() ? *sent : Json::array()) {
    Json entry = {{"name", text_at(secret, "name")}};
    if (!text_at(secret, "keyVaultUrl").empty()) {
      entry["keyVaultUrl"] = text_at(secret, "keyVaultUrl");
      entry["identity"] = text_at(secret, "identity");
    } else if (const Json& value = member(secret, "value"); !value.is_null()) {
      entry["value"] = value;
    }
    kept.push_back(std::move(entry));
  }
  return kept;
}

std::string event_stream(Core& core, const ArmPath& path, std::string_view collection) {
  return fmt::format("{}/subscriptions/{}/resourceGroups/{}/{}/{}/eventstream", core.arm_base_url(), path.subscription,
                     path.group, collection, path.name());
}

void add_container_apps(Core& core, AppKeeper& keeper) {
  TypeBehaviour apps;
  apps.type = std::string(kAppType);
  apps.id_type = "Microsoft.App/containerapps";
  apps.system_data = true;
  apps.checks = app_checks();
  apps.check_name = [](const Context& context) { return refuse(check_app_name(context.path.name())); };
  apps.write = [&keeper](Write& write) { return write_app(write, keeper); };
  apps.show = [](Core&, const Resource& app, View view) { return show_app(app, view); };
  apps.removed = [&keeper](Core&, const Resource& app) { keeper.forget_app(app.id); };
  apps.actions["POST listSecrets"] = [&keeper](const Context& context) { return list_secrets(context, keeper); };
  apps.actions["POST getAuthToken"] = [](const Context& context) {
    return auth_token(context, "Microsoft.App/containerApps/accesstoken");
  };
  apps.actions["POST listCustomHostNameAnalysis"] = analyse_host_name;
  apps.actions["POST start"] = [&keeper](const Context& context) { return set_running(context, keeper, "Running"); };
  apps.actions["POST stop"] = [&keeper](const Context& context) { return set_running(context, keeper, "Stopped"); };
  core.add_type(std::move(apps));

  TypeBehaviour revisions;
  revisions.type = "Microsoft.App/containerapps/revisions";
  revisions.id_type = "Microsoft.App/containerApps/revisions";
  revisions.location = TypeBehaviour::Location::none;
  revisions.no_state = true;
  revisions.read_only = true;
  revisions.show = [&keeper](Core& shared, const Resource& revision, View) {
    return show_revision(shared, revision, keeper);
  };
  for (std::string_view action : {"activate", "deactivate", "restart"})
    revisions.actions[fmt::format("POST {}", action)] = [&keeper, action](const Context& context) {
      return act_on_revision(context, keeper, action);
    };
  core.add_type(std::move(revisions));

  TypeBehaviour replicas;
  replicas.type = "Microsoft.App/containerapps/revisions/replicas";
  replicas.id_type = "Microsoft.App/containerApps/revisions/replicas";
  replicas.location = TypeBehaviour::Location::none;
  replicas.no_state = true;
  replicas.read_only = true;
  replicas.show = [&keeper](Core& shared, const Resource& replica, View) {
    return show_replica(shared, replica, keeper);
  };
  replicas.removed = [&keeper](Core&, const Resource& replica) { keeper.forget_replica(replica); };
  core.add_type(std::move(replicas));

  TypeBehaviour auth;
  auth.type = "Microsoft.App/containerapps/authconfigs";
  auth.id_type = "Microsoft.App/containerApps/authConfigs";
  auth.location = TypeBehaviour::Location::none;
  auth.no_state = true;
  auth.write = write_auth_config;
  core.add_type(std::move(auth));

  core.add_event(std::string(kWritten),
                 [&keeper](Core& shared, const Json& payload) { app_written(shared, keeper, payload); });
  core.add_event(std::string(kStep),
                 [&keeper](Core& shared, const Json& payload) { step_until_done(shared, keeper, payload); });
}

void add_microsoft_app(Core& core, AppKeeper& keeper) {
  add_managed_environments(core, keeper);
  add_container_apps(core, keeper);
  add_container_jobs(core, keeper);
  add_app_streams(core, keeper);
  add_app_exec(core, keeper);
}

}  // namespace defang::emulator
