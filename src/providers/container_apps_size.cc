#include "providers/container_apps_size.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "providers/diagnostics.h"

namespace defang::providers {
namespace {

constexpr int kLargest = 16;  // 4 vCPU with 8 Gi, CA-30
constexpr std::int64_t kStepBytes = std::int64_t{512} << 20;

// CA-13, from the cheapest.
constexpr auto kDedicated = std::to_array<WorkloadProfile>({
    {"d4", "D4", 4, 16},
    {"e4", "E4", 4, 32},
    {"d8", "D8", 8, 32},
    {"e8", "E8", 8, 64},
    {"d16", "D16", 16, 64},
    {"e16", "E16", 16, 128},
    {"d32", "D32", 32, 128},
    {"e32", "E32", 32, 256},
});
/// The smallest GPU that is paid for while it runs only; a replica has the whole node.
constexpr WorkloadProfile kGpu = {"gpu-t4", "Consumption-GPU-NC8as-T4", 8, 56};

struct Wanted {
  const Spanned<double>* cpus = nullptr;
  const Spanned<std::int64_t>* memory = nullptr;
  double steps_of_cpu() const { return cpus ? std::ceil(cpus->value / 0.25 - 1e-9) : 0; }
  std::int64_t steps_of_memory() const { return memory ? (memory->value + kStepBytes - 1) / kStepBytes : 0; }
};

Wanted wanted_by(const compose::Service& service) {
  Wanted wanted;
  const auto& cpus = service.reservations.cpus ? service.reservations.cpus : service.limits.cpus;
  if (cpus) wanted.cpus = &*cpus;
  if (service.reservations.memory_bytes) wanted.memory = &*service.reservations.memory_bytes;
  const auto& limit = service.limits.memory_bytes;
  if (limit && (!wanted.memory || limit->value > wanted.memory->value)) wanted.memory = &*limit;
  return wanted;
}

ContainerSize part_of_a_node(const compose::Service& service, const Wanted& wanted, Diagnostics& diagnostics) {
  const auto fits = [&](const WorkloadProfile& profile) {
    return wanted.steps_of_cpu() <= profile.cpus * 4 && wanted.steps_of_memory() <= profile.gib * 2;
  };
  const auto found = std::ranges::find_if(kDedicated, fits);
  if (found == kDedicated.end()) {
    if (wanted.cpus && wanted.steps_of_cpu() > kDedicated.back().cpus * 4)
      diagnostics.add(too_many_cpus(service.name, *wanted.cpus, kDedicated.back().cpus));
    else
      diagnostics.add(too_much_memory(service.name, *wanted.memory, kDedicated.back().gib));
    return {kLargest};
  }
  ContainerSize size{.quarter_cpus = std::max(1, static_cast<int>(wanted.steps_of_cpu())),
                     .half_gib = std::max(1, static_cast<int>(wanted.steps_of_memory())),
                     .profile = &*found};
  diagnostics.add(dedicated_machine(service.name, found->type, found->cpus, found->gib,
                                    wanted.steps_of_memory() > kLargest ? wanted.memory->span : wanted.cpus->span));
  return size;
}

}  // namespace

std::string ContainerSize::memory() const {
  return fmt::format("{:g}Gi", (half_gib > 0 ? half_gib : quarter_cpus) * 0.5);
}

ContainerSize container_size(const compose::Service& service, Diagnostics& diagnostics) {
  const auto wanted = wanted_by(service);
  if (service.reservations.has_devices) {
    diagnostics.add(gpu_machine(service.name, kGpu.type, service.reservations.devices_span));
    return {.quarter_cpus = kGpu.cpus * 4, .half_gib = kGpu.gib * 2, .profile = &kGpu};
  }
  const auto steps_of_cpu = wanted.steps_of_cpu();
  const auto steps_of_memory = wanted.steps_of_memory();
  if (steps_of_cpu > kLargest || steps_of_memory > kLargest) return part_of_a_node(service, wanted, diagnostics);
  const int steps = std::max({1, static_cast<int>(steps_of_cpu), static_cast<int>(steps_of_memory)});
  const ContainerSize size{steps};
  // One step more is how pairs are, and the plan shows it. More than that is money, and worth a word.
  if (wanted.cpus && wanted.memory && std::abs(static_cast<int>(steps_of_cpu) - static_cast<int>(steps_of_memory)) > 1)
    diagnostics.add(size_rounded(service.name, size.cpus(), size.memory(), wanted.cpus->span));
  return size;
}

}  // namespace defang::providers
