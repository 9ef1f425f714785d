// `compose stop`, `start` and `restart`.
#include "deploy/service_control.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/services.h"

namespace defang::cli {
namespace {

using deploy::Control;
using Json = nlohmann::ordered_json;

int run_control(Control control, std::string_view done_word, const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? project_name(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  auto services = session ? services_of(*session, *project, context) : std::unexpected(session.error());
  if (!services) {
    print(services.error(), arguments, context);
    return exit_code_of(services.error());
  }
  if (!select_services(*services, arguments.words, diagnostics)) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  Json done = Json::array();
  const auto errors = deploy::control_services(
      *session->arm, context.clock, *services, control,
      [&](const deploy::ServiceStatus& service) {
        done.push_back(service.service);
        if (!arguments.json) context.err.write(fmt::format("{} `{}`\n", done_word, service.service));
      },
      context.stop);
  for (const auto& error : errors) print(error, arguments, context);
  if (!errors.empty()) return exit_code_of(errors.front());
  if (arguments.json) context.out.write(Json{{std::string(done_word), done}}.dump() + "\n");
  if (services->empty() && !arguments.json)
    context.err.write(fmt::format("nothing of project `{}` runs in stack `{}`\n", *project, session->stack().name));
  return exit_done;
}

}  // namespace

int run_stop(const Arguments& arguments, Context& context) {
  return run_control(Control::stop, "stopped", arguments, context);
}
int run_start(const Arguments& arguments, Context& context) {
  return run_control(Control::start, "started", arguments, context);
}
int run_restart(const Arguments& arguments, Context& context) {
  return run_control(Control::restart, "restarted", arguments, context);
}

}  // namespace defang::cli
