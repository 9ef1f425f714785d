#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "deploy/azure_access.h"
#include "deploy/deployment.h"
#include "deploy/payload.h"
#include "rest/image_push.h"

/// Runs that a Container Apps job in the stack's environment carries out (plan/detached.h).
namespace defang::deploy {

/// The job's resource, and where the stack keeps what runs leave.
struct RunPlace {
  StackScope scope;
  std::string job, identity;  // names
  std::string storage;        // name of the account
};

struct DetachedRun {
  std::string run;        // its name: when it began
  std::string execution;  // of the job
};

/// Once the job is there (`before_the_job` was carried out): pushes the image where it is not in the registry yet,
/// uploads the contexts of builds and the payload, and starts an execution of the job.
struct Start {
  RunPlace place;
  const rest::OciImage* image = nullptr;  // nullptr: one from elsewhere
  std::string image_tag;
  std::function<void(const std::string&)> tell;
};
Result<DetachedRun> start_run(Payload payload, const Start& start, const AzureAccess& access, std::stop_token stop);

/// The right to give roles goes when none is left to the job.
Result<void> take_back(const azure::ResourceId& grant, const AzureAccess& access, std::stop_token stop);

/// The job's own half: reads the payload and carries it out; events go to the run's blob and to `sink`. Rights that
/// were given just before may take minutes to spread.
Result<RunFinished> carry_out(const RunPlace& place, const std::string& run, const AzureAccess& access,
                              const EventSink& sink, std::stop_token stop);

/// Shows a run to its end, from its beginning. Error run-died: the job has ended, but not the run.
Result<RunFinished> follow(const RunPlace& place, const std::string& run, const AzureAccess& access,
                           const EventSink& sink, std::stop_token stop);

/// What a run has told so far, or all of it.
Result<void> show(const RunPlace& place, const std::string& run, const AzureAccess& access, const EventSink& sink,
                  std::stop_token stop);

/// One row of `cd ls`.
struct RunRow {
  std::string run;
  std::string state;      // running, done, failed, stopped, died
  std::string execution;  // empty: it ran in a terminal
};
Result<std::vector<RunRow>> runs_of(const RunPlace& place, const AzureAccess& access, std::stop_token stop);

/// Ends the execution of a run that is going on; what Azure has begun goes on there. Error no-such-run, run-over.
Result<void> cancel(const RunPlace& place, const std::string& run, const AzureAccess& access, std::stop_token stop);

/// Removes the job, its identity and that one's roles; services and the history of runs stay. Error run-going-on.
Result<RunFinished> remove_job(const RunPlace& place, const AzureAccess& access, const EventSink& sink,
                               std::stop_token stop);

}  // namespace defang::deploy
