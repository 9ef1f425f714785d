#include "rest/tls_handshake.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <functional>

#include "rest/trust.h"
#include "support/text.h"

namespace defang::rest {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;
constexpr auto kLimit = std::chrono::seconds(10);

Error tls_error(std::string code, std::string message) {
  return {.kind = Error::Kind::unreachable, .code = std::move(code), .message = std::move(message)};
}

std::string name_entry(X509_NAME* name, int what) {
  std::array<char, 256> text{};
  return X509_NAME_get_text_by_NID(name, what, text.data(), text.size()) > 0 ? text.data() : "";
}

ServedCertificate read(X509* certificate) {
  ServedCertificate served;
  X509_NAME* issuer = X509_get_issuer_name(certificate);
  served.issuer = name_entry(issuer, NID_organizationName);
  if (served.issuer.empty()) served.issuer = name_entry(issuer, NID_commonName);
  tm time{};
  ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &time);
  served.valid_until = std::chrono::system_clock::from_time_t(timegm(&time));
  return served;
}

class AsioHandshake final : public TlsHandshake {
 public:
  explicit AsioHandshake(asio::ssl::context context) : context_(std::move(context)) {}

  Result<ServedCertificate> shake(const std::string& host, const std::string& address, std::stop_token stop) override {
    const auto colon = address.rfind(':');
    error_code error;
    const auto ip = asio::ip::make_address(address.substr(0, colon), error);
    const auto port =
        colon == std::string::npos ? std::nullopt : to_number(std::string_view(address).substr(colon + 1));
    if (error || !port || *port > 65535)
      return fail(Error::Kind::invalid, "address-invalid", fmt::format("`{}` is no address and port", address));
    asio::io_context io{1};
    asio::ssl::stream<boost::beast::tcp_stream> stream(io, context_);
    auto& tcp = boost::beast::get_lowest_layer(stream);
    const std::stop_callback ends(stop, [&] { asio::post(io, [&] { tcp.close(); }); });
    error_code result = asio::error::operation_aborted;
    const auto run = [&](const auto& start) {
      io.restart();
      start([&](error_code how) { result = how; });
      io.run();
      return result;
    };
    tcp.expires_after(kLimit);
    const asio::ip::tcp::endpoint place(ip, static_cast<std::uint16_t>(*port));
    if (run([&](auto done) { tcp.async_connect(place, done); })) {
      if (stop.stop_requested()) return stopped();
      return fail(tls_error("connect-failed", fmt::format("cannot connect to {}: {}", address, why(result))));
    }
    SSL_set_tlsext_host_name(stream.native_handle(), host.c_str());
    X509_VERIFY_PARAM* wanted = SSL_get0_param(stream.native_handle());
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    X509_VERIFY_PARAM_set1_host(wanted, host.c_str(), host.size());
    stream.set_verify_mode(asio::ssl::verify_peer);
    tcp.expires_after(kLimit);
    if (run([&](auto done) { stream.async_handshake(asio::ssl::stream_base::client, done); })) {
      if (stop.stop_requested()) return stopped();
      const long trust = SSL_get_verify_result(stream.native_handle());
      return fail(
          tls_error("tls-failed", trust == X509_V_OK
                                      ? fmt::format("no TLS connection for `{}` comes about: {}", host, why(result))
                                      : fmt::format("the certificate that `{}` shows is not trusted: {}", host,
                                                    X509_verify_cert_error_string(trust))));
    }
    X509* certificate = SSL_get1_peer_certificate(stream.native_handle());
    const ServedCertificate served = read(certificate);
    X509_free(certificate);
    return served;
  }

 private:
  static std::string why(const error_code& error) {
    return error == boost::beast::error::timeout ? "no answer" : error.message();
  }
  asio::ssl::context context_;
};

}  // namespace

Result<std::unique_ptr<TlsHandshake>> make_tls_handshake(const std::string& ca_file) {
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  TRY_ASSIGN(const std::string file, trusted_ca_file(ca_file));
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  error_code error;
  context.load_verify_file(file, error);
  if (error)
    return fail(Error::Kind::invalid, "ca-file-invalid",
                fmt::format("`{}` holds no certificates that can be used: {}", file, error.message()));
  return std::make_unique<AsioHandshake>(std::move(context));
}

}  // namespace defang::rest
