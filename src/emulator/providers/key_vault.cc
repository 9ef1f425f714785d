// Microsoft.KeyVault, ARM's half: vaults, deleted vaults, access policies, secrets.
#include "emulator/providers/key_vault.h"

#include <fmt/format.h>

#include <regex>

#include "emulator/providers/all.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::string_view kVaults = "Microsoft.KeyVault/vaults";
constexpr std::string_view kDeleted = "deleted-vaults";  // documents by name
constexpr double kSecondsPerDay = 86400;

const Json* find_deleted(Core& core, const std::string& name) { return core.store().find_document(kDeleted, name); }

std::optional<Answer> check_vault_name(const Context& context) {
  static const std::regex kName("[a-zA-Z](?!.*--)[a-zA-Z0-9-]{1,22}[a-zA-Z0-9]");  // ARM-73
  if (std::regex_match(context.path.name(), kName)) return std::nullopt;
  return arm_error(
      400, "VaultNameNotValid",
      fmt::format(
          "The vault name '{}' is invalid. A vault's name must be between 3-24 alphanumeric characters. The name must "
          "begin with a letter, "
          "end with a letter or digit, and not contain consecutive hyphens. Follow this link for more information: "
          "https://go.microsoft.com/fwlink/?linkid=2147742",
          context.path.name()));
}

/// Names are global (ARM-73), and a deleted vault keeps its own (KV-5).
std::optional<Answer> check_free(const Write& write) {
  for (const Resource* other : write.core.store().resources_of_type(kVaults))
    if (equals_ignoring_case(other->name(), write.path.name()) && !equals_ignoring_case(other->id, write.next.id))
      return arm_error(409, "VaultAlreadyExists",
                       fmt::format("The vault name '{}' is already in use. Vault names are globally unique so it is "
                                   "possible that the name is already taken. If you "
                                   "are sure that the vault name was not taken then it is possible that a vault with "
                                   "the same name was recently deleted but not "
                                   "purged after being placed in a recoverable state.",
                                   write.path.name()));
  if (find_deleted(write.core, write.path.name()) != nullptr)
    return arm_error(409, "ConflictError",
                     "A vault with the same name already exists in deleted state. You need to either recover or purge "
                     "existing key vault. Follow this link "
                     "https://go.microsoft.com/fwlink/?linkid=2149745 for more information on soft delete.");
  return std::nullopt;
}

std::optional<Answer> recover(Write& write) {
  Core& core = write.core;
  const Json* deleted = find_deleted(core, write.path.name());
  if (deleted == nullptr)
    return arm_error(404, "DeletedVaultNotFound",
                     fmt::format("The specified deleted vault '{}' does not exist.", write.path.name()));
  write.next.body = (*deleted)["body"];
  write.next.body["id"] = write.next.id;
  write.next.properties()["provisioningState"] = "Succeeded";
  write.next.properties()["vaultUri"] = fmt::format("https://{}/", core.open_endpoint("vault", write.next.id));
  core.store().erase_document(kDeleted, write.path.name());
  write.seconds = 0;
  return std::nullopt;
}

