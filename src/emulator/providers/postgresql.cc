// Microsoft.DBforPostgreSQL: flexible servers with databases, parameters and firewall rules.
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
using Location = TypeBehaviour::Location;

constexpr std::string_view kServers = "Microsoft.DBforPostgreSQL/flexibleServers";
constexpr std::string_view kDatabases = "Microsoft.DBforPostgreSQL/flexibleServers/databases";
constexpr std::string_view kConfigurations = "Microsoft.DBforPostgreSQL/flexibleServers/configurations";
constexpr std::string_view kRules = "Microsoft.DBforPostgreSQL/flexibleServers/firewallRules";

std::optional<Answer> refuse(std::string_view code, std::string_view message) { return arm_error(400, code, message); }

// PG-11
constexpr auto kReservedLogins = std::to_array<std::string_view>(
    {"admin", "administrator", "azure_pg_admin", "azure_superuser", "guest", "public", "root"});

std::optional<Answer> check_login(const std::string& login) {
  if (login.starts_with("pg_") || std::ranges::find(kReservedLogins, to_lower(login)) != kReservedLogins.end())
    return refuse("InvalidParameterValue", fmt::format("The administrator login '{}' is not allowed.", login));
  return std::nullopt;
}

// PG-12
std::optional<Answer> check_password(const std::string& login, const std::string& password) {
  int classes = 0;
  const auto any = [&](auto fits) { classes += std::ranges::any_of(password, fits); };
  any([](char c) { return c >= 'A' && c <= 'Z'; });
  any([](char c) { return c >= 'a' && c <= 'z'; });
  any([](char c) { return c >= '0' && c <= '9'; });
  any([](char c) { return std::string_view("!@#$%^&*()-_=+[]{}|;:,.<>?/~`'\"\\").find(c) != std::string_view::npos; });
  if (password.size() >= 8 && password.size() <= 128 && classes >= 3 && !contains_ignoring_case(password, login))
    return std::nullopt;
  return refuse("PasswordTooWeak",
                "The administrator login password must have 8 to 128 characters of three of the four classes, and must "
                "not hold the login.");
}

/// PG-7 to PG-9: a delegated subnet and a zone belong together.
std::optional<Answer> check_network(Core& core, const Json& network) {
  const std::string subnet = text_at(network, "delegatedSubnetResourceId");
  const std::string zone = text_at(network, "privateDnsZoneArmResourceId");
  if (subnet.empty() && zone.empty()) return std::nullopt;
  if (subnet.empty() || zone.empty())
    return refuse("InvalidParameterValue", "A delegated subnet and a private DNS zone must be given together.");
  const Resource* found = core.store().find(subnet);
  if (found == nullptr) return refuse("SubnetNotFound", fmt::format("The subnet '{}' was not found.", subnet));
  const Json delegations = found->properties().value("delegations", Json::array());
  const bool delegated = std::ranges::any_of(delegations, [](const Json& delegation) {
    return equals_ignoring_case(text_at(delegation, "properties.serviceName"), kServers);
  });
  if (!delegated)
    return refuse("SubnetNotDelegated", fmt::format("The subnet '{}' must be delegated to {}.", subnet, kServers));
  if (core.store().find(zone) == nullptr || !to_lower(zone).ends_with(".postgres.database.azure.com"))
    return refuse("InvalidPrivateDnsZone",
                  fmt::format("The private DNS zone '{}' must exist and end with .postgres.database.azure.com.", zone));
  return std::nullopt;
}

bool is_busy(Core& core, const Resource& server) {
  const auto running = [&](const Resource& resource) {
    const std::string operation = text_at(resource.hidden, "operation");
    return !operation.empty() && core.operation_running(operation);
  };
  return running(server) || std::ranges::any_of(core.store().resources_below(server.id),
                                                [&](const Resource* below) { return running(*below); });
}

/// PG-21: such a write is accepted, and fails later (FlexibleServer_20230601Preview_CRUD).
void fail_while_busy(Write& write, const std::string& server_id) {
  const Resource* server = write.core.store().find(server_id);
  if (server != nullptr && is_busy(write.core, *server))
    write.failure = {
        {"code", "ServerIsBusy"},
        {"message", fmt::format("Server {} is busy with other operations. Please try later", server->name())}};
}

