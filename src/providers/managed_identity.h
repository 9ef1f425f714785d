#pragma once

#include "providers/stack_scope.h"

namespace defang::providers {

/// The identity that pulls images, and the one that reads secrets: one of each for the whole stack. An identity for
/// each app would multiply role assignments and the waiting for them; what the sharing would cost is prevented, since
/// neither is offered to the containers (`identitySettings`, lifecycle None).
graph::Resource pull_identity(const StackScope& scope);
graph::Resource secrets_identity(const StackScope& scope);

/// Its id written out, for the keys of `userAssignedIdentities`, where a reference cannot stand.
/// The one that containers themselves act with, where a managed service knows no keys.
graph::Resource data_identity(const StackScope& scope);
std::string identity_id(const StackScope& scope, const graph::Resource& identity);

}  // namespace defang::providers
