#include "deploy/await.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "deploy/json_path.h"
#include "deploy/logs.h"
#include "deploy/revision.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr milliseconds kRevisionLimit = 10min;
constexpr milliseconds kLongestPause = 4s;
constexpr milliseconds kRevisionTime = 10s;  // until a new revision is listed, and replicas from before are not
constexpr int kShownLines = 20;
constexpr int kMostLines = 300;  // CA-151
constexpr std::string_view kProbeFailed = "ProbeFailed: ";
constexpr std::string_view kExecutionsPath = "/executions";

struct Target {
  const graph::Resource& resource;
  azure::ResourceId id;
};
Target target_of(const std::string& node, const NodeScope& scope) {
  const auto* resource = scope.graph().resource(node);
  return {*resource, resource_id(scope.graph(), *resource, scope.stack())};
}

/// What the containers wrote last, as events. What cannot be read is not worth a second error.
void show_last_lines(const AzureAccess& access, const Target& target, const std::vector<Json>& replicas,
                     NodeScope& scope, std::stop_token stop) {
  for (const auto& replica : replicas) {
    Json containers = Json::array();
    for (const auto* kind : {"properties.initContainers", "properties.containers"})
      if (const Json* some = at_path(replica, kind); some != nullptr && some->is_array())
        containers.insert(containers.end(), some->begin(), some->end());
    if (containers.empty()) continue;
    for (const auto& container : containers) {
      const LogStream stream{.owner = target.id.text(), .url = text_at(container, "logStreamEndpoint")};
      const auto show = [&](const LogLine& line) { scope.log(line.text); };
      if (!stream.url.empty())
        (void)read_stream(access.arm, access.unsigned_pipeline, stream, kShownLines, false, show, stop);
    }
    return;  // one replica is enough: they all run the same
  }
}

/// Started, and refused by its check ever since.
bool runs_without_being_ready(const std::vector<Json>& replicas) {
  return std::ranges::any_of(replicas, [](const Json& replica) {
    const Json* containers = at_path(replica, "properties.containers");
    return containers != nullptr && std::ranges::any_of(*containers, [](const Json& container) {
             const Json* ready = at_path(container, "ready");
             return equals_ignoring_case(text_at(container, "runningState"), "Running") && ready != nullptr &&
                    *ready == false;
           });
  });
}

/// What Container Apps says of the last check that failed; only its event stream does.
std::string last_failed_probe(const AzureAccess& access, const Target& target, const std::string& revision,
                              std::stop_token stop) {
  const auto app = access.arm.get(target.id, target.resource.api_version, stop);
  const LogStream stream{.owner = target.id.text(),
                         .url = app && *app ? text_at(**app, "properties.eventStreamEndpoint") : "",
                         .kind = LogKind::system};
  std::string last;
  const auto look = [&](const LogLine& line) {
    if (line.text.starts_with(kProbeFailed) && line.replica.starts_with(revision))
      last = line.text.substr(kProbeFailed.size());
  };
  if (!stream.url.empty())
    (void)read_stream(access.arm, access.unsigned_pipeline, stream, kMostLines, false, look, stop);
  return last;
}

Error unhealthy(const std::string& revision, const std::string& probe) {
  return {.kind = Error::Kind::refused,
          .code = "revision-unhealthy",
          .message = probe.empty() ? "the container runs, and its check goes on failing" : probe,
          .context = {fmt::format("starting revision `{}`", revision)}};
}

/// Containers are pulled again and again, so a pull that is refused while our own rights are still spreading may yet
/// succeed: the wait goes on instead of beginning anew. Elsewhere our identities have no say.
bool may_still_pull(const Error& error, const Json& revision, const NodeScope& scope) {
  if (error.code != "revision-image-pull" || !scope.rights_are_fresh()) return false;
  if (equals_ignoring_case(text_at(revision, "properties.provisioningState"), "Failed")) return false;
  const Json* containers = at_path(revision, "properties.template.containers");
  if (containers == nullptr) return false;
  return std::ranges::any_of(scope.graph().nodes(), [&](const auto& row) {
    const auto body = scope.body_of(row.first);
    const std::string server = body ? text_at(*body, "properties.loginServer") : "";
    return !server.empty() && std::ranges::any_of(*containers, [&](const Json& container) {
      return text_at(container, "image").starts_with(server + "/");
    });
  });
}

