#include "providers/container_apps_scale.h"

#include <algorithm>
#include <array>

#include "providers/diagnostics.h"

namespace defang::providers {
namespace {

using compose::Node;
using compose::Service;
using graph::Value;

constexpr std::int64_t kMostReplicas = 1000;  // CA-40
constexpr std::int64_t kUsualMost = 10;       // CA-40: what Azure takes when nothing is said
constexpr std::int64_t kUsualRequests = 50;   // at once, of one replica
constexpr std::int64_t kUsualCpuPercent = 70;

/// The keys of `x-defang-autoscaling`, sorted; `schedule` is a mapping, the others are numbers.
constexpr auto kKeys = std::to_array<std::string_view>({"cpu", "http", "max", "memory", "min", "schedule", "tcp"});

std::optional<std::int64_t> number_at(const Node& settings, std::string_view key) {
  const Node* value = settings.find(key);
  if (!value || value->kind != Node::Kind::integer) return std::nullopt;
  return value->integer;
}

Value rule(std::string_view name, std::string_view kind, Value body) {
  return Value::Map{{"name", name}, {std::string(kind), std::move(body)}};
}

/// CA-43: `value` is a percentage of what the containers were given.
Value utilisation(std::string_view what, std::int64_t percent) {
  return rule(what, "custom",
              Value::Map{{"type", what},
                         {"metadata", Value::Map{{"type", "Utilization"}, {"value", std::to_string(percent)}}}});
}

/// CA-42
Value requests(std::int64_t count) {
  return rule("http", "http", Value::Map{{"metadata", Value::Map{{"concurrentRequests", std::to_string(count)}}}});
}
Value connections(std::int64_t count) {
  return rule("tcp", "tcp", Value::Map{{"metadata", Value::Map{{"concurrentConnections", std::to_string(count)}}}});
}

/// KEDA, "Cron" scaler: so many replicas between two points of time.
std::optional<Value> schedule(const Node& settings) {
  Value::Map metadata;
  for (const auto key : {"timezone", "start", "end"}) {
    const Node* value = settings.find(key);
    if (!value || !value->is_text()) return std::nullopt;
    metadata.emplace_back(key, value->text);
  }
  const auto replicas = number_at(settings, "replicas");
  if (!replicas) return std::nullopt;
  metadata.emplace_back("desiredReplicas", std::to_string(*replicas));
  return rule("schedule", "custom", Value::Map{{"type", "cron"}, {"metadata", std::move(metadata)}});
}

Value::List rules_of(const Service& service, const Node& settings, const Ingress& ingress, Diagnostics& diagnostics) {
  Value::List rules;
  const bool has_http = ingress.kind == Ingress::Kind::http, has_tcp = ingress.kind == Ingress::Kind::tcp;
  const auto wrong = [&](const std::string& what, const std::string& help, const SourceSpan& span) {
    diagnostics.add(scaling_wrong(service.name, what, help, span));
  };
  for (const auto& entry : settings.entries)
    if (!std::ranges::binary_search(kKeys, entry.key))
      wrong("has no `" + entry.key + "`", "it has min, max, http, tcp, cpu, memory and schedule", entry.key_span);
  if (const auto count = number_at(settings, "http")) {
    if (!has_http) wrong("counts requests, and the service has no HTTP port", "count `cpu` or `tcp`", settings.span);
    rules.push_back(requests(*count));
  }
  if (const auto count = number_at(settings, "tcp")) {
    if (!has_tcp) wrong("counts connections, and the service has no TCP port", "count `cpu` or `http`", settings.span);
    rules.push_back(connections(*count));
  }
  for (const auto what : {"cpu", "memory"})
    if (const auto percent = number_at(settings, what)) rules.push_back(utilisation(what, *percent));
  if (const Node* when = settings.find("schedule")) {
    if (auto cron = schedule(*when))
      rules.push_back(std::move(*cron));
    else
      wrong("has an incomplete `schedule`", "it needs timezone, start, end (cron expressions) and replicas",
            when->span);
  }
  if (rules.empty()) rules.push_back(has_http ? requests(kUsualRequests) : utilisation("cpu", kUsualCpuPercent));
  return rules;
}

Value autoscaling(const Service& service, const Node& settings, const Ingress& ingress, Diagnostics& diagnostics) {
  const auto wrong = [&](const std::string& what, const std::string& help) {
    diagnostics.add(scaling_wrong(service.name, what, help, settings.span));
  };
  const std::int64_t least = number_at(settings, "min").value_or(service.replicas ? service.replicas->value : 1);
  const std::int64_t most = number_at(settings, "max").value_or(std::max(kUsualMost, least));
  if (least < 0 || most < 1 || most > kMostReplicas || least > most)
    wrong("asks for " + std::to_string(least) + " to " + std::to_string(most) + " replicas",
          "a range from 0 to " + std::to_string(kMostReplicas) + " is possible");
  if (least == 0 && ingress.kind == Ingress::Kind::http)
    diagnostics.add(scales_to_zero(service.name, settings.span));
  else if (least == 0)  // CA-41, CA-43
    wrong("goes down to no replica, from where only HTTP requests bring it back", "say `min: 1`");
  return Value::Map{
      {"minReplicas", least}, {"maxReplicas", most}, {"rules", rules_of(service, settings, ingress, diagnostics)}};
}

}  // namespace

/// CA-41: without HTTP nothing ever wakes an app that scaled to zero, so there is always one replica.
Value scale(const Service& service, const Ingress& ingress, Diagnostics& diagnostics) {
  if (const auto found = service.extensions.find("x-defang-autoscaling"); found != service.extensions.end()) {
    const auto& settings = found->second;
    const bool is_off =
        (settings.kind == Node::Kind::boolean && !settings.boolean) || (settings.is_text() && settings.text == "false");
    if (!is_off) return autoscaling(service, settings, ingress, diagnostics);
  }
  const auto& replicas = service.replicas;
  std::int64_t count = replicas ? replicas->value : 1;
  if (count == 0 && ingress.kind == Ingress::Kind::http) {
    diagnostics.add(zero_replicas_wake_up(service.name, replicas->span));
    return Value::Map{{"minReplicas", 0}, {"maxReplicas", 1}};
  }
  if (count < 1 || count > kMostReplicas) {
    diagnostics.add(replicas_out_of_range(service.name, *replicas, kMostReplicas));
    count = 1;
  }
  return Value::Map{{"minReplicas", count}, {"maxReplicas", count}};
}

}  // namespace defang::providers
