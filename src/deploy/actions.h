#pragma once

#include <memory>

#include "deploy/azure_access.h"
#include "deploy/build_image.h"
#include "deploy/engine.h"

namespace defang::deploy {

/// What ARM has no resource for, done in Azure. `access` must outlive it, and so must `packed` (build_image.h).
std::unique_ptr<Actions> make_actions(const AzureAccess& access, const PackedContexts* packed = nullptr);

}  // namespace defang::deploy
