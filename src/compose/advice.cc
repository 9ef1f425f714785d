#include "compose/advice.h"

#include <algorithm>
#include <array>

#include "compose/diagnostics.h"
#include "support/text.h"

namespace defang::compose {
namespace {

// Words that name what nobody else should read.
constexpr auto kSecretWords = std::to_array<std::string_view>(
    {"ACCESS_KEY", "API_KEY", "APIKEY", "CREDENTIAL", "PASSWD", "PASSWORD", "PRIVATE_KEY", "SECRET", "TOKEN"});
// Ends of names that speak about a secret without holding it: POSTGRES_PASSWORD_FILE, TOKEN_TTL.
constexpr auto kHarmlessEnds = std::to_array<std::string_view>(
    {"_DIR", "_ENABLED", "_EXPIRY", "_FILE", "_HEADER", "_ID", "_LENGTH", "_NAME", "_PATH", "_TTL", "_TYPE", "_URL"});
// How the keys of well-known services begin, documented by those that issue them.
constexpr auto kKeyPrefixes = std::to_array<std::string_view>(
    {"-----BEGIN ", "AKIA", "AIza", "ghp_", "github_pat_", "glpat-", "sk-", "sk_live_", "xoxb-", "xoxp-"});

bool holds_any(std::string_view text, const auto& words) {
  return std::ranges::any_of(words, [&](std::string_view word) { return text.contains(word); });
}

bool is_secret_name(const std::string& name) {
  const std::string upper = to_upper(name);
  return holds_any(upper, kSecretWords) &&
         std::ranges::none_of(kHarmlessEnds, [&](std::string_view end) { return upper.ends_with(end); });
}

/// Too short, a switch or a number: nothing that anybody would guard.
bool is_trivial(std::string_view value) {
  const std::string lower = to_lower(value);
  return value.size() < 4 || lower == "true" || lower == "false" || lower == "none" || lower == "null" ||
         value.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_issued_key(std::string_view value) {
  return value.size() >= 16 &&
         std::ranges::any_of(kKeyPrefixes, [&](std::string_view prefix) { return value.starts_with(prefix); });
}

/// "scheme://user:password@host"
bool is_url_with_password(std::string_view value) {
  const std::size_t scheme = value.find("://");
  if (scheme == std::string_view::npos) return false;
  const std::string_view rest = value.substr(scheme + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const std::size_t at = authority.rfind('@');
  if (at == std::string_view::npos) return false;
  const std::size_t colon = authority.find(':');
  return colon < at && at - colon > 1;
}

void advise_on_environment(const Service& service, Diagnostics& diagnostics) {
  for (const EnvironmentVariable& variable : service.environment) {
    if (!variable.value) continue;
    const bool has_config = std::ranges::any_of(*variable.value, &TextPiece::is_config);
    if (has_config || variable.value->empty()) continue;  // its secret part is kept elsewhere
    const std::string& value = variable.value->front().text;
    if ((is_secret_name(variable.name) && !is_trivial(value)) || is_issued_key(value) || is_url_with_password(value))
      diagnostics.add(secret_in_environment(service.name, variable.name, variable.span));
  }
}

void advise_on_ports(const Service& service, Diagnostics& diagnostics) {
  for (const Port& port : service.ports) {
    const bool is_web = port.published == "80" || port.published == "443";
    if (port.mode == Port::Mode::ingress && !port.published.empty() && !is_web && port.host_ip.empty() &&
        port.published != std::to_string(port.target))
      diagnostics.add(published_port_differs(service.name, port));
  }
}

bool is_within(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const std::filesystem::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

void advise_on_context(const Project& project, const Service& service, const std::filesystem::path& home,
                       Diagnostics& diagnostics) {
  if (!service.build || service.build->is_remote) return;
  const std::filesystem::path& context = service.build->context;
  const bool holds_home = context == "/" || (!home.empty() && is_within(home, context));
  // Who works in the home folder itself means just that.
  if (holds_home && context != project.folder)
    diagnostics.add(context_is_everything(service.name, context.string(), service.build->context_span));
  else if (!is_within(context, project.folder))
    diagnostics.add(context_outside(service.name, context.string(), service.build->context_span));
}

}  // namespace

void advise(const Project& project, const std::filesystem::path& home, Diagnostics& diagnostics) {
  for (const auto& [name, service] : project.services) {
    if (service.image && service.image->value.ends_with(":latest"))
      diagnostics.add(latest_tag(name, service.image->span));
    advise_on_context(project, service, home, diagnostics);
    advise_on_ports(service, diagnostics);
    advise_on_environment(service, diagnostics);
  }
}

}  // namespace defang::compose
