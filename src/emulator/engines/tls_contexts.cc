#include "emulator/engines/tls_contexts.h"

#include <openssl/ssl.h>

namespace defang::emulator {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;

TlsContexts::TlsContexts(CertificateOf certificate_of) : certificate_of_(std::move(certificate_of)) {
  error_code ignored;
  front_.set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1, ignored);
  SSL_CTX_set_tlsext_servername_callback(front_.native_handle(), &TlsContexts::choose);
  SSL_CTX_set_tlsext_servername_arg(front_.native_handle(), this);
}

int TlsContexts::choose(SSL* connection, int*, void* self) {
  const char* asked = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
  auto& contexts = *static_cast<TlsContexts*>(self);
  const std::lock_guard lock(contexts.mutex_);
  auto* context = contexts.of(asked == nullptr ? "localhost" : asked);
  if (context == nullptr) return SSL_TLSEXT_ERR_ALERT_FATAL;
  SSL_set_SSL_CTX(connection, context->native_handle());
  return SSL_TLSEXT_ERR_OK;
}

ssl::context* TlsContexts::of(const std::string& host) {
  auto certificate = certificate_of_ ? certificate_of_(host) : std::nullopt;
  if (!certificate) return nullptr;
  if (const auto found = contexts_.find(host); found != contexts_.end() && found->second.certificate == *certificate)
    return &found->second.context;
  ssl::context made(ssl::context::tls_server);
  error_code error;
  made.use_certificate_chain(asio::buffer(certificate->chain), error);
  if (!error) made.use_private_key(asio::buffer(certificate->key), ssl::context::pem, error);
  if (error) return nullptr;
  Kept kept{std::move(*certificate), std::move(made)};
  return &contexts_.insert_or_assign(host, std::move(kept)).first->second.context;
}

}  // namespace defang::emulator
