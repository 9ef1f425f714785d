#include "plan/split_settings.h"

#include <gtest/gtest.h>

#include "support/text.h"

namespace defang::plan {
namespace {

using graph::Reference;
using graph::Value;

ManagedEndpoints endpoints() {
  ManagedEndpoints all;
  all["postgres"] = {.kind = ManagedEndpoint::Kind::postgres, .host = {"pg.example"}, .user = {}, .password = {}};
  all["sql"] = {.kind = ManagedEndpoint::Kind::mysql,
                .host = {"sql.example"},
                .port = 3306,
                .compose_port = 3306,
                .user = {},
                .password = {}};
  all["cache"] = {.kind = ManagedEndpoint::Kind::redis,
                  .host = {"redis.example"},
                  .port = 10000,
                  .compose_port = 6379,
                  .user = {},
                  .password = {Reference{"redis/cache", Reference::Kind::list, "primaryKey", "listKeys", true}}};
  all["mongo"] = {.kind = ManagedEndpoint::Kind::mongodb, .host = {"m.example"}, .user = {}, .password = {}};
  return all;
}

/// "A=1 B=2": variables as people write them; `B=?` comes from config. What must be said instead, then what is missing.
std::string split(std::string_view variables) {
  std::vector<NamedText> environment;
  for (const auto& word : defang::split(variables, ' ')) {
    const auto equals = word.find('=');
    const auto text = word.substr(equals + 1);
    environment.push_back({word.substr(0, equals), text == "?" ? std::nullopt : std::optional(text)});
  }
  const auto result = rewrite_split(environment, endpoints());
  std::vector<std::string> said;
  for (const auto& setting : result.settings) {
    const auto* reference = std::get_if<Reference>(&setting.value.front());
    said.push_back(setting.name + "=" +
                   (reference ? std::string(reference->percent_encoded ? "encoded " : "") + "key"
                              : std::get<std::string>(setting.value.front())) +
                   (setting.redis_database ? " (was " + std::to_string(*setting.redis_database) + ")" : ""));
  }
  for (const auto& fault : result.faults) said.push_back(fault.name + " lacks " + fault.missing);
  return join(said, ", ");
}

TEST(RewriteSplit, SetsPortKeyAndTlsBesideTheHostOfRedis) {
  EXPECT_EQ(split("REDIS_HOST=cache REDIS_PORT=6379 REDIS_PASSWORD=x REDIS_TLS=false"),
            "REDIS_PORT=10000, REDIS_TLS=true, REDIS_PASSWORD=key");
  EXPECT_EQ(split("CACHE_HOSTNAME=cache CACHE_AUTH=? CACHE_USE_SSL=0"), "CACHE_USE_SSL=1, CACHE_AUTH=key");
  EXPECT_EQ(split("redis.host=cache redis.port=6379 redis.password= redis.ssl.enabled=False"),
            "redis.port=10000, redis.ssl.enabled=True, redis.password=key");
  EXPECT_EQ(split("REDIS_ADDR=cache:6379 REDIS_PASS= REDIS_SCHEME=redis"), "REDIS_SCHEME=rediss, REDIS_PASS=key");
}

TEST(RewriteSplit, TakesSettingsOfAShorterNameWhereNoneIsNearer) {
  EXPECT_EQ(split("REDIS_QUEUE_HOST=cache REDIS_PASSWORD= REDIS_TLS=no"), "REDIS_TLS=yes, REDIS_PASSWORD=key");
}

TEST(RewriteSplit, SaysWhatNoVariableSays) {
  EXPECT_EQ(split("REDIS_HOST=cache REDIS_PORT=6379"),
            "REDIS_PORT=10000, REDIS_HOST lacks TLS, REDIS_HOST lacks its key");
  EXPECT_EQ(split("WORDPRESS_DB_HOST=sql:3306 WORDPRESS_DB_PASSWORD=?"), "WORDPRESS_DB_HOST lacks TLS");
  EXPECT_EQ(split("MONGO_HOST=mongo MONGO_PORT=27017"), "MONGO_PORT=5432, MONGO_HOST lacks a URL");
}

TEST(RewriteSplit, IsContentWhereAUrlSaysAllOrNobodyConnects) {
  EXPECT_EQ(split("REDIS_HOST=cache REDIS_URL=redis://cache:6379"), "");
  EXPECT_EQ(split("WAIT_HOSTS=cache:6379"), "");
  EXPECT_EQ(split("ConnectionStrings__Redis=cache:6379"), "");
  EXPECT_EQ(split("DB_HOST=postgres DB_PORT=5432"), "DB_PORT=5432");
}

TEST(RewriteSplit, SetsModesOfTlsThatLeaveItToChance) {
  EXPECT_EQ(split("DB_HOST=postgres DB_SSLMODE=disable"), "DB_SSLMODE=require");
  EXPECT_EQ(split("DB_HOST=postgres DB_SSL_MODE=verify-full"), "");
  EXPECT_EQ(split("PGHOST=postgres PGPORT=5433 PGSSLMODE=prefer"), "PGPORT=5432, PGSSLMODE=require");
  EXPECT_EQ(split("DB_HOST=sql DB_SSL_MODE=PREFERRED"), "DB_SSL_MODE=REQUIRED");
}

TEST(RewriteSplit, ReportsADatabaseNumberThatTheStoreLacks) {
  EXPECT_EQ(split("REDIS_HOST=cache REDIS_PASSWORD= REDIS_TLS=1 REDIS_DB=3"), "REDIS_PASSWORD=key, REDIS_DB=0 (was 3)");
}

TEST(MayHoldHost, TellsHostsFromUsersAndDrivers) {
  for (const auto* name : {"DB_HOST", "PGHOST", "REDIS_SERVER", "REDIS_URL", "POSTGRES", "Redis__Address"})
    EXPECT_TRUE(may_hold_host(name, "postgres")) << name;
  for (const auto* name : {"DB_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "CACHE_DRIVER", "DB_CONNECTION", "DB_TYPE"})
    EXPECT_FALSE(may_hold_host(name, "postgres")) << name;
}

}  // namespace
}  // namespace defang::plan
