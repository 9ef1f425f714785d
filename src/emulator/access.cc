// The directory (tenant, principals, tokens) and what role assignments allow.
#include <fmt/format.h>

#include <algorithm>

#include "emulator/core.h"
#include "emulator/roles.h"
#include "emulator/router.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

std::string role_id_of(std::string_view name) {
  for (const auto& role : built_in_roles())
    if (equals_ignoring_case(role.name, name)) return std::string(role.id);
  return std::string(built_in_roles().front().id);
}

/// What a scope tells by itself.
ConditionAttributes with_attributes_of(std::string_view scope, ConditionAttributes attributes) {
  constexpr std::string_view kContainers = "/blobServices/default/containers/";
  const auto at = to_lower(scope).find(to_lower(kContainers));
  if (at != std::string::npos) {
    const auto name = scope.substr(at + kContainers.size());
    attributes["@resource[microsoft.storage/storageaccounts/blobservices/containers:name]"] = {
        std::string(name.substr(0, name.find('/')))};
  }
  return attributes;
}

/// Whether the assignment counts for the request.
bool condition_allows(const Json& assignment, std::string_view action, const ConditionAttributes& attributes) {
  const std::string text = text_at(assignment, "condition");
  if (text.empty()) return true;
  const auto condition = RoleCondition::parse(text);
  return condition && condition->allows(action, attributes);
}

}  // namespace

std::string Core::tenant() const { return text_at(store_.documents("emulator").at("directory"), "tenant"); }
std::string Core::subscription() const { return text_at(store_.documents("emulator").at("directory"), "subscription"); }
std::string Core::signing_key() const { return text_at(store_.documents("emulator").at("directory"), "key"); }

void Core::create_directory() {
  if (store_.find_document("emulator", "directory") == nullptr) {
    Json& directory = store_.edit_document("emulator", "directory");
    directory = {{"tenant", random_.uuid()}, {"subscription", random_.uuid()}, {"key", base64url(random_.bytes(32))}};
    const Principal principal = create_principal("defang", 0);
    // The form of Entra's generated secrets.
    const std::string secret = base64url(random_.bytes(30));
    store_.edit_document("principals", principal.object_id)["secret"] = secret;
    store_.edit_document("emulator", "default") = {
        {"objectId", principal.object_id}, {"clientId", principal.client_id}, {"secret", secret}};
  }
  // The role can be chosen anew at every start.
  const std::string object_id = text_at(store_.documents("emulator").at("default"), "objectId");
  const std::string scope = "/subscriptions/" + subscription();
  const std::string name = uuid_of("default role assignment of " + object_id);
  Resource& assignment =
      put_resource(*this, fmt::format("{}/providers/Microsoft.Authorization/roleAssignments/{}", scope, name),
                   "Microsoft.Authorization/roleAssignments", Json::object());
  assignment.body = {{"properties",
                      {{"roleDefinitionId", fmt::format("{}/providers/Microsoft.Authorization/roleDefinitions/{}",
                                                        scope, role_id_of(options_.role))},
                       {"principalId", object_id},
                       {"principalType", "ServicePrincipal"},
                       {"scope", scope},
                       {"condition", nullptr},
                       {"conditionVersion", nullptr},
                       {"createdOn", now_text()},
                       {"updatedOn", now_text()},
                       {"createdBy", nullptr},
                       {"updatedBy", nullptr},
                       {"delegatedManagedIdentityResourceId", nullptr},
                       {"description", nullptr}}},
                     {"id", assignment.id},
                     {"type", "Microsoft.Authorization/roleAssignments"},
                     {"name", name}};
  assignment.hidden = {{"effective", 0}};
}

Core::Principal Core::create_principal(std::string_view display_name, double visible_after_seconds) {
  const Principal principal{random_.uuid(), random_.uuid()};
  store_.edit_document("principals", principal.object_id) = {{"name", display_name},
                                                             {"clientId", principal.client_id},
                                                             {"visible", now_ms() + scaled_ms(visible_after_seconds)}};
  return principal;
}

