#pragma once

#include <map>
#include <set>
#include <stop_token>
#include <string>

#include "emulator/core.h"
#include "emulator/private_servers.h"
#include "emulator/services/postgres.h"
#include "emulator/services/redis.h"

namespace defang::emulator {

/// Keeps the programs behind managed stores, and the names that lead to them, in step with what the state says. Data
/// lies in the state's folder, and goes when its resource goes.
class StoreKeeper {
 public:
  /// When all types are known, and before Core::start().
  StoreKeeper(Core& core, PrivateServers& servers, Processes& processes, const CertificateAuthority& authority);

  /// Brings up what the state holds.
  void resume();
  /// Until stopped: what has ended by itself is started again.
  void watch(std::stop_token stop);

 private:
  void follow_types();
  Result<void> keep(const Resource& store);
  Result<void> keep_postgres(const Resource& server);
  Result<void> keep_redis(const Resource& database);
  Result<void> keep_models(const Resource& account);
  void set_doors();
  void forget(const Resource& gone);
  std::filesystem::path folder_of(const std::string& id) const;

  Core& core_;
  PrivateServers& servers_;
  PostgresServers postgres_;
  RedisServers redis_;
  std::set<std::string> models_;                   // accounts that listen
  std::map<std::string, std::int64_t> failed_ms_;  // when a store last did not come up
};

}  // namespace defang::emulator
