#pragma once

#include <boost/asio/ssl.hpp>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "emulator/runtime.h"

namespace defang::emulator {

/// Certificates by the name that the client asks for in its first message (SNI). Handshakes may come from any thread.
class TlsContexts {
 public:
  /// Asked in every handshake, as the certificate of a host may change. Nothing ends the handshake.
  using CertificateOf = std::function<std::optional<HostCertificate>(const std::string& host)>;

  explicit TlsContexts(CertificateOf certificate_of);
  boost::asio::ssl::context& front() { return front_; }

 private:
  static int choose(SSL* connection, int*, void* self);
  boost::asio::ssl::context* of(const std::string& host);

  CertificateOf certificate_of_;
  boost::asio::ssl::context front_{boost::asio::ssl::context::tls_server};
  struct Kept {
    HostCertificate certificate;
    boost::asio::ssl::context context;
  };
  std::mutex mutex_;
  std::map<std::string, Kept> contexts_;
};

}  // namespace defang::emulator
