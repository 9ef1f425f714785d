#include "cli/detached.h"

#include <fmt/format.h>

#include <expected>
#include <nlohmann/json.hpp>

#include "cli/views/view.h"
#include "deploy/event_log.h"
#include "deploy/program_image.h"
#include "deploy/state_storage.h"
#include "plan/detached.h"
#include "rest/trust.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string variable_of(const StackSettings& settings, const std::string& name) {
  const auto found = settings.environment.find(name);
  return found == settings.environment.end() ? "" : found->second;
}

/// ARM-41.
Error may_not_assign_roles(const std::string& group) {
  return {.kind = Error::Kind::refused,
          .code = "roles-needed",
          .message = fmt::format("`--detach` gives the job's identity a role on `{}`, and you may not: "
                                 "Microsoft.Authorization/roleAssignments/write is missing",
                                 group),
          .help = "leave `--detach` out, or ask for the role `Role Based Access Control Administrator`"};
}

/// This one, unless another is named.
Result<std::string> read_program(const StackSettings& settings, const Context& context) {
  const auto named = variable_of(settings, "DEFANG_CD_PROGRAM");
  return context.disk.read(named.empty() ? context.program_path : named);
}

bool can_be_handed_over(const deploy::Prepared& prepared, const StackSettings& settings, const Context& context) {
  if (!prepared.can_assign_roles) return false;
  if (!variable_of(settings, "DEFANG_CD_IMAGE").empty()) return true;
  const auto program = read_program(settings, context);
  return program && !deploy::why_not_alone(*program);
}

/// The program that is to run there, with the authorities that this one trusts.
Result<rest::OciImage> program_image(const StackSettings& settings, const Context& context) {
  TRY_ASSIGN(const auto program, read_program(settings, context));
  TRY_ASSIGN(const auto authorities_file, rest::trusted_ca_file(variable_of(settings, "SSL_CERT_FILE")));
  TRY_ASSIGN(const auto authorities, context.disk.read(authorities_file));
  return deploy::make_program_image(program, authorities);
}

plan::RunJobNeeds needs_of(const deploy::StackScope& scope, const Session& session) {
  plan::RunJobNeeds needs{.arguments = {"run-job", "--stack", scope.stack, "--project-name", scope.project}};
  for (const char* name : {"AZURE_CLOUD", "AZURE_RESOURCE_MANAGER_ENDPOINT", "AZURE_AUTHORITY_HOST"})
    if (const auto value = variable_of(session.settings, name); !value.empty()) needs.environment[name] = value;
  needs.environment["AZURE_SUBSCRIPTION_ID"] = scope.subscription;
  needs.environment["AZURE_TENANT_ID"] = session.stack().tenant_id;
  needs.environment["AZURE_LOCATION"] = session.stack().location;
  return needs;
}

/// The stream of a run that another goes on with: its good end is none.
deploy::EventSink without_good_end(deploy::EventSink sink) {
  return [sink = std::move(sink)](const deploy::Event& event) {
    const auto* finished = std::get_if<deploy::RunFinished>(&event.what);
    if (finished == nullptr || finished->how != deploy::RunFinished::How::done) sink(event);
  };
}

/// What comes before the job, and the job, done by this machine.
struct MadeJob {
  deploy::Prepared rest;     // what is left to the job
  bool gave_rights = false;  // outside of the group, a moment ago
  std::optional<rest::OciImage> image;
};
/// Or an exit code: errors were printed.
std::expected<MadeJob, int> make_job(deploy::Prepared prepared, Session& session, const Arguments& arguments,
                                     Context& context) {
  const auto refuse = [&](const Error& error) {
    print(error, arguments, context);
    return std::unexpected(exit_code_of(error));
  };
  if (!prepared.can_assign_roles) return refuse(may_not_assign_roles(prepared.scope.group));
  auto needs = needs_of(prepared.scope, session);
  MadeJob made;
  if (const auto named = variable_of(session.settings, "DEFANG_CD_IMAGE"); !named.empty()) {
    needs.image = named;
    needs.is_from_elsewhere = true;
  } else {
    auto image = program_image(session.settings, context);
    if (!image) return refuse(image.error());
    needs.image = fmt::format("{}@{}", deploy::kProgramRepository, image->manifest_digest);
    made.image = std::move(*image);
  }
  auto first = prepared;
  first.is_as_left = false;  // which says nothing of the job
  first.graph = plan::before_the_job(prepared.graph, prepared.scope.project, session.stack(), needs);
  const auto view = without_good_end(make_view(arguments, context));
  const deploy::EventSink watch = [&](const deploy::Event& event) {
    const auto* done = std::get_if<deploy::NodeFinished>(&event.what);
    const auto* resource = done == nullptr ? nullptr : first.graph.resource(done->node);
    if (resource != nullptr && resource->is_outside() && done->how != deploy::NodeFinished::How::unchanged)
      made.gave_rights = true;
    view(event);
  };
  const auto begun =
      deploy::deploy(first, session.access(context), {.is_part = true, .keeps_events = false}, watch, context.stop);
  if (begun.how != deploy::RunFinished::How::done) return std::unexpected(exit_code_of(begun));
  if (!first.graph.find(plan::kRunGrantRole)) {
    const auto grant = plan::run_grant_id(prepared.scope.project, session.stack());
    const auto taken = deploy::take_back(grant, session.access(context), context.stop);
    if (!taken) return refuse(taken.error());
  }
  made.rest = std::move(prepared);
  made.rest.graph = plan::in_the_job(made.rest.graph, first.graph);
  return made;
}

