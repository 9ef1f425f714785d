// Microsoft.Network: virtual networks and their subnets. Names inside them are in private_dns.cc.
#include "emulator/providers/network.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/providers/all.h"
#include "emulator/providers/plain_types.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kNetwork = "Microsoft.Network/virtualNetworks";
constexpr std::string_view kSubnet = "Microsoft.Network/virtualNetworks/subnets";
constexpr std::string_view kPeering = "Microsoft.Network/virtualNetworks/virtualNetworkPeerings";

std::string etag(Core& core) { return fmt::format("W/\"{}\"", core.random().uuid()); }

// --- subnets
// ------------------------------------------------------------------------------------------------------------

Json delegations_of(const std::string& subnet_id, const Json& sent, const std::string& tag) {
  Json shown = Json::array();
  const Json* list = find_member(sent, "delegations");
  if (list == nullptr) return shown;
  for (const Json& delegation : *list) {
    const std::string name = text_at(delegation, "name");
    shown.push_back({{"name", name},
                     {"id", fmt::format("{}/delegations/{}", subnet_id, name)},
                     {"etag", tag},
                     {"properties",
                      {{"provisioningState", "Succeeded"},
                       {"serviceName", text_at(delegation, "properties.serviceName")},
                       {"actions", Json::array({"Microsoft.Network/virtualNetworks/subnets/join/action"})}}},
                     {"type", "Microsoft.Network/virtualNetworks/subnets/delegations"}});
  }
  return shown;
}

Json subnet_body(Core& core, const std::string& id, const Json& sent, std::string_view state) {
  const std::string tag = etag(core);
  Json properties = {{"provisioningState", state}};
  for (const char* name : {"addressPrefix", "addressPrefixes", "networkSecurityGroup", "routeTable", "natGateway"})
    if (const Json* value = find_member(sent, name)) properties[name] = *value;
  if (const Json* endpoints = find_member(sent, "serviceEndpoints")) {
    properties["serviceEndpoints"] = Json::array();
    for (const Json& endpoint : *endpoints)
      properties["serviceEndpoints"].push_back({{"provisioningState", "Succeeded"},
                                                {"service", text_at(endpoint, "service")},
                                                {"locations", endpoint.value("locations", Json::array({"*"}))}});
  }
  properties["delegations"] = delegations_of(id, sent, tag);
  const auto policy = [&](const char* name, const char* otherwise) {
    const std::string wanted = text_at(sent, name);
    properties[name] = wanted.empty() ? otherwise : wanted;
  };
  policy("privateEndpointNetworkPolicies", "Disabled");
  policy("privateLinkServiceNetworkPolicies", "Enabled");
  if (const Json* outbound = find_member(sent, "defaultOutboundAccess"))
    properties["defaultOutboundAccess"] = *outbound;
  return {
      {"name", id.substr(id.rfind('/') + 1)}, {"id", id}, {"etag", tag}, {"properties", properties}, {"type", kSubnet}};
}

Answer network_error(int status, std::string_view code, std::string_view message) {
  return json_answer(status, {{"error", {{"code", code}, {"message", message}, {"details", Json::array()}}}});
}

std::string prefix_of(const Json& properties) {
  const std::string one = text_at(properties, "addressPrefix");
  if (!one.empty()) return one;
  const Json* list = find_member(properties, "addressPrefixes");
  return list != nullptr && list->is_array() && !list->empty() && (*list)[0].is_string() ? (*list)[0].get<std::string>()
                                                                                         : "";
}

