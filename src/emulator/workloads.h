#pragma once

#include <functional>
#include <memory>
#include <stop_token>

#include "emulator/core.h"
#include "emulator/registry/registries.h"
#include "emulator/runtime.h"
#include "support/process.h"

namespace defang::emulator {

class AppKeeper;
class RegistryRuns;
class StoreKeeper;

/// What needs containers and images: Microsoft.App and Microsoft.ContainerRegistry with all they stand on. Lives as
/// long as the core that it is registered with, and is made before Core::start().
class Workloads {
 public:
  using MakeRuntime = std::function<Result<std::unique_ptr<Runtime>>(Registries&)>;
  /// `folder`: of the registries' contents, on the real disk.
  static Result<std::unique_ptr<Workloads>> make(Core& core, const std::filesystem::path& folder,
                                                 const MakeRuntime& make_runtime);
  ~Workloads();

  /// Before Core::start(): programs behind managed stores, where containers run.
  void keep_stores(Core& core, Processes& processes, const CertificateAuthority& authority);
  /// After Core::start(): brings up what the state holds.
  void resume();
  /// Looks after containers until stopped. Without it (tests), apps go on while their operations run.
  void watch(std::stop_token stop);
  /// Ends containers and builds; before the core goes.
  void stop();

  Runtime& runtime() { return *runtime_; }
  Registries& registries() { return *registries_; }
  AppKeeper& apps() { return *apps_; }
  RegistryRuns& runs() { return *runs_; }

 private:
  Workloads() = default;
  std::unique_ptr<RegistryAccess> access_;
  std::unique_ptr<Registries> registries_;
  std::unique_ptr<Runtime> runtime_;
  std::unique_ptr<AppKeeper> apps_;
  std::unique_ptr<RegistryRuns> runs_;
  std::unique_ptr<StoreKeeper> stores_;
};

}  // namespace defang::emulator
