// Microsoft.DBforMySQL: flexible servers with databases and parameters. No recorded traffic of it is at hand: bodies
// are those of the published schema and examples, and operations run as those of PostgreSQL's servers do, which the
// same service family answers.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/providers/managed_stores.h"
#include "emulator/providers/plain_types.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

using Kind = BodyCheck::Kind;

constexpr std::string_view kServers = "Microsoft.DBforMySQL/flexibleServers";
constexpr std::string_view kDatabases = "Microsoft.DBforMySQL/flexibleServers/databases";
constexpr std::string_view kConfigurations = "Microsoft.DBforMySQL/flexibleServers/configurations";

std::optional<Answer> refuse(std::string_view code, std::string_view message) { return arm_error(400, code, message); }

// DB-6
constexpr auto kReservedLogins =
    std::to_array<std::string_view>({"admin", "administrator", "azure_superuser", "guest", "public", "root"});

bool is_strong(const std::string& password) {
  int classes = 0;
  const auto any = [&](auto fits) { classes += std::ranges::any_of(password, fits); };
  any([](char c) { return c >= 'A' && c <= 'Z'; });
  any([](char c) { return c >= 'a' && c <= 'z'; });
  any([](char c) { return c >= '0' && c <= '9'; });
  any([](char c) { return c > ' ' && !(c >= '0' && c <= '9') && !(c >= 'A' && c <= 'Z') && !(c >= 'a' && c <= 'z'); });
  return password.size() >= 8 && password.size() <= 128 && classes >= 3;
}

std::optional<Answer> check_administrator(const Json& properties) {
  const std::string login = text_at(properties, "administratorLogin");
  if (login.empty() || login.size() > 32 ||
      std::ranges::find(kReservedLogins, to_lower(login)) != kReservedLogins.end())
    return refuse("InvalidParameterValue", fmt::format("The administrator login '{}' is not allowed.", login));
  if (!is_strong(text_at(properties, "administratorLoginPassword")))
    return refuse("PasswordTooWeak",
                  "The administrator login password must have 8 to 128 characters of three of the four classes.");
  return std::nullopt;
}

/// A server inside a network stands in a subnet of its own, and has its name in a zone of that network.
std::optional<Answer> check_network(Core& core, const Json& network) {
  const std::string subnet = text_at(network, "delegatedSubnetResourceId");
  const std::string zone = text_at(network, "privateDnsZoneResourceId");
  if (subnet.empty() && zone.empty()) return std::nullopt;
  const Resource* found = core.store().find(subnet);
  if (found == nullptr) return refuse("SubnetNotFound", fmt::format("The subnet '{}' was not found.", subnet));
  const bool delegated =
      std::ranges::any_of(found->properties().value("delegations", Json::array()), [](const Json& delegation) {
        return equals_ignoring_case(text_at(delegation, "properties.serviceName"), kServers);
      });
  if (!delegated)
    return refuse("SubnetNotDelegated", fmt::format("The subnet '{}' must be delegated to {}.", subnet, kServers));
  if (core.store().find(zone) == nullptr || !to_lower(zone).ends_with(".mysql.database.azure.com"))
    return refuse("InvalidPrivateDnsZone",
                  fmt::format("The private DNS zone '{}' must exist and end with .mysql.database.azure.com.", zone));
  return std::nullopt;
}

// What a server has where nobody said (examples of the published API).
constexpr std::string_view kServerDefaults = R"({
  "storage": {"storageSizeGB": 20, "iops": 360, "autoGrow": "Enabled", "autoIoScaling": "Disabled", "logOnDisk": "Disabled"},
  "network": {"publicNetworkAccess": "Enabled"},
  "backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Disabled"},
  "highAvailability": {"mode": "Disabled", "state": "NotEnabled"},
  "maintenanceWindow": {"customWindow": "Disabled", "dayOfWeek": 0, "startHour": 0, "startMinute": 0},
  "version": "8.0.21", "databasePort": 3306, "availabilityZone": "1",
  "replicationRole": "None", "replicaCapacity": 10})";

std::optional<Answer> write_server(Write& write) {
  Core& core = write.core;
  Json& properties = write.next.properties();
  if (write.existing == nullptr) {
    if (auto refusal = check_administrator(properties)) return refusal;
    for (const Resource* other : core.store().resources_of_type(kServers))
      if (equals_ignoring_case(other->name(), write.path.name()))
        return arm_error(409, "ServerNameAlreadyExists",
                         fmt::format("The server name '{}' is already in use.", write.path.name()));
  } else if (const auto before = text_at(write.existing->body, "properties.administratorLogin");
             properties.contains("administratorLogin") && text_at(properties, "administratorLogin") != before) {
    return refuse("InvalidParameterValue", "The administrator login cannot be changed.");
  }
  if (text_at(write.next.body, "sku.tier") == "Burstable" &&
      text_at(properties, "highAvailability.mode") == "ZoneRedundant")
    return refuse("InvalidParameterValue", "High availability is not supported for the Burstable tier.");
  if (auto refusal = check_network(core, properties.value("network", Json::object()))) return refusal;
  if (const auto password = text_at(properties, "administratorLoginPassword"); !password.empty())
    write.next.hidden["password"] = password;
  for (const char* name : {"administratorLoginPassword", "createMode", "state"}) properties.erase(name);
  if (write.existing != nullptr) fill(properties, write.existing->properties());
  fill(properties, *parse_json(kServerDefaults));
  properties["state"] = "Ready";
  properties["fullyQualifiedDomainName"] = fmt::format("{}.mysql.database.azure.com", write.path.name());
  return std::nullopt;
}

std::optional<Answer> write_database(Write& write) {
  fill(write.next.properties(), {{"charset", "utf8mb4"}, {"collation", "utf8mb4_0900_ai_ci"}});
  return std::nullopt;
}

std::optional<Answer> write_configuration(Write& write) {
  fill(write.next.properties(), {{"source", "user-override"}, {"isReadOnly", "False"}});
  return std::nullopt;
}

}  // namespace

void add_mysql(Core& core) {
  core.add_type(
      {.type = std::string(kServers),
       .system_data = true,
       .no_state = true,
       .checks = {{.path = "properties", .kind = Kind::object, .rule = "flexibleServers, REST reference"},
                  {.path = "properties.version", .kind = Kind::text, .values = "5.7|8.0.21|8.4", .rule = "DB-6"},
                  {.path = "sku.tier",
                   .kind = Kind::text,
                   .values = "Burstable|GeneralPurpose|MemoryOptimized",
                   .rule = "DB-6"},
                  {.path = "properties.highAvailability.mode",
                   .kind = Kind::text,
                   .values = "Disabled|SameZone|ZoneRedundant",
                   .rule = "DB-6"}},
       .default_code = "InvalidParameterValue",
       .write = write_server});
  const auto child = [&](std::string_view type, std::vector<BodyCheck> checks, std::optional<Answer> (*write)(Write&)) {
    core.add_type({.type = std::string(type),
                   .location = TypeBehaviour::Location::none,
                   .no_state = true,
                   .checks = std::move(checks),
                   .default_code = "InvalidParameterValue",
                   .write = write});
  };
  child(kDatabases, {}, write_database);
  child(kConfigurations, {{.path = "properties.value", .kind = Kind::text, .required = true, .rule = "DB-6"}},
        write_configuration);
}

}  // namespace defang::emulator
