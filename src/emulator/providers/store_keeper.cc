#include "emulator/providers/store_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/providers/managed_stores.h"
#include "emulator/router.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr auto kTurn = std::chrono::milliseconds(500);
constexpr std::int64_t kPauseAfterFailureMs = 10'000;

constexpr std::string_view kPostgres = "Microsoft.DBforPostgreSQL/flexibleServers";
constexpr std::string_view kPostgresDatabases = "Microsoft.DBforPostgreSQL/flexibleServers/databases";
constexpr std::string_view kPostgresSettings = "Microsoft.DBforPostgreSQL/flexibleServers/configurations";
constexpr std::string_view kRedis = "Microsoft.Cache/redisEnterprise";
constexpr std::string_view kRedisDatabases = "Microsoft.Cache/redisEnterprise/databases";
constexpr std::string_view kModels = "Microsoft.CognitiveServices/accounts";
constexpr std::string_view kEnvironments = "Microsoft.App/managedEnvironments";
constexpr std::string_view kEndpoints = "Microsoft.Network/privateEndpoints";
constexpr std::string_view kZoneGroups = "Microsoft.Network/privateEndpoints/privateDnsZoneGroups";
constexpr std::string_view kLinks = "Microsoft.Network/privateDnsZones/virtualNetworkLinks";
constexpr std::uint16_t kHttpsPort = 443;

/// Of a running store. A write of them ends when the program has what was asked for.
constexpr auto kStores =
    std::to_array<std::string_view>({kPostgres, kPostgresDatabases, kPostgresSettings, kRedisDatabases, kModels});
/// What names depend on.
constexpr auto kPlaces = std::to_array<std::string_view>(
    {kPostgres, kRedisDatabases, kModels, kEnvironments, kEndpoints, kZoneGroups, kLinks});

struct RedisSize {
  std::string_view sku;
  std::uint64_t mib;
};
constexpr auto kRedisSizes = std::to_array<RedisSize>(
    {{"Balanced_B0", 512}, {"Balanced_B1", 1024}, {"Balanced_B3", 3072}, {"Balanced_B5", 6144}});  // RD-2

/// A fifth is Azure's own (RD-2). What is larger than the table has as much as its last row: this machine has no more.
std::uint64_t redis_bytes(std::string_view sku) {
  const auto found = std::ranges::find(kRedisSizes, sku, &RedisSize::sku);
  return ((found == kRedisSizes.end() ? kRedisSizes.back() : *found).mib << 20) / 10 * 8;
}

/// ".../virtualNetworks/net/subnets/apps" -> ".../virtualnetworks/net"
std::string network_of(const std::string& subnet) {
  const auto path = parse_arm_id(subnet);
  return path ? to_lower(path->parent_id()) : "";
}

std::string parent_of(const Resource& child) { return parse_arm_id(child.id)->parent_id(); }

/// A name, and the network and zone by which it can be found.
struct Place {
  std::string store, name, network, zone;
};

/// NET-5: a zone speaks to networks that are linked to it.
bool is_linked(Core& core, const Place& place) {
  return std::ranges::any_of(core.store().resources_of_type(kLinks), [&](const Resource* link) {
    return equals_ignoring_case(parent_of(*link), place.zone) && link->state() == "Succeeded" &&
           equals_ignoring_case(text_at(link->body, "properties.virtualNetwork.id"), place.network);
  });
}

const Json& list_at(const Json& body, std::string_view path) {
  static const Json none = Json::array();
  const Json* list = find_path(body, path);
  return list != nullptr && list->is_array() ? *list : none;
}

/// The store at the other end of a private endpoint, once its owner has let it in.
std::string store_behind(Core& core, const Resource& endpoint) {
  for (const char* list :
       {"properties.privateLinkServiceConnections", "properties.manualPrivateLinkServiceConnections"})
    for (const Json& connection : list_at(endpoint.body, list)) {
      if (text_at(connection, "properties.privateLinkServiceConnectionState.status") != "Approved") continue;
      const Resource* to = core.store().find(text_at(connection, "properties.privateLinkServiceId"));
      if (to != nullptr && to->type == kRedis) return to_lower(to->id + "/databases/default");
      if (to != nullptr && to->type == kModels) return to_lower(to->id);
    }
  return {};
}

