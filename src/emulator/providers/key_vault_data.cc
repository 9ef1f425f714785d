// Key Vault's data plane: secrets with versions, soft delete, and who may read them.
#include <fmt/format.h>

#include <algorithm>
#include <regex>

#include "emulator/providers/key_vault.h"
#include "support/text.h"

namespace defang::emulator {

namespace key_vault {

namespace {

constexpr std::string_view kAudience = "https://vault.azure.net";
constexpr std::size_t kPage = 25;                 // KV-18
constexpr std::size_t kLongestValue = 25 * 1024;  // KV-10

Answer vault_error(int status, std::string_view code, std::string_view message, std::string_view inner = "") {
  Json error = {{"code", code}, {"message", message}};
  if (!inner.empty()) error["innererror"] = {{"code", inner}};
  return json_answer(status, {{"error", error}});
}

Answer challenge(Core& core, std::string_view message) {
  Answer answer = vault_error(401, "Unauthorized", message);
  answer.headers.set("WWW-Authenticate", fmt::format("Bearer authorization=\"{}/{}\", resource=\"{}\"",
                                                     core.arm_base_url(), core.tenant(), kAudience));
  return answer;
}

/// One thing one can do with secrets, in both models of rights.
struct Right {
  std::string_view policy;  // of accessPolicies
  std::string_view action;  // of roles
};
constexpr Right kGet{"get", "Microsoft.KeyVault/vaults/secrets/getSecret/action"};
constexpr Right kList{"list", "Microsoft.KeyVault/vaults/secrets/readMetadata/action"};
constexpr Right kSet{"set", "Microsoft.KeyVault/vaults/secrets/setSecret/action"};
constexpr Right kUpdate{"set", "Microsoft.KeyVault/vaults/secrets/update/action"};
constexpr Right kDelete{"delete", "Microsoft.KeyVault/vaults/secrets/delete"};
constexpr Right kRecover{"recover", "Microsoft.KeyVault/vaults/secrets/recover/action"};
constexpr Right kPurge{"purge", "Microsoft.KeyVault/vaults/secrets/purge/action"};
constexpr Right kBackup{"backup", "Microsoft.KeyVault/vaults/secrets/backup/action"};
constexpr Right kRestore{"restore", "Microsoft.KeyVault/vaults/secrets/restore/action"};

bool policy_allows(const Resource& vault, const std::string& principal, const Right& right) {
  const Json* policies = find_member(vault.properties(), "accessPolicies");
  if (policies == nullptr) return false;
  for (const Json& policy : *policies) {
    const Json* permissions = find_path(policy, "permissions.secrets");
    if (permissions == nullptr || !equals_ignoring_case(text_at(policy, "objectId"), principal)) continue;
    for (const Json& permission : *permissions) {
      const std::string text = permission.is_string() ? permission.get<std::string>() : "";
      // `all` is everything but purge.
      if (equals_ignoring_case(text, right.policy) || (equals_ignoring_case(text, "all") && right.policy != "purge"))
        return true;
    }
  }
  return false;
}

std::optional<Answer> refuse(Core& core, const Resource& vault, const std::string& principal, const Right& right,
                             const std::string& name) {
  const bool roles = true_at(vault.properties(), "enableRbacAuthorization");
  const std::string scope = name.empty() ? vault.id : vault.id + "/secrets/" + name;
  if (roles ? core.may(principal, right.action, scope, /*data=*/true) : policy_allows(vault, principal, right))
    return std::nullopt;
  if (roles)
    return vault_error(403, "Forbidden",
                       fmt::format("Caller is not authorized to perform action on resource.\r\nIf role assignments, "
                                   "deny assignments or role definitions were changed "
                                   "recently, please observe propagation time.\r\nCaller: oid={}\r\nAction: "
                                   "'{}'\r\nResource: '{}'\r\nAssignment: (not found)\r\nVault: {};location={}",
                                   principal, right.action, to_lower(scope), vault.name(), vault.location()),
                       "ForbiddenByRbac");
  return vault_error(403, "Forbidden",
                     fmt::format("The user, group or application 'oid={}' does not have secrets {} permission on key "
                                 "vault '{};location={}'. For help resolving this issue, "
                                 "please see https://go.microsoft.com/fwlink/?linkid=2125287",
                                 principal, right.policy, vault.name(), vault.location()),
                     "ForbiddenByPolicy");
}

std::string uri_of(const Resource& vault, const std::string& kind, const std::string& name,
                   const std::string& version = "") {
  return text_at(vault.body, "properties.vaultUri") + kind + "/" + name + (version.empty() ? "" : "/" + version);
}

Answer not_found(const std::string& name) {
  return vault_error(404, "SecretNotFound",
                     fmt::format("A secret with (name/id) {} was not found in this key vault. If you recently deleted "
                                 "this secret you may be able to recover it using the "
                                 "correct recovery command. For help resolving this issue, please see "
                                 "https://go.microsoft.com/fwlink/?linkid=2125182",
                                 name));
}

const Json* find_version(const Json& secret, const std::string& version) {
  if (version.empty()) return &secret["versions"].back();
  for (const Json& other : secret["versions"])
    if (equals_ignoring_case(text_at(other, "version"), version)) return &other;
  return nullptr;
}

enum class Show { value, item, list };

Json bundle(const Resource& vault, const Json& secret, const Json& version, Show show, bool with_version) {
  Json body = Json::object();
  if (show == Show::value) body["value"] = version["value"];
  if (version.contains("contentType")) body["contentType"] = version["contentType"];
  body["id"] = uri_of(vault, "secrets", text_at(secret, "name"), with_version ? text_at(version, "version") : "");
  body["attributes"] = attributes_of(vault, version);
  if (version.contains("tags")) body["tags"] = version["tags"];
  return body;
}

Json deleted_bundle(const Resource& vault, const Json& secret, bool with_version) {
  const Json& version = secret["versions"].back();
  Json body = {{"recoveryId", uri_of(vault, "deletedsecrets", text_at(secret, "name"))},
               {"deletedDate", secret["deleted"]["date"]},
               {"scheduledPurgeDate", secret["deleted"]["purge"]}};
  body.update(bundle(vault, secret, version, Show::item, with_version));
  return body;
}

/// One call on the data plane, after the sign-in.
struct Call {
  Core& core;
  const Request& request;
  const Resource& vault;
  std::string principal;
  std::string name, rest;  // /secrets/{name}/{rest}

