// Microsoft.Storage, ARM's half: accounts, their keys, blob containers, file shares.
#include <fmt/format.h>

#include <array>
#include <regex>

#include "emulator/providers/all.h"
#include "emulator/providers/blob_store.h"
#include "emulator/regions.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kAccounts = "Microsoft.Storage/storageAccounts";

bool is_taken(Core& core, const std::string& name, const std::string& except_id) {
  for (const Resource* other : core.store().resources_of_type(kAccounts))
    if (equals_ignoring_case(other->name(), name) && !equals_ignoring_case(other->id, except_id)) return true;
  return false;
}

std::optional<Answer> check_account_name(const Context& context) {
  static const std::regex kName("[a-z0-9]{3,24}");  // ARM-86
  const std::string name = context.path.name();
  if (!std::regex_match(name, kName))
    return arm_error(400, "AccountNameInvalid",
                     fmt::format("{} is not a valid storage account name. Storage account name must be between 3 and "
                                 "24 characters in length and use numbers and lower-case "
                                 "letters only.",
                                 name));
  if (is_taken(context.core, name, context.path.id()))
    return arm_error(409, "StorageAccountAlreadyTaken",
                     fmt::format("The storage account named {} is already taken.", name));
  return std::nullopt;
}

Json encryption(const std::string& now) {
  const Json service = {{"keyType", "Account"}, {"enabled", true}, {"lastEnabledTime", now}};
  return {{"services", {{"file", service}, {"blob", service}}}, {"keySource", "Microsoft.Storage"}};
}

std::optional<Answer> write_account(Write& write) {
  Core& core = write.core;
  const Json sent = write.next.properties();
  const std::string now =
      write.existing == nullptr ? core.now_text() : text_at(write.existing->body, "properties.creationTime");
  const std::string location = to_lower(replace_all(text_at(write.next.body, "location"), " ", ""));
  const auto given = [&](const char* name, Json otherwise) {
    const Json* value = find_member(sent, name);
    return value == nullptr || value->is_null() ? otherwise : *value;
  };
  const std::string sku = text_at(write.next.body, "sku.name");
  Json properties = {{"keyCreationTime", {{"key1", now}, {"key2", now}}},
                     {"allowCrossTenantReplication", given("allowCrossTenantReplication", false)},
                     {"privateEndpointConnections", Json::array()},
                     {"minimumTlsVersion", given("minimumTlsVersion", "TLS1_0")},
                     {"allowBlobPublicAccess", given("allowBlobPublicAccess", false)}};
  for (const char* name : {"allowSharedKeyAccess", "publicNetworkAccess", "defaultToOAuthAuthentication",
                           "isHnsEnabled", "largeFileSharesState", "dnsEndpointType"})
    if (const Json* value = find_member(sent, name)) properties[name] = *value;
  properties["networkAcls"] = {{"ipv6Rules", Json::array()},
                               {"bypass", "AzureServices"},
                               {"virtualNetworkRules", Json::array()},
                               {"ipRules", Json::array()},
                               {"defaultAction", "Allow"}};
  if (const Json* rules = find_member(sent, "networkAcls")) merge_patch(properties["networkAcls"], *rules);
  properties["supportsHttpsTrafficOnly"] = given("supportsHttpsTrafficOnly", true);
  properties["encryption"] = encryption(now);
  properties["accessTier"] = given("accessTier", "Hot");
  properties["provisioningState"] = "Succeeded";
  properties["creationTime"] = now;
  const std::string blob = blobs::endpoint(core, write.next.id) + "/";
  properties["primaryEndpoints"] = {{"dfs", blob},   {"web", blob},   {"blob", blob},
                                    {"queue", blob}, {"table", blob}, {"file", blob}};
  properties["primaryLocation"] = location;
  properties["statusOfPrimary"] = "available";

  Json body = {{"sku", {{"name", sku}, {"tier", sku.substr(0, sku.find('_'))}}},
               {"kind", text_at(write.next.body, "kind")},
               {"id", write.next.id},
               {"name", write.path.name()},
               {"type", kAccounts},
               {"location", location}};
  const Json* tags = find_member(write.next.body, "tags");
  body["tags"] = tags == nullptr ? Json::object() : *tags;
  if (const Json* identity = find_member(write.next.body, "identity")) body["identity"] = *identity;
  body["properties"] = std::move(properties);
  write.next.body = std::move(body);
  Json& account = blobs::open_account(core, write.next.id, write.path.name());
  account["sharedKey"] = !sent.contains("allowSharedKeyAccess") || true_at(sent, "allowSharedKeyAccess");
  return std::nullopt;
}

