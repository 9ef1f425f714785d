// Private endpoints: an address in a subnet, a connection at the resource that it leads to, and names in private DNS
// zones.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "emulator/providers/all.h"
#include "emulator/providers/network.h"
#include "emulator/providers/plain_types.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kEndpoint = "Microsoft.Network/privateEndpoints";
constexpr std::string_view kZoneGroup = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups";
constexpr std::string_view kInterface = "Microsoft.Network/networkInterfaces";
constexpr std::string_view kRecord = "Microsoft.Network/privateDnsZones/A";

/// A kind of resource that private endpoints lead to. {name}, {region} and {domain} (the first label of an
/// environment's default domain) are filled in.
struct Target {
  std::string_view type;
  std::string_view group;  // groupId
  std::string_view fqdn;   // the public name that becomes private
  std::string_view zone;   // where its address is to stand; "{name}" of the record: what is before the public suffix
  enum class Naming { as_sent, guid, endpoint_guid } naming = Naming::guid;  // of the connection
};

// "Azure Private Endpoint private DNS zone values", learn.microsoft.com/azure/private-link/private-endpoint-dns; the
// names of connections as recorded (acr_with_private_endpoint, private_endpoint_connection_keyvault,
// private_link_managed_environment).
constexpr auto kTargets = std::to_array<Target>({
    {"Microsoft.App/managedEnvironments", "managedEnvironments", "*.{region}.azurecontainerapps.io",
     "privatelink.{region}.azurecontainerapps.io", Target::Naming::endpoint_guid},
    {"Microsoft.Cache/redisEnterprise", "redisEnterprise", "{name}.{region}.redis.azure.net",
     "privatelink.redis.azure.net"},
    {"Microsoft.CognitiveServices/accounts", "account", "{name}.cognitiveservices.azure.com",
     "privatelink.cognitiveservices.azure.com"},
    {"Microsoft.CognitiveServices/accounts", "account", "{name}.openai.azure.com", "privatelink.openai.azure.com"},
    {"Microsoft.CognitiveServices/accounts", "account", "{name}.services.ai.azure.com",
     "privatelink.services.ai.azure.com"},
    {"Microsoft.ContainerRegistry/registries", "registry", "{name}.azurecr.io", "privatelink.azurecr.io"},
    {"Microsoft.ContainerRegistry/registries", "registry", "{name}.{region}.data.azurecr.io", "privatelink.azurecr.io"},
    {"Microsoft.DBforPostgreSQL/flexibleServers", "postgresqlServer", "{name}.postgres.database.azure.com",
     "privatelink.postgres.database.azure.com"},
    {"Microsoft.DocumentDB/mongoClusters", "MongoCluster", "{name}.mongocluster.cosmos.azure.com",
     "privatelink.mongocluster.cosmos.azure.com"},
    {"Microsoft.KeyVault/vaults", "vault", "{name}.vault.azure.net", "privatelink.vaultcore.azure.net",
     Target::Naming::as_sent},
    {"Microsoft.Storage/storageAccounts", "blob", "{name}.blob.core.windows.net", "privatelink.blob.core.windows.net"},
    {"Microsoft.Storage/storageAccounts", "dfs", "{name}.dfs.core.windows.net", "privatelink.dfs.core.windows.net"},
    {"Microsoft.Storage/storageAccounts", "file", "{name}.file.core.windows.net", "privatelink.file.core.windows.net"},
    {"Microsoft.Storage/storageAccounts", "queue", "{name}.queue.core.windows.net",
     "privatelink.queue.core.windows.net"},
    {"Microsoft.Storage/storageAccounts", "table", "{name}.table.core.windows.net",
     "privatelink.table.core.windows.net"},
    {"Microsoft.Storage/storageAccounts", "web", "{name}.web.core.windows.net", "privatelink.web.core.windows.net"},
});

std::string filled(std::string_view pattern, const Resource& target) {
  return replace_all(replace_all(std::string(pattern), "{name}", to_lower(target.name())), "{region}",
                     to_lower(replace_all(target.location(), " ", "")));
}

