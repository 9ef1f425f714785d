#include "emulator/providers/container_registry.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/providers/resource_identity.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kType = "Microsoft.ContainerRegistry/registries";
constexpr std::string_view kRunStarts = "registry-run-starts";

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  const Json* found = find_member(object, name);
  return found ? *found : kNull;
}

Json or_default(const Json& value, Json otherwise) { return value.is_null() ? std::move(otherwise) : value; }

bool is_alphanumeric(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); });
}

/// RFC 3339 with an offset, as this provider writes times.
std::string offset_time(Core& core) { return replace_all(core.now_text(), "Z", "+00:00"); }

// ---------------------------------------------------------------------------------------------------- registries

std::optional<Answer> check_name(const Context& context) {
  const std::string name = context.path.name();
  if (name.size() < 5 || name.size() > 50 || !is_alphanumeric(name))  // ARM-70
    return arm_error(
        400, "InvalidRegistryName",
        fmt::format("The registry name '{}' is invalid: it must be 5 to 50 alphanumeric characters.", name));
  const Resource* other = find_registry(context.core.store(), name);
  if (other != nullptr && !equals_ignoring_case(other->id, context.path.id()))
    return arm_error(
        409, "AlreadyInUse",
        fmt::format(
            "The registry DNS name {}.azurecr.io is already in use. You can check if the name is already claimed "
            "using following API: https://docs.microsoft.com/en-us/rest/api/containerregistry/registries/"
            "checknameavailability",
            to_lower(name)));
  return std::nullopt;
}

Json policies(Core& core, const Json& sent) {
  const auto status = [&](std::string_view policy, std::string_view otherwise) -> Json {
    return or_default(member(member(sent, policy), "status"), otherwise);
  };
  const auto days = [&](std::string_view policy, std::string_view name) -> Json {
    return or_default(member(member(sent, policy), name), 7);
  };
  const std::string now = offset_time(core);
  return {{"quarantinePolicy", {{"status", status("quarantinePolicy", "disabled")}}},
          {"trustPolicy", {{"type", "Notary"}, {"status", status("trustPolicy", "disabled")}}},
          {"retentionPolicy",
           {{"days", days("retentionPolicy", "days")},
            {"lastUpdatedTime", now},
            {"status", status("retentionPolicy", "disabled")}}},
          {"exportPolicy", {{"status", status("exportPolicy", "enabled")}}},
          {"azureADAuthenticationAsArmPolicy", {{"status", status("azureADAuthenticationAsArmPolicy", "enabled")}}},
          {"softDeletePolicy",
           {{"retentionDays", days("softDeletePolicy", "retentionDays")},
            {"lastUpdatedTime", now},
            {"status", status("softDeletePolicy", "disabled")}}}};
}

Json registry_properties(Write& write, bool is_premium) {
  Core& core = write.core;
  const Json sent = write.next.properties();
  Json shown = Json::object();
  shown["loginServer"] = core.open_endpoint(kRegistryEndpoint, to_lower(write.path.name()));
  shown["creationDate"] = write.existing ? member(write.existing->properties(), "creationDate") : Json(core.now_text());
  shown["provisioningState"] = "Succeeded";
  shown["adminUserEnabled"] = or_default(member(sent, "adminUserEnabled"), false);
  if (is_premium) {
    const Json& rules = member(sent, "networkRuleSet");
    shown["networkRuleSet"] = {{"defaultAction", or_default(member(rules, "defaultAction"), "Allow")},
                               {"ipRules", or_default(member(rules, "ipRules"), Json::array())}};
  }
  shown["policies"] = policies(core, member(sent, "policies"));
  shown["encryption"] = or_default(member(sent, "encryption"), {{"status", "disabled"}});
  shown["dataEndpointEnabled"] = or_default(member(sent, "dataEndpointEnabled"), false);
  shown["dataEndpointHostNames"] = Json::array();
  shown["privateEndpointConnections"] = or_default(member(sent, "privateEndpointConnections"), Json::array());
  shown["publicNetworkAccess"] = or_default(member(sent, "publicNetworkAccess"), "Enabled");
  shown["networkRuleBypassOptions"] = or_default(member(sent, "networkRuleBypassOptions"), "AzureServices");
  shown["zoneRedundancy"] = or_default(member(sent, "zoneRedundancy"), "Disabled");
  shown["anonymousPullEnabled"] = or_default(member(sent, "anonymousPullEnabled"), false);
  if (const Json& mode = member(sent, "roleAssignmentMode"); !mode.is_null()) shown["roleAssignmentMode"] = mode;
  shown["metadataSearch"] = or_default(member(sent, "metadataSearch"), "Disabled");
  return shown;
}

