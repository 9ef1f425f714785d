#include "rest/trust.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>

namespace defang::rest {
namespace {

/// Where distributions keep the certificates of the public authorities.
constexpr auto kKnownCaFiles = std::to_array<const char*>({
    "/etc/ssl/certs/ca-certificates.crt",                 // Debian, Ubuntu, Arch, Gentoo
    "/etc/pki/tls/certs/ca-bundle.crt",                   // Fedora, RHEL
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  // RHEL, CentOS
    "/etc/ssl/ca-bundle.pem",                             // openSUSE
    "/etc/ssl/cert.pem",                                  // Alpine, BSDs
});

}  // namespace

Result<std::string> trusted_ca_file(const std::string& wanted) {
  if (!wanted.empty()) {
    if (access(wanted.c_str(), R_OK) == 0) return wanted;
    return fail(Error{.kind = Error::Kind::invalid,
                      .code = "ca-file-unreadable",
                      .message = fmt::format("cannot read the certificates in `{}`", wanted),
                      .help = "SSL_CERT_FILE must name a readable PEM file"});
  }
  for (const char* place : kKnownCaFiles) {
    if (access(place, R_OK) == 0) return place;
  }
  return fail(Error{.kind = Error::Kind::invalid,
                    .code = "ca-file-missing",
                    .message = fmt::format("no certificates of public authorities found; looked at {}",
                                           fmt::join(kKnownCaFiles, ", ")),
                    .help = "install your distribution's `ca-certificates`, or set SSL_CERT_FILE"});
}

}  // namespace defang::rest
