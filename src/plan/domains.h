#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compose/project.h"
#include "plan/planning.h"

namespace defang::plan {

/// Why this is no host name; empty: it is one. Lower case, without the last dot.
std::string fault_of_host(std::string_view host);

/// Reports domains that cannot be; after the ingress of all services is decided.
void check_domains(Planning& plan);

}  // namespace defang::plan