/// RD-16: the records that zone groups wrote; a client asks for the public name, which leads to them.
void add_endpoint_places(Core& core, std::vector<Place>& places) {
  constexpr std::string_view kPrivate = "privatelink.";
  for (const Resource* endpoint : core.store().resources_of_type(kEndpoints)) {
    const auto store = store_behind(core, *endpoint);
    if (store.empty()) continue;
    const auto network = network_of(text_at(endpoint->body, "properties.subnet.id"));
    for (const Resource* group : core.store().resources_below(endpoint->id))
      for (const Json& configuration : list_at(group->body, "properties.privateDnsZoneConfigs"))
        for (const Json& record : list_at(configuration, "properties.recordSets"))
          places.push_back({store, replace_all(text_at(record, "fqdn"), kPrivate, ""), network,
                            text_at(configuration, "properties.privateDnsZoneId")});
  }
}

/// PG-9, PG-10
void add_postgres_places(Core& core, std::vector<Place>& places) {
  for (const Resource* server : core.store().resources_of_type(kPostgres))
    places.push_back({to_lower(server->id), text_at(server->body, "properties.fullyQualifiedDomainName"),
                      network_of(text_at(server->body, "properties.network.delegatedSubnetResourceId")),
                      text_at(server->body, "properties.network.privateDnsZoneArmResourceId")});
}

/// PG-23
bool allows_plain_text(Core& core, const Resource& server) {
  const Resource* setting = core.store().find(server.id + "/configurations/require_secure_transport");
  return setting != nullptr && equals_ignoring_case(text_at(setting->body, "properties.value"), "off");
}

}  // namespace

StoreKeeper::StoreKeeper(Core& core, PrivateServers& servers, Processes& processes,
                         const CertificateAuthority& authority)
    : core_(core),
      servers_(servers),
      postgres_(servers, processes, core.disk(), authority),
      redis_(servers, core.disk(), authority) {
  follow_types();
}

void StoreKeeper::follow_types() {
  for (const auto name : kStores) {
    TypeBehaviour type = *core_.find_type(name);
    type.fails = [this](Core&, const Resource& store) {
      const auto kept = keep(store);
      return kept ? std::string() : kept.error().message;
    };
    type.removed = [this, before = type.removed](Core& core, const Resource& gone) {
      if (before) before(core, gone);
      forget(gone);
    };
    core_.add_type(std::move(type));
  }
  for (const auto name : kPlaces) {
    TypeBehaviour type = *core_.find_type(name);
    type.finished = [this, before = type.finished](Core& core, Resource& changed) {
      if (before) before(core, changed);
      set_doors();
    };
    type.removed = [this, before = type.removed](Core& core, const Resource& gone) {
      if (before) before(core, gone);
      set_doors();
    };
    core_.add_type(std::move(type));
  }
  const auto refuse_if = [this](std::string_view name, std::string (*missing)()) {
    TypeBehaviour type = *core_.find_type(name);
    type.write = [before = type.write, missing](Write& write) -> std::optional<Answer> {
      if (const auto why = missing(); !why.empty()) return not_implemented(why);
      return before(write);
    };
    core_.add_type(std::move(type));
  };
  refuse_if(kPostgres, PostgresServers::missing);
  refuse_if(kRedis, RedisServers::missing);
}

std::filesystem::path StoreKeeper::folder_of(const std::string& id) const {
  return core_.folder() / "stores" / sha256_hex(to_lower(id)).substr(0, 16);
}

Result<void> StoreKeeper::keep(const Resource& store) {
  if (store.type == kPostgres) return keep_postgres(store);
  if (store.type == kRedisDatabases) return keep_redis(store);
  if (store.type == kModels) return keep_models(store);
  return keep_postgres(*core_.store().find(parent_of(store)));
}

Result<void> StoreKeeper::keep_postgres(const Resource& server) {
  PostgresServers::Wish wish{.folder = folder_of(server.id),
                             .host = text_at(server.body, "properties.fullyQualifiedDomainName"),
                             .login = text_at(server.body, "properties.administratorLogin"),
                             .password = Secret(text_at(server.hidden, "password")),
                             .databases = {},
                             .plain_text = allows_plain_text(core_, server)};
  for (const Resource* below : core_.store().resources_below(server.id))
    if (below->type == kPostgresDatabases && !below->name().starts_with("azure_")) wish.databases.insert(below->name());
  return postgres_.keep(to_lower(server.id), wish);
}

