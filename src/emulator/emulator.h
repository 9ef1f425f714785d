#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "rest/http_transport.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/disk.h"
#include "support/process.h"
#include "support/result.h"

/// Azure on this machine: ARM, Entra, and the data planes of the services that we deploy. It shares no code that
/// decides with the compiler.
namespace defang::emulator {

struct Options {
  std::filesystem::path state_folder;
  std::uint16_t port = 0;        // 0: a free one, kept across restarts
  double time_scale = 1.0;       // Azure seconds per real second are 1 / time_scale: 0.01 makes 100 s last one
  std::string engine = "auto";   // auto, podman, bundle, none
  std::filesystem::path faults;  // JSON, docs/emulator.md
  std::uint64_t seed = 1;
  std::filesystem::path request_log;  // JSON lines in the format of azure-traces
  std::string role = "owner";         // of the default principal: owner, contributor, reader
  bool fresh_subscription = false;    // no resource provider is registered yet
  std::filesystem::path base_images;  // images that stand in for public ones
  std::uint16_t dns_port = 0;         // 0: a free one, kept across restarts
  std::filesystem::path zone_file;    // records that the name server holds from the beginning
};

struct World {
  Clock& clock;
  Disk& disk;
  Processes& processes;
  Random& random;
};

/// What clients need to know; `environment` holds AZURE_RESOURCE_MANAGER_ENDPOINT and the like (design.md section 5).
struct Description {
  std::string endpoint;
  int pid = 0;
  std::filesystem::path state;
  std::string dns;      // "127.0.0.1:PORT" of the name server
  std::string ingress;  // "127.0.0.1:PORT" where public apps answer by host name
  std::map<std::string, std::string> environment;
  std::string engine;                         // podman, bundle, none
  std::vector<std::string> engines_left_out;  // why each better one was not taken
};

/// Ends what an emulator that was killed left running; then the state folder can be removed.
void sweep(const std::filesystem::path& state_folder, Disk& disk, Processes& processes);

/// Runs the emulator until it is stopped. `ready` is called once it answers; the state folder then says so to
/// describe().
Result<void> serve(const Options& options, World world, std::stop_token stop,
                   const std::function<void(const Description&)>& ready);

/// The emulator that runs on this state folder; nothing where none does.
Result<std::optional<Description>> describe(const Disk& disk, const std::filesystem::path& state_folder);

/// Where the log of a background emulator goes.
std::filesystem::path log_file(const std::filesystem::path& state_folder);

/// The emulator inside this process, without sockets and containers: for tests. Time is the clock's.
class InProcess {
 public:
  virtual ~InProcess() = default;
  virtual rest::HttpTransport& transport() = 0;
  virtual const std::map<std::string, std::string>& environment() const = 0;
};
Result<std::unique_ptr<InProcess>> make_in_process(const Options& options, Clock& clock, Disk& disk, Random& random);

}  // namespace defang::emulator
