// Microsoft.Network: types that are stored and shown as their row says.
#include <fmt/format.h>

#include <array>

#include "emulator/providers/all.h"
#include "emulator/providers/plain_types.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

using Location = TypeBehaviour::Location;
using Etag = PlainType::Etag;
using Guid = PlainType::Guid;

constexpr std::string_view kSecurityGroup = R"({"properties": {"securityRules": [], "defaultSecurityRules": []}})";
constexpr std::string_view kSecurityRule = R"({"properties": {"sourcePortRanges": [], "destinationPortRanges": [],
  "sourceAddressPrefixes": [], "destinationAddressPrefixes": []}})";
constexpr std::string_view kPublicAddress = R"({"properties": {"publicIPAddressVersion": "IPv4",
  "publicIPAllocationMethod": "Dynamic", "idleTimeoutInMinutes": 4, "ipTags": []},
  "sku": {"name": "Basic", "tier": "Regional"}})";
constexpr std::string_view kPublicPrefix = R"({"properties": {"publicIPAddressVersion": "IPv4", "prefixLength": 28,
  "ipTags": []}, "sku": {"name": "Standard", "tier": "Regional"}})";
constexpr std::string_view kNatGateway =
    R"({"properties": {"idleTimeoutInMinutes": 4}, "sku": {"name": "Standard", "tier": "Regional"}})";
constexpr std::string_view kRouteTable = R"({"properties": {"disableBgpRoutePropagation": false, "routes": []}})";
constexpr std::string_view kRoute = R"({"properties": {"hasBgpOverride": false}})";
constexpr std::string_view kInterface = R"({"properties": {"ipConfigurations": [], "dnsSettings": {"dnsServers": [],
  "appliedDnsServers": []}, "enableAcceleratedNetworking": false, "vnetEncryptionSupported": false,
  "enableIPForwarding": false, "disableTcpStateTracking": false, "hostedWorkloads": [], "tapConfigurations": [],
  "nicType": "Standard", "allowPort25Out": true, "auxiliaryMode": "None", "auxiliarySku": "None"}})";
constexpr std::string_view kBalancer = R"({"properties": {"frontendIPConfigurations": [], "backendAddressPools": [],
  "loadBalancingRules": [], "probes": [], "inboundNatRules": [], "outboundRules": [], "inboundNatPools": []},
  "sku": {"name": "Basic", "tier": "Regional"}})";
constexpr std::string_view kBastion = R"({"properties": {"scaleUnits": 2}, "sku": {"name": "Basic"}})";
constexpr std::string_view kLinkService = R"({"properties": {"fqdns": [], "autoApproval": {"subscriptions": []},
  "visibility": {"subscriptions": []}, "enableProxyProtocol": false, "loadBalancerFrontendIpConfigurations": [],
  "ipConfigurations": [], "privateEndpointConnections": [], "networkInterfaces": []}})";
constexpr std::string_view kPeering = R"({"properties": {"peeringState": "Connected",
  "peeringSyncLevel": "FullyInSync", "allowVirtualNetworkAccess": true, "allowForwardedTraffic": false,
  "allowGatewayTransit": false, "useRemoteGateways": false, "doNotVerifyRemoteGateways": false}})";

