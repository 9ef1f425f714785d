#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "emulator/engines/network_namespace.h"
#include "support/disk.h"
#include "support/result.h"

namespace defang::emulator {

/// Loopback ports of the ingress, by name; kept in a file, so that an address in a browser survives a restart.
class IngressPorts {
 public:
  IngressPorts(Disk& disk, std::filesystem::path file);
  /// The port that this name had before, or a free one where it had none or another program has it now.
  Result<LoopbackListener> listen(const std::string& name);

 private:
  Disk& disk_;
  std::filesystem::path file_;
  std::map<std::string, std::uint16_t> ports_;
};

}  // namespace defang::emulator
