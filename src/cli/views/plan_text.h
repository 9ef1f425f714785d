#pragma once

#include <string>

#include "compose/project.h"
#include "graph/graph.h"
#include "plan/plan.h"

namespace defang::cli {

/// What the plan comes to, for people: where it goes, what each service becomes and how it is reached, what is shared,
/// which config must be set, then every node with its reason and needs.
std::string plan_text(const compose::Project& project, const plan::Stack& stack, const graph::ResourceGraph& graph);

}  // namespace defang::cli
