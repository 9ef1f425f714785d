#pragma once

#include <optional>
#include <string>

#include "compose/project.h"
#include "graph/value.h"
#include "providers/container_apps_ingress.h"
#include "support/diagnostic.h"

namespace defang::providers {

/// What a probe asks a container: an HTTP GET, or whether the port accepts connections (CA-100).
struct ProbeTarget {
  bool http = false;
  bool https = false;
  int port = 0;
  std::string path;
  friend bool operator==(const ProbeTarget&, const ProbeTarget&) = default;
};

/// The probe that a `healthcheck.test` amounts to: the URL of localhost that it fetches, or the port that it knocks at.
/// Nothing where it does neither (CA-104).
std::optional<ProbeTarget> target_of(const compose::Healthcheck& healthcheck);

/// The list for `containers[].probes`, always explicit, since Azure's own defaults may kill an app (CA-101): Startup
/// until the container answers, Readiness as the health check says, Liveness whether the port is open at all, for
/// Compose does not restart what is unhealthy. Empty for a service without ports and checks.
graph::Value::List probes(const compose::Service& service, const Ingress& ingress, Diagnostics& diagnostics);

}  // namespace defang::providers
