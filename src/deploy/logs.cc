#include "deploy/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "azure/resource_id.h"
#include "azure/resource_types.h"
#include "deploy/build_image.h"
#include "deploy/json_path.h"
#include "deploy/log_history.h"
#include "rest/azure_error.h"
#include "rest/registry_client.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr int kMostTailLines = 300;  // CA-151
constexpr auto kReconnectPause = 1s;
constexpr auto kLookForReplicas = 3s;

/// The lines that the stream itself begins with (wire facts, "Revisions, replicas, logs").
constexpr std::string_view kSynthetic[] = {"Connecting to the container '", "Successfully Connected to container: '"};

/// Cuts a stream into lines.
class LineSplitter {
 public:
  template <class Visit>
  void add(std::string_view piece, Visit&& visit) {
    rest_ += piece;
    std::size_t begin = 0;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', begin)) {
      visit(std::string_view(rest_).substr(begin, end - begin));
      begin = end + 1;
    }
    rest_.erase(0, begin);
  }

 private:
  std::string rest_;
};

/// What an event stream says of itself ("containerapp_eventstream" of the recordings).
constexpr std::string_view kOwnReasons[] = {"StartingGettingEvents", "ConnectedToEventsServer", "NoNewEvents"};

std::vector<LogStream> streams_of(const std::vector<ServiceStatus>& services, const std::set<LogKind>& kinds) {
  std::vector<LogStream> streams;
  if (kinds.contains(LogKind::system))
    for (const auto& service : services)
      if (!service.event_stream.empty())
        streams.push_back({service.service, service.app, "", "", service.event_stream, LogKind::system});
  if (!kinds.contains(LogKind::run)) return streams;
  for (const auto& service : services)
    for (const auto& replica : service.replicas)
      for (const auto* containers : {&replica.init_containers, &replica.containers})
        for (const auto& container : *containers)
          if (!container.log_stream.empty())
            streams.push_back(
                {service.service, service.app, replica.name, container.name, container.log_stream, LogKind::run});
  return streams;
}

/// A run of a registry's builder.
struct BuildRun {
  azure::ResourceId registry;
  std::string id, service, created;
};

/// Of each service the newest; and the newest of all where it made no image, since nothing tells whose it is.
Result<std::vector<BuildRun>> newest_builds(rest::ArmClient& arm, const std::string& group,
                                            const std::vector<ServiceStatus>& services, std::stop_token stop) {
  const std::string type = "Microsoft.ContainerRegistry/registries";
  TRY_ASSIGN(const auto registries,
             arm.list(group + "/providers/" + type, std::string(azure::find_resource_type(type)->api_version), stop));
  std::vector<BuildRun> newest;
  for (const auto& registry : registries) {
    const auto id = azure::ResourceId::parse(text_at(registry, "id"));
    if (!id) continue;
    TRY_ASSIGN(auto runs, arm.list(id->text() + "/runs", "2019-06-01-preview", stop));
    std::ranges::stable_sort(runs, std::greater{},
                             [](const Json& run) { return text_at(run, "properties.createTime"); });
    std::set<std::string> seen;
    for (const auto& run : runs) {
      const std::string image = text_at(run, "properties.outputImages[0].repository");
      const auto service =
          std::ranges::find_if(services, [&](const ServiceStatus& one) { return repository_of(one.service) == image; });
      const bool is_newest = &run == &runs.front();
      if (service == services.end() && !(is_newest && image.empty())) continue;
      const std::string name = service == services.end() ? "build" : service->service;
      if (seen.insert(name).second)
        newest.push_back({*id, text_at(run, "properties.runId"), name, text_at(run, "properties.createTime")});
    }
  }
  return newest;
}

