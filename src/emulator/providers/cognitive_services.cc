// Microsoft.CognitiveServices: accounts, model deployments, what a region offers, soft delete.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/providers/managed_stores.h"
#include "emulator/providers/resource_identity.h"
#include "emulator/router.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

using Kind = BodyCheck::Kind;

constexpr std::string_view kAccounts = "Microsoft.CognitiveServices/accounts";
constexpr std::string_view kDeployments = "Microsoft.CognitiveServices/accounts/deployments";
constexpr std::string_view kDeleted = "Microsoft.CognitiveServices/deletedAccounts";
constexpr double kKeptSeconds = 48 * 3600;  // AI-5

/// A model that a region offers. The list is short and our own; the form is that of `locations/{l}/models`.
struct Model {
  std::string_view format, name, version, kind;
  std::string_view capability;
  int thousand_tokens;  // quota per minute
};
constexpr auto kModels = std::to_array<Model>({
    {"DeepSeek", "DeepSeek-V3.1", "1", "AIServices", "chatCompletion", 100},
    {"Meta", "Llama-3.3-70B-Instruct", "9", "AIServices", "chatCompletion", 100},
    {"Mistral AI", "mistral-small-2503", "1", "AIServices", "chatCompletion", 100},
    {"OpenAI", "gpt-4.1", "2025-04-14", "OpenAI", "chatCompletion", 50},
    {"OpenAI", "gpt-4.1-mini", "2025-04-14", "OpenAI", "chatCompletion", 200},
    {"OpenAI", "gpt-4o", "2024-11-20", "OpenAI", "chatCompletion", 150},
    {"OpenAI", "gpt-4o-mini", "2024-07-18", "OpenAI", "chatCompletion", 200},
    {"OpenAI", "gpt-5-mini", "2025-08-07", "OpenAI", "chatCompletion", 200},
    {"OpenAI", "text-embedding-3-large", "1", "OpenAI", "embeddings", 120},
    {"OpenAI", "text-embedding-3-small", "1", "OpenAI", "embeddings", 120},
});

std::string etag(Core& core) { return fmt::format("\"{}\"", core.random().uuid()); }

std::string deleted_key(const std::string& location, const std::string& group, const std::string& name) {
  return fmt::format("{}/{}/{}", to_lower(replace_all(location, " ", "")), group, name);
}

// --- accounts -------------------------------------------------------------------------------------------------------

std::optional<Answer> check_subdomain(const Write& write, const std::string& subdomain) {
  for (const Resource* other : write.core.store().resources_of_type(kAccounts))
    if (!subdomain.empty() && !equals_ignoring_case(other->id, write.next.id) &&
        equals_ignoring_case(text_at(other->body, "properties.customSubDomainName"), subdomain))
      return arm_error(409, "CustomDomainInUse",
                       fmt::format("Subdomain '{}' is already used. Please pick a different name.", subdomain));
  return std::nullopt;
}

/// AI-5: a deleted account keeps its name for 48 hours.
std::optional<Answer> check_deleted(Write& write) {
  const std::string key = deleted_key(text_at(write.next.body, "location"), write.path.group, write.path.name());
  if (write.existing != nullptr || write.core.store().find_document("deleted-accounts", key) == nullptr)
    return std::nullopt;
  if (!true_at(write.next.body, "properties.restore"))
    return arm_error(
        409, "FlagMustBeSetForRestore",
        fmt::format("An existing resource with ID '{}' has been soft-deleted. To restore the resource, you "
                    "must specify 'restore' to be 'true' in the property. If you don't want to restore "
                    "existing resource, please purge it first.",
                    write.next.id));
  write.next.body["properties"] = (*write.core.store().find_document("deleted-accounts", key))["properties"];
  write.core.store().erase_document("deleted-accounts", key);
  return std::nullopt;
}

