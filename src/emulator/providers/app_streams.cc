// Live logs of Container Apps: a token by ARM, then a stream of lines (CA-150).
#include <fmt/format.h>

#include <algorithm>

#include "emulator/providers/container_apps.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::uint64_t kMostTailLines = 300;  // CA-151
constexpr double kTokenSeconds = 3600;

/// Tokens are for one app, job or environment: its id is in the audience.
std::string audience_of(std::string_view id) { return "https://azurecontainerapps.dev" + to_lower(id); }

struct StreamOptions {
  bool follow = false;
  bool as_json = true;
  std::uint64_t tail = 20;
};

StreamOptions options_of(const Request& request) {
  StreamOptions options;
  options.follow = equals_ignoring_case(request.query_value("follow"), "true");
  options.as_json = !equals_ignoring_case(request.query_value("output"), "text");
  options.tail = std::min(to_number(request.query_value("taillines")).value_or(20), kMostTailLines);
  return options;
}

std::string line(const StreamOptions& options, const std::string& time, const std::string& text) {
  if (!options.as_json) return fmt::format("{} {}\n", time, text);
  return dump({{"TimeStamp", time}, {"Log", text}}) + "\n";
}

std::string stamp(std::chrono::system_clock::time_point time) {
  return to_iso8601(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}

/// Reads on in one container's console. Called without the lock.
class ConsoleStream {
 public:
  ConsoleStream(Runtime& runtime, std::string replica, std::string container, StreamOptions options, std::string head)
      : runtime_(runtime),
        replica_(std::move(replica)),
        container_(std::move(container)),
        options_(options),
        head_(std::move(head)) {
    skip_to_tail();
  }

  std::optional<std::string> next() {
    if (!head_.empty()) return std::exchange(head_, {});
    const LogPiece piece = runtime_.console(replica_, container_, next_, 1000);
    next_ = piece.next;
    std::string text;
    for (const LogLine& each : piece.lines) text += line(options_, stamp(each.time), each.text);
    if (!text.empty()) return text;
    if (!options_.follow || !runtime_.replica_state(replica_)) return std::nullopt;
    return std::string();
  }

 private:
  void skip_to_tail() {
    std::vector<std::uint64_t> starts;  // of pieces of at most `tail` lines
    std::uint64_t at = 0, lines = 0;
    for (LogPiece piece = runtime_.console(replica_, container_, at, 1); !piece.lines.empty();
         piece = runtime_.console(replica_, container_, at, 1)) {
      starts.push_back(at);
      at = piece.next;
      ++lines;
    }
    next_ = lines <= options_.tail ? 0 : starts[static_cast<std::size_t>(lines - options_.tail)];
    if (options_.tail == 0) next_ = at;
  }

  Runtime& runtime_;
  std::string replica_, container_;
  StreamOptions options_;
  std::string head_;
  std::uint64_t next_ = 0;
};

Answer streaming(std::function<std::optional<std::string>(std::stop_token)> source) {
  Answer answer{.status = 200};
  answer.headers.set("Content-Type", "text/plain; charset=utf-8");
  answer.stream = std::move(source);
  return answer;
}

std::string resource_id(const Request& request, std::string_view type, std::string_view name) {
  return fmt::format("/subscriptions/{}/resourceGroups/{}/providers/Microsoft.App/{}/{}",
                     request.captures.at("subscription"), request.captures.at("group"), type, name);
}

Answer console(Core& core, const Request& request, AppKeeper& keeper, const std::string& owner,
               const std::string& replica_id) {
  if (auto refusal = check_stream_token(core, request, owner)) return *refusal;
  const Resource* replica = core.store().find(replica_id);
  const std::string container = request.captures.at("container");
  if (replica == nullptr)
    return arm_error(404, "ReplicaNotFound",
                     fmt::format("The replica '{}' was not found.", request.captures.at("replica")));
  const StreamOptions options = options_of(request);
  const std::string now = core.now_text();
  const std::string head = line(options, now, fmt::format("Connecting to the container '{}'...", container)) +
                           line(options, now,
                                fmt::format("Successfully Connected to container: '{}' [Revision: '{}', Replica: '{}']",
                                            container, parse_arm_id(replica->id)->names[1], replica->name()));
  const auto stream = std::make_shared<ConsoleStream>(keeper.runtime(), replica->name(), container, options, head);
  return streaming([stream](std::stop_token) { return stream->next(); });
}

std::string event_line(const SystemEvent& event) {
  const auto or_null = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
  return dump({{"TimeStamp", event.time},
               {"Type", event.type},
               {"ContainerAppName", or_null(event.app)},
               {"RevisionName", or_null(event.revision)},
               {"ReplicaName", or_null(event.replica)},
               {"Msg", event.message},
               {"Reason", event.reason},
               {"EventSource", "ContainerAppController"},
               {"Count", 1}}) +
         "\n";
}

Answer system_events(Core& core, const Request& request, AppKeeper& keeper, const std::string& id) {
  if (auto refusal = check_stream_token(core, request, id)) return *refusal;
  const StreamOptions options = options_of(request);
  const auto past = keeper.events_of(id, 0);
  std::string text = event_line({.time = core.now_text(),
                                 .message = "Connecting to the events collector...",
                                 .reason = "StartingGettingEvents"}) +
                     event_line({.time = core.now_text(),
                                 .message = "Successfully connected to events server",
                                 .reason = "ConnectedToEventsServer"});
  for (std::size_t i = past.size() - std::min<std::size_t>(past.size(), options.tail); i < past.size(); ++i)
    text += event_line(past[i]);
  auto seen = std::make_shared<std::size_t>(past.size());
  auto head = std::make_shared<std::string>(std::move(text));
  return streaming(
      [&core, &keeper, id, seen, head, follow = options.follow](std::stop_token) -> std::optional<std::string> {
        if (!head->empty()) return std::exchange(*head, {});
        if (!follow) return std::nullopt;
        const auto lock = core.lock();
        std::string more;
        for (const SystemEvent& event : keeper.events_of(id, *seen)) {
          more += event_line(event);
          ++*seen;
        }
        return more;
      });
}

}  // namespace

