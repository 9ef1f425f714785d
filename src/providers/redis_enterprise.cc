#include "providers/redis_enterprise.h"

#include <algorithm>
#include <array>

#include "providers/network.h"

namespace defang::providers {

using graph::Value;

namespace {

constexpr std::string_view kType = "Microsoft.Cache/redisEnterprise";
constexpr std::string_view kDatabaseType = "Microsoft.Cache/redisEnterprise/databases";
constexpr std::int64_t kMostInOneShard = std::int64_t{25} << 30;  // RD-8

struct Size {
  std::int64_t mib;
  std::string_view sku;
};
constexpr auto kSizes = std::to_array<Size>({
    {512, "Balanced_B0"},
    {1024, "Balanced_B1"},
    {3072, "Balanced_B3"},
    {6144, "Balanced_B5"},
    {12288, "Balanced_B10"},
    {24576, "Balanced_B20"},
    {61440, "Balanced_B50"},
    {122880, "Balanced_B100"},
});  // RD-2

struct Eviction {
  std::string_view policy, name;
};
constexpr auto kEvictions = std::to_array<Eviction>({
    {"allkeys-lfu", "AllKeysLFU"},
    {"allkeys-lru", "AllKeysLRU"},
    {"allkeys-random", "AllKeysRandom"},
    {"noeviction", "NoEviction"},
    {"volatile-lfu", "VolatileLFU"},
    {"volatile-lru", "VolatileLRU"},
    {"volatile-random", "VolatileRandom"},
    {"volatile-ttl", "VolatileTTL"},
});  // RD-12

std::string node_of(const std::string& service) { return "redis/" + service; }

/// RD-14: later it can be turned on, never off.
std::string_view has_standby(Mode mode) { return mode == Mode::high_availability ? "Enabled" : "Disabled"; }

std::string_view sku_of(std::int64_t bytes) {
  const auto found = std::ranges::find_if(kSizes, [&](const Size& size) { return (size.mib << 20) >= bytes; });
  return (found == kSizes.end() ? kSizes.back() : *found).sku;
}

}  // namespace

std::vector<graph::Resource> redis(const StackScope& scope, const RedisCluster& cluster) {
  const auto node = node_of(cluster.service);
  const auto name = scope.global_name_for(kType, cluster.service);
  auto made = make_resource(scope, node, kType, name,
                            Value::Map{{"sku", Value::Map{{"name", sku_of(cluster.memory_bytes)}}},
                                       {"properties", Value::Map{{"minimumTlsVersion", "1.2"},
                                                                 {"highAvailability", has_standby(scope.mode)},
                                                                 {"publicNetworkAccess", "Disabled"}}}},  // RD-6
                            cluster.service);
  made.because = "service `" + cluster.service + "` is managed Redis";
  made.origin = cluster.origin;
  made.retention = graph::Retention::data;
  // RD-7, RD-8: what is not sent depends on who asks; plain clients know no cluster.
  Value::Map properties = {
      {"clientProtocol", "Encrypted"},
      {"port", kRedisPort},
      {"clusteringPolicy",
       cluster.memory_bytes <= kMostInOneShard && !cluster.searches ? "NoCluster" : "EnterpriseCluster"},
      {"evictionPolicy", cluster.searches ? "NoEviction" : cluster.eviction},  // RD-12
      {"accessKeysAuthentication", "Enabled"}};
  if (cluster.searches)
    properties.emplace_back("modules",
                            Value::List{Value::Map{{"name", "RediSearch"}}, Value::Map{{"name", "RedisJSON"}}});
  if (cluster.keeps_snapshots && !cluster.keeps_data)  // RD-13: one or the other; an hour is the least
    properties.emplace_back("persistence",
                            Value::Map{{"aofEnabled", false}, {"rdbEnabled", true}, {"rdbFrequency", "1h"}});
  if (cluster.keeps_data)
    properties.emplace_back("persistence",
                            Value::Map{{"aofEnabled", true}, {"aofFrequency", "1s"}, {"rdbEnabled", false}});
  auto database = make_resource(scope, node + "/default", kDatabaseType, name + "/default",
                                Value::Map{{"properties", std::move(properties)}}, cluster.service);
  database.because = "a cluster has one database";
  database.origin = cluster.origin;
  database.retention = graph::Retention::data;
  database.after.push_back({node, ""});  // RD-4
  std::vector<graph::Resource> resources = {std::move(made), std::move(database)};
  for (auto& door : private_endpoint(
           scope,
           {.name = cluster.service, .resource = node, .group = "redisEnterprise", .zones = {std::string(kRedisZone)}}))
    resources.push_back(std::move(door));
  return resources;
}

std::vector<std::string> redis_ready(const RedisCluster& cluster) {
  return {node_of(cluster.service) + "/default", "endpoint/" + cluster.service + "/names"};
}

graph::Reference redis_host(const std::string& service) { return property_of(node_of(service), "properties.hostName"); }

graph::Reference redis_key(const std::string& service) {
  auto key = list_of(node_of(service) + "/default", "listKeys", "primaryKey");
  key.percent_encoded = true;
  return key;
}

std::string_view redis_eviction(std::string_view policy) {
  const auto found = std::ranges::find(kEvictions, policy, &Eviction::policy);
  return found == kEvictions.end() ? "" : found->name;
}

}  // namespace defang::providers