Json endpoints_of(const std::string& host) {
  return {{"OpenAI Language Model Instance API", fmt::format("https://{}.openai.azure.com/", host)},
          {"AI Foundry API", fmt::format("https://{}.services.ai.azure.com/", host)},
          {"Azure AI Model Inference API", fmt::format("https://{}.services.ai.azure.com/", host)},
          {"OpenAI Moderations API", fmt::format("https://{}.openai.azure.com/", host)}};
}

std::optional<Answer> write_account(Write& write) {
  Core& core = write.core;
  if (auto refusal = check_deleted(write)) return refusal;
  if (auto refusal = complete_identity(write, IdentitySpelling::upper_camel)) return refusal;
  Json& properties = write.next.properties();
  if (properties.is_null()) properties = Json::object();
  properties.erase("restore");
  const std::string subdomain = text_at(properties, "customSubDomainName");
  if (auto refusal = check_subdomain(write, subdomain)) return refusal;
  const std::string before =
      write.existing == nullptr ? "" : text_at(write.existing->body, "properties.customSubDomainName");
  if (!before.empty() && !subdomain.empty() && !equals_ignoring_case(before, subdomain))  // AI-3
    return arm_error(400, "BadRequest", "The custom subdomain name of an account cannot be changed.");
  const std::string kind = text_at(write.next.body, "kind");
  const std::string region = to_lower(replace_all(text_at(write.next.body, "location"), " ", ""));
  if (subdomain.empty())
    properties["endpoint"] = fmt::format("https://{}.api.cognitive.microsoft.com/", region);
  else if (kind == "OpenAI")
    properties["endpoint"] = fmt::format("https://{}.openai.azure.com/", to_lower(subdomain));
  else
    properties["endpoint"] = fmt::format("https://{}.cognitiveservices.azure.com/", to_lower(subdomain));
  if (!subdomain.empty()) properties["endpoints"] = endpoints_of(to_lower(subdomain));
  fill(properties, {{"internalId", replace_all(core.random().uuid(), "-", "")},
                    {"dateCreated", core.now_text()},
                    {"callRateLimit", {{"rules", Json::array()}}},
                    {"isMigrated", false},
                    {"privateEndpointConnections", Json::array()},
                    {"publicNetworkAccess", "Enabled"},
                    {"capabilities", {{{"name", "VirtualNetworks"}}, {{"name", "CustomerManagedKey"}}}}});
  write.next.body["etag"] = etag(core);
  if (!write.next.hidden.contains("key1"))
    for (const char* key : {"key1", "key2"}) write.next.hidden[key] = hex(core.random().bytes(16));
  return std::nullopt;
}

/// It is not gone but soft-deleted.
void keep_deleted(Core& core, const Resource& account) {
  const auto path = parse_arm_id(account.id);
  const std::string key = deleted_key(account.location(), path->group, account.name());
  Json body = account.body;
  body["id"] = fmt::format(
      "/subscriptions/{}/providers/Microsoft.CognitiveServices/locations/{}/resourceGroups/{}/"
      "deletedAccounts/{}",
      path->subscription, account.location(), path->group, account.name());
  body["type"] = kDeleted;
  body["properties"]["deletionDate"] = core.now_text();
  body["properties"]["scheduledPurgeDate"] = to_iso8601(core.now_ms() + core.scaled_ms(kKeptSeconds));
  core.store().edit_document("deleted-accounts", key) = std::move(body);
  core.schedule("purge-account", kKeptSeconds, {{"key", key}});
}

Answer list_keys(const Context& context) {
  if (true_at(context.existing->body, "properties.disableLocalAuth"))  // AI-9
    return arm_error(400, "BadRequest", "Failed to list key. disableLocalAuth is set to be true");
  return json_answer(200, {{"key1", context.existing->hidden["key1"]}, {"key2", context.existing->hidden["key2"]}});
}

Answer regenerate_key(const Context& context) {
  const auto body = context.request.json();
  const std::string name = body && equals_ignoring_case(text_at(*body, "keyName"), "Key2") ? "key2" : "key1";
  context.core.store().edit(context.existing->id).hidden[name] = hex(context.core.random().bytes(16));
  return list_keys(context);
}

