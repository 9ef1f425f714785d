#include "providers/container_apps_probes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "providers/diagnostics.h"
#include "support/text.h"

namespace defang::providers {
namespace {

using graph::Value;
using namespace std::chrono_literals;

// CA-101, CA-102: the budget of the platform's own startup probe, and the range that Azure documents for the rest.
constexpr int kMostStartupFailures = 240;
constexpr int kMostFailures = 10;
constexpr int kLongestPeriod = 240;
constexpr auto kShortestStartup = 240s;

// Where compose-spec, "healthcheck", leaves a value out, Docker's defaults stand.
constexpr std::chrono::nanoseconds kInterval = 30s, kTimeout = 30s;
constexpr std::uint64_t kRetries = 3;

struct Scheme {
  std::string_view prefix;
  bool https;
  int port;
};
constexpr auto kSchemes = std::to_array<Scheme>({{"http://", false, 80}, {"https://", true, 443}});
constexpr auto kLocalHosts = std::to_array<std::string_view>({"localhost", "127.0.0.1", "0.0.0.0", "[::1]"});

/// Tools that ask a server of their own protocol, and its usual port.
struct Knock {
  std::string_view word;
  int port;
};
constexpr auto kKnocks = std::to_array<Knock>({
    {"mariadb-admin", 3306},
    {"mongo", 27017},
    {"mongosh", 27017},
    {"mysqladmin", 3306},
    {"pg_isready", 5432},
    {"rabbitmq-diagnostics", 5672},
    {"redis-cli", 6379},
    {"valkey-cli", 6379},
});
static_assert(std::ranges::is_sorted(kKnocks, {}, &Knock::word));

std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t count = 0;
  while (at + count < text.size() && text[at + count] >= '0' && text[at + count] <= '9') ++count;
  return count;
}

/// The local URL that starts at `at`, after its scheme.
std::optional<ProbeTarget> local_url(std::string_view text, std::size_t at, const Scheme& scheme) {
  for (const auto host : kLocalHosts) {
    if (!text.substr(at).starts_with(host)) continue;
    at += host.size();
    ProbeTarget target{.http = true, .https = scheme.https, .port = scheme.port, .path = "/"};
    if (at < text.size() && text[at] == ':') {
      const auto count = digits_at(text, at + 1);
      const auto port = to_number(text.substr(at + 1, count));
      if (!port || *port < 1 || *port > 65535) return std::nullopt;  // `$PORT` and the like
      target.port = static_cast<int>(*port);
      at += 1 + count;
    }
    if (at < text.size() && text[at] == '/') {
      const auto end = text.find_first_of(" \t\n\"'`)|;&<>", at);
      target.path = std::string(text.substr(at, end == std::string_view::npos ? end : end - at));
    }
    return target;
  }
  return std::nullopt;
}

std::optional<ProbeTarget> http_target(std::string_view text) {
  for (const auto& scheme : kSchemes)
    for (auto at = text.find(scheme.prefix); at != std::string_view::npos; at = text.find(scheme.prefix, at + 1))
      if (auto target = local_url(text, at + scheme.prefix.size(), scheme)) return target;
  // `curl localhost:3000/health`: without a scheme it is HTTP to these two.
  if (text.find("curl") == std::string_view::npos && text.find("wget") == std::string_view::npos) return std::nullopt;
  for (const auto host : kLocalHosts)
    if (const auto at = text.find(host); at != std::string_view::npos) return local_url(text, at, kSchemes[0]);
  return std::nullopt;
}

/// `nc -z localhost 5432`, `pg_isready -p 5433`, `redis-cli ping`
std::optional<ProbeTarget> tcp_target(std::string_view text) {
  const auto words = split(replace_all(std::string(text), "\t", " "), ' ');
  for (std::size_t i = 0; i < words.size(); ++i) {
    const auto word = std::string_view(words[i]).substr(words[i].rfind('/') + 1);
    const bool is_nc = word == "nc" || word == "netcat";
    const auto knock = std::ranges::find(kKnocks, word, &Knock::word);
    if (!is_nc && knock == kKnocks.end()) continue;
    for (std::size_t j = i + 1; j < words.size(); ++j) {
      const bool names_port = is_nc ? j >= i + 2 : words[j - 1] == "-p" || words[j - 1] == "--port";
      const auto port = to_number(words[j]);
      if (names_port && port && *port >= 1 && *port <= 65535) return ProbeTarget{.port = static_cast<int>(*port)};
    }
    if (!is_nc) return ProbeTarget{.port = knock->port};
  }
  return std::nullopt;
}

int seconds_of(std::chrono::nanoseconds duration, int least, int most) {
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(duration).count();
  return static_cast<int>(std::clamp<std::int64_t>(seconds, least, most));
}

Value probe(std::string_view type, const ProbeTarget& target, int period, int timeout, int failures) {
  Value::Map body = {{"type", type}};
  if (target.http)
    body.emplace_back(
        "httpGet",
        Value::Map{{"path", target.path}, {"port", target.port}, {"scheme", target.https ? "HTTPS" : "HTTP"}});
  else
    body.emplace_back("tcpSocket", Value::Map{{"port", target.port}});
  body.emplace_back("periodSeconds", period);
  body.emplace_back("timeoutSeconds", timeout);
  body.emplace_back("failureThreshold", failures);
  return body;
}

/// Asks every second or so until the container answers, for as long as the check would have forgiven it.
Value startup_probe(const ProbeTarget& target, std::chrono::nanoseconds budget) {
  const auto seconds =
      std::chrono::ceil<std::chrono::seconds>(std::max<std::chrono::nanoseconds>(budget, kShortestStartup));
  const int period = seconds_of(seconds / kMostStartupFailures, 1, kLongestPeriod);
  return probe("Startup", target, period, 3, kMostStartupFailures);
}

Value liveness_probe(int port) { return probe("Liveness", {.port = port}, 10, 5, 3); }

/// The platform's own (CA-101), said aloud.
Value::List default_probes(int port) {
  return {startup_probe({.port = port}, {}), probe("Readiness", {.port = port}, 5, 5, kMostFailures),
          liveness_probe(port)};
}

/// What the check asks for beyond Azure's ranges.
void note_limits(const compose::Service& service, Diagnostics& diagnostics) {
  const auto& check = *service.healthcheck;
  const auto cut = [&](std::string_view attribute, std::string_view limit) {
    diagnostics.add(check_cut(service.name, attribute, limit, check.test_span));
  };
  if (check.interval > std::chrono::seconds(kLongestPeriod)) cut("interval", fmt::format("{} s", kLongestPeriod));
  if (check.timeout > std::chrono::seconds(kLongestPeriod)) cut("timeout", fmt::format("{} s", kLongestPeriod));
  if (check.retries > std::uint64_t{kMostFailures}) cut("retries", fmt::format("{}", kMostFailures));
}

std::optional<int> main_port(const Ingress& ingress) {
  if (ingress.kind == Ingress::Kind::none) return std::nullopt;
  return ingress.target_port;
}

}  // namespace

