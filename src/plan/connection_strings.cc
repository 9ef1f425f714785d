#include "plan/connection_strings.h"

#include <algorithm>
#include <array>

#include "plan/siblings.h"
#include "support/text.h"

namespace defang::plan {
namespace {

using graph::Reference;
using graph::Value;
using Kind = ManagedEndpoint::Kind;

/// References as single characters of a text, so that the text can be taken apart like any other: \x01, an index, \x02.
class Placeholders {
 public:
  std::string put(const Value::Text& text) {
    std::string flat;
    for (const auto& piece : text) {
      if (const auto* literal = std::get_if<std::string>(&piece)) {
        flat += *literal;
        continue;
      }
      flat += "\x01" + std::to_string(references_.size()) + "\x02";
      references_.push_back(std::get<Reference>(piece));
    }
    return flat;
  }

  Value::Text take(std::string_view flat) const {
    Value::Text text;
    while (!flat.empty()) {
      const auto begin = flat.find('\x01');
      if (begin > 0) text.emplace_back(std::string(flat.substr(0, begin)));
      if (begin == std::string_view::npos) break;
      const auto end = flat.find('\x02', begin);
      text.emplace_back(references_[*to_number(flat.substr(begin + 1, end - begin - 1))]);
      flat.remove_prefix(end + 1);
    }
    return text;
  }

 private:
  std::vector<Reference> references_;
};

/// scheme://user:password@host:port/path?query, as RFC 3986 has it; absent parts are empty.
struct Url {
  std::string scheme, credentials, path, query, rest;
  bool has_credentials = false, has_port = false;
};

std::size_t end_of_url(std::string_view text, std::size_t at) {
  const auto end = text.find_first_of(" \t\n\"'`<>", at);
  return end == std::string_view::npos ? text.size() : end;
}

bool has_parameter(const std::string& query, std::string_view name) {
  return std::ranges::any_of(split(query, '&'), [&](const std::string& part) {
    return equals_ignoring_case(part.substr(0, part.find('=')), name);
  });
}

/// Sets `name` in a query, in place of any of `others`.
void set_parameter(std::string& query, std::string_view name, std::string_view value,
                   std::vector<std::string_view> others = {}) {
  others.push_back(name);
  std::vector<std::string> parts;
  for (auto& part : split(query, '&')) {
    const auto key = part.substr(0, part.find('='));
    const bool replaced = std::ranges::any_of(others, [&](auto other) { return equals_ignoring_case(key, other); });
    if (!part.empty() && !replaced) parts.push_back(std::move(part));
  }
  parts.push_back(std::string(name) + "=" + std::string(value));
  query = join(parts, "&");
}

std::string written(const Url& url, const std::string& host) {
  std::string text = url.scheme + "://";
  if (url.has_credentials) text += url.credentials + "@";
  return text + host + url.path + (url.query.empty() ? "" : "?" + url.query) + url.rest;
}

/// Values of sslmode and its kin that leave the connection in clear, or leave that to chance.
bool is_weak(const std::string& query) {
  return std::ranges::any_of(split(query, '&'), [](const std::string& part) {
    const auto equals = part.find('=');
    const auto key = part.substr(0, equals);
    if (!equals_ignoring_case(key, "sslmode") && !equals_ignoring_case(key, "ssl")) return false;
    const auto value = equals == std::string::npos ? "" : to_lower(part.substr(equals + 1));
    return value == "disable" || value == "allow" || value == "prefer" || value == "false" || value == "0";
  });
}

/// PG-23: the server speaks TLS only. Drivers of Python's asyncpg have a word of their own for it.
void secure_postgres(Url& url) {
  const bool asyncpg = url.scheme.find("+asyncpg") != std::string::npos;
  const bool says = has_parameter(url.query, "sslmode") || has_parameter(url.query, "ssl");
  if (!says || is_weak(url.query)) set_parameter(url.query, asyncpg ? "ssl" : "sslmode", "require", {"sslmode", "ssl"});
}

/// RD-10, RD-11: TLS, its own port, its key as the password, database 0 only.
void secure_redis(Url& url, const std::string& key, RedisClient client, Rewritten& result) {
  url.scheme = "rediss";
  url.credentials = ":" + key;
  url.has_credentials = true;
  const auto number = to_number(std::string_view(url.path).substr(url.path.empty() ? 0 : 1));
  if (number && *number > 0) result.redis_database = static_cast<int>(*number);
  if (number) url.path = "/0";
  if (client == RedisClient::celery) set_parameter(url.query, "ssl_cert_reqs", "required");
}

/// DB-2: the service's own form of address, with the options that it needs.
void secure_mongodb(Url& url, const std::string& user, const std::string& password) {
  url.scheme = "mongodb+srv";
  if (!url.has_credentials || url.credentials.empty()) url.credentials = user + ":" + password;
  url.has_credentials = true;
  if (url.path.empty()) url.path = "/";
  for (const auto gone : {"directConnection", "replicaSet", "ssl"}) {
    set_parameter(url.query, gone, "");
    url.query = url.query.substr(0, url.query.rfind(gone));
    if (url.query.ends_with('&')) url.query.pop_back();
  }
  // The administrator is known to no database in particular.
  set_parameter(url.query, "tls", "true");
  set_parameter(url.query, "authMechanism", "SCRAM-SHA-256", {"authSource"});
  set_parameter(url.query, "retrywrites", "false");
  set_parameter(url.query, "maxIdleTimeMS", "120000");
}

class Rewriter {
 public:
  Rewriter(const ManagedEndpoints& endpoints, RedisClient client) : endpoints_(endpoints), client_(client) {
    for (const auto& [host, endpoint] : endpoints) hosts_[host] = host;
  }

