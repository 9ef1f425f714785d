#pragma once

#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// The stack's network and, one after another as child resources (NET-1), its subnets.
std::vector<graph::Resource> network(const StackScope& scope);

/// "10.0.0.0/16" -> "10.0.0.0/23": what the apps get of the stack's range.
std::string apps_range(const std::string& vnet_range);

}  // namespace defang::providers
