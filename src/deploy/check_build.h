#pragma once

#include <string>

#include "compose/project.h"
#include "support/diagnostic.h"
#include "support/disk.h"

namespace defang::deploy {

/// Mistakes that a builder would only find minutes later: no folder, no or empty Dockerfile, no FROM or one without an
/// image, a stage that does not exist, files copied that the context lacks or `.dockerignore` leaves out. Warns of what
/// only BuildKit can do. `build` without Dockerfile in a known language passes (it is built with buildpacks).
void check_build(const std::string& service, const compose::Build& build, const Disk& disk, Diagnostics& diagnostics);

}  // namespace defang::deploy