// What a server has where nobody said (postgres_flexible_server_new_private_dns_zone).
constexpr std::string_view kServerDefaults = R"({
  "replica": {"role": "Primary", "capacity": 5},
  "storage": {"type": "", "iops": 120, "tier": "P4", "storageSizeGB": 32, "autoGrow": "Disabled"},
  "network": {"publicNetworkAccess": "Enabled"},
  "dataEncryption": {"type": "SystemManaged"},
  "authConfig": {"activeDirectoryAuth": "Disabled", "passwordAuth": "Enabled"},
  "version": "17", "minorVersion": "2", "availabilityZone": "1",
  "backup": {"backupRetentionDays": 7, "geoRedundantBackup": "Disabled"},
  "highAvailability": {"mode": "Disabled", "state": "NotEnabled"},
  "maintenanceWindow": {"customWindow": "Disabled", "dayOfWeek": 0, "startHour": 0, "startMinute": 0},
  "replicationRole": "Primary", "replicaCapacity": 5})";

std::optional<Answer> write_server(Write& write) {
  Core& core = write.core;
  Json& properties = write.next.properties();
  const bool is_new = write.existing == nullptr;
  const std::string login = text_at(properties, "administratorLogin");
  const std::string password = text_at(properties, "administratorLoginPassword");
  if (is_new) {
    if (auto refusal = check_login(login)) return refusal;
    if (password.empty() && !contains_ignoring_case(text_at(properties, "authConfig.passwordAuth"), "Disabled"))
      return refuse("InvalidParameterValue", "The administrator login password is missing.");
    for (const Resource* other : core.store().resources_of_type(kServers))
      if (equals_ignoring_case(other->name(), write.path.name()))
        return arm_error(409, "ServerNameAlreadyExists",
                         fmt::format("The server name '{}' is already in use.", write.path.name()));
  } else if (!login.empty() && login != text_at(write.existing->body, "properties.administratorLogin")) {
    return refuse("InvalidParameterValue", "The administrator login cannot be changed.");
  }
  if (!password.empty())
    if (auto refusal = check_password(login, password)) return refusal;
  Json& network = properties["network"];
  if (network.is_null()) network = Json::object();
  if (auto refusal = check_network(core, network)) return refusal;
  if (network.contains("delegatedSubnetResourceId")) network["publicNetworkAccess"] = "Disabled";
  if (!is_new) fail_while_busy(write, write.next.id);
  if (!password.empty()) write.next.hidden["password"] = password;
  for (const char* name : {"administratorLoginPassword", "createMode", "state"}) properties.erase(name);
  if (!is_new) fill(properties, write.existing->properties());
  fill(properties, *parse_json(kServerDefaults));
  properties["administratorLogin"] = is_new ? login : text_at(write.existing->body, "properties.administratorLogin");
  properties["fullyQualifiedDomainName"] = fmt::format("{}.postgres.database.azure.com", write.path.name());
  write.next.hidden["doing"] = is_new ? "Provisioning" : "Updating";
  return std::nullopt;
}

Json show_server(Core& core, const Resource& server, View) {
  Json body = server.body;
  const std::string operation = text_at(server.hidden, "operation");
  const bool busy = !operation.empty() && core.operation_running(operation);
  body["properties"]["state"] = busy ? text_at(server.hidden, "doing") : "Ready";
  return body;
}

std::optional<Answer> remove_server(const Context& context) {
  context.core.store().edit(context.existing->id).hidden["doing"] = "Dropping";
  return std::nullopt;
}

/// PG-24
void add_databases(Core& core, Resource& server) {
  const std::string owner = server.id;
  for (const char* name : {"azure_maintenance", "azure_sys", "postgres"}) {
    const std::string id = fmt::format("{}/databases/{}", owner, name);
    if (core.store().find(id) == nullptr)
      put_resource(core, id, std::string(kDatabases),
                   {{"properties", {{"charset", "UTF8"}, {"collation", "en_US.utf8"}}},
                    {"id", id},
                    {"name", name},
                    {"type", kDatabases}});
  }
}

