// Microsoft.Resources/deployments: templates, deployed as the documentation of ARM says and as recordings show.
#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "emulator/deployments/template.h"
#include "emulator/providers/all.h"
#include "emulator/router.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kType = "Microsoft.Resources/deployments";
constexpr std::string_view kStep = "deployment-step";

// --- what a deployment knows beside its body (Resource::hidden) ---
//   template, given: {"name": {"value": ...}}, caller, base_url, correlation, now_ms
//   steps: {"<resource id>": {state: waiting, running, Succeeded, Failed, skipped; operation, operationId, started,
//           ended, statusCode, error, tries}}

Answer refusal(const Error& error) {
  if (error.code == "EmulatorNotImplemented") return arm_error(501, error.code, error.message);
  Json body = {{"code", error.code}, {"message", error.message}};
  if (error.code == "InvalidTemplate")
    body["additionalInfo"] = Json::array(
        {{{"type", "TemplateViolation"}, {"info", {{"lineNumber", 1}, {"linePosition", 1}, {"path", ""}}}}});
  Answer answer = json_answer(400, {{"error", std::move(body)}});
  answer.headers.set("x-ms-failure-cause", "gateway");
  return answer;
}

DeploymentScope scope_of(Core& core, const ArmPath& path, const std::string& name, std::int64_t now_ms) {
  DeploymentScope scope{.subscription = core.subscription(), .tenant = core.tenant(), .group = {}, .deployment = {}};
  const Resource* group =
      path.group.empty()
          ? nullptr
          : core.store().find(fmt::format("/subscriptions/{}/resourceGroups/{}", path.subscription, path.group));
  if (group != nullptr) scope.group = group->body;
  scope.now_ms = now_ms;
  scope.deployment = {{"name", name}, {"properties", {{"provisioningState", "Accepted"}}}};
  return scope;
}

/// A type, or what a route stands for.
bool is_served(Core& core, const TemplateResource& resource) {
  if (core.find_type(resource.type) != nullptr) return true;
  Request request{.method = "PUT", .target = resource.id};
  parse_target(request);
  return std::ranges::any_of(core.routes(), [&](const Route& route) { return match(route, request).has_value(); });
}

/// What was sent, or why it cannot be deployed here.
Result<CheckedTemplate> read_sent(Core& core, const ArmPath& path, const Json& sent) {
  const auto lacking = [](std::string_view what) {
    return fail(Error::Kind::refused, "EmulatorNotImplemented",
                fmt::format("The emulator does not implement {}.", what));
  };
  const Json* properties = find_member(sent, "properties");
  if (properties == nullptr)
    return fail(Error::Kind::refused, "InvalidRequestContent",
                "The request content was invalid and could not be deserialized: 'Required property 'properties' not "
                "found in JSON.'");
  if (path.group.empty() && text_at(sent, "location").empty())
    return fail(Error::Kind::refused, "LocationRequired",
                "The 'location' property must be specified for a deployment at the scope of a subscription.");
  for (const char* link : {"templateLink", "parametersLink"})
    if (find_member(*properties, link) != nullptr) return lacking("templates that are fetched from elsewhere");
  if (find_member(*properties, "onErrorDeployment") != nullptr) return lacking("falling back to another deployment");
  if (!equals_ignoring_case(text_at(*properties, "mode"), "Incremental"))
    return lacking(fmt::format("the deployment mode '{}'", text_at(*properties, "mode")));
  const Json* source = find_member(*properties, "template");
  const Json* given = find_member(*properties, "parameters");
  TRY_ASSIGN(auto checked,
             check_template(source == nullptr ? Json() : *source, given == nullptr ? Json::object() : *given,
                            scope_of(core, path, path.name(), core.now_ms())));
  for (const auto& resource : checked.resources)
    if (!resource.existing && !is_served(core, resource)) return lacking("the resource type " + resource.type);
  return checked;
}

// --- what is shown ---

/// A digest of the right look: Azure does not say how it makes its own.
std::string template_hash(const Json& source) {
  if (const Json* by_bicep = find_path(source, "metadata._generator.templateHash"); by_bicep != nullptr)
    return by_bicep->get<std::string>();
  std::uint64_t number = 0;
  const std::string digest = sha256_hex(dump(source));
  for (const char c : digest.substr(0, 16))
    number = number * 16 + static_cast<std::uint64_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return std::to_string(number);
}

