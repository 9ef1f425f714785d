#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>

#include "support/result.h"

namespace defang::rest {

/// What a server shows to whoever asks for a host name.
struct ServedCertificate {
  std::string issuer;  // "DigiCert Inc", or its common name
  std::chrono::system_clock::time_point valid_until;
};

/// A TLS handshake that checks chain and name, and nothing else.
class TlsHandshake {
 public:
  virtual ~TlsHandshake() = default;
  /// `address`: "203.0.113.7:443". Errors as HttpTransport's: connect-failed, tls-failed; stopped.
  virtual Result<ServedCertificate> shake(const std::string& host, const std::string& address,
                                          std::stop_token stop) = 0;
};

/// `ca_file`: as for trusted_ca_file.
Result<std::unique_ptr<TlsHandshake>> make_tls_handshake(const std::string& ca_file);

}  // namespace defang::rest
