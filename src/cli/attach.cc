// `attach`: shows a run to its end, from any machine.
#include "cli/detached.h"
#include "cli/services.h"
#include "cli/views/view.h"

namespace defang::cli {

int run_attach(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  auto runs = open_runs(arguments, context, exit_code);
  if (!runs) return exit_code;
  const auto refuse = [&](const Error& error) {
    print(error, arguments, context);
    return exit_code_of(error);
  };
  const auto access = runs->session.access(context);
  const auto run = wanted_run(*runs, access, arguments, context.stop);
  if (!run) return refuse(run.error());
  const auto finished = deploy::follow(runs->place, *run, access, make_view(arguments, context), context.stop);
  if (!finished) {
    if (finished.error().kind == Error::Kind::stopped && !arguments.json && !arguments.quiet)
      context.err.write("the run goes on in Azure; `defang attach` shows it again\n");
    return refuse(finished.error());
  }
  if (finished->how != deploy::RunFinished::How::done) return exit_code_of(*finished);
  const auto services = services_of(runs->session, runs->place.scope.project, context);
  if (!services) return refuse(services.error());
  print_services(*services, services_table(*services), arguments, context);
  return exit_done;
}

}  // namespace defang::cli
