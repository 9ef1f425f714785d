#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "deploy/azure_access.h"
#include "deploy/build_image.h"
#include "deploy/engine.h"
#include "deploy/stack_record.h"
#include "plan/plan.h"

namespace defang::deploy {

struct DeploymentOptions {
  bool force = false;    // write even what is as wished for, run jobs again
  bool rebuild = false;  // build even what was built from the same things
  bool is_part = false;  // the graph is of some services only: nothing is left over
  Pull pull = Pull::as_services_say;
  std::set<std::string> delete_data;  // services whose stores may lose their data, or go where nobody uses them
  bool keeps_events = true;           // false: who listens keeps them
  bool gave_rights = false;           // EngineOptions'
};

struct Principal {
  std::string id, type;  // object id; "User" or "ServicePrincipal"; empty: unknown
};

StackScope stack_scope(const std::string& project, const plan::Stack& stack);

/// A plan that can be carried out, and what it will find.
struct Prepared {
  graph::ResourceGraph graph;
  StackScope scope;
  StackNames names;
  StackView before;
  std::string fingerprint;
  plan::SharedRegistries registries;  // Facts'
  bool can_assign_roles = true;
  PinnedImages images;
  std::map<std::string, std::chrono::seconds> patience;  // EngineOptions'
  std::set<std::string> may_stop;                        // EngineOptions'
  bool is_as_left = false;  // the last run left everything as it is wished for, and nobody has touched it since
};

/// What the caller has to say to a plan's making.
struct Preparing {
  /// Mistakes that only Azure could show, such as config that is not set.
  std::function<void(const plan::Facts&, Diagnostics&)> check;
  std::function<void(const std::string&)> tell;  // of what takes a while
  std::vector<std::string> services;             // these and what they depend on; empty: all
};

/// From project to plan. Nothing where `diagnostics` says why not. Writes nothing but the registration of resource
/// providers.
Result<std::optional<Prepared>> prepare(const compose::Project& project, const plan::Stack& stack,
                                        const Principal& principal, const AzureAccess& access,
                                        DeploymentOptions options, const Preparing& preparing, Diagnostics& diagnostics,
                                        std::stop_token stop);

/// One run of `up`, whole: the graph through the engine under the stack's lease, then what is left over of services
/// that the project does not have any more. One stream of events, one RunFinished at its end. The stream is kept in
/// the stack's storage as `runs/<time>.jsonl`, what it leaves as `runs/last.json`. Where everything is as left, no
/// request is sent.
/// `packed`: the contexts of builds, where the run has no folders (build_image.h).
RunFinished deploy(const Prepared& prepared, const AzureAccess& access, DeploymentOptions options,
                   const EventSink& sink, std::stop_token stop, const PackedContexts* packed = nullptr);

}  // namespace defang::deploy
