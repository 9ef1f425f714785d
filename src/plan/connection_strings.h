#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/value.h"

/// A value that names a managed store says how to get there: as a URL of any scheme, a list of keys and values, a DSN
/// or a bare host. What it says of itself (user, database, options) is kept; what the store needs is put in.
namespace defang::plan {

/// Where a managed store answers, and what it wants to hear.
struct ManagedEndpoint {
  enum class Kind {
    postgres,
    mysql,
    redis,
    mongodb,         // an SRV name
    cosmos_mongodb,  // a host, its own port, and the account's name and key
    model,
    objects,  // no protocol that Compose's image speaks
  };
  Kind kind = Kind::postgres;
  graph::Value::Text host;  // of a model: its base URL
  int port = 5432;
  int compose_port = 5432;  // of the container that it stands for
  /// Credentials where a value names none, already percent-encoded. Redis knows only its key: that always replaces.
  graph::Value::Text user, password;
};
using ManagedEndpoints = std::map<std::string, ManagedEndpoint>;  // by the host name that Compose gives

/// One place of a value that leads to a store, and what it says after the rewriting.
struct Connection {
  enum class Tls { unsaid, said };
  enum class Credentials { none, of_value, of_store };
  std::string host;         // key of ManagedEndpoints
  std::optional<int> port;  // that it says
  Tls tls = Tls::unsaid;
  Credentials credentials = Credentials::none;
  std::optional<int> redis_database;  // a number other than 0 that the value asked for
  std::string fault;                  // why it cannot lead there, and what to write; empty: it can
};

struct Rewritten {
  graph::Value::Text value;
  std::vector<Connection> connections;  // in the order of the value
};

/// Who reads the value, where that decides what it must look like.
enum class Client {
  any,
  celery,               // refuses `rediss://` without `ssl_cert_reqs`
  stackexchange_redis,  // reads "cache:6379" as the start of its own list of options
};

/// What the name of a variable says of it: "CELERY_BROKER_URL", "ConnectionStrings__Cache".
Client client_of_variable(std::string_view name);

/// Nothing where the value names no managed store. References in `value` (config) stay where they are.
std::optional<Rewritten> rewrite(const graph::Value::Text& value, const ManagedEndpoints& endpoints,
                                 Client client = Client::any);

/// Whether a setting for TLS ("sslmode", "ssl", "tls" and their kin) leaves the connection in clear, or to chance.
bool is_weak_tls(std::string_view name, std::string_view value);

}  // namespace defang::plan
