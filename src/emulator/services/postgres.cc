#include "emulator/services/postgres.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr std::string_view kSuperuser = "azuresu";      // Azure's own
constexpr std::string_view kAdmins = "azure_pg_admin";  // PG-13
constexpr auto kStartLimit = 60s;
constexpr auto kStatementLimit = 60s;

/// Debian keeps the programs of a server out of PATH, a folder for each version.
fs::path newest_folder() {
  fs::path best;
  int newest = 0;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", error)) {
    const auto version = static_cast<int>(to_number(entry.path().filename().string()).value_or(0));
    if (version > newest && fs::exists(entry.path() / "bin/postgres")) {
      best = entry.path() / "bin";
      newest = version;
    }
  }
  return best;
}

std::string identifier(std::string_view name) { return '"' + replace_all(std::string(name), "\"", "\"\"") + '"'; }
std::string literal(std::string_view text) { return '\'' + replace_all(std::string(text), "'", "''") + '\''; }

/// Runs `statement` unless `table` has a row where `column` is `name`.
std::string unless_there(std::string_view table, std::string_view column, std::string_view name,
                         const std::string& statement) {
  return fmt::format("SELECT {} WHERE NOT EXISTS (SELECT FROM {} WHERE {} = {}) \\gexec\n", literal(statement), table,
                     column, literal(name));
}

std::string role_statements(const PostgresServers::Wish& wish) {
  const auto login = identifier(wish.login);
  std::string text = unless_there("pg_roles", "rolname", kAdmins, fmt::format("CREATE ROLE {}", kAdmins));
  text += unless_there("pg_roles", "rolname", wish.login, "CREATE ROLE " + login);
  text += fmt::format("ALTER ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {};\n", login, literal(wish.password.reveal()));
  text += fmt::format("GRANT {}, pg_monitor, pg_signal_backend TO {} WITH ADMIN OPTION;\n", kAdmins, login);
  return text + fmt::format("ALTER DATABASE postgres OWNER TO {};\n", kAdmins);
}

std::string database_statements(const std::set<std::string>& databases) {
  std::string text;
  for (const auto& name : databases)
    text += unless_there("pg_database", "datname", name,
                         fmt::format("CREATE DATABASE {} OWNER {}", identifier(name), kAdmins));
  return text;
}

}  // namespace

std::string PostgresServers::missing() {
  if (!newest_folder().empty()) return {};
  return "managed PostgreSQL runs in `postgres`, which is not installed (Debian and Ubuntu: `apt install postgresql`)";
}

/// Short, as the path of a socket may have 107 bytes; readable by root only, as it lets in without a password.
fs::path PostgresServers::socket_folder(const fs::path& folder) {
  return "/run/defang-pg-" + sha256_hex(folder.string()).substr(0, 12);
}

Result<void> PostgresServers::tell(const fs::path& socket_folder, const std::string& statements) {
  Processes::Command command;
  command.arguments = {newest_folder() / "psql", "--no-psqlrc", "--quiet",  "--host", socket_folder,     "--username",
                       std::string(kSuperuser),  "--dbname",    "postgres", "--set",  "ON_ERROR_STOP=1", "--set",
                       "VERBOSITY=terse"};
  // The server's log would hold the password of a statement that fails.
  command.environment = {{"PGOPTIONS", "-c log_min_error_statement=panic"}};
  command.input = statements;
  command.limit = kStatementLimit;
  TRY_ASSIGN(const auto ended, processes_.run(command, {}));
  if (ended.exit_code == 0) return {};
  return fail(Error::Kind::refused, "postgres", fmt::format("psql: {}", trim(ended.error_output)));
}

Result<void> PostgresServers::wait_until_ready(const std::string& id, const fs::path& folder) {
  Processes::Command command;
  command.arguments = {newest_folder() / "pg_isready", "--quiet", "--host", socket_folder(folder)};
  command.limit = 5s;
  for (const auto end = std::chrono::steady_clock::now() + kStartLimit; std::chrono::steady_clock::now() < end;) {
    if (!servers_.is_running(id)) break;
    TRY_ASSIGN(const auto ended, processes_.run(command, {}));
    if (ended.exit_code == 0) return {};
    std::this_thread::sleep_for(20ms);
  }
  return fail(Error::Kind::refused, "postgres",
              fmt::format("postgres does not come up; {} says why", (folder / "postgres.log").string()));
}