Error still_not_up(const std::string& revision, const NotYet& state) {
  return {.kind = Error::Kind::refused,
          .code = "revision-unhealthy",
          .message = fmt::format("revision `{}` is still `{}`{}", revision, state.state,
                                 state.cause.empty() ? "" : ": " + state.cause)};
}

/// The name of the revision that the app's last write made.
/// Also starts an app that `compose stop` stopped: its revisions would never become ready.
Result<std::string> latest_revision(const AzureAccess& access, const Target& target, std::stop_token stop) {
  TRY_ASSIGN(const auto app, access.arm.get(target.id, target.resource.api_version, stop));
  if (!app) return fail(Error::Kind::refused, "ResourceNotFound", fmt::format("`{}` is gone", target.id.text()));
  if (equals_ignoring_case(text_at(*app, "properties.runningStatus"), "Stopped"))
    TRY(access.arm.post(target.id, "start", target.resource.api_version, Json(), {}, stop));
  return text_at(*app, "properties.latestRevisionName");
}

// --- jobs

struct ExecutionEnd {
  bool succeeded = false;
  std::optional<int> exit_code;
  std::string detail;
};

/// "… exit code '1'" (CA-147).
std::optional<int> exit_code_in(const std::string& details) {
  const std::string lower = to_lower(details);
  auto at = lower.find("exit code");
  if (at == std::string::npos) return std::nullopt;
  at = lower.find_first_of("0123456789", at);
  if (at == std::string::npos) return std::nullopt;
  const auto number = to_number(std::string_view(lower).substr(at, lower.find_first_not_of("0123456789", at) - at));
  return number ? std::optional(static_cast<int>(*number)) : std::nullopt;
}

/// The status of an execution may never turn terminal (CA-147): the container that ended tells, too.
std::optional<ExecutionEnd> end_of(const Json& execution, const std::vector<Json>& replicas) {
  ExecutionEnd end;
  for (const auto& replica : replicas) {
    for (const auto* kind : {"properties.initContainers", "properties.containers"}) {
      const Json* containers = at_path(replica, kind);
      if (containers == nullptr) continue;
      for (const auto& container : *containers) {
        if (!equals_ignoring_case(text_at(container, "runningState"), "Terminated")) continue;
        const std::string detail = text_at(container, "runningStateDetails");
        const auto code = exit_code_in(detail);
        // An init container that ended well is no end of the job.
        if (std::string_view(kind).ends_with("initContainers") && code == 0) continue;
        end.detail = detail;
        end.exit_code = code;
      }
    }
  }
  std::string status = text_at(execution, "properties.status");
  if (status.empty()) status = text_at(execution, "status");
  if (equals_ignoring_case(status, "Succeeded")) {
    end.succeeded = true;
    if (!end.exit_code) end.exit_code = 0;
    return end;
  }
  if (equals_ignoring_case(status, "Failed") || equals_ignoring_case(status, "Stopped") ||
      equals_ignoring_case(status, "Degraded"))
    return end;
  if (end.exit_code == 0) {
    end.succeeded = true;
    return end;
  }
  return std::nullopt;  // a container that failed may be tried again (replicaRetryLimit)
}

Result<std::vector<Json>> job_replicas(const AzureAccess& access, const azure::ResourceId& execution,
                                       const std::string& api_version, std::stop_token stop) {
  auto replicas = access.arm.list(execution.text() + "/replicas", api_version, stop);
  if (replicas) return replicas;
  // The list is a preview that not every region has.
  if (replicas.error().kind == Error::Kind::refused) return std::vector<Json>();
  return fail(std::move(replicas.error()));
}

/// Of this very job body, earlier: the newest execution that succeeded since the job was last written.
Result<bool> has_run_since_change(const AzureAccess& access, const Target& target, const Json& job,
                                  std::stop_token stop) {
  auto executions = access.arm.list(target.id.text() + std::string(kExecutionsPath), target.resource.api_version, stop);
  if (!executions && executions.error().http_status == 404) return false;
  if (!executions) return fail(std::move(executions.error()));
  const std::string changed = text_at(job, "systemData.lastModifiedAt").substr(0, 19);
  return std::ranges::any_of(*executions, [&](const Json& execution) {
    const std::string started = text_at(execution, "properties.startTime").substr(0, 19);
    const auto end = end_of(execution, {});
    return end && end->succeeded && !changed.empty() && started >= changed;
  });
}

