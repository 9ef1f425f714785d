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
/// The action that puts the content of a top-level secret or config into the vault, or finds it there; nothing where
/// there is none. `kind` is "secret" or "config".
std::optional<std::string> content_node(Planning& plan, const compose::Service& service,
                                        const compose::FileSource& source, const compose::FileReference& use,
                                        std::string_view kind);
/// What must stand before that app or job can mount them.
std::vector<graph::Edge> needs_of_mounts(const Planning& plan, const PlannedService& planned);

}  // namespace defang::plan