void forget_account(Core& core, const Resource& account) { blobs::remove_account(core, account.id); }

Answer list_keys(const Context& context) {
  const Json& account = blobs::open_account(context.core, context.existing->id, context.existing->name());
  Json keys = Json::array();
  for (const char* name : {"key1", "key2"})
    keys.push_back(
        {{"creationTime", account["created"]}, {"keyName", name}, {"value", account[name]}, {"permissions", "FULL"}});
  return json_answer(200, {{"keys", keys}});
}

Answer regenerate_key(const Context& context) {
  const auto body = context.request.json();
  const std::string name = body ? text_at(*body, "keyName") : "";
  if (name != "key1" && name != "key2")
    return arm_error(400, "InvalidValuesForRequestParameters", "Values for request parameters are invalid: keyName.");
  blobs::open_account(context.core, context.existing->id, context.existing->name())[name] =
      base64(context.core.random().bytes(64));
  return list_keys(context);
}

Answer check_name(Core& core, const Request& request) {
  const auto body = request.json();
  const std::string name = body ? text_at(*body, "name") : "";
  if (!is_taken(core, name, "")) return json_answer(200, {{"nameAvailable", true}});
  return json_answer(200, {{"nameAvailable", false},
                           {"reason", "AlreadyExists"},
                           {"message", fmt::format("The storage account named {} is already taken.", name)}});
}

// --- services of an account
// ---------------------------------------------------------------------------------------------

/// Every account has its services, whether or not they were written.
void make_services(Core& core, Resource& account) {
  for (const char* service : {"blobServices", "fileServices", "queueServices", "tableServices"}) {
    const std::string id = fmt::format("{}/{}/default", account.id, service);
    if (core.store().find(id) != nullptr) continue;
    const std::string type = fmt::format("{}/{}", kAccounts, service);
    Json body = {
        {"sku", account.body["sku"]}, {"id", id}, {"name", "default"}, {"type", type}, {"properties", Json::object()}};
    core.store().put({.id = id, .type = type, .body = std::move(body)});
  }
}

/// What a service shows even when its PUT named nothing (Storage_StorageAccount_20230101_CRUD).
struct ServiceDefaults {
  std::string_view type, properties;
};
constexpr auto kServiceDefaults = std::to_array<ServiceDefaults>({
    {"blobServices", R"({"cors": {"corsRules": []},
                         "deleteRetentionPolicy": {"allowPermanentDelete": false, "enabled": false}})"},
    {"fileServices", R"({"protocolSettings": {"smb": {}}, "cors": {"corsRules": []},
                         "shareDeleteRetentionPolicy": {"enabled": true, "days": 7}})"},
    {"queueServices", R"({"logging": {"version": "1.0", "delete": false, "read": false, "write": false,
                          "retentionPolicy": {"enabled": false}}, "cors": {"corsRules": []}})"},
    {"tableServices", R"({"cors": {"corsRules": []}})"},
});

Json show_service(Core& core, const Resource& service, View view) {
  Json body = service.body;
  // A write's answer holds what was sent, without the id.
  if (view == View::first_answer) {
    body.erase("id");
    body.erase("type");
    body.erase("sku");
    return body;
  }
  if (!body.contains("properties")) body["properties"] = Json::object();
  for (const auto& row : kServiceDefaults)
    if (service.type.ends_with(row.type)) fill(body["properties"], *parse_json(row.properties));
  if (service.type.ends_with("/queueServices") || service.type.ends_with("/tableServices")) {
    body.erase("sku");
    return body;
  }
  const Resource* account =
      core.store().find(service.id.substr(0, service.id.find("/", service.id.find("/storageAccounts/") + 17)));
  if (account != nullptr && !body.contains("sku")) {
    Json whole = {{"sku", account->body["sku"]}};
    whole.update(body);
    return whole;
  }
  return body;
}

std::string account_id_of(const ArmPath& path) {
  return fmt::format("{}/providers/{}/{}", path.scope, kAccounts, path.names[0]);
}

std::optional<Answer> check_container_name(const Context& context) {
  static const std::regex kName("(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]|\\$root|\\$web|\\$logs");  // ARM-87
  if (std::regex_match(context.path.name(), kName)) return std::nullopt;
  return arm_error(400, "InvalidResourceName", "The specified resource name contains invalid characters.");
}

