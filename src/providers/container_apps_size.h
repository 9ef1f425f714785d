#pragma once

#include <string>
#include <string_view>

#include "compose/project.h"
#include "support/diagnostic.h"

namespace defang::providers {

/// A kind of machine that apps of an environment run on (CA-13).
struct WorkloadProfile {
  std::string_view name;  // of ours, and what apps say
  std::string_view type;
  int cpus = 0, gib = 0;  // of one node
};

/// What one replica gets: one of the pairs that the Consumption profile knows (CA-30), or any amount of a node that is
/// paid for as a whole.
struct ContainerSize {
  int quarter_cpus = 1;                      // 1 is 0.25 vCPU with 0.5 Gi
  int half_gib = 0;                          // of other profiles; 0: the pair's
  const WorkloadProfile* profile = nullptr;  // nullptr: Consumption

  double cpus() const { return quarter_cpus * 0.25; }
  std::string memory() const;  // "0.5Gi"
  std::string_view profile_name() const { return profile ? profile->name : "Consumption"; }
  friend bool operator==(const ContainerSize&, const ContainerSize&) = default;
};

/// The smallest pair that holds what the service asks for, or else a part of the smallest machine that does. Memory is
/// a hard limit on Azure, so the larger of reservation and limit counts; of CPUs the reservation, or else the limit.
ContainerSize container_size(const compose::Service& service, Diagnostics& diagnostics);

}  // namespace defang::providers