Json named(const TemplateResource& resource) {
  return {{"id", resource.id}, {"resourceType", resource.type}, {"resourceName", resource.name}};
}

Json providers_of(const CheckedTemplate& checked) {
  std::vector<std::pair<std::string, std::vector<std::pair<std::string, std::string>>>> found;
  for (const auto& resource : checked.resources) {
    const auto slash = resource.type.find('/');
    const std::string name = resource.type.substr(0, slash), type = resource.type.substr(slash + 1);
    auto provider = std::ranges::find(found, name, [](const auto& one) { return one.first; });
    if (provider == found.end()) provider = found.insert(found.end(), {name, {}});
    if (std::ranges::find(provider->second, type, [](const auto& one) { return one.first; }) != provider->second.end())
      continue;
    const auto location = evaluated(resource.source.value("location", Json()), {});
    provider->second.emplace_back(type, location && location->is_string() ? location->get<std::string>() : "");
  }
  Json providers = Json::array();
  for (const auto& [name, types] : found) {
    Json list = Json::array();
    for (const auto& [type, location] : types)
      list.push_back(
          {{"resourceType", type}, {"locations", Json::array({location.empty() ? Json() : Json(location)})}});
    providers.push_back({{"namespace", name}, {"resourceTypes", std::move(list)}});
  }
  return providers;
}

Json dependencies_of(const CheckedTemplate& checked) {
  Json all = Json::array();
  for (const auto& resource : checked.resources) {
    if (resource.after.empty()) continue;
    Json after = Json::array();
    for (const auto& id : resource.after) after.push_back(named(*checked.find(id)));
    Json entry = {{"dependsOn", std::move(after)}};
    entry.update(named(resource));
    all.push_back(std::move(entry));
  }
  return all;
}

Json properties_of(const CheckedTemplate& checked, const Json& sent, std::string_view timestamp,
                   const std::string& correlation) {
  return {{"templateHash", template_hash(sent["properties"]["template"])},
          {"parameters", checked.parameters},
          {"mode", "Incremental"},
          {"provisioningState", "Succeeded"},
          {"timestamp", timestamp},
          {"duration", "PT0S"},
          {"correlationId", correlation},
          {"providers", providers_of(checked)},
          {"dependencies", dependencies_of(checked)}};
}

std::string duration_text(std::int64_t ms) {
  const std::string seconds = fmt::format("{}.{:03}S", ms / 1000 % 60, ms % 1000);
  return ms < 60000 ? "PT" + seconds : fmt::format("PT{}M{}", ms / 60000, seconds);
}

// --- asking the world ---

/// A request of the deployment's own, with the rights of whoever started it.
Answer send(Core& core, const Json& caller, const std::string& method, const std::string& path,
            const std::string& version, const Json& body) {
  Request request;
  request.method = method;
  for (const auto& segment : split(path, '/'))
    if (!segment.empty()) request.target += "/" + percent_encode(segment);
  request.target += "?api-version=" + version;
  request.body = body.is_null() ? "" : dump(body);
  parse_target(request);
  request.base_url = text_at(caller, "base_url");
  request.caller = {text_at(caller, "caller.object_id"), text_at(caller, "caller.audience"),
                    text_at(caller, "caller.tenant")};
  for (const Route& route : core.routes()) {
    auto captures = match(route, request);
    if (!captures) continue;
    request.captures = std::move(*captures);
    return route.answer(core, request);
  }
  return answer_resource(core, request);
}

Result<Json> answered(const Answer& answer) {
  const auto body = parse_json(answer.body);
  if (answer.status < 300) return body ? *body : Json();
  return fail({.kind = Error::Kind::refused,
               .code = body ? text_at(*body, "error.code") : "",
               .message = body ? text_at(*body, "error.message") : "",
               .http_status = answer.status});
}

/// A resource of the template by name, or any by its id.
Result<std::pair<std::string, std::string>> named_resource(const CheckedTemplate& checked, const std::string& resource,
                                                           const std::string& version) {
  const auto* own = checked.find(resource);
  if (own != nullptr) return std::pair(own->id, version.empty() ? own->api_version : version);
  if (!resource.starts_with('/') || version.empty())
    return fail(Error::Kind::refused, "InvalidTemplate",
                fmt::format("The template reference '{}' is not valid: could not find template resource or resource "
                            "copy with this name. Please see https://aka.ms/arm-function-reference for usage details.",
                            resource));
  return std::pair(resource, version);
}

