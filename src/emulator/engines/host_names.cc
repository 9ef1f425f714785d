#include "emulator/engines/host_names.h"

#include <algorithm>

#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kAzureDomain = ".azurecontainerapps.io";

/// Names that no user can own: Azure's, and those that only siblings or this machine know.
bool is_own_name(const std::string& host) { return host.ends_with(kAzureDomain) || !host.contains('.'); }

const CustomDomain* find_domain(const AppAddress& app, std::string_view host) {
  const auto found = std::ranges::find(app.custom_domains, host, &CustomDomain::host);
  return found == app.custom_domains.end() ? nullptr : &*found;
}

}  // namespace

bool is_custom_domain(const AppAddress& app, std::string_view host) { return find_domain(app, host) != nullptr; }

void HostNames::declare(const AppAddress& app, const std::string& default_domain) {
  const std::lock_guard lock(mutex_);
  apps_[app.id] = {app, to_lower(app.name + "." + default_domain)};
}

void HostNames::remove(const std::string& app) {
  const std::lock_guard lock(mutex_);
  apps_.erase(app);
}

std::optional<HostCertificate> HostNames::certificate_of(const std::string& host) {
  const std::string name = to_lower(host);
  const std::lock_guard lock(mutex_);
  for (const auto& [id, app] : apps_)
    if (const CustomDomain* domain = find_domain(app.declared, name)) return domain->certificate;
  if (!is_own_name(name) || !own_) return std::nullopt;
  if (const auto found = made_.find(name); found != made_.end()) return found->second;
  auto certificate = own_(name);
  if (certificate) made_[name] = *certificate;
  return certificate;
}

HostNames::Choice HostNames::choose(const RequestHead& head, bool tls) const {
  const std::lock_guard lock(mutex_);
  for (const auto& [id, app] : apps_) {
    if (!app.declared.external || !app.declared.http_target) continue;
    if (head.host != app.own_name && !is_custom_domain(app.declared, head.host)) continue;
    if (!tls && !app.declared.allow_insecure) return {.app = {}, .answer = redirect_to_https(head)};
    return {.app = id, .answer = {}};
  }
  return {.app = {}, .answer = ingress_answer(404, "there is no public app of this host name")};
}

}  // namespace defang::emulator
