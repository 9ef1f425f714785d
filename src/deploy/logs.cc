#include "deploy/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "azure/resource_id.h"
#include "azure/resource_types.h"
#include "rest/azure_error.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr int kMostTailLines = 300;  // CA-151
constexpr auto kReconnectPause = 3s;

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

std::vector<LogStream> streams_of(const std::vector<ServiceStatus>& services) {
  std::vector<LogStream> streams;
  for (const auto& service : services)
    for (const auto& replica : service.replicas)
      for (const auto& container : replica.containers)
        if (!container.log_stream.empty())
          streams.push_back({service.service, service.app, replica.name, container.name, container.log_stream});
  return streams;
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

}  // namespace

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
      auto line = parse_log_line(text);
      if (!line) return;
      line->service = stream.service;
      line->replica = stream.replica;
      line->container = stream.container;
      sink(*line);
    });
    return {};
  };
  TRY_ASSIGN(const auto answer, pipeline.send(request, {}, stop));
  if (answer.status >= 300) return fail(rest::error_of(answer));
  return {};
}

Result<void> read_logs(rest::ArmClient& arm, rest::Pipeline& unsigned_pipeline, Clock& clock,
                       const std::vector<ServiceStatus>& services, const LogOptions& options, const LogSink& sink,
                       std::stop_token stop) {
  const auto streams = streams_of(services);
  if (!options.follow) {
    for (const auto& stream : streams) {
      auto read = read_stream(arm, unsigned_pipeline, stream, options.tail, false, sink, stop);
      if (!read)
        return fail(std::move(read.error().during(fmt::format("reading the log of service `{}`", stream.service))));
    }
    return {};
  }
  std::mutex mutex;
  const LogSink one_at_a_time = [&](const LogLine& line) {
    const std::lock_guard lock(mutex);
    sink(line);
  };
  std::vector<std::jthread> threads;
  for (const auto& stream : streams) {
    threads.emplace_back([&, stream] {
      for (int tail = options.tail; !stop.stop_requested(); tail = 0) {
        // A stream breaks off when its replica ends or the token expires; both are everyday.
        (void)read_stream(arm, unsigned_pipeline, stream, tail, true, one_at_a_time, stop);
        if (!clock.sleep_for(kReconnectPause, stop)) return;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  return stopped();
}

}  // namespace defang::deploy