Surroundings at_run_time(Core& core, const CheckedTemplate& checked, const DeploymentScope& scope, const Json& caller) {
  Surroundings in = surroundings_of(checked, scope);
  in.reference = [&core, &checked, &caller](const std::string& resource, const std::string& version,
                                            bool full) -> Result<Json> {
    TRY_ASSIGN(const auto found, named_resource(checked, resource, version));
    TRY_ASSIGN(auto body, answered(send(core, caller, "GET", found.first, found.second, Json())));
    return full ? body : body.value("properties", Json::object());
  };
  in.list = [&core, &checked, &caller](const std::string& function, const std::string& resource,
                                       const std::string& version, const Json& body) -> Result<Json> {
    TRY_ASSIGN(const auto found, named_resource(checked, resource, version));
    return answered(send(core, caller, "POST", found.first + "/" + function, found.second, body));
  };
  return in;
}

// --- deploying ---

/// One deployment under way. Everything it knows stands in the store, so that it survives a restart.
class Run {
 public:
  Run(Core& core, const std::string& id, const CheckedTemplate& checked)
      : core_(core),
        id_(id),
        checked_(checked),
        path_(*parse_arm_id(id)),
        scope_(scope_of(core, path_, path_.name(), integer_at(hidden(), "now_ms"))),
        caller_({{"caller", hidden()["caller"]}, {"base_url", hidden()["base_url"]}}) {}

  void go_on() {
    while (advance()) {
    }
    if (is_finished()) return finish();
    // Operations end in Azure's time, containers become ready in ours: asked often enough for both.
    constexpr double kAzureSeconds = 1, kRealSeconds = 0.02;
    const double scale = core_.options().time_scale;
    core_.schedule(kStep, std::max(kAzureSeconds, scale > 0 ? kRealSeconds / scale : kAzureSeconds),
                   {{"deployment", id_}, {"correlation", text_at(hidden(), "correlation")}});
  }

 private:
  static constexpr int kMostTries = 20;

  const Json& hidden() const { return core_.store().find(id_)->hidden; }
  Json& step(const std::string& id) { return core_.store().edit(id_).hidden["steps"][id]; }
  std::string state(const std::string& id) const {
    const Json* steps = find_member(hidden(), "steps");
    const Json* found = steps == nullptr || !steps->contains(id) ? nullptr : &(*steps)[id];
    return found == nullptr ? "waiting" : text_at(*found, "state");
  }
  static bool is_over(const std::string& state) { return state != "waiting" && state != "running"; }

  bool is_finished() const {
    return std::ranges::all_of(checked_.resources, [&](const auto& one) { return is_over(state(one.id)); });
  }

  /// Did anything change?
  bool advance() {
    bool changed = false;
    for (const auto& resource : checked_.resources) {
      const std::string now = state(resource.id);
      if (now == "waiting" && is_ready(resource)) changed |= start(resource);
      if (now == "running") changed |= look(resource);
    }
    return changed;
  }

  /// True when it may start, or will never: then start() says so.
  bool is_ready(const TemplateResource& resource) const {
    return std::ranges::all_of(resource.after, [&](const std::string& id) { return is_over(state(id)); });
  }

  bool start(const TemplateResource& resource) {
    const bool skipped =
        std::ranges::any_of(resource.after, [&](const std::string& id) { return state(id) != "Succeeded"; });
    if (skipped || resource.existing) {
      step(resource.id)["state"] = skipped ? "skipped" : "Succeeded";
      return true;
    }
    if (text_at(step(resource.id), "started").empty()) {
      step(resource.id)["started"] = core_.now_text();
      step(resource.id)["startedMs"] = core_.now_ms();
      step(resource.id)["operationId"] = to_upper(replace_all(core_.random().uuid(), "-", "").substr(0, 16));
      step(resource.id)["trackingId"] = core_.random().uuid();
    }
    const auto body = body_of(resource, at_run_time(core_, checked_, scope_, caller_));
    if (!body) return fail_step(resource, body.error().code, body.error().message);
    return judge(resource, send(core_, caller_, "PUT", resource.id, resource.api_version, *body));
  }

