#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "azure/resource_id.h"
#include "deploy/deployment.h"
#include "deploy/detach.h"
#include "emulator/emulator.h"
#include "plan/plan.h"
#include "rest/http_transport.h"
#include "support/clock.h"
#include "support/disk.h"

namespace defang::runs {

/// What befalls one request of a run.
enum class Trouble {
  dropped_before,  // the connection is lost, and nothing was done
  dropped_after,   // it was done, but nobody hears of it
  throttled,       // 429
  unavailable,     // 503
  delayed,         // the answer takes longer than a lease lasts
  truncated,       // half of the answer's body arrives
  offline,         // the network is gone, and comes back
  offline_for_good,
  killed_after,     // it was done, and the process is no more
  suspended_after,  // it was done, and the process stands still before it hears of it
};

/// A process that may stand still: its clock and its wire give nothing back meanwhile.
class Suspension {
 public:
  explicit Suspension(Clock& clock) : clock_(clock) {}
  /// Stands still while `meanwhile` runs.
  void during(const std::function<void()>& meanwhile);
  void wait_out() const;

 private:
  Clock& clock_;
  std::atomic<bool> still_ = false;
};

/// Counts what is sent, renewals of the lease aside, and disturbs one request of it.
class Wire : public rest::HttpTransport {
 public:
  Wire(rest::HttpTransport& inner, Clock& clock, Suspension& process)
      : inner_(inner), clock_(clock), process_(process) {}
  struct Plan {
    Trouble trouble = Trouble::throttled;
    std::size_t number = 0;  // of the request, or of the write where only writes count; 0: none
    bool writes_only = false;
    std::function<void()> meanwhile;  // while the process is suspended
  };
  void plan(Plan plan) { plan_ = std::move(plan); }
  Result<rest::HttpResponse> send(const rest::HttpRequest& request, std::stop_token stop) override;

  std::stop_token life() const { return life_.get_token(); }
  struct Sent {
    std::string method, url;
    bool is_write = false;
  };
  std::vector<Sent> sent() const;
  std::size_t count(bool writes_only) const;
  /// What the planned trouble struck; empty: nothing.
  std::string struck() const;

 private:
  bool strikes(const rest::HttpRequest& request);
  bool is_offline() const;

  rest::HttpTransport& inner_;
  Clock& clock_;
  Suspension& process_;
  Plan plan_;
  std::stop_source life_;
  mutable std::mutex mutex_;
  std::vector<Sent> sent_;
  std::size_t matching_ = 0;
  std::optional<std::chrono::nanoseconds> online_again_;  // on the clock
  std::string struck_;
};

/// How a run ended, in words that a test can compare.
struct Ended {
  std::optional<Error> refused;  // before the first node
  deploy::RunFinished finished;
  std::vector<Error> failures;
  std::string log;  // of builds and of containers that fail
  std::vector<std::string> notices;
  std::vector<std::string> changed;  // nodes that were created, updated or run
  bool is_done() const { return !refused && finished.how == deploy::RunFinished::How::done; }
  std::string text() const;
};

/// One Azure, on which examples/notes with a config is deployed as often as wanted.
class Bench {
 public:
  Bench();
  ~Bench();

  FakeClock clock;
  FakeDisk project;  // of the user
  /// One process that does `defang compose up`.
  struct Process;
  std::unique_ptr<Process> process();
  Ended up(Process& process);
  Ended up();  // of an undisturbed process
  /// As `up --detach` does it: `starter` does what comes first and is gone; `job`, which has no files, carries out the
  /// rest.
  Ended up_detached(Process& starter, Process& job);
  /// The end of the last detached run as somebody else sees it, and how many events that takes.
  Result<std::pair<deploy::RunFinished, std::size_t>> follow();

  /// Everything that a GET shows, by id, without what differs from one Azure to the next.
  std::map<std::string, std::string> state();
  /// A resource of the group, "Microsoft.App/containerApps/web".
  nlohmann::json get(const std::string& resource);
  /// As somebody with another tool would: a GET, and what it showed written back with a change.
  void change(const std::string& resource, const std::function<void(nlohmann::json&)>& edit);
  /// What runs leave in the stack's storage.
  void lose_record();
  /// Of each app, the latest.
  std::map<std::string, std::string> revisions();

 private:
  void set_config();
  deploy::RunPlace run_place() const;
  Result<deploy::Prepared> prepare(const deploy::AzureAccess& access, std::stop_token stop);
  azure::ResourceId id_of(const std::string& resource) const;
  std::filesystem::path folder_;  // of the emulator; builds unpack their context on the real disk
  std::unique_ptr<Disk> azure_ = make_real_disk();
  std::unique_ptr<Random> random_ = make_seeded_random(3);
  std::unique_ptr<emulator::InProcess> emulator_;
  plan::Stack stack_;
  std::string last_run_;
};

struct Bench::Process {
  Process(Bench& bench, rest::HttpTransport& azure);
  ~Process();
  Suspension suspension;
  Wire wire;
  struct Parts;
  std::unique_ptr<Parts> parts;
};

}  // namespace defang::runs