std::optional<Answer> write_vault(Write& write) {
  Core& core = write.core;
  const Json sent = write.next.properties();
  const std::string mode = to_lower(text_at(sent, "createMode"));
  if (write.existing == nullptr && mode == "recover") return recover(write);
  if (write.existing == nullptr)
    if (auto refusal = check_free(write)) return refusal;
  const bool rbac = true_at(sent, "enableRbacAuthorization");
  const Json* policies = find_member(sent, "accessPolicies");
  if (!rbac && policies == nullptr && !write.patch)
    return arm_error(400, "BadRequest", "The parameter accessPolicies is not specified.");  // KV-1
  const auto before = [&](const char* name) {
    return write.existing == nullptr ? nullptr : find_member(write.existing->properties(), name);
  };
  if (const Json* protection = find_member(sent, "enablePurgeProtection");
      protection != nullptr && protection->is_boolean() && !protection->get<bool>())
    return arm_error(400, "BadRequest",
                     "The property \"enablePurgeProtection\" cannot be set to false. Enabling the purge protection for "
                     "a vault is an irreversible action.");  // KV-4
  const Json* days = find_member(sent, "softDeleteRetentionInDays");
  if (const Json* old = before("softDeleteRetentionInDays"); old != nullptr && days != nullptr && *old != *days)
    return arm_error(
        400, "BadRequest",
        "The property \"softDeleteRetentionInDays\" has been set already and it can't be modified.");  // KV-3

  Json properties = {{"sku", {{"family", "A"}, {"name", text_at(sent, "sku.name")}}},
                     {"tenantId", text_at(sent, "tenantId")},
                     {"accessPolicies", policies == nullptr ? Json::array() : *policies},
                     {"enabledForDeployment", true_at(sent, "enabledForDeployment")}};
  for (const char* name : {"enabledForDiskEncryption", "enabledForTemplateDeployment"})
    if (const Json* value = find_member(sent, name)) properties[name] = *value;
  properties["enableSoftDelete"] = true;
  properties["softDeleteRetentionInDays"] = days != nullptr ? *days : Json(90);
  if (const Json* value = find_member(sent, "enableRbacAuthorization")) properties["enableRbacAuthorization"] = *value;
  if (true_at(sent, "enablePurgeProtection")) properties["enablePurgeProtection"] = true;
  // Rules that let everybody in are not shown.
  if (const Json* rules = find_member(sent, "networkAcls");
      rules != nullptr && !equals_ignoring_case(text_at(*rules, "defaultAction"), "Allow"))
    properties["networkAcls"] = *rules;
  properties["vaultUri"] = fmt::format("https://{}/", core.open_endpoint("vault", write.next.id));
  properties["provisioningState"] = "Succeeded";
  const std::string access = text_at(sent, "publicNetworkAccess");
  properties["publicNetworkAccess"] = access.empty() ? "Enabled" : access;

  const Json* tags = find_member(write.next.body, "tags");
  write.next.body = {{"id", write.next.id},
                     {"name", write.path.name()},
                     {"type", kVaults},
                     {"location", to_lower(replace_all(text_at(write.next.body, "location"), " ", ""))},
                     {"tags", tags == nullptr ? Json::object() : *tags},
                     {"systemData", core.system_data(write.existing, write.request.caller)},
                     {"properties", std::move(properties)}};
  return std::nullopt;
}

/// The PUT's answer shows the address without its slash (wire facts, Key Vault), and a recovered vault is ready at
/// once.
Json show_vault(Core&, const Resource& vault, View view) {
  Json body = vault.body;
  if (view != View::first_answer || vault.state() == "Succeeded") return body;
  auto uri = text_at(body, "properties.vaultUri");
  if (uri.ends_with('/')) uri.pop_back();
  body["properties"]["vaultUri"] = uri;
  return body;
}

void soft_delete(Core& core, const Resource& vault) {
  const std::int64_t days = integer_at(vault.properties(), "softDeleteRetentionInDays", 90);
  core.store().edit_document(kDeleted, vault.name()) = {
      {"id", vault.id},
      {"location", vault.location()},
      {"body", vault.body},
      {"deletionDate", core.now_text()},
      {"scheduledPurgeDate",
       to_iso8601(core.now_ms() + static_cast<std::int64_t>(static_cast<double>(days) * kSecondsPerDay * 1000))}};
  core.close_endpoint("vault", vault.id);
}

// --- deleted vaults
// ---------------------------------------------------------------------------------------------------

Json deleted_body(Core& core, const Json& deleted) {
  const Resource vault{.id = text_at(deleted, "id"), .type = std::string(kVaults), .body = deleted["body"]};
  Json properties = {
      {"vaultId", vault.id},
      {"location", text_at(deleted, "location")},
      {"tags", find_member(vault.body, "tags") == nullptr ? Json::object() : *find_member(vault.body, "tags")},
      {"deletionDate", text_at(deleted, "deletionDate")},
      {"scheduledPurgeDate", text_at(deleted, "scheduledPurgeDate")}};
  if (true_at(vault.body, "properties.enablePurgeProtection")) properties["purgeProtectionEnabled"] = true;
  return {{"id", fmt::format("/subscriptions/{}/providers/Microsoft.KeyVault/locations/{}/deletedVaults/{}",
                             core.subscription(), text_at(deleted, "location"), vault.name())},
          {"name", vault.name()},
          {"type", "Microsoft.KeyVault/deletedVaults"},
          {"properties", properties}};
}