/// Until the build has ended. Lines that tell no time have that of the line before.
Result<void> read_build(rest::ArmClient& arm, rest::Pipeline& pipeline, Clock& clock, const BuildRun& build,
                        const LogSink& sink, std::stop_token stop) {
  rest::RegistryTasks tasks(build.registry, arm, pipeline, clock);
  LogLine line{.time = log_time(build.created),
               .service = build.service,
               .replica = build.id,
               .container = "",
               .text = "",
               .kind = LogKind::build};
  const auto on_line = [&](const std::string& text) {
    if (auto time = build_line_time(text)) line.time = std::move(*time);
    line.text = text;
    sink(line);
  };
  TRY(tasks.follow(build.id, on_line, stop));
  return {};
}

/// A token for the app's streams; Resource Manager's own is not accepted there (CA-151).
Result<Secret> stream_token(rest::ArmClient& arm, const std::string& owner, std::stop_token stop) {
  const auto id = azure::ResourceId::parse(owner);
  const auto* type = id ? azure::find_resource_type(id->type()) : nullptr;
  if (type == nullptr) return fail(Error::Kind::invalid, "log-token", "the app has no proper id");
  TRY_ASSIGN(const auto answer, arm.post(*id, "getAuthToken", std::string(type->api_version), Json(), {}, stop));
  const Json::json_pointer where("/properties/token");
  if (!answer.contains(where))
    return fail(Error::Kind::invalid, "log-token", "the answer to getAuthToken holds no token");
  return Secret(answer[where].get<std::string>());
}

/// What all containers have written, each line once, oldest first; and of each stream how far it was read.
struct Past {
  std::vector<LogLine> lines;
  std::map<std::string, LogResume> read;  // by the stream's URL
};

Result<Past> read_past(rest::ArmClient& arm, rest::Pipeline& pipeline, const std::vector<ServiceStatus>& services,
                       const LogOptions& options, std::stop_token stop) {
  Past past;
  std::map<std::pair<std::string, std::string>, std::vector<LogLine>> history;  // by replica and container
  if (options.history)
    for (auto& line : options.history(services)) history[{line.replica, line.container}].push_back(line);
  const auto add = [&](std::vector<LogLine> lines) {
    std::erase_if(lines, [&](const LogLine& line) { return log_time(line.time) < options.since; });
    const auto surplus = lines.size() - std::min(lines.size(), static_cast<std::size_t>(std::max(options.tail, 0)));
    past.lines.insert(past.lines.end(), lines.begin() + static_cast<std::ptrdiff_t>(surplus), lines.end());
  };
  for (const auto& stream : streams_of(services, options.kinds)) {
    std::vector<LogLine> lines;
    const auto keep = [&](const LogLine& line) { lines.push_back(line); };
    auto read = read_stream(arm, pipeline, stream, options.history ? kMostTailLines : options.tail, false, keep, stop);
    // A replica may go between the look and the read; what it wrote is in the history.
    if (!read && !(options.history && read.error().http_status == 404))
      return fail(std::move(read.error().during(fmt::format("reading the log of service `{}`", stream.service))));
    for (const auto& line : lines) (void)past.read[stream.url].is_new(line);
    auto older = history.extract({stream.replica, stream.container});
    add(older.empty() ? std::move(lines) : joined(std::move(older.mapped()), std::move(lines)));
  }
  for (auto& [container, lines] : history) add(std::move(lines));
  return past;
}

void show_in_order(std::vector<LogLine>& lines, const LogSink& sink) {
  std::ranges::stable_sort(lines, {}, [](const LogLine& line) { return log_time(line.time); });
  for (const auto& line : lines) sink(line);
}

/// Follows every container, each on a thread of its own, and looks for new ones now and then.
class Follower {
 public:
  Follower(rest::ArmClient& arm, rest::Pipeline& pipeline, Clock& clock, const LogOptions& options, const LogSink& sink,
           std::stop_token stop)
      : arm_(arm), pipeline_(pipeline), clock_(clock), options_(options), sink_(sink) {
    ended_by_.emplace(std::move(stop), [this] { ended_.request_stop(); });
  }