  bool judge(const TemplateResource& resource, const Answer& answer) {
    if (answer.status >= 300) {
      const auto error = answered(answer).error();
      const bool may_pass = answer.status == 429 || answer.status == 503 ||
                            error.code == "AnotherOperationInProgress" ||
                            error.code == "ContainerAppOperationInProgress";
      if (may_pass && integer_at(step(resource.id), "tries") < kMostTries) {
        step(resource.id)["tries"] = integer_at(step(resource.id), "tries") + 1;
        return false;  // asked again at the next step
      }
      return fail_step(resource, error.code, error.message);
    }
    const std::string operation = operation_of(answer);
    step(resource.id)["statusCode"] = answer.status == 201 ? "Created" : answer.status == 202 ? "Accepted" : "OK";
    if (operation.empty()) return end_step(resource, "Succeeded");
    step(resource.id)["operation"] = operation;
    step(resource.id)["state"] = "running";
    return true;
  }

  /// The operation's id is the last part of the URL that a client would poll.
  std::string operation_of(const Answer& answer) const {
    for (const char* header : {"Azure-AsyncOperation", "Location"}) {
      std::string url = answer.headers.get(header);
      url = url.substr(0, url.find('?'));
      const std::string id = url.substr(url.rfind('/') + 1);
      if (!id.empty() && core_.store().find_document("operations", id) != nullptr) return id;
    }
    return "";
  }

  bool look(const TemplateResource& resource) {
    const std::string operation = text_at(step(resource.id), "operation");
    const Json* known = core_.store().find_document("operations", operation);
    if (known != nullptr && text_at(*known, "status") == "running") return false;
    const Json* error = known == nullptr ? nullptr : find_member(*known, "error");
    if (error == nullptr) return end_step(resource, "Succeeded");
    return fail_step(resource, text_at(*error, "code"), text_at(*error, "message"));
  }

  bool end_step(const TemplateResource& resource, std::string_view how) {
    Json& one = step(resource.id);
    one["state"] = how;
    one["ended"] = core_.now_text();
    one["durationMs"] = core_.now_ms() - integer_at(one, "startedMs");
    return true;
  }
  bool fail_step(const TemplateResource& resource, const std::string& code, const std::string& message) {
    step(resource.id)["error"] = {{"code", code}, {"message", message}};
    step(resource.id)["statusCode"] = "BadRequest";
    return end_step(resource, "Failed");
  }

  // --- the end ---

  Json failures() const {
    Json details = Json::array();
    for (const auto& resource : checked_.resources) {
      if (state(resource.id) != "Failed") continue;
      const Json& error = hidden()["steps"][resource.id]["error"];
      details.push_back(
          {{"code", text_at(error, "code")}, {"target", resource.id}, {"message", text_at(error, "message")}});
    }
    return details;
  }

