#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>
#include <vector>

#include "azure/resource_id.h"
#include "rest/arm_client.h"
#include "support/clock.h"
#include "support/result.h"

/// Whether an app's containers really run: judged on the revision and its replicas, never on the app (CA-46).
namespace defang::deploy {

struct Healthy {};
struct NotYet {
  std::string state;  // "Activating"
  /// The code to fail with if it stays so. "revision-crash": a container ended and is started again, and may be waiting
  /// for another service. "revision-port": it listens, but not on the declared port; programs open theirs one by one.
  std::string trouble;
  std::string cause;
};
using Verdict = std::variant<Healthy, NotYet, Error>;

/// Pure. Errors have codes revision-image-pull, revision-port, revision-crash, revision-unhealthy, revision-failed.
Verdict judge_revision(const nlohmann::json& revision, const std::vector<nlohmann::json>& replicas);

struct RevisionStatus {
  nlohmann::json revision;
  std::vector<nlohmann::json> replicas;
};
/// Nothing: not there yet (CA-47).
Result<std::optional<RevisionStatus>> read_revision(rest::ArmClient& arm, const azure::ResourceId& app,
                                                    const std::string& revision, const std::string& api_version,
                                                    std::stop_token stop);
/// Names of all revisions, the newest first.
Result<std::vector<std::string>> list_revisions(rest::ArmClient& arm, const azure::ResourceId& app,
                                                const std::string& api_version, std::stop_token stop);

/// Gives a verdict time: trouble that may pass is forgiven for a while.
class Patience {
 public:
  explicit Patience(Clock& clock) : clock_(clock) {}
  /// The error to give up with, or nothing.
  std::optional<Error> judge(const Verdict& verdict);

 private:
  Clock& clock_;
  std::string trouble_;
  std::chrono::milliseconds since_{0};
};

}  // namespace defang::deploy
