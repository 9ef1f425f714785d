#pragma once

#include <string>
#include <vector>

#include "compose/node.h"

namespace defang::compose {

/// Places in a document that were tagged `!reset` or `!override` (CS-79, CS-80).
using ResetPaths = std::vector<std::vector<std::string>>;

/// Takes the values tagged `!reset` out of the document and says where tags stood.
ResetPaths take_resets(Node& document);
/// Removes from `project` what stands at those places.
void apply_resets(Node& project, const ResetPaths& paths);

}  // namespace defang::compose
