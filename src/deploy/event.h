#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "support/result.h"
#include "support/source_span.h"

/// What a run tells: the same stream drives the terminal, --json, and the events blob (design.md section 4).
namespace defang::deploy {

struct RunStarted {
  std::string project, stack, group, subscription, location;
  std::size_t nodes = 0;
};
struct NodeStarted {
  std::string node, service;
  enum class Doing { create, update, adopt, run, remove } doing = Doing::create;
  std::string type, name;         // of a resource; "action" and "build/web" otherwise
  std::chrono::seconds usual{0};  // how long that takes as a rule; 0: not known
};
struct NodeWaiting {  // at every change of the state only
  std::string node, state;
};
struct NodeLog {  // a line of a build, of a container that fails
  std::string node, line;
};
struct NodeFinished {
  std::string node, service;
  enum class How { created, updated, adopted, unchanged, ran, removed } how = How::created;
  std::chrono::milliseconds took{0};
  std::string detail;  // "https://web.example" for an app
};
struct NodeFailed {
  std::string node, service;
  Error error;
  std::chrono::milliseconds took{0};
};
struct NodeSkipped {  // because something it needs failed
  std::string node, service, because_of;
};
struct Notice {  // "waiting for the other run of this stack"
  std::string message;
};
struct RunFinished {
  enum class How { done, failed, stopped } how = How::done;
  std::chrono::milliseconds took{0};
  std::size_t created = 0, updated = 0, unchanged = 0, removed = 0, failed = 0, skipped = 0;
};

struct Event {
  std::uint64_t seq = 0;
  std::chrono::system_clock::time_point time;
  std::variant<RunStarted, NodeStarted, NodeWaiting, NodeLog, NodeFinished, NodeFailed, NodeSkipped, Notice,
               RunFinished>
      what;
};

/// Called from one thread at a time.
using EventSink = std::function<void(const Event&)>;

/// One line of JSON: {"v":1,"seq","time","type","node",...}; never a secret.
std::string to_json_line(const Event& event);

}  // namespace defang::deploy
