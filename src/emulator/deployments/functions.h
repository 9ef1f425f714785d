#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "emulator/deployments/expression.h"

namespace defang::emulator {

/// A function of the template language whose arguments have been evaluated. "ARM template functions", Microsoft Learn.
struct TemplateFunction {
  std::string_view name;
  std::size_t least, most;  // arguments
  Result<Json> (*call)(const std::vector<Json>& arguments, const Surroundings& in);
};
inline constexpr std::size_t kAnyNumber = 1000;

/// Without case; nullptr: no such function here.
const TemplateFunction* find_template_function(std::string_view name);
/// Azure has it, and the emulator lacks it.
bool is_lacking_function(std::string_view name);

Error template_error(std::string message);

}  // namespace defang::emulator
