#include "emulator/providers/public_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/providers/all.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kZoneType = "Microsoft.Network/dnsZones";
constexpr std::string_view kHandedOver = "dns-zones";  // documents: zone -> {"records": [...]}
constexpr std::string_view kOtherServer = "ns1.emulator.test";
// Names of Azure's come and go with what they name.
constexpr std::uint32_t kAzureSeconds = 30;

const Json& list_at(const Json& object, std::string_view name) {
  static const Json kEmpty = Json::array();
  const Json* found = find_member(object, name);
  return found != nullptr && found->is_array() ? *found : kEmpty;
}

std::string plain(std::string name) {
  name = to_lower(name);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

/// How a record set of Azure's holds the data of a type: a list of objects or one object, and the members in order.
struct Holder {
  std::string_view type, member;
  std::vector<std::string_view> fields;
};
const std::vector<Holder>& holders() {
  static const std::vector<Holder> kHolders = {
      {"A", "ARecords", {"ipv4Address"}},
      {"AAAA", "AAAARecords", {"ipv6Address"}},
      {"CAA", "caaRecords", {"flags", "tag", "value"}},
      {"CNAME", "CNAMERecord", {"cname"}},
      {"MX", "MXRecords", {"preference", "exchange"}},
      {"NS", "NSRecords", {"nsdname"}},
      {"PTR", "PTRRecords", {"ptrdname"}},
      {"SOA", "SOARecord", {"host", "email", "serialNumber", "refreshTime", "retryTime", "expireTime", "minimumTTL"}},
      {"SRV", "SRVRecords", {"priority", "weight", "port", "target"}},
      {"TXT", "TXTRecords", {"value"}},
  };
  return kHolders;
}

std::string word_of(const Json& value) { return value.is_string() ? value.get<std::string>() : dump(value); }

std::vector<std::string> data_of(const Holder& holder, const Json& record) {
  std::vector<std::string> data;
  const DnsType* type = find_dns_type(holder.type);
  for (std::size_t i = 0; i < holder.fields.size(); ++i) {
    const Json* value = find_member(record, holder.fields[i]);
    if (value == nullptr) continue;
    if (value->is_array())
      for (const Json& piece : *value) data.push_back(word_of(piece));
    else
      data.push_back(type->fields[i] == 'n' ? plain(word_of(*value)) : word_of(*value));
  }
  return data;
}

void add_record_set(const Resource& set, std::vector<DnsRecord>& records) {
  const std::string type = set.type.substr(set.type.rfind('/') + 1);
  const auto holder = std::ranges::find(holders(), type, &Holder::type);
  const Json* value =
      holder == holders().end() ? nullptr : find_path(set.body, fmt::format("properties.{}", holder->member));
  if (value == nullptr) return;
  const auto ttl = static_cast<std::uint32_t>(integer_at(set.body, "properties.TTL", 3600));
  const auto add = [&](const Json& one) {
    records.push_back({plain(text_at(set.body, "properties.fqdn")), type, ttl, data_of(*holder, one)});
  };
  if (value->is_array())
    for (const Json& one : *value) add(one);
  else
    add(*value);
}

void add_azure_zones(Core& core, Zones& zones) {
  for (const Resource* zone : core.store().resources_of_type(kZoneType)) {
    auto& records = zones[plain(zone->name())];
    for (const Resource* below : core.store().resources_below(zone->id)) add_record_set(*below, records);
  }
}

/// Every name below an environment's domain leads to its address.
void add_environments(Core& core, Zones& zones) {
  for (const Resource* environment : core.store().resources_of_type("Microsoft.App/managedEnvironments")) {
    const std::string domain = plain(text_at(environment->body, "properties.defaultDomain"));
    const std::string address = text_at(environment->body, "properties.staticIp");
    if (domain.empty() || address.empty()) continue;
    auto& records = zones[domain];
    for (const std::string& name : {"*." + domain, "*.internal." + domain})
      records.push_back({name, "A", kAzureSeconds, {address}});
  }
}

void add_name_servers(Zones& zones) {
  for (const std::string& server : azure_name_servers())
    zones[server.substr(server.find('.') + 1)].push_back({server, "A", 3600, {"127.0.0.1"}});
  zones["emulator.test"].push_back({std::string(kOtherServer), "A", 3600, {"127.0.0.1"}});
}

DnsRecord from_json(const Json& json) {
  DnsRecord record{.name = text_at(json, "name"),
                   .type = text_at(json, "type"),
                   .ttl_seconds = static_cast<std::uint32_t>(integer_at(json, "ttl")),
                   .data = {}};
  for (const Json& word : list_at(json, "data")) record.data.push_back(word_of(word));
  return record;
}

Json to_json(const DnsRecord& record) {
  return {{"name", record.name}, {"type", record.type}, {"ttl", record.ttl_seconds}, {"data", record.data}};
}

std::vector<DnsRecord> handed_over(Core& core, const std::string& zone) {
  std::vector<DnsRecord> records;
  if (const Json* document = core.store().find_document(kHandedOver, zone))
    for (const Json& record : list_at(*document, "records")) records.push_back(from_json(record));
  return records;
}

/// What every zone has (RFC 1034, 4.2.1), where nobody has said it.
void complete(const std::string& zone, std::vector<DnsRecord>& records) {
  const auto has = [&](std::string_view type) {
    return std::ranges::any_of(records,
                               [&](const DnsRecord& record) { return record.name == zone && record.type == type; });
  };
  const std::string server(kOtherServer);
  if (!has("NS")) records.push_back({zone, "NS", 3600, {server}});
  if (!has("SOA"))
    records.push_back({zone, "SOA", 3600, {server, "hostmaster." + zone, "1", "3600", "300", "2419200", "300"}});
}

/// The zone that a record given without one goes to: the nearest that there is, or else the last two labels.
std::string zone_for(Core& core, const DnsRecord& record) {
  Zones handed;
  for (const auto& [zone, document] : core.store().documents(kHandedOver)) handed[zone];
  if (record.type == "SOA") return record.name;
  if (auto zone = zone_of(handed, record.name); !zone.empty()) return zone;
  const auto labels = split(record.name, '.');
  return labels.size() < 2 ? record.name : labels[labels.size() - 2] + "." + labels.back();
}

void write_zone(Core& core, const std::string& zone, const std::vector<DnsRecord>& records) {
  if (records.empty()) return core.store().erase_document(kHandedOver, zone);
  Json& kept = core.store().edit_document(kHandedOver, zone)["records"] = Json::array();
  for (const DnsRecord& record : records) kept.push_back(to_json(record));
}

Answer add_records(Core& core, const Request& request) {
  const auto count = hold_records(core, request.content());
  return count ? json_answer(200, {{"records", *count}}) : arm_error(400, "ZoneFileInvalid", count.error().message);
}

Answer remove_records(Core& core, const Request& request) {
  const std::string name = plain(request.query_value("name")), type = to_upper(request.query_value("type"));
  std::size_t gone = 0;
  std::vector<std::string> zones;
  for (const auto& [zone, document] : core.store().documents(kHandedOver)) zones.push_back(zone);
  for (const std::string& zone : zones) {
    auto records = handed_over(core, zone);
    const auto count =
        std::erase_if(records, [&](const DnsRecord& r) { return r.name == name && (type.empty() || r.type == type); });
    if (count > 0) write_zone(core, zone, records);
    gone += count;
  }
  return json_answer(200, {{"records", gone}});
}

Answer list_records(Core& core) {
  Json records = Json::array();
  std::string lines;
  for (const auto& [zone, held] : public_zones(core))
    for (const DnsRecord& record : held) {
      records.push_back(to_json(record));
      lines += zone_file_line(record) + "\n";
    }
  return json_answer(200, {{"records", std::move(records)}, {"zoneFile", lines}});
}

}  // namespace

