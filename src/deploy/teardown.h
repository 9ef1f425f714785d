#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "deploy/engine.h"

/// Taking away what is ours, and nothing else.
namespace defang::deploy {

struct Removal {
  std::string id, type, name;
};

/// What of a group's resources is to be removed, in phases: everything of one phase at the same time, what uses
/// something before it (ARM-54). Ours are those whose tags say so; ids in `keep` (lower case) stay. Pure.
std::vector<std::vector<Removal>> removal_phases(const std::vector<nlohmann::json>& resources, const StackScope& scope,
                                                 const std::set<std::string>& keep);

struct TeardownOptions {
  StackScope scope;
  /// The vault with the user's config stays, and with it the group.
  bool keep_vault = true;
  /// Volumes and databases stay, and the network that databases cannot leave.
  bool keep_data = true;
};
/// All of the stack. The whole group at once where everything in it is ours and nothing has to stay.
RunFinished tear_down(rest::ArmClient& arm, Clock& clock, const EventSink& sink, const TeardownOptions& options,
                      std::stop_token stop);

/// Apps and jobs of services that the project does not have any more.
RunFinished remove_left_over(rest::ArmClient& arm, Clock& clock, const EventSink& sink,
                             const graph::ResourceGraph& graph, const StackScope& scope, std::stop_token stop);

}  // namespace defang::deploy
