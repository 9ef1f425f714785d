#include "emulator/providers/scaling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "support/text.h"

namespace defang::emulator {
namespace {

using Kind = ScaleRule::Kind;

constexpr double kUsualRequests = 10;  // CA-42
constexpr double kTolerance = 0.1;  // Kubernetes, "Horizontal Pod Autoscaling": --horizontal-pod-autoscaler-tolerance
constexpr std::size_t kFirstStep = 4;
constexpr auto kUniversal = std::to_array<std::string_view>({"", "utc", "etc/utc", "gmt", "etc/gmt"});

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  const Json* found = find_member(object, name);
  return found ? *found : kNull;
}

double number(const Json& value, double otherwise) { return value.is_number() ? value.get<double>() : otherwise; }

/// Metadata are texts, whatever they mean.
double metadata_number(const Json& metadata, std::string_view name, double otherwise) {
  const std::string text = text_at(metadata, name);
  return text.empty() ? otherwise : std::strtod(text.c_str(), nullptr);
}

void read_cron(const Json& metadata, ScaleRule& rule) {
  rule.kind = Kind::cron;
  rule.target = metadata_number(metadata, "desiredReplicas", 1);
  if (std::ranges::find(kUniversal, to_lower(text_at(metadata, "timezone"))) == kUniversal.end()) return;
  rule.start = CronExpression::parse(text_at(metadata, "start"));
  rule.end = CronExpression::parse(text_at(metadata, "end"));
}

ScaleRule read_rule(const Json& said) {
  ScaleRule rule{.name = text_at(said, "name"), .start = {}, .end = {}};
  if (const Json& http = member(said, "http"); http.is_object()) {
    rule.kind = Kind::http;
    rule.target = metadata_number(member(http, "metadata"), "concurrentRequests", kUsualRequests);
  } else if (const Json& tcp = member(said, "tcp"); tcp.is_object()) {
    rule.kind = Kind::tcp;
    const Json& metadata = member(tcp, "metadata");
    rule.target = metadata_number(metadata, "concurrentConnections",
                                  metadata_number(metadata, "concurrentRequests", kUsualRequests));
  } else if (const Json& custom = member(said, "custom"); custom.is_object()) {
    const std::string type = to_lower(text_at(custom, "type"));
    const Json& metadata = member(custom, "metadata");
    if (type == "cpu" || type == "memory") {  // CA-43
      rule.kind = type == "cpu" ? Kind::cpu : Kind::memory;
      rule.target = metadata_number(metadata, "value", 0);
    } else if (type == "cron") {
      read_cron(metadata, rule);
    }
  }
  return rule;
}

std::size_t rounded_up(double count) { return count <= 0 ? 0 : static_cast<std::size_t>(std::ceil(count - 1e-9)); }

std::size_t by_utilisation(double percent, double target, std::size_t present) {
  const double ratio = target > 0 ? percent / target : 1;
  if (std::abs(ratio - 1) <= kTolerance) return present;
  return std::max<std::size_t>(1, rounded_up(static_cast<double>(present) * ratio));
}

/// KEDA, "Cron": active while the next end comes before the next start.
bool is_open(const ScaleRule& rule, std::int64_t now) {
  const auto start = rule.start ? rule.start->next_after(now) : std::nullopt;
  const auto end = rule.end ? rule.end->next_after(now) : std::nullopt;
  return start && end && *end < *start;
}

std::size_t asked_for(const ScaleRule& rule, const Observed& observed, std::size_t present) {
  switch (rule.kind) {
    case Kind::http:
    case Kind::tcp:
      return std::max(rounded_up(observed.arrivals_per_second / std::max(rule.target, 1.0)),
                      static_cast<std::size_t>(observed.is_busy ? 1 : 0));
    case Kind::cpu:
      return by_utilisation(observed.cpu_percent, rule.target, present);
    case Kind::memory:
      return by_utilisation(observed.memory_percent, rule.target, present);
    case Kind::cron:
      return is_open(rule, observed.time) ? rounded_up(rule.target) : 0;
    case Kind::unknown:
      break;
  }
  return 0;
}

}  // namespace

ScaleSettings read_scale(const Json& scale, bool has_ingress) {
  ScaleSettings settings;
  settings.least = static_cast<std::size_t>(number(member(scale, "minReplicas"), 0));
  settings.most = static_cast<std::size_t>(number(member(scale, "maxReplicas"), 10));
  settings.polling_seconds = number(member(scale, "pollingInterval"), settings.polling_seconds);
  settings.cooldown_seconds = number(member(scale, "cooldownPeriod"), settings.cooldown_seconds);
  if (const Json& rules = member(scale, "rules"); rules.is_array())
    for (const Json& rule : rules) settings.rules.push_back(read_rule(rule));
  if (settings.rules.empty() && has_ingress)
    settings.rules.push_back(
        {.name = "http-scaler", .kind = Kind::http, .target = kUsualRequests, .start = {}, .end = {}});
  return settings;
}

std::size_t replicas_asked_for(const ScaleSettings& settings, const Observed& observed, std::size_t present) {
  std::size_t most = 0;
  for (const ScaleRule& rule : settings.rules) most = std::max(most, asked_for(rule, observed, present));
  return most;
}

void ReplicaCount::ask(const ScaleSettings& settings, std::size_t asked_for, std::int64_t now_ms, const Pace& pace) {
  if (asked_for > 0) last_active_ms_ = now_ms;
  const std::size_t wanted = std::clamp(asked_for, settings.least, std::max(settings.least, settings.most));
  recent_.emplace_back(now_ms, wanted);
  while (now_ms - recent_.front().first > pace.stabilisation_ms) recent_.pop_front();
  if (wanted > count_) {
    const std::size_t step = count_ == 0 ? 1 : std::max(kFirstStep, 2 * count_);
    count_ = std::max(std::min(wanted, step), settings.least);
    return;
  }
  const std::size_t highest =
      std::ranges::max_element(recent_, {}, &std::pair<std::int64_t, std::size_t>::second)->second;
  const bool may_be_none = settings.least == 0 && now_ms - last_active_ms_ >= pace.cooldown_ms;
  count_ = std::min(count_, std::max<std::size_t>(highest, may_be_none ? 0 : 1));
}

}  // namespace defang::emulator
