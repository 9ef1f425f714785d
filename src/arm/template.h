#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "graph/graph.h"
#include "support/result.h"

namespace defang::arm {

/// Fills references in. `resolve` gives the JSON value of one reference; a text of several pieces becomes one string.
using Resolve = std::function<Result<nlohmann::ordered_json>(const graph::Reference&)>;
Result<nlohmann::ordered_json> to_json(const graph::Value& value, const Resolve& resolve);

/// Stable JSON of a body whose references are written as `{"$ref": "node", ...}`: for hashes and for `plan --format
/// json`.
nlohmann::ordered_json to_json_with_references(const graph::Value& value);

/// A complete deployment template at subscription or group scope; references become resourceId(), reference() and
/// list*() expressions. What ARM has no resource for becomes a parameter with a description ("image of service web").
std::string to_template(const graph::ResourceGraph& graph);

/// design.md section 5: {"resources": [...], "actions": [...]}.
std::string to_plan_json(const graph::ResourceGraph& graph);

}  // namespace defang::arm
