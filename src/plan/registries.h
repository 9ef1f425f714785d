#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/planning.h"

/// The registries that images come from, and whom they know the stack as.
namespace defang::plan {

inline constexpr std::string_view kDockerHub = "docker.io";

/// "ghcr.io" of "ghcr.io/me/web:1", as written; empty where the image names no server.
std::string_view server_in(std::string_view image);

/// Lets the workload pull `image`: as whom somebody signed in at its registry, or as its identity where the registry is
/// one of the user's own. Nothing else has to be done for images that everybody may pull.
void let_pull(Planning& plan, providers::Workload& workload, std::string_view image, const SourceSpan& span);

/// A build has no identity that another registry knows: there it is the login or nothing.
void check_base_image(Planning& plan, const compose::Service& service);

/// All that the stack knows: which images a Dockerfile starts from may depend on its arguments.
std::vector<graph::RegistryLogin> logins_of_builds(Planning& plan);

}  // namespace defang::plan
