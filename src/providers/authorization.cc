#include "providers/authorization.h"

#include "support/digest.h"

namespace defang::providers {

using graph::Value;

namespace {

graph::Resource assignment(const StackScope& scope, std::string_view node, const graph::Resource& about,
                           const std::string& seed, Value principal_id, const std::string& principal_type,
                           azure::Role role) {
  constexpr std::string_view kType = "Microsoft.Authorization/roleAssignments";
  const auto scope_id = scope.id_of(about.type, about.name).text();
  Value::Map properties = {{"roleDefinitionId", azure::role_definition_id(scope.subscription_id, role)},
                           {"principalId", std::move(principal_id)}};
  // ARM-42: without it a principal that was made seconds ago is not found.
  if (!principal_type.empty()) properties.emplace_back("principalType", principal_type);
  // ARM-43: the same wish always has the same name.
  auto resource =
      make_resource(scope, node, kType, uuid_of(scope_id + "|" + seed + "|" + std::string(azure::guid_of(role))),
                    Value::Map{{"properties", std::move(properties)}});
  resource.scope = about.id;
  resource.retention = graph::Retention::shared;
  return resource;
}

}  // namespace

graph::Resource identity_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                              const graph::Resource& identity, azure::Role role) {
  auto resource = assignment(scope, node, about, scope.id_of(identity.type, identity.name).text(),
                             property_of(identity.id, "properties.principalId"), "ServicePrincipal", role);
  resource.because = identity.id + " is " + std::string(azure::name_of(role)) + " on " + about.id;
  return resource;
}

graph::Resource principal_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                               const std::string& principal_id, const std::string& principal_type, azure::Role role) {
  auto resource = assignment(scope, node, about, principal_id, principal_id, principal_type, role);
  resource.because = "who deploys is " + std::string(azure::name_of(role)) + " on " + about.id;
  return resource;
}

}  // namespace defang::providers
