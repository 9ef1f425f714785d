#pragma once

#include <string>
#include <string_view>

#include "azure/roles.h"
#include "providers/stack_scope.h"

namespace defang::providers {

/// Lets the identity at node `identity` act in `role` on `about`.
graph::Resource identity_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                              const graph::Resource& identity, azure::Role role);

/// Lets who deploys, known by object id, act in `role` on `about`. `principal_type` may be empty: Azure looks it up.
graph::Resource principal_role(const StackScope& scope, std::string_view node, const graph::Resource& about,
                               const std::string& principal_id, const std::string& principal_type, azure::Role role);

}  // namespace defang::providers
