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
using Tls = Connection::Tls;
using Credentials = Connection::Credentials;

/// First names of URLs, by what speaks them; "redis" in "redis://", "db+postgresql://" and "jdbc:postgresql://".
struct Dialect {
  std::string_view name;
  Kind kind;
};
constexpr auto kDialects = std::to_array<Dialect>({
    {"asyncpg", Kind::postgres},  // Tortoise ORM
    {"ecto", Kind::postgres},     // Ecto.Repo
    {"http", Kind::model},          {"https", Kind::model},      {"mariadb", Kind::mysql},
    {"mongodb", Kind::mongodb},     {"mysql", Kind::mysql},      {"mysql2", Kind::mysql},  // Rails
    {"mysqlgis", Kind::mysql},                                                             // dj-database-url
    {"pg", Kind::postgres},                                                                // NocoDB
    {"pgsql", Kind::postgres},      {"postgis", Kind::postgres}, {"postgres", Kind::postgres},
    {"postgresql", Kind::postgres}, {"psql", Kind::postgres},     // django-environ
    {"redis", Kind::redis},         {"rediscache", Kind::redis},  // django-environ
    {"rediss", Kind::redis},        {"sentinel", Kind::redis},    // Celery
    {"valkey", Kind::redis},        {"valkeys", Kind::redis},
});
static_assert(std::ranges::is_sorted(kDialects, {}, &Dialect::name));

/// How a URL asks for TLS. `parts`, between blanks, are those that its scheme must have; the first row that fits.
struct TlsParameter {
  Kind kind;
  std::string_view parts, name, value;
};
constexpr auto kTlsParameters = std::to_array<TlsParameter>({
    {Kind::postgres, "asyncpg", "ssl", "require"},        // asyncpg.connect(ssl=...)
    {Kind::postgres, "ecto", "ssl", "true"},              // Ecto.Repo, "URLs"
    {Kind::postgres, "pg", "ssl", "true"},                // NocoDB, NC_DB
    {Kind::postgres, "r2dbc", "sslMode", "require"},      // r2dbc-postgresql, "Connection options"
    {Kind::postgres, "", "sslmode", "require"},           // libpq, 34.1.2 "Parameter Key Words"; pgJDBC the same
    {Kind::mysql, "jdbc mariadb", "sslMode", "trust"},    // MariaDB Connector/J, "TLS parameters"
    {Kind::mysql, "r2dbc mariadb", "sslMode", "trust"},   // the same
    {Kind::mysql, "jdbc", "sslMode", "REQUIRED"},         // MySQL Connector/J, 6.3.5 "Security"
    {Kind::mysql, "r2dbc", "sslMode", "REQUIRED"},        // r2dbc-mysql
    {Kind::mysql, "pymysql", "ssl_check_hostname", "1"},  // SQLAlchemy: any of the ssl_ arguments turns it on
    {Kind::mysql, "asyncmy", "ssl_check_hostname", "1"},  // the same
    {Kind::mysql, "mysqlconnector", "", ""},              // MySQL Connector/Python, 7.1: on by default
    {Kind::mysql, "", "ssl_mode", "REQUIRED"},            // mysqlclient, Rails
});

/// All names under which clients look for it.
constexpr auto kTlsNames = std::to_array<std::string_view>(
    {"requiressl", "ssl", "ssl mode", "ssl-ca", "ssl-mode", "ssl_ca", "ssl_check_hostname", "ssl_disabled", "ssl_mode",
     "ssl_verify_cert", "sslaccept", "sslca", "sslmode", "tls", "tlsmode", "usessl"});
static_assert(std::ranges::is_sorted(kTlsNames));

