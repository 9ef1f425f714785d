// Microsoft.DocumentDB/mongoClusters: Azure DocumentDB (vCore).
#include <fmt/format.h>

#include "emulator/providers/managed_stores.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

using Kind = BodyCheck::Kind;

constexpr std::string_view kClusters = "Microsoft.DocumentDB/mongoClusters";
constexpr std::string_view kRules = "Microsoft.DocumentDB/mongoClusters/firewallRules";

std::string connection_string(const std::string& name, std::string_view login) {
  return fmt::format(
      "mongodb+srv://{}:<password>@{}.mongocluster.cosmos.azure.com/"
      "?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
      login, to_lower(name));
}

std::optional<Answer> write_cluster(Write& write) {
  Json& properties = write.next.properties();
  const std::string password = text_at(properties, "administrator.password");
  if (write.existing == nullptr && password.empty())
    return arm_error(400, "BadRequest", "The administrator's password is missing.");
  if (!password.empty()) {
    write.next.hidden["password"] = password;
    properties["administrator"].erase("password");
  }
  if (write.existing != nullptr) fill(properties, write.existing->properties());
  fill(properties, {{"serverVersion", "8.0"},
                    {"publicNetworkAccess", "Enabled"},
                    {"storage", {{"sizeGb", 32}}},
                    {"sharding", {{"shardCount", 1}}},
                    {"highAvailability", {{"targetMode", "Disabled"}}},
                    {"backup", Json::object()},
                    {"replica", {{"role", "Primary"}, {"replicationState", "Active"}}},
                    {"infrastructureVersion", "2.0"},
                    {"privateEndpointConnections", Json::array()}});
  properties["connectionString"] = connection_string(write.path.name(), "<user>");
  return std::nullopt;
}

Json show_cluster(Core&, const Resource& cluster, View) {
  Json body = cluster.body;
  body["properties"]["clusterStatus"] = cluster.state() == "Succeeded" ? "Ready" : "Provisioning";
  return body;
}

Answer connection_strings(const Context& context) {
  const std::string login = text_at(context.existing->body, "properties.administrator.userName");
  return json_answer(200, {{"connectionStrings",
                            {{{"connectionString", connection_string(context.existing->name(), login)},
                              {"description", "default connection string"},
                              {"name", "GlobalReadWrite"}}}}});
}

}  // namespace

void add_mongo_clusters(Core& core) {
  constexpr std::string_view kReference = "mongoClusters, REST reference";
  core.add_type(
      {.type = std::string(kClusters),
       .system_data = true,
       .checks =
           {{.path = "properties", .kind = Kind::object, .required = true, .rule = kReference},
            {.path = "properties.administrator.userName", .kind = Kind::text, .required = true, .rule = kReference},
            {.path = "properties.compute.tier", .kind = Kind::text, .rule = kReference},
            {.path = "properties.publicNetworkAccess",
             .kind = Kind::text,
             .values = "Enabled|Disabled",
             .rule = kReference}},
       .default_code = "BadRequest",
       .write = write_cluster,
       .show = show_cluster,
       .actions = {{"POST listConnectionStrings", connection_strings}}});
  core.add_type(
      {.type = std::string(kRules),
       .location = TypeBehaviour::Location::none,
       .system_data = true,
       .checks = {{.path = "properties.startIpAddress", .kind = Kind::text, .required = true, .rule = kReference},
                  {.path = "properties.endIpAddress", .kind = Kind::text, .required = true, .rule = kReference}},
       .default_code = "BadRequest"});
}

}  // namespace defang::emulator