// --- models and deployments -----------------------------------------------------------------------------------------

Json sku_of(const Model& model) {
  return {{"name", "GlobalStandard"},
          {"usageName",
           fmt::format("{}.GlobalStandard.{}", model.format == "OpenAI" ? "OpenAI" : "AIServices", model.name)},
          {"capacity", {{"maximum", 10000}, {"default", 10}}},
          {"rateLimits", Json::array()}};
}

Json shown_model(const Model& model) {
  return {{"format", model.format},
          {"name", model.name},
          {"version", model.version},
          {"isDefaultVersion", true},
          {"skus", Json::array({sku_of(model)})},
          {"maxCapacity", 3},
          {"capabilities", {{model.capability, "true"}}},
          {"lifecycleStatus", "GenerallyAvailable"}};
}

Answer list_models(Core&, const Request&) {
  Json values = Json::array();
  for (const auto& model : kModels)
    values.push_back({{"kind", model.kind}, {"skuName", "S0"}, {"model", shown_model(model)}});
  return json_answer(200, {{"value", std::move(values)}});
}

Answer account_models(const Context&) {
  Json values = Json::array();
  for (const auto& model : kModels) values.push_back(shown_model(model));
  return json_answer(200, {{"value", std::move(values)}});
}

const Model* find_model(const Json& wanted) {
  const std::string name = text_at(wanted, "name"), format = text_at(wanted, "format");
  for (const auto& model : kModels)
    if (equals_ignoring_case(model.name, name) && (format.empty() || equals_ignoring_case(model.format, format)))
      return &model;
  return nullptr;
}

/// Thousands of tokens a minute that deployments of a model hold in the whole region.
std::int64_t used(Core& core, const Model& model, const std::string& besides = "") {
  std::int64_t sum = 0;
  for (const Resource* deployment : core.store().resources_of_type(kDeployments))
    if (deployment->id != besides &&
        equals_ignoring_case(text_at(deployment->body, "properties.model.name"), model.name))
      sum += integer_at(deployment->body, "sku.capacity", 1);
  return sum;
}

Answer list_usages(Core& core, const Request&) {
  Json values = Json::array();
  for (const auto& model : kModels) {
    const std::string name = text_at(sku_of(model), "usageName");
    values.push_back({{"name", {{"value", name}, {"localizedValue", name}}},
                      {"currentValue", used(core, model)},
                      {"limit", model.thousand_tokens},
                      {"unit", "Count"}});
  }
  return json_answer(200, {{"value", std::move(values)}});
}

std::optional<Answer> write_deployment(Write& write) {
  Core& core = write.core;
  Json& body = write.next.body;
  fill(body, {{"sku", {{"name", "Standard"}, {"capacity", 1}}}});
  Json& properties = write.next.properties();
  const Resource* account = core.store().find(write.path.parent_id());
  if (account->state() != "Succeeded")  // AI-12
    return arm_error(409, "RequestConflict",
                     fmt::format("Another operation is being performed on the parent resource '{}'. Please try again "
                                 "later.",
                                 account->id));
  const Model* model = find_model(properties.value("model", Json::object()));
  if (model == nullptr)
    return arm_error(400, "InvalidResourceProperties",
                     fmt::format("The specified model '{}' of account deployment is not supported by the emulator.",
                                 text_at(properties, "model.name")));
  const std::int64_t wanted = integer_at(body, "sku.capacity", 1);
  const std::int64_t free = model->thousand_tokens - used(core, *model, write.next.id);
  if (wanted > free)  // AI-13
    return arm_error(400, "InsufficientQuota",
                     fmt::format("This operation require {} new capacity in quota Tokens Per Minute (thousands) - {}, "
                                 "which is bigger than the current available capacity {}.",
                                 wanted, model->name, free));
  fill(properties["model"], {{"format", model->format}, {"version", model->version}});
  properties["capabilities"] = {{model->capability, "true"}};
  fill(properties, {{"versionUpgradeOption", "OnceNewDefaultVersionAvailable"},
                    {"currentCapacity", wanted},
                    {"raiPolicyName", "Microsoft.DefaultV2"},
                    {"rateLimits",
                     {{{"key", "request"}, {"renewalPeriod", 60}, {"count", wanted}},
                      {{"key", "token"}, {"renewalPeriod", 60}, {"count", wanted * 1000}}}}});
  body["etag"] = etag(core);
  return std::nullopt;
}

