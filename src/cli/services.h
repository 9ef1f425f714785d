#pragma once

#include <string>
#include <vector>

#include "cli/session.h"
#include "deploy/services.h"

namespace defang::cli {

/// What runs of a project, with the addresses that people on this machine can use.
Result<std::vector<deploy::ServiceStatus>> services_of(Session& session, const std::string& project, Context& context);
/// Leaves the services that the words name, all where there are none; a word that names none is the user's mistake.
bool select_services(std::vector<deploy::ServiceStatus>& services, const std::vector<std::string>& words,
                     Diagnostics& diagnostics);
/// As the end of `up` shows it.
std::string services_table(const std::vector<deploy::ServiceStatus>& services);
/// The same of services whose revisions were not asked.
std::string addresses_table(const std::vector<deploy::ServiceStatus>& services);

/// For people as the table, for programs as a line of type `services`.
void print_services(const std::vector<deploy::ServiceStatus>& services, const std::string& table,
                    const Arguments& arguments, Context& context);

}  // namespace defang::cli
