#include "deploy/decide.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "deploy/json_path.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

// States in which nothing is going on (ARM-20); whatever else a service says means that something is.
constexpr auto kTerminalStates = std::to_array<std::string_view>({"", "canceled", "failed", "succeeded"});

bool is_terminal(std::string_view state) {
  return std::ranges::find(kTerminalStates, to_lower(state)) != kTerminalStates.end();
}

bool same_leaf(const Json& a, const Json& b) {
  if (a.is_string() && b.is_string())
    return equals_ignoring_case(a.get_ref<const std::string&>(), b.get_ref<const std::string&>());
  if (a.is_number() && b.is_number()) return a.get<double>() == b.get<double>();
  return a == b;
}

void add_differences(const Json& existing, const Json& wished, const std::string& path, std::vector<std::string>& out) {
  const auto inside = [&](const std::string& name) { return path.empty() ? name : path + "." + name; };
  if (wished.is_object() && existing.is_object()) {
    for (const auto& [name, value] : wished.items())
      if (const auto shown = existing.find(name); shown != existing.end())
        add_differences(*shown, value, inside(name), out);
  } else if (wished.is_array() && existing.is_array() && wished.size() == existing.size()) {
    for (std::size_t i = 0; i < wished.size(); ++i)
      add_differences(existing[i], wished[i], fmt::format("{}[{}]", path, i), out);
  } else if (existing.is_null() && !wished.is_object()) {
    return;
  } else if (!same_leaf(existing, wished) && !(existing.is_null() && wished.empty())) {
    out.push_back(path);
  }
}

struct Fixed {
  std::string_view type, path;
  enum class Rule { same, never_less, same_but_from } rule = Rule::same;
  std::string_view from;  // the one value that may be left
  std::string_view consequence;
};
constexpr std::string_view kServer = "Microsoft.DBforPostgreSQL/flexibleServers";
constexpr std::string_view kNewDatabase =
    "the database would have to be deleted with all its data (`defang compose down --delete-data`) and made anew";
constexpr std::string_view kNewCache = "the cache would have to be deleted with all that is in it and made anew";
constexpr std::string_view kNewEnvironment =
    "the environment would have to be deleted and made anew, with other addresses for all services";
constexpr auto kFixed = std::to_array<Fixed>({
    {kServer, "properties.administratorLogin", Fixed::Rule::same, "", kNewDatabase},                 // PG-11
    {kServer, "properties.version", Fixed::Rule::never_less, "", kNewDatabase},                      // UNV: no way back
    {kServer, "properties.network.delegatedSubnetResourceId", Fixed::Rule::same, "", kNewDatabase},  // PG-7
    {"Microsoft.Cache/redisEnterprise/databases", "properties.clusteringPolicy", Fixed::Rule::same_but_from,
     "NoCluster", kNewCache},  // RD-8
    {"Microsoft.Cache/redisEnterprise", "properties.highAvailability", Fixed::Rule::same_but_from, "Disabled",
     kNewCache},  // RD-14
    {"Microsoft.App/managedEnvironments", "properties.vnetConfiguration.infrastructureSubnetId", Fixed::Rule::same, "",
     kNewEnvironment},  // CA-4
    {"Microsoft.App/jobs", "properties.configuration.triggerType", Fixed::Rule::same, "",
     "the job would have to be deleted and made anew"},  // CA-140
});

constexpr std::string_view kMysql = "Microsoft.DBforMySQL/flexibleServers";
constexpr std::string_view kCache = "Microsoft.Cache/redisEnterprise";
constexpr std::string_view kStops = "the server restarts for it, and answers nobody for some minutes";

struct Costly {
  std::string_view type, path;
  CostlyChange::Cost cost;
  std::string_view consequence;
};
constexpr auto kCostly = std::to_array<Costly>({
    {kServer, "sku.name", CostlyChange::Cost::downtime, kStops},            // PG-27
    {kServer, "properties.version", CostlyChange::Cost::downtime, kStops},  // PG-3
    {kMysql, "sku.name", CostlyChange::Cost::downtime, kStops},             // as PG-27
    {kMysql, "properties.version", CostlyChange::Cost::downtime, kStops},
    {kCache, "sku.name", CostlyChange::Cost::data, "a cache without a standby loses all that is in it"},  // RD-14
});

