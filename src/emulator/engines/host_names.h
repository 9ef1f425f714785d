#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "emulator/engines/forwarding.h"
#include "emulator/engines/http_head.h"
#include "emulator/runtime.h"

namespace defang::emulator {

/// Which public app a host name leads to, and the certificate that a client of the name is shown: for names that Azure
/// gave one of its own, for custom domains the one that is bound to them. May be asked from any thread.
class HostNames {
 public:
  explicit HostNames(Forwarding::CertificateOf own) : own_(std::move(own)) {}

  void declare(const AppAddress& app, const std::string& default_domain);
  void remove(const std::string& app);

  std::optional<HostCertificate> certificate_of(const std::string& host);
  /// The app's id, or what the ingress says itself.
  struct Choice {
    std::string app, answer;
  };
  Choice choose(const RequestHead& head, bool tls) const;

 private:
  struct App {
    AppAddress declared;
    std::string own_name;
  };
  mutable std::mutex mutex_;
  Forwarding::CertificateOf own_;
  std::map<std::string, App> apps_;
  std::map<std::string, HostCertificate> made_;
};

/// One of the app's custom domains.
bool is_custom_domain(const AppAddress& app, std::string_view host);

}  // namespace defang::emulator
