// `cd ls`, `cd logs`, `cd outputs`, `cd cancel`: the runs of a stack; `cd teardown`: the job that carries them out.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/detached.h"
#include "cli/services.h"
#include "cli/views/view.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

int refuse(const Error& error, const Arguments& arguments, Context& context) {
  print(error, arguments, context);
  return exit_code_of(error);
}

}  // namespace

int run_cd_ls(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  auto runs = open_runs(arguments, context, exit_code);
  if (!runs) return exit_code;
  const auto rows = deploy::runs_of(runs->place, runs->session.access(context), context.stop);
  if (!rows) return refuse(rows.error(), arguments, context);
  if (arguments.json) {
    Json list = Json::array();
    for (const auto& row : *rows)
      list.push_back({{"run", row.run}, {"state", row.state}, {"execution", row.execution}});
    context.out.write(Json{{"runs", std::move(list)}}.dump() + "\n");
    return exit_done;
  }
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : *rows) cells.push_back({row.run, row.state, row.execution});
  context.out.write(table({"run", "state", "execution"}, cells));
  return exit_done;
}

int run_cd_logs(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  auto runs = open_runs(arguments, context, exit_code);
  if (!runs) return exit_code;
  const auto access = runs->session.access(context);
  const auto run = wanted_run(*runs, access, arguments, context.stop);
  if (!run) return refuse(run.error(), arguments, context);
  const auto shown = deploy::show(runs->place, *run, access, make_view(arguments, context), context.stop);
  return shown ? exit_done : refuse(shown.error(), arguments, context);
}

int run_cd_outputs(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  auto runs = open_runs(arguments, context, exit_code);
  if (!runs) return exit_code;
  const auto services = services_of(runs->session, runs->place.scope.project, context);
  if (!services) return refuse(services.error(), arguments, context);
  print_services(*services, services_table(*services), arguments, context);
  return exit_done;
}

int run_cd_cancel(const Arguments& arguments, Context& context) {
  if (arguments.words.size() != 1) {
    Diagnostics diagnostics;
    diagnostics.error("cd.usage", "`cd cancel` takes the name of one run", {}, "`defang cd ls` lists the runs");
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  int exit_code = exit_done;
  auto runs = open_runs(arguments, context, exit_code);
  if (!runs) return exit_code;
  const auto& run = arguments.words.front();
  const auto cancelled = deploy::cancel(runs->place, run, runs->session.access(context), context.stop);
  if (!cancelled) return refuse(cancelled.error(), arguments, context);
  if (!arguments.quiet && !arguments.json)
    context.err.write(fmt::format("run `{}` is stopped; what Azure has begun goes on there\n", run));
  return exit_done;
}

int run_cd_teardown(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  auto runs = open_runs(arguments, context, exit_code);
  if (!runs) return exit_code;
  const auto finished =
      deploy::remove_job(runs->place, runs->session.access(context), make_view(arguments, context), context.stop);
  return finished ? exit_code_of(*finished) : refuse(finished.error(), arguments, context);
}

}  // namespace defang::cli