std::optional<Core::Rights> Core::rights_of(std::string_view role_definition_id) const {
  if (const Role* role = find_role(role_definition_id))
    return Rights{std::string(role->actions), std::string(role->not_actions), std::string(role->data_actions), ""};
  const auto name = role_definition_id.substr(role_definition_id.rfind('/') + 1);
  for (const Resource* custom : store_.resources_of_type("Microsoft.Authorization/roleDefinitions")) {
    if (!equals_ignoring_case(custom->name(), name)) continue;
    Rights rights;
    const auto add = [](std::string& patterns, const Json& permission, const char* list) {
      if (const Json* actions = find_member(permission, list); actions != nullptr && actions->is_array())
        for (const Json& action : *actions)
          if (action.is_string()) patterns += action.get<std::string>() + " ";
    };
    for (const Json& permission : custom->properties().value("permissions", Json::array())) {
      add(rights.actions, permission, "actions");
      add(rights.not_actions, permission, "notActions");
      add(rights.data_actions, permission, "dataActions");
      add(rights.not_data_actions, permission, "notDataActions");
    }
    return rights;
  }
  return std::nullopt;
}

bool Core::may(std::string_view principal, std::string_view action, std::string_view scope, bool data,
               const ConditionAttributes& attributes) {
  const Lock guard(*this);
  const auto asked = with_attributes_of(scope, attributes);
  const std::string wanted = to_lower(scope);
  for (const Resource* assignment : store_.resources_of_type("Microsoft.Authorization/roleAssignments")) {
    const Json& properties = assignment->properties();
    if (!equals_ignoring_case(text_at(properties, "principalId"), principal)) continue;
    const std::string at = to_lower(text_at(properties, "scope"));
    if (wanted != at && !wanted.starts_with(at == "/" ? at : at + "/")) continue;
    if (integer_at(assignment->hidden, "effective") > now_ms()) continue;
    const auto rights = rights_of(text_at(properties, "roleDefinitionId"));
    if (!rights) continue;
    const bool fits = data ? fits_any(rights->data_actions, action) && !fits_any(rights->not_data_actions, action)
                           : fits_any(rights->actions, action) && !fits_any(rights->not_actions, action);
    if (fits && condition_allows(properties, action, asked)) return true;
  }
  return false;
}

// A JWT as Entra's: header.claims.signature, HS256 with a key of our own.
std::string Core::issue_token(std::string_view principal, std::string_view audience, double lifetime_seconds) {
  const Json* known = store_.find_document("principals", principal);
  const std::int64_t now = now_ms() / 1000;
  const Json header = {{"typ", "JWT"}, {"alg", "HS256"}, {"kid", "defang-emulator"}};
  const Json claims = {{"aud", audience},
                       {"iss", fmt::format("https://sts.windows.net/{}/", tenant())},
                       {"iat", now},
                       {"nbf", now},
                       {"exp", now + static_cast<std::int64_t>(lifetime_seconds)},
                       {"appid", known == nullptr ? "" : text_at(*known, "clientId")},
                       {"appidacr", "1"},
                       {"idp", fmt::format("https://sts.windows.net/{}/", tenant())},
                       {"idtyp", "app"},
                       {"oid", principal},
                       {"sub", principal},
                       {"tid", tenant()},
                       {"ver", "1.0"}};
  const std::string signed_part = base64url(dump(header)) + "." + base64url(dump(claims));
  return signed_part + "." + base64url(hmac_sha256(signing_key(), signed_part));
}

std::optional<Caller> Core::check_token(std::string_view token) {
  const auto parts = split(trim(token), '.');
  if (parts.size() != 3 || base64url(hmac_sha256(signing_key(), parts[0] + "." + parts[1])) != parts[2])
    return std::nullopt;
  const auto claims = parse_json(from_base64(parts[1]));
  if (!claims || integer_at(*claims, "exp") * 1000 < now_ms()) return std::nullopt;
  return Caller{
      .object_id = text_at(*claims, "oid"), .audience = text_at(*claims, "aud"), .tenant = text_at(*claims, "tid")};
}

}  // namespace defang::emulator
