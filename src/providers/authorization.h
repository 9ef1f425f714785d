#pragma once

#include <set>
#include <string>
#include <string_view>

#include "azure/roles.h"
#include "providers/stack_scope.h"

namespace defang::providers {

/// Lets the identity at node `identity` act in `role` on `about`.
graph::Resource identity_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                              const graph::Resource& identity, azure::Role role);

/// The same about what others made, outside of the stack's group: the group's end does not take it along.
graph::Resource outside_role(const StackScope& scope, std::string_view node, const azure::ResourceId& about,
                             const graph::Resource& identity, azure::Role role);
azure::ResourceId outside_role_id(const StackScope& scope, const azure::ResourceId& about,
                                  const graph::Resource& identity, azure::Role role);

/// Lets the identity at node `identity` give the roles of these GUIDs, and take them back, on `about` and all below it:
/// to service principals, and no other role to anybody.
graph::Resource granting_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                              const graph::Resource& identity, const std::set<std::string>& roles);

/// Lets who deploys, known by object id, act in `role` on `about`. `principal_type` may be empty: Azure looks it up.
graph::Resource principal_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                               const std::string& principal_id, const std::string& principal_type, azure::Role role);

}  // namespace defang::providers
