#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "compose/node.h"

namespace defang::compose {

/// A key that this program adds to services: `x-defang-...`.
struct Extension {
  std::string name;
  std::string description;
};

/// JSON Schema (draft 2020-12) of a Compose file, written from the table of attributes. `describe` says a sentence on
/// an attribute, by its path in the table, or nothing.
Node json_schema(const std::vector<Extension>& extensions,
                 const std::function<std::string(std::string_view path)>& describe);

}  // namespace defang::compose
