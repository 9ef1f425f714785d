#include "cli/commands.h"
#include "cli/loading.h"
#include "cli/session.h"

namespace defang::cli {
namespace {

/// What `up` would load, or, with --loader compose, what `docker compose config` does: that knows no stacks.
std::optional<compose::Project> load(const Arguments& arguments, Context& context, Diagnostics& diagnostics) {
  if (arguments.loader == "compose") return compose::load(load_options(arguments, context), context.disk, diagnostics);
  const auto settings = find_stack(arguments, context, diagnostics);
  return settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
}

}  // namespace

int run_compose_config(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto project = load(arguments, context, diagnostics);
  if (!project) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  const bool as_json = arguments.format == "json" || arguments.json;
  // With --json the one document on standard output is the project; its warnings stay on standard error.
  Arguments as_text = arguments;
  as_text.json = false;
  print(diagnostics, as_text, context);
  context.out.write(as_json ? compose::to_json(project->canonical) : compose::to_yaml(project->canonical));
  return exit_done;
}

}  // namespace defang::cli
