#pragma once

#include "providers/stack_scope.h"

namespace defang::providers {

/// The workspace that keeps the logs of the stack's services.
graph::Resource workspace(const StackScope& scope);

}  // namespace defang::providers
