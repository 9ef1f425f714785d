#pragma once

#include "providers/stack_scope.h"

namespace defang::providers {

/// The stack's registry, which also builds. Without the right to assign roles its admin user is on, and the password of
/// that user goes through the vault.
graph::Resource registry(const StackScope& scope);

}  // namespace defang::providers
