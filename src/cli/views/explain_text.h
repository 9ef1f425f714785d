#pragma once

#include <string>
#include <vector>

#include "graph/graph.h"
#include "support/diagnostic.h"

namespace defang::cli {

/// The nodes that a word means: those of a service, the one of that id, or resources of that name. Empty: none.
std::vector<std::string> nodes_named(const graph::ResourceGraph& graph, const std::string& word);
/// Everything that may be asked for: services, node ids.
std::vector<std::string> explainable(const graph::ResourceGraph& graph);

/// Each node: what it is, why it is there, what becomes of it, what it needs and what needs it, its body; then what
/// planning had to say about the service.
std::string explain_text(const graph::ResourceGraph& graph, const std::vector<std::string>& nodes,
                         const std::string& word, const Diagnostics& diagnostics);

}  // namespace defang::cli
