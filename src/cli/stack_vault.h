#pragma once

#include <functional>
#include <string>

#include "azure/resource_id.h"
#include "cli/command.h"
#include "cli/session.h"
#include "support/diagnostic.h"
#include "support/result.h"

namespace defang::cli {

/// Where config and passwords are kept. The project's name is all that it takes of the Compose file.
struct StackVault {
  std::string project;
  Session session;
  azure::ResourceId vault;
};

/// Makes group and vault as the plan has them, where they do not exist yet.
Result<void> ensure_vault(StackVault& place, const Arguments& arguments, Context& context);

/// Runs `work` at the vault of the stack that the arguments name, and turns what it says into an exit status.
int in_vault(const Arguments& arguments, Context& context, Diagnostics& diagnostics,
             const std::function<Result<void>(StackVault& place)>& work);

}  // namespace defang::cli
