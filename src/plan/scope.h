#pragma once

#include "plan/plan.h"
#include "providers/stack_scope.h"

namespace defang::plan {

providers::StackScope scope_of(const std::string& project, const Stack& stack, bool can_assign_roles = true);

}  // namespace defang::plan
