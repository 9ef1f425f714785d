#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// What a MongoDB service of Compose asks of Azure DocumentDB.
struct MongoCluster {
  std::string service;
  std::string version;  // "7.0"
  std::string login;
  graph::Value password;
  SourceSpan origin;
};

std::vector<graph::Resource> mongo(const StackScope& scope, const MongoCluster& cluster);
std::vector<std::string> mongo_ready(const MongoCluster& cluster);
/// The name that clients look up with SRV (DB-2).
graph::Value::Text mongo_host(const StackScope& scope, const std::string& service);
inline constexpr std::string_view kMongoZone = "privatelink.mongocluster.cosmos.azure.com";  // NET-6

/// "mongo:7" -> "7.0"; the newest that Azure has for others (DB-1).
std::string mongo_version(std::string_view image);

}  // namespace defang::providers