  Result<Json> outputs() {
    Json all = Json::object();
    const auto in = at_run_time(core_, checked_, scope_, caller_);
    for (const auto& [name, declared] : checked_.outputs.items()) {
      if (const Json* condition = find_member(declared, "condition")) {
        TRY_ASSIGN(const auto wanted, evaluated(*condition, in));
        if (wanted != Json(true)) continue;
      }
      std::string type = text_at(declared, "type");
      Json& output = all[output_name(name)];
      if (!type.empty()) type[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(type[0])));
      output["type"] = type;
      if (to_lower(type).starts_with("secure")) continue;
      TRY_ASSIGN(output["value"], evaluated(declared.value("value", Json()), in));
    }
    return all;
  }

  void finish() {
    Json details = failures();
    std::string code = "DeploymentFailed";
    Json produced;
    if (details.empty()) {
      auto all = outputs();
      if (all) {
        produced = std::move(*all);
      } else {
        code = "DeploymentOutputEvaluationFailed";
        details.push_back({{"code", all.error().code}, {"target", id_}, {"message", all.error().message}});
      }
    }
    Resource& deployment = core_.store().edit(id_);
    Json& properties = deployment.properties();
    properties["timestamp"] = core_.now_text();
    properties["duration"] = duration_text(core_.now_ms() - integer_at(deployment.hidden, "now_ms"));
    const std::string operation = text_at(deployment.hidden, "operation");
    if (details.empty()) {
      if (!produced.empty()) properties["outputs"] = std::move(produced);
      properties["outputResources"] = output_resources();
      core_.finish_operation(operation, std::nullopt);
      return;
    }
    const std::string message =
        "At least one resource deployment operation failed. Please list deployment operations for details. Please see "
        "https://aka.ms/arm-deployment-operations for usage details.";
    const Json error = {{"code", code}, {"target", id_}, {"message", message}, {"details", std::move(details)}};
    properties["error"] = error;
    core_.finish_operation(operation, Core::Failure{code, message, 400});
    core_.store().edit_document("operations", operation)["error"].update(error);
  }

  Json output_resources() const {
    std::vector<std::string> ids;
    for (const auto& resource : checked_.resources) {
      if (resource.existing) continue;
      if (resource.type != kType) {
        ids.push_back(resource.id);
        continue;
      }
      // Of a nested deployment, what it made.
      const Resource* nested = core_.store().find(resource.id);
      const Json* made = nested == nullptr ? nullptr : find_path(nested->body, "properties.outputResources");
      if (made != nullptr)
        for (const auto& one : *made) ids.push_back(text_at(one, "id"));
    }
    std::ranges::sort(ids);
    Json list = Json::array();
    for (const auto& id : ids) list.push_back({{"id", id}});
    return list;
  }

  Core& core_;
  const std::string id_;
  const CheckedTemplate& checked_;
  const ArmPath path_;
  const DeploymentScope scope_;
  const Json caller_;
};

/// Templates that are being deployed, so that they are not checked again at each step; a restart forgets them.
struct Known {
  std::string correlation;
  CheckedTemplate checked;
};

void go_on(Core& core, const Json& payload, std::map<std::string, Known>& known) {
  const std::string id = text_at(payload, "deployment"), correlation = text_at(payload, "correlation");
  const Resource* deployment = core.store().find(id);
  if (deployment == nullptr || text_at(deployment->hidden, "correlation") != correlation ||
      !core.operation_running(text_at(deployment->hidden, "operation")))
    return;
  auto found = known.find(to_lower(id));
  if (found == known.end() || found->second.correlation != correlation) {
    const auto path = *parse_arm_id(id);
    auto checked = check_template(deployment->hidden["template"], deployment->hidden["given"],
                                  scope_of(core, path, path.name(), integer_at(deployment->hidden, "now_ms")));
    if (!checked)
      return core.finish_operation(text_at(deployment->hidden, "operation"),
                                   Core::Failure{checked.error().code, checked.error().message});
    found = known.insert_or_assign(to_lower(id), Known{correlation, std::move(*checked)}).first;
  }
  Run(core, id, found->second.checked).go_on();
  if (!core.operation_running(text_at(core.store().find(id)->hidden, "operation"))) known.erase(to_lower(id));
}

// --- the API ---

std::optional<Answer> refuse_active(const Context& context) {
  if (context.existing == nullptr || !context.core.operation_running(text_at(context.existing->hidden, "operation")))
    return std::nullopt;
  return gateway_error(409, "DeploymentActive",
                       fmt::format("Unable to edit or replace deployment '{}': previous deployment is still active. "
                                   "Please see https://aka.ms/arm-deploy for usage details.",
                                   context.path.name()));
}

std::optional<Answer> write_deployment(Write& write) {
  Core& core = write.core;
  if (auto refused = refuse_active(write)) return refused;
  auto checked = read_sent(core, write.path, write.sent);
  if (!checked) return refusal(checked.error());
  const std::string correlation = core.random().uuid();
  Json given = Json::object();
  for (const auto& [name, value] : checked->values.items())
    if (!value.is_null()) given[name] = {{"value", value}};
  Json body = {{"id", write.next.id}, {"name", write.next.name()}, {"type", kType}};
  for (const char* member : {"location", "tags"})
    if (const Json* value = find_member(write.sent, member)) body[member] = *value;
  body["properties"] = properties_of(*checked, write.sent, core.now_text(), correlation);
  write.next.body = std::move(body);
  write.next.hidden = {{"template", write.sent["properties"]["template"]},
                       {"given", std::move(given)},
                       {"caller",
                        {{"object_id", write.request.caller.object_id},
                         {"audience", write.request.caller.audience},
                         {"tenant", write.request.caller.tenant}}},
                       {"base_url", write.request.base_url},
                       {"correlation", correlation},
                       {"now_ms", core.now_ms()},
                       {"steps", Json::object()}};
  write.held = true;
  core.schedule(kStep, 0, {{"deployment", write.next.id}, {"correlation", correlation}});
  return std::nullopt;
}

