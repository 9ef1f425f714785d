#include "plan/plan.h"

#include <algorithm>

#include "arm/template.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/views/plan_text.h"
#include "deploy/check_build.h"
#include "deploy/survey.h"

namespace defang::cli {
namespace {

/// Mistakes in builds are errors before anything is deployed; a plan without network is a preview, and only warns.
void check_builds(const compose::Project& project, const Context& context, Diagnostics& diagnostics) {
  Diagnostics found;
  for (const auto& [name, service] : project.services)
    if (service.build) deploy::check_build(name, *service.build, context.disk, found);
  for (auto diagnostic : found.all()) {
    diagnostic.severity = std::max(diagnostic.severity, Diagnostic::Severity::warning);
    diagnostics.add(std::move(diagnostic));
  }
}

arm::TemplateScope template_scope(const compose::Project& project, const plan::Stack& stack) {
  return {.subscription_id = stack.subscription_id.empty() ? plan::kUnknownId : stack.subscription_id,
          .tenant_id = stack.tenant_id.empty() ? plan::kUnknownId : stack.tenant_id,
          .group = plan::resource_group_name(project.name, stack)};
}

std::string written(const compose::Project& project, const plan::Stack& stack, const graph::ResourceGraph& graph,
                    const std::string& format) {
  if (format == "json") return arm::to_plan_json(graph);
  if (format == "arm") return arm::to_template(graph, template_scope(project, stack));
  return plan_text(project, stack, graph);
}

/// What the plan depends on beside the project: who may do what, which host names are bound. Reads only.
Result<std::pair<plan::Stack, plan::Facts>> ask_azure(const compose::Project& project, StackSettings settings,
                                                      const Arguments& arguments, Context& context) {
  TRY_ASSIGN(const auto session, open_session(std::move(settings), arguments, context));
  TRY_ASSIGN(const auto principal, session.principal(context.stop));
  const plan::Stack& stack = session.stack();
  TRY_ASSIGN(auto facts, deploy::survey(*session.arm, stack, plan::resource_group_name(project.name, stack),
                                        plan::vault_name(project.name, stack), principal.id, context.stop));
  facts.principal_type = principal.type;
  return std::pair(stack, std::move(facts));
}

/// Formats that the command line knows and this version lacks.
bool is_built(const std::string& format) { return format != "bicep" && format != "dot" && format != "svg"; }

}  // namespace

int run_plan(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto format = arguments.format.empty() && arguments.json ? "json" : arguments.format;
  if (!is_built(format)) {
    diagnostics.error("cli.format", "plans are not written as `" + format + "` yet", {}, "use text, json or arm");
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  plan::Stack stack = settings->stack;
  plan::Facts facts;
  if (!arguments.offline) {
    auto asked = ask_azure(*project, std::move(*settings), arguments, context);
    if (!asked) {
      if (asked.error().help.empty()) asked.error().help = "`defang plan --offline` asks nobody";
      print(asked.error(), arguments, context);
      return exit_code_of(asked.error());
    }
    std::tie(stack, facts) = std::move(*asked);
  }
  plan::look_at_disk(*project, context.disk, facts);
  const auto graph = plan::build_graph(*project, stack, facts, diagnostics);
  if (!diagnostics.has_errors()) check_builds(*project, context, diagnostics);
  print(diagnostics, arguments, context);
  if (diagnostics.has_errors()) return exit_input_wrong;
  context.out.write(written(*project, stack, graph, format));
  return exit_done;
}

}  // namespace defang::cli