std::optional<Answer> check_prefix(Core& core, const Resource& network, const std::string& subnet_id,
                                   const Json& sent) {
  const std::string name = subnet_id.substr(subnet_id.rfind('/') + 1);
  const auto range = parse_range(prefix_of(sent));
  if (!range)
    return network_error(
        400, "InvalidCIDRNotation",
        fmt::format("The address prefix {} in resource {} has an invalid CIDR notation.", prefix_of(sent), subnet_id));
  bool inside = false;
  if (const Json* spaces = find_path(network.body, "properties.addressSpace.addressPrefixes"))
    for (const Json& space : *spaces)
      if (const auto outer = parse_range(space.is_string() ? space.get<std::string>() : ""))
        inside = inside || outer->contains(*range);
  if (!inside)
    return network_error(400, "NetcfgInvalidSubnet",
                         fmt::format("Subnet '{}' is not valid in virtual network '{}'.", name, network.name()));
  for (const Resource* other : core.store().resources_below(network.id)) {
    if (other->type != kSubnet || equals_ignoring_case(other->id, subnet_id)) continue;
    const auto taken = parse_range(prefix_of(other->properties()));
    if (taken && taken->overlaps(*range))
      return network_error(400, "NetcfgSubnetRangesOverlap",
                           fmt::format("Subnet '{}' is not valid because its IP address range overlaps with that of an "
                                       "existing subnet in virtual network '{}'.",
                                       name, network.name()));
  }
  return std::nullopt;
}

/// Writes in one network go one after another (NET-1).
std::optional<Answer> refuse_while_busy(Core& core, const Request& request, const std::string& network_id) {
  std::vector<const Resource*> all = core.store().resources_below(network_id);
  if (const Resource* network = core.store().find(network_id)) all.push_back(network);
  for (const Resource* resource : all) {
    const std::string operation = text_at(resource->hidden, "operation");
    if (operation.empty() || !core.operation_running(operation)) continue;
    return network_error(
        409, "AnotherOperationInProgress",
        fmt::format("Another operation on this or dependent resource is in progress. To retrieve status of the "
                    "operation use uri: "
                    "{}/subscriptions/{}/providers/Microsoft.Network/locations/{}/operations/{}?api-version={}.",
                    request.base_url, core.subscription(),
                    resource->location().empty() ? "global" : resource->location(), operation,
                    request.query_value("api-version")));
  }
  return std::nullopt;
}

std::optional<Answer> refuse_in_use(Core& core, const std::string& subnet_id) {
  const auto users = users_of(core, subnet_id);
  if (users.empty()) return std::nullopt;
  return network_error(400, "InUseSubnetCannotBeDeleted",
                       fmt::format("Subnet {} is in use by {} and cannot be deleted. In order to delete the subnet, "
                                   "delete all the resources within the subnet. See "
                                   "aka.ms/deletesubnet.",
                                   subnet_id.substr(subnet_id.rfind('/') + 1), users.front()));
}

/// A change of what Azure has to carry out: then the answer is `Updating`.
bool changes_subnet(const Json& before, const Json& after) {
  return std::ranges::any_of(
      std::to_array<std::string_view>({"delegations", "serviceEndpoints", "networkSecurityGroup", "routeTable",
                                       "natGateway", "addressPrefix", "addressPrefixes"}),
      [&](std::string_view name) {
        const auto text = [&](const Json& properties) {
          const Json* value = find_member(properties, name);
          Json list = value == nullptr ? Json() : *value;
          if (list.is_array())
            for (Json& element : list)
              if (element.is_object()) element.erase("etag");
          return list.empty() ? std::string() : dump(list);
        };
        return text(before) != text(after);
      });
}

std::optional<Answer> write_subnet(Write& write) {
  Core& core = write.core;
  const std::string network_id = write.path.parent_id();
  const Resource* network = core.store().find(network_id);
  if (auto refusal = refuse_while_busy(core, write.request, network_id)) return refusal;
  Json sent = write.next.properties();
  if (auto refusal = check_prefix(core, *network, write.next.id, sent)) return refusal;
  if (write.existing != nullptr) {
    const bool moved = prefix_of(write.existing->properties()) != prefix_of(sent);
    const auto users = users_of(core, write.next.id);
    if (moved && !users.empty())
      return network_error(400, "InUsePrefixCannotBeDeleted",
                           fmt::format("IpPrefix {} on Subnet {} has active allocations and cannot be deleted.",
                                       prefix_of(write.existing->properties()), write.path.name()));
    const bool undelegated =
        !write.existing->properties().value("delegations", Json::array()).empty() && !sent.contains("delegations");
    if (undelegated && !users.empty())
      return network_error(
          400, "SubnetMissingRequiredDelegation",
          fmt::format("Delegations of subnet {} cannot be removed while {} uses it.", write.next.id, users.front()));
  }
  write.next.body = subnet_body(core, write.next.id, sent, "Succeeded");
  if (write.existing != nullptr && changes_subnet(write.existing->properties(), write.next.properties()))
    write.shape_method = "PUT change";
  return std::nullopt;
}

