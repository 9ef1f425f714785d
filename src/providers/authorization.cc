#include "providers/authorization.h"

#include <fmt/format.h>

#include "support/digest.h"
#include "support/text.h"

namespace defang::providers {

using graph::Value;

namespace {

constexpr std::string_view kAssignments = "Microsoft.Authorization/roleAssignments";

/// ARM-43: the same wish always has the same name.
std::string assignment_name(const std::string& scope_id, const std::string& seed, azure::Role role) {
  return uuid_of(scope_id + "|" + seed + "|" + std::string(azure::guid_of(role)));
}

graph::Resource assignment(const StackScope& scope, std::string_view node, const std::string& scope_id,
                           const std::string& seed, Value principal_id, const std::string& principal_type,
                           azure::Role role) {
  Value::Map properties = {{"roleDefinitionId", azure::role_definition_id(scope.subscription_id, role)},
                           {"principalId", std::move(principal_id)}};
  // ARM-42: without it a principal that was made seconds ago is not found.
  if (!principal_type.empty()) properties.emplace_back("principalType", principal_type);
  auto resource = make_resource(scope, node, kAssignments, assignment_name(scope_id, seed, role),
                                Value::Map{{"properties", std::move(properties)}});
  resource.scope = scope_id;
  resource.retention = graph::Retention::shared;
  return resource;
}

/// "Examples to delegate Azure role assignment management with conditions", Microsoft Learn: what is asked for counts
/// when a role is given, what is there when it is taken back.
std::string condition_of(const std::set<std::string>& roles) {
  const std::string guids = join({roles.begin(), roles.end()}, ", ");
  const auto only = [&](std::string_view verb, std::string_view source) {
    return fmt::format(
        "((!(ActionMatches{{'Microsoft.Authorization/roleAssignments/{0}'}})) OR "
        "(@{1}[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals {{{2}}} AND "
        "@{1}[Microsoft.Authorization/roleAssignments:PrincipalType] "
        "ForAnyOfAnyValues:StringEqualsIgnoreCase {{'ServicePrincipal'}}))",
        verb, source, guids);
  };
  return only("write", "Request") + " AND " + only("delete", "Resource");
}

}  // namespace

graph::Resource identity_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                              const graph::Resource& identity, azure::Role role) {
  auto resource = assignment(scope, node, scope.id_of(about.type, about.name).text(),
                             scope.id_of(identity.type, identity.name).text(),
                             property_of(identity.id, "properties.principalId"), "ServicePrincipal", role);
  resource.scope = about.id;
  resource.because = identity.id + " is " + std::string(azure::name_of(role)) + " on " + about.id;
  return resource;
}

graph::Resource outside_role(const StackScope& scope, std::string_view node, const azure::ResourceId& about,
                             const graph::Resource& identity, azure::Role role) {
  auto resource = assignment(scope, node, about.text(), scope.id_of(identity.type, identity.name).text(),
                             property_of(identity.id, "properties.principalId"), "ServicePrincipal", role);
  resource.because = fmt::format("{} is {} on `{}` in group `{}`", identity.id, azure::name_of(role), about.last_name(),
                                 about.group_name());
  return resource;
}

azure::ResourceId outside_role_id(const StackScope& scope, const azure::ResourceId& about,
                                  const graph::Resource& identity, azure::Role role) {
  const auto seed = scope.id_of(identity.type, identity.name).text();
  return about.extension(kAssignments, assignment_name(about.text(), seed, role));
}

graph::Resource granting_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                              const graph::Resource& identity, const std::set<std::string>& roles) {
  auto resource = identity_role(scope, node, about, identity, azure::Role::role_based_access_control_administrator);
  auto properties = *resource.body.find("properties");
  properties.set("condition", condition_of(roles));
  properties.set("conditionVersion", "2.0");
  resource.body.set("properties", std::move(properties));
  resource.because = identity.id + " gives the roles that are left to it on " + about.id;
  return resource;
}

graph::Resource principal_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                               const std::string& principal_id, const std::string& principal_type, azure::Role role) {
  auto resource = assignment(scope, node, scope.id_of(about.type, about.name).text(), principal_id, principal_id,
                             principal_type, role);
  resource.scope = about.id;
  resource.because = "who deploys is " + std::string(azure::name_of(role)) + " on " + about.id;
  return resource;
}

}  // namespace defang::providers
