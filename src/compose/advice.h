#pragma once

#include "compose/project.h"
#include "support/diagnostic.h"

namespace defang::compose {

/// Warnings about what is legal, and still seldom what people want once it is deployed.
/// `home` is the user's home folder, empty where there is none.
void advise(const Project& project, const std::filesystem::path& home, Diagnostics& diagnostics);

}  // namespace defang::compose
