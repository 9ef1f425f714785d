#pragma once

#include <string>
#include <vector>

#include "compose/project.h"
#include "deploy/teardown.h"
#include "graph/graph.h"
#include "plan/plan.h"

namespace defang::cli {

/// Stores with data that the project does not use any more: what becomes of them is said in red.
struct KeptView {
  std::vector<deploy::KeptStore> stays, goes;
  bool wants_color = false;
};

/// What the plan comes to, for people: where it goes, what each service becomes and how it is reached, what is shared,
/// which config must be set, whose data stays or goes, then every node with its reason and needs.
std::string plan_text(const compose::Project& project, const plan::Stack& stack, const graph::ResourceGraph& graph,
                      const KeptView& kept);

}  // namespace defang::cli
