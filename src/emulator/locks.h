#pragma once

#include <optional>
#include <string>

#include "emulator/core.h"

namespace defang::emulator {

/// ARM-55: a lock at the resource or above it refuses deletes, and one of level ReadOnly writes and actions as well; a
/// lock on what is below refuses the delete of the whole.
enum class LockedVerb { write, remove };
std::optional<Answer> refuse_locked(Core& core, const std::string& id, LockedVerb verb);

}  // namespace defang::emulator