  std::optional<Answer> refuse(const Right& right) const {
    return key_vault::refuse(core, vault, principal, right, name);
  }
  const Json* find() const { return core.store().find_document("secrets", secret_key(vault.id, name)); }
  const Json* live() const {
    const Json* secret = find();
    return secret == nullptr || secret->contains("deleted") ? nullptr : secret;
  }
  Json& edit() const { return core.store().edit_document("secrets", secret_key(vault.id, name)); }
};

Answer page(const Call& call, const Json& all, const std::string& path) {
  std::size_t size = kPage;
  if (const auto asked = to_number(call.request.query_value("maxresults")))
    size = static_cast<std::size_t>(std::clamp<std::uint64_t>(*asked, 1, kPage));
  const std::size_t from = static_cast<std::size_t>(to_number(call.request.query_value("$skiptoken")).value_or(0));
  Json values = Json::array();
  for (std::size_t i = from; i < std::min(all.size(), from + size); ++i) values.push_back(all[i]);
  Json next = nullptr;
  if (from + size < all.size())
    next =
        fmt::format("{}{}?api-version={}&$skiptoken={}&maxresults={}", text_at(call.vault.body, "properties.vaultUri"),
                    path, call.request.query_value("api-version"), from + size, size);
  return json_answer(200, {{"value", values}, {"nextLink", next}});
}

Answer list(const Call& call, bool deleted) {
  if (auto refusal = call.refuse(kList)) return *refusal;
  Json all = Json::array();
  const std::string prefix = to_lower(call.vault.id) + "|";
  for (const auto& [key, secret] : call.core.store().documents("secrets")) {
    if (!key.starts_with(prefix) || secret.contains("deleted") != deleted) continue;
    all.push_back(deleted ? deleted_bundle(call.vault, secret, false)
                          : bundle(call.vault, secret, secret["versions"].back(), Show::list, false));
  }
  return page(call, all, deleted ? "deletedsecrets" : "secrets");
}

Answer list_versions(const Call& call) {
  if (auto refusal = call.refuse(kList)) return *refusal;
  Json all = Json::array();
  if (const Json* secret = call.live())
    for (const Json& version : (*secret)["versions"])
      all.push_back(bundle(call.vault, *secret, version, Show::list, true));
  return page(call, all, "secrets/" + call.name + "/versions");
}

Answer get(const Call& call) {
  if (auto refusal = call.refuse(kGet)) return *refusal;
  const Json* secret = call.live();
  const Json* version = secret == nullptr ? nullptr : find_version(*secret, call.rest);
  if (version == nullptr) return not_found(call.rest.empty() ? call.name : call.name + "/" + call.rest);
  if (version->contains("enabled") && !(*version)["enabled"].get<bool>())
    return vault_error(403, "Forbidden", "Operation get is not allowed on a disabled secret.", "SecretDisabled");
  return json_answer(200, bundle(call.vault, *secret, *version, Show::value, true));
}

Answer set(const Call& call) {
  if (auto refusal = call.refuse(kSet)) return *refusal;
  const auto body = call.request.json();
  if (!body || find_member(*body, "value") == nullptr || !find_member(*body, "value")->is_string())
    return vault_error(400, "BadParameter",
                       "The request body or parameter is invalid: Property  has invalid value\r\n");
  return set_secret(call.core, call.vault, call.name, *body);
}

Answer update(const Call& call) {
  if (auto refusal = call.refuse(kUpdate)) return *refusal;
  const auto body = call.request.json();
  const Json* known = call.live();
  if (known == nullptr || find_version(*known, call.rest) == nullptr) return not_found(call.name);
  const std::string wanted = text_at(*find_version(*known, call.rest), "version");
  Json& secret = call.edit();
  for (Json& version : secret["versions"]) {
    if (text_at(version, "version") != wanted) continue;
    if (const Json* enabled = find_path(*body, "attributes.enabled")) version["enabled"] = *enabled;
    for (const char* name : {"contentType", "tags"})
      if (const Json* value = find_member(*body, name)) version[name] = *value;
    version["updated"] = call.core.now_ms() / 1000;
    return json_answer(200, bundle(call.vault, secret, version, Show::item, true));
  }
  return not_found(call.name);
}

Answer remove(const Call& call) {
  if (auto refusal = call.refuse(kDelete)) return *refusal;
  if (call.live() == nullptr) return not_found(call.name);
  const std::int64_t now = call.core.now_ms() / 1000;
  const std::int64_t days = integer_at(call.vault.properties(), "softDeleteRetentionInDays", 90);
  Json& secret = call.edit();
  secret["deleted"] = {{"date", now}, {"purge", now + days * 86400}};
  return json_answer(200, deleted_bundle(call.vault, secret, true));
}

Answer answer_deleted(const Call& call) {
  const std::string& method = call.request.method;
  const Json* secret = call.find();
  const bool deleted = secret != nullptr && secret->contains("deleted");
  if (method == "GET") {
    if (auto refusal = call.refuse(kGet)) return *refusal;
    return deleted ? json_answer(200, deleted_bundle(call.vault, *secret, true)) : not_found(call.name);
  }
  if (method == "DELETE") {
    if (auto refusal = call.refuse(kPurge)) return *refusal;
    if (!deleted) return not_found(call.name);
    call.core.store().erase_document("secrets", secret_key(call.vault.id, call.name));
    return empty_answer(204);
  }
  if (method == "POST" && equals_ignoring_case(call.rest, "recover")) {
    if (auto refusal = call.refuse(kRecover)) return *refusal;
    if (!deleted) return not_found(call.name);
    Json& changed = call.edit();
    changed.erase("deleted");
    return json_answer(200, bundle(call.vault, changed, changed["versions"].back(), Show::item, true));
  }
  return not_implemented("this call on deleted secrets");
}

/// The backup is ours to read only, so it may be what we like.
Answer backup(const Call& call) {
  if (auto refusal = call.refuse(kBackup)) return *refusal;
  const Json* secret = call.live();
  if (secret == nullptr) return not_found(call.name);
  return json_answer(200, {{"value", base64url(dump(*secret))}});
}

Answer restore(const Call& call) {
  if (auto refusal = call.refuse(kRestore)) return *refusal;
  const auto body = call.request.json();
  const auto secret = body ? parse_json(from_base64(text_at(*body, "value"))) : std::nullopt;
  if (!secret || text_at(*secret, "name").empty())
    return vault_error(400, "BadParameter", "Backup blob contains invalid or corrupt version.");
  const std::string key = secret_key(call.vault.id, text_at(*secret, "name"));
  if (call.core.store().find_document("secrets", key) != nullptr)
    return vault_error(409, "Conflict", "There was a conflict restoring the secret.");
  call.core.store().edit_document("secrets", key) = *secret;
  return json_answer(200, bundle(call.vault, *secret, (*secret)["versions"].back(), Show::item, true));
}

Answer answer_call(const Call& call, const std::string& kind) {
  const std::string& method = call.request.method;
  if (kind == "deletedsecrets") return call.name.empty() ? list(call, true) : answer_deleted(call);
  if (call.name.empty() && method == "GET") return list(call, false);
  if (method == "POST" && equals_ignoring_case(call.name, "restore")) return restore(call);
  if (method == "POST" && equals_ignoring_case(call.rest, "backup")) return backup(call);
  if (method == "GET" && equals_ignoring_case(call.rest, "versions")) return list_versions(call);
  if (method == "GET") return get(call);
  if (method == "PUT") return set(call);
  if (method == "PATCH") return update(call);
  if (method == "DELETE") return remove(call);
  return not_implemented("this call on secrets");
}

}  // namespace

// Names are one without regard to case (KV-11).
std::string secret_key(const std::string& vault_id, const std::string& name) { return to_lower(vault_id + "|" + name); }

Json attributes_of(const Resource& vault, const Json& version) {
  const std::int64_t days = integer_at(vault.properties(), "softDeleteRetentionInDays", 90);
  const bool purgeable = !true_at(vault.properties(), "enablePurgeProtection");
  return {{"enabled", !version.contains("enabled") || version["enabled"].get<bool>()},
          {"created", version["created"]},
          {"updated", version["updated"]},
          {"recoveryLevel",
           std::string(days == 90 ? "Recoverable" : "CustomizedRecoverable") + (purgeable ? "+Purgeable" : "")},
          {"recoverableDays", days}};
}

Answer set_secret(Core& core, const Resource& vault, const std::string& name, const Json& sent) {
  static const std::regex kName("[a-zA-Z0-9-]{1,127}");  // ARM-74
  if (!std::regex_match(name, kName))
    return vault_error(400, "BadParameter", fmt::format("The request URI contains an invalid name: {}", name));
  const std::string value = text_at(sent, "value");
  if (value.size() > kLongestValue)
    return vault_error(400, "BadParameter",
                       "The request body or parameter is invalid: The value is longer than 25600 characters.");
  const Json* known = core.store().find_document("secrets", secret_key(vault.id, name));
  if (known != nullptr && known->contains("deleted"))
    return vault_error(409, "Conflict",
                       fmt::format("Secret {} is currently in a deleted but recoverable state, and its name cannot be "
                                   "reused; in this state, the secret can only be recovered "
                                   "or purged.",
                                   name),
                       "ObjectIsDeletedButRecoverable");
  Json& secret = core.store().edit_document("secrets", secret_key(vault.id, name));
  if (!secret.contains("name")) secret = {{"name", name}, {"versions", Json::array()}};
  const std::int64_t now = core.now_ms() / 1000;
  Json version = {{"version", hex(core.random().bytes(16))}, {"value", value}, {"created", now}, {"updated", now}};
  for (const char* member : {"contentType", "tags"})
    if (const Json* given = find_member(sent, member)) version[member] = *given;
  if (const Json* enabled = find_path(sent, "attributes.enabled")) version["enabled"] = *enabled;
  secret["versions"].push_back(version);
  return json_answer(200, bundle(vault, secret, secret["versions"].back(), Show::value, true));
}

Answer answer(Core& core, Request& request, const std::string& vault_id) {
  const Core::Lock guard(core);
  const Resource* vault = core.store().find(vault_id);
  // The name resolves only once the vault is ready (KV-2).
  if (vault == nullptr || vault->state() == "RegisteringDns") return Answer{.drop = true};
  const std::string authorization = request.headers.get("Authorization");
  if (!equals_ignoring_case(authorization.substr(0, 7), "Bearer "))
    return challenge(core, "AKV10000: Request is missing a Bearer or PoP token.");
  const auto caller = core.check_token(authorization.substr(7));
  if (!caller) return challenge(core, "AKV10022: Invalid token.");
  if (caller->audience.substr(0, kAudience.size()) != kAudience)
    return challenge(core,
                     fmt::format("AKV10022: Invalid audience. Expected {}, found: {}.", kAudience, caller->audience));
  if (request.query_value("api-version").empty())
    return vault_error(400, "BadParameter", "The request URI contains an invalid api-version: ");
  const std::string kind = request.segments.empty() ? "" : to_lower(request.segments[0]);
  if (kind != "secrets" && kind != "deletedsecrets")
    return not_implemented("the vault's " + (kind.empty() ? "root" : kind));
  const auto part = [&](std::size_t i) { return request.segments.size() > i ? request.segments[i] : std::string(); };
  Answer answered = answer_call({core, request, *vault, caller->object_id, part(1), part(2)}, kind);
  answered.headers.set("x-ms-keyvault-region", vault->location());
  answered.headers.set("x-ms-keyvault-service-version", "1.9.0.0");
  return answered;
}

}  // namespace key_vault

SecretRead read_secret(Core& core, const std::string& principal, const std::string& uri) {
  for (const Resource* vault : core.store().resources_of_type("Microsoft.KeyVault/vaults")) {
    const std::string base = text_at(vault->body, "properties.vaultUri") + "secrets/";
    if (!uri.starts_with(base)) continue;
    const auto parts = split(uri.substr(base.size()), '/');
    const Request none;
    const key_vault::Call call{core, none, *vault, principal, parts[0], parts.size() > 1 ? parts[1] : ""};
    const Answer answer = key_vault::get(call);
    const Json body = parse_json(answer.body).value_or(Json::object());
    if (answer.status == 200) return {.value = text_at(body, "value")};
    return {.value = std::nullopt,
            .status = answer.status,
            .code = text_at(body, "error.code"),
            .message = text_at(body, "error.message")};
  }
  return {.value = std::nullopt,
          .status = 404,
          .code = "VaultNotFound",
          .message = fmt::format("The vault of {} could not be found.", uri)};
}

}  // namespace defang::emulator
