#pragma once

#include <stop_token>

#include "deploy/azure_access.h"
#include "deploy/engine.h"

namespace defang::deploy {

struct DeploymentOptions {
  bool force = false;    // write even what is as wished for, run jobs again
  bool rebuild = false;  // build even what was built from the same things
  bool is_part = false;  // the graph is of some services only: nothing is left over
};

/// One run of `up`, whole: the graph through the engine under the stack's lease, then what is left over of services
/// that the project does not have any more. One stream of events, one RunFinished at its end. The stream is kept in
/// the stack's storage as `runs/<time>.jsonl`.
RunFinished deploy(const graph::ResourceGraph& graph, const AzureAccess& access, const StackScope& scope,
                   DeploymentOptions options, const EventSink& sink, std::stop_token stop);

}  // namespace defang::deploy