std::optional<Answer> write_child(Write& write) {
  fail_while_busy(write, write.path.parent_id());
  return std::nullopt;
}

std::optional<Answer> write_database(Write& write) {
  Json& properties = write.next.properties();
  fill(properties, {{"charset", "UTF8"}, {"collation", "en_US.utf8"}});
  properties["charset"] = to_upper(text_at(properties, "charset"));
  return write_child(write);
}

std::optional<Answer> write_rule(Write& write) {
  const Resource* server = write.core.store().find(write.path.parent_id());
  if (text_at(server->body, "properties.network.publicNetworkAccess") == "Disabled")  // PG-7
    return refuse("FirewallRulesNotAllowed", "A server inside a virtual network has no firewall rules.");
  return write_child(write);
}

std::optional<Answer> write_configuration(Write& write) {
  Json& properties = write.next.properties();
  fill(properties, {{"source", "user-override"}, {"isReadOnly", false}, {"isConfigPendingRestart", false}});
  return write_child(write);
}

Answer restart(const Context& context) { return json_answer(200, {{"name", context.existing->name()}}); }

Answer zone_suffix(Core&, const Request&) { return json_answer(200, "postgres.database.azure.com"); }

Answer check_name(Core& core, const Request& request) {
  const auto body = request.json();
  const std::string name = body ? text_at(*body, "name") : "";
  for (const Resource* other : core.store().resources_of_type(kServers))
    if (equals_ignoring_case(other->name(), name))
      return json_answer(200, {{"name", name},
                               {"type", kServers},
                               {"nameAvailable", false},
                               {"reason", "AlreadyExists"},
                               {"message", "Specified server name is already used"}});
  return json_answer(200, {{"name", name}, {"type", kServers}, {"nameAvailable", true}, {"message", ""}});
}

}  // namespace

void add_postgresql(Core& core) {
  core.add_type(
      {.type = std::string(kServers),
       .system_data = true,
       .no_state = true,
       .checks =
           {{.path = "properties", .kind = Kind::object, .rule = "flexibleServers, REST reference"},
            {.path = "properties.version", .kind = Kind::text, .values = "11|12|13|14|15|16|17|18", .rule = "PG-3"},
            {.path = "sku.tier",
             .kind = Kind::text,
             .values = "Burstable|GeneralPurpose|MemoryOptimized",
             .rule = "PG-1"},
            {.path = "properties.backup.backupRetentionDays",
             .kind = Kind::integer,
             .min = 7,
             .max = 35,
             .rule = "PG-5"},
            {.path = "properties.highAvailability.mode",
             .kind = Kind::text,
             .values = "Disabled|SameZone|ZoneRedundant",
             .rule = "PG-6"}},
       .default_code = "InvalidParameterValue",
       .write = write_server,
       .finished = add_databases,
       .remove = remove_server,
       .show = show_server,
       .actions = {{"POST restart", restart}}});
  const auto child = [&](std::string_view type, std::vector<BodyCheck> checks, std::optional<Answer> (*write)(Write&)) {
    core.add_type({.type = std::string(type),
                   .location = Location::none,
                   .no_state = true,
                   .checks = std::move(checks),
                   .default_code = "InvalidParameterValue",
                   .write = write});
  };
  child(kDatabases, {}, write_database);
  child(kConfigurations, {{.path = "properties.value", .kind = Kind::text, .required = true, .rule = "PG-20"}},
        write_configuration);
  child(kRules,
        {{.path = "properties.startIpAddress", .kind = Kind::text, .required = true, .rule = "PG-25"},
         {.path = "properties.endIpAddress", .kind = Kind::text, .required = true, .rule = "PG-25"}},
        write_rule);
  const auto signed_in = Route::Access::signed_in;
  core.add_route({"POST", "/providers/Microsoft.DBforPostgreSQL/getPrivateDnsZoneSuffix", signed_in, zone_suffix});
  for (const char* scope : {"checkNameAvailability", "locations/{location}/checkNameAvailability"})
    core.add_route({"POST",
                    fmt::format("/subscriptions/{{subscription}}/providers/Microsoft.DBforPostgreSQL/{}", scope),
                    signed_in, check_name});
}

}  // namespace defang::emulator
