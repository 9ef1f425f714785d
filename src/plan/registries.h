#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/planning.h"

/// The registries that images come from, and whom they know the stack as.
namespace defang::plan {

/// Lets the workload pull `image` as whom somebody signed in at its registry; nothing where nobody did.
void use_login(Planning& plan, providers::Workload& workload, std::string_view image, const SourceSpan& span);

/// All that the stack knows: which images a Dockerfile starts from may depend on its arguments.
std::vector<graph::RegistryLogin> logins_of_builds(Planning& plan);

}  // namespace defang::plan
