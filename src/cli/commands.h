#pragma once

#include "cli/command.h"

/// One function a command, each in the file with its name.
namespace defang::cli {

int run_version(const Arguments& arguments, Context& context);

}  // namespace defang::cli