struct SkuLimit {
  std::string_view feature;
  std::string_view wanted;  // the value that needs it
};
// ACR-1: what needs Premium.
constexpr SkuLimit kPremiumOnly[] = {{"publicNetworkAccess", "Disabled"}, {"zoneRedundancy", "Enabled"}};

std::optional<Answer> check_sku(const Json& properties, bool is_premium) {
  if (is_premium) return std::nullopt;
  for (const SkuLimit& row : kPremiumOnly)
    if (equals_ignoring_case(text_at(properties, row.feature), row.wanted))
      return arm_error(400, "UnsupportedSku",
                       fmt::format("{} '{}' is supported by the Premium SKU only.", row.feature, row.wanted));
  return std::nullopt;
}

std::string new_password(Core& core) { return base64url(core.random().bytes(39)); }

/// Identity and encryption are changed by a long-running operation, the rest at once (recorded).
bool changes_slowly(const Resource& before, const Resource& after) {
  return member(before.body, "identity") != member(after.body, "identity") ||
         member(before.properties(), "encryption") != member(after.properties(), "encryption");
}

std::optional<Answer> write_registry(Write& write) {
  const std::string sku = text_at(write.next.body, "sku.name");
  if (sku.empty()) return arm_error(400, "InvalidRequestContent", "Required property 'sku.name' not found in JSON.");
  const bool is_premium = equals_ignoring_case(sku, "Premium");
  if (write.next.properties().is_null()) write.next.properties() = Json::object();
  if (auto refusal = check_sku(write.next.properties(), is_premium)) return refusal;
  if (auto refusal = complete_identity(write, IdentitySpelling::lower_camel)) return refusal;
  write.next.body["sku"] = {{"name", sku}, {"tier", sku}};
  if (!write.next.body.contains("tags")) write.next.body["tags"] = Json::object();
  write.next.properties() = registry_properties(write, is_premium);
  if (write.existing != nullptr && changes_slowly(*write.existing, write.next)) write.shape_method = "PUT slow";
  if (!write.next.hidden.contains("passwords"))
    write.next.hidden["passwords"] = Json::array({new_password(write.core), new_password(write.core)});
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- credentials

Answer credentials(const Context& context) {
  if (!true_at(context.existing->body, "properties.adminUserEnabled"))
    return arm_error(
        400, "UnAuthorizedForCredentialOperations",
        fmt::format(
            "Cannot perform credential operations for {} as admin user is disabled. Kindly enable admin user as "
            "per docs: https://docs.microsoft.com/en-us/azure/container-registry/"
            "container-registry-authentication#admin-account",
            context.existing->id));
  const Json& kept = member(context.existing->hidden, "passwords");
  return json_answer(200, {{"username", context.existing->name()},
                           {"passwords", Json::array({{{"name", "password"}, {"value", kept[0]}},
                                                      {{"name", "password2"}, {"value", kept[1]}}})}});
}

Answer regenerate(const Context& context) {
  const auto body = context.request.json();
  const bool second = body && equals_ignoring_case(text_at(*body, "name"), "password2");
  context.core.store().edit(context.existing->id).hidden["passwords"][second ? 1 : 0] = new_password(context.core);
  return credentials(context);
}

Answer token_credentials(const Context& context) {
  const auto body = context.request.json();
  const std::string token = body ? text_at(*body, "tokenId") : "";
  const std::string now = offset_time(context.core);
  Json passwords = Json::array();
  for (std::string_view name : {"password1", "password2"})
    passwords.push_back({{"creationTime", now}, {"name", name}, {"value", new_password(context.core)}});
  return json_answer(200, {{"username", token.substr(token.rfind('/') + 1)}, {"passwords", std::move(passwords)}});
}

struct SkuSize {
  std::string_view sku;
  std::int64_t included_bytes;
  int webhooks;
};
constexpr std::int64_t kGi = 1ll << 30;
constexpr SkuSize kSizes[] = {
    {"Basic", 10 * kGi, 2}, {"Premium", 500 * kGi, 500}, {"Standard", 100 * kGi, 10}};  // ACR-1

Answer usages(const Context& context) {
  const std::string sku = text_at(context.existing->body, "sku.name");
  Json rows = Json::array();
  const auto add = [&](std::string_view name, std::int64_t limit, std::string_view unit) {
    rows.push_back({{"name", name}, {"limit", limit}, {"currentValue", 0}, {"unit", unit}});
  };
  for (const SkuSize& size : kSizes) {
    if (!equals_ignoring_case(size.sku, sku)) continue;
    add("Size", size.included_bytes, "Bytes");
    add("Webhooks", size.webhooks, "Count");
  }
  return json_answer(200, {{"value", std::move(rows)}});
}

Answer name_availability(Core& core, const Request& request) {
  const auto body = request.json();
  const std::string name = body ? text_at(*body, "name") : "";
  if (find_registry(core.store(), name) != nullptr)
    return json_answer(200, {{"nameAvailable", false},
                             {"reason", "AlreadyExists"},
                             {"message", fmt::format("The registry {} is already in use.", name)}});
  if (name.size() < 5 || name.size() > 50 || !is_alphanumeric(name))
    return json_answer(200, {{"nameAvailable", false},
                             {"reason", "Invalid"},
                             {"message", fmt::format("The specified registry name {} is invalid.", name)}});
  return json_answer(200, {{"nameAvailable", true}});
}

/// Nothing outside is reachable, so an import leaves an image without content under each target tag.
Answer import_image(const Context& context, Registries& registries) {
  const auto body = context.request.json();
  const std::string source =
      body ? text_at(*body, "source.registryUri") + "/" + text_at(*body, "source.sourceImage") : "";
  if (!body || text_at(*body, "source.sourceImage").empty())
    return arm_error(400, "InvalidRequestContent", "Required property 'source.sourceImage' not found in JSON.");
  std::vector<std::string> tags;
  if (const Json& targets = member(*body, "targetTags"); targets.is_array())
    for (const Json& tag : targets) tags.push_back(tag.get<std::string>());
  if (tags.empty()) tags.push_back(text_at(*body, "source.sourceImage"));
  for (const std::string& tag : tags) {
    const std::size_t colon = tag.rfind(':');
    (void)registries.put_synthetic_image(to_lower(context.existing->name()), tag.substr(0, colon),
                                         colon == std::string::npos ? "latest" : tag.substr(colon + 1), source);
  }
  const std::string operation = context.core.new_operation_id();
  Answer answer = empty_answer(202);
  answer.headers.set("Location",
                     fmt::format("{}/subscriptions/{}/providers/Microsoft.ContainerRegistry/locations/{}/importResults/"
                                 "registries-{}?api-version={}",
                                 context.request.base_url, context.path.subscription, context.existing->location(),
                                 operation, context.request.query_value("api-version")));
  return answer;
}

// ---------------------------------------------------------------------------------------------------- runs

constexpr std::string_view kRequestTypes[] = {"DockerBuildRequest", "EncodedTaskRunRequest"};

Answer schedule_run(const Context& context) {
  const auto body = context.request.json();
  const std::string type = body ? text_at(*body, "type") : "";
  Core& core = context.core;
  Json request = body ? *body : Json::object();
  std::string task;
  if (equals_ignoring_case(type, "TaskRunRequest")) {
    const Resource* found = core.store().find(text_at(request, "taskId"));
    if (found == nullptr)
      return arm_error(404, "ResourceNotFound",
                       fmt::format("The task '{}' was not found.", text_at(request, "taskId")));
    task = found->name();
    request = found->hidden.value("run", Json::object());
  } else if (std::ranges::none_of(kRequestTypes,
                                  [&](std::string_view known) { return equals_ignoring_case(known, type); })) {
    return type.empty() ? arm_error(400, "InvalidRequestContent", "Required property 'type' not found in JSON.")
                        : not_implemented("registry runs of type " + type);
  }
  Resource& registry = core.store().edit(context.existing->id);
  const std::int64_t number = registry.hidden.value("runs", std::int64_t{0}) + 1;
  registry.hidden["runs"] = number;
  const std::string name = fmt::format("ca{}", number);
  const std::string now = offset_time(core);
  Json modified = core.system_data(nullptr, context.request.caller);
  for (std::string_view created : {"createdBy", "createdByType", "createdAt"}) modified.erase(std::string(created));
  Resource run{.id = fmt::format("{}/runs/{}", registry.id, name), .type = fmt::format("{}/runs", kType)};
  run.body = {{"type", run.type},
              {"properties",
               {{"runId", name},
                {"status", "Queued"},
                {"lastUpdatedTime", now},
                {"provisioningState", "Succeeded"},
                {"isArchiveEnabled", true_at(request, "isArchiveEnabled")}}},
              {"id", run.id},
              {"name", name},
              {"systemData", modified}};
  const Json first = run.body;
  const std::string id = run.id;
  run.hidden = {{"request", request}};
  Json& properties = run.body["properties"];
  properties["runType"] = "QuickRun";
  properties["createTime"] = now;
  if (!task.empty()) properties["task"] = task;
  properties["platform"] = or_default(member(request, "platform"), {{"os", "linux"}, {"architecture", "amd64"}});
  properties["agentConfiguration"] = {{"cpu", 2}};
  core.store().put(std::move(run));
  core.schedule(kRunStarts, 2, {{"run", id}});
  return json_answer(200, first);  // recorded: no headers of a long-running operation
}

Answer upload_url(const Context& context, RegistryRuns& runs) {
  const auto [path, url] = runs.upload_slot(*context.existing);
  return json_answer(200, {{"relativePath", path}, {"uploadUrl", url}});
}

std::optional<Answer> write_run(Write& write) {
  if (write.existing == nullptr) return arm_error(405, "MethodNotAllowed", "Runs are made by scheduleRun.");
  const Json& archived = member(write.sent, "isArchiveEnabled");
  write.next.body = write.existing->body;
  if (archived.is_boolean()) write.next.properties()["isArchiveEnabled"] = archived;
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- tasks

/// The request that a run of the task makes: its step, with the task's platform.
Json run_of_task(const Json& properties) {
  Json request = or_default(member(properties, "step"), Json::object());
  const std::string kind = text_at(request, "type");
  request["type"] = equals_ignoring_case(kind, "Docker") ? "DockerBuildRequest" : "EncodedTaskRunRequest";
  // ACR-26: the query of a context path is not kept.
  const std::string context = text_at(request, "contextPath");
  request["sourceLocation"] = context.substr(0, context.find('?'));
  request["platform"] = member(properties, "platform");
  return request;
}

std::optional<Answer> write_task(Write& write) {
  Json& properties = write.next.properties();
  if (auto refusal = complete_identity(write, IdentitySpelling::upper_camel)) return refusal;
  if (!properties.contains("creationDate")) properties["creationDate"] = offset_time(write.core);
  if (!properties.contains("status")) properties["status"] = "Enabled";
  if (!properties.contains("timeout")) properties["timeout"] = 3600;
  if (member(properties, "agentConfiguration").empty()) properties["agentConfiguration"] = {{"cpu", 2}};
  if (const Json& secret = member(properties, "credentials"); !secret.is_null()) {
    write.next.hidden["credentials"] = secret;
    properties.erase("credentials");
  }
  if (!properties.contains("isSystemTask")) properties["isSystemTask"] = false;
  write.next.hidden["run"] = run_of_task(properties);
  return std::nullopt;
}

Answer task_details(const Context& context) {
  Json body = context.existing->body;
  body["properties"]["credentials"] = or_default(member(context.existing->hidden, "credentials"), Json::object());
  return json_answer(200, body);
}

// ---------------------------------------------------------------------------------------------------- tokens

std::optional<Answer> write_token(Write& write) {
  Json& properties = write.next.properties();
  if (!properties.contains("creationDate")) properties["creationDate"] = offset_time(write.core);
  if (!properties.contains("credentials")) properties["credentials"] = {{"passwords", Json::array()}};
  if (!properties.contains("status")) properties["status"] = "enabled";
  return std::nullopt;
}

std::optional<Answer> write_scope_map(Write& write) {
  Json& properties = write.next.properties();
  properties["type"] = "UserDefined";
  if (!properties.contains("creationDate")) properties["creationDate"] = offset_time(write.core);
  return std::nullopt;
}

/// Children of registries answer 404 themselves, not through ARM (recorded).
Answer child_not_found(const Context& context) {
  return json_answer(404, {{"error",
                            {{"code", "ResourceNotFound"},
                             {"message", fmt::format("The resource {} could not be found.", context.path.name())}}},
                           {"status", "Failed"}});
}

TypeBehaviour child_type(std::string_view name) {
  TypeBehaviour type;
  type.type = fmt::format("{}/{}", kType, name);
  type.location = TypeBehaviour::Location::none;
  type.system_data = true;
  type.not_found = child_not_found;
  return type;
}

TypeBehaviour registry_type(Registries& registries, RegistryRuns& runs) {
  using Kind = BodyCheck::Kind;
  TypeBehaviour type;
  type.type = std::string(kType);
  type.system_data = true;
  type.checks = {
      {.path = "sku", .kind = Kind::object, .required = true},
      {.path = "sku.name", .kind = Kind::text, .required = true, .values = "Basic|Classic|Premium|Standard"},
      {.path = "properties.loginServer", .read_only = true},
      {.path = "properties.adminUserEnabled", .kind = Kind::boolean},
      {.path = "properties.anonymousPullEnabled", .kind = Kind::boolean},
      {.path = "properties.publicNetworkAccess", .kind = Kind::text, .values = "Disabled|Enabled"},
      {.path = "properties.roleAssignmentMode",
       .kind = Kind::text,
       .values = "AbacRepositoryPermissions|LegacyRegistryPermissions"},
      {.path = "properties.zoneRedundancy", .kind = Kind::text, .values = "Disabled|Enabled"},
      {.path = "properties.networkRuleBypassOptions", .kind = Kind::text, .values = "AzureServices|None"},
  };
  type.check_name = check_name;
  type.write = write_registry;
  type.removed = [&registries](Core& core, const Resource& registry) {
    registries.remove(to_lower(registry.name()));
    core.close_endpoint(kRegistryEndpoint, to_lower(registry.name()));
  };
  type.actions["POST listCredentials"] = credentials;
  type.actions["POST regenerateCredential"] = regenerate;
  type.actions["POST generateCredentials"] = token_credentials;
  type.actions["GET listUsages"] = usages;
  type.actions["POST importImage"] = [&registries](const Context& context) {
    return import_image(context, registries);
  };
  type.actions["POST scheduleRun"] = schedule_run;
  type.actions["POST listBuildSourceUploadUrl"] = [&runs](const Context& context) { return upload_url(context, runs); };
  return type;
}

}  // namespace

const Resource* find_registry(Store& store, std::string_view name) {
  for (const Resource* registry : store.resources_of_type(kType))
    if (equals_ignoring_case(registry->name(), name)) return registry;
  return nullptr;
}

bool may_pull(Core& core, std::string_view principal, const Resource& registry) {
  // ACR-6: there the roles of old say nothing. That these two actions are what a pull needs is taken from the role's
  // definition, not from a recording.
  if (text_at(registry.body, "properties.roleAssignmentMode") == "AbacRepositoryPermissions")
    return core.may(principal, "Microsoft.ContainerRegistry/registries/repositories/content/read", registry.id, true) &&
           core.may(principal, "Microsoft.ContainerRegistry/registries/repositories/metadata/read", registry.id, true);
  return core.may(principal, "Microsoft.ContainerRegistry/registries/pull/read", registry.id);
}

std::optional<std::string> CoreRegistryAccess::principal_of(const std::string& access_token) const {
  const auto lock = core_.lock();
  const auto caller = core_.check_token(access_token);
  if (!caller) return std::nullopt;
  return caller->object_id;
}

bool CoreRegistryAccess::may(const std::string& principal, const std::string& registry, Right right) const {
  const auto lock = core_.lock();
  const Resource* found = find_registry(core_.store(), registry);
  if (found == nullptr) return false;
  if (right == Right::pull) return may_pull(core_, principal, *found);
  const std::string_view action = right == Right::push ? "Microsoft.ContainerRegistry/registries/push/write"
                                                       : "Microsoft.ContainerRegistry/registries/artifacts/delete";
  return core_.may(principal, action, found->id);
}

std::optional<RegistryAccess::AdminUser> CoreRegistryAccess::admin(const std::string& registry) const {
  const auto lock = core_.lock();
  const Resource* found = find_registry(core_.store(), registry);
  if (found == nullptr || !true_at(found->body, "properties.adminUserEnabled")) return std::nullopt;
  AdminUser user{.name = found->name()};
  for (const Json& password : member(found->hidden, "passwords"))
    user.passwords.emplace_back(password.get<std::string>());
  return user;
}

void add_container_registry(Core& core, Registries& registries, RegistryRuns& runs) {
  core.add_type(registry_type(registries, runs));
  core.add_data_plane(std::string(kRegistryEndpoint), [&registries](Core&, Request& request, const std::string& key) {
    return registries.answer(key, request);
  });

  TypeBehaviour run = child_type("runs");
  run.system_data = true;
  run.write = write_run;
  run.actions["POST listLogSasUrl"] = [&runs](const Context& context) {
    return json_answer(200, {{"logLink", runs.log_url(*context.existing)}});
  };
  run.actions["POST cancel"] = [&runs](const Context& context) {
    runs.cancel(context.existing->id);
    return empty_answer(200);
  };
  core.add_type(std::move(run));

  TypeBehaviour task = child_type("tasks");
  task.location = TypeBehaviour::Location::optional;
  task.write = write_task;
  task.actions["POST listDetails"] = task_details;
  core.add_type(std::move(task));

  TypeBehaviour token = child_type("tokens");
  token.write = write_token;
  core.add_type(std::move(token));
  TypeBehaviour scope_map = child_type("scopeMaps");
  scope_map.write = write_scope_map;
  core.add_type(std::move(scope_map));

  core.add_route(
      {.method = "POST",
       .pattern = "/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/checkNameAvailability",
       .answer = name_availability});
  core.add_route({.method = "GET",
                  .pattern = "/subscriptions/{subscription}/providers/Microsoft.ContainerRegistry/locations/{location}/"
                             "importResults/{operation}",
                  .answer = [](Core&, const Request&) { return json_answer(200, {{"status", "Succeeded"}}); }});
  core.add_event(std::string(kRunStarts), [&runs](Core&, const Json& payload) { runs.start(text_at(payload, "run")); });
}

}  // namespace defang::emulator
