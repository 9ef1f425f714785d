// Microsoft.Network/privateDnsZones with their links and record sets.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/providers/all.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kZone = "Microsoft.Network/privateDnsZones";
constexpr std::string_view kLink = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";

/// A failing condition is accepted, and then the operation fails (wire facts 1.16).
void check_condition(Write& write, const std::string& what) {
  const std::string match = write.request.headers.get("If-Match");
  const std::string none = write.request.headers.get("If-None-Match");
  const bool exists = write.existing != nullptr;
  const bool stale =
      !match.empty() && match != "*" &&
      (!exists || replace_all(text_at(write.existing->body, "etag"), "\"", "") != replace_all(match, "\"", ""));
  if (stale || (match == "*" && !exists))
    write.failure = {{"code", "PreconditionFailed"},
                     {"message", fmt::format("The {} {} has been modified (etag mismatch).", what, write.path.name())}};
  if (none == "*" && exists)
    write.failure = {{"code", "PreconditionFailed"},
                     {"message", fmt::format("The {} {} exists already and hence cannot be created again.", what,
                                             write.path.name())}};
}

std::size_t count_below(Core& core, const std::string& id, std::string_view type, bool registering) {
  return static_cast<std::size_t>(std::ranges::count_if(core.store().resources_below(id), [&](const Resource* below) {
    return equals_ignoring_case(below->type, type) &&
           (!registering || true_at(below->body, "properties.registrationEnabled"));
  }));
}

std::optional<Answer> write_zone(Write& write) {
  check_condition(write, "Zone");
  Json body = {{"id", write.next.id},
               {"name", to_lower(write.path.name())},
               {"type", kZone},
               {"etag", write.core.random().uuid()},
               {"location", "global"}};
  if (const Json* tags = find_member(write.next.body, "tags")) body["tags"] = *tags;
  body["properties"] = {{"provisioningState", "Succeeded"}};
  write.next.body = std::move(body);
  return std::nullopt;
}

std::size_t count_records(Core& core, const std::string& zone_id) {
  return static_cast<std::size_t>(std::ranges::count_if(core.store().resources_below(zone_id),
                                                        [&](const Resource* below) { return below->type != kLink; }));
}

Json show_zone(Core& core, const Resource& zone, View) {
  Json body = zone.body;
  body["properties"] = {{"maxNumberOfRecordSets", 25000},
                        {"maxNumberOfVirtualNetworkLinks", 1000},
                        {"maxNumberOfVirtualNetworkLinksWithRegistration", 100},
                        {"numberOfRecordSets", 1 + count_records(core, zone.id)},  // the SOA
                        {"numberOfVirtualNetworkLinks", count_below(core, zone.id, kLink, false)},
                        {"numberOfVirtualNetworkLinksWithRegistration", count_below(core, zone.id, kLink, true)},
                        {"provisioningState", zone.state()}};
  return body;
}

std::optional<Answer> remove_zone(const Context& context) {
  for (const Resource* below : context.core.store().resources_below(context.existing->id)) {
    if (below->type != kLink) continue;
    return arm_error(409, "CannotDeleteResource",
                     fmt::format("Cannot delete resource while nested resources exist. Some existing nested resource "
                                 "IDs include: '{}/{}/virtualNetworkLinks/{}'. Please "
                                 "delete all nested resources before deleting this resource.",
                                 kZone, context.existing->name(), below->name()));
  }
  return std::nullopt;
}

