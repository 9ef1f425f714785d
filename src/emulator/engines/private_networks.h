#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "emulator/engines/network_namespace.h"
#include "support/process.h"
#include "support/result.h"

namespace defang::emulator {

/// Networks with nothing but a loopback address, and the programs that run in them.
class PrivateNetworks {
 public:
  /// `prefix` begins the names of the namespaces.
  PrivateNetworks(Processes& processes, std::string prefix) : processes_(processes), prefix_(std::move(prefix)) {}
  ~PrivateNetworks() { close_all(); }

  Result<std::shared_ptr<const NetworkNamespace>> open(const std::string& id);
  std::shared_ptr<const NetworkNamespace> find(const std::string& id) const;
  Result<void> run(const std::string& id, const std::vector<std::string>& arguments, const std::filesystem::path& log);
  bool is_running(const std::string& id);
  void end(const std::string& id);
  void close(const std::string& id);
  void close_all();

 private:
  struct Network {
    std::string name;
    std::shared_ptr<const NetworkNamespace> space;
    std::unique_ptr<Processes::Child> program;
  };
  Processes& processes_;
  std::string prefix_;
  unsigned last_ = 0;
  std::map<std::string, Network> networks_;
};

}  // namespace defang::emulator
