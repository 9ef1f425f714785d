#include "emulator/providers/revision_state.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

namespace defang::emulator {
namespace {

using Phase = ContainerState::Phase;

/// One that ended more than once, or ended before it was ever ready and is waiting to be started again.
bool is_crashing(const ContainerView& container) {
  const ContainerState& state = container.state;
  if (state.phase == Phase::waiting || state.phase == Phase::pulling) return false;
  if (container.is_init && state.phase == Phase::exited && state.exit_code == 0) return false;
  if (container.startup_exhausted) return true;
  if (state.phase == Phase::exited) return state.restarts >= 1;
  return state.restarts >= 2 && !container.ready;
}

/// What listens before all containers run says nothing about those that are still to come.
bool has_started(const ReplicaView& replica) {
  return std::ranges::none_of(replica.containers,
                              [](const ContainerView& one) { return one.state.phase == Phase::pulling; });
}

bool cannot_start(const ContainerView& container) { return container.state.phase == Phase::waiting; }

std::string names_of(const std::vector<const ContainerView*>& containers) {
  std::string names;
  for (const ContainerView* container : containers) {
    if (names.find(container->state.name) != std::string::npos) continue;
    names += (names.empty() ? "" : ", ") + container->state.name;
  }
  return names;
}

template <class Predicate>
std::vector<const ContainerView*> which(const std::vector<ReplicaView>& replicas, Predicate predicate) {
  std::vector<const ContainerView*> found;
  for (const ReplicaView& replica : replicas)
    for (const auto* list : {&replica.init_containers, &replica.containers})
      for (const ContainerView& container : *list)
        if (predicate(container)) found.push_back(&container);
  return found;
}

std::size_t count_containers(const std::vector<ReplicaView>& replicas) {
  std::size_t count = 0;
  for (const ReplicaView& replica : replicas) count += replica.init_containers.size() + replica.containers.size();
  return count;
}

std::string joined(std::string first, std::string second) {
  if (first.empty() || second.empty()) return first + second;
  return first + " " + second;
}

std::string us_time(std::chrono::system_clock::time_point time) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
  const std::tm parts = fmt::gmtime(seconds);
  const int hour = parts.tm_hour % 12 == 0 ? 12 : parts.tm_hour % 12;
  return fmt::format("{}/{}/{} {}:{:02}:{:02} {}", parts.tm_mon + 1, parts.tm_mday, parts.tm_year + 1900, hour,
                     parts.tm_min, parts.tm_sec, parts.tm_hour < 12 ? "AM" : "PM");
}

}  // namespace

bool ReplicaView::ready() const {
  return !containers.empty() &&
         std::ranges::all_of(containers, [](const ContainerView& container) { return container.ready; });
}

RevisionStatus sleeping_revision() { return {"Provisioned", "Healthy", "ScaledToZero", "", ""}; }

RevisionStatus inactive_revision() { return {"Provisioned", "None", "Stopped", "", ""}; }

std::string wrong_port(const std::vector<std::uint16_t>& listening, std::optional<std::uint16_t> target_port) {
  if (!target_port || listening.empty() || std::ranges::find(listening, *target_port) != listening.end()) return {};
  return fmt::format("The TargetPort {} does not match the listening port {}.", *target_port, listening.front());
}

RevisionStatus judge_revision(const std::vector<ReplicaView>& replicas, std::size_t wanted,
                              std::optional<std::uint16_t> target_port) {
  std::string port;
  for (const ReplicaView& replica : replicas)
    if (port.empty() && !replica.ready() && has_started(replica)) port = wrong_port(replica.listening, target_port);
  const std::size_t all = count_containers(replicas);

  // Recorded: containerapp-failure.ext.containerapp_debug#40.
  if (const auto crashing = which(replicas, is_crashing); !crashing.empty()) {
    const std::string names = names_of(crashing);
    return {"Failed", "Unhealthy", "Failed", "Container crashing: " + names,
            joined(port, fmt::format("{}/{} Container crashing: {}", crashing.size(), all, names))};
  }
  if (const auto waiting = which(replicas, cannot_start); !waiting.empty()) {
    const ContainerState& state = waiting.front()->state;
    return {"Provisioning", "Unhealthy", "Activating", fmt::format("{}: {}", state.reason, state.message),
            fmt::format("{}/{} Container waiting: {}. {}: {}", waiting.size(), all, names_of(waiting), state.reason,
                        state.message)};
  }
  const auto ready = static_cast<std::size_t>(std::ranges::count_if(replicas, &ReplicaView::ready));
  if (ready >= std::max<std::size_t>(wanted, 1)) return {"Provisioned", "Healthy", "Running", "", ""};
  return {"Provisioning", "None", "Activating", "", port};
}

ContainerWords words_of(const ContainerState& state) {
  switch (state.phase) {
    case Phase::running:
      return {"Running", fmt::format("Container started at: {}.",
                                     us_time(state.started.value_or(std::chrono::system_clock::time_point{})))};
    case Phase::exited:
      return {"Terminated", fmt::format("Container terminated with exit code '{}'. Reason: {}.", state.exit_code,
                                        state.reason.empty() ? "Error" : state.reason)};
    case Phase::waiting:
      return {"Waiting", fmt::format("{}: {}", state.reason, state.message)};
    case Phase::pulling:
      break;
  }
  return {"Waiting", "ContainerCreating"};
}

std::int64_t restart_delay_seconds(int restarts) {
  if (restarts <= 0) return 0;
  return std::min<std::int64_t>(300, 10ll << std::min(restarts - 1, 10));
}

bool same_template(const Json& a, const Json& b) { return a == b; }

}  // namespace defang::emulator
