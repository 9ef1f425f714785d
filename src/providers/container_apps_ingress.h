#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "compose/project.h"
#include "graph/value.h"
#include "support/diagnostic.h"

namespace defang::providers {

/// How a container app is reached. One app has one main port; HTTP answers on 80 and 443 only, TCP on the exposed port
/// (CA-60..CA-65, CA-81).
struct Ingress {
  enum class Kind { none, http, tcp };
  struct Mapping {
    int target = 0;
    bool external = false;
  };
  Kind kind = Kind::none;
  bool external = false;
  int target_port = 0;
  bool http2 = false;
  std::vector<Mapping> additional;  // TCP, exposed on the same number
  SourceSpan origin;

  bool is_public_http() const { return kind == Kind::http && external; }
  /// Siblings reach `<app>:<port>` as in Compose.
  bool answers_on(int port) const;
};

/// `undeclared`: ports that siblings use although the service names them nowhere, as Compose allows.
Ingress ingress_of(const compose::Project& project, const compose::Service& service, const std::set<int>& undeclared,
                   Diagnostics& diagnostics);

/// "docker.io/library/postgres:16@sha256:..." -> "postgres"
std::string_view repository_of(std::string_view image);

/// The port that a well-known server of this image listens on ("postgres:16" -> 5432); it does not speak HTTP.
std::optional<int> well_known_port(std::string_view image);

/// Body of `configuration.ingress`.
graph::Value to_value(const Ingress& ingress);

/// All ports that a service declares (`ports`, `expose`), whatever becomes of them.
std::set<int> declared_ports(const compose::Service& service);

}  // namespace defang::providers