std::vector<const Target*> targets_of(std::string_view type, std::string_view group = "") {
  std::vector<const Target*> found;
  for (const auto& target : kTargets)
    if (equals_ignoring_case(target.type, type) && (group.empty() || equals_ignoring_case(target.group, group)))
      found.push_back(&target);
  return found;
}

// --- connections at the target --------------------------------------------------------------------------------------

std::string connection_type(std::string_view target_type) {
  return fmt::format("{}/privateEndpointConnections", target_type);
}

std::vector<const Resource*> connections_of(Core& core, const Resource& target) {
  auto below = core.store().resources_below(target.id);
  const std::string type = connection_type(target.type);
  std::erase_if(below, [&](const Resource* resource) { return !equals_ignoring_case(resource->type, type); });
  return below;
}

std::string connection_name(Core& core, const Target& target, const Resource& to, const std::string& sent,
                            const std::string& endpoint) {
  switch (target.naming) {
    case Target::Naming::as_sent:
      return sent;
    case Target::Naming::endpoint_guid:
      return fmt::format("{}-{}", endpoint, core.random().uuid());
    case Target::Naming::guid:
      break;
  }
  return fmt::format("{}.{}", to.name(), replace_all(core.random().uuid(), "-", ""));
}

/// Lists of an endpoint: the owner of the target approves the second kind by hand.
constexpr std::string_view kAutomatic = "privateLinkServiceConnections";
constexpr std::string_view kManual = "manualPrivateLinkServiceConnections";

Json connection_state(bool manual, bool finished) {
  if (manual) return {{"status", "Pending"}, {"description", "Awaiting Approval"}, {"actionsRequired", "None"}};
  return {{"status", "Approved"},
          {"description", finished ? "Auto-Approved" : "Auto Approved"},
          {"actionsRequired", "None"}};
}

void put_connection(Core& core, const Resource& endpoint, const Json& sent, bool manual) {
  const Resource* to = core.store().find(text_at(sent, "properties.privateLinkServiceId"));
  if (to == nullptr || core.find_type(connection_type(to->type)) == nullptr) return;
  const auto targets = targets_of(to->type);
  const std::string name = connection_name(core, *targets.front(), *to, text_at(sent, "name"), endpoint.name());
  const std::string id = fmt::format("{}/privateEndpointConnections/{}", to->id, name);
  Json state = {{"status", manual ? "Pending" : "Approved"}};
  if (targets.front()->naming != Target::Naming::guid) state["actionsRequired"] = "None";
  Json properties = {{"privateEndpoint", {{"id", endpoint.id}}},
                     {"privateLinkServiceConnectionState", std::move(state)},
                     {"provisioningState", "Succeeded"}};
  const bool environment = to->type == "Microsoft.App/managedEnvironments";
  if (environment) {
    properties["groupIds"] = sent["properties"].value("groupIds", Json::array());
    if (manual) properties["provisioningState"] = "Waiting";  // private_link_managed_environment
  }
  Json body = {{"id", id}, {"name", name}, {"type", connection_type(to->type)}, {"properties", std::move(properties)}};
  if (environment || to->type == "Microsoft.KeyVault/vaults") body["location"] = to->location();
  put_resource(core, id, connection_type(to->type), std::move(body));
}

std::vector<std::string> connections_from(Core& core, const std::string& endpoint_id) {
  std::vector<std::string> ids;
  for (const auto& target : kTargets)
    for (const Resource* connection : core.store().resources_of_type(connection_type(target.type)))
      if (equals_ignoring_case(text_at(connection->body, "properties.privateEndpoint.id"), endpoint_id))
        ids.push_back(connection->id);
  std::ranges::sort(ids);
  ids.erase(std::ranges::unique(ids).begin(), ids.end());
  return ids;
}

/// Approved, rejected: the endpoint shows what the target's owner said.
void tell_endpoint(Core& core, const Resource& connection, const Json& state) {
  const std::string id = text_at(connection.body, "properties.privateEndpoint.id");
  if (core.store().find(id) == nullptr) return;
  Resource& endpoint = core.store().edit(id);
  const std::string target = parse_arm_id(connection.id)->parent_id();
  for (const auto list : {kAutomatic, kManual})
    for (Json& sent : endpoint.properties()[list])
      if (equals_ignoring_case(text_at(sent, "properties.privateLinkServiceId"), target))
        sent["properties"]["privateLinkServiceConnectionState"] = state;
}

