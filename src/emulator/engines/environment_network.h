#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "emulator/engines/network_namespace.h"
#include "support/process.h"
#include "support/result.h"

namespace defang::emulator {

/// The network of one managed environment: a namespace that holds the addresses of its apps, and a namespace per
/// replica, each joined to it by a cable of its own. Different environments have different addresses, so that an
/// address of one means nothing in another.
///
///   100.(64+n).0.0/16   addresses of apps; .0.53 answers names
///   10.(128+n).x.y      router's end (even) and replica's end (odd) of a replica's cable
class EnvironmentNetwork {
 public:
  /// `prefix` begins the names of all namespaces; `index` is at most kLastIndex.
  static Result<std::unique_ptr<EnvironmentNetwork>> make(Processes& processes, const std::string& prefix,
                                                          unsigned index);
  ~EnvironmentNetwork();
  EnvironmentNetwork(const EnvironmentNetwork&) = delete;
  EnvironmentNetwork& operator=(const EnvironmentNetwork&) = delete;

  static constexpr unsigned kLastIndex = 63;
  unsigned index() const { return index_; }
  std::shared_ptr<const NetworkNamespace> space() const { return space_; }
  std::uint32_t name_server() const { return app_range() + 53; }
  std::uint32_t app_address(unsigned number) const { return app_range() + 256 + number; }

  struct Cable {
    std::string space_name;     // the replica's namespace
    std::uint32_t address = 0;  // the replica's
  };
  Result<Cable> connect_replica(unsigned number);
  void disconnect_replica(const Cable& cable);

 private:
  EnvironmentNetwork(Processes& processes, std::string prefix, unsigned index)
      : processes_(processes), prefix_(std::move(prefix)), index_(index) {}
  std::uint32_t app_range() const { return 100u << 24 | (64 + index_) << 16; }
  std::string space_name() const;
  Result<void> set_up();

  Processes& processes_;
  std::string prefix_;
  unsigned index_;
  std::shared_ptr<const NetworkNamespace> space_;
};

/// `ip` of iproute2: what it printed, or its complaint.
Result<std::string> run_ip(Processes& processes, std::vector<std::string> arguments, std::string input = {});

/// Removes the namespaces that begin with the prefix, and what still runs in them: what an emulator left that was
/// killed.
void sweep_networks(Processes& processes, const std::string& prefix);

}  // namespace defang::emulator
