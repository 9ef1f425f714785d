#pragma once

#include <optional>
#include <string>
#include <vector>

#include "compose/project.h"
#include "providers/stack_scope.h"
#include "support/diagnostic.h"

namespace defang::providers {

/// What a PostgreSQL service of Compose asks of Azure Database for PostgreSQL.
struct PostgresServer {
  std::string service;
  std::string version;  // "16"
  std::string login;
  graph::Value password;  // a literal, or the value of a config
  std::string database;   // "postgres" is there anyhow (PG-24)
  std::string sku, tier;
  int storage_gb = 32;                  // PG-4
  std::vector<std::string> extensions;  // beside the usual ones, that may be made in it
  SourceSpan origin;
};

/// The server, its database, and the extensions that may be made in it. Node "postgres/{service}/ready" order: see
/// postgres_ready.
std::vector<graph::Resource> postgres(const StackScope& scope, const PostgresServer& server);
/// Nodes that must stand before a client connects.
std::vector<std::string> postgres_ready(const StackScope& scope, const PostgresServer& server);
std::string postgres_zone(const StackScope& scope);

/// "postgres:16.4", "pgvector/pgvector:pg17", "timescale/timescaledb:2.14-pg16" -> "16", "17", "16"; what is the
/// newest for `latest`. Nothing for a version that Azure does not offer (PG-3).
std::optional<std::string> postgres_version(std::string_view image);

/// The smallest server with that many CPUs and that much memory (PG-1, PG-2). No burstable one where the mode wants
/// steady CPUs or a standby (PG-6).
struct PostgresSize {
  std::string_view sku, tier;
};
PostgresSize postgres_size(double cpus, std::int64_t memory_bytes, Mode mode = Mode::affordable);
/// The smallest disk that holds so much (PG-4).
int postgres_storage_gb(std::int64_t bytes);
/// An extension that must be loaded when the server starts (PG-22), which the image brings; empty for others.
std::string_view postgres_preloaded(std::string_view image);

/// Why Azure refuses the login or password; empty where it does not (PG-11, PG-12).
std::string login_fault(std::string_view login);
std::string password_fault(std::string_view password, std::string_view login);

}  // namespace defang::providers
