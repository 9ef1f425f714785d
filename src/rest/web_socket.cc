// The only file that sees Beast's web sockets.
#include "rest/web_socket.h"

#include <fmt/format.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>

#include "rest/azure_error.h"
#include "rest/host_names.h"
#include "rest/proxy.h"
#include "rest/trust.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

constexpr auto kHandshakeLimit = std::chrono::seconds(20);
constexpr auto kSilenceLimit = std::chrono::seconds(60);  // with a ping after half of it
constexpr std::size_t kMostUnsent = std::size_t{1} << 20;
constexpr std::size_t kLongestAnswer = std::size_t{64} << 10;

Error unreachable(std::string code, std::string message, std::string help = "") {
  return {.kind = Error::Kind::unreachable,
          .code = std::move(code),
          .message = std::move(message),
          .help = std::move(help)};
}

class BeastWebSocket final : public WebSocket {
 public:
  BeastWebSocket(asio::ssl::context context, Url url)
      : url_(std::move(url)), context_(std::move(context)), stream_(io_, context_) {}
  ~BeastWebSocket() override {
    if (!is_open_) return;
    tcp().expires_after(std::chrono::seconds(2));
    (void)run([&](auto done) { stream_.async_close(websocket::close_code::normal, done); });
  }

  Result<void> open(const Headers& headers, const Proxy* proxy, std::chrono::milliseconds limit, std::stop_token stop) {
    const std::stop_callback ends(stop, [this] { hang_up(); });
    auto opened = open_in_steps(headers, proxy, limit, stop);
    if (!opened && stop.stop_requested()) return stopped();
    is_open_ = opened.has_value();
    return opened;
  }

