#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "emulator/engines/engine.h"
#include "emulator/engines/forwarding.h"
#include "emulator/registry/registries.h"
#include "emulator/runtime.h"
#include "support/clock.h"
#include "support/disk.h"
#include "support/process.h"

namespace defang::emulator {

struct RuntimeOptions {
  std::filesystem::path folder;              // in the emulator's state: images, consoles, ports
  std::string engine = "auto";               // auto, podman, bundle, none
  std::filesystem::path base_images;         // stand-ins for public images; need not exist
  std::filesystem::path certificate_folder;  // holds the emulator's CA as ca.crt, and nothing else
  std::string authority_name;                // of that file among a container's authorities; empty: it does not get it
  Forwarding::CertificateOf certificate_of;  // of names that Azure gives
  /// Which registry answers at `localhost:5001`; nothing: none of the emulator's.
  std::function<std::optional<std::string>(const std::string& server)> registry_at;
  /// Where Resource Manager, vaults, registries and storage answer at this machine's loopback address: what has an
  /// identity reaches them at the replica's. Asked again and again, since more are opened later.
  std::function<std::vector<std::uint16_t>()> own_ports;
};

/// The best engine that runs here, or the one that was asked for. `auto` ends at `none` and says why; an engine asked
/// for by name that does not run is an error.
Result<std::unique_ptr<Runtime>> make_runtime(const RuntimeOptions& options, Processes& processes, Disk& disk,
                                              const Clock& clock, Registries& registries);

/// Ends what an emulator that was killed left behind in this folder, and lets go of it, so that it can be removed.
void sweep_containers(const std::filesystem::path& folder, Processes& processes, Disk& disk);

/// Real containers in networks of their own:
///
///   replica --veth-- namespace of the environment: the apps' addresses, where only declared ports listen
///
/// A replica has a route to the apps' addresses of its environment and to nothing else; packets are not passed on
/// between replicas.
std::unique_ptr<Runtime> make_container_runtime(const RuntimeOptions& options, std::unique_ptr<Engine> engine,
                                                std::vector<std::string> left_out, Processes& processes, Disk& disk,
                                                const Clock& clock);

/// No containers: replicas count as running at once, with the ports of ReplicaSpec open; images must exist in the
/// emulator's registries or have a name that a public one could have; builds look at the Dockerfile and leave an empty
/// image. A container with the variable DEFANG_EMULATOR_EXIT exits at once with that code, and one with
/// DEFANG_EMULATOR_LISTENS listens on that port instead.
std::unique_ptr<Runtime> make_runtime_without_containers(const RuntimeOptions& options,
                                                         std::vector<std::string> left_out, Disk& disk,
                                                         const Clock& clock, Registries& registries);

}  // namespace defang::emulator