std::optional<Answer> write_link(Write& write) {
  check_condition(write, "Virtual network link");
  Core& core = write.core;
  const std::string network = text_at(write.next.body, "properties.virtualNetwork.id");
  if (core.store().find(network) == nullptr)
    return arm_error(400, "BadRequest", fmt::format("The Virtual Network resource '{}' could not be found.", network));
  for (const Resource* other : core.store().resources_of_type(kLink)) {
    const bool same_zone_name = equals_ignoring_case(parse_arm_id(other->id)->names[0], write.path.names[0]);
    const bool same_network = equals_ignoring_case(text_at(other->body, "properties.virtualNetwork.id"), network);
    if (same_zone_name && same_network && !equals_ignoring_case(other->id, write.next.id))  // NET-7
      return arm_error(409, "Conflict",
                       fmt::format("A virtual network cannot be linked to multiple zones with overlapping namespaces. "
                                   "You tried to link virtual network with '{}' and '{}' zones.",
                                   write.path.names[0], write.path.names[0]));
  }
  Json body = {{"id", write.next.id},
               {"name", write.path.name()},
               {"type", kLink},
               {"etag", fmt::format("\"{}\"", core.random().uuid())},
               {"location", "global"}};
  if (const Json* tags = find_member(write.next.body, "tags")) body["tags"] = *tags;
  body["properties"] = {{"provisioningState", "Succeeded"},
                        {"registrationEnabled", true_at(write.next.body, "properties.registrationEnabled")},
                        {"virtualNetwork", {{"id", network}}},
                        {"virtualNetworkLinkState", "Completed"}};
  write.next.body = std::move(body);
  return std::nullopt;
}

// --- records
// ------------------------------------------------------------------------------------------------------------

struct RecordType {
  std::string_view name;
  std::string_view member;  // of properties
  bool list;
};
constexpr auto kRecords = std::to_array<RecordType>({
    {"A", "aRecords", true},
    {"AAAA", "aaaaRecords", true},
    {"CNAME", "cnameRecord", false},
    {"MX", "mxRecords", true},
    {"PTR", "ptrRecords", true},
    {"SRV", "srvRecords", true},
    {"TXT", "txtRecords", true},
});

std::optional<Answer> write_record(Write& write, const RecordType& record) {
  const std::string match = write.request.headers.get("If-None-Match");
  if (match == "*" && write.existing != nullptr)
    return arm_error(
        412, "PreconditionFailed",
        fmt::format("The Record set {} exists already and hence cannot be created again.", write.path.name()));
  const Json sent = write.next.properties();
  Json properties = Json::object();
  if (const Json* metadata = find_member(sent, "metadata")) properties["metadata"] = *metadata;
  properties["fqdn"] = fmt::format("{}.{}.", write.path.name(), write.path.names[0]);
  properties["ttl"] = integer_at(sent, "ttl", 3600);
  const Json* value = find_member(sent, record.member);
  if (value != nullptr)
    properties[record.member] = *value;
  else if (record.list)
    properties[record.member] = Json::array();
  properties["isAutoRegistered"] = false;
  write.next.body = {{"id", write.next.id},
                     {"name", write.path.name()},
                     {"type", fmt::format("{}/{}", kZone, record.name)},
                     {"etag", write.core.random().uuid()},
                     {"properties", properties}};
  return std::nullopt;
}

}  // namespace

void add_private_dns(Core& core) {
  using Kind = BodyCheck::Kind;
  core.add_type({.type = std::string(kZone),
                 .location = TypeBehaviour::Location::global,
                 .write = write_zone,
                 .remove = remove_zone,
                 .show = show_zone});
  core.add_type(
      {.type = std::string(kLink),
       .location = TypeBehaviour::Location::global,
       .checks = {{.path = "properties.virtualNetwork.id", .kind = Kind::text, .required = true, .rule = "NET-5"},
                  {.path = "properties.registrationEnabled", .kind = Kind::boolean, .rule = "NET-5"}},
       .default_code = "BadRequest",
       .write = write_link});
  for (const RecordType& record : kRecords)
    core.add_type({.type = fmt::format("{}/{}", kZone, record.name),
                   .location = TypeBehaviour::Location::none,
                   .no_state = true,
                   .checks = {{.path = "properties.ttl", .kind = Kind::integer, .rule = "record sets, REST reference"}},
                   .default_code = "BadRequest",
                   .write = [&record](Write& write) { return write_record(write, record); }});
}

}  // namespace defang::emulator
