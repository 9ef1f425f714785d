#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "emulator/certificates.h"
#include "emulator/private_servers.h"
#include "support/disk.h"
#include "support/secret.h"

namespace defang::emulator {

/// Real Redis behind the one database of a cluster. Azure's machines keep running, so what it holds always outlives
/// the program here.
class RedisServers {
 public:
  static constexpr std::uint16_t kPort = 10000;  // on its own address, whatever port clients see

  struct Wish {
    std::filesystem::path folder;
    std::string host;
    Secret primary_key, secondary_key;  // empty: no access by key
    std::uint64_t memory_bytes = 0;
    std::string eviction;  // as Azure calls it: "AllKeysLRU"
    bool encrypted = true;
  };

  RedisServers(PrivateServers& servers, Disk& disk, const CertificateAuthority& authority)
      : servers_(servers), disk_(disk), authority_(authority) {}

  /// Why it cannot run here; empty: it can.
  static std::string missing();

  /// Brings the server up, again where the wish has changed.
  Result<void> keep(const std::string& id, const Wish& wish);
  /// With its data.
  void remove(const std::string& id, const std::filesystem::path& folder);

 private:
  Result<void> wait_until_ready(const std::string& id, const std::filesystem::path& folder);

  PrivateServers& servers_;
  Disk& disk_;
  const CertificateAuthority& authority_;
  std::map<std::string, std::string> done_;  // the settings of those that were brought up
};

}  // namespace defang::emulator