const Json* find_in_location(Core& core, const Request& request) {
  const Json* deleted = find_deleted(core, request.captures.at("name"));
  if (deleted == nullptr ||
      !equals_ignoring_case(text_at(*deleted, "location"), replace_all(request.captures.at("location"), " ", "")))
    return nullptr;
  return deleted;
}

Answer deleted_not_found(const std::string& name) {
  return arm_error(
      404, "DeletedVaultNotFound",
      fmt::format(
          "The specified deleted vault '{}' does not exist. Ensure that the vault was indeed deleted and that it is in "
          "recoverable state. If soft "
          "delete was not enabled then the vault is permanently deleted. Follow this link for more information: "
          "https://go.microsoft.com/fwlink/?linkid=2149745",
          name));
}

Answer get_deleted(Core& core, const Request& request) {
  const Json* deleted = find_in_location(core, request);
  return deleted == nullptr ? deleted_not_found(request.captures.at("name"))
                            : json_answer(200, deleted_body(core, *deleted));
}

Answer list_deleted(Core& core, const Request&) {
  Json values = Json::array();
  for (const auto& [name, deleted] : core.store().documents(kDeleted)) values.push_back(deleted_body(core, deleted));
  return json_answer(200, {{"value", values}});
}

void erase_secrets(Core& core, const std::string& vault_id) {
  const std::string prefix = to_lower(vault_id) + "|";
  std::vector<std::string> keys;
  for (const auto& [key, secret] : core.store().documents("secrets"))
    if (key.starts_with(prefix)) keys.push_back(key);
  for (const auto& key : keys) core.store().erase_document("secrets", key);
}

Answer purge_deleted(Core& core, const Request& request) {
  const Json* deleted = find_in_location(core, request);
  if (deleted == nullptr) return deleted_not_found(request.captures.at("name"));
  const std::string scope = "/subscriptions/" + core.subscription();
  if (!core.may(request.caller.object_id, "Microsoft.KeyVault/locations/deletedVaults/purge/action", scope))
    return arm_error(403, "AuthorizationFailed",
                     fmt::format("The client '{0}' with object id '{0}' does not have authorization to perform action "
                                 "'Microsoft.KeyVault/locations/deletedVaults/purge/action' over scope '{1}'.",
                                 request.caller.object_id, scope));
  if (true_at(*deleted, "body.properties.enablePurgeProtection"))
    return arm_error(
        400, "MethodNotAllowed",
        fmt::format("Operation 'DeletedVaultPurge' is not allowed. Purge protection is enabled for vault '{}'.",
                    request.captures.at("name")));
  const Shape* shape = find_shape("Microsoft.KeyVault/locations/deletedVaults", "POST purge", true);
  const std::string operation = core.new_operation_id();
  const Resource gone{.id = text_at(*deleted, "id"), .type = std::string(kVaults), .body = (*deleted)["body"]};
  core.start_operation(operation, *shape, gone, shape->seconds, false);
  erase_secrets(core, gone.id);
  core.store().erase_document(kDeleted, request.captures.at("name"));
  Answer answer = empty_answer(202);
  answer.headers = core.operation_headers(operation, request);
  return answer;
}

Answer check_name(Core& core, const Request& request) {
  const auto body = request.json();
  const std::string name = body ? text_at(*body, "name") : "";
  bool taken = find_deleted(core, name) != nullptr;
  for (const Resource* other : core.store().resources_of_type(kVaults))
    taken = taken || equals_ignoring_case(other->name(), name);
  if (!taken) return json_answer(200, {{"nameAvailable", true}});
  return json_answer(200, {{"nameAvailable", false},
                           {"reason", "AlreadyExists"},
                           {"message", fmt::format("The vault name '{}' is already in use.", name)}});
}

// --- access policies
// --------------------------------------------------------------------------------------------------

bool same_subject(const Json& a, const Json& b) {
  return equals_ignoring_case(text_at(a, "objectId"), text_at(b, "objectId")) &&
         equals_ignoring_case(text_at(a, "tenantId"), text_at(b, "tenantId"));
}

