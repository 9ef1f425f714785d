#include <fmt/format.h>

#include <algorithm>

#include "cli/commands.h"
#include "cli/detached.h"
#include "cli/domains.h"
#include "cli/missing_config.h"
#include "cli/services.h"
#include "cli/session.h"
#include "cli/views/view.h"
#include "deploy/check_build.h"
#include "deploy/deployment.h"
#include "plan/narrow.h"
#include "support/text.h"

namespace defang::cli {
namespace {

std::string quoted_names(const compose::Project& project) {
  std::vector<std::string> names;
  for (const auto& [name, service] : project.services) names.push_back("`" + name + "`");
  return join(names, ", ");
}

/// The project with no other services than those that are deployed.
compose::Project chosen(const compose::Project& project, const Arguments& arguments) {
  auto part = project;
  if (arguments.words.empty()) return part;
  const auto wanted = plan::with_dependencies(project, arguments.words);
  std::erase_if(part.services,
                [&](const auto& entry) { return std::ranges::find(wanted, entry.first) == wanted.end(); });
  return part;
}

/// The services that are named, and all that they depend on; those of profiles that are not active take part when they
/// are named, as in Docker Compose.
void narrow_project(const Arguments& arguments, const StackSettings& settings, Context& context,
                    std::optional<compose::Project>& project, Diagnostics& diagnostics) {
  const auto is_inactive = [&](const std::string& name) {
    return std::ranges::find(project->disabled_services, name) != project->disabled_services.end();
  };
  if (std::ranges::any_of(arguments.words, is_inactive)) {
    auto everything = arguments;
    everything.profiles = {"*"};
    auto all = load_project(everything, settings, context, diagnostics);
    if (!all) return project.reset();
    std::erase_if(all->services, [&, wanted = plan::with_dependencies(*all, arguments.words)](const auto& entry) {
      return is_inactive(entry.first) && std::ranges::find(wanted, entry.first) == wanted.end();
    });
    project = std::move(all);
  }
  for (const auto& word : arguments.words)
    if (!project->services.contains(word))
      diagnostics.error("services.unknown", fmt::format("the project has no service `{}`", word), {},
                        "its services are " + quoted_names(*project));
}

/// Mistakes in the folders that images are built from, found before anything is written.
void check_builds(const compose::Project& project, const Disk& disk, Diagnostics& diagnostics) {
  for (const auto& [name, service] : project.services)
    if (service.build) deploy::check_build(name, *service.build, disk, diagnostics);
}

/// What can be found out without Azure is said before anybody has to sign in.
void check_plan_offline(const compose::Project& project, const plan::Stack& stack, Context& context,
                        Diagnostics& diagnostics) {
  Diagnostics offline;
  plan::Facts facts;
  plan::look_at_disk(project, context.disk, facts);
  plan::build_graph(project, stack, facts, offline);
  if (!offline.has_errors()) return;
  for (const auto& one : offline.all()) diagnostics.add(one);
}

Result<std::optional<deploy::Prepared>> prepare(const compose::Project& project, Session& session,
                                                const deploy::AzureAccess& access, deploy::DeploymentOptions options,
                                                const Arguments& arguments, Context& context,
                                                Diagnostics& diagnostics) {
  const deploy::Preparing preparing{.check =
                                        [&](const plan::Facts& facts, Diagnostics& said) {
                                          if (facts.config_names)
                                            report_missing_config(chosen(project, arguments), *facts.config_names,
                                                                  said);
                                        },
                                    .tell =
                                        [&](const std::string& text) {
                                          if (!arguments.quiet && !arguments.json)
                                            context.err.write("  " + text + "\n");
                                        },
                                    .services = arguments.words};
  TRY_ASSIGN(const auto principal, session.principal(context.stop));
  return deploy::prepare(project, session.stack(), {principal.id, principal.type}, access, options, preparing,
                         diagnostics, context.stop);
}

/// Where everything is as it was left, what the apps say of themselves is enough: `ps` asks their revisions.
Result<std::vector<deploy::ServiceStatus>> services_now(const deploy::Prepared& prepared, Session& session,
                                                        Context& context) {
  if (!prepared.is_as_left) return services_of(session, prepared.scope.project, context);
  TRY_ASSIGN(const auto loopback, deploy::loopback_urls(*session.arm, session.cloud.emulator_ingress, context.stop));
  return deploy::services_in(prepared.before.apps, prepared.scope.project, prepared.scope.stack, loopback);
}

/// What runs now, for people as a table, for programs as the last line.
int show_services(const deploy::Prepared& prepared, Session& session, const Arguments& arguments, Context& context) {
  const auto services = services_now(prepared, session, context);
  if (!services) {
    print(services.error(), arguments, context);
    return exit_code_of(services.error());
  }
  print_services(*services, prepared.is_as_left ? addresses_table(*services) : services_table(*services), arguments,
                 context);
  return exit_done;
}

/// A project that can be deployed.
struct Ready {
  compose::Project project;
  Session session;
  deploy::DeploymentOptions options;
  deploy::Prepared prepared;
};

/// Nothing when an error was printed: the command ends with `exit_code`.
std::optional<Ready> make_ready(const Arguments& arguments, Context& context, int& exit_code) {
  Diagnostics diagnostics;
  exit_code = exit_input_wrong;
  auto settings = find_stack(arguments, context, diagnostics);
  auto project = settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
  if (project && !arguments.words.empty()) narrow_project(arguments, *settings, context, project, diagnostics);
  if (!arguments.delete_data_of.empty() && !arguments.words.empty())
    diagnostics.error("up.usage", "`--delete-data` looks at the whole project, not at some services of it", {},
                      "leave out the names of services");
  if (project) check_builds(chosen(*project, arguments), context.disk, diagnostics);
  if (project && !diagnostics.has_errors()) check_plan_offline(*project, settings->stack, context, diagnostics);
  if (!project || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return std::nullopt;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  if (!session) {
    print(diagnostics, arguments, context);
    print(session.error(), arguments, context);
    exit_code = exit_code_of(session.error());
    return std::nullopt;
  }
  const deploy::DeploymentOptions options{
      .force = arguments.force,
      .rebuild = arguments.build,
      .is_part = !arguments.words.empty(),
      .pull = deploy::parse_pull(arguments.pull),
      .delete_data = {arguments.delete_data_of.begin(), arguments.delete_data_of.end()}};
  auto prepared = prepare(*project, *session, session->access(context), options, arguments, context, diagnostics);
  print(diagnostics, arguments, context);
  if (!prepared) {
    print(prepared.error(), arguments, context);
    exit_code = exit_code_of(prepared.error());
    return std::nullopt;
  }
  if (!*prepared) return std::nullopt;
  return Ready{std::move(*project), std::move(*session), options, std::move(**prepared)};
}

}  // namespace

int run_up(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  auto ready = make_ready(arguments, context, exit_code);
  if (!ready) return exit_code;
  auto& [project, session, options, prepared] = *ready;
  if (wants_job(arguments, session.settings) && !prepared.is_as_left)
    return run_detached(std::move(prepared), options, session, arguments, context);
  const auto finished =
      deploy::deploy(prepared, session.access(context), options, make_view(arguments, context), context.stop);
  const int code = exit_code_of(finished);
  if (code == exit_interrupted)
    return hand_over(std::move(prepared), options, session, arguments, context).value_or(code);
  if (code != exit_done) return code;
  const int shown = show_services(prepared, session, arguments, context);
  return shown == exit_done ? secure_after_up(project, session, arguments, context) : shown;
}

int run_cd_install(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  auto ready = make_ready(arguments, context, exit_code);
  return ready ? install_job(std::move(ready->prepared), ready->session, arguments, context) : exit_code;
}

}  // namespace defang::cli
