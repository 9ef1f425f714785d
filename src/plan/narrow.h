#pragma once

#include <string>
#include <vector>

#include "compose/project.h"
#include "graph/graph.h"

namespace defang::plan {

/// The services of that name and all that they depend on, names each once. A sidecar stands for the service whose
/// replicas it is part of. Names that the project does not have are left out.
std::vector<std::string> with_dependencies(const compose::Project& project, const std::vector<std::string>& services);

/// What of the project's graph deploying these services takes: what serves the whole stack, what they become, and
/// whatever that needs. The rest of the stack stays as it is.
graph::ResourceGraph narrowed(const graph::ResourceGraph& graph, const compose::Project& project,
                              const std::vector<std::string>& services);

}  // namespace defang::plan
