#pragma once

#include "plan/planning.h"

/// What `volumes`, `tmpfs`, `volumes_from`, `secrets` and `configs` become: file shares, scratch folders, files from
/// the vault; or nothing, where they serve development on this machine only.
namespace defang::plan {

/// Decides every mount of every service, and which shares that takes.
void decide_mounts(Planning& plan);
/// Accounts, shares, and what the environment calls them.
void add_file_storage(Planning& plan);
/// The volumes of the service's app or job.
void add_volumes(Planning& plan, PlannedService& planned);
/// What must stand before that app or job can mount them.
std::vector<graph::Edge> needs_of_mounts(const Planning& plan, const PlannedService& planned);

}  // namespace defang::plan