std::optional<Answer> remove_subnet(const Context& context) {
  if (auto refusal = refuse_while_busy(context.core, context.request, context.path.parent_id())) return refusal;
  return refuse_in_use(context.core, context.existing->id);
}

// --- networks
// -----------------------------------------------------------------------------------------------------------

const Json* subnets_sent(const Json& properties) {
  const Json* list = find_member(properties, "subnets");
  return list != nullptr && list->is_array() ? list : nullptr;
}

bool is_sent(const Json* subnets, const std::string& name) {
  return subnets != nullptr && std::ranges::any_of(*subnets, [&](const Json& subnet) {
           return equals_ignoring_case(text_at(subnet, "name"), name);
         });
}

/// A network's PUT replaces its subnets: those that it leaves out are deleted, unless something uses them (NET-1).
std::optional<Answer> drop_missing_subnets(Write& write, const Json* sent) {
  std::vector<std::string> gone;
  for (const Resource* subnet : write.core.store().resources_below(write.next.id)) {
    if (subnet->type != kSubnet || is_sent(sent, subnet->name())) continue;
    if (auto refusal = refuse_in_use(write.core, subnet->id)) return refusal;
    gone.push_back(subnet->id);
  }
  for (const auto& id : gone) write.core.store().erase(id);
  return std::nullopt;
}

std::optional<Answer> write_network(Write& write) {
  Core& core = write.core;
  if (auto refusal = refuse_while_busy(core, write.request, write.next.id)) return refusal;
  const Json sent = write.next.properties();
  const Json* spaces = find_path(sent, "addressSpace.addressPrefixes");
  for (const Json& space : *spaces)
    if (!space.is_string() || !parse_range(space.get<std::string>()))
      return network_error(
          400, "InvalidAddressPrefixFormat",
          fmt::format("Address prefix {} of resource {} is not formatted correctly.", dump(space), write.next.id));
  const std::string guid =
      write.existing == nullptr ? core.random().uuid() : text_at(write.existing->body, "properties.resourceGuid");
  Json body = {{"name", write.path.name()},
               {"id", write.next.id},
               {"etag", etag(core)},
               {"type", kNetwork},
               {"location", to_lower(replace_all(text_at(write.next.body, "location"), " ", ""))}};
  if (const Json* tags = find_member(write.next.body, "tags")) body["tags"] = *tags;
  body["properties"] = {
      {"provisioningState", "Succeeded"}, {"resourceGuid", guid}, {"addressSpace", {{"addressPrefixes", *spaces}}}};
  for (const char* name : {"dhcpOptions", "flowTimeoutInMinutes", "encryption"})
    if (const Json* value = find_member(sent, name)) body["properties"][name] = *value;
  body["properties"]["virtualNetworkPeerings"] = Json::array();
  body["properties"]["enableDdosProtection"] = true_at(sent, "enableDdosProtection");
  const Json* subnets = subnets_sent(sent);
  write.next.body = body;
  if (!write.patch)
    if (auto refusal = drop_missing_subnets(write, subnets)) return refusal;
  if (subnets == nullptr) return std::nullopt;
  for (const Json& subnet : *subnets) {
    const std::string id = fmt::format("{}/subnets/{}", write.next.id, text_at(subnet, "name"));
    const Json properties = subnet.value("properties", Json::object());
    if (auto refusal = check_prefix(core, write.next, id, properties)) return refusal;
    put_resource(core, id, std::string(kSubnet), subnet_body(core, id, properties, "Succeeded"));
  }
  return std::nullopt;
}

