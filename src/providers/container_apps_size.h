#pragma once

#include <string>

#include "compose/project.h"
#include "support/diagnostic.h"

namespace defang::providers {

/// What one replica gets: one of the pairs that the Consumption profile knows (CA-30).
struct ContainerSize {
  int quarter_cpus = 1;  // 1 is 0.25 vCPU with 0.5 Gi

  double cpus() const { return quarter_cpus * 0.25; }
  std::string memory() const;  // "0.5Gi"
  friend bool operator==(const ContainerSize&, const ContainerSize&) = default;
};

/// The smallest pair that holds what the service asks for. Memory is a hard limit on Azure, so the larger of
/// reservation and limit counts; of CPUs the reservation, or else the limit.
ContainerSize container_size(const compose::Service& service, Diagnostics& diagnostics);

}  // namespace defang::providers
