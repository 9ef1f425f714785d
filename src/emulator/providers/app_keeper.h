#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "emulator/core.h"
#include "emulator/providers/revision_state.h"
#include "emulator/providers/scaling.h"
#include "emulator/registry/registries.h"
#include "emulator/runtime.h"

namespace defang::emulator {

/// A line of the system log (`eventstream`), as Container Apps writes them.
struct SystemEvent {
  std::string time;
  std::string type = "Normal";  // or Warning
  std::string app, revision, replica;
  std::string message;
  std::string reason;  // RevisionCreation, PullingImage, ContainerCrashing ...
};

/// Keeps containers in step with what the store says: brings up replicas of active revisions and executions of jobs,
/// asks their probes, starts again what ended, moves traffic to a revision once it is ready, and ends the operations
/// that wait for it. Everything but watch() and resume() is called with Core's lock.
class AppKeeper {
 public:
  AppKeeper(Core& core, Runtime& runtime, Registries& registries);

  /// After Core::start(): networks, names and replicas of what the state holds.
  void resume();
  /// Until stopped: probes are asked outside of the lock, then everything is stepped.
  void watch(std::stop_token stop);
  /// One turn of watch().
  void turn(std::stop_token stop);

  void step_app(const std::string& app_id);
  void step_execution(const std::string& execution_id);

  /// The revision for the app's present template, made unless the latest has the same.
  void ensure_revision(const std::string& app_id);
  void set_active(const std::string& revision_id, bool active);
  void restart_revision(const std::string& revision_id);
  /// Replicas, name and console watchers of something that is gone from the store.
  void forget_replica(const Resource& replica);
  void forget_app(const std::string& app_id);

  RevisionStatus status_of(const Resource& revision);
  std::vector<const Resource*> replicas_of(std::string_view owner_id) const;
  ReplicaView view_of(const Resource& replica);

  void note(const std::string& scope_id, SystemEvent event);
  std::vector<SystemEvent> events_of(const std::string& scope_id, std::size_t from) const;

  /// The value of every secret of an app or job; the reason where one cannot be had.
  Result<std::map<std::string, Secret>> secrets_of(const Resource& owner);

  Runtime& runtime() { return runtime_; }

 private:
  struct ContainerWatch {
    bool started = false, ready = false, startup_exhausted = false;
    int failures = 0;                 // of the probe that is asked now, in a row
    std::int64_t phase_since_ms = 0;  // running since
    std::int64_t last_probe_ms = 0;
    std::int64_t last_live_ms = 0;  // of the liveness probe
    int live_failures = 0;
    std::int64_t restart_at_ms = 0;  // 0: no restart is planned
    int restarts_seen = 0;
    ContainerState::Phase phase_seen = ContainerState::Phase::pulling;
  };
  struct ReplicaWatch {
    std::map<std::string, ContainerWatch> containers;
    double cpu_seconds = 0;  // when the scale rules were asked last
  };
  /// How many replicas a revision has by its scale rules.
  struct ScaleWatch {
    ReplicaCount count;
    std::int64_t asked_ms = 0;
    std::uint64_t arrived = 0;  // by then
    bool is_waking = false;     // down to none, and none has become ready since
  };
  struct DueProbe {
    std::string replica_id, replica, container;
    Probe probe;
    std::string type;
    int failures_allowed = 0;
    std::int64_t give_up_ms = 0;  // since the container runs
    ProbeResult result;
  };
  /// Why no replica of a revision or execution can be started yet.
  struct Blocked {
    std::string reason, message;
  };

  std::optional<ReplicaState> state_of(const Resource& replica);
  std::vector<DueProbe> due_probes();
  void take(const DueProbe& asked);
  void take_liveness(const DueProbe& asked, ContainerWatch& seen);
  void step_replica(const Resource& replica, const Json& tmpl);
  /// The platform's own probes are for the container that the ingress leads to, the first.
  enum class Role { init, first, further };
  void step_container(const Resource& replica, const Json& container, const ContainerState& state,
                      ContainerWatch& watch, Role role);
  std::chrono::milliseconds grace_of(std::string_view replica_id) const;
  bool start_replica(const Resource& owner, const Resource& parent, const Json& tmpl, const std::string& replica_type);
  std::size_t wanted_replicas(const Resource& revision) const;
  void scale(const Resource& app, const Resource& revision);
  Observed observe(const Resource& app, const Resource& revision, const ScaleWatch& watch, std::int64_t since_ms);
  std::optional<Blocked> fill_container(const Resource& owner, const Json& tmpl, const Json& container,
                                        std::map<std::string, Secret>& secrets,
                                        const std::map<std::string, Secret>& injected,
                                        std::vector<ContainerSpec>& made);
  std::optional<Blocked> fill_spec(const Resource& owner, const Json& tmpl, std::map<std::string, Secret> injected,
                                   ReplicaSpec& spec);
  std::optional<Blocked> find_login(const Resource& owner, const std::string& image,
                                    std::map<std::string, Secret>& secrets, std::optional<RegistryLogin>& login);
  void probe_at_once(const std::string& app_id);
  void declare(const Resource& app);
  void route(const Resource& app, const std::vector<const Resource*>& revisions);
  void retire_older(const Resource& app, const std::vector<const Resource*>& revisions);
  void conclude(const Resource& app, const Resource* latest);
  void refresh_shown(const std::string& app_id, const std::vector<const Resource*>& revisions);
  bool quick() const { return runtime_.engine() == "none"; }

  Core& core_;
  Runtime& runtime_;
  Registries& registries_;
  /// Asking an engine costs some system calls, and a step looks at every replica several times.
  struct Seen {
    std::int64_t at_ms = 0;
    std::optional<ReplicaState> state;
  };
  std::map<std::string, Seen> seen_;                     // by replica name
  std::map<std::string, ReplicaWatch> watches_;          // by lower-case replica id
  std::map<std::string, ScaleWatch> scales_;             // by lower-case revision id
  std::map<std::string, Blocked> blocked_;               // by lower-case id of revision or execution
  std::map<std::string, std::int64_t> next_attempt_ms_;  // likewise
  std::map<std::string, int> attempts_;
  std::map<std::string, std::deque<SystemEvent>> events_;
  std::map<std::string, std::string> declared_;  // app id -> what was declared
  std::map<std::string, std::string> routed_;
};

/// The ingress' target port of a container app; nothing without ingress, 0 where it is to be found out.
std::optional<std::uint16_t> target_port_of(const Resource& app);
/// The revisions of an app, oldest first.
std::vector<const Resource*> revisions_of(const Store& store, std::string_view app_id);
std::string random_name(Random& random, std::size_t length);

}  // namespace defang::emulator
