#include "providers/container_apps_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "providers/diagnostics.h"

namespace defang::providers {
namespace {

constexpr int kLargest = 16;  // 4 vCPU with 8 Gi, CA-30
constexpr std::int64_t kStepBytes = std::int64_t{512} << 20;

}  // namespace

std::string ContainerSize::memory() const { return fmt::format("{:g}Gi", quarter_cpus * 0.5); }

ContainerSize container_size(const compose::Service& service, Diagnostics& diagnostics) {
  const auto& cpus = service.reservations.cpus ? service.reservations.cpus : service.limits.cpus;
  const auto* memory = service.reservations.memory_bytes ? &*service.reservations.memory_bytes : nullptr;
  if (service.limits.memory_bytes && (!memory || service.limits.memory_bytes->value > memory->value))
    memory = &*service.limits.memory_bytes;

  const double wanted_cpus = cpus ? cpus->value : 0;
  const std::int64_t wanted_bytes = memory ? memory->value : 0;
  const double steps_of_cpu = std::ceil(wanted_cpus / 0.25 - 1e-9);
  const std::int64_t steps_of_memory = (wanted_bytes + kStepBytes - 1) / kStepBytes;
  if (steps_of_cpu > kLargest) {
    diagnostics.add(too_many_cpus(service.name, *cpus));
    return {kLargest};
  }
  if (steps_of_memory > kLargest) {
    diagnostics.add(too_much_memory(service.name, *memory));
    return {kLargest};
  }
  const int steps = std::max({1, static_cast<int>(steps_of_cpu), static_cast<int>(steps_of_memory)});
  const ContainerSize size{steps};
  // One step more is how pairs are, and the plan shows it. More than that is money, and worth a word.
  if (cpus && memory && std::abs(static_cast<int>(steps_of_cpu) - static_cast<int>(steps_of_memory)) > 1)
    diagnostics.add(size_rounded(service.name, size.cpus(), size.memory(), cpus->span));
  return size;
}

}  // namespace defang::providers