/// What a job's containers write, each line once however often one looks.
class JobOutput {
 public:
  JobOutput(const AzureAccess& access, const Target& target, NodeScope& scope)
      : access_(access), target_(target), scope_(scope) {}

  void show(const std::vector<Json>& replicas, const std::stop_token& stop) {
    for (const auto& replica : replicas) {
      for (const auto* kind : {"properties.initContainers", "properties.containers"}) {
        const Json* containers = at_path(replica, kind);
        if (containers == nullptr) continue;
        for (const auto& container : *containers) show_container(container, stop);
      }
    }
  }

 private:
  /// CA-151: there is nothing to connect to before it runs.
  void show_container(const Json& container, const std::stop_token& stop) {
    const LogStream stream{.owner = target_.id.text(), .url = text_at(container, "logStreamEndpoint")};
    if (stream.url.empty() || equals_ignoring_case(text_at(container, "runningState"), "Waiting")) return;
    auto& seen = seen_[stream.url];
    seen.connected();
    const auto show = [&](const LogLine& line) {
      if (seen.is_new(line)) scope_.log(line.text);
    };
    (void)read_stream(access_.arm, access_.unsigned_pipeline, stream, kMostLines, false, show, stop);
  }

  const AzureAccess& access_;
  const Target& target_;
  NodeScope& scope_;
  std::map<std::string, LogResume> seen_;  // by the container's stream
};

}  // namespace

Result<Outputs> run_await_revision(const graph::Action& action, const AzureAccess& access, NodeScope& scope,
                                   std::stop_token stop) {
  const Target target = target_of(std::get<graph::AwaitRevision>(action.what).app, scope);
  const auto started = access.clock.elapsed();
  Patience patience(access.clock);
  NotYet last{.state = "unknown"};
  std::string revision;
  bool waited = false;
  const milliseconds forgiven = scope.patience_with(action.service);
  std::optional<Clock::Duration> unready_since;
  for (milliseconds pause = 200ms;; pause = std::min(pause * 3 / 2, kLongestPause)) {
    TRY_ASSIGN(revision, latest_revision(access, target, stop));
    std::optional<RevisionStatus> status;
    if (!revision.empty()) {
      TRY_ASSIGN(status, read_revision(access.arm, target.id, revision, target.resource.api_version, stop));
    }
    if (status) {
      const Verdict verdict = judge_revision(status->revision, status->replicas);
      if (std::holds_alternative<Healthy>(verdict)) break;
      auto error = patience.judge(verdict);
      if (!runs_without_being_ready(status->replicas))
        unready_since.reset();
      else if (!unready_since)
        unready_since = access.clock.elapsed();
      if (!error && forgiven > 0ms && unready_since && access.clock.elapsed() - *unready_since > forgiven)
        error = unhealthy(revision, last_failed_probe(access, target, revision, stop));
      if (error && !may_still_pull(*error, status->revision, scope)) {
        show_last_lines(access, target, status->replicas, scope, stop);
        return fail(std::move(*error));
      }
      last =
          error ? NotYet{.state = "waiting for the right to pull", .cause = error->message} : std::get<NotYet>(verdict);
      scope.waiting(last.cause.empty() ? last.state : fmt::format("{}: {}", last.state, last.cause));
    }
    waited = true;
    if (access.clock.elapsed() - started > kRevisionLimit) {
      if (status) show_last_lines(access, target, status->replicas, scope, stop);
      return fail(still_not_up(revision, last));
    }
    if (!access.clock.sleep_for(pause, stop)) return stopped();
  }
  TRY_ASSIGN(const auto app, access.arm.get(target.id, target.resource.api_version, stop));
  Outputs outputs;
  outputs.unchanged = !waited;
  if (app) outputs.texts["fqdn"] = text_at(*app, "properties.configuration.ingress.fqdn");
  return outputs;
}