  void send(std::string message) override {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [&] { return unsent_bytes_ < kMostUnsent || is_over_; });
    if (is_over_) return;
    unsent_bytes_ += message.size();
    unsent_.push_back(std::move(message));
    if (unsent_.size() == 1) asio::post(io_, [this] { write_next(); });
  }

  void stop_sending() override {
    {
      const std::lock_guard lock(mutex_);
      is_over_ = true;
    }
    room_.notify_all();
  }

  Result<std::optional<std::string>> receive(std::stop_token stop) override {
    const std::stop_callback ends(stop, [this] { hang_up(); });
    const error_code error = run([&](auto done) { stream_.async_read(arrived_, done); });
    if (!error) {
      std::string message(static_cast<const char*>(arrived_.data().data()), arrived_.size());
      arrived_.consume(arrived_.size());
      return std::optional(std::move(message));
    }
    is_open_ = false;
    stop_sending();
    if (stop.stop_requested()) return stopped();
    if (error == websocket::error::closed) return std::optional<std::string>();
    if (error == beast::error::timeout)
      return fail(unreachable("time-out", fmt::format("`{}` has not answered for {} s", url_.authority(),
                                                      std::chrono::seconds(kSilenceLimit).count())));
    return fail(unreachable("connection-lost",
                            fmt::format("lost the connection to `{}`: {}", url_.authority(), error.message())));
  }

 private:
  beast::tcp_stream& tcp() { return beast::get_lowest_layer(stream_); }
  void hang_up() {
    asio::post(io_, [this] { tcp().close(); });
  }

  template <class Start>
  error_code run(Start start) {
    error_code result = asio::error::operation_aborted;
    bool done = false;
    io_.restart();
    start([&](error_code error, auto&&...) {
      result = error;
      done = true;
    });
    while (!done && io_.run_one() > 0) {
    }
    return result;
  }

  void write_next() {
    std::unique_lock lock(mutex_);
    if (unsent_.empty() || is_over_) return;
    const std::string& message = unsent_.front();  // keeps its place while others are added
    lock.unlock();
    stream_.async_write(asio::buffer(message), [this](error_code error, std::size_t) {
      {
        const std::lock_guard guard(mutex_);
        unsent_bytes_ -= unsent_.front().size();
        unsent_.pop_front();
        is_over_ = is_over_ || error;
      }
      room_.notify_all();
      write_next();
    });
  }

  Result<void> open_in_steps(const Headers& headers, const Proxy* proxy, std::chrono::milliseconds limit,
                             const std::stop_token& stop) {
    TRY_ASSIGN(const auto addresses, look_up(proxy ? proxy->host : url_.host, stop));
    std::vector<asio::ip::tcp::endpoint> endpoints;
    for (const auto& address : addresses)
      endpoints.emplace_back(asio::ip::make_address(address), proxy ? proxy->port : url_.port);
    tcp().expires_after(limit);
    if (const auto error = run([&](auto done) {
          tcp().async_connect(endpoints, [done](error_code how, const asio::ip::tcp::endpoint&) mutable { done(how); });
        }))
      return fail(unreachable("connect-failed", fmt::format("cannot connect to `{}`: {}",
                                                            proxy ? proxy->host : url_.authority(), error.message())));
    error_code ignored;
    tcp().socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    if (proxy) TRY(open_tunnel(*proxy));
    TRY(start_tls());
    tcp().expires_never();  // the web socket has limits of its own
    return shake_hands(headers);
  }

  Result<void> open_tunnel(const Proxy& proxy) {
    const std::string request = connect_request(url_, proxy);
    std::string answer;
    error_code error = run([&](auto done) { asio::async_write(tcp(), asio::buffer(request), done); });
    while (!error && answer.find("\r\n\r\n") == std::string::npos && answer.size() < kLongestAnswer) {
      char byte = 0;
      error = run([&](auto done) { tcp().async_read_some(asio::buffer(&byte, 1), done); });
      if (!error) answer += byte;
    }
    const std::string status = error ? error.message() : answer.substr(0, answer.find("\r\n"));
    if (!error && status.starts_with("HTTP/1.") && status.find(" 2") == 8) return {};
    return fail(unreachable(
        "proxy-failed",
        fmt::format("the proxy `{}:{}` does not lead to `{}`: {}", proxy.host, proxy.port, url_.authority(), status),
        "check HTTPS_PROXY; NO_PROXY lists what is reached without it"));
  }

  Result<void> start_tls() {
    SSL* ssl = stream_.next_layer().native_handle();
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, url_.host.c_str()) != 1) {
      X509_VERIFY_PARAM_set1_host(wanted, url_.host.c_str(), url_.host.size());
      SSL_set_tlsext_host_name(ssl, url_.host.c_str());
    }
    stream_.next_layer().set_verify_mode(asio::ssl::verify_peer);
    const error_code error =
        run([&](auto done) { stream_.next_layer().async_handshake(asio::ssl::stream_base::client, done); });
    if (!error) return {};
    const long trust = SSL_get_verify_result(ssl);
    return fail(
        unreachable("tls-failed", trust == X509_V_OK
                                      ? fmt::format("cannot start TLS with `{}`: {}", url_.authority(), error.message())
                                      : fmt::format("the certificate of `{}` is not trusted: {}", url_.authority(),
                                                    X509_verify_cert_error_string(trust))));
  }

  Result<void> shake_hands(const Headers& headers) {
    stream_.set_option(websocket::stream_base::timeout{kHandshakeLimit, kSilenceLimit, true});
    stream_.set_option(websocket::stream_base::decorator([&](websocket::request_type& request) {
      for (const auto& [name, value] : headers.fields()) request.set(name, value);
    }));
    stream_.binary(true);
    stream_.read_message_max(std::size_t{16} << 20);
    websocket::response_type answer;
    const error_code error =
        run([&](auto done) { stream_.async_handshake(answer, url_.authority(), url_.target, done); });
    if (!error) return {};
    if (error != websocket::error::upgrade_declined)
      return fail(unreachable("connection-lost",
                              fmt::format("lost the connection to `{}`: {}", url_.authority(), error.message())));
    HttpResponse refusal{.status = static_cast<int>(answer.result_int()), .headers = {}, .body = answer.body()};
    return fail(error_of(refusal));
  }

  Url url_;
  asio::io_context io_{1};
  asio::ssl::context context_;
  websocket::stream<asio::ssl::stream<beast::tcp_stream>> stream_;
  beast::flat_buffer arrived_;
  bool is_open_ = false;
  std::mutex mutex_;
  std::condition_variable room_;
  std::deque<std::string> unsent_;
  std::size_t unsent_bytes_ = 0;
  bool is_over_ = false;
};

}  // namespace

OpenWebSocket make_web_sockets(const TransportOptions& options) {
  return [options](const std::string& text, const Headers& headers,
                   std::stop_token stop) -> Result<std::unique_ptr<WebSocket>> {
    const auto url = Url::parse("https" + text.substr(std::min<std::size_t>(text.size(), 3)));
    if (!text.starts_with("wss://") || !url)
      return fail(Error::Kind::invalid, "url-invalid",
                  fmt::format("`{}` is no address of a web socket", text.substr(0, text.find('?'))));
    TRY_ASSIGN(const std::string trusted, trusted_ca_file(options.ca_file));
    asio::ssl::context context(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
    error_code error;
    context.load_verify_file(trusted, error);
    if (error)
      return fail(Error::Kind::invalid, "ca-file-invalid",
                  fmt::format("`{}` holds no certificates that can be used: {}", trusted, error.message()));
    const auto proxy = Proxy::parse(options.https_proxy);
    const bool is_led = proxy && !goes_around_proxy(*url, options.no_proxy);
    auto socket = std::make_unique<BeastWebSocket>(std::move(context), *url);
    TRY(socket->open(headers, is_led ? &*proxy : nullptr, options.connect_limit, stop));
    return socket;
  };
}

}  // namespace defang::rest
