// Microsoft.Network/dnsZones with their record sets.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/providers/all.h"
#include "emulator/providers/public_names.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kZone = "Microsoft.Network/dnsZones";
// Ids and types of record sets have another casing than the zone's (containerapp_custom_domains_e2e).
constexpr std::string_view kShownZone = "Microsoft.Network/dnszones";

struct RecordType {
  std::string_view name;
  std::string_view member;  // of properties
};
constexpr auto kRecords = std::to_array<RecordType>({
    {"A", "ARecords"},
    {"AAAA", "AAAARecords"},
    {"CAA", "caaRecords"},
    {"CNAME", "CNAMERecord"},
    {"MX", "MXRecords"},
    {"NS", "NSRecords"},
    {"PTR", "PTRRecords"},
    {"SOA", "SOARecord"},
    {"SRV", "SRVRecords"},
    {"TXT", "TXTRecords"},
});

Json name_servers() {
  Json servers = Json::array();
  for (const std::string& name : azure_name_servers()) servers.push_back(name + ".");
  return servers;
}

void put_record(Core& core, const Resource& zone, const RecordType& record, Json value) {
  const std::string id = fmt::format("{}/{}/@", zone.id, record.name);
  if (core.store().find(id) != nullptr) return;
  put_resource(core, id, fmt::format("{}/{}", kZone, record.name),
               {{"id", id},
                {"name", "@"},
                {"type", fmt::format("{}/{}", kShownZone, record.name)},
                {"etag", core.random().uuid()},
                {"properties",
                 {{"fqdn", zone.name() + "."},
                  {"TTL", record.name == "SOA" ? 3600 : 172800},
                  {record.member, std::move(value)},
                  {"targetResource", Json::object()},
                  {"provisioningState", "Succeeded"}}}});
}

/// Every zone has its name servers and its start of authority ("Overview of DNS zones and records").
void add_own_records(Core& core, Resource& zone) {
  Json servers = Json::array();
  for (const Json& name : name_servers()) servers.push_back({{"nsdname", name}});
  for (const auto& record : kRecords) {
    if (record.name == "NS") put_record(core, zone, record, servers);
    if (record.name == "SOA")
      put_record(core, zone, record,
                 {{"email", "azuredns-hostmaster.microsoft.com"},
                  {"expireTime", 2419200},
                  {"host", name_servers()[0]},
                  {"minimumTTL", 300},
                  {"refreshTime", 3600},
                  {"retryTime", 300},
                  {"serialNumber", 1}});
  }
}

std::optional<Answer> refuse_condition(const Write& write, std::string_view what) {
  const std::string match = write.request.headers.get("If-Match");
  const bool exists = write.existing != nullptr;
  const bool stale = !match.empty() && (!exists || (match != "*" && text_at(write.existing->body, "etag") != match));
  if (!stale && !(write.request.headers.get("If-None-Match") == "*" && exists)) return std::nullopt;
  return json_answer(
      412, {{"code", "PreconditionFailed"},
            {"message", stale ? fmt::format("The {} {} has been modified (etag mismatch).", what, write.path.name())
                              : fmt::format("The {} {} exists already and hence cannot be created "
                                            "again.",
                                            what, write.path.name())}});
}

std::optional<Answer> write_zone(Write& write) {
  if (auto refusal = refuse_condition(write, "Zone")) return refusal;
  Json body = {{"id", write.next.id},
               {"name", to_lower(write.path.name())},
               {"type", kZone},
               {"etag", write.core.random().uuid()},
               {"location", "global"}};
  const Json* tags = find_member(write.next.body, "tags");
  body["tags"] = tags == nullptr ? Json::object() : *tags;
  body["properties"] = {{"maxNumberOfRecordSets", 10000}, {"nameServers", name_servers()}, {"zoneType", "Public"}};
  write.next.body = std::move(body);
  return std::nullopt;
}

Json show_zone(Core& core, const Resource& zone, View) {
  Json body = zone.body;
  std::size_t records = 0;
  for (const Resource* below : core.store().resources_below(zone.id)) records += below->type.starts_with(kZone);
  body["properties"]["numberOfRecordSets"] = std::max<std::size_t>(records, 2);
  return body;
}

std::optional<Answer> write_record(Write& write, const RecordType& record) {
  if (auto refusal = refuse_condition(write, "Record set")) return refusal;
  const Json sent = write.next.properties();
  Json properties = Json::object();
  if (const Json* metadata = find_member(sent, "metadata")) properties["metadata"] = *metadata;
  const std::string zone = write.path.names[0];
  properties["fqdn"] = write.path.name() == "@" ? zone + "." : fmt::format("{}.{}.", write.path.name(), zone);
  properties["TTL"] = integer_at(sent, "TTL", 3600);
  if (const Json* value = find_member(sent, record.member)) properties[record.member] = *value;
  const Json* target = find_member(sent, "targetResource");
  properties["targetResource"] = target == nullptr ? Json::object() : *target;
  properties["trafficManagementProfile"] = Json::object();
  properties["provisioningState"] = "Succeeded";
  write.next.body = {{"id", replace_all(write.next.id, kZone, kShownZone)},
                     {"name", write.path.name()},
                     {"type", fmt::format("{}/{}", kShownZone, record.name)},
                     {"etag", write.core.random().uuid()},
                     {"properties", std::move(properties)}};
  return std::nullopt;
}

/// Without the usual "error" around it (containerapp_custom_domains_e2e).
Answer record_not_found(const Context& context) {
  return json_answer(
      404, {{"code", "NotFound"},
            {"message", fmt::format("The resource record '{}' does not exist in resource group '{}' of subscription "
                                    "'{}'.",
                                    context.path.name(), context.path.group, context.path.subscription)}});
}

std::optional<Answer> keep_own_records(const Context& context) {
  const std::string& type = context.path.types.back();
  if (context.path.name() != "@" || (!equals_ignoring_case(type, "NS") && !equals_ignoring_case(type, "SOA")))
    return std::nullopt;
  return arm_error(400, "BadRequest",
                   fmt::format("RecordSets of type '{}' cannot be deleted from the root of a zone.", to_upper(type)));
}

}  // namespace

void add_public_dns(Core& core) {
  core.add_type({.type = std::string(kZone),
                 .location = TypeBehaviour::Location::global,
                 .no_state = true,
                 .default_code = "BadRequest",
                 .write = write_zone,
                 .finished = add_own_records,
                 .show = show_zone});
  for (const RecordType& record : kRecords)
    core.add_type({.type = fmt::format("{}/{}", kZone, record.name),
                   .location = TypeBehaviour::Location::none,
                   .no_state = true,
                   .checks = {{.path = "properties.TTL",
                               .kind = BodyCheck::Kind::integer,
                               .rule = "record sets, REST reference"}},
                   .default_code = "BadRequest",
                   .write = [&record](Write& write) { return write_record(write, record); },
                   .remove = keep_own_records,
                   .not_found = record_not_found});
}

}  // namespace defang::emulator
