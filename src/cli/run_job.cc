// `run-job`: what the Container Apps job calls; not for people (plan/detached.h).
#include "cli/detached.h"
#include "cli/views/view.h"

namespace defang::cli {

int run_run_job(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  if (settings && (arguments.words.size() != 1 || arguments.project_name.empty()))
    diagnostics.error("run-job.usage", "`run-job` is what `up --detach` starts in Azure", {},
                      "`defang compose up --detach` starts a run, `defang attach` shows it");
  if (!settings || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  settings->is_local = false;  // here everything is where the environment says
  auto session = open_session(std::move(*settings), arguments, context);
  if (!session) {
    print(session.error(), arguments, context);
    return exit_code_of(session.error());
  }
  const auto place = run_place(arguments.project_name, session->stack());
  const auto finished = deploy::carry_out(place, arguments.words.front(), session->access(context),
                                          make_json_view(context), context.stop);
  if (finished) return exit_code_of(*finished);
  print(finished.error(), arguments, context);
  return exit_code_of(finished.error());
}

}  // namespace defang::cli