  Result<void> go(const std::function<Result<std::vector<ServiceStatus>>()>& look) {
    int tail = options_.tail;
    bool builds = options_.kinds.contains(LogKind::build), asks_past = static_cast<bool>(options_.history);
    do {
      auto services = look();
      if (services && std::exchange(builds, false)) {
        TRY_ASSIGN(const auto runs, newest_builds(arm_, options_.group, *services, ended_.get_token()));
        for (const auto& run : runs) threads_.emplace_back([this, run] { follow(run); });
      }
      if (services && std::exchange(asks_past, false)) {
        TRY_ASSIGN(auto past, read_past(arm_, pipeline_, *services, options_, ended_.get_token()));
        show_in_order(past.lines, sink_);
        read_ = std::move(past.read);
      }
      // Later a look that fails is no reason to end: streams go on.
      if (!services && threads_.empty()) return fail(std::move(services.error()));
      if (services)
        for (auto& stream : streams_of(*services, options_.kinds))
          if (known_.insert(stream.url).second)
            threads_.emplace_back([this, stream = std::move(stream), tail] { follow(stream, tail); });
      tail = kMostTailLines;  // what comes later is new from its first line
    } while (clock_.sleep_for(kLookForReplicas, ended_.get_token()));
    threads_.clear();  // joins
    if (refusal_) return fail(std::move(*refusal_));
    return stopped();
  }

 private:
  void follow(const BuildRun& build) {
    const LogSink show = [&](const LogLine& line) {
      const std::lock_guard lock(mutex_);
      if (line.time >= options_.since) sink_(line);
    };
    (void)read_build(arm_, pipeline_, clock_, build, show, ended_.get_token());
  }
  void follow(const LogStream& stream, int tail) {
    LogResume resume;
    {
      const std::lock_guard lock(mutex_);
      if (const auto read = read_.find(stream.url); read != read_.end()) resume = read->second, tail = kMostTailLines;
    }
    const LogSink show = [&](const LogLine& line) {
      const std::lock_guard lock(mutex_);
      if (resume.is_new(line) && log_time(line.time) >= options_.since) sink_(line);
    };
    const auto stop = ended_.get_token();
    for (bool is_first = true; !stop.stop_requested(); is_first = false) {
      resume.connected();
      // A stream breaks off when its container ends or the token expires; both are everyday.
      auto read = read_stream(arm_, pipeline_, stream, is_first ? tail : kMostTailLines, true, show, stop);
      if (!read && read.error().http_status == 404) return;  // the replica is gone
      if (!read && (read.error().http_status == 401 || read.error().http_status == 403) && is_first)
        return give_up(std::move(read.error()));
      if (!clock_.sleep_for(kReconnectPause, stop)) return;
    }
  }
  void give_up(Error error) {
    const std::lock_guard lock(mutex_);
    if (!refusal_) refusal_ = std::move(error);
    ended_.request_stop();
  }

  rest::ArmClient& arm_;
  rest::Pipeline& pipeline_;
  Clock& clock_;
  const LogOptions& options_;
  const LogSink& sink_;
  std::stop_source ended_;  // by the user, or by a refusal
  std::optional<std::stop_callback<std::function<void()>>> ended_by_;
  std::mutex mutex_;
  std::optional<Error> refusal_;
  std::set<std::string> known_;
  std::map<std::string, LogResume> read_;  // before the streams were followed
  std::vector<std::jthread> threads_;      // last: they use the rest
};

}  // namespace

std::string log_time(std::string_view time) {
  if (time.ends_with(" +0000 UTC")) {  // so an event stream writes it
    time.remove_suffix(10);
    std::string out(time);
    if (out.size() > 10) out[10] = 'T';
    return out;
  }
  if (time.ends_with('Z')) time.remove_suffix(1);
  if (time.ends_with("+00:00")) time.remove_suffix(6);
  return std::string(time);
}

