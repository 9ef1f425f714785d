// Microsoft.ManagedIdentity: user-assigned identities.
#include <fmt/format.h>

#include "emulator/providers/all.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

// Other services do not know a new principal for half a minute (wire facts, Identity and RBAC: 25-30 s).
constexpr double kReplicationSeconds = 28;

std::optional<Answer> write_identity(Write& write) {
  Core& core = write.core;
  Json properties = Json::object();
  if (write.existing != nullptr) {
    properties = write.existing->properties();
  } else {
    const auto principal = core.create_principal(write.path.name(), kReplicationSeconds);
    // Complete at once, without a state (wire facts 1.6).
    properties = {{"tenantId", core.tenant()}, {"principalId", principal.object_id}, {"clientId", principal.client_id}};
  }
  const Json* tags = find_member(write.next.body, "tags");
  write.next.body = {{"location", to_lower(replace_all(text_at(write.next.body, "location"), " ", ""))},
                     {"tags", tags == nullptr ? Json::object() : *tags},
                     {"id", write.next.id},
                     {"name", write.path.name()},
                     {"type", "Microsoft.ManagedIdentity/userAssignedIdentities"},
                     {"properties", properties}};
  return std::nullopt;
}

void forget_principal(Core& core, const Resource& identity) {
  core.store().erase_document("principals", text_at(identity.body, "properties.principalId"));
}

Answer associated_resources(const Context& context) {
  Json values = Json::array();
  for (const Resource* other : context.core.store().resources_below("/subscriptions/" + context.path.subscription)) {
    const Json* identities = find_path(other->body, "identity.userAssignedIdentities");
    if (identities == nullptr || find_member(*identities, context.existing->id) == nullptr) continue;
    values.push_back({{"id", other->id},
                      {"name", other->name()},
                      {"type", other->type},
                      {"resourceGroup", context.path.group},
                      {"subscriptionId", context.path.subscription}});
  }
  return json_answer(200, {{"totalCount", values.size()}, {"value", values}});
}

}  // namespace

void add_managed_identity(Core& core) {
  core.add_type({.type = "Microsoft.ManagedIdentity/userAssignedIdentities",
                 .id_type = "Microsoft.ManagedIdentity/userAssignedIdentities",
                 .no_state = true,
                 .write = write_identity,
                 .removed = forget_principal,
                 .actions = {{"POST listAssociatedResources", associated_resources}}});
}

}  // namespace defang::emulator