Json show_network(Core& core, const Resource& network, View) {
  Json body = network.body;
  Json subnets = Json::array(), peerings = Json::array();
  for (const Resource* subnet : core.store().resources_below(network.id)) {
    if (subnet->type == kPeering) peerings.push_back(subnet->body);
    if (subnet->type != kSubnet) continue;
    subnets.push_back(subnet->body);
    if (network.state() != "Succeeded") subnets.back()["properties"]["provisioningState"] = network.state();
  }
  // Where Azure shows them: before the peerings.
  Json properties = Json::object();
  for (const auto& [name, value] : body["properties"].items()) {
    if (name == "virtualNetworkPeerings") properties["subnets"] = subnets;
    properties[name] = value;
  }
  properties["virtualNetworkPeerings"] = std::move(peerings);
  body["properties"] = properties;
  return body;
}

std::optional<Answer> remove_network(const Context& context) {
  if (auto refusal = refuse_while_busy(context.core, context.request, context.existing->id)) return refusal;
  for (const Resource* subnet : context.core.store().resources_below(context.existing->id))
    if (auto refusal = refuse_in_use(context.core, subnet->id)) return refusal;
  return std::nullopt;
}

}  // namespace

bool AddressRange::contains(const AddressRange& other) const {
  const std::uint32_t mask = length == 0 ? 0 : ~std::uint32_t{0} << (32 - length);
  return other.length >= length && (other.address & mask) == (address & mask);
}

std::optional<AddressRange> parse_range(std::string_view text) {
  const auto slash = text.find('/');
  const auto length = slash == std::string_view::npos ? std::nullopt : to_number(text.substr(slash + 1));
  const auto parts = split(text.substr(0, slash), '.');
  if (!length || *length > 32 || parts.size() != 4) return std::nullopt;
  AddressRange range{.address = 0, .length = static_cast<unsigned>(*length)};
  for (const auto& part : parts) {
    const auto number = to_number(part);
    if (!number || *number > 255) return std::nullopt;
    range.address = range.address << 8 | static_cast<std::uint32_t>(*number);
  }
  return range;
}

void add_network(Core& core) {
  using Kind = BodyCheck::Kind;
  core.add_type(
      {.type = std::string(kNetwork),
       .checks =
           {{.path = "properties", .kind = Kind::object, .required = true, .rule = "virtualNetworks, REST reference"},
            {.path = "properties.addressSpace", .kind = Kind::object, .required = true, .rule = "NET-2"},
            {.path = "properties.addressSpace.addressPrefixes", .kind = Kind::list, .required = true, .rule = "NET-2"},
            {.path = "properties.subnets", .kind = Kind::list, .rule = "NET-1"},
            {.path = "properties.subnets[].name",
             .kind = Kind::text,
             .required = true,
             .min = 1,
             .max = 80,
             .rule = "ARM-91"},
            {.path = "tags", .kind = Kind::object, .rule = "ARM-56"}},
       .default_code = "InvalidRequestFormat",
       .write = write_network,
       .remove = remove_network,
       .show = show_network});
  core.add_type(
      {.type = std::string(kSubnet),
       .location = TypeBehaviour::Location::none,
       .checks = {{.path = "properties", .kind = Kind::object, .required = true, .rule = "subnets, REST reference"},
                  {.path = "properties.delegations", .kind = Kind::list, .rule = "CA-2"},
                  {.path = "properties.delegations[].name", .kind = Kind::text, .required = true, .rule = "CA-2"},
                  {.path = "properties.delegations[].properties.serviceName",
                   .kind = Kind::text,
                   .required = true,
                   .rule = "CA-2"},
                  {.path = "properties.privateEndpointNetworkPolicies",
                   .kind = Kind::text,
                   .values = "Enabled|Disabled|NetworkSecurityGroupEnabled|RouteTableEnabled",
                   .rule = "NET-2"}},
       .default_code = "InvalidRequestFormat",
       .write = write_subnet,
       .remove = remove_subnet});
}

}  // namespace defang::emulator