Answer deployment_not_found(const Context& context) {
  return gateway_error(404, "DeploymentNotFound",
                       fmt::format("Deployment '{}' could not be found.", context.path.name()));
}

/// The deployment that a route's path is about: without what follows its name.
ArmPath deployment_path(const Request& request) {
  auto segments = request.segments;
  while (segments.size() > 2 && !equals_ignoring_case(segments[segments.size() - 2], "deployments"))
    segments.pop_back();
  // The old form of operations lists has no provider.
  if (!equals_ignoring_case(segments[segments.size() - 3], "Microsoft.Resources"))
    segments.insert(segments.end() - 2, {"providers", "Microsoft.Resources"});
  return *parse_arm_path(segments);
}

/// PUT: azure-cli sends templates as they stand in their files, comments and all.
Answer put_deployment(Core& core, const Request& request) {
  Request strict = request;
  strict.body = strict_json(request.content());
  strict.body_file.clear();
  return answer_resource(core, strict);
}

Answer validate(Core& core, const Request& request) {
  const auto path = deployment_path(request);
  if (auto refused = check_request(core, request, path, std::string(kType) + "/validate/action")) return *refused;
  const auto sent = parse_json(strict_json(request.content()));
  if (!sent || !sent->is_object())
    return gateway_error(400, "InvalidRequestContent",
                         "The request content was invalid and could not be deserialized.");
  const auto checked = read_sent(core, path, *sent);
  if (!checked) return refusal(checked.error());
  Json body = {{"id", path.id()}, {"name", path.name()}, {"type", kType}};
  if (const Json* location = find_member(*sent, "location")) body["location"] = *location;
  body["properties"] = properties_of(*checked, *sent, "0001-01-01T00:00:00Z", core.random().uuid());
  Json validated = Json::array();
  for (const auto& resource : checked->resources) validated.push_back({{"id", resource.id}});
  body["properties"]["validatedResources"] = std::move(validated);
  return json_answer(200, body);
}

Json operation_body(const Resource& deployment, const std::string& target, const Json& step) {
  const std::string operation = text_at(step, "operationId");
  const auto path = parse_arm_id(target);
  Json properties = {{"provisioningOperation", "Create"},
                     {"provisioningState", text_at(step, "state") == "running" ? "Running" : text_at(step, "state")},
                     {"timestamp", text_at(step, "ended").empty() ? text_at(step, "started") : text_at(step, "ended")},
                     {"duration", duration_text(integer_at(step, "durationMs"))},
                     {"trackingId", text_at(step, "trackingId")},
                     {"statusCode", text_at(step, "statusCode").empty() ? "OK" : text_at(step, "statusCode")}};
  if (const Json* error = find_member(step, "error")) properties["statusMessage"] = {{"error", *error}};
  properties["targetResource"] = {
      {"id", target}, {"resourceType", path ? path->type() : ""}, {"resourceName", path ? join(path->names, "/") : ""}};
  return {{"id", deployment.id + "/operations/" + operation}, {"operationId", operation}, {"properties", properties}};
}

Answer operations(Core& core, const Request& request) {
  const auto path = deployment_path(request);
  if (auto refused = check_request(core, request, path, std::string(kType) + "/operations/read")) return *refused;
  const Resource* deployment = core.store().find(path.id());
  if (deployment == nullptr) return deployment_not_found({core, request, path});
  Json all = Json::array();
  for (const auto& [target, step] : deployment->hidden["steps"].items())
    if (!text_at(step, "operationId").empty()) all.push_back(operation_body(*deployment, target, step));
  const std::string output = replace_all(text_at(deployment->hidden, "correlation"), "-", "").substr(0, 20);
  if (find_path(deployment->body, "properties.outputs") != nullptr)
    all.push_back({{"id", deployment->id + "/operations/" + output},
                   {"operationId", output},
                   {"properties",
                    {{"provisioningOperation", "EvaluateDeploymentOutput"},
                     {"provisioningState", "Succeeded"},
                     {"timestamp", text_at(deployment->body, "properties.timestamp")},
                     {"duration", "PT0S"},
                     {"trackingId", text_at(deployment->hidden, "correlation")},
                     {"statusCode", "OK"}}}});
  const auto wanted = request.captures.find("operation");
  if (wanted == request.captures.end()) return json_answer(200, {{"value", std::move(all)}});
  for (const auto& one : all)
    if (equals_ignoring_case(text_at(one, "operationId"), wanted->second)) return json_answer(200, one);
  return gateway_error(404, "DeploymentOperationNotFound",
                       fmt::format("The deployment operation '{}' could not be found.", wanted->second));
}

