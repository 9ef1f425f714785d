#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "emulator/json.h"
#include "emulator/providers/cron.h"

/// How many replicas a revision should have: what KEDA and Kubernetes' autoscaler decide on Azure, as functions of what
/// was observed.
namespace defang::emulator {

struct ScaleRule {
  enum class Kind { http, tcp, cpu, memory, cron, unknown };
  std::string name;
  Kind kind = Kind::unknown;
  double target = 0;                         // requests or connections a second, percent, or replicas
  std::optional<CronExpression> start, end;  // of a cron rule in UTC; without them it is never active
};

struct ScaleSettings {
  std::size_t least = 0, most = 10;  // CA-40
  std::vector<ScaleRule> rules;
  double polling_seconds = 30, cooldown_seconds = 300;  // CA-44
};

/// `template.scale`. Without rules an app with ingress has one for 10 requests (CA-42).
ScaleSettings read_scale(const Json& scale, bool has_ingress);

/// Of the replicas that there are.
struct Observed {
  double arrivals_per_second = 0;  // requests and connections
  bool is_busy = false;            // one is under way, or waits for a replica
  double cpu_percent = 0;          // used of what the containers were given, on average
  double memory_percent = 0;
  std::int64_t time = 0;  // Unix seconds
};

/// What the most demanding rule asks for; 0: no rule is active.
std::size_t replicas_asked_for(const ScaleSettings& settings, const Observed& observed, std::size_t present);

/// Goes up in steps of 1, 4 and then twice as many; goes down to the most that was asked for within the last 300
/// seconds, and to none only after the cooldown (Container Apps, "Set scaling rules", "Scale behavior"; CA-44).
class ReplicaCount {
 public:
  struct Pace {
    std::int64_t stabilisation_ms, cooldown_ms;
  };
  ReplicaCount(std::size_t present, std::int64_t now_ms) : count_(present), last_active_ms_(now_ms) {}
  std::size_t count() const { return count_; }
  void ask(const ScaleSettings& settings, std::size_t asked_for, std::int64_t now_ms, const Pace& pace);

 private:
  std::size_t count_;
  std::int64_t last_active_ms_;
  std::deque<std::pair<std::int64_t, std::size_t>> recent_;  // when, how many
};

}  // namespace defang::emulator
