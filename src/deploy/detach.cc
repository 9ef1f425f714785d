#include "deploy/detach.h"

#include <fmt/format.h>

#include <algorithm>

#include "azure/resource_types.h"
#include "deploy/build_image.h"
#include "deploy/event_log.h"
#include "deploy/json_path.h"
#include "deploy/known_errors.h"
#include "deploy/program_image.h"
#include "deploy/state_storage.h"
#include "deploy/teardown.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr std::string_view kJobType = "Microsoft.App/jobs";
// Replicas of executions are known to previews only (CA-146).
constexpr const char* kReplicasVersion = "2024-10-02-preview";
constexpr auto kBetweenLooks = 1s;
constexpr auto kQuietLimit = 10s;     // without an event, after which the job is asked whether it still runs
constexpr auto kRightsLimit = 10min;  // ARM-45

std::string payload_blob(const std::string& run) { return fmt::format("payloads/{}.json", run); }

azure::ResourceId job_id(const RunPlace& place) {
  return azure::ResourceId::resource(place.scope.subscription, place.scope.group, kJobType, place.job);
}
std::string job_version() { return std::string(azure::find_resource_type(kJobType)->api_version); }

std::string now_text(Clock& clock) {
  return to_iso8601(std::chrono::duration_cast<std::chrono::milliseconds>(clock.now().time_since_epoch()).count());
}

/// CA-143: a start's template replaces the job's, so all of it is sent again, with the run's name at the end.
Json template_for(const Json& job, const std::string& run) {
  Json container = Json::object();
  const Json* const known = at_path(job, "properties.template.containers[0]");
  for (const char* member : {"name", "image", "command", "args", "env", "resources"})
    if (known != nullptr && known->contains(member)) container[member] = known->at(member);
  container["args"].push_back(run);
  return {{"containers", Json::array({std::move(container)})}};
}

/// The run that an execution carries out; empty where it is none of ours.
std::string run_of(const Json& execution) {
  const Json* arguments = at_path(execution, "properties.template.containers[0].args");
  if (arguments == nullptr || !arguments->is_array() || arguments->empty() || !arguments->back().is_string()) return "";
  return arguments->back().get<std::string>();
}

Result<std::vector<Json>> executions_of(const RunPlace& place, const AzureAccess& access, std::stop_token stop) {
  auto list = access.arm.list(job_id(place).text() + "/executions", job_version(), stop);
  if (!list && list.error().http_status == 404) return std::vector<Json>();
  return list;
}

Result<std::optional<Json>> execution_of(const RunPlace& place, const std::string& run, const AzureAccess& access,
                                         std::stop_token stop) {
  TRY_ASSIGN(auto all, executions_of(place, access, stop));
  const auto found = std::ranges::find(all, run, run_of);
  return found == all.end() ? std::nullopt : std::optional(std::move(*found));
}

/// How far an execution is by its own state, or since that may lag for ever, by its container's (CA-147).
struct Progress {
  std::optional<std::string> ended;  // how
  bool was_stopped = false;          // somebody has asked for its end
  std::string waits_for;             // "Back-off pulling image"
};
Result<Progress> progress_of(const Json& execution, const AzureAccess& access, std::stop_token stop) {
  const auto status = text_at(execution, "properties.status");
  const auto replicas = access.arm.list(text_at(execution, "id") + "/replicas", kReplicasVersion, stop);
  if (!replicas && replicas.error().kind == Error::Kind::stopped) return fail(replicas.error());
  Progress progress;
  if (replicas && !replicas->empty()) {
    const auto state = text_at(replicas->front(), "properties.containers[0].runningState");
    const auto details = text_at(replicas->front(), "properties.containers[0].runningStateDetails");
    if (equals_ignoring_case(state, "Terminated")) progress.ended = details.empty() ? to_lower(state) : details;
    if (equals_ignoring_case(state, "Waiting")) progress.waits_for = details;
  }
  for (const std::string_view end : {"Succeeded", "Failed", "Stopped", "Degraded"})  // CA-145
    if (equals_ignoring_case(status, end))
      progress.ended = to_lower(status) + (progress.ended ? ": " + *progress.ended : "");
  progress.was_stopped = equals_ignoring_case(status, "Stopped");
  return progress;
}

Result<Progress> progress_of_run(const RunPlace& place, const std::string& run, const AzureAccess& access,
                                 std::stop_token stop) {
  TRY_ASSIGN(const auto execution, execution_of(place, run, access, stop));
  if (!execution) return Progress{.ended = "it has no execution"};
  return progress_of(*execution, access, stop);
}

std::optional<RunFinished> finish_in(const std::vector<Event>& events) {
  for (const auto& event : events)
    if (const auto* finished = std::get_if<RunFinished>(&event.what)) return *finished;
  return std::nullopt;
}

Error run_died(const std::string& run, const std::string& how) {
  return {.kind = Error::Kind::refused,
          .code = "run-died",
          .message = fmt::format("the job that carried out run `{}` has ended without finishing it ({})", run, how),
          .help = "run `up` again: it goes on from what is there"};
}