Result<Outputs> run_job(const graph::Action& action, const AzureAccess& access, NodeScope& scope,
                        std::stop_token stop) {
  const Target target = target_of(std::get<graph::RunJob>(action.what).job, scope);
  const std::string& version = target.resource.api_version;
  Outputs outputs;
  if (const auto job = scope.body_of(target.resource.id); job && !scope.force()) {
    TRY_ASSIGN(const bool has_run, has_run_since_change(access, target, *job, stop));
    if (has_run) {
      outputs.unchanged = true;
      outputs.texts["exitCode"] = "0";
      return outputs;
    }
  }
  TRY_ASSIGN(const Json start, access.arm.post(target.id, "start", version, Json::object(), {}, stop));
  const auto execution_id =
      azure::ResourceId::parse(target.id.text() + std::string(kExecutionsPath) + "/" + text_at(start, "name"));
  if (!execution_id || text_at(start, "name").empty())
    return fail(Error::Kind::invalid, "no-execution", fmt::format("starting `{}` named no execution", action.service));
  JobOutput output(access, target, scope);
  for (milliseconds pause = 200ms;; pause = std::min(pause * 3 / 2, kLongestPause)) {
    TRY_ASSIGN(const auto execution, access.arm.get(*execution_id, version, stop));
    TRY_ASSIGN(const auto replicas, job_replicas(access, *execution_id, version, stop));
    output.show(replicas, stop);
    if (const auto end = execution ? end_of(*execution, replicas) : std::nullopt) {
      if (!end->succeeded) {
        return fail(Error{.kind = Error::Kind::refused,
                          .code = "job-failed",
                          .message = end->exit_code
                                         ? fmt::format("`{}` ended with exit code {}", action.service, *end->exit_code)
                                         : fmt::format("`{}` failed{}", action.service,
                                                       end->detail.empty() ? "" : ": " + end->detail),
                          .help = "its output is shown above; `defang logs` shows more"});
      }
      outputs.texts["exitCode"] = fmt::format("{}", end->exit_code.value_or(0));
      return outputs;
    }
    if (execution) scope.waiting(text_at(*execution, "properties.status"));
    if (!access.clock.sleep_for(pause, stop)) return stopped();
  }
}

std::function<std::optional<Error>()> app_watchdog(const graph::Resource& resource, const std::optional<Json>& before,
                                                   const AzureAccess& access, NodeScope& scope, std::stop_token stop) {
  if (!equals_ignoring_case(resource.type, "Microsoft.App/containerApps")) return {};
  const std::string old_revision = before ? text_at(*before, "properties.latestRevisionName") : "";
  struct State {
    Target target;
    std::optional<Patience> patience;
    Clock::Duration since;  // the write, or the restart
    bool restarted = false;
  };
  const auto state =
      std::make_shared<State>(State{target_of(resource.id, scope), Patience(access.clock), access.clock.elapsed()});
  return [state, old_revision, &access, &scope, stop]() -> std::optional<Error> {
    const auto& version = state->target.resource.api_version;
    // Only trouble that is seen counts here: whatever cannot be read is left to the operation itself.
    const auto revisions = list_revisions(access.arm, state->target.id, version, stop);
    if (!revisions || revisions->empty()) return std::nullopt;
    const bool is_old = revisions->front() == old_revision;
    if (is_old && access.clock.elapsed() - state->since < kRevisionTime) return std::nullopt;
    const auto status = read_revision(access.arm, state->target.id, revisions->front(), version, stop);
    if (!status || !*status) return std::nullopt;
    auto error = state->patience->judge(judge_revision((*status)->revision, (*status)->replicas));
    if (!error) return std::nullopt;
    if (is_old && !state->restarted) {
      // What is new beside the template makes no revision (CA-37): one that could not start before, say for lack of a
      // password, begins anew with what it has now, and is only then judged.
      state->restarted = true;
      state->since = access.clock.elapsed();
      state->patience.emplace(access.clock);
      if (const auto id = azure::ResourceId::parse(state->target.id.text() + "/revisions/" + old_revision))
        (void)access.arm.post(*id, "restart", version, Json(), {}, stop);
      return std::nullopt;
    }
    if (may_still_pull(*error, (*status)->revision, scope)) {
      scope.waiting("the app's identity cannot pull from the registry yet");
      return std::nullopt;
    }
    show_last_lines(access, state->target, (*status)->replicas, scope, stop);
    return error;
  };
}

}  // namespace defang::deploy