Answer cancel(Core& core, const Request& request) {
  const auto path = deployment_path(request);
  if (auto refused = check_request(core, request, path, std::string(kType) + "/cancel/action")) return *refused;
  const Resource* deployment = core.store().find(path.id());
  if (deployment == nullptr) return deployment_not_found({core, request, path});
  const std::string operation = text_at(deployment->hidden, "operation");
  if (!core.operation_running(operation))
    return gateway_error(409, "DeploymentCannotBeCancelled",
                         fmt::format("The deployment '{}' cannot be cancelled: it is in its terminal state '{}'.",
                                     path.name(), deployment->state()));
  core.finish_operation(operation, Core::Failure{"DeploymentCanceled", "The deployment was canceled."});
  core.store().edit_document("operations", operation)["status"] = "Canceled";
  core.store().edit(path.id()).properties()["provisioningState"] = "Canceled";
  return empty_answer(204);
}

Answer export_template(Core& core, const Request& request) {
  const auto path = deployment_path(request);
  if (auto refused = check_request(core, request, path, std::string(kType) + "/exportTemplate/action")) return *refused;
  const Resource* deployment = core.store().find(path.id());
  if (deployment == nullptr) return deployment_not_found({core, request, path});
  return json_answer(200, {{"template", deployment->hidden["template"]}});
}

/// Of exactly this scope. "$filter=provisioningState eq 'Succeeded'"
Answer list_deployments(Core& core, const Request& request) {
  auto segments = request.segments;
  segments.insert(segments.end(), "all");
  const auto path = *parse_arm_path(segments);
  if (auto refused = check_request(core, request, path, std::string(kType) + "/read")) return *refused;
  const std::string filter = request.query_value("$filter");
  Json values = Json::array();
  for (const Resource* one : core.store().resources_of_type(kType)) {
    const auto own = parse_arm_id(one->id);
    if (!own || !equals_ignoring_case(own->scope, path.scope)) continue;
    if (contains_ignoring_case(filter, "provisioningState") &&
        !contains_ignoring_case(filter, "'" + one->state() + "'"))
      continue;
    values.push_back(core.show(*one, View::list));
  }
  return json_answer(200, {{"value", std::move(values)}});
}

}  // namespace

void add_deployments(Core& core) {
  const auto signed_in = Route::Access::signed_in;
  for (const std::string scope :
       {"/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}"}) {
    const std::string all = scope + "/providers/Microsoft.Resources/deployments";
    const std::string one = all + "/{deployment}";
    core.add_route({"GET", all, signed_in, list_deployments});
    core.add_route({"PUT", one, signed_in, put_deployment});
    core.add_route({"POST", one + "/validate", signed_in, validate});
    core.add_route({"POST", one + "/cancel", signed_in, cancel});
    core.add_route({"POST", one + "/exportTemplate", signed_in, export_template});
    for (const std::string& below : {one, scope + "/deployments/{deployment}"}) {
      core.add_route({"GET", below + "/operations", signed_in, operations});
      core.add_route({"GET", below + "/operations/{operation}", signed_in, operations});
    }
  }
  core.add_event(std::string(kStep), [known = std::make_shared<std::map<std::string, Known>>()](
                                         Core& at, const Json& payload) { go_on(at, payload, *known); });
  core.add_type({.type = std::string(kType),
                 .location = TypeBehaviour::Location::optional,
                 .write = write_deployment,
                 .remove = refuse_active,
                 .not_found = deployment_not_found});
}

}  // namespace defang::emulator