/// A job that was stopped before it could say so has done as it was told; any other has died.
Result<RunFinished> end_without_a_word(const std::string& run, const Progress& progress, Clock& clock,
                                       const EventSink& sink) {
  if (!progress.was_stopped) return fail(run_died(run, *progress.ended));
  const RunFinished finished{.how = RunFinished::How::stopped};
  sink({0, clock.now(), Notice{fmt::format("run `{}` was cancelled", run)}});
  sink({0, clock.now(), finished});
  return finished;
}

std::string_view name_of(RunFinished::How how) {
  return how == RunFinished::How::done ? "done" : how == RunFinished::How::failed ? "failed" : "stopped";
}

/// The first request of a run in Azure. Everything after it is repeated by the engine.
Result<rest::BlobClient> open_when_allowed(const RunPlace& place, const AzureAccess& access, std::stop_token stop) {
  const auto started = access.clock.elapsed();
  for (Clock::Duration pause = 1s;; pause = std::min<Clock::Duration>(pause * 2, 15s)) {
    auto blobs = open_storage(access, place.scope, place.storage, stop);
    const bool may_spread = !blobs && (blobs.error().http_status == 403 || blobs.error().http_status == 401);
    if (!may_spread || access.clock.elapsed() - started > kRightsLimit) return blobs;
    if (!access.clock.sleep_for(pause, stop)) return stopped();
  }
}

Result<Payload> fetch_payload(rest::BlobClient& blobs, const std::string& run, const AzureAccess& access,
                              std::stop_token stop) {
  TRY_ASSIGN(const auto text, blobs.get(kStateContainer, payload_blob(run), stop));
  if (!text) return fail(Error::Kind::refused, "no-such-run", fmt::format("run `{}` has no payload", run));
  TRY_ASSIGN(auto payload, read_payload(text->content));
  if (payload.down) return payload;
  auto& prepared = payload.prepared;
  TRY_ASSIGN(prepared.before, look_at_stack(access, prepared.scope, prepared.names, stop));
  return payload;
}

}  // namespace

Result<DetachedRun> start_run(Payload payload, const Start& start, const AzureAccess& access, std::stop_token stop) {
  const auto& place = start.place;
  TRY_ASSIGN(const auto job, access.arm.get(job_id(place), job_version(), stop));
  if (!job)
    return fail({.kind = Error::Kind::refused,
                 .code = "no-job",
                 .message = fmt::format("the stack has no job `{}`", place.job),
                 .help = "leave out `--detach`; `defang compose up --detach` would make it"});
  TRY_ASSIGN(auto blobs, open_storage(access, place.scope, place.storage, stop));
  const std::string server = text_at(*job, "properties.configuration.registries[0].server");
  rest::RegistryClient registry(access.cloud, server, access.tenant, access.tokens, access.unsigned_pipeline);
  if (start.image != nullptr) {
    TRY_ASSIGN(const auto known, registry.digest_of(kProgramRepository, start.image_tag, stop));
    if (!known || *known != start.image->manifest_digest) {
      start.tell("pushing this program as an image");
      TRY(rest::push_image(*start.image, registry, server, kProgramRepository, start.image_tag,
                           access.unsigned_pipeline, stop));
    }
  }
  const auto wanted = payload.options.rebuild ? ContextUpload::of_all : ContextUpload::of_new_images;
  TRY_ASSIGN(payload.contexts, upload_contexts(payload.prepared.graph, registry, blobs, access.disk, wanted, stop));

  DetachedRun run{now_text(access.clock), ""};
  TRY(blobs.put(kStateContainer, payload_blob(run.run), rest::text_source(write_payload(payload)),
                {.content_type = "application/json"}, stop));
  TRY(blobs.create_append_blob(kStateContainer, event_blob(run.run), stop));
  TRY_ASSIGN(const auto begun,
             access.arm.post(job_id(place), "start", job_version(), template_for(*job, run.run), {}, stop));
  run.execution = text_at(begun, "name");
  return run;
}

Result<void> take_back(const azure::ResourceId& grant, const AzureAccess& access, std::stop_token stop) {
  const std::string version(azure::find_resource_type("Microsoft.Authorization/roleAssignments")->api_version);
  TRY_ASSIGN(const auto given, access.arm.get(grant, version, stop));
  if (!given) return {};
  TRY(access.arm.remove(grant, version, {}, stop));
  return {};
}

