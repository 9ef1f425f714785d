#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "emulator/engines/pseudo_terminal.h"
#include "emulator/runtime.h"
#include "support/digest.h"
#include "support/disk.h"
#include "support/process.h"
#include "support/result.h"

namespace defang::emulator {

/// A way to pull, run and build images on this machine. Calls block, and may come from any thread.
class Engine {
 public:
  struct Bound {
    std::filesystem::path source;
    std::string path;
    bool read_only = false;
  };
  struct Start {
    std::string id;  // unique on this machine
    std::string host_name;
    ContainerSpec spec;             // its mounts are in `bound` already
    std::string network_namespace;  // as `ip netns` names it
    std::filesystem::path console;  // appended to, in the format of read_console
    std::vector<Bound> bound;
  };
  struct Ended {
    int exit_code = 0;
    bool out_of_memory = false;
  };
  virtual ~Engine() = default;
  virtual std::string name() const = 0;
  /// Makes an image, runs it and reads what it says: versions alone prove nothing.
  virtual Result<void> prove(std::stop_token stop) = 0;
  virtual Result<void> pull(const std::string& image, const std::optional<RegistryLogin>& login,
                            std::stop_token stop) = 0;
  /// Runtime::public_digest.
  virtual Result<std::optional<std::string>> public_digest(const std::string& image, std::stop_token stop) = 0;
  /// The process id of the container's first process.
  virtual Result<int> start(const Start& start, std::stop_token stop) = 0;
  virtual Result<Ended> ended(const std::string& id) = 0;
  /// A further program in a container that runs, with the environment of its first.
  virtual Result<std::unique_ptr<PseudoTerminal>> exec(const std::string& id,
                                                       const std::vector<std::string>& words) = 0;
  /// SIGTERM, SIGKILL after the grace; then nothing is left of it.
  virtual void remove(const std::string& id, std::chrono::milliseconds grace) = 0;
  virtual Result<std::vector<BuiltImage>> build(const BuildRequest& request, std::stop_token stop) = 0;
  /// Ends all containers, also those that an emulator with the same folder left behind, and lets go of the folder.
  virtual void sweep() = 0;
};

struct EngineOptions {
  std::filesystem::path folder;              // images and containers
  std::filesystem::path certificate_folder;  // holds the CA of the emulator's registries as ca.crt, and nothing else
  std::filesystem::path base_images;         // docs/emulator.md; need not exist
};

/// buildah and podman with runc, with settings and storage of their own.
std::unique_ptr<Engine> make_podman(const EngineOptions& options, Processes& processes, Disk& disk);

/// skopeo, umoci and runc: containers without podman. Builds nothing.
std::unique_ptr<Engine> make_bundle(const EngineOptions& options, Processes& processes, Disk& disk);

/// A short text that is the same for the same folder, for names that the whole machine shares.
std::string tag_of(const std::filesystem::path& folder);

}  // namespace defang::emulator
