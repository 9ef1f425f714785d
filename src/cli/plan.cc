#include "plan/plan.h"

#include "arm/template.h"
#include "cli/commands.h"
#include "cli/planned.h"
#include "cli/views/plan_text.h"

namespace defang::cli {
namespace {

std::string written(const Planned& planned, const std::string& format) {
  if (format == "json") return arm::to_plan_json(planned.graph);
  if (format == "arm") return arm::to_template(planned.graph, planned.template_scope());
  if (format == "bicep") return arm::to_bicep(planned.graph, planned.template_scope());
  if (format == "dot") return arm::to_dot(planned.graph);
  if (format == "svg") return arm::to_svg(planned.graph);
  return plan_text(planned.project, planned.stack, planned.graph);
}

}  // namespace

int run_plan(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  const auto planned = make_plan(arguments, context, exit_code);
  if (planned)
    context.out.write(written(*planned, arguments.format.empty() && arguments.json ? "json" : arguments.format));
  return exit_code;
}

}  // namespace defang::cli
