#include "cli/missing_config.h"

#include <fmt/format.h>

#include <span>

#include "plan/plan.h"

namespace defang::cli {

void report_missing_config(const compose::Project& project, const std::set<std::string>& present,
                           Diagnostics& diagnostics) {
  for (const auto& [name, uses] : plan::config_needed(project)) {
    if (present.contains(name)) continue;
    Diagnostic missing{
        .code = "config.missing",
        .message = fmt::format("config `{}` of service `{}` is not set", name, uses.front().service),
        .span = uses.front().span,
        .help = fmt::format("set it with `defang config set {}`; the value is kept in the stack's vault", name),
        .related = {}};
    for (const auto& use : std::span(uses).subspan(1))
      missing.related.push_back({fmt::format("service `{}` needs it, too", use.service), use.span});
    diagnostics.add(std::move(missing));
  }
}

}  // namespace defang::cli