Result<RunFinished> carry_out(const RunPlace& place, const std::string& run, const AzureAccess& access,
                              const EventSink& sink, std::stop_token stop) {
  TRY_ASSIGN(auto blobs, open_when_allowed(place, access, stop));
  auto payload = fetch_payload(blobs, run, access, stop);
  EventLog log(blobs, access.clock, run);
  const EventSink tell = [&](const Event& event) {
    log.add(event);
    sink(event);
  };
  if (!payload) {
    const RunFinished finished{.how = RunFinished::How::failed, .failed = 1};
    tell({1, access.clock.now(), NodeFailed{"run", "", explained(std::move(payload.error())), {}}});
    tell({2, access.clock.now(), finished});
    return finished;
  }
  if (payload->down) {
    payload->down->carried_out_by = RunJobNames{place.job, place.identity};
    return tear_down(access.arm, access.clock, tell, *payload->down, stop).finished;
  }
  return deploy(payload->prepared, access, payload->options, tell, stop, &payload->contexts);
}

Result<RunFinished> follow(const RunPlace& place, const std::string& run, const AzureAccess& access,
                           const EventSink& sink, std::stop_token stop) {
  TRY_ASSIGN(auto blobs, open_storage(access, place.scope, place.storage, stop));
  EventReader reader(blobs, run);
  auto quiet_since = access.clock.elapsed();
  Progress progress;
  while (true) {
    TRY_ASSIGN(const auto events, reader.next(stop));
    for (const auto& event : events) sink(event);
    if (const auto finished = finish_in(events)) return *finished;
    if (!events.empty()) quiet_since = access.clock.elapsed();
    // What the job wrote before it ended was read after that was known.
    if (progress.ended && events.empty()) return end_without_a_word(run, progress, access.clock, sink);
    if (access.clock.elapsed() - quiet_since > kQuietLimit) {
      quiet_since = access.clock.elapsed();
      TRY_ASSIGN(auto now, progress_of_run(place, run, access, stop));
      if (!now.waits_for.empty() && now.waits_for != progress.waits_for)
        sink({0, access.clock.now(), Notice{"the job waits: " + now.waits_for}});
      progress = std::move(now);
      if (progress.ended) continue;
    }
    if (!access.clock.sleep_for(kBetweenLooks, stop)) return stopped();
  }
}

Result<void> show(const RunPlace& place, const std::string& run, const AzureAccess& access, const EventSink& sink,
                  std::stop_token stop) {
  TRY_ASSIGN(auto blobs, open_storage(access, place.scope, place.storage, stop));
  TRY_ASSIGN(const auto events, EventReader(blobs, run).next(stop));
  for (const auto& event : events) sink(event);
  return {};
}

Result<std::vector<RunRow>> runs_of(const RunPlace& place, const AzureAccess& access, std::stop_token stop) {
  TRY_ASSIGN(auto blobs, open_storage(access, place.scope, place.storage, stop));
  TRY_ASSIGN(const auto runs, list_runs(blobs, stop));
  TRY_ASSIGN(const auto executions, executions_of(place, access, stop));
  std::vector<RunRow> rows;
  for (const auto& run : runs) {
    RunRow row{run, "", ""};
    const auto execution = std::ranges::find(executions, run, run_of);
    if (execution != executions.end()) row.execution = text_at(*execution, "name");
    TRY_ASSIGN(const auto events, EventReader(blobs, run).next(stop));
    if (const auto finished = finish_in(events)) {
      row.state = name_of(finished->how);
    } else if (execution == executions.end()) {
      row.state = "died";
    } else {
      TRY_ASSIGN(const auto progress, progress_of(*execution, access, stop));
      row.state = progress.was_stopped ? "stopped" : progress.ended ? "died" : "running";
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

Result<void> cancel(const RunPlace& place, const std::string& run, const AzureAccess& access, std::stop_token stop) {
  TRY_ASSIGN(const auto execution, execution_of(place, run, access, stop));
  if (!execution)
    return fail({.kind = Error::Kind::refused,
                 .code = "no-such-run",
                 .message = fmt::format("no job carries out a run `{}`", run),
                 .help = "`defang cd ls` lists the runs"});
  TRY_ASSIGN(const auto progress, progress_of(*execution, access, stop));
  if (progress.ended)
    return fail(Error::Kind::refused, "run-over", fmt::format("run `{}` is over ({})", run, *progress.ended));
  const auto id = azure::ResourceId::parse(text_at(*execution, "id"));
  if (!id) return fail(Error::Kind::invalid, "answer-invalid", "the execution has no id");
  TRY(access.arm.post(*id, "stop", job_version(), nullptr, {}, stop));
  return {};
}

Result<RunFinished> remove_job(const RunPlace& place, const AzureAccess& access, const EventSink& sink,
                               std::stop_token stop) {
  TRY_ASSIGN(const auto executions, executions_of(place, access, stop));
  for (const auto& execution : executions) {
    TRY_ASSIGN(const auto progress, progress_of(execution, access, stop));
    if (!progress.ended)
      return fail({.kind = Error::Kind::refused,
                   .code = "run-going-on",
                   .message = fmt::format("the job carries out run `{}`", run_of(execution)),
                   .help = "`defang attach` shows it, `defang cd cancel` stops it"});
  }
  return remove_run_job(access.arm, access.clock, sink, place.scope, {place.job, place.identity}, stop);
}

}  // namespace defang::deploy