std::optional<Answer> write_connection(Write& write) {
  if (write.existing == nullptr)
    return arm_error(404, "ResourceNotFound",
                     fmt::format("The private endpoint connection '{}' was not found.", write.path.name()));
  const Json sent = write.next.properties();
  const Json* state = find_member(sent, "privateLinkServiceConnectionState");
  Json wanted = state == nullptr ? write.existing->properties()["privateLinkServiceConnectionState"] : *state;
  if (text_at(wanted, "status").empty())
    return arm_error(400, "BadRequest", "The status of the private link service connection state is missing.");
  write.next.body = write.existing->body;
  if (write.next.type == "Microsoft.KeyVault/vaults/privateEndpointConnections")
    write.next.body["etag"] = replace_all(write.core.random().uuid(), "-", "");
  write.next.properties()["privateLinkServiceConnectionState"] = wanted;
  return std::nullopt;
}

/// Only a write's answer says who wrote it (acr_with_private_endpoint).
Json show_connection(Core&, const Resource& connection, View view) {
  Json body = connection.body;
  if (view != View::first_answer) body.erase("systemData");
  return body;
}

void finish_connection(Core& core, Resource& connection) {
  tell_endpoint(core, connection, connection.properties()["privateLinkServiceConnectionState"]);
}

void disconnect(Core& core, const Resource& connection) {
  tell_endpoint(core, connection,
                {{"status", "Disconnected"}, {"description", "Deleted state"}, {"actionsRequired", "None"}});
}

Json with_connections(Core& core, const Resource& target, Json body) {
  const auto connections = connections_of(core, target);
  // A vault shows the member only when there are any; all others always.
  if (connections.empty() && (target.type == "Microsoft.KeyVault/vaults" || !body.contains("properties"))) return body;
  Json shown = Json::array();
  for (const Resource* connection : connections) {
    Json entry = connection->body;
    if (target.type == "Microsoft.KeyVault/vaults")
      for (const char* name : {"name", "type", "location"}) entry.erase(name);
    shown.push_back(std::move(entry));
  }
  if (!shown.empty() || find_path(body, "properties.privateEndpointConnections") != nullptr)
    body["properties"]["privateEndpointConnections"] = std::move(shown);
  return body;
}

Answer link_resources(const Context& context) {
  const Resource& owner = *context.existing;
  Json values = Json::array();
  std::set<std::string_view> seen;
  for (const Target* target : targets_of(owner.type)) {
    if (!seen.insert(target->group).second) continue;
    Json zones = Json::array(), members = Json::array();
    for (const Target* same : targets_of(owner.type, target->group)) {
      const std::string zone = filled(same->zone, owner);
      if (std::ranges::find(zones, Json(zone)) == zones.end()) zones.push_back(zone);
    }
    members.push_back(owner.type == "Microsoft.KeyVault/vaults" ? "default" : std::string(target->group));
    if (owner.type == "Microsoft.ContainerRegistry/registries")
      members.insert(members.begin(), fmt::format("registry_data_{}", to_lower(owner.location())));
    Json value = {
        {"id", fmt::format("{}/privateLinkResources/{}", owner.id, target->group)},
        {"name", target->group},
        {"type", fmt::format("{}/privateLinkResources", owner.type)},
        {"properties", {{"groupId", target->group}, {"requiredMembers", members}, {"requiredZoneNames", zones}}}};
    if (owner.type == "Microsoft.App/managedEnvironments") value["location"] = owner.location();
    values.push_back(std::move(value));
  }
  return json_answer(200, {{"value", values}});
}

// --- endpoints ------------------------------------------------------------------------------------------------------

Answer endpoint_error(std::string_view code, std::string_view message) {
  return json_answer(400, {{"error", {{"code", code}, {"message", message}, {"details", Json::array()}}}});
}

