#include "providers/postgresql.h"

#include <algorithm>
#include <array>

#include "providers/network.h"
#include "support/text.h"

namespace defang::providers {

using graph::Value;

namespace {

constexpr std::string_view kType = "Microsoft.DBforPostgreSQL/flexibleServers";
constexpr std::string_view kDatabaseType = "Microsoft.DBforPostgreSQL/flexibleServers/databases";
constexpr std::string_view kSettingType = "Microsoft.DBforPostgreSQL/flexibleServers/configurations";
constexpr int kOldest = 11, kNewest = 18;  // PG-3
constexpr std::string_view kDefaultVersion = "17";

struct Size {
  double cpus;
  int gib;
  std::string_view sku, tier;
};
// PG-1, PG-2; from the cheapest.
constexpr auto kSizes = std::to_array<Size>({
    {1, 2, "Standard_B1ms", "Burstable"},
    {2, 4, "Standard_B2s", "Burstable"},
    {2, 8, "Standard_B2ms", "Burstable"},
    {4, 16, "Standard_B4ms", "Burstable"},
    {8, 32, "Standard_B8ms", "Burstable"},
    {12, 48, "Standard_B12ms", "Burstable"},
    {16, 64, "Standard_B16ms", "Burstable"},
    {20, 80, "Standard_B20ms", "Burstable"},
    {2, 8, "Standard_D2ds_v5", "GeneralPurpose"},
    {4, 16, "Standard_D4ds_v5", "GeneralPurpose"},
    {8, 32, "Standard_D8ds_v5", "GeneralPurpose"},
    {16, 64, "Standard_D16ds_v5", "GeneralPurpose"},
    {32, 128, "Standard_D32ds_v5", "GeneralPurpose"},
    {48, 192, "Standard_D48ds_v5", "GeneralPurpose"},
    {64, 256, "Standard_D64ds_v5", "GeneralPurpose"},
    {96, 384, "Standard_D96ds_v5", "GeneralPurpose"},
});

constexpr auto kDisks = std::to_array<int>({32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32767});  // PG-4

struct ModeSettings {
  std::string_view standby;
  int backup_days;
};
/// PG-5, PG-6. Backups elsewhere cannot be asked for later, and not every region has its pair: they are left to who
/// wants them.
ModeSettings settings_of(Mode mode) {
  if (mode == Mode::high_availability) return {"ZoneRedundant", 30};
  return {"Disabled", mode == Mode::balanced ? 14 : 7};
}

struct Preloaded {
  std::string_view image, extension;
};
// PG-22
constexpr auto kPreloaded = std::to_array<Preloaded>({{"pg_cron", "pg_cron"}, {"timescaledb", "timescaledb"}});

// PG-20: what an application may ask for with CREATE EXTENSION, as its own server would let it.
constexpr std::string_view kExtensions =
    "BTREE_GIN,BTREE_GIST,CITEXT,CUBE,EARTHDISTANCE,FUZZYSTRMATCH,HSTORE,INTARRAY,LTREE,PG_TRGM,PGCRYPTO,POSTGIS,"
    "TABLEFUNC,UNACCENT,UUID-OSSP,VECTOR";

std::string node_of(const std::string& service) { return "postgres/" + service; }

std::optional<int> leading_number(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  const auto number = to_number(text.substr(0, digits));
  return number && *number < 1000 ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

graph::Resource child(const StackScope& scope, const PostgresServer& server, std::string_view type,
                      const std::string& name, Value::Map properties, const std::string& after) {
  auto made = make_resource(scope, node_of(server.service) + "/" + name, type,
                            scope.global_name_for(kType, server.service) + "/" + name,
                            Value::Map{{"properties", std::move(properties)}}, server.service);
  made.origin = server.origin;
  // PG-21: one write to a server at a time.
  made.after.push_back({after, "a server takes one write at a time"});
  return made;
}

}  // namespace

std::string postgres_zone(const StackScope& scope) {
  // PG-9; a zone has its name once in a network (NET-7).
  return scope.name_for("Microsoft.Network/virtualNetworks") + ".private.postgres.database.azure.com";
}

std::vector<graph::Resource> postgres(const StackScope& scope, const PostgresServer& server) {
  const auto node = node_of(server.service);
  auto made = make_resource(
      scope, node, kType, scope.global_name_for(kType, server.service),
      Value::Map{
          {"sku", Value::Map{{"name", server.sku}, {"tier", server.tier}}},
          {"properties",
           Value::Map{{"version", server.version},
                      {"createMode", "Default"},
                      {"administratorLogin", server.login},
                      {"administratorLoginPassword", server.password},
                      {"storage", Value::Map{{"storageSizeGB", server.storage_gb}, {"autoGrow", "Enabled"}}},
                      {"backup", Value::Map{{"backupRetentionDays", settings_of(scope.mode).backup_days},
                                            {"geoRedundantBackup", "Disabled"}}},
                      {"highAvailability", Value::Map{{"mode", settings_of(scope.mode).standby}}},
                      // PG-7: chosen once, for ever.
                      {"network", Value::Map{{"delegatedSubnetResourceId", id_of(kPostgresSubnet)},
                                             {"privateDnsZoneArmResourceId", id_of("dns/" + postgres_zone(scope))},
                                             {"publicNetworkAccess", "Disabled"}}}}}},
      server.service);
  made.because = "service `" + server.service + "` is managed PostgreSQL";
  made.origin = server.origin;
  made.retention = graph::Retention::data;
  made.after.push_back({private_zone_node(postgres_zone(scope)), "the network must resolve its name"});
  std::vector<graph::Resource> resources = {std::move(made)};
  std::string extensions(kExtensions);
  for (const auto& extension : server.extensions) extensions += "," + to_upper(extension);
  resources.push_back(child(scope, server, kSettingType, "azure.extensions",
                            {{"value", extensions}, {"source", "user-override"}}, node));
  resources.back().because = "applications may create these extensions";
  if (server.database != "postgres") {
    resources.push_back(child(scope, server, kDatabaseType, server.database,
                              {{"charset", "UTF8"}, {"collation", "en_US.utf8"}}, resources.back().id));
    resources.back().because = "`POSTGRES_DB` names it";
    resources.back().retention = graph::Retention::data;
  }
  return resources;
}

std::vector<std::string> postgres_ready(const StackScope& scope, const PostgresServer& server) {
  std::vector<std::string> nodes = {node_of(server.service) + "/azure.extensions",
                                    private_zone_node(postgres_zone(scope))};
  if (server.database != "postgres") nodes.push_back(node_of(server.service) + "/" + server.database);
  return nodes;
}

std::optional<std::string> postgres_version(std::string_view image) {
  image = image.substr(0, image.find('@'));
  const auto slash = image.rfind('/');
  const auto colon = image.find(':', slash == std::string_view::npos ? 0 : slash);
  if (colon == std::string_view::npos) return std::string(kDefaultVersion);
  const auto tag = image.substr(colon + 1);
  const auto pg = tag.find("pg");
  const auto number = leading_number(pg == std::string_view::npos ? tag : tag.substr(pg + 2));
  if (!number) return std::string(kDefaultVersion);  // "latest", "alpine"
  if (*number < kOldest || *number > kNewest) return std::nullopt;
  return std::to_string(*number);
}

int postgres_storage_gb(std::int64_t bytes) {
  const auto fits = [&](int gb) { return (std::int64_t{gb} << 30) >= bytes; };
  const auto found = std::ranges::find_if(kDisks, fits);
  return found == kDisks.end() ? kDisks.back() : *found;
}

std::string_view postgres_preloaded(std::string_view image) {
  const auto found = std::ranges::find_if(
      kPreloaded, [&](const Preloaded& row) { return image.find(row.image) != std::string_view::npos; });
  return found == kPreloaded.end() ? "" : found->extension;
}

PostgresSize postgres_size(double cpus, std::int64_t memory_bytes, Mode mode) {
  const auto fits = [&](const Size& size) {
    if (mode != Mode::affordable && size.tier == "Burstable") return false;
    return size.cpus >= cpus && (std::int64_t{size.gib} << 30) >= memory_bytes;
  };
  const auto found = std::ranges::find_if(kSizes, fits);
  const auto& size = found == kSizes.end() ? kSizes.back() : *found;
  return {size.sku, size.tier};
}

std::string login_fault(std::string_view login) {
  constexpr auto kReserved = std::to_array<std::string_view>(
      {"admin", "administrator", "azure_pg_admin", "azure_superuser", "guest", "public", "root"});
  if (std::ranges::find(kReserved, to_lower(login)) != kReserved.end()) return "is reserved on Azure";
  if (to_lower(login).starts_with("pg_")) return "starts with `pg_`";
  return {};
}

std::string password_fault(std::string_view password, std::string_view login) {
  if (password.size() < 8 || password.size() > 128) return "has not between 8 and 128 characters";
  const auto has = [&](auto is) { return std::ranges::any_of(password, is); };
  const int kinds =
      has([](char c) { return c >= 'a' && c <= 'z'; }) + has([](char c) { return c >= 'A' && c <= 'Z'; }) +
      has([](char c) { return c >= '0' && c <= '9'; }) +
      has([](char c) { return !((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')); });
  if (kinds < 3) return "has not three of: capital letters, small letters, digits, others";
  if (contains_ignoring_case(password, login)) return "holds the user's name";
  return {};
}

}  // namespace defang::providers
