#include "plan/split_settings.h"

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::plan {
namespace {

using graph::Reference;
using graph::Value;
using Kind = ManagedEndpoint::Kind;

struct RoleName {
  std::string_view end;
  SettingRole role;
};
/// As programs in public images and the corpora of Compose projects call them. The longest that fits counts.
constexpr auto kRoleNames = std::to_array<RoleName>({
    {"ADDR", SettingRole::host},         {"ADDRESS", SettingRole::host},    {"AUTH", SettingRole::password},
    {"DATABASE", SettingRole::database}, {"DB", SettingRole::database},     {"DB_INDEX", SettingRole::database},
    {"ENABLE_SSL", SettingRole::tls},    {"ENABLE_TLS", SettingRole::tls},  {"ENDPOINT", SettingRole::host},
    {"HOST", SettingRole::host},         {"HOSTNAME", SettingRole::host},   {"HOSTS", SettingRole::host},
    {"PASS", SettingRole::password},     {"PASSWD", SettingRole::password}, {"PASSWORD", SettingRole::password},
    {"PORT", SettingRole::port},         {"PROTOCOL", SettingRole::scheme}, {"PWD", SettingRole::password},
    {"SCHEME", SettingRole::scheme},     {"SERVER", SettingRole::host},     {"SSL", SettingRole::tls},
    {"SSLMODE", SettingRole::tls_mode},  {"SSL_ENABLED", SettingRole::tls}, {"SSL_MODE", SettingRole::tls_mode},
    {"TLS", SettingRole::tls},           {"TLS_ENABLED", SettingRole::tls}, {"TLS_MODE", SettingRole::tls_mode},
    {"USER", SettingRole::user},         {"USERNAME", SettingRole::user},   {"USE_SSL", SettingRole::tls},
    {"USE_TLS", SettingRole::tls},
});

/// Other ends of names of variables that hold a host.
constexpr auto kHostEnds = std::to_array<std::string_view>({"BROKER", "DOMAIN", "DSN", "FQDN", "IP", "MASTER", "NODE",
                                                            "NODES", "PRIMARY", "SERVERS", "SERVICE", "URI", "URL"});

/// "true" in the words of "False", "0", "no".
std::string yes_like(const std::string& word) {
  if (word == "0" || word == "1") return "1";
  if (word == "False" || word == "True") return "True";
  if (word == "FALSE" || word == "TRUE") return "TRUE";
  const auto lower = to_lower(word);
  if (lower == "no" || lower == "yes") return "yes";
  if (lower == "on" || lower == "off") return "on";
  return "true";
}

bool is_yes(const std::string& word) { return yes_like(word) == word || to_lower(word) == "true"; }

struct Member {
  const NamedText* variable;
  SettingName name;
};

/// The variable of that role nearest to the host's: of the same stem, else of a stem that begins it.
const NamedText* member_of(const std::vector<Member>& members, const std::string& stem, SettingRole role) {
  const NamedText* near = nullptr;
  for (const auto& [variable, name] : members) {
    if (name.role != role) continue;
    if (name.stem == stem) return variable;
    if (stem.starts_with(name.stem + "_")) near = variable;
  }
  return near;
}

class Splitter {
 public:
  Splitter(const std::vector<NamedText>& environment, const ManagedEndpoints& endpoints)
      : environment_(environment), endpoints_(endpoints) {
    for (const auto& variable : environment)
      if (auto name = setting_name(variable.name)) members_.push_back({&variable, std::move(*name)});
  }

  SplitAddress rewrite() {
    for (const auto& variable : environment_) {
      if (!variable.text || variable.name.contains("WAIT")) continue;  // docker-compose-wait and its like only knock
      const auto found = plan::rewrite({*variable.text}, endpoints_, client_of_variable(variable.name));
      if (!found) continue;
      for (const auto& connection : found->connections)
        if (connection.tls == Connection::Tls::unsaid && connection.fault.empty()) complete(variable, connection);
    }
    return std::move(result_);
  }

 private:
  /// The variable leads to the store; the rest of what must be said stands beside it.
  void complete(const NamedText& variable, const Connection& connection) {
    if (variable.text == connection.host && !may_hold_host(variable.name, connection.host)) return;
    const auto& endpoint = endpoints_.at(connection.host);
    const auto name = setting_name(variable.name);
    const auto stem = name && name->role == SettingRole::host ? name->stem : to_upper(variable.name);
    const auto set = [&](const NamedText* other, Value::Text value) {
      if (other && other != &variable) result_.settings.push_back({other->name, std::move(value), connection.host, {}});
    };
    set(member_of(members_, stem, SettingRole::port), {std::to_string(endpoint.port)});
    const bool says_tls = set_tls(stem, endpoint, set);
    if (endpoint.kind == Kind::redis) {
      set(member_of(members_, stem, SettingRole::password), plain(endpoint.password));
      set_database(stem, connection.host);
    }
    if (!has_url(connection.host)) find_fault(variable, connection.host, stem, says_tls);
  }

  static Value::Text plain(Value::Text text) {
    for (auto& piece : text)
      if (auto* reference = std::get_if<Reference>(&piece)) reference->percent_encoded = false;
    return text;
  }

  template <class Set>
  bool set_tls(const std::string& stem, const ManagedEndpoint& endpoint, Set&& set) {
    const auto* tls = member_of(members_, stem, SettingRole::tls);
    const auto* mode = member_of(members_, stem, SettingRole::tls_mode);
    const auto* scheme = member_of(members_, stem, SettingRole::scheme);
    if (tls && tls->text && !is_yes(*tls->text)) set(tls, {yes_like(*tls->text)});
    if (mode && mode->text && is_weak_tls("sslmode", *mode->text))
      set(mode, {endpoint.kind == Kind::mysql ? "REQUIRED" : "require"});
    if (endpoint.kind != Kind::redis) return tls || mode;
    if (scheme && scheme->text == "redis") set(scheme, {"rediss"});
    if (scheme && scheme->text == "tcp") set(scheme, {"tls"});
    return tls || mode || scheme;
  }

  /// RD-10
  void set_database(const std::string& stem, const std::string& host) {
    const auto* database = member_of(members_, stem, SettingRole::database);
    const auto number = database && database->text ? to_number(*database->text) : std::nullopt;
    if (number && *number > 0) result_.settings.push_back({database->name, {"0"}, host, static_cast<int>(*number)});
  }

  /// Another variable says all of it: the host alone is of no use to the program.
  bool has_url(const std::string& host) const {
    return std::ranges::any_of(environment_, [&](const NamedText& variable) {
      if (!variable.text) return false;
      const auto found = plan::rewrite({*variable.text}, endpoints_, client_of_variable(variable.name));
      return found && std::ranges::any_of(found->connections, [&](const Connection& connection) {
               return connection.host == host && connection.tls == Connection::Tls::said;
             });
    });
  }

  void find_fault(const NamedText& variable, const std::string& host, const std::string& stem, bool says_tls) {
    const auto fault = [&](std::string missing, std::string example) {
      result_.faults.push_back({variable.name, host, std::move(missing), std::move(example)});
    };
    switch (endpoints_.at(host).kind) {
      case Kind::mongodb:
      case Kind::cosmos_mongodb:
        return fault("a URL", stem + "_URL: mongodb://" + host + "/");
      case Kind::redis:
        if (!says_tls) fault("TLS", stem + "_TLS: \"true\"");
        if (!member_of(members_, stem, SettingRole::password)) fault("its key", stem + "_PASSWORD: \"\"");
        return;
      case Kind::mysql:
        if (!says_tls) fault("TLS", stem + "_SSL: \"true\"");
        return;
      case Kind::postgres:  // PGSSLMODE says it to libpq and to drivers that follow it; others try TLS first
      case Kind::model:
      case Kind::objects:
        return;
    }
  }

  const std::vector<NamedText>& environment_;
  const ManagedEndpoints& endpoints_;
  std::vector<Member> members_;
  SplitAddress result_;
};

}  // namespace

std::optional<SettingName> setting_name(std::string_view name) {
  auto upper = replace_all(replace_all(to_upper(name), ".", "_"), "-", "_");
  const RoleName* longest = nullptr;
  for (const auto& row : kRoleNames)
    if (upper.ends_with(row.end) && (!longest || row.end.size() > longest->end.size())) longest = &row;
  if (!longest) return std::nullopt;
  upper.resize(upper.size() - longest->end.size());
  while (upper.ends_with('_')) upper.pop_back();
  return SettingName{std::move(upper), longest->role};
}

SplitAddress rewrite_split(const std::vector<NamedText>& environment, const ManagedEndpoints& endpoints) {
  if (endpoints.empty()) return {};
  return Splitter(environment, endpoints).rewrite();
}

bool may_hold_host(std::string_view name, std::string_view host) {
  const auto role = setting_name(name);
  if (role && role->role == SettingRole::host) return true;
  const auto upper = to_upper(name);
  return replace_all(to_upper(host), "-", "_") == upper ||
         std::ranges::any_of(kHostEnds, [&](std::string_view end) { return upper.ends_with(end); });
}

}  // namespace defang::plan