/// The server's disk grows when it is nearly full (`autoGrow`) and never shrinks (PG-4).
constexpr std::string_view kGrowing = "properties.storage.storageSizeGB";

std::string shown(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

bool is_allowed(const Fixed& row, const Json& is, const Json& wished) {
  if (same_leaf(is, wished)) return true;
  if (row.rule == Fixed::Rule::same_but_from) return equals_ignoring_case(shown(is), row.from);
  const auto before = to_number(shown(is)), after = to_number(shown(wished));
  return row.rule == Fixed::Rule::never_less && (!before || !after || *after >= *before);
}

struct UsualTime {
  std::string_view type;
  seconds time;
};
// Medians of recorded operations (wire facts, section 3); what is not listed is quick.
constexpr auto kUsualTimes = std::to_array<UsualTime>({
    {"Microsoft.App/containerApps", seconds(12)},
    {"Microsoft.App/jobs", seconds(10)},
    {"Microsoft.App/managedEnvironments", seconds(87)},
    {"Microsoft.ContainerRegistry/registries", seconds(6)},
    {"Microsoft.KeyVault/vaults", seconds(31)},
    {"Microsoft.Network/privateDnsZones", seconds(31)},
    {"Microsoft.Network/privateEndpoints", seconds(32)},
    {"Microsoft.Network/virtualNetworks", seconds(11)},
    {"Microsoft.Network/virtualNetworks/subnets", seconds(6)},
    {"Microsoft.OperationalInsights/workspaces", seconds(10)},
    {"Microsoft.Storage/storageAccounts", seconds(18)},
});

struct UsualActionTime {
  seconds operator()(const graph::BuildImage&) const { return seconds(91); }
  seconds operator()(const graph::WriteSecret&) const { return seconds(1); }
  seconds operator()(const graph::AwaitRevision&) const { return seconds(20); }
  template <class Other>
  seconds operator()(const Other&) const {
    return seconds(30);
  }
};

}  // namespace

Step decide(const Wish& wish, const Found& found) {
  if (!found.exists) return Step::create;
  if (equals_ignoring_case(found.provisioning_state, "Deleting")) return Step::wait_until_gone;
  const auto tag = [&](std::string_view name) {
    const auto at = found.tags.find(std::string(name));
    return at == found.tags.end() ? std::string() : at->second;
  };
  if (wish.taggable && (tag(kProjectTag) != wish.project || tag(kStackTag) != wish.stack)) return Step::refuse;
  if (!is_terminal(found.provisioning_state)) return Step::adopt;
  const bool failed = !found.provisioning_state.empty() && !equals_ignoring_case(found.provisioning_state, "Succeeded");
  if (failed || wish.force) return Step::update;
  const bool as_wished = wish.taggable ? tag(kHashTag) == wish.hash : found.holds_wish;
  return as_wished ? Step::skip : Step::update;
}

Found look_at(const Json& existing, const Json& wished) {
  Found found;
  found.exists = true;
  if (const auto tags = existing.find("tags"); tags != existing.end() && tags->is_object())
    for (const auto& [name, value] : tags->items())
      if (value.is_string()) found.tags[to_lower(name)] = value.get<std::string>();
  if (const auto properties = existing.find("properties"); properties != existing.end() && properties->is_object())
    if (const auto state = properties->find("provisioningState"); state != properties->end() && state->is_string())
      found.provisioning_state = state->get<std::string>();
  found.holds_wish = holds(existing, wished);
  return found;
}

