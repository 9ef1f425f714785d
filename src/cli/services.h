#pragma once

#include <string>
#include <vector>

#include "cli/session.h"
#include "deploy/services.h"

namespace defang::cli {

/// What runs of a project, with the addresses that people on this machine can use.
Result<std::vector<deploy::ServiceStatus>> services_of(Session& session, const std::string& project, Context& context);
/// As `ps` and the end of `up` show it.
std::string services_table(const std::vector<deploy::ServiceStatus>& services);

}  // namespace defang::cli
