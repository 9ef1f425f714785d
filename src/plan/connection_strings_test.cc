#include "plan/connection_strings.h"

#include <gtest/gtest.h>

namespace defang::plan {
namespace {

using graph::Reference;
using graph::Value;

ManagedEndpoints endpoints() {
  const auto property = [](const char* node) { return Reference{node, Reference::Kind::property, "host", ""}; };
  ManagedEndpoints all;
  all["db"] = {.kind = ManagedEndpoint::Kind::postgres, .host = {property("PG")}, .user = {}, .password = {}};
  all["postgres-service"] = all["db"];
  all["cache"] = {.kind = ManagedEndpoint::Kind::redis,
                  .host = {property("REDIS")},
                  .port = 10000,
                  .compose_port = 6379,
                  .user = {},
                  .password = {Reference{"KEY", Reference::Kind::list, "primaryKey", "listKeys", true}}};
  all["mongo"] = {.kind = ManagedEndpoint::Kind::mongodb,
                  .host = {"m.example"},
                  .port = 27017,
                  .compose_port = 27017,
                  .user = {"defang"},
                  .password = {Reference{"PASSWORD", Reference::Kind::output, "value", "", true}}};
  all["llm"] = {
      .kind = ManagedEndpoint::Kind::model, .host = {property("MODEL"), "openai/v1/"}, .user = {}, .password = {}};
  return all;
}

/// "postgres://u:{CONFIG}@db/x": names in braces are references.
Value::Text parsed(std::string_view text) {
  Value::Text pieces;
  while (!text.empty()) {
    const auto open = text.find('{');
    if (open > 0) pieces.emplace_back(std::string(text.substr(0, open)));
    if (open == std::string_view::npos) break;
    const auto close = text.find('}');
    pieces.emplace_back(Reference{"config/" + std::string(text.substr(open + 1, close - open - 1)),
                                  Reference::Kind::output, "value", ""});
    text.remove_prefix(close + 1);
  }
  return pieces;
}

std::string shown(const Value::Text& text) {
  std::string flat;
  for (const auto& piece : text) {
    const auto* reference = std::get_if<Reference>(&piece);
    flat += reference ? "{" + reference->node + (reference->percent_encoded ? "%" : "") + "}"
                      : std::get<std::string>(piece);
  }
  return flat;
}

std::string rewritten(std::string_view text, RedisClient client = RedisClient::any) {
  const auto result = rewrite(parsed(text), endpoints(), client);
  return result ? shown(result->value) : "unchanged";
}

struct Row {
  const char* written;
  const char* expected;
};

TEST(Rewrite, LeadsConnectionStringsToManagedStores) {
  const Row rows[] = {
      // PostgreSQL: host and TLS; the rest is the user's
      {"postgres://u:p@db:5432/x", "postgres://u:p@{PG}:5432/x?sslmode=require"},
      {"postgres://u:p@db/x", "postgres://u:p@{PG}/x?sslmode=require"},
      {"postgres://db", "postgres://{PG}?sslmode=require"},
      {"postgresql://u:{PW}@db:5432/x", "postgresql://u:{config/PW}@{PG}:5432/x?sslmode=require"},
      {"postgresql://{U}:{PW}@db:5432/{NAME}",
       "postgresql://{config/U}:{config/PW}@{PG}:5432/{config/NAME}?sslmode=require"},
      {"postgres://u:p@db/x?sslmode=require", "postgres://u:p@{PG}/x?sslmode=require"},
      {"postgres://u:p@db/x?sslmode=verify-full", "postgres://u:p@{PG}/x?sslmode=verify-full"},
      {"postgres://u:p@db/x?sslmode=disable", "postgres://u:p@{PG}/x?sslmode=require"},
      {"postgres://u:p@db/x?sslmode=prefer&a=b", "postgres://u:p@{PG}/x?a=b&sslmode=require"},
      {"postgres://u:p@db/x?sslmode={MODE}", "postgres://u:p@{PG}/x?sslmode={config/MODE}"},
      {"postgres://u:p@db/x?schema=public&connection_limit=5",
       "postgres://u:p@{PG}/x?schema=public&connection_limit=5&sslmode=require"},
      {"postgres://u:p%40x@db:5432/x", "postgres://u:p%40x@{PG}:5432/x?sslmode=require"},
      {"postgres://u:p@postgres-service:5432/x", "postgres://u:p@{PG}:5432/x?sslmode=require"},
      {"postgresql+asyncpg://u:p@db/x", "postgresql+asyncpg://u:p@{PG}/x?ssl=require"},
      {"postgresql+psycopg2://u:p@db/x", "postgresql+psycopg2://u:p@{PG}/x?sslmode=require"},
      {"jdbc:postgresql://db:5432/x", "jdbc:postgresql://{PG}:5432/x?sslmode=require"},
      {"jdbc:postgresql://db/x?user=u&ssl=false", "jdbc:postgresql://{PG}/x?user=u&sslmode=require"},
      {"postgis://u:p@db/x", "postgis://u:p@{PG}/x?sslmode=require"},
      {"host=db port=5432 user=u dbname=x", "host={PG} port=5432 user=u dbname=x sslmode=require"},
      {"host=db user=u sslmode=disable dbname=x", "host={PG} user=u sslmode=require dbname=x"},
      {"user=u host=db sslmode=verify-ca", "user=u host={PG} sslmode=verify-ca"},
      {"Host=db;Port=5432;Username=u", "Host={PG};Port=5432;Username=u;SSL Mode=Require"},
      {"Server=db;Database=x;", "Server={PG};Database=x;SSL Mode=Require"},
      {"Host=db;SSL Mode=Disable;Database=x", "Host={PG};SSL Mode=Require;Database=x"},
      {"Host=db;SSL Mode=VerifyFull", "Host={PG};SSL Mode=VerifyFull"},
      {"db:5432", "{PG}:5432"},
      {"db", "{PG}"},
      // Redis: TLS, its port, its key
      {"redis://cache", "rediss://:{KEY%}@{REDIS}:10000"},
      {"redis://cache:6379", "rediss://:{KEY%}@{REDIS}:10000"},
      {"redis://cache:6379/", "rediss://:{KEY%}@{REDIS}:10000/"},
      {"redis://cache:6379/0", "rediss://:{KEY%}@{REDIS}:10000/0"},
      {"redis://cache:6379/3", "rediss://:{KEY%}@{REDIS}:10000/0"},
      {"redis://:old@cache:6379/0", "rediss://:{KEY%}@{REDIS}:10000/0"},
      {"redis://user:{PW}@cache", "rediss://:{KEY%}@{REDIS}:10000"},
      {"rediss://cache:6379/0?x=y", "rediss://:{KEY%}@{REDIS}:10000/0?x=y"},
      {"valkey://cache", "rediss://:{KEY%}@{REDIS}:10000"},
      {"cache:6379", "{REDIS}:10000"},
      {"cache", "{REDIS}"},
      {"redis://cache redis://cache/0", "rediss://:{KEY%}@{REDIS}:10000 rediss://:{KEY%}@{REDIS}:10000/0"},
      // MongoDB: the SRV form, TLS, credentials where there are none
      {"mongodb://mongo",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000"},
      {"mongodb://mongo:27017/shop",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000"},
      {"mongodb://u:p@mongo/shop?authSource=admin",
       "mongodb+srv://u:p@m.example/shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000"},
      {"mongodb://{U}:{P}@mongo:27017/shop",
       "mongodb+srv://{config/U}:{config/P}@m.example/"
       "shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000"},
      {"mongodb://mongo/shop?replicaSet=rs0&directConnection=true&w=majority",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "shop?w=majority&tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000"},
      // models
      {"http://llm/api/v1/", "{MODEL}openai/v1/"},
      {"http://llm:4000", "{MODEL}openai/v1/"},
      // nobody's
      {"http://db.example.com/x", "unchanged"},
      {"postgres://u:p@other:5432/db", "unchanged"},
      {"database", "unchanged"},
      {"a cache of things", "unchanged"},
      {"{SECRET}", "unchanged"},
      {"", "unchanged"},
  };
  for (const auto& row : rows) EXPECT_EQ(rewritten(row.written), row.expected) << row.written;
}

TEST(Rewrite, TellsCeleryHowToCheckCertificates) {
  EXPECT_EQ(rewritten("redis://cache/0", RedisClient::celery),
            "rediss://:{KEY%}@{REDIS}:10000/0?ssl_cert_reqs=required");
}

TEST(Rewrite, ReportsADatabaseNumberThatTheStoreLacks) {
  EXPECT_EQ(rewrite({"redis://cache/2"}, endpoints())->redis_database, 2);
  EXPECT_EQ(rewrite({"redis://cache/0"}, endpoints())->redis_database, std::nullopt);
}

}  // namespace
}  // namespace defang::plan
