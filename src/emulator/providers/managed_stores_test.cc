#include "emulator/providers/managed_stores.h"

#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class ManagedStores : public testing::Test {
 protected:
  ManagedStores() { bench.put(group, {{"location", "westus3"}}); }
  std::string id(const std::string& what) const { return group + "/providers/Microsoft." + what; }

  Bench bench;
  const std::string group = bench.group("g");
};

TEST_F(ManagedStores, APostgresServerIsReadyAfterMinutesAndKeepsItsPasswordToItself) {
  const std::string server = id("DBforPostgreSQL/flexibleServers/data");
  const Json body = {
      {"location", "westus3"},
      {"sku", {{"name", "Standard_B1ms"}, {"tier", "Burstable"}}},
      {"properties", {{"version", "16"}, {"administratorLogin", "app"}, {"administratorLoginPassword", "Secret-0ne"}}}};
  EXPECT_EQ(bench.put(server, body).status, 202);
  EXPECT_EQ(text_at(bench.get(server).json, "properties.state"), "Provisioning");
  bench.wait(400s);
  const auto ready = bench.get(server);
  EXPECT_EQ(text_at(ready.json, "properties.state"), "Ready");
  EXPECT_EQ(text_at(ready.json, "properties.fullyQualifiedDomainName"), "data.postgres.database.azure.com");
  EXPECT_EQ(ready.body.find("Secret-0ne"), std::string::npos);
  EXPECT_EQ(bench.get(server + "/databases").json["value"].size(), 3U);
}

TEST_F(ManagedStores, WritesToABusyServerAreAcceptedAndFailLater) {
  const std::string server = id("DBforPostgreSQL/flexibleServers/data");
  bench.put(server, {{"location", "westus3"},
                     {"properties", {{"administratorLogin", "app"}, {"administratorLoginPassword", "Secret-0ne"}}}});
  bench.wait(400s);
  EXPECT_EQ(bench.put(server + "/databases/one", {{"properties", Json::object()}}).status, 202);
  const auto second = bench.put(server + "/databases/two", {{"properties", Json::object()}});
  EXPECT_EQ(second.status, 202);
  bench.wait(60s);
  const auto ended = bench.poll(second.headers.get("Azure-AsyncOperation"));
  EXPECT_EQ(text_at(ended.json, "status"), "Failed");
  EXPECT_EQ(text_at(ended.json, "error.code"), "ServerIsBusy");
  EXPECT_EQ(bench.get(server + "/databases/one").status, 200);
  EXPECT_EQ(bench.get(server + "/databases/two").status, 404);
}

TEST_F(ManagedStores, ReservedLoginsAndWeakPasswordsAreRefused) {
  const std::string server = id("DBforPostgreSQL/flexibleServers/data");
  const auto with = [&](const char* login, const char* password) {
    return bench
        .put(server, {{"location", "westus3"},
                      {"properties", {{"administratorLogin", login}, {"administratorLoginPassword", password}}}})
        .code();
  };
  EXPECT_EQ(with("admin", "Secret-0ne"), "InvalidParameterValue");
  EXPECT_EQ(with("app", "secret"), "PasswordTooWeak");
  EXPECT_EQ(with("secret", "Secret-0ne"), "PasswordTooWeak");
}

TEST_F(ManagedStores, ARedisClusterTakesItsOneDatabaseOnceItRuns) {
  const std::string cluster = id("Cache/redisEnterprise/cache");
  const auto created = bench.put(cluster, {{"location", "westus3"}, {"sku", {{"name", "Balanced_B0"}}}});
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(text_at(created.json, "properties.hostName"), "cache.westus3.redis.azure.net");
  const Json database = {{"properties", {{"clusteringPolicy", "NoCluster"}}}};
  EXPECT_EQ(bench.put(cluster + "/databases/default", database).code(), "Conflict");
  bench.wait(400s);
  EXPECT_EQ(text_at(bench.get(cluster).json, "properties.resourceState"), "Running");
  EXPECT_EQ(bench.put(cluster + "/databases/other", database).code(), "InvalidResourceName");
  EXPECT_EQ(bench.put(cluster + "/databases/default", database).status, 201);
  bench.wait(60s);
  const auto keys = bench.post(cluster + "/databases/default/listKeys");
  EXPECT_EQ(text_at(keys.json, "primaryKey").size(), 44U);
}