std::optional<Answer> check_stream_token(Core& core, const Request& request, const std::string& id) {
  const std::string authorization = request.headers.get("Authorization");
  const auto caller = equals_ignoring_case(std::string_view(authorization).substr(0, 7), "bearer ")
                          ? core.check_token(authorization.substr(7))
                          : std::nullopt;
  if (caller && caller->audience == audience_of(id)) return std::nullopt;
  return arm_error(401, "Unauthorized", "The token is missing, has expired, or is for another resource.");
}

Answer auth_token(const Context& context, std::string_view type) {
  Core& core = context.core;
  const Resource& resource = *context.existing;
  const std::int64_t expires = core.now_ms() + static_cast<std::int64_t>(kTokenSeconds * 1000);
  return json_answer(
      200, {{"location", text_at(resource.body, "location")},
            {"properties",
             {{"token", core.issue_token(context.request.caller.object_id, audience_of(resource.id), kTokenSeconds)},
              {"expires", to_iso8601(expires)}}},
            {"id", resource.id},
            {"name", resource.name()},
            {"type", type}});
}

void add_app_streams(Core& core, AppKeeper& keeper) {
  const std::string group = "/subscriptions/{subscription}/resourceGroups/{group}";
  const auto add = [&](const std::string& pattern, std::function<Answer(Core&, const Request&)> answer) {
    core.add_route(
        {.method = "GET", .pattern = group + pattern, .access = Route::Access::everyone, .answer = std::move(answer)});
  };
  add("/containerApps/{app}/revisions/{revision}/replicas/{replica}/containers/{container}/logstream",
      [&keeper](Core& shared, const Request& request) {
        const std::string app = resource_id(request, "containerApps", request.captures.at("app"));
        return console(shared, request, keeper, app,
                       fmt::format("{}/revisions/{}/replicas/{}", app, request.captures.at("revision"),
                                   request.captures.at("replica")));
      });
  add("/jobs/{job}/executions/{execution}/replicas/{replica}/containers/{container}/logstream",
      [&keeper](Core& shared, const Request& request) {
        const std::string job = resource_id(request, "jobs", request.captures.at("job"));
        return console(shared, request, keeper, job,
                       fmt::format("{}/executions/{}/replicas/{}", job, request.captures.at("execution"),
                                   request.captures.at("replica")));
      });
  // Jobs have theirs below containerApps too (recorded).
  add("/containerApps/{app}/eventstream", [&keeper](Core& shared, const Request& request) {
    const std::string app = resource_id(request, "containerApps", request.captures.at("app"));
    const std::string job = resource_id(request, "jobs", request.captures.at("app"));
    return system_events(shared, request, keeper, shared.store().find(app) ? app : job);
  });
  add("/managedEnvironments/{environment}/eventstream", [&keeper](Core& shared, const Request& request) {
    return system_events(shared, request, keeper,
                         resource_id(request, "managedEnvironments", request.captures.at("environment")));
  });
}

}  // namespace defang::emulator