bool LogResume::is_new(const LogLine& line) {
  const std::string time = log_time(line.time);
  if (is_replaying_) {
    if (time < last_) return false;
    if (time == last_ && passed_ < with_last_) {
      ++passed_;
      return false;
    }
    is_replaying_ = false;
  }
  with_last_ = time == last_ ? with_last_ + 1 : 1;
  last_ = time;
  return true;
}

std::optional<LogLine> parse_log_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("Log") || !json["Log"].is_string()) return std::nullopt;
  LogLine out;
  out.text = json["Log"].get<std::string>();
  for (const auto begin : kSynthetic)
    if (out.text.starts_with(begin)) return std::nullopt;
  out.time = json.value("TimeStamp", "");
  return out;
}

std::optional<LogLine> parse_event_line(std::string_view line) {
  const Json json = Json::parse(line, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  const std::string reason = text_at(json, "Reason");
  if (reason.empty() || std::ranges::find(kOwnReasons, reason) != std::end(kOwnReasons)) return std::nullopt;
  LogLine out{.time = log_time(text_at(json, "TimeStamp")), .service = "", .replica = text_at(json, "ReplicaName")};
  out.text = fmt::format("{}: {}", reason, text_at(json, "Msg"));
  out.kind = LogKind::system;
  return out;
}

std::optional<std::string> build_line_time(std::string_view line) {
  constexpr std::string_view kForm = "0000/00/00 00:00:00 ";
  if (line.size() < kForm.size()) return std::nullopt;
  for (std::size_t i = 0; i < kForm.size(); ++i) {
    const bool is_digit = line[i] >= '0' && line[i] <= '9';
    if (kForm[i] == '0' ? !is_digit : line[i] != kForm[i]) return std::nullopt;
  }
  std::string time(line.substr(0, kForm.size() - 1));
  time[4] = time[7] = '-';
  time[10] = 'T';
  return time;
}

Result<void> read_stream(rest::ArmClient& arm, rest::Pipeline& pipeline, const LogStream& stream, int tail, bool follow,
                         const LogSink& sink, std::stop_token stop) {
  TRY_ASSIGN(const auto token, stream_token(arm, stream.owner, stop));
  rest::HttpRequest request;
  request.url =
      fmt::format("{}?follow={}&output=json&tailLines={}", stream.url, follow, std::min(tail, kMostTailLines));
  request.headers.set("Authorization", "Bearer " + token.reveal());
  if (follow) request.idle_limit = 10min;
  LineSplitter lines;
  request.sink = [&](std::string_view piece) -> Result<void> {
    lines.add(piece, [&](std::string_view text) {
      auto line = stream.kind == LogKind::system ? parse_event_line(text) : parse_log_line(text);
      if (!line) return;
      line->service = stream.service;
      if (stream.kind == LogKind::run) {
        line->replica = stream.replica;
        line->container = stream.container;
      }
      sink(*line);
    });
    return {};
  };
  TRY_ASSIGN(const auto answer, pipeline.send(request, {}, stop));
  if (answer.status >= 300) return fail(rest::error_of(answer));
  return {};
}

Result<void> read_logs(rest::ArmClient& arm, rest::Pipeline& unsigned_pipeline, Clock& clock,
                       const std::function<Result<std::vector<ServiceStatus>>()>& look, const LogOptions& options,
                       const LogSink& sink, std::stop_token stop) {
  if (options.follow) return Follower(arm, unsigned_pipeline, clock, options, sink, stop).go(look);
  TRY_ASSIGN(const auto services, look());
  TRY_ASSIGN(auto past, read_past(arm, unsigned_pipeline, services, options, stop));
  const LogSink keep = [&](const LogLine& line) {
    if (log_time(line.time) >= options.since) past.lines.push_back(line);
  };
  if (options.kinds.contains(LogKind::build)) {
    TRY_ASSIGN(const auto builds, newest_builds(arm, options.group, services, stop));
    for (const auto& build : builds) TRY(read_build(arm, unsigned_pipeline, clock, build, keep, stop));
  }
  show_in_order(past.lines, sink);
  return {};
}

}  // namespace defang::deploy
