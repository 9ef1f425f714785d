#include "deploy/azure_zones.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rest/azure_error.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
constexpr const char* kVersion = "2018-05-01";
constexpr int kSeconds = 300;  // short, so that a change is seen soon

bool is_below(const std::string& host, const std::string& zone) { return host == zone || host.ends_with("." + zone); }

/// "www" of www.example.com in example.com; "@" of the zone itself.
std::string relative_name(const std::string& name, const AzureZone& zone) {
  return name == zone.name ? "@" : name.substr(0, name.size() - zone.name.size() - 1);
}

Json texts_with(const std::optional<Json>& existing, const std::string& value) {
  Json texts = Json::array();
  const Json::json_pointer where("/properties/TXTRecords");
  if (existing && existing->contains(where) && (*existing)[where].is_array()) texts = (*existing)[where];
  const Json wanted = {{"value", Json::array({value})}};
  if (std::ranges::find(texts, wanted) == texts.end()) texts.push_back(wanted);
  return texts;
}

Json properties_of(const WantedRecord& record, const std::optional<Json>& existing) {
  Json properties = {{"TTL", kSeconds}};
  if (record.type == "TXT") properties["TXTRecords"] = texts_with(existing, record.value);
  if (record.type == "A") properties["ARecords"] = Json::array({{{"ipv4Address", record.value}}});
  if (record.type == "CNAME") properties["CNAMERecord"] = {{"cname", record.value}};
  return properties;
}

}  // namespace

Result<std::vector<AzureZone>> list_azure_zones(rest::ArmClient& arm, const std::string& subscription,
                                                std::stop_token stop) {
  std::vector<AzureZone> zones;
  auto listed =
      arm.list(fmt::format("/subscriptions/{}/providers/Microsoft.Network/dnsZones", subscription), kVersion, stop);
  if (!listed && listed.error().kind == Error::Kind::stopped) return std::unexpected(std::move(listed.error()));
  if (!listed) return zones;  // an offer that cannot be made is no reason to fail
  for (const auto& json : *listed) {
    AzureZone zone{.id = json.value("id", ""), .name = to_lower(json.value("name", "")), .servers = {}};
    const Json::json_pointer where("/properties/nameServers");
    if (json.contains(where) && json[where].is_array())
      for (const auto& server : json[where]) {
        std::string name = to_lower(server.get<std::string>());
        if (name.ends_with('.')) name.pop_back();
        zone.servers.push_back(std::move(name));
      }
    zones.push_back(std::move(zone));
  }
  return zones;
}

const AzureZone* find_azure_zone(const std::vector<AzureZone>& zones, const std::string& host) {
  const AzureZone* best = nullptr;
  for (const auto& zone : zones)
    if (is_below(host, zone.name) && (best == nullptr || zone.name.size() > best->name.size())) best = &zone;
  return best;
}

bool is_delegated_to(const AzureZone& zone, const DomainSight& sight) {
  return zone.name == sight.zone && std::ranges::any_of(sight.servers, [&](const auto& server) {
           return std::ranges::find(zone.servers, server) != zone.servers.end();
         });
}

Result<void> write_records(rest::ArmClient& arm, const AzureZone& zone, const std::vector<WantedRecord>& records,
                           std::stop_token stop) {
  for (const auto& record : records) {
    const auto id =
        azure::ResourceId::parse(fmt::format("{}/{}/{}", zone.id, record.type, relative_name(record.name, zone)));
    if (!id) return fail(Error::Kind::invalid, "resource-id", fmt::format("`{}` is no resource id", zone.id));
    std::optional<Json> existing;
    if (record.type == "TXT") {
      TRY_ASSIGN(existing, arm.get(*id, kVersion, stop));
    }
    auto written = arm.put(*id, kVersion, {{"properties", properties_of(record, existing)}}, {}, stop);
    if (!written)
      return fail(std::move(
          written.error().during(fmt::format("writing {} `{}` to zone `{}`", record.type, record.name, zone.name))));
  }
  return {};
}

}  // namespace defang::deploy
