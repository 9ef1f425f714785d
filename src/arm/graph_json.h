#pragma once

#include <string>
#include <string_view>

#include "graph/graph.h"
#include "support/result.h"

namespace defang::arm {

/// A plan written down whole, so that another machine can carry it out: nodes, recipes, explicit edges and places. Of
/// the files that asked for something only the names go along, not the text.
std::string write_graph(const graph::ResourceGraph& graph);
/// Error graph-invalid: not what `write_graph` of this version writes.
Result<graph::ResourceGraph> read_graph(std::string_view text);

}  // namespace defang::arm
