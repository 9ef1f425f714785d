#pragma once

#include <memory>

#include "deploy/azure_access.h"
#include "deploy/engine.h"

namespace defang::deploy {

/// What ARM has no resource for, done in Azure. `access` must outlive it.
std::unique_ptr<Actions> make_actions(const AzureAccess& access);

}  // namespace defang::deploy