/// PUT .../accessPolicies/add|replace|remove
Answer change_policies(Core& core, const Request& request) {
  const auto path = parse_arm_path(request.segments);
  if (auto refusal = check_request(core, request, *path, "Microsoft.KeyVault/vaults/accessPolicies/write"))
    return *refusal;
  const Resource* vault = core.store().find(path->parent_id());
  if (vault == nullptr)
    return gateway_error(404, "ResourceNotFound",
                         fmt::format("The Resource 'Microsoft.KeyVault/vaults/{}' was not found.", path->names[0]));
  const auto body = request.json();
  const Json* sent = body ? find_path(*body, "properties.accessPolicies") : nullptr;
  if (sent == nullptr || !sent->is_array())
    return arm_error(400, "BadRequest", "The parameter accessPolicies is not specified.");
  const std::string kind = to_lower(path->name());
  Json policies = kind == "replace" ? Json::array() : vault->properties().value("accessPolicies", Json::array());
  for (const Json& policy : *sent) {
    Json others = Json::array();
    for (const Json& other : policies)
      if (!same_subject(other, policy)) others.push_back(other);
    if (kind != "remove") others.push_back(policy);
    policies = std::move(others);
  }
  core.store().edit(vault->id).properties()["accessPolicies"] = policies;
  return json_answer(200, {{"id", fmt::format("{}/accessPolicies/", vault->id)},
                           {"type", "Microsoft.KeyVault/vaults/accessPolicies"},
                           {"properties", {{"accessPolicies", policies}}}});
}

// --- secrets by ARM (KV-19): never with their value
// ---------------------------------------------------------------------

Json secret_body(const Resource& vault, const std::string& name, const Json& secret) {
  const Json& latest = secret["versions"].back();
  const std::string uri = text_at(vault.body, "properties.vaultUri") + "secrets/" + name;
  Json properties = {{"attributes",
                      {{"enabled", !latest.contains("enabled") || latest["enabled"].get<bool>()},
                       {"created", latest["created"]},
                       {"updated", latest["updated"]}}},
                     {"secretUri", uri},
                     {"secretUriWithVersion", uri + "/" + text_at(latest, "version")}};
  if (latest.contains("contentType")) properties["contentType"] = latest["contentType"];
  Json body = {{"id", fmt::format("{}/secrets/{}", vault.id, name)},
               {"name", name},
               {"type", "Microsoft.KeyVault/vaults/secrets"},
               {"location", vault.location()}};
  if (latest.contains("tags")) body["tags"] = latest["tags"];
  body["properties"] = properties;
  return body;
}

std::expected<const Resource*, Answer> vault_of(Core& core, const Request& request, const std::string& action) {
  const auto path = parse_arm_path(request.segments);
  if (auto refusal = check_request(core, request, *path, action)) return std::unexpected(*refusal);
  const Resource* vault = core.store().find(path->scope + "/providers/Microsoft.KeyVault/vaults/" + path->names[0]);
  if (vault != nullptr) return vault;
  return std::unexpected(
      gateway_error(404, "ParentResourceNotFound",
                    fmt::format("Failed to perform '{}' on resource(s) of type 'vaults/secrets', because the parent "
                                "resource '{}' could not be found.",
                                request.method == "GET" ? "read" : "write",
                                path->scope + "/providers/Microsoft.KeyVault/vaults/" + path->names[0])));
}

const Json* live_secret(Core& core, const Resource& vault, const std::string& name) {
  const Json* secret = core.store().find_document("secrets", key_vault::secret_key(vault.id, name));
  return secret == nullptr || secret->contains("deleted") ? nullptr : secret;
}

Answer put_secret(Core& core, const Request& request) {
  const auto vault = vault_of(core, request, "Microsoft.KeyVault/vaults/secrets/write");
  if (!vault) return vault.error();
  const auto body = request.json();
  const Json* properties = body ? find_member(*body, "properties") : nullptr;
  if (properties == nullptr || text_at(*properties, "value").empty())
    return arm_error(400, "BadRequest", "The parameter value is not specified.");
  Json sent = *properties;
  if (const Json* tags = find_member(*body, "tags")) sent["tags"] = *tags;
  const std::string name = request.captures.at("secret");
  const bool existed = live_secret(core, **vault, name) != nullptr;
  const Answer set = key_vault::set_secret(core, **vault, name, sent);
  if (set.status != 200) return set;
  return json_answer(existed ? 200 : 201, secret_body(**vault, name, *live_secret(core, **vault, name)));
}

