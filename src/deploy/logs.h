#pragma once

#include <functional>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "deploy/services.h"
#include "rest/arm_client.h"
#include "rest/pipeline.h"
#include "support/clock.h"
#include "support/result.h"

/// What containers write, straight from their replicas (CA-150..152).
namespace defang::deploy {

/// What containers write, what Container Apps says of them, what building their images wrote.
enum class LogKind { run, system, build };

struct LogLine {
  std::string time;                         // as the service gave it, without a zone: UTC
  std::string service, replica, container;  // of a build, `replica` is the registry's name for its run
  std::string text;
  LogKind kind = LogKind::run;
};
/// Called from one thread at a time.
using LogSink = std::function<void(const LogLine&)>;

struct LogOptions {
  int tail = 100;       // lines of the past from each container; a replica shows at most 300 (CA-151)
  bool follow = false;  // until stopped, connecting again when a stream breaks off
  std::set<LogKind> kinds{LogKind::run};
  std::string group;  // id of the resource group; its registries have the logs of builds
  std::string since;  // only lines from this time on, as `log_time` writes it; empty: all
  /// What containers wrote longer ago, asked for once before anything is shown. Empty: only what replicas show counts.
  std::function<std::vector<LogLine>(const std::vector<ServiceStatus>&)> history;
};

/// One line of a JSON log stream; nothing for what the service says itself ("Connecting to the container ...") and for
/// what is no line. Pure.
std::optional<LogLine> parse_log_line(std::string_view line);

/// The same of an app's event stream: "PulledImage: Successfully pulled image ...". Pure.
std::optional<LogLine> parse_event_line(std::string_view line);

/// When a line of a build's log was written, where it says so: "2026/01/31 12:00:00 Downloading source code...". Pure.
std::optional<std::string> build_line_time(std::string_view line);

/// Without its zone, which is always UTC, so that earlier is less.
std::string log_time(std::string_view time);

/// Which lines of a container's stream are new. A stream that is opened again begins with the last lines once more:
/// those up to the last one that was seen are not new, and of several with that time as many as were seen. Pure.
class LogResume {
 public:
  void connected() { is_replaying_ = !last_.empty(), passed_ = 0; }
  bool is_new(const LogLine& line);

 private:
  std::string last_;           // time of the last line seen
  std::size_t with_last_ = 0;  // lines seen with it
  bool is_replaying_ = false;
  std::size_t passed_ = 0;  // of those, since the stream was opened again
};

/// One container's stream. `owner` is the id of the app or job, which gives the token.
struct LogStream {
  std::string service, owner, replica, container, url;
  LogKind kind = LogKind::run;  // or system
};
/// With `follow` until it breaks off.
Result<void> read_stream(rest::ArmClient& arm, rest::Pipeline& unsigned_pipeline, const LogStream& stream, int tail,
                         bool follow, const LogSink& sink, std::stop_token stop);

/// Everything asked for of the services that `look` finds, and of builds the newest of each image; with `follow` also
/// of those that come later. Without, ordered by time.
Result<void> read_logs(rest::ArmClient& arm, rest::Pipeline& unsigned_pipeline, Clock& clock,
                       const std::function<Result<std::vector<ServiceStatus>>()>& look, const LogOptions& options,
                       const LogSink& sink, std::stop_token stop);

}  // namespace defang::deploy
