#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// What a MySQL or MariaDB service of Compose asks of Azure Database for MySQL.
struct MysqlServer {
  std::string service;
  std::string version;  // "8.0.21"
  std::string login;
  graph::Value password;            // a literal, or the value of a config
  std::string database;             // empty: none is asked for
  std::string charset = "utf8mb4";  // of the database
  std::string collation = "utf8mb4_0900_ai_ci";
  std::string sku, tier;
  int storage_gb = 20;
  SourceSpan origin;
};

/// The server, with its database.
std::vector<graph::Resource> mysql(const StackScope& scope, const MysqlServer& server);
/// Nodes that must stand before a client connects.
std::vector<std::string> mysql_ready(const StackScope& scope, const MysqlServer& server);
std::string mysql_zone(const StackScope& scope);
graph::Reference mysql_host(const std::string& service);

/// "mysql:8.0" -> "8.0.21", "mysql:8.4" and what has no number -> "8.4", "mariadb:11" -> "8.0.21", which comes nearest.
/// Nothing for a version that Azure does not offer (DB-6).
std::optional<std::string> mysql_version(std::string_view image);

/// The smallest server with that many CPUs and that much memory (DB-6).
struct MysqlSize {
  std::string_view sku, tier;
};
MysqlSize mysql_size(double cpus, std::int64_t memory_bytes, Mode mode);

/// Why Azure refuses the login; empty where it does not (DB-6).
std::string mysql_login_fault(std::string_view login);

}  // namespace defang::providers
