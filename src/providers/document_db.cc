#include "providers/document_db.h"

#include <array>

#include "providers/network.h"

namespace defang::providers {

using graph::Value;

namespace {
constexpr std::string_view kType = "Microsoft.DocumentDB/mongoClusters";
constexpr auto kVersions = std::to_array<std::string_view>({"5.0", "6.0", "7.0", "8.0"});  // DB-1
constexpr std::string_view kDefaultVersion = "8.0";

std::string node_of(const std::string& service) { return "mongo/" + service; }
}  // namespace

std::vector<graph::Resource> mongo(const StackScope& scope, const MongoCluster& cluster) {
  const auto node = node_of(cluster.service);
  auto made = make_resource(
      scope, node, kType, scope.global_name_for(kType, cluster.service),
      Value::Map{{"properties",
                  Value::Map{{"serverVersion", cluster.version},
                             {"administrator", Value::Map{{"userName", cluster.login}, {"password", cluster.password}}},
                             {"compute", Value::Map{{"tier", "M10"}}},
                             {"storage", Value::Map{{"sizeGb", 32}}},
                             {"sharding", Value::Map{{"shardCount", 1}}},
                             {"highAvailability", Value::Map{{"targetMode", "Disabled"}}},
                             {"publicNetworkAccess", "Disabled"}}}},
      cluster.service);
  made.because = "service `" + cluster.service + "` is managed MongoDB";
  made.origin = cluster.origin;
  made.retention = graph::Retention::data;
  std::vector<graph::Resource> resources = {std::move(made)};
  for (auto& door : private_endpoint(
           scope,
           {.name = cluster.service, .resource = node, .group = "MongoCluster", .zones = {std::string(kMongoZone)}}))
    resources.push_back(std::move(door));
  return resources;
}

std::vector<std::string> mongo_ready(const MongoCluster& cluster) {
  return {node_of(cluster.service), "endpoint/" + cluster.service + "/names"};
}

Value::Text mongo_host(const StackScope& scope, const std::string& service) {
  return {scope.global_name_for(kType, service) + ".mongocluster.cosmos.azure.com"};
}

std::string mongo_version(std::string_view image) {
  const auto colon = image.rfind(':');
  if (colon != std::string_view::npos)
    for (const auto version : kVersions)
      if (image.substr(colon + 1).starts_with(version.substr(0, 1)) &&
          (image.size() == colon + 2 || image[colon + 2] < '0' || image[colon + 2] > '9'))
        return std::string(version);
  return std::string(kDefaultVersion);
}

}  // namespace defang::providers