void tell_start(const deploy::DetachedRun& run, const deploy::StackScope& scope, const Arguments& arguments,
                Context& context) {
  if (arguments.json) {
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(context.clock.now().time_since_epoch());
    context.out.write(Json{{"type", "detached"},
                           {"time", to_iso8601(time.count())},
                           {"project", scope.project},
                           {"stack", scope.stack},
                           {"run", run.run},
                           {"execution", run.execution}}
                          .dump() +
                      "\n");
    return;
  }
  context.err.write(fmt::format("Azure goes on with it as `{}`; this machine is not needed any more\n", run.execution));
  context.out.write(fmt::format("defang attach -p {} -s {} {}\n", scope.project, scope.stack, run.run));
}

}  // namespace

bool wants_job(const Arguments& arguments, const StackSettings& settings) {
  return arguments.detach || variable_of(settings, "DEFANG_CD") == "job";
}

deploy::RunPlace run_place(const std::string& project, const plan::Stack& stack) {
  return {.scope = deploy::stack_scope(project, stack),
          .job = plan::run_job_name(project, stack),
          .identity = plan::run_identity_name(project, stack),
          .storage = plan::storage_name(project, stack)};
}

std::optional<Runs> open_runs(const Arguments& arguments, Context& context, int& exit_code) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? project_name(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project) {
    print(diagnostics, arguments, context);
    exit_code = exit_input_wrong;
    return std::nullopt;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  if (!session) {
    print(session.error(), arguments, context);
    exit_code = exit_code_of(session.error());
    return std::nullopt;
  }
  auto place = run_place(*project, session->stack());
  return Runs{std::move(*session), std::move(place)};
}

Result<std::string> wanted_run(const Runs& runs, const deploy::AzureAccess& access, const Arguments& arguments,
                               std::stop_token stop) {
  if (!arguments.words.empty()) return arguments.words.front();
  const auto& scope = runs.place.scope;
  TRY_ASSIGN(auto blobs, deploy::open_storage(access, scope, runs.place.storage, stop));
  TRY_ASSIGN(auto names, deploy::list_runs(blobs, stop));
  if (names.empty())
    return fail(Error::Kind::refused, "no-such-run",
                fmt::format("stack `{}` of project `{}` has had no run", scope.stack, scope.project));
  return std::move(names.back());
}

int install_job(deploy::Prepared prepared, Session& session, const Arguments& arguments, Context& context) {
  const auto made = make_job(std::move(prepared), session, arguments, context);
  return made ? exit_done : made.error();
}

int run_detached(deploy::Prepared prepared, const deploy::DeploymentOptions& options, Session& session,
                 const Arguments& arguments, Context& context) {
  auto made = make_job(std::move(prepared), session, arguments, context);
  if (!made) return made.error();
  const auto& image = made->image;
  const deploy::Start start{.place = run_place(made->rest.scope.project, session.stack()),
                            .image = image ? &*image : nullptr,
                            .image_tag = image ? DEFANG_VERSION "-" + image->manifest_digest.substr(7, 12) : "",
                            .tell = [&](const std::string& text) {
                              if (!arguments.quiet && !arguments.json) context.err.write("  " + text + "\n");
                            }};
  deploy::Payload payload;
  payload.prepared = std::move(made->rest);
  payload.options = options;
  payload.options.gave_rights = made->gave_rights;
  const auto started = deploy::start_run(std::move(payload), start, session.access(context), context.stop);
  if (!started) {
    print(started.error(), arguments, context);
    return exit_code_of(started.error());
  }
  tell_start(*started, start.place.scope, arguments, context);
  return exit_done;
}

int take_down_detached(const deploy::TeardownOptions& options, Session& session, const Arguments& arguments,
                       Context& context) {
  const auto taken = deploy::take_roles_back(*session.arm, context.clock,
                                             without_good_end(make_view(arguments, context)), options, context.stop);
  if (taken.how != deploy::RunFinished::How::done) return exit_code_of(taken);
  deploy::Payload payload;
  payload.prepared.scope = options.scope;
  payload.down = options;
  const deploy::Start start{.place = run_place(options.scope.project, session.stack()),
                            .image = nullptr,
                            .image_tag = "",
                            .tell = [](const std::string&) {}};
  const auto started = deploy::start_run(std::move(payload), start, session.access(context), context.stop);
  if (!started) {
    print(started.error(), arguments, context);
    return exit_code_of(started.error());
  }
  tell_start(*started, options.scope, arguments, context);
  return exit_done;
}

std::optional<int> hand_over(deploy::Prepared prepared, const deploy::DeploymentOptions& options, Session& session,
                             const Arguments& arguments, const Context& context) {
  if (arguments.non_interactive || arguments.json || !context.input_is_terminal || !context.err.is_terminal() ||
      !can_be_handed_over(prepared, session.settings, context))
    return std::nullopt;
  Context anew = context;
  anew.stop = {};  // Ctrl-C was meant for the run that has ended; the next one ends the program
  const auto answer = anew.ask("let Azure finish it? [y/N] ", Context::Echo::shown);
  if (!answer || (!equals_ignoring_case(trim(*answer), "y") && !equals_ignoring_case(trim(*answer), "yes")))
    return std::nullopt;
  auto before = deploy::look_at_stack(session.access(anew), prepared.scope, prepared.names, anew.stop);
  if (!before) {
    print(before.error(), arguments, anew);
    return exit_code_of(before.error());
  }
  prepared.before = std::move(*before);
  return run_detached(std::move(prepared), options, session, arguments, anew);
}

int exit_code_of(const deploy::RunFinished& finished) {
  switch (finished.how) {
    case deploy::RunFinished::How::done:
      return exit_done;
    case deploy::RunFinished::How::failed:
      return exit_world_refused;
    case deploy::RunFinished::How::stopped:
      return exit_interrupted;
  }
  return exit_world_refused;
}

}  // namespace defang::cli
