#include "providers/network.h"

#include "support/text.h"

namespace defang::providers {

using graph::Value;

namespace {
constexpr std::string_view kNetworkType = "Microsoft.Network/virtualNetworks";
constexpr std::string_view kSubnetType = "Microsoft.Network/virtualNetworks/subnets";
// CA-3: 498 usable addresses, enough for some 5,000 replicas.
constexpr std::string_view kAppsPrefix = "/23";
constexpr std::string_view kZoneType = "Microsoft.Network/privateDnsZones";
constexpr std::string_view kZoneLinkType = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";
constexpr std::string_view kEndpointType = "Microsoft.Network/privateEndpoints";
constexpr std::string_view kZoneGroupType = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups";
// NET-2: after the apps' two blocks of 256 addresses.
constexpr unsigned kPostgresBlock = 2, kEndpointsBlock = 3, kMysqlBlock = 4;

/// "10.0.0.0/16", 2 -> "10.0.2.0/24"
std::string block(const std::string& vnet_range, unsigned number) {
  auto bytes = split(vnet_range.substr(0, vnet_range.find('/')), '.');
  bytes.resize(4, "0");
  const auto sum = to_number(bytes[2]).value_or(0) + number;
  const auto carried = to_number(bytes[1]).value_or(0) + sum / 256;
  return bytes[0] + "." + std::to_string(carried) + "." + std::to_string(sum % 256) + ".0/24";
}

Value::Map delegation(std::string_view name, std::string_view service) {
  return {{"name", name}, {"properties", Value::Map{{"serviceName", service}}}};
}

graph::Resource subnet(const StackScope& scope, std::string_view node, std::string_view name, unsigned number,
                       const std::string& after, Value::Member setting) {
  auto made = make_resource(
      scope, node, kSubnetType, scope.name_for(kNetworkType) + "/" + std::string(name),
      Value::Map{{"properties", Value::Map{{"addressPrefix", block(scope.vnet_range, number)}, std::move(setting)}}});
  made.because = "managed services have addresses in it";
  made.retention = graph::Retention::shared;
  made.after.push_back({std::string(kNetwork), ""});
  made.after.push_back({after, "subnets are written one after another"});
  return made;
}
}  // namespace

std::string apps_range(const std::string& vnet_range) {
  return vnet_range.substr(0, vnet_range.find('/')) + std::string(kAppsPrefix);
}

std::vector<graph::Resource> network(const StackScope& scope, const NetworkNeeds& needs) {
  const auto name = scope.name_for(kNetworkType);
  auto vnet = make_resource(
      scope, kNetwork, kNetworkType, name,
      Value::Map{{"properties",
                  Value::Map{{"addressSpace", Value::Map{{"addressPrefixes", Value::List{scope.vnet_range}}}}}}});
  vnet.because = "every stack has its own network";
  vnet.retention = graph::Retention::shared;

  // CA-2: an environment with workload profiles wants a subnet of its own, delegated to it.
  Value::Map properties = {{"addressPrefix", apps_range(scope.vnet_range)},
                           {"delegations", Value::List{delegation("container-apps", "Microsoft.App/environments")}}};
  if (needs.storage_from_apps)
    properties.emplace_back("serviceEndpoints", Value::List{Value::Map{{"service", "Microsoft.Storage"}}});
  auto apps =
      make_resource(scope, kAppsSubnet, kSubnetType, name + "/apps", Value::Map{{"properties", std::move(properties)}});
  apps.because = "the environment runs in it";
  apps.retention = graph::Retention::shared;
  apps.after.push_back({std::string(kNetwork), ""});
  std::vector<graph::Resource> resources = {std::move(vnet), std::move(apps)};
  // NET-1: one subnet is written after the other.
  if (needs.postgres)
    resources.push_back(
        subnet(scope, kPostgresSubnet, "postgres", kPostgresBlock, resources.back().id,
               {"delegations", Value::List{delegation("postgres", "Microsoft.DBforPostgreSQL/flexibleServers")}}));
  if (needs.mysql)
    resources.push_back(
        subnet(scope, kMysqlSubnet, "mysql", kMysqlBlock, resources.back().id,
               {"delegations", Value::List{delegation("mysql", "Microsoft.DBforMySQL/flexibleServers")}}));
  if (needs.private_endpoints)
    resources.push_back(subnet(scope, kEndpointsSubnet, "endpoints", kEndpointsBlock, resources.back().id,
                               {"privateEndpointNetworkPolicies", "Disabled"}));
  return resources;
}

std::string private_zone_node(const std::string& zone) { return "dns/" + zone + "/link"; }

std::vector<graph::Resource> private_zone(const StackScope& scope, const std::string& zone) {
  const auto node = "dns/" + zone;
  auto made = make_resource(scope, node, kZoneType, zone, Value::Map{{"location", "global"}});  // ARM-132
  made.because = "names of managed services are resolved there";
  made.retention = graph::Retention::shared;
  auto link =
      make_resource(scope, private_zone_node(zone), kZoneLinkType, zone + "/" + scope.name_for(kNetworkType),
                    Value::Map{{"location", "global"},
                               {"properties", Value::Map{{"registrationEnabled", false},
                                                         {"virtualNetwork", Value::Map{{"id", id_of(kNetwork)}}}}}});
  link.because = "the stack's network resolves them";
  link.retention = graph::Retention::shared;
  link.after.push_back({node, ""});
  return {std::move(made), std::move(link)};
}

std::vector<graph::Resource> private_endpoint(const StackScope& scope, const PrivateEndpoint& endpoint) {
  const auto node = "endpoint/" + endpoint.name;
  const auto name = scope.name_for(kEndpointType, endpoint.name);
  auto door = make_resource(
      scope, node, kEndpointType, name,
      Value::Map{
          {"properties", Value::Map{{"subnet", Value::Map{{"id", id_of(kEndpointsSubnet)}}},
                                    {"privateLinkServiceConnections",
                                     Value::List{Value::Map{
                                         {"name", endpoint.group},
                                         {"properties", Value::Map{{"privateLinkServiceId", id_of(endpoint.resource)},
                                                                   {"groupIds", Value::List{endpoint.group}}}}}}}}}},
      endpoint.name);
  door.because = "apps reach `" + endpoint.name + "` inside of the network only";
  Value::List configs;
  for (const auto& zone : endpoint.zones)
    configs.push_back(Value::Map{{"name", replace_all(zone, ".", "-")},
                                 {"properties", Value::Map{{"privateDnsZoneId", id_of("dns/" + zone)}}}});
  auto names = make_resource(scope, node + "/names", kZoneGroupType, name + "/default",
                             Value::Map{{"properties", Value::Map{{"privateDnsZoneConfigs", std::move(configs)}}}},
                             endpoint.name);
  names.because = "its name leads to that door";
  names.after.push_back({node, ""});
  for (const auto& zone : endpoint.zones)
    names.after.push_back({private_zone_node(zone), "the network must resolve it"});
  return {std::move(door), std::move(names)};
}

}  // namespace defang::providers
