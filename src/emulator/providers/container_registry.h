#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "emulator/core.h"
#include "emulator/registry/registries.h"
#include "emulator/runtime.h"

namespace defang::emulator {

/// The kind of endpoint that a registry's data plane has; its key is the registry's name in lower case.
constexpr std::string_view kRegistryEndpoint = "registry";

/// Who may do what in a registry, by ARM and Entra.
class CoreRegistryAccess : public RegistryAccess {
 public:
  explicit CoreRegistryAccess(Core& core) : core_(core) {}
  std::optional<std::string> principal_of(const std::string& access_token) const override;
  bool may(const std::string& principal, const std::string& registry, Right right) const override;
  std::optional<AdminUser> admin(const std::string& registry) const override;

 private:
  Core& core_;
};

/// Runs of registry tasks: builds on threads of their own, their logs, and the upload slots for contexts.
class RegistryRuns {
 public:
  RegistryRuns(Core& core, Runtime& runtime, Registries& registries);
  ~RegistryRuns();  // stops what is still building

  /// Runs that were under way when the emulator ended can never end well.
  void resume();
  /// With the lock: fetches the source and builds, on a thread.
  void start(const std::string& run_id);
  void cancel(const std::string& run_id);
  /// Until no build is under way.
  void wait();
  /// The data plane of one registry's tasks: upload slots and logs, at signed URLs.
  Answer answer(Request& request, const std::string& registry);
  std::string log_url(const Resource& run);
  /// A new upload slot: relative path and URL.
  std::pair<std::string, std::string> upload_slot(const Resource& registry);

 private:
  struct Work;
  void build(Work work, std::stop_token stop);
  void finish(const std::string& run_id, std::string_view status, const Json& images);
  void say(const std::string& run_id, std::string_view text);
  std::filesystem::path file_of(const std::string& registry, std::string_view path) const;
  std::string signed_url(const std::string& registry, const std::string& path);
  std::string signature(std::string_view registry, std::string_view path) const;
  Result<std::filesystem::path> fetch(const Work& work, std::stop_token stop);
  Result<std::vector<BuiltImage>> build_image(const Work& work, const std::filesystem::path& context,
                                              std::stop_token stop);

  Core& core_;
  Runtime& runtime_;
  Registries& registries_;
  std::mutex mutex_;
  std::condition_variable changed_;
  int building_ = 0;
  std::map<std::string, std::jthread> threads_;  // by run id
};

/// Microsoft.ContainerRegistry: registries, credentials, runs, tasks, tokens and scope maps.
void add_container_registry(Core& core, Registries& registries, RegistryRuns& runs);

/// Whether role assignments let the principal pull.
bool may_pull(Core& core, std::string_view principal, const Resource& registry);

/// The registry of that name, whatever its group; nullptr where there is none.
const Resource* find_registry(Store& store, std::string_view name);

}  // namespace defang::emulator
