#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// What a Redis service of Compose asks of Azure Managed Redis.
struct RedisCluster {
  std::string service;
  std::int64_t memory_bytes = 0;
  bool keeps_data = false;               // `--appendonly yes`
  bool keeps_snapshots = false;          // `--save 60 1`
  bool searches = false;                 // an image with RediSearch: it is queried
  std::string eviction = "VolatileLRU";  // of `--maxmemory-policy`
  SourceSpan origin;
};

inline constexpr int kRedisPort = 10000;  // RD-10

/// The cluster, its one database, and the door to it.
std::vector<graph::Resource> redis(const StackScope& scope, const RedisCluster& cluster);
std::vector<std::string> redis_ready(const RedisCluster& cluster);
graph::Reference redis_host(const std::string& service);
/// Percent-encoded: it is Base64, and stands in URLs.
graph::Reference redis_key(const std::string& service);
inline constexpr std::string_view kRedisZone = "privatelink.redis.azure.net";  // RD-16

/// "allkeys-lru" -> "AllKeysLRU"; empty for what nobody knows (RD-12).
std::string_view redis_eviction(std::string_view policy);

}  // namespace defang::providers