bool is_tls_name(std::string_view name) { return std::ranges::binary_search(kTlsNames, to_lower(name)); }

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

  /// The same, for a place that is no part of a URL.
  std::string put_plain(Value::Text text) {
    for (auto& piece : text)
      if (auto* reference = std::get_if<Reference>(&piece)) reference->percent_encoded = false;
    return put(text);
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

constexpr int kLeastPort = 256;

bool is_alnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

// --- URLs ---

struct Address {
  std::string host;
  std::string port;  // as written; may be empty
};

/// scheme://user:password@host:port,host:port/path?query#fragment: RFC 3986, and lists of hosts as databases have them.
struct Url {
  std::size_t begin = 0, end = 0;
  std::string scheme;              // "jdbc:postgresql", "postgresql+asyncpg"
  std::vector<std::string> parts;  // of the scheme, in small letters
  std::string credentials, path, query, fragment;
  bool has_credentials = false;
  std::vector<Address> addresses;

  bool has_part(std::string_view part) const { return std::ranges::find(parts, part) != parts.end(); }
};

/// "jdbc:mysql:replication://": the names before belong to the scheme of JDBC and R2DBC only.
std::size_t start_of_scheme(std::string_view text, std::size_t slashes) {
  const auto back = [&](std::string_view also) {
    auto at = slashes;
    while (at > 0 && (is_alnum(text[at - 1]) || also.find(text[at - 1]) != std::string_view::npos)) --at;
    return at;
  };
  const auto longest = back("+.-:");
  const auto words = to_lower(text.substr(longest, slashes - longest));
  return words.starts_with("jdbc:") || words.starts_with("r2dbc:") ? longest : back("+.-");
}

/// Where the URL ends whose host starts at `at`: at what no URL holds, and before the next of a list.
std::size_t end_of_url(std::string_view text, std::size_t at) {
  for (; at < text.size(); ++at) {
    if (std::string_view(" \t\n\"'`<>)]}|").find(text[at]) != std::string_view::npos) return at;
    if (text[at] != ',' && text[at] != ';') continue;
    auto next = at + 1;
    while (next < text.size() && (is_alnum(text[next]) || text[next] == '+' || text[next] == '-')) ++next;
    if (text.substr(next).starts_with("://")) return at;
  }
  return text.size();
}

std::vector<Address> addresses_of(const std::string& list) {
  std::vector<Address> addresses;
  for (const auto& one : split(list, ',')) {
    const auto colon = one.rfind(':');
    if (colon == std::string::npos)
      addresses.push_back({one, ""});
    else
      addresses.push_back({one.substr(0, colon), one.substr(colon + 1)});
  }
  return addresses;
}

std::optional<Url> next_url(std::string_view text, std::size_t from) {
  const auto slashes = text.find("://", from);
  if (slashes == std::string_view::npos) return std::nullopt;
  Url url{.begin = std::max(from, start_of_scheme(text, slashes))};
  url.scheme = text.substr(url.begin, slashes - url.begin);
  for (const auto& word : split(to_lower(url.scheme), ':'))
    for (auto& part : split(word, '+')) url.parts.push_back(std::move(part));
  const auto authority = slashes + 3;
  // A password may hold what no URL does: the last '@' before the path ends it.
  auto path = std::min(text.find_first_of("/?# \t\n\"`<>", authority), text.size());
  const auto at = text.substr(authority, path - authority).rfind('@');
  url.has_credentials = at != std::string_view::npos;
  const auto hosts = url.has_credentials ? authority + at + 1 : authority;
  if (url.has_credentials) url.credentials = text.substr(authority, at);
  url.end = end_of_url(text, hosts);
  path = std::min(path, url.end);
  url.addresses = addresses_of(std::string(text.substr(hosts, path - hosts)));
  auto rest = text.substr(path, url.end - path);
  const auto hash = rest.find('#');
  if (hash != std::string_view::npos) url.fragment = rest.substr(hash);
  rest = rest.substr(0, hash);
  const auto question = rest.find('?');
  url.path = rest.substr(0, question);
  if (question != std::string_view::npos) url.query = rest.substr(question + 1);
  return url;
}

std::string written(const Url& url) {
  std::string text = url.scheme + "://" + (url.has_credentials ? url.credentials + "@" : "");
  std::vector<std::string> addresses;
  for (const auto& [host, port] : url.addresses) addresses.push_back(host + (port.empty() ? "" : ":" + port));
  return text + join(addresses, ",") + url.path + (url.query.empty() ? "" : "?" + url.query) + url.fragment;
}

std::string name_of(const std::string& parameter) { return parameter.substr(0, parameter.find('=')); }
std::string value_of(const std::string& parameter) {
  const auto equals = parameter.find('=');
  return equals == std::string::npos ? "" : parameter.substr(equals + 1);
}

std::optional<std::string> parameter_of(const std::string& query, std::string_view name) {
  for (const auto& parameter : split(query, '&'))
    if (equals_ignoring_case(name_of(parameter), name)) return value_of(parameter);
  return std::nullopt;
}

template <class Drop>
void drop_parameters(std::string& query, Drop&& drop) {
  auto parameters = split(query, '&');
  std::erase_if(parameters, [&](const std::string& one) { return one.empty() || drop(one); });
  query = join(parameters, "&");
}

void drop_parameter(std::string& query, std::string_view name) {
  drop_parameters(query, [&](const std::string& one) { return equals_ignoring_case(name_of(one), name); });
}

void set_parameter(std::string& query, std::string_view name, std::string_view value) {
  drop_parameter(query, name);
  query += std::string(query.empty() ? "" : "&") + std::string(name) + "=" + std::string(value);
}

const TlsParameter& tls_parameter(Kind kind, const Url& url) {
  return *std::ranges::find_if(kTlsParameters, [&](const TlsParameter& row) {
    if (row.kind != kind) return false;
    if (row.parts.empty()) return true;
    const auto parts = split(row.parts, ' ');
    return std::ranges::all_of(parts, [&](const std::string& part) { return url.has_part(part); });
  });
}

/// PG-23, DB-6: the servers speak TLS only. What the value itself says of it stays, unless it says no.
void secure_database(Kind kind, Url& url) {
  drop_parameters(url.query, [](const std::string& one) { return is_weak_tls(name_of(one), value_of(one)); });
  const auto parameters = split(url.query, '&');
  if (std::ranges::any_of(parameters, [](const auto& one) { return is_tls_name(name_of(one)); })) return;
  if (const auto& row = tls_parameter(kind, url); !row.name.empty()) set_parameter(url.query, row.name, row.value);
}

// --- lists of settings ---

/// `key=value` of a list: "host=db port=5432", "Server=db;Port=3306", "cache:6379,ssl=true".
struct Setting {
  std::string key;                 // in small letters
  std::size_t begin = 0, end = 0;  // of its value, without quotes
};

std::vector<Setting> settings_in(std::string_view text, std::size_t from, std::size_t to, char separator) {
  std::vector<Setting> settings;
  const auto is_blank = [](char c) { return c == ' ' || c == '\t' || c == '\n'; };
  for (std::size_t at = from; at < to;) {
    while (at < to && (is_blank(text[at]) || text[at] == separator)) ++at;
    const auto stop = std::min(text.find(separator == ' ' ? ' ' : separator, at), to);
    auto equals = text.find('=', at);
    if (equals >= to) break;
    if (equals > stop && separator != ' ') {
      at = stop;
      continue;
    }
    auto key = to_lower(text.substr(at, equals - at));
    while (!key.empty() && is_blank(key.back())) key.pop_back();
    if (const auto blank = key.rfind(' '); separator == ' ' && blank != std::string::npos) key.erase(0, blank + 1);
    // "pgsql:host=db;...", "dbi:Pg:host=db;..."
    if (const auto colon = key.rfind(':'); colon != std::string::npos) key.erase(0, colon + 1);
    auto begin = equals + 1;
    while (begin < to && separator == ' ' && is_blank(text[begin])) ++begin;
    std::size_t end = begin;
    if (begin < to && (text[begin] == '\'' || (text[begin] == '"' && separator != ' '))) {
      const char quote = text[begin++];
      for (end = begin; end < to && text[end] != quote; ++end)
        if (text[end] == '\\') ++end;
      end = std::min(end, to);
      at = std::min(end + 1, to);
    } else {
      while (end < to && text[end] != separator && !(separator == ' ' && is_blank(text[end]))) ++end;
      at = end;
    }
    settings.push_back({key, begin, end});
  }
  return settings;
}

constexpr auto kHostKeys = std::to_array<std::string_view>(
    {"addr", "address", "data source", "datasource", "host", "hostname", "network address", "server"});

bool is_host_key(std::string_view key) { return std::ranges::find(kHostKeys, key) != kHostKeys.end(); }

/// Changes of a text at places that stay valid while they are collected.
class Edits {
 public:
  void replace(std::size_t begin, std::size_t end, std::string text) {
    edits_.push_back({begin, end, std::move(text)});
  }
  std::string applied_to(std::string text) {
    std::ranges::stable_sort(edits_, std::greater{}, &Edit::begin);
    for (const auto& edit : edits_) text.replace(edit.begin, edit.end - edit.begin, edit.text);
    return text;
  }

 private:
  struct Edit {
    std::size_t begin, end;
    std::string text;
  };
  std::vector<Edit> edits_;
};

/// How a list of settings asks for TLS.
std::string tls_setting(Kind kind, char separator, bool has_driver, bool is_dsn) {
  if (kind == Kind::postgres) {
    if (separator == ' ' || is_dsn) return "sslmode=require";
    return has_driver ? "SSLmode=require" : "SSL Mode=Require";  // psqlODBC; Npgsql
  }
  if (is_dsn) return "";                                        // PDO takes it as an option of the constructor only
  return has_driver ? "SSLMODE=REQUIRED" : "SslMode=Required";  // Connector/ODBC; MySqlConnector
}

class Rewriter {
 public:
  Rewriter(const ManagedEndpoints& endpoints, Client client) : endpoints_(endpoints), client_(client) {
    for (const auto& [host, endpoint] : endpoints) hosts_[host] = host;
  }

  std::optional<Rewritten> rewrite(const Value::Text& value) {
    const auto flat = placeholders_.put(value);
    std::string out;
    std::size_t at = 0;
    while (const auto url = next_url(flat, at)) {
      out += text_rewritten(flat.substr(at, url->begin - at), false);
      out += url_rewritten(*url, flat);
      at = url->end;
    }
    out += text_rewritten(flat.substr(at), at == 0);
    if (result_.connections.empty()) return std::nullopt;
    result_.value = placeholders_.take(out);
    return std::move(result_);
  }

 private:
  const ManagedEndpoint* endpoint_of(const std::string& host) const {
    const auto found = endpoints_.find(host);
    return found == endpoints_.end() ? nullptr : &found->second;
  }

  Connection& connect(const std::string& host) {
    result_.connections.push_back({.host = host, .port = {}, .redis_database = {}, .fault = {}});
    return result_.connections.back();
  }

  // --- URLs ---

  std::string url_rewritten(Url url, const std::string& flat) {
    const auto as_is = flat.substr(url.begin, url.end - url.begin);
    const auto first = std::ranges::find_if(url.addresses, [&](const auto& one) { return endpoint_of(one.host); });
    if (first == url.addresses.end()) return as_is;
    const auto host = first->host;
    const auto& endpoint = *endpoint_of(host);
    if (url.has_part("tcp") || url.has_part("tls")) return probe_rewritten(std::move(url));
    if (!speaks(url, endpoint.kind)) return as_is;  // amqp:// and its like have nothing to do with this store
    auto& connection = connect(host);
    switch (endpoint.kind) {
      case Kind::postgres:
      case Kind::mysql:
        return database_url(url, connection);
      case Kind::redis:
        return redis_url(url, endpoint, connection);
      case Kind::mongodb:
      case Kind::cosmos_mongodb:
        return mongodb_url(url, endpoint, connection);
      case Kind::model:
        return model_url(url, endpoint, connection);
      case Kind::objects:
        connection.fault =
            "Azure Blob Storage does not speak S3; a service that depends on it finds AZURE_STORAGE_* for Azure's "
            "client";
        return as_is;
    }
    return as_is;
  }

  static bool speaks(const Url& url, Kind kind) {
    if (kind == Kind::cosmos_mongodb) kind = Kind::mongodb;
    if (kind == Kind::objects) kind = Kind::model;
    return std::ranges::any_of(url.parts, [&](const std::string& part) {
      const auto first = part.substr(0, part.find('-'));  // "redis-sentinel"
      const auto row = std::ranges::lower_bound(kDialects, first, {}, &Dialect::name);
      return row != kDialects.end() && row->name == first && row->kind == kind;
    });
  }

  /// tcp://db:5432, as programs that wait for others have it; and what PHP's clients call a host.
  std::string probe_rewritten(Url url) {
    for (auto& address : url.addresses) {
      const auto* endpoint = endpoint_of(address.host);
      if (!endpoint || endpoint->kind == Kind::model) continue;
      auto& connection = connect(address.host);
      if (url.has_part("tls")) connection.tls = Tls::said;
      lead(address, *endpoint, connection);
    }
    return written(url);
  }

  /// The host is the store's, and so is the port where there was one.
  void lead(Address& address, const ManagedEndpoint& endpoint, Connection& connection) {
    address.host = placeholders_.put(endpoint.host);
    if (address.port.empty()) return;
    connection.port = endpoint.port;
    address.port = std::to_string(endpoint.port);
  }

  std::string database_url(Url& url, Connection& connection) {
    for (auto& address : url.addresses)
      if (const auto* endpoint = endpoint_of(address.host)) lead(address, *endpoint, connection);
    secure_database(endpoints_.at(connection.host).kind, url);
    connection.tls = Tls::said;
    // DB-6
    if (endpoints_.at(connection.host).kind == Kind::mysql && url.credentials.starts_with("root:"))
      connection.fault = "no server of Azure has a user `root`; sign in as the user that the image's variables name";
    if (url.has_credentials || parameter_of(url.query, "user") || parameter_of(url.query, "password"))
      connection.credentials = Credentials::of_value;
    return written(url);
  }

  /// RD-10, RD-11: TLS, its own port, its key as the password, database 0 only.
  std::string redis_url(Url& url, const ManagedEndpoint& endpoint, Connection& connection) {
    if (url.scheme.find("sentinel") != std::string::npos || url.scheme.find("cluster") != std::string::npos)
      connection.fault = "it asks for a sentinel or a cluster of Redis; write one `redis://` address";
    url.scheme = "rediss";
    url.credentials = ":" + placeholders_.put(endpoint.password);
    url.has_credentials = true;
    connection.credentials = Credentials::of_store;
    connection.tls = Tls::said;
    connection.port = endpoint.port;
    url.addresses = {{placeholders_.put(endpoint.host), std::to_string(endpoint.port)}};
    for (const auto name : {"password", "username", "user", "ssl"}) drop_parameter(url.query, name);
    auto number = to_number(std::string_view(url.path).substr(url.path.empty() ? 0 : 1));
    if (number) url.path = "/0";
    if (const auto named = parameter_of(url.query, "db"); named && to_number(*named)) {
      number = to_number(*named);
      set_parameter(url.query, "db", "0");
    }
    if (number && *number > 0) connection.redis_database = static_cast<int>(*number);
    if (client_ == Client::celery) set_parameter(url.query, "ssl_cert_reqs", "required");
    return written(url);
  }

  /// DB-2, DB-4: the service's own form of address, with the options that it needs.
  std::string mongodb_url(Url& url, const ManagedEndpoint& endpoint, Connection& connection) {
    const bool is_srv = endpoint.kind == Kind::mongodb;
    url.scheme = is_srv ? "mongodb+srv" : "mongodb";
    connection.credentials = Credentials::of_value;
    // The account of Cosmos DB has one name and key.
    if (!is_srv || !url.has_credentials || url.credentials.empty()) {
      url.credentials = placeholders_.put(endpoint.user) + ":" + placeholders_.put(endpoint.password);
      connection.credentials = Credentials::of_store;
    }
    url.has_credentials = true;
    connection.tls = Tls::said;
    if (!is_srv) connection.port = endpoint.port;
    url.addresses = {{placeholders_.put(endpoint.host), is_srv ? "" : std::to_string(endpoint.port)}};
    if (url.path.empty()) url.path = "/";
    // The administrator is known to no database in particular.
    for (const auto gone : {"directConnection", "replicaSet", "ssl", "tls", "authSource", "authMechanism",
                            "retryWrites", "tlsInsecure", "tlsAllowInvalidCertificates"})
      drop_parameter(url.query, gone);
    set_parameter(url.query, "tls", "true");
    if (is_srv) set_parameter(url.query, "authMechanism", "SCRAM-SHA-256");
    if (!is_srv) set_parameter(url.query, "replicaSet", "globaldb");
    set_parameter(url.query, "retrywrites", "false");
    set_parameter(url.query, "maxIdleTimeMS", "120000");
    return written(url);
  }

  /// The base URL takes the place of everything up to the version: what follows names an operation.
  std::string model_url(const Url& url, const ManagedEndpoint& endpoint, Connection& connection) {
    connection.tls = Tls::said;
    const auto version = url.path.find("/v1/");
    const auto operation = version == std::string::npos ? "" : url.path.substr(version + 4);
    return placeholders_.put(endpoint.host) + operation + (url.query.empty() ? "" : "?" + url.query) + url.fragment;
  }

  // --- everything else ---

  std::string text_rewritten(std::string text, bool is_all) {
    if (text.empty()) return text;
    if (auto dsn = dsn_rewritten(text)) return std::move(*dsn);
    if (auto options = stackexchange_rewritten(text, is_all)) return std::move(*options);
    if (auto list = settings_rewritten(text)) return std::move(*list);
    return hosts_rewritten(std::move(text), is_all);
  }

  /// user:password@tcp(db:3306)/name?options: go-sql-driver/mysql, "DSN (Data Source Name)".
  std::optional<std::string> dsn_rewritten(std::string text) {
    const auto open = text.find("tcp(");
    const auto close = open == std::string::npos ? open : text.find(')', open);
    if (close == std::string::npos) return std::nullopt;
    auto address = addresses_of(text.substr(open + 4, close - open - 4)).front();
    const auto* endpoint = endpoint_of(address.host);
    if (!endpoint) return std::nullopt;
    auto& connection = connect(address.host);
    lead(address, *endpoint, connection);
    const auto at = text.substr(0, open).rfind('@');
    if (at != std::string::npos && at > 0) connection.credentials = Credentials::of_value;
    Url url;
    const auto end = end_of_url(text, close + 1);
    const auto rest = text.substr(close + 1, end - close - 1);
    const auto question = rest.find('?');
    if (question != std::string::npos) url.query = rest.substr(question + 1);
    drop_parameters(url.query, [](const std::string& one) { return is_weak_tls(name_of(one), value_of(one)); });
    if (!parameter_of(url.query, "tls")) set_parameter(url.query, "tls", "true");
    connection.tls = Tls::said;
    return text.substr(0, open + 4) + address.host + (address.port.empty() ? "" : ":" + address.port) + ")" +
           rest.substr(0, question) + "?" + url.query + text.substr(end);
  }

  /// cache:6379,password=...,ssl=false: StackExchange.Redis, "Configuration".
  std::optional<std::string> stackexchange_rewritten(const std::string& text, bool is_all) {
    const auto words = split(text, ',');
    const auto first = addresses_of(words.front()).front();
    const auto* endpoint = endpoint_of(first.host);
    if (!is_all || !endpoint || endpoint->kind != Kind::redis) return std::nullopt;
    const bool has_options = std::ranges::any_of(words, [](const auto& word) { return word.contains('='); });
    if (!has_options && client_ != Client::stackexchange_redis) return std::nullopt;
    auto& connection = connect(first.host);
    connection = {.host = first.host,
                  .port = endpoint->port,
                  .tls = Tls::said,
                  .credentials = Credentials::of_store,
                  .redis_database = {},
                  .fault = {}};
    std::vector<std::string> kept = {placeholders_.put(endpoint->host) + ":" + std::to_string(endpoint->port),
                                     "password=" + placeholders_.put_plain(endpoint->password), "ssl=True"};
    for (const auto& word : words) {
      const auto name = to_lower(name_of(word));
      if (!word.contains('=') || name == "password" || name == "ssl" || name == "user") continue;
      const auto number = to_number(value_of(word));
      const bool is_number = name == "defaultdatabase" && number && *number > 0;
      if (is_number) connection.redis_database = static_cast<int>(*number);
      kept.push_back(is_number ? name_of(word) + "=0" : word);
    }
    return join(kept, ",");
  }

  /// libpq's, ADO.NET's, ODBC's, PDO's and DBI's lists.
  std::optional<std::string> settings_rewritten(std::string text) {
    const char separator = text.contains(';') ? ';' : ' ';
    // In a shell command the list is one word between quotes.
    for (std::size_t from = 0; from <= text.size();) {
      auto to = text.find_first_of("\"`", from);
      if (separator == ';' || to == std::string::npos) to = text.size();
      if (auto done = list_rewritten(text, from, to, separator)) return done;
      from = to + 1;
    }
    return std::nullopt;
  }

  std::optional<std::string> list_rewritten(const std::string& text, std::size_t from, std::size_t to, char separator) {
    const auto settings = settings_in(text, from, to, separator);
    const auto value = [&](const Setting& one) { return text.substr(one.begin, one.end - one.begin); };
    const auto is_store = [&](const Setting& one) {
      return is_host_key(one.key) && endpoint_of(addresses_of(value(one)).front().host);
    };
    const auto host = std::ranges::find_if(settings, is_store);
    if (host == settings.end()) return std::nullopt;
    auto addresses = addresses_of(value(*host));
    const auto name = addresses.front().host;
    const auto& endpoint = *endpoint_of(name);
    auto& connection = connect(name);
    Edits edits;
    for (auto& address : addresses)
      if (const auto* other = endpoint_of(address.host)) lead(address, *other, connection);
    edits.replace(host->begin, host->end, written_list(addresses));
    for (const auto& one : settings) {
      if (one.key == "port") {
        edits.replace(one.begin, one.end, std::to_string(endpoint.port));
        connection.port = endpoint.port;
      }
      if (one.key.starts_with("user") || one.key == "uid" || one.key.starts_with("passw") || one.key == "pwd")
        connection.credentials = Credentials::of_value;
    }
    if (endpoint.kind == Kind::postgres || endpoint.kind == Kind::mysql)
      secure_settings(text, settings, {from, to, separator}, endpoint.kind, edits, connection);
    return edits.applied_to(text);
  }

  struct Range {
    std::size_t from, to;
    char separator;
  };
  static void secure_settings(const std::string& text, const std::vector<Setting>& settings, const Range& range,
                              Kind kind, Edits& edits, Connection& connection) {
    const auto head = text.substr(range.from, text.find('=', range.from) - range.from);
    const bool is_dsn = head.contains(':');
    const bool has_driver = std::ranges::find(settings, "driver", &Setting::key) != settings.end();
    const auto wanted = tls_setting(kind, range.separator, has_driver, is_dsn);
    connection.tls = wanted.empty() ? Tls::unsaid : Tls::said;
    if (wanted.empty()) return;
    for (const auto& one : settings) {
      if (!is_tls_name(one.key)) continue;
      if (is_weak_tls(one.key, text.substr(one.begin, one.end - one.begin)))
        edits.replace(one.begin, one.end, one.key.ends_with("mode") ? value_of(wanted) : "true");
      return;
    }
    const bool ends = range.to > range.from && text[range.to - 1] == range.separator;
    edits.replace(range.to, range.to, (ends ? "" : std::string(1, range.separator)) + wanted);
  }

  static std::string written_list(const std::vector<Address>& addresses) {
    std::vector<std::string> all;
    for (const auto& [host, port] : addresses) all.push_back(host + (port.empty() ? "" : ":" + port));
    return join(all, ",");
  }

  /// db:5432 anywhere, or nothing but db.
  std::string hosts_rewritten(std::string text, bool is_all) {
    Edits edits;
    for (const auto& mention : mentions_in(text, hosts_)) {
      if (mention.is_whole && !is_all && !mention.port) continue;
      if (mention.port && *mention.port < kLeastPort) continue;  // "redis:7" is an image
      const auto& endpoint = endpoints_.at(mention.service);
      auto& connection = connect(mention.service);
      if (endpoint.kind == Kind::model) {
        connection.fault = "a model has a base URL, not a host; write `http://" + mention.service + "/v1/`";
        continue;
      }
      Address address{mention.service, mention.port ? std::to_string(*mention.port) : ""};
      lead(address, endpoint, connection);
      edits.replace(mention.begin, mention.end, written_list({address}));
    }
    return edits.applied_to(std::move(text));
  }

  const ManagedEndpoints& endpoints_;
  Client client_;
  Hosts hosts_;
  Placeholders placeholders_;
  Rewritten result_;
};

}  // namespace

std::optional<Rewritten> rewrite(const Value::Text& value, const ManagedEndpoints& endpoints, Client client) {
  if (endpoints.empty()) return std::nullopt;
  return Rewriter(endpoints, client).rewrite(value);
}

Client client_of_variable(std::string_view name) {
  if (name.starts_with("ConnectionStrings__")) return Client::stackexchange_redis;  // ASP.NET's configuration
  return contains_ignoring_case(name, "celery") ? Client::celery : Client::any;
}

bool is_weak_tls(std::string_view name, std::string_view value) {
  constexpr auto kWeak = std::to_array<std::string_view>(
      {"", "0", "allow", "disable", "disabled", "false", "no", "none", "off", "prefer", "preferred"});
  if (!is_tls_name(name)) return false;
  const auto lower = to_lower(value);
  if (equals_ignoring_case(name, "ssl_disabled")) return lower == "true" || lower == "1";
  return std::ranges::binary_search(kWeak, lower);
}

}  // namespace defang::plan
