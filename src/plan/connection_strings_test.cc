#include "plan/connection_strings.h"

#include <gtest/gtest.h>

#include "support/text.h"

namespace defang::plan {
namespace {

using graph::Reference;
using graph::Value;

ManagedEndpoints endpoints() {
  const auto property = [](const char* node) { return Reference{node, Reference::Kind::property, "host", ""}; };
  ManagedEndpoints all;
  all["db"] = {.kind = ManagedEndpoint::Kind::postgres, .host = {property("PG")}, .user = {}, .password = {}};
  all["postgres-service"] = all["db"];
  all["cache"] = {.kind = ManagedEndpoint::Kind::redis,
                  .host = {property("REDIS")},
                  .port = 10000,
                  .compose_port = 6379,
                  .user = {},
                  .password = {Reference{"KEY", Reference::Kind::list, "primaryKey", "listKeys", true}}};
  all["mongo"] = {.kind = ManagedEndpoint::Kind::mongodb,
                  .host = {"m.example"},
                  .port = 27017,
                  .compose_port = 27017,
                  .user = {"defang"},
                  .password = {Reference{"PASSWORD", Reference::Kind::output, "value", "", true}}};
  all["sql"] = {.kind = ManagedEndpoint::Kind::mysql,
                .host = {property("SQL")},
                .port = 3306,
                .compose_port = 3306,
                .user = {},
                .password = {}};
  all["ru"] = {.kind = ManagedEndpoint::Kind::cosmos_mongodb,
               .host = {"ru.example"},
               .port = 10255,
               .compose_port = 27017,
               .user = {"ru"},
               .password = {Reference{"ACCOUNT", Reference::Kind::list, "primaryMasterKey", "listKeys", true}}};
  all["minio"] = {.kind = ManagedEndpoint::Kind::objects, .host = {"blobs"}, .user = {}, .password = {}};
  all["llm"] = {
      .kind = ManagedEndpoint::Kind::model, .host = {property("MODEL"), "openai/v1/"}, .user = {}, .password = {}};
  return all;
}

/// "postgres://u:{CONFIG}@db/x": names in capital letters between braces are references.
Value::Text parsed(std::string_view text) {
  constexpr std::string_view kNames = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
  Value::Text pieces = {""};
  for (std::size_t at = 0; at < text.size();) {
    const auto close = text.find_first_not_of(kNames, at + 1);
    if (text[at] != '{' || close == std::string_view::npos || text[close] != '}') {
      std::get<std::string>(pieces.back()) += text[at++];
      continue;
    }
    pieces.emplace_back(
        Reference{"config/" + std::string(text.substr(at + 1, close - at - 1)), Reference::Kind::output, "value", ""});
    pieces.emplace_back("");
    at = close + 1;
  }
  return pieces;
}

std::string shown(const Value::Text& text) {
  std::string flat;
  for (const auto& piece : text) {
    const auto* reference = std::get_if<Reference>(&piece);
    flat += reference ? "{" + reference->node + (reference->percent_encoded ? "%" : "") + "}"
                      : std::get<std::string>(piece);
  }
  return flat;
}

std::string rewritten(std::string_view text, Client client = Client::any) {
  const auto result = rewrite(parsed(text), endpoints(), client);
  return result ? shown(result->value) : "unchanged";
}

std::string meaning_of(const Rewritten& rewritten) {
  std::vector<std::string> all;
  for (const auto& one : rewritten.connections) {
    auto text = one.host + " " + (one.port ? std::to_string(*one.port) : "-");
    text += one.tls == Connection::Tls::said ? " tls" : " -";
    constexpr const char* kCredentials[] = {" -", " its-own", " the-store's"};
    text += kCredentials[static_cast<int>(one.credentials)];
    if (one.redis_database) text += " database " + std::to_string(*one.redis_database);
    if (!one.fault.empty()) text += " impossible";
    all.push_back(text);
  }
  return join(all, "; ");
}

struct Row {
  const char* written;
  const char* expected;
  /// Of each connection: host, port ("-": the client's own), TLS, whose credentials; a database that the store lacks.
  const char* meaning;
};

TEST(Rewrite, LeadsConnectionStringsToManagedStores) {
  const Row rows[] = {
      // PostgreSQL: URLs of libpq, JDBC, SQLAlchemy, Prisma, Rails, Ecto, Django; RFC 3986 with what drivers make of it
      {"postgres://u:p@db:5432/x", "postgres://u:p@{PG}:5432/x?sslmode=require", "db 5432 tls its-own"},
      {"postgres://u:p@db/x", "postgres://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"postgres://u@db/x", "postgres://u@{PG}/x?sslmode=require", "db - tls its-own"},
      {"postgres://db", "postgres://{PG}?sslmode=require", "db - tls -"},
      {"postgres://db/", "postgres://{PG}/?sslmode=require", "db - tls -"},
      {"postgres://db:5432", "postgres://{PG}:5432?sslmode=require", "db 5432 tls -"},
      {"postgresql://db/x?user=u&password=p", "postgresql://{PG}/x?user=u&password=p&sslmode=require",
       "db - tls its-own"},
      {"postgresql://u:{PW}@db:5432/x", "postgresql://u:{config/PW}@{PG}:5432/x?sslmode=require",
       "db 5432 tls its-own"},
      {"postgresql://{U}:{PW}@db:5432/{NAME}",
       "postgresql://{config/U}:{config/PW}@{PG}:5432/{config/NAME}?sslmode=require", "db 5432 tls its-own"},
      {"postgres://postgres:{PW}@db:5432/postgres?sslmode={MODE}",
       "postgres://postgres:{config/PW}@{PG}:5432/postgres?sslmode={config/MODE}", "db 5432 tls its-own"},
      {"postgres://u:{PW}@db:5432/x?", "postgres://u:{config/PW}@{PG}:5432/x?sslmode=require", "db 5432 tls its-own"},
      {"postgres://u:p@db/x?sslmode=require", "postgres://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"postgres://u:p@db/x?sslmode=verify-full", "postgres://u:p@{PG}/x?sslmode=verify-full", "db - tls its-own"},
      {"postgres://u:p@db/x?sslmode=verify-ca&sslrootcert=/etc/ssl/certs/ca-certificates.crt",
       "postgres://u:p@{PG}/x?sslmode=verify-ca&sslrootcert=/etc/ssl/certs/ca-certificates.crt", "db - tls its-own"},
      {"postgres://u:p@db/x?sslmode=disable", "postgres://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"postgres://u:p@db/x?sslmode=prefer&a=b", "postgres://u:p@{PG}/x?a=b&sslmode=require", "db - tls its-own"},
      {"postgres://u:p@db/x?sslmode=allow", "postgres://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"postgres://u:p@db/x?ssl=true", "postgres://u:p@{PG}/x?ssl=true", "db - tls its-own"},
      {"postgres://u:p@db/x?ssl=false", "postgres://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"postgres://u:p@db/x?schema=public&connection_limit=5",
       "postgres://u:p@{PG}/x?schema=public&connection_limit=5&sslmode=require", "db - tls its-own"},
      {"postgresql://u:p@db:5432/x?schema=public&pgbouncer=true&pool_timeout=0",
       "postgresql://u:p@{PG}:5432/x?schema=public&pgbouncer=true&pool_timeout=0&sslmode=require",
       "db 5432 tls its-own"},
      {"postgres://u:p@db/x?options=-c%20search_path%3Dapp",
       "postgres://u:p@{PG}/x?options=-c%20search_path%3Dapp&sslmode=require", "db - tls its-own"},
      {"postgres://u:p@db/x?application_name=web&connect_timeout=10#frag",
       "postgres://u:p@{PG}/x?application_name=web&connect_timeout=10&sslmode=require#frag", "db - tls its-own"},
      {"postgres://u:p%40x@db:5432/x", "postgres://u:p%40x@{PG}:5432/x?sslmode=require", "db 5432 tls its-own"},
      {"postgres://u:p%2Fw%3A@db:5432/x", "postgres://u:p%2Fw%3A@{PG}:5432/x?sslmode=require", "db 5432 tls its-own"},
      {"postgres://u:p@ss@db:5432/x", "postgres://u:p@ss@{PG}:5432/x?sslmode=require", "db 5432 tls its-own"},
      {"postgres://u%40corp:p@db:5432/x", "postgres://u%40corp:p@{PG}:5432/x?sslmode=require", "db 5432 tls its-own"},
      {"postgres://u:p@postgres-service:5432/x", "postgres://u:p@{PG}:5432/x?sslmode=require",
       "postgres-service 5432 tls its-own"},
      {"postgres://u:p@db,standby:5432/x?target_session_attrs=read-write",
       "postgres://u:p@{PG},standby:5432/x?target_session_attrs=read-write&sslmode=require", "db - tls its-own"},
      {"postgresql+asyncpg://u:p@db/x", "postgresql+asyncpg://u:p@{PG}/x?ssl=require", "db - tls its-own"},
      {"postgresql+asyncpg://u:p@db/x?ssl=disable", "postgresql+asyncpg://u:p@{PG}/x?ssl=require", "db - tls its-own"},
      {"postgresql+psycopg://u:p@db:5432/x", "postgresql+psycopg://u:p@{PG}:5432/x?sslmode=require",
       "db 5432 tls its-own"},
      {"postgresql+psycopg2://u:p@db/x", "postgresql+psycopg2://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"postgresql+psycopg2cffi://u:p@db/x", "postgresql+psycopg2cffi://u:p@{PG}/x?sslmode=require",
       "db - tls its-own"},
      {"postgres+psycopg2://u:p@db/x", "postgres+psycopg2://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"db+postgresql://u:p@db/results", "db+postgresql://u:p@{PG}/results?sslmode=require", "db - tls its-own"},
      {"sqla+postgresql://u:p@db/broker", "sqla+postgresql://u:p@{PG}/broker?sslmode=require", "db - tls its-own"},
      {"jdbc:postgresql://db:5432/x", "jdbc:postgresql://{PG}:5432/x?sslmode=require", "db 5432 tls -"},
      {"jdbc:postgresql://db/x?user=u&ssl=false", "jdbc:postgresql://{PG}/x?user=u&sslmode=require",
       "db - tls its-own"},
      {"jdbc:postgresql://db:5432,standby:5432/x?targetServerType=primary",
       "jdbc:postgresql://{PG}:5432,standby:5432/x?targetServerType=primary&sslmode=require", "db 5432 tls -"},
      {"jdbc:postgresql://db:5432/x?currentSchema=app&sslmode=disable",
       "jdbc:postgresql://{PG}:5432/x?currentSchema=app&sslmode=require", "db 5432 tls -"},
      {"r2dbc:postgresql://u:p@db:5432/x", "r2dbc:postgresql://u:p@{PG}:5432/x?sslMode=require", "db 5432 tls its-own"},
      {"r2dbc:pool:postgresql://db/x?maxIdleTime=PT60S",
       "r2dbc:pool:postgresql://{PG}/x?maxIdleTime=PT60S&sslMode=require", "db - tls -"},
      {"postgis://u:p@db/x", "postgis://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"psql://u:p@db:5432/x", "psql://u:p@{PG}:5432/x?sslmode=require", "db 5432 tls its-own"},
      {"pgsql://u:p@db/x", "pgsql://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      {"ecto://u:p@db/x?pool_size=10", "ecto://u:p@{PG}/x?pool_size=10&ssl=true", "db - tls its-own"},
      {"ecto://u:p@db/x?ssl=false", "ecto://u:p@{PG}/x?ssl=true", "db - tls its-own"},
      {"asyncpg://u:p@db:5432/x", "asyncpg://u:p@{PG}:5432/x?ssl=require", "db 5432 tls its-own"},
      {"pg://db:5432?u=postgres&p=password&d=nocodb", "pg://{PG}:5432?u=postgres&p=password&d=nocodb&ssl=true",
       "db 5432 tls -"},
      {"POSTGRES://u:p@db/x", "POSTGRES://u:p@{PG}/x?sslmode=require", "db - tls its-own"},
      // PostgreSQL: lists
      {"host=db port=5432 user=u dbname=x", "host={PG} port=5432 user=u dbname=x sslmode=require",
       "db 5432 tls its-own"},
      {"host=db user=u sslmode=disable dbname=x", "host={PG} user=u sslmode=require dbname=x", "db - tls its-own"},
      {"host=db user=u password={PW} dbname=x", "host={PG} user=u password={config/PW} dbname=x sslmode=require",
       "db - tls its-own"},
      {"user=u host=db sslmode=verify-ca", "user=u host={PG} sslmode=verify-ca", "db - tls its-own"},
      {"host = db port = 5433 user = u", "host = {PG} port = 5432 user = u sslmode=require", "db 5432 tls its-own"},
      {"host='db' port='5432' user='u' password='a b'",
       "host='{PG}' port='5432' user='u' password='a b' sslmode=require", "db 5432 tls its-own"},
      {"host=db,standby port=5432 dbname=x", "host={PG},standby port=5432 dbname=x sslmode=require", "db 5432 tls -"},
      {"host=db", "host={PG} sslmode=require", "db - tls -"},
      {"dbname=x host=db connect_timeout=10 sslmode=prefer", "dbname=x host={PG} connect_timeout=10 sslmode=require",
       "db - tls -"},
      {R"(psql "host=db user=u dbname=x" -c "select 1")",
       R"(psql "host={PG} user=u dbname=x sslmode=require" -c "select 1")", "db - tls its-own"},
      {"Host=db;Port=5432;Username=u", "Host={PG};Port=5432;Username=u;SSL Mode=Require", "db 5432 tls its-own"},
      {"Host=db;Port=5432;Database=x;Username=u;Password={PW}",
       "Host={PG};Port=5432;Database=x;Username=u;Password={config/PW};SSL Mode=Require", "db 5432 tls its-own"},
      {"Server=db;Database=x;", "Server={PG};Database=x;SSL Mode=Require", "db - tls -"},
      {"Server=db;Port=5433;Database=x;User Id=u;Password=p;",
       "Server={PG};Port=5432;Database=x;User Id=u;Password=p;SSL Mode=Require", "db 5432 tls its-own"},
      {"Host=db;SSL Mode=Disable;Database=x", "Host={PG};SSL Mode=Require;Database=x", "db - tls -"},
      {"Host=db;SSL Mode=VerifyFull", "Host={PG};SSL Mode=VerifyFull", "db - tls -"},
      {"Host=db;SslMode=Prefer;Trust Server Certificate=true",
       "Host={PG};SslMode=Require;Trust Server Certificate=true", "db - tls -"},
      {"User ID=u;Password=p;Host=db;Port=5432;Database=x;Pooling=true;",
       "User ID=u;Password=p;Host={PG};Port=5432;Database=x;Pooling=true;SSL Mode=Require", "db 5432 tls its-own"},
      {"Driver={PostgreSQL Unicode};Server=db;Port=5432;Database=x;Uid=u;Pwd=p;",
       "Driver={PostgreSQL Unicode};Server={PG};Port=5432;Database=x;Uid=u;Pwd=p;SSLmode=require",
       "db 5432 tls its-own"},
      {"pgsql:host=db;port=5432;dbname=x", "pgsql:host={PG};port=5432;dbname=x;sslmode=require", "db 5432 tls -"},
      {"pgsql:host=db;dbname=x;user=u;password=p", "pgsql:host={PG};dbname=x;user=u;password=p;sslmode=require",
       "db - tls its-own"},
      {"dbi:Pg:dbname=x;host=db;port=5432", "dbi:Pg:dbname=x;host={PG};port=5432;sslmode=require", "db 5432 tls -"},
      {"db:5432", "{PG}:5432", "db 5432 - -"},
      {"db", "{PG}", "db - - -"},
      {"tcp://db:5432", "tcp://{PG}:5432", "db 5432 - -"},
      {"dockerize -wait tcp://db:5432 -timeout 30s", "dockerize -wait tcp://{PG}:5432 -timeout 30s", "db 5432 - -"},
      {"wait-for-it db:5432 -- npm start", "wait-for-it {PG}:5432 -- npm start", "db 5432 - -"},
      {"until pg_isready -h db; do sleep 1; done", "unchanged", ""},
      {R"(sh -c "psql postgres://u:p@db/x -c 'select 1'")",
       R"(sh -c "psql postgres://u:p@{PG}/x?sslmode=require -c 'select 1'")", "db - tls its-own"},
      {R"({"url": "postgres://u:p@db:5432/x", "pool": 5})",
       R"({"url": "postgres://u:p@{PG}:5432/x?sslmode=require", "pool": 5})", "db 5432 tls its-own"},
      {"postgres://u:p@db:5432/x,postgres://u:p@db:5432/y",
       "postgres://u:p@{PG}:5432/x?sslmode=require,postgres://u:p@{PG}:5432/y?sslmode=require",
       "db 5432 tls its-own; db 5432 tls its-own"},
      {"postgres://u:p@db/x;postgres://u:p@db/y",
       "postgres://u:p@{PG}/x?sslmode=require;postgres://u:p@{PG}/y?sslmode=require",
       "db - tls its-own; db - tls its-own"},
      // MySQL and MariaDB
      {"mysql://root:whalehello@sql:3306/mysql", "mysql://root:whalehello@{SQL}:3306/mysql?ssl_mode=REQUIRED",
       "sql 3306 tls its-own impossible"},
      {"mysql://u:{PW}@sql/x", "mysql://u:{config/PW}@{SQL}/x?ssl_mode=REQUIRED", "sql - tls its-own"},
      {"mysql://sql", "mysql://{SQL}?ssl_mode=REQUIRED", "sql - tls -"},
      {"mysql://u:p@sql/x?charset=utf8mb4", "mysql://u:p@{SQL}/x?charset=utf8mb4&ssl_mode=REQUIRED",
       "sql - tls its-own"},
      {"mysql://u:p@sql/x?ssl-mode=REQUIRED", "mysql://u:p@{SQL}/x?ssl-mode=REQUIRED", "sql - tls its-own"},
      {"mysql://u:p@sql/x?ssl-mode=DISABLED", "mysql://u:p@{SQL}/x?ssl_mode=REQUIRED", "sql - tls its-own"},
      {R"(mysql://u:p@sql/x?ssl={"rejectUnauthorized":true})", R"(mysql://u:p@{SQL}/x?ssl={"rejectUnauthorized":true})",
       "sql - tls its-own"},
      {"mysql://u:p@sql/x?sslaccept=strict&connection_limit=5",
       "mysql://u:p@{SQL}/x?sslaccept=strict&connection_limit=5", "sql - tls its-own"},
      {"mysql://u:p@sql/x?ssl_ca=/etc/ssl/ca.pem", "mysql://u:p@{SQL}/x?ssl_ca=/etc/ssl/ca.pem", "sql - tls its-own"},
      {"mysql2://u:p@sql/x?pool=5", "mysql2://u:p@{SQL}/x?pool=5&ssl_mode=REQUIRED", "sql - tls its-own"},
      {"mysql+pymysql://u:p@sql:3306/x", "mysql+pymysql://u:p@{SQL}:3306/x?ssl_check_hostname=1",
       "sql 3306 tls its-own"},
      {"mysql+pymysql://u:p@sql/x?charset=utf8mb4", "mysql+pymysql://u:p@{SQL}/x?charset=utf8mb4&ssl_check_hostname=1",
       "sql - tls its-own"},
      {"mysql+mysqldb://u:p@sql/x", "mysql+mysqldb://u:p@{SQL}/x?ssl_mode=REQUIRED", "sql - tls its-own"},
      {"mysql+mysqlconnector://u:p@sql/x", "mysql+mysqlconnector://u:p@{SQL}/x", "sql - tls its-own"},
      {"mysql+mysqlconnector://u:p@sql/x?ssl_disabled=True", "mysql+mysqlconnector://u:p@{SQL}/x", "sql - tls its-own"},
      {"mysql+asyncmy://u:p@sql/x", "mysql+asyncmy://u:p@{SQL}/x?ssl_check_hostname=1", "sql - tls its-own"},
      {"mariadb://u:p@sql:3306/x", "mariadb://u:p@{SQL}:3306/x?ssl_mode=REQUIRED", "sql 3306 tls its-own"},
      {"mariadb+pymysql://u:p@sql/x", "mariadb+pymysql://u:p@{SQL}/x?ssl_check_hostname=1", "sql - tls its-own"},
      {"jdbc:mysql://sql:3306/x", "jdbc:mysql://{SQL}:3306/x?sslMode=REQUIRED", "sql 3306 tls -"},
      {"jdbc:mysql://sql:3306/x?useSSL=false&allowPublicKeyRetrieval=true&serverTimezone=UTC",
       "jdbc:mysql://{SQL}:3306/x?allowPublicKeyRetrieval=true&serverTimezone=UTC&sslMode=REQUIRED", "sql 3306 tls -"},
      {"jdbc:mysql://sql/x?sslMode=VERIFY_IDENTITY", "jdbc:mysql://{SQL}/x?sslMode=VERIFY_IDENTITY", "sql - tls -"},
      {"jdbc:mysql://sql/x?sslMode=PREFERRED", "jdbc:mysql://{SQL}/x?sslMode=REQUIRED", "sql - tls -"},
      {"jdbc:mysql:loadbalance://sql:3306,standby:3306/x",
       "jdbc:mysql:loadbalance://{SQL}:3306,standby:3306/x?sslMode=REQUIRED", "sql 3306 tls -"},
      {"jdbc:mariadb://sql:3306/x", "jdbc:mariadb://{SQL}:3306/x?sslMode=trust", "sql 3306 tls -"},
      {"jdbc:mariadb://sql:3306/x?useSsl=false", "jdbc:mariadb://{SQL}:3306/x?sslMode=trust", "sql 3306 tls -"},
      {"r2dbc:mysql://u:p@sql/x", "r2dbc:mysql://u:p@{SQL}/x?sslMode=REQUIRED", "sql - tls its-own"},
      {"r2dbc:mariadb://u:p@sql/x", "r2dbc:mariadb://u:p@{SQL}/x?sslMode=trust", "sql - tls its-own"},
      {"u:p@tcp(sql:3306)/x", "u:p@tcp({SQL}:3306)/x?tls=true", "sql 3306 tls its-own"},
      {"u:p@tcp(sql:3306)/x?parseTime=true&loc=Local", "u:p@tcp({SQL}:3306)/x?parseTime=true&loc=Local&tls=true",
       "sql 3306 tls its-own"},
      {"u:p@tcp(sql)/", "u:p@tcp({SQL})/?tls=true", "sql - tls its-own"},
      {"u:p@tcp(sql:3306)/x?tls=skip-verify", "u:p@tcp({SQL}:3306)/x?tls=skip-verify", "sql 3306 tls its-own"},
      {"u:p@tcp(sql:3306)/x?tls=false", "u:p@tcp({SQL}:3306)/x?tls=true", "sql 3306 tls its-own"},
      {"{U}:{PW}@tcp(sql:3306)/{NAME}?charset=utf8mb4",
       "{config/U}:{config/PW}@tcp({SQL}:3306)/{config/NAME}?charset=utf8mb4&tls=true", "sql 3306 tls its-own"},
      {"Server=sql;Port=3306;Database=x;Uid=u;Pwd=p;", "Server={SQL};Port=3306;Database=x;Uid=u;Pwd=p;SslMode=Required",
       "sql 3306 tls its-own"},
      {"Server=sql;Database=x;User=u;Password={PW};SslMode=None",
       "Server={SQL};Database=x;User=u;Password={config/PW};SslMode=Required", "sql - tls its-own"},
      {"Server=sql;Database=x;Uid=u;SslMode=VerifyFull", "Server={SQL};Database=x;Uid=u;SslMode=VerifyFull",
       "sql - tls its-own"},
      {"Driver={MySQL ODBC 8.0 Unicode Driver};Server=sql;Database=x;",
       "Driver={MySQL ODBC 8.0 Unicode Driver};Server={SQL};Database=x;SSLMODE=REQUIRED", "sql - tls -"},
      {"mysql:host=sql;port=3306;dbname=x", "mysql:host={SQL};port=3306;dbname=x", "sql 3306 - -"},
      {"sql:3306", "{SQL}:3306", "sql 3306 - -"},
      {"sql", "{SQL}", "sql - - -"},
      // Redis and Valkey
      {"redis://cache", "rediss://:{KEY%}@{REDIS}:10000", "cache 10000 tls the-store's"},
      {"redis://cache:6379", "rediss://:{KEY%}@{REDIS}:10000", "cache 10000 tls the-store's"},
      {"redis://cache:6379/", "rediss://:{KEY%}@{REDIS}:10000/", "cache 10000 tls the-store's"},
      {"redis://cache:6379/0", "rediss://:{KEY%}@{REDIS}:10000/0", "cache 10000 tls the-store's"},
      {"redis://cache:6379/3", "rediss://:{KEY%}@{REDIS}:10000/0", "cache 10000 tls the-store's database 3"},
      {"redis://:old@cache:6379/0", "rediss://:{KEY%}@{REDIS}:10000/0", "cache 10000 tls the-store's"},
      {"redis://:{PW}@cache:6379/1", "rediss://:{KEY%}@{REDIS}:10000/0", "cache 10000 tls the-store's database 1"},
      {"redis://user:{PW}@cache", "rediss://:{KEY%}@{REDIS}:10000", "cache 10000 tls the-store's"},
      {"redis://default:old@cache:6379", "rediss://:{KEY%}@{REDIS}:10000", "cache 10000 tls the-store's"},
      {"rediss://cache:6379/0?x=y", "rediss://:{KEY%}@{REDIS}:10000/0?x=y", "cache 10000 tls the-store's"},
      {"redis://cache:6379?db=2", "rediss://:{KEY%}@{REDIS}:10000?db=0", "cache 10000 tls the-store's database 2"},
      {"redis://cache/0?socket_timeout=5&protocol=3", "rediss://:{KEY%}@{REDIS}:10000/0?socket_timeout=5&protocol=3",
       "cache 10000 tls the-store's"},
      {"redis://cache:6379/0?password=old", "rediss://:{KEY%}@{REDIS}:10000/0", "cache 10000 tls the-store's"},
      {"rediscache://cache:6379/1?client_class=django_redis.client.DefaultClient",
       "rediss://:{KEY%}@{REDIS}:10000/0?client_class=django_redis.client.DefaultClient",
       "cache 10000 tls the-store's database 1"},
      {"valkey://cache", "rediss://:{KEY%}@{REDIS}:10000", "cache 10000 tls the-store's"},
      {"valkeys://cache:6379/0", "rediss://:{KEY%}@{REDIS}:10000/0", "cache 10000 tls the-store's"},
      {"redis-sentinel://cache:26379/0", "rediss://:{KEY%}@{REDIS}:10000/0", "cache 10000 tls the-store's impossible"},
      {"sentinel://cache:26379", "rediss://:{KEY%}@{REDIS}:10000", "cache 10000 tls the-store's impossible"},
      {"redis+cluster://cache:6379", "rediss://:{KEY%}@{REDIS}:10000", "cache 10000 tls the-store's impossible"},
      {"cache:6379", "{REDIS}:10000", "cache 10000 - -"},
      {"cache", "{REDIS}", "cache - - -"},
      {"cache:6379,other:6379", "{REDIS}:10000,other:6379", "cache 10000 - -"},
      {"cache:6379,password=old,ssl=False,abortConnect=False",
       "{REDIS}:10000,password={KEY},ssl=True,abortConnect=False", "cache 10000 tls the-store's"},
      {"cache,defaultDatabase=2", "{REDIS}:10000,password={KEY},ssl=True,defaultDatabase=0",
       "cache 10000 tls the-store's database 2"},
      {"tcp://cache:6379", "tcp://{REDIS}:10000", "cache 10000 - -"},
      {"tls://cache:6379", "tls://{REDIS}:10000", "cache 10000 tls -"},
      {"local:cache:6379", "unchanged", ""},
      {"redis://cache redis://cache/0", "rediss://:{KEY%}@{REDIS}:10000 rediss://:{KEY%}@{REDIS}:10000/0",
       "cache 10000 tls the-store's; cache 10000 tls the-store's"},
      {R"(["redis://cache:6379"])", R"(["rediss://:{KEY%}@{REDIS}:10000"])", "cache 10000 tls the-store's"},
      {"celery -b redis://cache:6379/0 worker", "celery -b rediss://:{KEY%}@{REDIS}:10000/0 worker",
       "cache 10000 tls the-store's"},
      {"host=cache port=6379", "host={REDIS} port=10000", "cache 10000 - -"},
      // MongoDB
      {"mongodb://mongo",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls the-store's"},
      {"mongodb://mongo:27017",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls the-store's"},
      {"mongodb://mongo:27017/shop",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls the-store's"},
      {"mongodb://mongo:27017/?directConnection=true",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls the-store's"},
      {"mongodb://u:p@mongo/shop?authSource=admin",
       "mongodb+srv://u:p@m.example/shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls its-own"},
      {"mongodb://{U}:{P}@mongo:27017/shop",
       "mongodb+srv://{config/U}:{config/P}@m.example/"
       "shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls its-own"},
      {"mongodb://root:example@mongo:27017/",
       "mongodb+srv://root:example@m.example/"
       "?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls its-own"},
      {"mongodb://u:p%40%2F@mongo:27017/shop",
       "mongodb+srv://u:p%40%2F@m.example/"
       "shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls its-own"},
      {"mongodb://mongo/shop?replicaSet=rs0&directConnection=true&w=majority",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "shop?w=majority&tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls the-store's"},
      {"mongodb://mongo:27017,mongo2:27017,mongo3:27017/shop?replicaSet=rs0",
       "mongodb+srv://defang:{PASSWORD%}@m.example/"
       "shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls the-store's"},
      {"mongodb://u:p@mongo/shop?ssl=false&retryWrites=true&appName=web",
       "mongodb+srv://u:p@m.example/"
       "shop?appName=web&tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls its-own"},
      {"mongodb://u:p@mongo/shop?authMechanism=SCRAM-SHA-1&maxPoolSize=20",
       "mongodb+srv://u:p@m.example/"
       "shop?maxPoolSize=20&tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls its-own"},
      {"mongodb+srv://u:p@mongo/shop",
       "mongodb+srv://u:p@m.example/shop?tls=true&authMechanism=SCRAM-SHA-256&retrywrites=false&maxIdleTimeMS=120000",
       "mongo - tls its-own"},
      {"mongo:27017", "m.example:27017", "mongo 27017 - -"},
      {"mongo", "m.example", "mongo - - -"},
      {"mongodb://ru:27017/shop",
       "mongodb://ru:{ACCOUNT%}@ru.example:10255/"
       "shop?tls=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000",
       "ru 10255 tls the-store's"},
      {"mongodb://u:p@ru:27017/shop?replicaSet=rs0&w=majority",
       "mongodb://ru:{ACCOUNT%}@ru.example:10255/"
       "shop?w=majority&tls=true&replicaSet=globaldb&retrywrites=false&maxIdleTimeMS=120000",
       "ru 10255 tls the-store's"},
      // models
      {"http://llm/api/v1/", "{MODEL}openai/v1/", "llm - tls -"},
      {"http://llm:4000", "{MODEL}openai/v1/", "llm - tls -"},
      {"http://llm:4000/v1", "{MODEL}openai/v1/", "llm - tls -"},
      {"http://llm:4000/v1/", "{MODEL}openai/v1/", "llm - tls -"},
      {"http://llm:11434/v1/chat/completions", "{MODEL}openai/v1/chat/completions", "llm - tls -"},
      {"http://llm:12434/engines/llama.cpp/v1/", "{MODEL}openai/v1/", "llm - tls -"},
      {"https://llm/v1/embeddings?x=y", "{MODEL}openai/v1/embeddings?x=y", "llm - tls -"},
      {"llm:4000", "llm:4000", "llm - - - impossible"},
      {"llm", "llm", "llm - - - impossible"},
      // object storage
      {"http://minio:9000", "http://minio:9000", "minio - - - impossible"},
      {"https://minio:9000/bucket", "https://minio:9000/bucket", "minio - - - impossible"},
      // nobody's
      {"amqp://guest:guest@rabbit:5672/%2F", "unchanged", ""},
      {"amqp://u:p@db:5672", "unchanged", ""},
      {"amqps://db", "unchanged", ""},
      {"kafka://redpanda:9092/order", "unchanged", ""},
      {"nats://cache:4222", "unchanged", ""},
      {"http://db.example.com/x", "unchanged", ""},
      {"http://db:8080/health", "unchanged", ""},
      {"ws://cache:8080", "unchanged", ""},
      {"ftp://db/x", "unchanged", ""},
      {"smtp://u:p@mail:587", "unchanged", ""},
      {"bolt://neo4j:7687", "unchanged", ""},
      {"sqlite:///db.sqlite3", "unchanged", ""},
      {"sqlite:////data/db", "unchanged", ""},
      {"file:///db", "unchanged", ""},
      {"postgres://u:p@other:5432/db", "unchanged", ""},
      {"postgresql://o:p@ep-autumn.us-east-2.aws.neon.tech/x?sslmode=require", "unchanged", ""},
      {"redis://redis.example.com:6379", "unchanged", ""},
      {"mongodb://mongo.example.com/mongo", "unchanged", ""},
      {"mysql://u:p@sql.example.com/sql", "unchanged", ""},
      {"redis://localhost:6379", "unchanged", ""},
      {"database", "unchanged", ""},
      {"a cache of things", "unchanged", ""},
      {"postgres:16", "unchanged", ""},
      {"cache:7-alpine", "unchanged", ""},
      {"cache:7", "unchanged", ""},
      {"http://llm.example.com/v1", "unchanged", ""},
      {"server=other;database=db", "unchanged", ""},
      {"host=other dbname=db", "unchanged", ""},
      {"SG.db:xyz", "unchanged", ""},
      {"{SECRET}", "unchanged", ""},
      {"", "unchanged", ""},
  };
  static_assert(std::size(rows) >= 150);
  for (const auto& row : rows) {
    const auto result = rewrite(parsed(row.written), endpoints());
    EXPECT_EQ(result ? shown(result->value) : "unchanged", row.expected) << row.written;
    EXPECT_EQ(result ? meaning_of(*result) : "", row.meaning) << row.written;
  }
}

TEST(Rewrite, TellsCeleryHowToCheckCertificates) {
  EXPECT_EQ(rewritten("redis://cache/0", Client::celery), "rediss://:{KEY%}@{REDIS}:10000/0?ssl_cert_reqs=required");
}

TEST(Rewrite, WritesTheOptionsOfStackExchangeRedisForItsClients) {
  EXPECT_EQ(rewritten("cache:6379", Client::stackexchange_redis), "{REDIS}:10000,password={KEY},ssl=True");
  EXPECT_EQ(rewritten("cache", Client::stackexchange_redis), "{REDIS}:10000,password={KEY},ssl=True");
  EXPECT_EQ(rewritten("Host=db;Database=x", Client::stackexchange_redis), "Host={PG};Database=x;SSL Mode=Require");
}

TEST(Rewrite, ReportsADatabaseNumberThatTheStoreLacks) {
  EXPECT_EQ(rewrite({"redis://cache/2"}, endpoints())->connections.front().redis_database, 2);
  EXPECT_EQ(rewrite({"redis://cache/0"}, endpoints())->connections.front().redis_database, std::nullopt);
}

}  // namespace
}  // namespace defang::plan
