#include "emulator/providers/resource_identity.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::emulator {
namespace {

/// Ids of identities come back with a lower-case "resourcegroups" (wire facts 1.9).
std::string shown_id(const Resource& identity) {
  return replace_all(identity.id, "/resourceGroups/", "/resourcegroups/");
}

std::optional<Answer> add_user_identities(Write& write, const Json& wanted, Json& shown) {
  if (!wanted.is_object()) return std::nullopt;
  for (const auto& [id, value] : wanted.items()) {
    const Resource* identity = write.core.store().find(id);
    if (identity == nullptr)
      return arm_error(400, "FailedIdentityOperation",
                       fmt::format("Identity operation for resource '{}' failed with error 'Failed to perform resource "
                                   "identity operation. Status: 'BadRequest'. Response: '{{\"error\":{{\"code\":"
                                   "\"BadRequest\",\"message\":\"Resource '{}' was not found.\"}}}}'.'.",
                                   write.next.id, id));
    shown["userAssignedIdentities"][shown_id(*identity)] = {
        {"principalId", text_at(identity->body, "properties.principalId")},
        {"clientId", text_at(identity->body, "properties.clientId")}};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Answer> complete_identity(Write& write, IdentitySpelling spelling) {
  const Json* sent = find_member(write.next.body, "identity");
  if (sent == nullptr || !sent->is_object()) return std::nullopt;
  const Json wanted = *sent;
  const std::string type = text_at(wanted, "type");
  const bool system = contains_ignoring_case(type, "SystemAssigned");
  const bool user = contains_ignoring_case(type, "UserAssigned");
  const bool upper = spelling == IdentitySpelling::upper_camel;
  Json shown = Json::object();
  shown["type"] = !system && !user ? "None"
                  : system && user ? (upper ? "SystemAssigned, UserAssigned" : "systemAssigned, userAssigned")
                  : system         ? (upper ? "SystemAssigned" : "systemAssigned")
                                   : (upper ? "UserAssigned" : "userAssigned");
  if (system) {
    std::string principal = text_at(write.next.hidden, "principal");
    if (principal.empty()) principal = write.core.create_principal(write.next.name(), 15).object_id;
    write.next.hidden["principal"] = principal;
    shown["principalId"] = principal;
    shown["tenantId"] = write.core.tenant();
  }
  if (user) {
    const Json* identities = find_member(wanted, "userAssignedIdentities");
    if (auto refusal = add_user_identities(write, identities ? *identities : Json(), shown)) return refusal;
  }
  write.next.body["identity"] = std::move(shown);
  return std::nullopt;
}

}  // namespace defang::emulator
