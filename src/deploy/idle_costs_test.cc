#include "deploy/idle_costs.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace defang::deploy {
namespace {

using graph::Resource;
using graph::Value;

Resource app(const std::string& name, std::int64_t least, const std::string& profile = "Consumption") {
  const Value container = Value::Map{{"resources", Value::Map{{"cpu", 0.5}, {"memory", "1Gi"}}}};
  return {.id = "app/" + name,
          .type = "Microsoft.App/containerApps",
          .name = name,
          .body = Value::Map{
              {"properties", Value::Map{{"workloadProfileName", profile},
                                        {"template", Value::Map{{"containers", Value::List{container, container}},
                                                                {"scale", Value::Map{{"minReplicas", least}}}}}}}}};
}

Resource with_sku(const std::string& type, const std::string& name, const std::string& sku, Value properties = {}) {
  return {.id = name,
          .type = type,
          .name = name,
          .body = Value::Map{{"sku", Value::Map{{"name", sku}}}, {"properties", std::move(properties)}}};
}

/// The sum of a resource, and what was said of it.
std::string told(const IdleCosts& costs) {
  std::string out;
  for (const auto& one : costs.priced) out += fmt::format("{}: {} {:.2f}\n", one.resource, one.what, one.usd_a_month);
  for (const auto& name : costs.unpriced) out += name + "?\n";
  return out;
}

Result<std::vector<rest::PriceRow>> list(const std::string& service) {
  if (service == "Azure Container Apps")
    return std::vector<rest::PriceRow>{
        {"Azure Container Apps", "Standard", "Standard vCPU Idle Usage", "1 Second", 0, 0},
        {"Azure Container Apps", "Standard", "Standard vCPU Idle Usage", "1 Second", 180000, 0.000001},
        {"Azure Container Apps", "Standard", "Standard Memory Idle Usage", "1 GiB Second", 360000, 0.000002}};
  if (service == "Redis Cache")
    return std::vector<rest::PriceRow>{
        {"Azure Managed Redis - Compute Optimized", "X5", "B1 Cache Instance", "1 Hour", 0, 9},
        {"Azure Managed Redis - Balanced", "B1", "B1 Cache Instance", "1 Hour", 0, 0.01}};
  if (service == "Container Registry")
    return std::vector<rest::PriceRow>{{"Container Registry", "Basic", "Basic Registry Unit", "1/Day", 0, 0.24}};
  return std::vector<rest::PriceRow>{
      {"Azure Database for PostgreSQL Flexible Server Burstable BS Series Compute", "B1MS", "B1MS", "1 Hour", 0, 0.02},
      {"Azure Database for PostgreSQL Flex Server Storage", "Storage", "Storage Data Stored", "1 GB/Month", 0, 0.1}};
}

TEST(IdleCosts, AreOfReplicasThatAreKept) {
  graph::ResourceGraph graph;
  graph.add(app("web", 2));
  graph.add(app("sleeps", 0));
  // 2 replicas of two containers: 2 CPUs, 4 GiB, 2,628,000 seconds.
  const auto costs = idle_costs(graph, list);
  ASSERT_TRUE(costs);
  EXPECT_EQ(told(*costs), "web: 2 CPUs kept 5.26\nweb: 4 GiB of memory kept 21.02\n");
}

TEST(IdleCosts, CountADatabasesServerAndItsDisk) {
  graph::ResourceGraph graph;
  graph.add(with_sku("Microsoft.DBforPostgreSQL/flexibleServers", "db", "Standard_B1ms",
                     Value::Map{{"storage", Value::Map{{"storageSizeGB", 32}}}}));
  EXPECT_EQ(told(*idle_costs(graph, list)), "db: B1MS 14.60\ndb: 32 GB 3.20\n");
}

TEST(IdleCosts, CountARedisNodeTwiceWhereItHasAStandby) {
  graph::ResourceGraph graph;
  graph.add(
      with_sku("Microsoft.Cache/redisEnterprise", "one", "Balanced_B1", Value::Map{{"highAvailability", "Disabled"}}));
  graph.add(
      with_sku("Microsoft.Cache/redisEnterprise", "two", "Balanced_B1", Value::Map{{"highAvailability", "Enabled"}}));
  EXPECT_EQ(told(*idle_costs(graph, list)), "one: B1 7.30\ntwo: 2 x B1 14.60\n");
}

TEST(IdleCosts, NameWhatHasNoPriceHere) {
  graph::ResourceGraph graph;
  graph.add(app("gpu", 1, "NC24-A100"));
  graph.add(with_sku("Microsoft.Cache/redisEnterprise", "large", "MemoryOptimized_M10"));
  graph.add(with_sku("Microsoft.ContainerRegistry/registries", "images", "Basic"));
  graph.add(with_sku("Microsoft.App/managedEnvironments", "env", ""));
  graph.add(with_sku("Microsoft.ManagedIdentity/userAssignedIdentities", "free", ""));
  EXPECT_EQ(told(*idle_costs(graph, list)), "images: Basic 7.30\ngpu?\nenv?\nlarge?\n");
}

TEST(IdleCosts, AskForEachListOnceAndHandOnItsRefusal) {
  graph::ResourceGraph graph;
  graph.add(app("a", 1));
  graph.add(app("b", 1));
  int asked = 0;
  (void)idle_costs(graph, [&](const std::string& service) {
    ++asked;
    return list(service);
  });
  EXPECT_EQ(asked, 1);
  const auto refused = idle_costs(graph, [](const std::string&) -> Result<std::vector<rest::PriceRow>> {
    return fail(Error::Kind::unreachable, "name-not-found", "no such host");
  });
  EXPECT_EQ(refused.error().code, "name-not-found");
}

}  // namespace
}  // namespace defang::deploy