bool holds(const Json& existing, const Json& wished) {
  if (wished.is_object()) {
    if (!existing.is_object()) return wished.empty();
    return std::ranges::all_of(wished.items(), [&](const auto& item) {
      const auto found = existing.find(item.key());
      return found == existing.end() ? item.value().is_null() : holds(*found, item.value());
    });
  }
  if (wished.is_array())
    return existing.is_array() && existing.size() == wished.size() &&
           std::ranges::equal(existing, wished, [](const Json& a, const Json& b) { return holds(a, b); });
  return same_leaf(existing, wished);
}

std::vector<std::string> differences(const Json& existing, const Json& wished) {
  std::vector<std::string> out;
  add_differences(existing, wished, "", out);
  return out;
}

std::optional<FixedChange> change_of_what_is_fixed(std::string_view type, const Json& existing, const Json& wished) {
  for (const Fixed& row : kFixed) {
    if (!equals_ignoring_case(row.type, type)) continue;
    const Json* is = at_path(existing, row.path);
    const Json* wish = at_path(wished, row.path);
    if (is == nullptr || is->is_null() || wish == nullptr || is_allowed(row, *is, *wish)) continue;
    return FixedChange{std::string(row.path.substr(row.path.rfind('.') + 1)), shown(*is), shown(*wish),
                       row.consequence};
  }
  return std::nullopt;
}

std::optional<CostlyChange> costly_change(std::string_view type, const Json& existing, const Json& wished) {
  for (const Costly& row : kCostly) {
    if (!equals_ignoring_case(row.type, type)) continue;
    const Json* is = at_path(existing, row.path);
    const Json* wish = at_path(wished, row.path);
    if (is == nullptr || is->is_null() || wish == nullptr || same_leaf(*is, *wish)) continue;
    const Json* standby = at_path(existing, "properties.highAvailability");
    if (row.cost == CostlyChange::Cost::data && standby != nullptr && *standby == "Enabled") continue;
    return CostlyChange{row.cost, std::string(row.path.substr(row.path.rfind('.') + 1)), shown(*is), shown(*wish),
                        row.consequence};
  }
  return std::nullopt;
}

void keep_what_has_grown(std::string_view type, const Json& existing, Json& wished) {
  if (!equals_ignoring_case(type, kServer)) return;
  const Json* is = at_path(existing, kGrowing);
  const Json* wish = at_path(wished, kGrowing);
  if (is != nullptr && wish != nullptr && is->is_number() && wish->is_number() && *is > *wish)
    wished["properties"]["storage"]["storageSizeGB"] = *is;
}

std::string desired_hash(std::string_view type, const Json& stable_body) {
  return "1-" + sha256_hex(to_lower(type) + "\n" + stable_body.dump()).substr(0, 32);
}

std::string serial_key(const graph::Resource& resource) {
  const std::string network = "Microsoft.Network/virtualNetworks";
  if (equals_ignoring_case(resource.type, network)) return "network/" + resource.name;
  if (equals_ignoring_case(resource.type, network + "/subnets"))
    return "network/" + resource.name.substr(0, resource.name.find('/'));
  return "";
}

Readiness readiness_of(std::string_view type, const Json& existing) {
  constexpr std::string_view kRedis = "Microsoft.Cache/redisEnterprise";
  if (!equals_ignoring_case(type.substr(0, kRedis.size()), kRedis)) return {};
  const auto state = text_at(existing, "properties.resourceState");
  if (state.empty() || equals_ignoring_case(state, "Running")) return {};
  // CreateFailed, UpdateFailed, ScalingFailed ...
  const bool failed = to_lower(state).ends_with("failed") || equals_ignoring_case(state, "Disabled");
  return {failed ? Readiness::Is::failed : Readiness::Is::not_yet, state};
}

seconds usual_time(const graph::Node& node) {
  if (const auto* action = std::get_if<graph::Action>(&node)) return std::visit(UsualActionTime{}, action->what);
  const auto& type = std::get<graph::Resource>(node).type;
  const auto row = std::ranges::find_if(kUsualTimes, [&](const auto& r) { return equals_ignoring_case(r.type, type); });
  return row == kUsualTimes.end() ? seconds(1) : row->time;
}

}  // namespace defang::deploy