/// The first address of the subnet that no interface has; Azure keeps four at the beginning for itself.
std::string free_address(Core& core, const std::string& subnet_id) {
  const Resource* subnet = core.store().find(subnet_id);
  std::string prefix = subnet == nullptr ? "" : text_at(subnet->body, "properties.addressPrefix");
  if (prefix.empty() && subnet != nullptr)
    if (const Json* list = find_path(subnet->body, "properties.addressPrefixes"); list != nullptr && !list->empty())
      prefix = (*list)[0].get<std::string>();
  const auto range = parse_range(prefix);
  if (!range) return "";
  std::set<std::string> taken;
  for (const Resource* other : core.store().resources_of_type(kInterface))
    if (const Json* list = find_path(other->body, "properties.ipConfigurations"))
      for (const Json& configuration : *list)
        if (equals_ignoring_case(text_at(configuration, "properties.subnet.id"), subnet_id))
          taken.insert(text_at(configuration, "properties.privateIPAddress"));
  const std::uint32_t size = range->length >= 32 ? 1 : std::uint32_t{1} << (32 - range->length);
  for (std::uint32_t offset = 4; offset + 1 < size; ++offset) {
    const std::uint32_t address = range->address + offset;
    const std::string text =
        fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
    if (!taken.contains(text)) return text;
  }
  return "";
}

std::optional<Answer> check_link(Core& core, const Json& sent) {
  const std::string id = text_at(sent, "properties.privateLinkServiceId");
  const Resource* target = core.store().find(id);
  if (target == nullptr)
    return endpoint_error("LinkedResourceNotFound", fmt::format("The private link resource '{}' was not found.", id));
  const Json* groups = find_path(sent, "properties.groupIds");
  if (target->type == "Microsoft.Network/privateLinkServices") return std::nullopt;
  if (targets_of(target->type).empty())
    return endpoint_error("PrivateLinkServiceNotSupported",
                          fmt::format("The emulator knows no private links to {}.", target->type));
  for (const Json& group : groups == nullptr ? Json::array() : *groups)
    if (targets_of(target->type, group.is_string() ? group.get<std::string>() : "?").empty())
      return endpoint_error("InvalidGroupId", fmt::format("The group id {} is not valid for {}.", dump(group), id));
  // "Connect privately to an Azure container registry": private link is a feature of the Premium tier.
  if (target->type == "Microsoft.ContainerRegistry/registries" &&
      !equals_ignoring_case(text_at(target->body, "sku.name"), "Premium"))
    return endpoint_error("PrivateLinkNotSupportedForSku",
                          fmt::format("The registry '{}' must be of the Premium tier to use private endpoints.", id));
  return std::nullopt;
}

Json shown_links(const Resource& endpoint, std::string_view list, const Json& sent, const Json& etag) {
  Json links = Json::array();
  for (const Json& link : sent)
    links.push_back({{"name", text_at(link, "name")},
                     {"id", fmt::format("{}/{}/{}", endpoint.id, list, text_at(link, "name"))},
                     {"etag", etag},
                     {"properties",
                      {{"provisioningState", "Succeeded"},
                       {"privateLinkServiceId", text_at(link, "properties.privateLinkServiceId")},
                       {"groupIds", link["properties"].value("groupIds", Json::array())},
                       {"privateLinkServiceConnectionState", connection_state(list == kManual, false)}}},
                     {"type", fmt::format("{}/{}", kEndpoint, list)}});
  return links;
}

Json list_in(const Json& object, std::string_view name) {
  const Json* list = find_member(object, name);
  return list == nullptr || !list->is_array() ? Json::array() : *list;
}