Result<void> StoreKeeper::keep_redis(const Resource& database) {
  const Resource& cluster = *core_.store().find(parent_of(database));
  const bool by_key = text_at(database.body, "properties.accessKeysAuthentication") != "Disabled";
  return redis_.keep(to_lower(database.id),
                     {.folder = folder_of(database.id),
                      .host = text_at(cluster.body, "properties.hostName"),
                      .primary_key = Secret(by_key ? text_at(database.hidden, "primaryKey") : ""),
                      .secondary_key = Secret(by_key ? text_at(database.hidden, "secondaryKey") : ""),
                      .memory_bytes = redis_bytes(text_at(cluster.body, "sku.name")),
                      .eviction = text_at(database.body, "properties.evictionPolicy"),
                      .encrypted = text_at(database.body, "properties.clientProtocol") != "Plaintext"});
}

Result<void> StoreKeeper::keep_models(const Resource& account) {
  const auto id = to_lower(account.id);
  if (models_.contains(id)) return {};
  TRY_ASSIGN(auto listener, servers_.listen(id, kHttpsPort));
  core_.open_privately(kModelsEndpoint, id, std::move(listener));
  models_.insert(id);
  return {};
}

void StoreKeeper::set_doors() {
  std::vector<Place> places;
  add_postgres_places(core_, places);
  add_endpoint_places(core_, places);
  std::map<std::string, PrivateServers::Door> stores;
  for (const Resource* server : core_.store().resources_of_type(kPostgres))
    stores[to_lower(server->id)] = {{}, PostgresServers::kPort, PostgresServers::kPort};
  for (const Resource* database : core_.store().resources_of_type(kRedisDatabases))
    stores[to_lower(database->id)] = {
        {}, static_cast<std::uint16_t>(integer_at(database->body, "properties.port", 10000)), RedisServers::kPort};
  for (const Resource* account : core_.store().resources_of_type(kModels))
    stores[to_lower(account->id)] = {{}, kHttpsPort, kHttpsPort};
  for (const Resource* environment : core_.store().resources_of_type(kEnvironments)) {
    const auto network = network_of(text_at(environment->body, "properties.vnetConfiguration.infrastructureSubnetId"));
    auto doors = stores;
    for (const Place& place : places)
      if (!network.empty() && place.network == network && doors.contains(place.store) && is_linked(core_, place))
        doors[place.store].names.push_back(place.name);
    for (const auto& [store, door] : doors) (void)servers_.set_door(to_lower(environment->id), store, door);
  }
}

void StoreKeeper::forget(const Resource& gone) {
  const auto id = to_lower(gone.id);
  if (gone.type == kPostgres) postgres_.remove(id, folder_of(id));
  if (gone.type == kRedisDatabases) redis_.remove(id, folder_of(id));
  if (gone.type == kPostgresDatabases) (void)postgres_.drop_database(to_lower(parent_of(gone)), gone.name());
  if (gone.type == kModels) {
    core_.close_endpoint(kModelsEndpoint, id);
    servers_.close(id);
    models_.erase(id);
  }
}

void StoreKeeper::resume() {
  const auto lock = core_.lock();
  for (const auto name : kStores)
    for (const Resource* store : core_.store().resources_of_type(name)) {
      // A server without its first databases, or what is still being made, is kept when its operation ends.
      const bool is_made = name == kPostgres ? core_.store().find(store->id + "/databases/postgres") != nullptr
                                             : name == kRedisDatabases || name == kModels;
      auto& failed = failed_ms_[store->id];
      if (!is_made || (failed != 0 && core_.now_ms() < failed + kPauseAfterFailureMs)) continue;
      failed = keep(*store) ? 0 : core_.now_ms();
    }
  set_doors();
}

void StoreKeeper::watch(std::stop_token stop) {
  const Worker worker(core_.clock());
  while (core_.clock().sleep_for(kTurn, stop)) resume();
}

}  // namespace defang::emulator