std::optional<Answer> write_container(Write& write) {
  if (blobs::find_container(write.core, account_id_of(write.path), write.path.name()) == nullptr)
    blobs::create_container(write.core, account_id_of(write.path), write.path.name());
  write.next.hidden["sent"] = write.next.properties();
  write.next.body = {{"id", write.next.id}, {"name", write.path.name()}, {"type", write.next.type}};
  return std::nullopt;
}

Json show_container(Core& core, const Resource& container, View view) {
  if (view == View::first_answer) return container.body;
  const auto path = parse_arm_id(container.id);
  const Json* data = blobs::find_container(core, account_id_of(*path), container.name());
  const std::string access = text_at(container.hidden, "sent.publicAccess");
  Json body = container.body;
  body["etag"] = data == nullptr ? "" : "\"" + text_at(*data, "etag") + "\"";
  body["properties"] = {{"deleted", false},
                        {"remainingRetentionDays", 0},
                        {"defaultEncryptionScope", "$account-encryption-key"},
                        {"denyEncryptionScopeOverride", false},
                        {"publicAccess", access.empty() ? "None" : access},
                        {"leaseStatus", "Unlocked"},
                        {"leaseState", "Available"},
                        {"lastModifiedTime", data == nullptr ? "" : to_iso8601(integer_at(*data, "modified"))},
                        {"legalHold", {{"hasLegalHold", false}, {"tags", Json::array()}}},
                        {"hasImmutabilityPolicy", false},
                        {"hasLegalHold", false}};
  return body;
}

void forget_container(Core& core, const Resource& container) {
  const auto path = parse_arm_id(container.id);
  blobs::remove_container(core, account_id_of(*path), container.name());
}

std::optional<Answer> write_share(Write& write) {
  const Resource* account = write.core.store().find(account_id_of(write.path));
  const Json& sent = write.next.properties();
  const bool premium = account != nullptr && equals_ignoring_case(text_at(account->body, "kind"), "FileStorage");
  // CA-112: NFS lives on premium accounts only, and those have a least size.
  if (equals_ignoring_case(text_at(sent, "enabledProtocols"), "NFS") && !premium)
    return arm_error(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.");
  if (premium && sent.contains("shareQuota") && integer_at(sent, "shareQuota") < 100)
    return arm_error(400, "InvalidHeaderValue", "The value for one of the HTTP headers is not in the correct format.");
  // Whoever makes a share of the same name again finds it empty.
  write.next.hidden["folder"] = write.existing != nullptr ? text_at(write.existing->hidden, "folder")
                                                          : write.path.name() + "-" + hex(write.core.random().bytes(4));
  write.next.hidden["sent"] = sent;
  write.next.hidden["modified"] = write.core.now_text();
  write.next.body = {{"id", write.next.id}, {"name", write.path.name()}, {"type", write.next.type}};
  return std::nullopt;
}

Json show_share(Core&, const Resource& share, View view) {
  Json body = share.body;
  if (view == View::first_answer) return body;
  body["etag"] = "\"0x8D" + to_upper(share.name()) + "\"";
  body["properties"] = {{"leaseStatus", "unlocked"},
                        {"leaseState", "available"},
                        {"accessTier", "TransactionOptimized"},
                        {"lastModifiedTime", share.hidden.value("modified", "")},
                        {"accessTierChangeTime", share.hidden.value("modified", "")},
                        {"signedIdentifiers", Json::array()},
                        {"shareQuota", integer_at(share.hidden, "sent.shareQuota", 5120)},
                        {"enabledProtocols", "SMB"}};
  for (const char* name : {"enabledProtocols", "rootSquash"})
    if (const Json* value = find_member(share.hidden["sent"], name)) body["properties"][name] = *value;
  return body;
}

/// Queues and tables: their data planes are not served.
std::optional<Answer> write_queue(Write& write) {
  const Json* metadata = find_path(write.next.body, "properties.metadata");
  write.next.body["properties"] = {{"metadata", metadata == nullptr ? Json::object() : *metadata}};
  return std::nullopt;
}

Json show_queue(Core&, const Resource& queue, View view) {
  Json body = queue.body;
  if (view == View::get) body["properties"]["approximateMessageCount"] = 0;
  return body;
}

std::optional<Answer> write_table(Write& write) {
  const Json* identifiers = find_path(write.next.body, "properties.signedIdentifiers");
  write.next.hidden["identifiers"] = identifiers == nullptr ? Json::array() : *identifiers;
  write.next.body["properties"] = {{"tableName", write.path.name()}};
  return std::nullopt;
}

Json show_table(Core&, const Resource& table, View view) {
  Json body = table.body;
  if (view == View::get) body["properties"]["signedIdentifiers"] = table.hidden["identifiers"];
  return body;
}

std::optional<Answer> write_policy(Write& write) {
  write.next.body["name"] = "DefaultManagementPolicy";
  write.next.properties()["lastModifiedTime"] = write.core.now_text();
  return std::nullopt;
}

}  // namespace