std::optional<Answer> write_endpoint(Write& write) {
  Core& core = write.core;
  const Json sent = write.next.properties();
  if (auto refusal = check_references(core, write.next.id, write.next.body)) return refusal;
  Json links = list_in(sent, kAutomatic);
  for (const Json& link : list_in(sent, kManual)) links.push_back(link);
  if (links.empty())
    return endpoint_error("InvalidRequestFormat", "A private endpoint needs a private link service connection.");
  for (const Json& link : links)
    if (auto refusal = check_link(core, link)) return refusal;
  const std::string subnet = text_at(sent, "subnet.id");
  const bool is_new = write.existing == nullptr;
  const std::string etag = fmt::format("W/\"{}\"", core.random().uuid());
  const std::string own_name = text_at(sent, "customNetworkInterfaceName");
  const std::string interface =
      !is_new ? text_at(write.existing->hidden, "interface")
              : fmt::format(
                    "/subscriptions/{}/resourceGroups/{}/providers/{}/{}", write.path.subscription, write.path.group,
                    kInterface,
                    own_name.empty() ? fmt::format("{}.nic.{}", write.path.name(), core.random().uuid()) : own_name);
  Json body = {{"name", write.path.name()},
               {"id", write.next.id},
               {"etag", etag},
               {"type", kEndpoint},
               {"location", to_lower(replace_all(text_at(write.next.body, "location"), " ", ""))}};
  if (const Json* tags = find_member(write.next.body, "tags")) body["tags"] = *tags;
  body["properties"] = {
      {"provisioningState", "Succeeded"},
      {"resourceGuid", is_new ? core.random().uuid() : text_at(write.existing->body, "properties.resourceGuid")},
      {kAutomatic, shown_links(write.next, kAutomatic, list_in(sent, kAutomatic), etag)},
      {kManual, shown_links(write.next, kManual, list_in(sent, kManual), etag)},
      {"customNetworkInterfaceName", own_name},
      {"subnet", {{"id", subnet}}},
      {"ipConfigurations", list_in(sent, "ipConfigurations")},
      {"networkInterfaces", Json::array({{{"id", interface}}})},
      {"customDnsConfigs", Json::array()}};
  if (!is_new) {
    body["properties"]["customDnsConfigs"] = write.existing->properties().value("customDnsConfigs", Json::array());
    if (dump(body["properties"][kAutomatic][0]["properties"]["privateLinkServiceId"]) !=
        dump(write.existing->properties()[kAutomatic][0]["properties"]["privateLinkServiceId"]))
      write.shape_method = "PUT change";
  }
  write.next.body = std::move(body);
  write.next.hidden["interface"] = interface;
  return std::nullopt;
}

/// Names and addresses, one for each name that the target has in the groups that were asked for.
Json interface_configurations(Core& core, const Resource& endpoint, Json& names) {
  Json configurations = Json::array();
  const std::string subnet = text_at(endpoint.body, "properties.subnet.id");
  std::string address = free_address(core, subnet);
  for (const auto list : {kAutomatic, kManual})
    for (const Json& link : endpoint.properties()[list]) {
      const Resource* target = core.store().find(text_at(link, "properties.privateLinkServiceId"));
      if (target == nullptr) continue;
      for (const Json& group : link["properties"]["groupIds"])
        for (const Target* kind : targets_of(target->type, group.get<std::string>())) {
          const std::string fqdn = filled(kind->fqdn, *target);
          names.push_back({{"fqdn", fqdn}, {"ipAddresses", Json::array({address})}});
          configurations.push_back({{"name", fmt::format("privateEndpointIpConfig.{}", core.random().uuid())},
                                    {"properties",
                                     {{"provisioningState", "Succeeded"},
                                      {"privateIPAddress", address},
                                      {"privateIPAllocationMethod", "Dynamic"},
                                      {"privateIPAddressVersion", "IPv4"},
                                      {"primary", configurations.empty()},
                                      {"subnet", {{"id", subnet}}},
                                      {"privateLinkConnectionProperties",
                                       {{"groupId", group}, {"requiredMemberName", group}, {"fqdns", {fqdn}}}}}}});
        }
    }
  return configurations;
}

void finish_endpoint(Core& core, Resource& endpoint) {
  const std::string interface = text_at(endpoint.hidden, "interface");
  if (core.store().find(interface) != nullptr) return;
  for (const auto list : {kAutomatic, kManual})
    for (Json& link : endpoint.properties()[list]) {
      put_connection(core, endpoint, link, list == kManual);
      link["properties"]["privateLinkServiceConnectionState"] = connection_state(list == kManual, true);
    }
  Json names = Json::array();
  Json configurations = interface_configurations(core, endpoint, names);
  endpoint.properties()["customDnsConfigs"] = names;
  put_resource(core, interface, std::string(kInterface),
               {{"name", interface.substr(interface.rfind('/') + 1)},
                {"id", interface},
                {"etag", text_at(endpoint.body, "etag")},
                {"type", kInterface},
                {"location", endpoint.location()},
                {"properties",
                 {{"provisioningState", "Succeeded"},
                  {"resourceGuid", core.random().uuid()},
                  {"ipConfigurations", std::move(configurations)},
                  {"dnsSettings", {{"dnsServers", Json::array()}, {"appliedDnsServers", Json::array()}}},
                  {"enableAcceleratedNetworking", false},
                  {"enableIPForwarding", false},
                  {"hostedWorkloads", Json::array()},
                  {"tapConfigurations", Json::array()},
                  {"privateEndpoint", {{"id", endpoint.id}}},
                  {"nicType", "Standard"}}}});
}