std::optional<ProbeTarget> target_of(const compose::Healthcheck& healthcheck) {
  if (healthcheck.test.size() < 2) return std::nullopt;
  const auto text = join(std::vector(healthcheck.test.begin() + 1, healthcheck.test.end()), " ");
  if (auto target = http_target(text)) return target;
  return tcp_target(text);
}

Value::List probes(const compose::Service& service, const Ingress& ingress, Diagnostics& diagnostics) {
  const auto port = main_port(ingress);
  const bool has_check = service.healthcheck && !service.healthcheck->disabled && !service.healthcheck->test.empty();
  if (!has_check) return port ? default_probes(*port) : Value::List{};

  const auto& check = *service.healthcheck;
  const auto target = target_of(check);
  if (!target) {
    diagnostics.add(check_becomes_port(service.name, port, check.test_span));
    return port ? default_probes(*port) : Value::List{};
  }
  note_limits(service, diagnostics);
  const std::chrono::nanoseconds longest = std::chrono::seconds(kLongestPeriod);
  const auto interval = std::min(check.interval.value_or(kInterval), longest);
  const auto timeout = std::min(check.timeout.value_or(kTimeout), longest);
  const int failures = static_cast<int>(std::clamp<std::uint64_t>(check.retries.value_or(kRetries), 1, kMostFailures));
  Value::List list = {startup_probe(*target, check.start_period.value_or(0ns) + interval * failures),
                      probe("Readiness", *target, seconds_of(interval, 1, kLongestPeriod),
                            seconds_of(timeout, 1, kLongestPeriod), failures)};
  if (port) list.push_back(liveness_probe(*port));
  return list;
}

}  // namespace defang::providers
