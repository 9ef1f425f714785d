#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/json.h"

/// What Azure says to the body of a container app or job before anything is done: pure functions from bodies to
/// verdicts.
namespace defang::emulator {

/// A "no" as Azure words it.
struct Refusal {
  int status = 400;
  std::string code;
  std::string message;
};

/// What the rules need to know about the world around the body.
struct AppSurroundings {
  std::string name;                              // of the app or job
  bool environment_has_network = false;          // a VNet of the user's own
  std::set<std::string> workload_profiles;       // names, lower case
  std::set<std::string> dedicated_profiles;      // those of nodes of one's own, where any size fits (CA-30)
  std::set<std::string> storages;                // of the environment
  std::set<std::uint16_t> external_tcp_ports;    // that other apps of the environment hold
  std::set<std::string> used_revision_suffixes;  // of this app, except that of its present template
  Json identity;                                 // the resource's `identity`
};

/// A refusal, or notes on clauses that nobody has verified and that are therefore not enforced.
struct Verdict {
  std::optional<Refusal> refusal;
  std::vector<std::string> notes;
};

std::optional<Refusal> check_app_name(std::string_view name);          // ARM-62
std::optional<Refusal> check_job_name(std::string_view name);          // ARM-63
std::optional<Refusal> check_environment_name(std::string_view name);  // ARM-61

/// `properties` of a container app, already merged where it came by PATCH.
Verdict check_app(const Json& properties, const AppSurroundings& around);
/// `properties` of a job.
Verdict check_job(const Json& properties, const AppSurroundings& around);

/// "0.5Gi" in bytes; nothing where it is no amount of Gi with at most two decimals (CA-30).
std::optional<std::uint64_t> memory_bytes(std::string_view text);
/// Ephemeral storage that goes with so many cores (CA-31).
std::string ephemeral_storage(double cpu);

}  // namespace defang::emulator