void forget_endpoint(Core& core, const Resource& endpoint) {
  for (const auto& id : connections_from(core, endpoint.id)) core.store().erase(id);
  core.store().erase(text_at(endpoint.hidden, "interface"));
}

// --- names in zones -------------------------------------------------------------------------------------------------

/// The record that a public name gets in a zone: what is before the public suffix. Nothing where the zone is not the
/// one of that service: such a zone gets no records (network_private_endpoint_private_dns_zone_group).
std::optional<std::string> record_name(const std::string& fqdn, const std::string& zone) {
  for (const auto& target : kTargets) {
    const auto first_dot = target.fqdn.find('.');
    std::string suffix(target.fqdn.substr(first_dot));
    std::string zone_pattern(target.zone);
    // A region stands in the name of some zones, and is a part of the record in others.
    if (zone_pattern.find("{region}") == std::string::npos) {
      suffix = replace_all(suffix, ".{region}", "");
    } else {
      const auto dot = zone.find('.');
      const std::string region = zone.substr(dot + 1, zone.find('.', dot + 1) - dot - 1);
      suffix = replace_all(suffix, "{region}", region);
      zone_pattern = replace_all(zone_pattern, "{region}", region);
    }
    if (equals_ignoring_case(zone_pattern, zone) && fqdn.size() > suffix.size() && fqdn.ends_with(suffix))
      return fqdn.substr(0, fqdn.size() - suffix.size());
  }
  return std::nullopt;
}

void write_records(Core& core, Resource& group) {
  const Resource* endpoint = core.store().find(parse_arm_id(group.id)->parent_id());
  if (endpoint == nullptr) return;
  const Json names = endpoint->properties().value("customDnsConfigs", Json::array());
  for (Json& configuration : group.properties()["privateDnsZoneConfigs"]) {
    configuration["properties"]["provisioningState"] = "Succeeded";
    const std::string zone_id = text_at(configuration, "properties.privateDnsZoneId");
    const Resource* zone = core.store().find(zone_id);
    Json sets = Json::array();
    for (const Json& name : names) {
      const auto record = zone == nullptr ? std::nullopt : record_name(text_at(name, "fqdn"), zone->name());
      if (!record) continue;
      const Json& addresses = name["ipAddresses"];
      Json values = Json::array();
      for (const Json& address : addresses) values.push_back({{"ipv4Address", address}});
      const std::string id = fmt::format("{}/A/{}", zone->id, *record);
      put_resource(core, id, std::string(kRecord),
                   {{"id", id},
                    {"name", *record},
                    {"type", kRecord},
                    {"etag", core.random().uuid()},
                    {"properties",
                     {{"metadata", {{"creator", fmt::format("created by private endpoint {}", endpoint->name())}}},
                      {"fqdn", fmt::format("{}.{}.", *record, zone->name())},
                      {"ttl", 10},
                      {"aRecords", values},
                      {"isAutoRegistered", false}}}});
      sets.push_back({{"recordType", "A"},
                      {"recordSetName", *record},
                      {"fqdn", fmt::format("{}.{}", *record, zone->name())},
                      {"ttl", 10},
                      {"ipAddresses", addresses},
                      {"provisioningState", "Succeeded"}});
    }
    configuration["properties"]["recordSets"] = std::move(sets);
  }
}