  std::optional<Rewritten> rewrite(const Value::Text& value) {
    std::string flat = placeholders_.put(value);
    // From the end, so that places before stay where they are.
    auto mentions = mentions_in(flat, hosts_);
    if (auto named = keyword_mentions(flat); mentions.empty()) mentions = std::move(named);
    if (mentions.empty()) return std::nullopt;
    for (auto mention = mentions.rbegin(); mention != mentions.rend(); ++mention) {
      result_.stores.push_back(mention->service);
      replace(flat, *mention, endpoints_.at(mention->service));
    }
    result_.value = placeholders_.take(flat);
    return std::move(result_);
  }

 private:
  /// `Host=db;Port=5432` and `host=db port=5432`.
  std::vector<Mention> keyword_mentions(const std::string& flat) const {
    std::vector<Mention> found;
    for (const auto key : {"host=", "server=", "data source="}) {
      const auto at = to_lower(flat).find(key);
      if (at == std::string::npos || (at > 0 && flat[at - 1] != ' ' && flat[at - 1] != ';')) continue;
      const auto begin = at + std::string_view(key).size();
      auto end = flat.find_first_of("; ,:", begin);
      if (end == std::string::npos) end = flat.size();
      if (hosts_.contains(flat.substr(begin, end - begin)))
        found.push_back({.service = flat.substr(begin, end - begin), .begin = begin, .host_end = end, .end = end});
    }
    return found;
  }

  void replace(std::string& flat, const Mention& mention, const ManagedEndpoint& endpoint) {
    const auto host = placeholders_.put(endpoint.host);
    if (!speaks(mention.scheme, endpoint.kind)) {
      const auto port = mention.port ? ":" + std::to_string(endpoint.port) : "";
      flat.replace(mention.begin, mention.end - mention.begin, host + port);
      if (endpoint.kind == Kind::postgres && !mention.is_whole && mention.scheme.empty()) secure_keywords(flat);
      return;
    }
    const auto begin = start_of_url(flat, mention.begin);
    auto url = parse(flat, begin, mention);
    const auto end = end_of_url(flat, mention.end);
    std::string address = host;
    switch (endpoint.kind) {
      case Kind::postgres:
        secure_postgres(url);
        if (mention.port) address += ":" + std::to_string(endpoint.port);
        break;
      case Kind::redis:
        secure_redis(url, placeholders_.put(endpoint.password), client_, result_);
        address += ":" + std::to_string(endpoint.port);
        break;
      case Kind::mongodb:
        secure_mongodb(url, placeholders_.put(endpoint.user), placeholders_.put(endpoint.password));
        break;
      case Kind::model:
        flat.replace(begin, end - begin, host);
        return;
    }
    flat.replace(begin, end - begin, written(url, address));
  }

  static bool speaks(std::string_view scheme, Kind kind) {
    switch (kind) {
      case Kind::postgres:
        return scheme == "postgres" || scheme == "postgresql" || scheme == "postgis" || scheme == "pgsql";
      case Kind::redis:
        return scheme == "redis" || scheme == "rediss" || scheme == "valkey" || scheme == "valkeys";
      case Kind::mongodb:
        return scheme == "mongodb";
      case Kind::model:
        return scheme == "http" || scheme == "https";
    }
    return false;
  }

  static std::size_t start_of_url(const std::string& flat, std::size_t host) {
    auto at = flat.rfind("://", host);
    while (at > 0 && std::string_view(" \t\n\"'`=,;").find(flat[at - 1]) == std::string_view::npos) --at;
    return at;
  }

  static Url parse(const std::string& flat, std::size_t begin, const Mention& mention) {
    Url url;
    const auto authority = flat.find("://", begin) + 3;
    url.scheme = flat.substr(begin, authority - 3 - begin);
    if (authority < mention.begin) {
      url.has_credentials = true;
      url.credentials = flat.substr(authority, mention.begin - 1 - authority);
    }
    const auto whole = flat.substr(mention.end, end_of_url(flat, mention.end) - mention.end);
    const auto fragment = whole.find('#');
    if (fragment != std::string::npos) url.rest = whole.substr(fragment);
    const auto target = whole.substr(0, fragment);
    const auto question = target.find('?');
    url.path = target.substr(0, question);
    if (question != std::string::npos) url.query = target.substr(question + 1);
    return url;
  }

  /// libpq's and ADO.NET's lists of settings.
  static void secure_keywords(std::string& flat) {
    if (flat.find('=') == std::string::npos) return;
    const auto lower = to_lower(flat);
    const bool dotnet = flat.find(';') != std::string::npos;
    for (const auto key : {"sslmode=", "ssl mode="}) {
      const auto at = lower.find(key);
      if (at == std::string::npos) continue;
      const auto begin = at + std::string_view(key).size();
      auto end = lower.find_first_of("; ", begin);
      if (end == std::string::npos) end = flat.size();
      const auto value = lower.substr(begin, end - begin);
      if (value == "disable" || value == "allow" || value == "prefer")
        flat.replace(begin, end - begin, dotnet ? "Require" : "require");
      return;
    }
    if (dotnet)
      flat += flat.ends_with(';') ? "SSL Mode=Require" : ";SSL Mode=Require";
    else
      flat += " sslmode=require";
  }

  const ManagedEndpoints& endpoints_;
  RedisClient client_;
  Hosts hosts_;
  Placeholders placeholders_;
  Rewritten result_;
};

}  // namespace

std::optional<Rewritten> rewrite(const Value::Text& value, const ManagedEndpoints& endpoints, RedisClient client) {
  if (endpoints.empty()) return std::nullopt;
  return Rewriter(endpoints, client).rewrite(value);
}

}  // namespace defang::plan
