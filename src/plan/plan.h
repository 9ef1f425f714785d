#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compose/project.h"
#include "graph/graph.h"
#include "support/diagnostic.h"

namespace defang::plan {

/// A named instance of a project on Azure.
struct Stack {
  std::string name = "default";
  std::string subscription_id;  // GUID; offline without one: all zeros, and the plan says so
  std::string tenant_id;        // empty offline
  std::string location = "westus3";
  std::string vnet_range = "10.0.0.0/16";
};

/// What planning needs to know of Azure; read by the engine's survey, asked for by `facts_needed`. Absent when offline.
struct Facts {
  /// Roles can be assigned in the group. Contributors cannot: then vault access policies, registry and storage keys are
  /// used instead.
  bool can_assign_roles = true;
  /// The registry may run tasks (ACR-31). False: images are built here and pushed.
  bool can_run_tasks = true;
  std::string principal_id;  // object id of who deploys, for access policies; empty: unknown
  /// Container app name -> `customDomains` of the live app, sent back on every write (CA-130).
  std::map<std::string, graph::Value> live_custom_domains;
  /// Config names in the vault. Absent: not read.
  std::optional<std::set<std::string>> config_names;
};

/// Names of config that the project uses and cannot do without, each with the first place that wants it.
std::map<std::string, SourceSpan> config_needed(const compose::Project& project);

/// The same project, stack and facts always give the same graph. Reports what Azure cannot do as errors, what was
/// adapted as notes.
graph::ResourceGraph build_graph(const compose::Project& project, const Stack& stack, const Facts& facts,
                                 Diagnostics& diagnostics);

/// "defang-{project}-{stack}-{location}" (design.md section 2), shortened with a hash over 90 characters.
std::string resource_group_name(const std::string& project, const Stack& stack);
/// The stack's vault, which exists before the first plan where config was set first. Global, so it ends in a hash of
/// subscription and group.
std::string vault_name(const std::string& project, const Stack& stack);
/// The stack's own storage account (uploads, state, events).
std::string storage_name(const std::string& project, const Stack& stack);

}  // namespace defang::plan
