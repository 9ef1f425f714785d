#pragma once

#include "emulator/core.h"

namespace defang::emulator {

/// What the group's list shows of a resource where it is asked to (`$expand=createdTime,changedTime`).
void mark_change(const Core& core, Resource& resource);

}  // namespace defang::emulator