Answer get_secret(Core& core, const Request& request) {
  const auto vault = vault_of(core, request, "Microsoft.KeyVault/vaults/secrets/read");
  if (!vault) return vault.error();
  const std::string name = request.captures.at("secret");
  const Json* secret = live_secret(core, **vault, name);
  if (secret == nullptr)
    return arm_error(404, "SecretNotFound",
                     fmt::format("A secret with (name/id) {} was not found in this key vault.", name));
  return json_answer(200, secret_body(**vault, text_at(*secret, "name"), *secret));
}

Answer list_secrets(Core& core, const Request& request) {
  const auto vault = vault_of(core, request, "Microsoft.KeyVault/vaults/secrets/read");
  if (!vault) return vault.error();
  Json values = Json::array();
  const std::string prefix = to_lower((*vault)->id) + "|";
  for (const auto& [key, secret] : core.store().documents("secrets"))
    if (key.starts_with(prefix) && !secret.contains("deleted"))
      values.push_back(secret_body(**vault, text_at(secret, "name"), secret));
  return json_answer(200, {{"value", values}});
}

}  // namespace

void add_key_vault(Core& core) {
  using Kind = BodyCheck::Kind;
  const auto signed_in = Route::Access::signed_in;
  core.add_type(
      {.type = std::string(kVaults),
       .checks =
           {{.path = "properties", .kind = Kind::object, .required = true, .rule = "KV-1"},
            {.path = "properties.tenantId",
             .kind = Kind::text,
             .required = true,
             .rule = "KV-1",
             .message = "The parameter tenantId is not specified."},
            {.path = "properties.sku",
             .kind = Kind::object,
             .required = true,
             .rule = "KV-1",
             .message = "The parameter sku is not specified."},
            {.path = "properties.sku.name",
             .kind = Kind::text,
             .required = true,
             .values = "standard|premium",
             .rule = "KV-1"},
            {.path = "properties.sku.family", .kind = Kind::text, .required = true, .values = "A", .rule = "KV-1"},
            {.path = "properties.accessPolicies", .kind = Kind::list, .rule = "KV-1"},
            {.path = "properties.enableRbacAuthorization", .kind = Kind::boolean, .rule = "KV-6"},
            {.path = "properties.softDeleteRetentionInDays",
             .kind = Kind::integer,
             .min = 7,
             .max = 90,
             .rule = "KV-3"},
            {.path = "properties.publicNetworkAccess", .kind = Kind::text, .rule = "KV-17"},
            {.path = "properties.networkAcls.bypass",
             .kind = Kind::text,
             .values = "AzureServices|None",
             .rule = "KV-17"},
            {.path = "properties.networkAcls.defaultAction",
             .kind = Kind::text,
             .values = "Allow|Deny",
             .rule = "KV-17"},
            {.path = "tags", .kind = Kind::object, .rule = "ARM-56"}},
       .default_code = "BadRequest",
       .check_name = check_vault_name,
       .write = write_vault,
       .removed = soft_delete,
       .show = show_vault});
  const std::string vaults = "/subscriptions/{subscription}/providers/Microsoft.KeyVault";
  core.add_route({"GET", vaults + "/deletedVaults", signed_in, list_deleted});
  core.add_route({"GET", vaults + "/locations/{location}/deletedVaults/{name}", signed_in, get_deleted});
  core.add_route({"POST", vaults + "/locations/{location}/deletedVaults/{name}/purge", signed_in, purge_deleted});
  core.add_route({"POST", vaults + "/checkNameAvailability", signed_in, check_name});
  const std::string vault =
      "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.KeyVault/vaults/{vault}";
  core.add_route({"PUT", vault + "/accessPolicies/{kind}", signed_in, change_policies});
  core.add_route({"PUT", vault + "/secrets/{secret}", signed_in, put_secret});
  core.add_route({"GET", vault + "/secrets/{secret}", signed_in, get_secret});
  core.add_route({"GET", vault + "/secrets", signed_in, list_secrets});
  core.add_data_plane("vault", key_vault::answer);
}

}  // namespace defang::emulator
