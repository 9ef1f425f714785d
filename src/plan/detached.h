#pragma once

#include <map>
#include <string>
#include <vector>

#include "azure/resource_id.h"
#include "graph/graph.h"
#include "plan/plan.h"

/// A run that goes on in Azure: a Container Apps job in the stack's own environment carries out the plan.
namespace defang::plan {

/// Nodes that only such runs need.
inline constexpr const char* kRunJob = "detached/job";
inline constexpr const char* kRunIdentity = "detached/identity";
inline constexpr const char* kRunRole = "detached/role";
inline constexpr const char* kRunVaultRole = "detached/vault-role";
inline constexpr const char* kRunGrantRole = "detached/grant-role";

/// The job and its identity, once for the whole stack.
std::string run_job_name(const std::string& project, const Stack& stack);
std::string run_identity_name(const std::string& project, const Stack& stack);
/// The assignment at node kRunGrantRole, whether the plan has one or not.
azure::ResourceId run_grant_id(const std::string& project, const Stack& stack);

struct RunJobNeeds {
  /// "defang/run@sha256:..." in the registry of the stack; or the whole name of an image from elsewhere.
  std::string image;
  bool is_from_elsewhere = false;
  std::vector<std::string> arguments;
  std::map<std::string, std::string> environment;
};

/// What must be done before the job can begin, and what it must not do itself: the same graph, cut. The job, with the
/// environment that it lives in; storage, registry and vault, with all roles on them and on the group; files of this
/// machine, which go to the vault.
///
/// Its identity is Contributor of the group, which takes in pulling its image and the key of the storage; where the
/// plan composes secrets from config it may read the vault, too. Where roles are left to it, on what it makes itself,
/// it may give those and no others.
graph::ResourceGraph before_the_job(const graph::ResourceGraph& graph, const std::string& project, const Stack& stack,
                                    const RunJobNeeds& needs);

/// The same graph as the job carries it out, after `first`: files are in the vault by then, and are read from there;
/// who reads values there waits until the job's own role has spread, too, and so does what gives roles. Of what lies
/// outside of the group the job knows nothing: it has no right to.
graph::ResourceGraph in_the_job(const graph::ResourceGraph& graph, const graph::ResourceGraph& first);

}  // namespace defang::plan
