#include "cli/commands.h"
#include "compose/load.h"
#include "compose/schema.h"
#include "plan/attributes.h"

namespace defang::cli {

int run_compose_schema(const Arguments&, Context& context) {
  std::vector<compose::Extension> extensions;
  for (const auto& row : plan::attribute_support())
    if (row.path.starts_with("x-")) extensions.push_back({std::string(row.path), plan::description_of(row)});
  const auto describe = [](std::string_view path) -> std::string {
    constexpr std::string_view kService = "services.*.";
    if (!path.starts_with(kService)) return "";
    const auto* row = plan::support_of(path.substr(kService.size()));
    return row ? plan::description_of(*row) : "";
  };
  context.out.write(compose::to_json(compose::json_schema(extensions, describe)));
  return exit_done;
}

}  // namespace defang::cli
