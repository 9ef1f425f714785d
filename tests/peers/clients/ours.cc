// Reads connection strings, one a line, each after a kind and a tab; writes what the plan makes of them. Hosts, keys
// and passwords are made up, and stand where at deploy time those of the managed services do.
#include <iostream>
#include <string>

#include "plan/connection_strings.h"
#include "support/text.h"

using namespace defang;
using Kind = plan::ManagedEndpoint::Kind;

namespace {
plan::ManagedEndpoint endpoint(Kind kind, const char* host, int port, const char* user, std::string_view password) {
  return {.kind = kind,
          .host = {host},
          .port = port,
          .compose_port = port,
          .user = {user},
          .password = {percent_encode(password)}};
}
}  // namespace

int main() {
  const plan::ManagedEndpoints endpoints = {
      {"db", endpoint(Kind::postgres, "shop-db.postgres.database.azure.com", 5432, "", "")},
      {"sql", endpoint(Kind::mysql, "shop-sql.mysql.database.azure.com", 3306, "", "")},
      {"cache", endpoint(Kind::redis, "shop-cache.westus3.redis.azure.net", 10000, "", "k/e+y=")},
      {"mongo", endpoint(Kind::mongodb, "shop-mongo.mongocluster.cosmos.azure.com", 27017, "defang", "p@ss/word")},
      {"ru", endpoint(Kind::cosmos_mongodb, "shop-ru.mongo.cosmos.azure.com", 10255, "shop-ru", "k/e+y=")},
      {"llm", endpoint(Kind::model, "https://shop.openai.azure.com/openai/v1/", 443, "", "")}};
  for (std::string line; std::getline(std::cin, line);) {
    const auto rewritten = plan::rewrite({line}, endpoints);
    std::string text;
    if (rewritten)
      for (const auto& piece : rewritten->value) text += std::get<std::string>(piece);
    std::cout << text << "\n";
  }
}
