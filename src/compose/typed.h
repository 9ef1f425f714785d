#pragma once

#include "compose/project.h"

namespace defang::compose {

/// Turns a canonical project into structs. Variables that stay for config are told apart here (TextPiece); in
/// Project::canonical they are printed as `${X}`.
Project to_project(Node canonical);

}  // namespace defang::compose
