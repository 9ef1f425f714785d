#pragma once

#include "cli/command.h"
#include "compose/load.h"

namespace defang::cli {

/// What the command line and the environment say about loading, the same for every command that needs the project.
compose::LoadOptions load_options(const Arguments& arguments, Context& context);

}  // namespace defang::cli