const std::vector<std::string>& azure_name_servers() {
  static const std::vector<std::string> kServers = {"ns1-01.azure-dns.com", "ns2-01.azure-dns.net",
                                                    "ns3-01.azure-dns.org", "ns4-01.azure-dns.info"};
  return kServers;
}

Zones public_zones(Core& core) {
  Zones zones;
  add_name_servers(zones);
  add_environments(core, zones);
  for (auto& [zone, records] : zones) complete(zone, records);
  add_azure_zones(core, zones);
  for (const auto& [zone, document] : core.store().documents(kHandedOver)) {
    zones[zone] = handed_over(core, zone);
    complete(zone, zones[zone]);
  }
  return zones;
}

std::vector<DnsRecord> resolve_public(Core& core, const std::string& name, std::string_view type) {
  const DnsType* wanted = find_dns_type(type);
  return wanted == nullptr ? std::vector<DnsRecord>{}
                           : look_up(public_zones(core), to_lower(name), wanted->number).answers;
}

std::vector<std::string> public_texts(Core& core, const std::string& name) {
  std::vector<std::string> texts;
  for (const DnsRecord& record : resolve_public(core, name, "TXT"))
    if (record.type == "TXT") texts.push_back(join(record.data, ""));
  return texts;
}

Result<std::size_t> hold_records(Core& core, std::string_view zone_file) {
  TRY_ASSIGN(const auto records, parse_zone_file(zone_file));
  std::map<std::string, std::vector<DnsRecord>> changed;
  for (const DnsRecord& record : records) {
    const std::string zone = zone_for(core, record);
    if (!changed.contains(zone)) {
      changed[zone] = handed_over(core, zone);
      std::erase_if(changed[zone], [&](const DnsRecord& old) {
        return std::ranges::any_of(records, [&](const auto& n) { return n.name == old.name && n.type == old.type; });
      });
    }
    changed[zone].push_back(record);
    write_zone(core, zone, changed[zone]);
  }
  return records.size();
}

void add_public_names(Core& core) {
  const auto route = [&](std::string method, std::function<Answer(Core&, const Request&)> answer) {
    core.add_route({.method = std::move(method),
                    .pattern = "/emulator/dns",
                    .access = Route::Access::everyone,
                    .answer = std::move(answer)});
  };
  route("GET", [](Core& shared, const Request&) { return list_records(shared); });
  route("PUT", add_records);
  route("DELETE", remove_records);
}

}  // namespace defang::emulator
