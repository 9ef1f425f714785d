#pragma once

#include <map>
#include <string>

#include "compose/node.h"

namespace defang::compose {

/// Places in a document that were tagged `!reset` or `!override` (CS-79, CS-80).
struct Resets {
  bool here = false;
  std::map<std::string, Resets> below;  // by key

  const Resets& at(const std::string& key) const;  // nothing, where nothing is tagged
};

/// Takes the values tagged `!reset` out of the document and says where tags stood.
Resets take_resets(Node& document);
/// Removes from `project` what stands at those places.
void apply_resets(Node& project, const Resets& resets);

}  // namespace defang::compose
