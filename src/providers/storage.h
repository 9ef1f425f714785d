#pragma once

#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// The stack's own storage account with its blob containers: uploads of build contexts, and the state of deployments.
std::vector<graph::Resource> stack_storage(const StackScope& scope);

}  // namespace defang::providers
