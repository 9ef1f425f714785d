#include <fmt/format.h>

#include <algorithm>

#include "emulator/providers/container_app_bodies.h"
#include "emulator/providers/container_apps.h"
#include "emulator/providers/cron.h"
#include "emulator/providers/resource_identity.h"
#include "emulator/regions.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kJobType = "Microsoft.App/jobs";
constexpr std::string_view kExecutionType = "Microsoft.App/jobs/executions";
constexpr std::string_view kStep = "job-execution-step";
constexpr std::string_view kDue = "job-due";
constexpr std::size_t kExecutionsKept = 100;  // CA-145

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

/// The clock of a schedule begins with the job's write, and runs as fast as the rest of Azure here.
void schedule_next(Core& core, const Resource& job, std::int64_t now) {
  const auto cron =
      CronExpression::parse(text_at(job.body, "properties.configuration.scheduleTriggerConfig.cronExpression"));
  const auto next = cron ? cron->next_after(now) : std::nullopt;
  if (!next) return;
  core.schedule(kDue, static_cast<double>(*next - now),
                {{"job", job.id}, {"clock", text_at(job.hidden, "clock")}, {"time", *next}});
}

std::optional<Answer> write_job(Write& write, AppKeeper& keeper) {
  if (write.existing != nullptr && write.core.operation_running(text_at(write.existing->hidden, "operation")))
    return arm_error(
        409, "JobOperationInProgress",
        fmt::format("Cannot modify the job '{}' because there is an active provisioning operation in progress. "
                    "Please retry later.",
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
  AppSurroundings around = surroundings_of(write.core, *found.environment, write.next.id);
  around.name = write.path.name();
  around.identity = member(write.next.body, "identity");
  if (auto refusal = refuse(check_job(properties(), around).refusal)) return refusal;
  const std::string before =
      write.existing ? text_at(write.existing->body, "properties.configuration.triggerType") : "";
  if (!before.empty() && !equals_ignoring_case(before, text_at(properties(), "configuration.triggerType")))
    return arm_error(400, "JobTriggerTypeImmutable", "The trigger type of a job cannot be changed.");  // CA-140
  write.next.hidden["secrets"] = secrets;
  properties() = job_properties(properties(), {.environment_id = found.environment->id,
                                               .event_stream = event_stream(write.core, write.path, "containerApps")});
  write.next.body["location"] = display_name(region_name(text_at(write.next.body, "location")));
  if (const auto values = keeper.secrets_of(write.next); !values)
    return arm_error(400, values.error().code, values.error().message);
  write.next.hidden["clock"] = write.operation;
  schedule_next(write.core, write.next, write.core.now_ms() / 1000);
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- executions

/// What an execution shows: the containers with what the service adds to them.
Json shown_template(const Json& tmpl, const std::string& job) {
  Json containers = list(tmpl, "containers");
  for (Json& container : containers) {
    container["imageType"] = "CloudBuild";
    Json variables = Json::array({{{"name", "CONTAINER_APP_JOB_NAME"}, {"value", job}},
                                  {{"name", "CONTAINER_APP_JOB_EXECUTION_NAME"}, {"value", ""}},
                                  {{"name", "CONTAINER_APP_REPLICA_NAME"}, {"value", ""}}});
    for (const Json& variable : list(container, "env")) variables.push_back(variable);
    container["env"] = std::move(variables);
  }
  return {{"containers", std::move(containers)}, {"initContainers", list(tmpl, "initContainers")}};
}

void step_until_done(Core& core, AppKeeper& keeper, const Json& payload) {
  const std::string id = text_at(payload, "execution");
  keeper.step_execution(id);
  const Resource* execution = core.store().find(id);
  if (execution == nullptr || text_at(execution->body, "properties.status") != "Running") return;
  const double shortest = core.options().time_scale > 0 ? 0.05 / core.options().time_scale : 1;
  core.schedule(kStep, std::max(2.0, shortest), payload);
}

/// CA-143: a body replaces the template's containers wholesale; volumes stay the job's.
Json wanted_template(const Resource& job, const std::optional<Json>& body) {
  Json tmpl = *find_path(job.body, "properties.template");
  if (!body || !body->is_object() || list(*body, "containers").empty()) return tmpl;
  for (const char* kind : {"containers", "initContainers"}) {
    tmpl[kind] = list(*body, kind);
    for (Json& container : tmpl[kind])
      if (!member(container, "resources").is_object()) container["resources"] = {{"cpu", 0.25}, {"memory", "0.5Gi"}};
  }
  return tmpl;
}

/// The id of the new execution.
std::string start_execution(Core& core, AppKeeper& keeper, const Resource& job, const Json& tmpl) {
  const std::string name = fmt::format("{}-{}", job.name(), random_name(core.random(), 7));
  const Json& configuration = *find_path(job.body, "properties.configuration");
  const Json* trigger = find_path(configuration, "manualTriggerConfig");
  if (trigger == nullptr || !trigger->is_object()) trigger = find_path(configuration, "scheduleTriggerConfig");
  const auto count = [&](std::string_view what) -> Json {
    const Json& value = trigger ? member(*trigger, what) : Json();
    return value.is_number_integer() ? value : Json(1);
  };
  Resource execution{.id = fmt::format("{}/executions/{}", job.id, name), .type = std::string(kExecutionType)};
  execution.body = {
      {"id", execution.id},
      {"name", name},
      {"type", kExecutionType},
      {"properties",
       {{"status", "Running"}, {"startTime", core.now_text()}, {"template", shown_template(tmpl, job.name())}}}};
  execution.hidden = {{"template", tmpl},
                      {"at", core.now_ms()},
                      {"parallelism", count("parallelism")},
                      {"completions", count("replicaCompletionCount")}};
  const std::string id = execution.id;
  core.store().put(std::move(execution));
  step_until_done(core, keeper, {{"execution", id}});
  return id;
}

Answer start_job(const Context& context, AppKeeper& keeper) {
  const Resource& job = *context.existing;
  const auto id = start_execution(context.core, keeper, job, wanted_template(job, context.request.json()));
  return json_answer(200, {{"id", id}, {"name", id.substr(id.rfind('/') + 1)}});  // recorded: 200, no headers
}

void forget_old_executions(Core& core, const Resource& job) {
  std::vector<const Resource*> all;
  for (const Resource* below : core.store().resources_below(job.id))
    if (equals_ignoring_case(below->type, kExecutionType)) all.push_back(below);
  std::ranges::sort(all, {}, [](const Resource* one) { return text_at(one->body, "properties.startTime"); });
  for (std::size_t index = 0; index + kExecutionsKept < all.size(); ++index)
    core.remove_resource(std::string(all[index]->id));
}

/// The time of a schedule has come; a job that was written since has a schedule of its own.
void run_when_due(Core& core, AppKeeper& keeper, const Json& payload) {
  const Resource* job = core.store().find(text_at(payload, "job"));
  if (job == nullptr || text_at(job->hidden, "clock") != text_at(payload, "clock")) return;
  schedule_next(core, *job, payload["time"].get<std::int64_t>());
  start_execution(core, keeper, *job, *find_path(job->body, "properties.template"));
  forget_old_executions(core, *job);
}

Answer stop_execution(Core& core, AppKeeper& keeper, const Resource& execution) {
  for (const Resource* replica : keeper.replicas_of(execution.id))
    keeper.runtime().stop_replica(replica->name(), std::chrono::seconds(30));
  Json& shown = core.store().edit(execution.id).properties();
  if (text_at(shown, "status") == "Running") {
    shown["status"] = "Stopped";
    shown["endTime"] = core.now_text();
  }
  return empty_answer(200);
}

Answer stop_all(const Context& context, AppKeeper& keeper) {
  std::vector<const Resource*> running;
  for (const Resource* below : context.core.store().resources_below(context.existing->id))
    if (equals_ignoring_case(below->type, kExecutionType) && text_at(below->body, "properties.status") == "Running")
      running.push_back(below);
  Json stopped = Json::array();
  for (const Resource* execution : running) {
    stop_execution(context.core, keeper, *execution);
    stopped.push_back({{"id", execution->id}, {"name", execution->name()}});
  }
  return json_answer(200, {{"value", std::move(stopped)}});
}

/// azure-cli stops one execution by POST jobs/{job}/stop/{execution}.
Answer stop_one(Core& core, const Request& request, AppKeeper& keeper) {
  const auto& names = request.captures;
  const std::string id =
      fmt::format("/subscriptions/{}/resourceGroups/{}/providers/Microsoft.App/jobs/{}/executions/{}",
                  names.at("subscription"), names.at("group"), names.at("job"), names.at("execution"));
  const Resource* execution = core.store().find(id);
  if (execution == nullptr)
    return arm_error(
        404, "JobExecutionNotFound",
        fmt::format("The execution '{}' of job '{}' was not found.", names.at("execution"), names.at("job")));
  if (!core.may(request.caller.object_id, "Microsoft.App/jobs/stop/execution/action", execution->id))
    return arm_error(403, "AuthorizationFailed",
                     fmt::format("The client '{0}' with object id '{0}' does not have authorization to perform action "
                                 "'Microsoft.App/jobs/stop/execution/action' over scope '{1}'.",
                                 request.caller.object_id, execution->id));
  return stop_execution(core, keeper, *execution);
}

Json show_replica(Core& core, const Resource& replica, AppKeeper& keeper) {
  const auto path = parse_arm_id(replica.id);
  Json body = replica.body;
  const std::string base =
      fmt::format("{}/subscriptions/{}/resourceGroups/{}/jobs/{}/executions/{}/replicas/{}/containers/",
                  core.arm_base_url(), path->subscription, path->group, path->names[0], path->names[1], replica.name());
  const auto show = [&](const std::vector<ContainerView>& views) {
    Json shown = Json::array();
    for (const ContainerView& container : views) {
      const ContainerWords words = words_of(container.state);
      shown.push_back({{"name", container.state.name},
                       {"containerId", "containerd://" + sha256_hex(replica.id).substr(0, 32)},
                       {"ready", container.state.phase == ContainerState::Phase::running},
                       {"started", container.state.phase != ContainerState::Phase::pulling},
                       {"restartCount", container.state.restarts},
                       {"runningState", words.running_state},
                       {"runningStateDetails", words.details},
                       {"logStreamEndpoint", base + container.state.name + "/logstream"}});
    }
    return shown;
  };
  const ReplicaView view = keeper.view_of(replica);
  body["properties"]["containers"] = show(view.containers);
  if (!view.init_containers.empty()) body["properties"]["initContainers"] = show(view.init_containers);
  return body;
}

Answer list_secrets(const Context& context, AppKeeper& keeper) {
  const auto values = keeper.secrets_of(*context.existing);
  Json shown = Json::array();
  for (const Json& secret : list(context.existing->hidden, "secrets")) {
    const std::string name = text_at(secret, "name");
    Json entry = {{"name", name}};
    if (values && values->contains(name)) entry["value"] = values->at(name).reveal();
    shown.push_back(std::move(entry));
  }
  return json_answer(200, {{"value", std::move(shown)}});
}

TypeBehaviour job_type(AppKeeper& keeper) {
  using Kind = BodyCheck::Kind;
  TypeBehaviour jobs;
  jobs.type = std::string(kJobType);
  jobs.system_data = true;
  jobs.checks = {
      {.path = "properties", .kind = Kind::object, .required = true},
      {.path = "properties.configuration", .kind = Kind::object, .required = true},
      {.path = "properties.configuration.triggerType", .kind = Kind::text, .required = true, .rule = "CA-140"},
      {.path = "properties.template", .kind = Kind::object},
      {.path = "properties.template.containers", .kind = Kind::list},
  };
  jobs.check_name = [](const Context& context) { return refuse(check_job_name(context.path.name())); };
  jobs.write = [&keeper](Write& write) { return write_job(write, keeper); };
  jobs.actions["POST listSecrets"] = [&keeper](const Context& context) { return list_secrets(context, keeper); };
  jobs.actions["POST getAuthToken"] = [](const Context& context) {
    return auth_token(context, "Microsoft.App/jobs/accesstoken");
  };
  jobs.actions["POST start"] = [&keeper](const Context& context) { return start_job(context, keeper); };
  jobs.actions["POST stop"] = [&keeper](const Context& context) { return stop_all(context, keeper); };
  return jobs;
}

}  // namespace

void add_container_jobs(Core& core, AppKeeper& keeper) {
  core.add_type(job_type(keeper));

  TypeBehaviour executions;
  executions.type = std::string(kExecutionType);
  executions.location = TypeBehaviour::Location::none;
  executions.no_state = true;
  executions.read_only = true;
  executions.actions["POST stop"] = [&keeper](const Context& context) {
    return stop_execution(context.core, keeper, *context.existing);
  };
  core.add_type(std::move(executions));

  TypeBehaviour replicas;
  replicas.type = "Microsoft.App/jobs/executions/replicas";
  replicas.location = TypeBehaviour::Location::none;
  replicas.no_state = true;
  replicas.read_only = true;
  replicas.show = [&keeper](Core& shared, const Resource& replica, View) {
    return show_replica(shared, replica, keeper);
  };
  replicas.removed = [&keeper](Core&, const Resource& replica) { keeper.forget_replica(replica); };
  core.add_type(std::move(replicas));

  core.add_route(
      {.method = "POST",
       .pattern =
           "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.App/jobs/{job}/stop/{execution}",
       .answer = [&keeper](Core& shared, const Request& request) { return stop_one(shared, request, keeper); }});
  core.add_event(std::string(kDue),
                 [&keeper](Core& shared, const Json& payload) { run_when_due(shared, keeper, payload); });
  core.add_event(std::string(kStep),
                 [&keeper](Core& shared, const Json& payload) { step_until_done(shared, keeper, payload); });
}

}  // namespace defang::emulator
