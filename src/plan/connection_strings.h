#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "graph/value.h"

/// A value that names a managed store says how to get there: as a URL of any scheme, a list of keys and values, or a
/// bare host. What it says of itself (user, database, options) is kept; what the store needs is put in.
namespace defang::plan {

/// Where a managed store answers, and what it wants to hear.
struct ManagedEndpoint {
  enum class Kind { postgres, redis, mongodb, model };
  Kind kind = Kind::postgres;
  graph::Value::Text host;  // of a model: its base URL
  int port = 5432;
  int compose_port = 5432;  // of the container that it stands for
  /// Credentials where a value names none, already percent-encoded. Redis knows only its key: that always replaces.
  graph::Value::Text user, password;
};
using ManagedEndpoints = std::map<std::string, ManagedEndpoint>;  // by the host name that Compose gives

struct Rewritten {
  graph::Value::Text value;
  std::vector<std::string> stores;    // whose hosts were named
  std::optional<int> redis_database;  // a number other than 0 that the value asked for
};

enum class RedisClient { any, celery };  // celery refuses `rediss://` without `ssl_cert_reqs`

/// Nothing where the value names no managed store. References in `value` (config) stay where they are.
std::optional<Rewritten> rewrite(const graph::Value::Text& value, const ManagedEndpoints& endpoints,
                                 RedisClient client = RedisClient::any);

}  // namespace defang::plan
