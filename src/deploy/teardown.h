#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
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

/// What only runs in Azure need: their job, its identity, and all roles of that one.
struct RunJobNames {
  std::string job, identity;
};

struct TeardownOptions {
  StackScope scope;
  /// The vault with the user's config stays, and with it the group.
  bool keep_vault = true;
  /// Volumes and databases stay, and the network that databases cannot leave.
  bool keep_data = true;
  /// Returns as soon as Azure has taken the order. Only where the whole group goes: parts go one after another.
  bool no_wait = false;
  /// The identity that may have roles outside of the group, which do not go with it (ARM-44).
  std::optional<azure::ResourceId> pulls_with;
  /// Where the job itself does it: unless the whole group goes, it leaves what it runs in.
  std::optional<RunJobNames> carried_out_by;
};
/// Whether nothing of the stack is to outlive its group: everything in it is ours and nothing has to stay, or it is
/// gone already.
Result<bool> takes_whole_group(rest::ArmClient& arm, const TeardownOptions& options, std::stop_token stop);

/// What is there when a stack is gone, and why.
struct Remaining {
  std::string type, name;
  enum class Why {
    data,          // volumes and databases, and what they cannot be without
    config,        // the vault holds what the user set
    foreign,       // its tags name another owner, or none
    soft_deleted,  // Azure keeps a deleted vault for some days
    not_removed,   // could not be deleted, or not any more before the stop
  } why = Why::foreign;
};
struct TeardownResult {
  RunFinished finished;
  std::vector<Remaining> remaining;  // sorted by type and name
};
/// All of the stack. The whole group at once where everything in it is ours and nothing has to stay.
TeardownResult tear_down(rest::ArmClient& arm, Clock& clock, const EventSink& sink, const TeardownOptions& options,
                         std::stop_token stop);

/// Only the roles outside of the group, where a job is to take the rest away: it has no right to these.
RunFinished take_roles_back(rest::ArmClient& arm, Clock& clock, const EventSink& sink, const TeardownOptions& options,
                            std::stop_token stop);

struct LeftOver {
  std::set<std::string> new_services;  // who may be one of them under another name
  std::set<std::string> delete_data;   // services whose stores go, too
};
/// Apps and jobs of services that the project does not have any more. Stores of such services stay, and are named,
/// unless the user wants them gone.
RunFinished remove_left_over(rest::ArmClient& arm, Clock& clock, const EventSink& sink,
                             const graph::ResourceGraph& graph, const StackScope& scope, const LeftOver& left_over,
                             std::stop_token stop);

/// A store with the user's data that the project does not use any more, or not under this name: no run deletes it
/// unless told to.
struct KeptStore {
  std::string type, name, service;  // no service: of the whole stack
};
/// Sorted by type and name. Reads only; a stack that is not there has none.
Result<std::vector<KeptStore>> kept_stores(rest::ArmClient& arm, const graph::ResourceGraph& graph,
                                           const StackScope& scope, std::stop_token stop);

/// The job of runs in Azure, which needs nothing else.
RunFinished remove_run_job(rest::ArmClient& arm, Clock& clock, const EventSink& sink, const StackScope& scope,
                           const RunJobNames& names, std::stop_token stop);

}  // namespace defang::deploy
