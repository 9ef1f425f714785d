#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/engines/network_namespace.h"
#include "support/result.h"

namespace defang::emulator {

/// In front of a server's command: databases do not run as root. It becomes `nobody`, who may pass every folder, since
/// ours are root's.
inline constexpr std::string_view kAsNobody[] = {"setpriv",
                                                 "--reuid=65534",
                                                 "--regid=65534",
                                                 "--clear-groups",
                                                 "--inh-caps=+dac_override",
                                                 "--ambient-caps=+dac_override"};

/// Managed databases, caches and models, which run beside the containers. Each sees a network of its own, in which
/// nobody else is; names of environments lead there, and nothing else does.
class PrivateServers {
 public:
  virtual ~PrivateServers() = default;

  /// Makes the network of a server. Asking again for a known id changes nothing.
  virtual Result<void> open(const std::string& id) = 0;
  /// A socket at the loopback address of its network, for a server that is a part of this program.
  virtual Result<Descriptor> listen(const std::string& id, std::uint16_t port) = 0;
  /// Runs a program there, without rights over this machine but those of the owner of the emulator's files.
  virtual Result<void> run(const std::string& id, const std::vector<std::string>& arguments,
                           const std::filesystem::path& log) = 0;
  virtual bool is_running(const std::string& id) = 0;
  /// Something listens at that port of its loopback address.
  virtual bool answers(const std::string& id, std::uint16_t port) = 0;
  /// SIGINT, and SIGKILL if that does not help; waits for the end. Its network stays.
  virtual void end(const std::string& id) = 0;
  /// Ends the program, and nothing leads there any more.
  virtual void close(const std::string& id) = 0;

  /// Inside an environment these names lead to the server: `port` there to `target` on its loopback address.
  struct Door {
    std::vector<std::string> names;
    std::uint16_t port = 0, target = 0;
    friend bool operator==(const Door&, const Door&) = default;
  };
  /// Replaces what was said before. Without names the door is shut.
  virtual Result<void> set_door(const std::string& environment, const std::string& id, const Door& door) = 0;
};

}  // namespace defang::emulator
