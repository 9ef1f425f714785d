// Microsoft.Cache/redisEnterprise: Azure Managed Redis, clusters and their one database.
#include <fmt/format.h>

#include "emulator/providers/managed_stores.h"
#include "emulator/router.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

using Kind = BodyCheck::Kind;

constexpr std::string_view kClusters = "Microsoft.Cache/redisEnterprise";
constexpr std::string_view kDatabases = "Microsoft.Cache/redisEnterprise/databases";

std::optional<Answer> write_cluster(Write& write) {
  Json& properties = write.next.properties();
  const std::string region = to_lower(replace_all(text_at(write.next.body, "location"), " ", ""));
  if (properties.is_null()) properties = Json::object();
  properties.erase("privateEndpointConnections");
  fill(properties,
       {{"minimumTlsVersion", "1.2"}, {"highAvailability", "Enabled"}, {"privateEndpointConnections", Json::array()}});
  properties["hostName"] = fmt::format("{}.{}.redis.azure.net", to_lower(write.path.name()), region);  // RD-11
  properties["redundancyMode"] = text_at(properties, "highAvailability") == "Disabled" ? "None" : "LR";
  write.next.body["kind"] = "v2";
  fill(write.next.body, {{"identity", {{"type", "None"}}}, {"tags", Json::object()}});
  return std::nullopt;
}

/// A fault of kind "lag" was for this write: it runs only so much later than its operation ends.
void note_lag(Core& core, Resource& resource) {
  Json& lags = core.store().edit_document("emulator", "lags");
  const auto lag = lags.find(to_lower(resource.id));
  if (lag == lags.end() || !lag->is_number()) return;
  resource.hidden["runsAt"] = core.now_ms() + core.scaled_ms(lag->get<double>());
  lags.erase(lag);
}

bool lags_behind(Core& core, const Resource& resource) { return integer_at(resource.hidden, "runsAt") > core.now_ms(); }

/// RD-5: clients look at the resource's state, which says more than the operation's.
Json show_running(Core& core, const Resource& resource, View) {
  Json body = resource.body;
  const std::string state = resource.state();
  body["properties"]["resourceState"] = state != "Succeeded"          ? state
                                        : lags_behind(core, resource) ? "Creating"
                                                                      : "Running";
  return body;
}

std::optional<Answer> check_name(const Context& context) {
  if (context.path.name() == "default") return std::nullopt;  // RD-4
  return arm_error(400, "InvalidResourceName", "The database of a cluster must be named 'default'.");
}

std::optional<Answer> write_database(Write& write) {
  Core& core = write.core;
  const Resource* cluster = core.store().find(write.path.parent_id());
  if (cluster->state() != "Succeeded" || lags_behind(core, *cluster))  // RD-4
    return arm_error(409, "Conflict", fmt::format("The cluster '{}' is not running yet.", cluster->name()));
  Json& properties = write.next.properties();
  const std::string before =
      write.existing == nullptr ? "" : text_at(write.existing->body, "properties.clusteringPolicy");
  const std::string policy = text_at(properties, "clusteringPolicy");
  if (!before.empty() && !policy.empty() && before != policy && before != "NoCluster")  // RD-8
    return arm_error(400, "BadRequest", "The clustering policy of a database cannot be changed.");
  fill(properties, {{"clientProtocol", "Encrypted"},
                    {"port", 10000},
                    {"clusteringPolicy", before.empty() ? "OSSCluster" : before},
                    {"evictionPolicy", "VolatileLRU"},
                    {"keySpaceNotification", ""},
                    {"deferUpgrade", "NotDeferred"},
                    {"redisVersion", "7.4"},
                    {"accessKeysAuthentication", "Enabled"}});
  if (!write.next.hidden.contains("primaryKey"))
    for (const char* key : {"primaryKey", "secondaryKey"}) write.next.hidden[key] = base64(core.random().bytes(32));
  return std::nullopt;
}

Answer keys_of(const Resource& database) {
  return json_answer(
      200, {{"primaryKey", database.hidden["primaryKey"]}, {"secondaryKey", database.hidden["secondaryKey"]}});
}

std::optional<Answer> refuse_keys(const Context& context) {
  if (text_at(context.existing->body, "properties.accessKeysAuthentication") != "Disabled") return std::nullopt;
  return arm_error(400, "AccessKeysAuthenticationDisabled", "The database does not allow access by key.");  // RD-7
}

Answer list_keys(const Context& context) {
  if (auto refusal = refuse_keys(context)) return *refusal;
  return keys_of(*context.existing);
}

Answer regenerate_key(const Context& context) {
  if (auto refusal = refuse_keys(context)) return *refusal;
  const auto body = context.request.json();
  const bool second = body && text_at(*body, "keyType") == "Secondary";
  Resource& database = context.core.store().edit(context.existing->id);
  database.hidden[second ? "secondaryKey" : "primaryKey"] = base64(context.core.random().bytes(32));
  return keys_of(database);
}

}  // namespace

void add_redis_enterprise(Core& core) {
  core.add_type(
      {.type = std::string(kClusters),
       .checks =
           {{.path = "sku.name",
             .kind = Kind::text,
             .required = true,
             .pattern = "(Balanced_B|ComputeOptimized_X|MemoryOptimized_M|FlashOptimized_A|Enterprise_E|"
                        "EnterpriseFlash_F)[0-9]+",
             .rule = "RD-2"},
            {.path = "properties.highAvailability", .kind = Kind::text, .values = "Enabled|Disabled", .rule = "RD-14"},
            {.path = "properties.publicNetworkAccess",
             .kind = Kind::text,
             .values = "Enabled|Disabled",
             .rule = "RD-6"},
            {.path = "properties.hostName", .read_only = true, .rule = "RD-11"}},
       .default_code = "BadRequest",
       .write = write_cluster,
       .finished = note_lag,
       .show = show_running});
  core.add_type(
      {.type = std::string(kDatabases),
       .location = TypeBehaviour::Location::none,
       .checks =
           {{.path = "properties.clientProtocol", .kind = Kind::text, .values = "Encrypted|Plaintext", .rule = "RD-10"},
            {.path = "properties.clusteringPolicy",
             .kind = Kind::text,
             .values = "EnterpriseCluster|OSSCluster|NoCluster",
             .rule = "RD-8"},
            {.path = "properties.evictionPolicy",
             .kind = Kind::text,
             .values = "AllKeysLFU|AllKeysLRU|AllKeysRandom|VolatileLRU|VolatileLFU|VolatileTTL|"
                       "VolatileRandom|NoEviction",
             .rule = "RD-12"},
            {.path = "properties.port", .kind = Kind::integer, .rule = "RD-10"}},
       .default_code = "BadRequest",
       .check_name = check_name,
       .write = write_database,
       .finished = note_lag,
       .show = show_running,
       .actions = {{"POST listKeys", list_keys}, {"POST regenerateKey", regenerate_key}}});
}

}  // namespace defang::emulator