void add_storage(Core& core) {
  using Kind = BodyCheck::Kind;
  using Location = TypeBehaviour::Location;
  core.add_type(
      {.type = std::string(kAccounts),
       .checks =
           {{.path = "sku",
             .kind = Kind::object,
             .required = true,
             .rule = "ST-1",
             .message = "Values for request parameters are invalid: sku."},
            {.path = "sku.name",
             .kind = Kind::text,
             .required = true,
             .values = "Standard_LRS|Standard_GRS|Standard_RAGRS|Standard_ZRS|Premium_LRS|Premium_ZRS|Standard_GZRS|"
                       "Standard_RAGZRS|StandardV2_LRS|StandardV2_GRS|"
                       "StandardV2_ZRS|StandardV2_GZRS|PremiumV2_LRS|PremiumV2_ZRS",
             .rule = "ST-1"},
            {.path = "kind",
             .kind = Kind::text,
             .required = true,
             .values = "Storage|StorageV2|BlobStorage|FileStorage|BlockBlobStorage",
             .rule = "ST-1"},
            {.path = "properties.minimumTlsVersion",
             .kind = Kind::text,
             .values = "TLS1_0|TLS1_1|TLS1_2",
             .rule = "ST-2"},
            {.path = "properties.allowSharedKeyAccess", .kind = Kind::boolean, .rule = "ST-3"},
            {.path = "properties.allowBlobPublicAccess", .kind = Kind::boolean, .rule = "ST-2"},
            {.path = "properties.supportsHttpsTrafficOnly", .kind = Kind::boolean, .rule = "ST-2"},
            {.path = "properties.accessTier", .kind = Kind::text, .values = "Hot|Cool|Premium|Cold", .rule = "ST-1"},
            {.path = "properties.publicNetworkAccess",
             .kind = Kind::text,
             .values = "Enabled|Disabled|SecuredByPerimeter",
             .rule = "ST-1"},
            {.path = "tags", .kind = Kind::object, .rule = "ARM-56"}},
       .default_code = "InvalidValuesForRequestParameters",
       .check_name = check_account_name,
       .write = write_account,
       .finished = make_services,
       .removed = forget_account,
       .actions = {{"POST listKeys", list_keys}, {"POST regenerateKey", regenerate_key}}});
  for (const char* service : {"blobServices", "fileServices", "queueServices", "tableServices"})
    core.add_type({.type = fmt::format("{}/{}", kAccounts, service),
                   .location = Location::none,
                   .no_state = true,
                   .show = show_service});
  core.add_type(
      {.type = fmt::format("{}/blobServices/containers", kAccounts),
       .location = Location::none,
       .no_state = true,
       .checks =
           {{.path = "properties.publicAccess", .kind = Kind::text, .values = "None|Blob|Container", .rule = "ST-2"}},
       .check_name = check_container_name,
       .write = write_container,
       .removed = forget_container,
       .show = show_container});
  core.add_type(
      {.type = fmt::format("{}/fileServices/shares", kAccounts),
       .location = Location::none,
       .no_state = true,
       .checks = {{.path = "properties.shareQuota", .kind = Kind::integer, .min = 1, .max = 102400, .rule = "ARM-88"}},
       .check_name = check_container_name,
       .write = write_share,
       .show = show_share});
  core.add_type({.type = fmt::format("{}/queueServices/queues", kAccounts),
                 .location = Location::none,
                 .no_state = true,
                 .check_name = check_container_name,
                 .write = write_queue,
                 .show = show_queue});
  core.add_type({.type = fmt::format("{}/tableServices/tables", kAccounts),
                 .location = Location::none,
                 .no_state = true,
                 .write = write_table,
                 .show = show_table});
  core.add_type({.type = fmt::format("{}/managementPolicies", kAccounts),
                 .location = Location::none,
                 .no_state = true,
                 .checks = {{.path = "properties.policy.rules",
                             .kind = Kind::list,
                             .required = true,
                             .rule = "managementPolicies, REST reference"}},
                 .write = write_policy});
  core.add_route({"POST", "/subscriptions/{subscription}/providers/Microsoft.Storage/checkNameAvailability",
                  Route::Access::signed_in, check_name});
  core.add_data_plane("blob", blobs::answer);
}

}  // namespace defang::emulator
