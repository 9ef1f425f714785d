#include "providers/mysql.h"

#include <algorithm>
#include <array>

#include "providers/network.h"
#include "support/text.h"

namespace defang::providers {

using graph::Value;

namespace {

constexpr std::string_view kType = "Microsoft.DBforMySQL/flexibleServers";
constexpr std::string_view kDatabaseType = "Microsoft.DBforMySQL/flexibleServers/databases";

struct Size {
  double cpus;
  int gib;
  std::string_view sku, tier;
};
// DB-6; from the cheapest.
constexpr auto kSizes = std::to_array<Size>({
    {1, 2, "Standard_B1ms", "Burstable"},
    {2, 4, "Standard_B2s", "Burstable"},
    {2, 8, "Standard_B2ms", "Burstable"},
    {4, 16, "Standard_B4ms", "Burstable"},
    {8, 32, "Standard_B8ms", "Burstable"},
    {2, 8, "Standard_D2ds_v4", "GeneralPurpose"},
    {4, 16, "Standard_D4ds_v4", "GeneralPurpose"},
    {8, 32, "Standard_D8ds_v4", "GeneralPurpose"},
    {16, 64, "Standard_D16ds_v4", "GeneralPurpose"},
    {32, 128, "Standard_D32ds_v4", "GeneralPurpose"},
    {64, 256, "Standard_D64ds_v4", "GeneralPurpose"},
});

std::string node_of(const std::string& service) { return "mysql/" + service; }

int backup_days(Mode mode) { return mode == Mode::affordable ? 7 : mode == Mode::balanced ? 14 : 30; }

std::string_view name_in(std::string_view image) {
  const auto slash = image.rfind('/');
  if (slash != std::string_view::npos) image.remove_prefix(slash + 1);
  return image.substr(0, image.find_first_of(":@"));
}

}  // namespace

std::string mysql_zone(const StackScope& scope) {
  return scope.name_for("Microsoft.Network/virtualNetworks") + ".private.mysql.database.azure.com";  // DB-6, NET-7
}

graph::Reference mysql_host(const std::string& service) {
  return property_of(node_of(service), "properties.fullyQualifiedDomainName");
}

std::vector<graph::Resource> mysql(const StackScope& scope, const MysqlServer& server) {
  const auto node = node_of(server.service);
  const auto name = scope.global_name_for(kType, server.service);
  const auto standby = scope.mode == Mode::high_availability ? "ZoneRedundant" : "Disabled";
  auto made = make_resource(
      scope, node, kType, name,
      Value::Map{{"sku", Value::Map{{"name", server.sku}, {"tier", server.tier}}},
                 {"properties",
                  Value::Map{{"version", server.version},
                             {"createMode", "Default"},
                             {"administratorLogin", server.login},
                             {"administratorLoginPassword", server.password},
                             {"storage", Value::Map{{"storageSizeGB", server.storage_gb}, {"autoGrow", "Enabled"}}},
                             {"backup", Value::Map{{"backupRetentionDays", backup_days(scope.mode)},
                                                   {"geoRedundantBackup", "Disabled"}}},
                             {"highAvailability", Value::Map{{"mode", standby}}},
                             {"network", Value::Map{{"delegatedSubnetResourceId", id_of(kMysqlSubnet)},
                                                    {"privateDnsZoneResourceId", id_of("dns/" + mysql_zone(scope))},
                                                    {"publicNetworkAccess", "Disabled"}}}}}},
      server.service);
  made.because = "service `" + server.service + "` is managed MySQL";
  made.origin = server.origin;
  made.retention = graph::Retention::data;
  made.after.push_back({private_zone_node(mysql_zone(scope)), "the network must resolve its name"});
  std::vector<graph::Resource> resources = {std::move(made)};
  if (server.database.empty()) return resources;
  auto database = make_resource(
      scope, node + "/" + server.database, kDatabaseType, name + "/" + server.database,
      Value::Map{{"properties", Value::Map{{"charset", server.charset}, {"collation", server.collation}}}},
      server.service);
  database.because = "the image's variables name it";
  database.origin = server.origin;
  database.retention = graph::Retention::data;
  database.after.push_back({node, ""});
  resources.push_back(std::move(database));
  return resources;
}

std::vector<std::string> mysql_ready(const StackScope& scope, const MysqlServer& server) {
  const auto node = node_of(server.service);
  return {server.database.empty() ? node : node + "/" + server.database, private_zone_node(mysql_zone(scope))};
}

std::optional<std::string> mysql_version(std::string_view image) {
  if (name_in(image).find("mariadb") != std::string_view::npos) return "8.0.21";
  const auto slash = image.rfind('/');
  const auto colon = image.find(':', slash == std::string_view::npos ? 0 : slash);
  const auto tag = colon == std::string_view::npos ? "" : image.substr(colon + 1);
  if (tag.empty() || tag[0] < '0' || tag[0] > '9') return "8.4";  // "latest", "lts", "oracle"
  if (tag.starts_with("5.7")) return "5.7";
  if (tag.starts_with("8.4") || tag == "8") return "8.4";
  if (tag.starts_with("8.") || tag.starts_with("8-")) return "8.0.21";
  return std::nullopt;
}

MysqlSize mysql_size(double cpus, std::int64_t memory_bytes, Mode mode) {
  const auto fits = [&](const Size& size) {
    return size.cpus >= cpus && (std::int64_t{size.gib} << 30) >= memory_bytes &&
           (mode == Mode::affordable || size.tier != "Burstable");
  };
  const auto found = std::ranges::find_if(kSizes, fits);
  const auto& size = found == kSizes.end() ? kSizes.back() : *found;
  return {size.sku, size.tier};
}

std::string mysql_login_fault(std::string_view login) {
  constexpr auto kReserved =
      std::to_array<std::string_view>({"admin", "administrator", "azure_superuser", "guest", "public", "root"});
  if (std::ranges::find(kReserved, to_lower(login)) != kReserved.end()) return "is reserved on Azure";
  if (login.empty() || login.size() > 32) return "has not between 1 and 32 characters";
  const auto is_legal = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  return std::ranges::all_of(login, is_legal) ? "" : "holds other characters than letters, digits and `_`";
}

}  // namespace defang::providers
