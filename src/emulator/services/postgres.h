#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>

#include "emulator/certificates.h"
#include "emulator/private_servers.h"
#include "support/disk.h"
#include "support/process.h"
#include "support/secret.h"

namespace defang::emulator {

/// Real PostgreSQL behind flexible servers, whatever version the server has for Resource Manager: what this machine has
/// installed.
class PostgresServers {
 public:
  static constexpr std::uint16_t kPort = 5432;

  struct Wish {
    std::filesystem::path folder;  // of the server's data; outlives the program
    std::string host;              // its full name, which its certificate has
    std::string login;
    Secret password;
    std::set<std::string> databases;
    bool plain_text = false;  // parameter require_secure_transport is off (PG-23)
  };

  PostgresServers(PrivateServers& servers, Processes& processes, Disk& disk, const CertificateAuthority& authority)
      : servers_(servers), processes_(processes), disk_(disk), authority_(authority) {}

  /// Why it cannot run here; empty: it can.
  static std::string missing();

  /// Brings the server up if it does not run, and does what is new in the wish. Blocks, a second at most as a rule.
  Result<void> keep(const std::string& id, const Wish& wish);
  Result<void> drop_database(const std::string& id, const std::string& database);
  /// With its data.
  void remove(const std::string& id, const std::filesystem::path& folder);

 private:
  Result<void> start(const std::string& id, const Wish& wish);
  Result<void> wait_until_ready(const std::string& id, const std::filesystem::path& folder);
  Result<void> write_access_rules(const Wish& wish);
  Result<void> tell(const std::filesystem::path& socket_folder, const std::string& statements);
  static std::filesystem::path socket_folder(const std::filesystem::path& folder);

  PrivateServers& servers_;
  Processes& processes_;
  Disk& disk_;
  const CertificateAuthority& authority_;
  std::map<std::string, Wish> done_;  // what a server that was brought up has
};

}  // namespace defang::emulator
