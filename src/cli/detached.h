#pragma once

#include <optional>
#include <string>

#include "cli/session.h"
#include "deploy/deployment.h"
#include "deploy/detach.h"

namespace defang::cli {

// The commands of such runs.
int run_attach(const Arguments& arguments, Context& context);
int run_cd_cancel(const Arguments& arguments, Context& context);
int run_cd_install(const Arguments& arguments, Context& context);
int run_cd_logs(const Arguments& arguments, Context& context);
int run_cd_ls(const Arguments& arguments, Context& context);
int run_cd_outputs(const Arguments& arguments, Context& context);
int run_cd_teardown(const Arguments& arguments, Context& context);
int run_run_job(const Arguments& arguments, Context& context);  // what the job calls

/// Whether the run is to go on in Azure: --detach, or DEFANG_CD=job.
bool wants_job(const Arguments& arguments, const StackSettings& settings);

/// Where the runs of a project's stack go on, and are kept.
deploy::RunPlace run_place(const std::string& project, const plan::Stack& stack);

/// A stack whose runs are asked for.
struct Runs {
  Session session;
  deploy::RunPlace place;
};
/// Nothing when an error was printed: the command ends with `exit_code`.
std::optional<Runs> open_runs(const Arguments& arguments, Context& context, int& exit_code);

/// The run that is named, otherwise the last that began.
Result<std::string> wanted_run(const Runs& runs, const deploy::AzureAccess& access, const Arguments& arguments,
                               std::stop_token stop);

/// Makes the job without starting it, with all that must be there before it. An exit code.
int install_job(deploy::Prepared prepared, Session& session, const Arguments& arguments, Context& context);

/// Does here what must be done first, and starts the job that carries out the rest. An exit code.
int run_detached(deploy::Prepared prepared, const deploy::DeploymentOptions& options, Session& session,
                 const Arguments& arguments, Context& context);

/// Leaves taking a stack away to its job. An exit code.
int take_down_detached(const deploy::TeardownOptions& options, Session& session, const Arguments& arguments,
                       Context& context);

/// After Ctrl-C: asks whether Azure shall finish the run, and sees to it. Nothing: it shall not, or nobody can be
/// asked.
std::optional<int> hand_over(deploy::Prepared prepared, const deploy::DeploymentOptions& options, Session& session,
                             const Arguments& arguments, const Context& context);

int exit_code_of(const deploy::RunFinished& finished);

}  // namespace defang::cli