// Bodies and codes: the REST reference of each type; public addresses, NAT gateways, load balancers, bastions and
// private link services also from recordings (Networking_NatGateway_CRUD, Network_v1api20220701_CreationAndDeletion).
constexpr auto kTypes = std::to_array<PlainType>({
    {.type = "Microsoft.Network/applicationSecurityGroups",
     .rule = "applicationSecurityGroups, REST reference",
     .shapes = kNetworkShapes,
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/bastionHosts",
     .rule = "bastionHosts, REST reference",
     .required = "properties.ipConfigurations",
     .defaults = kBastion,
     .parts = "ipConfigurations",
     .shapes = kNetworkShapes,
     .etag = Etag::weak},
    {.type = "Microsoft.Network/loadBalancers",
     .rule = "loadBalancers, REST reference",
     .defaults = kBalancer,
     .parts = "frontendIPConfigurations backendAddressPools loadBalancingRules probes inboundNatRules outboundRules "
              "inboundNatPools",
     .shapes = kNetworkShapes,
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/natGateways",
     .rule = "natGateways, REST reference",
     .required = "sku.name",
     .read_only = "properties.subnets",
     .defaults = kNatGateway,
     .shapes = kNetworkShapes,
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/networkInterfaces",
     .rule = "networkInterfaces, REST reference",
     .required = "properties.ipConfigurations",
     .read_only = "properties.macAddress properties.hostedWorkloads properties.privateEndpoint",
     .defaults = kInterface,
     .parts = "ipConfigurations",
     .shapes = kNetworkShapes,
     .in_use = "NicInUse",
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/networkSecurityGroups",
     .rule = "networkSecurityGroups, REST reference",
     .read_only = "properties.defaultSecurityRules properties.subnets properties.networkInterfaces",
     .defaults = kSecurityGroup,
     .parts = "securityRules",
     .shapes = kNetworkShapes,
     .in_use = "InUseNetworkSecurityGroupCannotBeDeleted",
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/networkSecurityGroups/securityRules",
     .rule = "securityRules, REST reference",
     .required = "properties.protocol properties.access properties.direction properties.priority",
     .defaults = kSecurityRule,
     .shapes = kNetworkShapes,
     .location = Location::none,
     .etag = Etag::weak},
    {.type = "Microsoft.Network/privateLinkServices",
     .rule = "privateLinkServices, REST reference",
     .required = "properties.ipConfigurations properties.loadBalancerFrontendIpConfigurations",
     .read_only = "properties.alias properties.privateEndpointConnections properties.networkInterfaces",
     .defaults = kLinkService,
     .parts = "ipConfigurations",
     .shapes = kNetworkShapes,
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/publicIPAddresses",
     .rule = "publicIPAddresses, REST reference",
     .read_only = "properties.ipAddress properties.ipConfiguration properties.natGateway",
     .defaults = kPublicAddress,
     .shapes = kNetworkShapes,
     .in_use = "PublicIPAddressCannotBeDeleted",
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/publicIPPrefixes",
     .rule = "publicIPPrefixes, REST reference",
     .read_only = "properties.ipPrefix",
     .defaults = kPublicPrefix,
     .shapes = kNetworkShapes,
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/routeTables",
     .rule = "routeTables, REST reference",
     .read_only = "properties.subnets",
     .defaults = kRouteTable,
     .parts = "routes",
     .shapes = kNetworkShapes,
     .in_use = "InUseRouteTableCannotBeDeleted",
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
    {.type = "Microsoft.Network/routeTables/routes",
     .rule = "routes, REST reference",
     .required = "properties.nextHopType",
     .defaults = kRoute,
     .shapes = kNetworkShapes,
     .location = Location::none,
     .etag = Etag::weak},
    {.type = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings",
     .rule = "virtualNetworkPeerings, REST reference",
     .required = "properties.remoteVirtualNetwork.id",
     .read_only = "properties.peeringState properties.peeringSyncLevel",
     .defaults = kPeering,
     .shapes = kNetworkShapes,
     .location = Location::none,
     .etag = Etag::weak,
     .guid = Guid::resource_guid},
});

/// The rules that every security group has ("Network security groups", default security rules).
struct DefaultRule {
  std::string_view name, description, protocol, source, destination, access;
  int priority;
  std::string_view direction;
};
constexpr auto kDefaultRules = std::to_array<DefaultRule>({
    {"AllowVnetInBound", "Allow inbound traffic from all VMs in VNET", "*", "VirtualNetwork", "VirtualNetwork", "Allow",
     65000, "Inbound"},
    {"AllowAzureLoadBalancerInBound", "Allow inbound traffic from azure load balancer", "*", "AzureLoadBalancer", "*",
     "Allow", 65001, "Inbound"},
    {"DenyAllInBound", "Deny all inbound traffic", "*", "*", "*", "Deny", 65500, "Inbound"},
    {"AllowVnetOutBound", "Allow outbound traffic from all VMs to all VMs in VNET", "*", "VirtualNetwork",
     "VirtualNetwork", "Allow", 65000, "Outbound"},
    {"AllowInternetOutBound", "Allow outbound traffic from all VMs to Internet", "*", "*", "Internet", "Allow", 65001,
     "Outbound"},
    {"DenyAllOutBound", "Deny all outbound traffic", "*", "*", "*", "Deny", 65500, "Outbound"},
});

std::optional<Answer> add_default_rules(Write& write) {
  Json rules = Json::array();
  for (const auto& rule : kDefaultRules)
    rules.push_back({{"name", rule.name},
                     {"id", fmt::format("{}/defaultSecurityRules/{}", write.next.id, rule.name)},
                     {"etag", write.next.body["etag"]},
                     {"type", "Microsoft.Network/networkSecurityGroups/defaultSecurityRules"},
                     {"properties",
                      {{"provisioningState", "Succeeded"},
                       {"description", rule.description},
                       {"protocol", rule.protocol},
                       {"sourcePortRange", "*"},
                       {"destinationPortRange", "*"},
                       {"sourceAddressPrefix", rule.source},
                       {"destinationAddressPrefix", rule.destination},
                       {"access", rule.access},
                       {"priority", rule.priority},
                       {"direction", rule.direction},
                       {"sourcePortRanges", Json::array()},
                       {"destinationPortRanges", Json::array()},
                       {"sourceAddressPrefixes", Json::array()},
                       {"destinationAddressPrefixes", Json::array()}}}});
  write.next.properties()["defaultSecurityRules"] = std::move(rules);
  return std::nullopt;
}

std::string some_address(Core& core) {
  const std::string bytes = core.random().bytes(3);
  const auto part = [&](int at) { return static_cast<unsigned>(static_cast<unsigned char>(bytes[at])) % 254 + 1; };
  return fmt::format("20.{}.{}.{}", part(0), part(1), part(2));
}

/// What was allocated once stays (a static address, a prefix, an interface's hardware address).
std::optional<Answer> keep_allocated(Write& write) {
  if (write.existing == nullptr) return std::nullopt;
  for (const char* name : {"ipAddress", "ipPrefix", "alias", "macAddress"})
    if (const Json* value = find_member(write.existing->properties(), name)) write.next.properties()[name] = *value;
  return std::nullopt;
}

/// A static address is there when the operation has ended; a dynamic one when something uses it.
void allocate_address(Core& core, Resource& address) {
  Json& properties = address.properties();
  if (text_at(properties, "publicIPAllocationMethod") == "Static" && !properties.contains("ipAddress"))
    properties["ipAddress"] = some_address(core);
  const std::string label = text_at(properties, "dnsSettings.domainNameLabel");
  if (!label.empty())
    properties["dnsSettings"]["fqdn"] = fmt::format("{}.{}.cloudapp.azure.com", label, address.location());
}

void allocate_prefix(Core& core, Resource& prefix) {
  if (!prefix.properties().contains("ipPrefix"))
    prefix.properties()["ipPrefix"] =
        fmt::format("{}/{}", some_address(core), integer_at(prefix.properties(), "prefixLength", 28));
}

void name_service(Core& core, Resource& service) {
  if (!service.properties().contains("alias"))
    service.properties()["alias"] =
        fmt::format("{}.{}.{}.azure.privatelinkservice", service.name(), core.random().uuid(), service.location());
}

PlainExtras extras_of(std::string_view type) {
  if (type.ends_with("/networkSecurityGroups")) return {.write = add_default_rules};
  if (type.ends_with("/publicIPAddresses")) return {.write = keep_allocated, .finished = allocate_address};
  if (type.ends_with("/publicIPPrefixes")) return {.write = keep_allocated, .finished = allocate_prefix};
  if (type.ends_with("/privateLinkServices")) return {.write = keep_allocated, .finished = name_service};
  return {};
}

}  // namespace

void add_network_types(Core& core) {
  for (const auto& row : kTypes) add_plain_type(core, row, extras_of(row.type));
}

}  // namespace defang::emulator
