#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compose/project.h"

/// Services name each other in environment variables and commands: "http://api:3000/v1", "db:5432", "redis". Compose
/// resolves any service on any port; Azure only what was declared. So the plan reads those texts.
namespace defang::plan {

/// One mention of a service as a host.
struct Mention {
  std::string service;
  std::string scheme;       // "http"; empty without one
  std::optional<int> port;  // as written
  std::size_t begin = 0;    // of the host
  std::size_t host_end = 0;
  std::size_t end = 0;    // of ":3000", or of the host
  bool is_whole = false;  // the text is nothing but the host
  /// The port that is meant: as written, or the scheme's own.
  std::optional<int> meant_port() const;
};

/// Host name -> service: names of services, aliases on networks, container names.
using Hosts = std::map<std::string, std::string>;
Hosts hosts_of(const compose::Project& project);

/// What the user wrote at a path of keys below a service, in canonical form ("container_name"); nullptr where nothing
/// is.
const compose::Node* value_at(const compose::Project& project, const std::string& service, std::string_view path);
/// Its text; empty where nothing is.
std::string_view text_at(const compose::Project& project, const std::string& service, std::string_view path);

/// In the order of the text. A bare word is a mention only when it is the whole text, or has a port, or stands in a
/// URL.
std::vector<Mention> mentions_in(std::string_view text, const Hosts& hosts);

/// All literal texts of a service in which another one can be named.
std::vector<std::string_view> texts_of(const compose::Service& service);

}  // namespace defang::plan