void remove_records(Core& core, const Resource& group) {
  for (const Json& configuration : group.properties().value("privateDnsZoneConfigs", Json::array()))
    for (const Json& set : list_in(configuration["properties"], "recordSets"))
      core.store().erase(
          fmt::format("{}/A/{}", text_at(configuration, "properties.privateDnsZoneId"), text_at(set, "recordSetName")));
}

std::optional<Answer> write_zone_group(Write& write) {
  if (auto refusal = check_references(write.core, write.next.id, write.next.body)) return refusal;
  if (write.existing != nullptr) remove_records(write.core, *write.existing);
  const std::string etag = fmt::format("W/\"{}\"", write.core.random().uuid());
  Json configurations = Json::array();
  for (const Json& sent : write.next.properties()["privateDnsZoneConfigs"])
    configurations.push_back({{"name", text_at(sent, "name")},
                              {"id", fmt::format("{}/privateDnsZoneConfigs/{}", write.next.id, text_at(sent, "name"))},
                              {"etag", etag},
                              {"type", fmt::format("{}/privateDnsZoneConfigs", kZoneGroup)},
                              {"properties",
                               {{"provisioningState", "Updating"},
                                {"privateDnsZoneId", text_at(sent, "properties.privateDnsZoneId")},
                                {"recordSets", Json::array()}}}});
  write.next.body = {{"name", write.path.name()},
                     {"id", write.next.id},
                     {"etag", etag},
                     {"type", kZoneGroup},
                     {"properties", {{"provisioningState", "Updating"}, {"privateDnsZoneConfigs", configurations}}}};
  return std::nullopt;
}

}  // namespace

void add_private_endpoints(Core& core) {
  using Kind = BodyCheck::Kind;
  constexpr std::string_view kReference = "privateEndpoints, REST reference";
  core.add_type({.type = std::string(kEndpoint),
                 .shapes = kNetworkShapes,
                 .checks = {{.path = "properties", .kind = Kind::object, .required = true, .rule = kReference},
                            {.path = "properties.subnet", .kind = Kind::object, .required = true, .rule = kReference},
                            {.path = "properties.subnet.id", .kind = Kind::text, .required = true, .rule = kReference},
                            {.path = "properties.privateLinkServiceConnections[].properties",
                             .kind = Kind::object,
                             .required = true,
                             .rule = kReference},
                            {.path = "properties.manualPrivateLinkServiceConnections[].properties",
                             .kind = Kind::object,
                             .required = true,
                             .rule = kReference},
                            {.path = "tags", .kind = Kind::object, .rule = "ARM-56"}},
                 .default_code = "InvalidRequestFormat",
                 .write = write_endpoint,
                 .finished = finish_endpoint,
                 .removed = forget_endpoint});
  core.add_type(
      {.type = std::string(kZoneGroup),
       .location = TypeBehaviour::Location::none,
       .checks =
           {{.path = "properties", .kind = Kind::object, .required = true, .rule = kReference},
            {.path = "properties.privateDnsZoneConfigs", .kind = Kind::list, .required = true, .rule = kReference},
            {.path = "properties.privateDnsZoneConfigs[].properties.privateDnsZoneId",
             .kind = Kind::text,
             .required = true,
             .rule = kReference}},
       .default_code = "InvalidRequestFormat",
       .write = write_zone_group,
       .finished = write_records,
       .removed = remove_records});
}

void add_private_link_targets(Core& core) {
  std::set<std::string_view> seen;
  for (const auto& target : kTargets) {
    if (core.find_type(target.type) == nullptr || !seen.insert(target.type).second ||
        core.find_type(connection_type(target.type)) != nullptr)
      continue;
    TypeBehaviour owner = *core.find_type(target.type);
    owner.show = [before = owner.show](Core& at, const Resource& resource, View view) {
      return with_connections(at, resource, before ? before(at, resource, view) : resource.body);
    };
    owner.actions["GET privateLinkResources"] = link_resources;
    core.add_type(std::move(owner));
    core.add_type({.type = connection_type(target.type),
                   .location = TypeBehaviour::Location::none,
                   .system_data = target.type == "Microsoft.ContainerRegistry/registries",
                   .write = write_connection,
                   .finished = finish_connection,
                   .removed = disconnect,
                   .show = show_connection});
  }
}

}  // namespace defang::emulator