// --- deleted accounts -----------------------------------------------------------------------------------------------

Answer deleted_account(Core& core, const Request& request) {
  const std::string key =
      deleted_key(request.captures.at("location"), request.captures.at("group"), request.captures.at("name"));
  const Json* kept = core.store().find_document("deleted-accounts", key);
  if (kept == nullptr)
    return request.method == "DELETE"
               ? empty_answer(204)
               : arm_error(404, "ResourceNotFound",
                           fmt::format("The deleted account '{}' was not found.", request.captures.at("name")));
  if (request.method == "GET") return json_answer(200, *kept);
  const Shape* shape = find_shape(kDeleted, "DELETE", true);
  const std::string operation = core.new_operation_id();
  Resource going{.id = text_at(*kept, "id"), .type = std::string(kDeleted), .body = *kept};
  core.start_operation(operation, *shape, going, shape->seconds, false);
  core.schedule("purge-account", shape->seconds, {{"key", key}});
  Answer answer = empty_answer(shape->status);
  answer.headers = core.operation_headers(operation, request);
  return answer;
}

Answer list_deleted(Core& core, const Request&) {
  Json values = Json::array();
  for (const auto& [key, body] : core.store().documents("deleted-accounts")) values.push_back(body);
  return json_answer(200, {{"value", std::move(values)}});
}

}  // namespace

void add_cognitive_services(Core& core) {
  core.add_type(
      {.type = std::string(kAccounts),
       .system_data = true,
       .checks = {{.path = "kind",
                   .kind = Kind::text,
                   .required = true,
                   .rule = "AI-1",
                   .code = "InvalidApiSetId",
                   .message = "The kind of the account is missing."},
                  {.path = "sku.name", .kind = Kind::text, .required = true, .rule = "AI-1"},
                  {.path = "properties.publicNetworkAccess",
                   .kind = Kind::text,
                   .values = "Enabled|Disabled",
                   .rule = "AI-7"},
                  {.path = "properties.disableLocalAuth", .kind = Kind::boolean, .rule = "AI-9"},
                  {.path = "properties.endpoint", .read_only = true, .rule = "AI-4"}},
       .default_code = "InvalidResourceProperties",
       .write = write_account,
       .removed = keep_deleted,
       .actions = {
           {"POST listKeys", list_keys}, {"POST regenerateKey", regenerate_key}, {"GET models", account_models}}});
  core.add_type({.type = std::string(kDeployments),
                 .location = TypeBehaviour::Location::none,
                 .system_data = true,
                 .checks = {{.path = "properties.model.name", .kind = Kind::text, .required = true, .rule = "AI-10"},
                            {.path = "sku.capacity", .kind = Kind::integer, .min = 1, .max = 100000, .rule = "AI-10"}},
                 .default_code = "InvalidResourceProperties",
                 .write = write_deployment});
  core.add_event("purge-account", [](Core& at, const Json& payload) {
    at.store().erase_document("deleted-accounts", text_at(payload, "key"));
  });
  const auto signed_in = Route::Access::signed_in;
  const std::string base = "/subscriptions/{subscription}/providers/Microsoft.CognitiveServices/";
  for (const char* method : {"GET", "DELETE"})
    core.add_route({method, base + "locations/{location}/resourceGroups/{group}/deletedAccounts/{name}", signed_in,
                    deleted_account});
  core.add_route({"GET", base + "deletedAccounts", signed_in, list_deleted});
  core.add_route({"GET", base + "locations/{location}/models", signed_in, list_models});
  core.add_route({"GET", base + "locations/{location}/usages", signed_in, list_usages});
  add_model_answers(core);
}

}  // namespace defang::emulator