Result<void> PostgresServers::write_access_rules(const Wish& wish) {
  std::string rules = fmt::format("local all {} trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n", kSuperuser);
  if (wish.plain_text) rules += "hostnossl all all 127.0.0.1/32 scram-sha-256\n";
  return disk_.write(wish.folder / "data/pg_hba.conf", rules, Disk::Access::owner_only);
}

Result<void> PostgresServers::start(const std::string& id, const Wish& wish) {
  const auto programs = newest_folder();
  const auto data = wish.folder / "data";
  if (!disk_.is_file(data / "PG_VERSION")) {
    // What a start that was cut off has left.
    TRY(disk_.remove(data));
    TRY(disk_.make_folder(wish.folder));
    Processes::Command initdb;
    initdb.arguments.assign(std::begin(kAsNobody), std::end(kAsNobody));
    for (const auto& word :
         {(programs / "initdb").string(), std::string("--pgdata"), data.string(), std::string("--username"),
          std::string(kSuperuser), std::string("--no-sync"), std::string("--encoding=UTF8"),
          std::string("--locale=C.UTF-8"), std::string("--auth=reject")})
      initdb.arguments.push_back(word);
    initdb.limit = kStartLimit;
    TRY_ASSIGN(const auto made, processes_.run(initdb, {}));
    if (made.exit_code != 0)
      return fail(Error::Kind::refused, "postgres", fmt::format("initdb: {}", trim(made.error_output)));
  }
  TRY_ASSIGN(const auto certificate, authority_.issue({wish.host}));
  TRY(disk_.write(wish.folder / "server.crt", certificate.certificate_pem));
  TRY(disk_.write(wish.folder / "server.key", certificate.key_pem, Disk::Access::owner_only));
  TRY(write_access_rules(wish));
  const auto sockets = socket_folder(wish.folder);
  TRY(disk_.make_folder(sockets));
  fs::permissions(sockets, fs::perms::owner_all);
  const auto set = [](std::string_view name, std::string_view value) { return fmt::format("--{}={}", name, value); };
  TRY(servers_.run(
      id,
      {programs / "postgres", "-D", data, set("listen_addresses", "127.0.0.1"),
       set("unix_socket_directories", sockets.string()), set("ssl", "on"),
       set("ssl_cert_file", (wish.folder / "server.crt").string()),
       set("ssl_key_file", (wish.folder / "server.key").string()), set("ssl_min_protocol_version", "TLSv1.2"),
       set("max_connections", "50"), set("shared_buffers", "16MB"), set("timezone", "UTC")},
      wish.folder / "postgres.log"));
  return wait_until_ready(id, wish.folder);
}

Result<void> PostgresServers::keep(const std::string& id, const Wish& wish) {
  auto done = done_.find(id);
  const bool runs = done != done_.end() && servers_.is_running(id);
  const auto sockets = socket_folder(wish.folder);
  if (!runs) {
    TRY(start(id, wish));
    TRY(tell(sockets, role_statements(wish) + database_statements(wish.databases)));
    done_.insert_or_assign(id, wish);
    return {};
  }
  Wish& has = done->second;
  std::string statements;
  if (has.password.reveal() != wish.password.reveal()) statements += role_statements(wish);
  std::set<std::string> added;
  std::ranges::set_difference(wish.databases, has.databases, std::inserter(added, added.end()));
  statements += database_statements(added);
  if (has.plain_text != wish.plain_text) {
    TRY(write_access_rules(wish));
    statements += "SELECT pg_reload_conf() \\g /dev/null\n";
  }
  if (!statements.empty()) TRY(tell(sockets, statements));
  has = wish;
  return {};
}

Result<void> PostgresServers::drop_database(const std::string& id, const std::string& database) {
  const auto done = done_.find(id);
  if (done == done_.end() || !servers_.is_running(id)) return {};
  done->second.databases.erase(database);
  return tell(socket_folder(done->second.folder),
              fmt::format("DROP DATABASE IF EXISTS {} WITH (FORCE);\n", identifier(database)));
}

void PostgresServers::remove(const std::string& id, const fs::path& folder) {
  servers_.close(id);
  done_.erase(id);
  (void)disk_.remove(folder);
  (void)disk_.remove(socket_folder(folder));
}

}  // namespace defang::emulator