TEST_F(ManagedStores, ARedisClusterCanBeToldToRunLaterThanItsOperationEnds) {
  const std::string cluster = id("Cache/redisEnterprise/cache");
  bench.core.store().edit_document("emulator", "lags")[to_lower(cluster)] = 100;
  bench.put(cluster, {{"location", "westus3"}, {"sku", {{"name", "Balanced_B0"}}}});
  bench.wait(320s);
  EXPECT_EQ(text_at(bench.get(cluster).json, "properties.provisioningState"), "Succeeded");
  EXPECT_EQ(text_at(bench.get(cluster).json, "properties.resourceState"), "Creating");
  EXPECT_EQ(bench.put(cluster + "/databases/default", Json::object()).code(), "Conflict");
  bench.wait(100s);
  EXPECT_EQ(text_at(bench.get(cluster).json, "properties.resourceState"), "Running");
  EXPECT_EQ(bench.put(cluster + "/databases/default", Json::object()).status, 201);
}

TEST_F(ManagedStores, AnAccountOfModelsKeepsItsNameAfterItIsDeleted) {
  const std::string account = id("CognitiveServices/accounts/ai");
  Json body = {{"location", "westus3"},
               {"kind", "AIServices"},
               {"sku", {{"name", "S0"}}},
               {"properties", {{"customSubDomainName", "ours"}}}};
  EXPECT_EQ(bench.put(account, body).status, 201);
  bench.wait(60s);
  EXPECT_EQ(text_at(bench.get(account).json, "properties.endpoint"), "https://ours.cognitiveservices.azure.com/");
  EXPECT_EQ(bench.remove(account).status, 200);
  EXPECT_EQ(bench.put(account, body).code(), "FlagMustBeSetForRestore");
  const std::string deleted = "/subscriptions/" + bench.subscription() +
                              "/providers/Microsoft.CognitiveServices/locations/westus3/resourceGroups/g/"
                              "deletedAccounts/ai";
  EXPECT_EQ(bench.get(deleted).status, 200);
  EXPECT_EQ(bench.remove(deleted).status, 202);
  bench.wait(60s);
  EXPECT_EQ(bench.put(account, body).status, 201);
}

TEST_F(ManagedStores, DeploymentsAreLimitedByQuotaAndByWhatIsOffered) {
  const std::string account = id("CognitiveServices/accounts/ai");
  bench.put(account, {{"location", "westus3"}, {"kind", "OpenAI"}, {"sku", {{"name", "S0"}}}});
  bench.wait(60s);
  const auto deploy = [&](const char* name, const char* model, int capacity) {
    return bench.put(account + "/deployments/" + name,
                     {{"sku", {{"name", "GlobalStandard"}, {"capacity", capacity}}},
                      {"properties", {{"model", {{"format", "OpenAI"}, {"name", model}}}}}});
  };
  EXPECT_EQ(deploy("chat", "gpt-4o-mini", 150).status, 201);
  EXPECT_EQ(deploy("more", "gpt-4o-mini", 100).code(), "InsufficientQuota");
  EXPECT_EQ(deploy("none", "gpt-1", 1).code(), "InvalidResourceProperties");
  EXPECT_EQ(text_at(bench.get(account + "/deployments/chat").json, "properties.model.version"), "2024-07-18");
}

TEST_F(ManagedStores, AMongoClusterShowsItsAddressWithoutThePassword) {
  const std::string cluster = id("DocumentDB/mongoClusters/docs");
  EXPECT_EQ(bench
                .put(cluster, {{"location", "westus3"},
                               {"properties", {{"administrator", {{"userName", "app"}, {"password", "Secret-0ne"}}}}}})
                .status,
            201);
  bench.wait(900s);
  const auto ready = bench.get(cluster);
  EXPECT_EQ(text_at(ready.json, "properties.clusterStatus"), "Ready");
  EXPECT_EQ(ready.body.find("Secret-0ne"), std::string::npos);
  EXPECT_NE(bench.post(cluster + "/listConnectionStrings").body.find("mongodb+srv://app:<password>@docs."),
            std::string::npos);
}

}  // namespace
}  // namespace defang::emulator
