#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "emulator/json.h"
#include "emulator/runtime.h"

/// What Azure says about a revision, a replica or a job execution, judged from how its containers are: pure functions.
namespace defang::emulator {

/// One container of a replica, with what the probes found.
struct ContainerView {
  ContainerState state;
  bool started = false;            // its startup probe has succeeded
  bool ready = false;              // and its readiness probe
  bool startup_exhausted = false;  // the startup probe failed as often as it may
  bool is_init = false;            // ends well once, before the others start
};

struct ReplicaView {
  std::vector<ContainerView> init_containers;
  std::vector<ContainerView> containers;
  std::vector<std::uint16_t> listening;
  bool ready() const;
};

struct RevisionStatus {
  std::string provisioning_state;  // Provisioning, Provisioned, Failed
  std::string health_state;        // Healthy, Unhealthy, None
  std::string running_state;       // Activating, Running, Failed, Stopped, Deprovisioning
  std::string provisioning_error;  // empty: not shown
  std::string details;             // runningStateDetails, empty: not shown
  bool operator==(const RevisionStatus&) const = default;
};

/// `target_port`: of the ingress, if there is one. `wanted`: replicas that should be there.
RevisionStatus judge_revision(const std::vector<ReplicaView>& replicas, std::size_t wanted,
                              std::optional<std::uint16_t> target_port);
RevisionStatus inactive_revision();
/// Active, and scaled to zero.
RevisionStatus sleeping_revision();

/// "The TargetPort 8080 does not match the listening port 80." when something listens, and elsewhere; else empty.
std::string wrong_port(const std::vector<std::uint16_t>& listening, std::optional<std::uint16_t> target_port);

/// Running, Waiting or Terminated, and the sentence beside it.
struct ContainerWords {
  std::string running_state;
  std::string details;
};
ContainerWords words_of(const ContainerState& state);

/// A container that ends is started again after 0, 10, 20, 40 ... 300 seconds, as in Kubernetes.
std::int64_t restart_delay_seconds(int restarts);

/// Where a template differs from another in what makes a new revision (CA-37). The suffix counts.
bool same_template(const Json& a, const Json& b);

}  // namespace defang::emulator
