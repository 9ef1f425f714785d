// The only client file that sees Asio, Beast and OpenSSL's TLS.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <mutex>

#include "rest/host_names.h"
#include "rest/http_transport.h"
#include "rest/proxy.h"
#include "rest/trust.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using Milliseconds = std::chrono::milliseconds;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kPieceBytes = std::size_t{64} * 1024;
constexpr std::size_t kLongestHeaderBytes = std::size_t{512} * 1024;  // poll URLs are signed with 3 KB, sent twice
constexpr std::size_t kIdleConnectionsPerHost = 8;
constexpr std::size_t kIdleConnections = 64;
constexpr auto kLongestIdle = std::chrono::seconds(50);  // Azure's front ends hang up after one minute or more

Error unreachable(std::string code, std::string message, std::string help = "") {
  return {.kind = Error::Kind::unreachable,
          .code = std::move(code),
          .message = std::move(message),
          .help = std::move(help)};
}

// ---- answers ----------------------------------------------------------------------------------------------------

/// A Beast body that hands on what arrives: to the sink of a 2xx answer, otherwise into memory.
struct StreamedBody {
  struct value_type {
    BodySink sink;
    std::string collected;
    std::optional<Error> refused;  // by the sink
  };
  class reader {
   public:
    template <bool kRequest, class Fields>
    reader(http::header<kRequest, Fields>& header, value_type& value) : value_(value) {
      if constexpr (!kRequest) status_ = [&header] { return static_cast<int>(header.result_int()); };
    }
    void init(const boost::optional<std::uint64_t>&, error_code& error) {
      error = {};
      to_sink_ = value_.sink && status_ && status_() / 100 == 2;  // only now is the header there
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& error) {
      std::size_t size = 0;
      for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it) {
        const asio::const_buffer piece = *it;
        take({static_cast<const char*>(piece.data()), piece.size()}, error);
        size += piece.size();
      }
      return size;
    }
    void finish(error_code& error) { error = {}; }

   private:
    void take(std::string_view piece, error_code& error) {
      error = {};
      if (!to_sink_) {
        value_.collected += piece;
      } else if (auto taken = value_.sink(piece); !taken) {
        value_.refused = std::move(taken).error();
        error = asio::error::operation_aborted;
      }
    }
    value_type& value_;
    std::function<int()> status_;
    bool to_sink_ = false;
  };
};
using Parser = http::response_parser<StreamedBody>;

HttpResponse to_response(Parser& parser) {
  HttpResponse response{.status = static_cast<int>(parser.get().result_int()), .headers = {}, .body = {}};
  for (const auto& field : parser.get())
    response.headers.add(std::string(field.name_string()), std::string(field.value()));
  response.body = std::move(parser.get().body().collected);
  return response;
}

// ---- requests ---------------------------------------------------------------------------------------------------

Result<std::string> header_text(const HttpRequest& request, const Url& url, std::uint64_t body_size) {
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\n", request.method, url.target, url.authority());
  for (const auto& [name, value] : request.headers.fields()) {
    if (equals_ignoring_case(name, "host") || equals_ignoring_case(name, "content-length")) continue;
    if ((name + value).find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return fail(Error::Kind::invalid, "header-invalid", fmt::format("the header `{}` holds a line end", trim(name)));
    }
    text += fmt::format("{}: {}\r\n", name, value);
  }
  const bool may_have_body = request.method != "GET" && request.method != "HEAD";
  if (body_size > 0 || may_have_body) text += fmt::format("Content-Length: {}\r\n", body_size);
  return text + "\r\n";
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

// ---- connections ------------------------------------------------------------------------------------------------

/// One connection with its own io_context, driven by one thread at a time: each step starts one asynchronous operation
/// and runs until it is done, so a stop or a time-out can end it.
class Connection {
 public:
  Connection(std::string host, const std::string& address, std::uint16_t port)
      : host_(std::move(host)), endpoint_(asio::ip::make_address(address), port), tcp_(io_) {}

  error_code connect(Milliseconds limit) {
    tcp_.expires_after(limit);
    const error_code error = run([&](auto done) { tcp_.async_connect(endpoint_, done); });
    error_code ignored;
    if (!error) tcp_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    return error;
  }

  error_code start_tls(asio::ssl::context& context, Milliseconds limit) {
    tls_.emplace(tcp_, context);
    SSL* ssl = tls_->native_handle();
    X509_VERIFY_PARAM* wanted = SSL_get0_param(ssl);
    X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, host_.c_str()) != 1) {
      X509_VERIFY_PARAM_set1_host(wanted, host_.c_str(), host_.size());
      SSL_set_tlsext_host_name(ssl, host_.c_str());  // not for literal addresses (RFC 6066)
    }
    tls_->set_verify_mode(asio::ssl::verify_peer);
    tcp_.expires_after(limit);
    return run([&](auto done) { tls_->async_handshake(asio::ssl::stream_base::client, done); });
  }

  /// Why the other side's certificate was not accepted; empty where that was not the trouble.
  std::string distrust() const {
    const long result = tls_ ? SSL_get_verify_result(const_cast<Tls&>(*tls_).native_handle()) : X509_V_OK;
    return result == X509_V_OK ? "" : X509_verify_cert_error_string(result);
  }

  error_code write(std::string_view bytes, Milliseconds limit) {
    tcp_.expires_after(limit);
    const auto buffer = asio::buffer(bytes.data(), bytes.size());
    return run(
        [&](auto done) { tls_ ? asio::async_write(*tls_, buffer, done) : asio::async_write(tcp_, buffer, done); });
  }

  /// One piece of what arrives; eof at the end.
  error_code read(std::string& into, Milliseconds limit) {
    piece_.resize(kPieceBytes);
    tcp_.expires_after(limit);
    const auto buffer = asio::buffer(piece_);
    const error_code error =
        run([&](auto done) { tls_ ? tls_->async_read_some(buffer, done) : tcp_.async_read_some(buffer, done); });
    into.append(piece_.data(), transferred_);
    return error;
  }

  /// From any thread: ends the step under way, and every later one.
  void stop() {
    asio::post(io_, [this] { tcp_.close(); });
  }

  /// Nothing arrived while nobody was asking. Something did: the other side hung up, or talks out of turn.
  bool is_quiet() {
    io_.restart();
    io_.poll();
    error_code error;
    if (!tcp_.socket().is_open()) return false;
    tcp_.socket().non_blocking(true, error);
    char byte = 0;
    tcp_.socket().receive(asio::buffer(&byte, 1), asio::socket_base::message_peek, error);
    return error == asio::error::would_block;
  }

  void rest_now() {
    tcp_.expires_never();
    idle_since_ = std::chrono::steady_clock::now();
  }
  SteadyTime idle_since() const { return idle_since_; }

 private:
  using Tls = asio::ssl::stream<boost::beast::tcp_stream&>;

  template <class Start>
  error_code run(Start start) {
    error_code result;
    bool done = false;
    transferred_ = 0;
    io_.restart();
    start([&](error_code error, std::size_t transferred = 0) {
      result = error;
      transferred_ = transferred;
      done = true;
    });
    while (!done && io_.run_one() > 0) {
    }
    return done ? result : error_code(asio::error::operation_aborted);
  }

  std::string host_;
  asio::ip::tcp::endpoint endpoint_;
  asio::io_context io_{1};
  boost::beast::tcp_stream tcp_;
  std::optional<Tls> tls_;
  std::string piece_;
  std::size_t transferred_ = 0;
  SteadyTime idle_since_;
};

/// Connections that wait for the next request to the same place, youngest first.
class Pool {
 public:
  std::unique_ptr<Connection> take(const std::string& origin) {
    const std::scoped_lock lock(mutex_);
    auto& idle = idle_[origin];
    while (!idle.empty()) {
      auto connection = std::move(idle.back());
      idle.pop_back();
      --count_;
      if (std::chrono::steady_clock::now() - connection->idle_since() < kLongestIdle && connection->is_quiet())
        return connection;
    }
    return nullptr;
  }

  void give_back(const std::string& origin, std::unique_ptr<Connection> connection) {
    connection->rest_now();
    const std::scoped_lock lock(mutex_);
    auto& idle = idle_[origin];
    if (idle.size() >= kIdleConnectionsPerHost || count_ >= kIdleConnections) return;
    idle.push_back(std::move(connection));
    ++count_;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::vector<std::unique_ptr<Connection>>> idle_;
  std::size_t count_ = 0;
};

// ---- the transport ----------------------------------------------------------------------------------------------

class BeastTransport : public HttpTransport {
 public:
  BeastTransport(asio::ssl::context context, TransportOptions options)
      : tls_(std::move(context)), options_(std::move(options)), proxy_(Proxy::parse(options_.https_proxy)) {}

  Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) override {
    const auto url = Url::parse(request.url);
    if (!url)
      return fail(Error::Kind::invalid, "url-invalid",
                  fmt::format("`{}` is not an http or https URL", request.url.substr(0, request.url.find('?'))));
    if (stop.stop_requested()) return stopped();
    if (auto connection = pool_.take(url->origin())) {
      Exchange exchange{request, *url, stop, std::move(connection)};
      auto response = exchange.run();
      // The other side may hang up an idle connection just as we write to it. No byte of an answer: ask again, once,
      // where that is safe.
      const bool again = !response && exchange.silent && response.error().code == "connection-lost" &&
                         is_idempotent(request.method) && !stop.stop_requested() &&
                         (!request.source || request.source->rewind());
      if (!again) return finish(*url, exchange, std::move(response));
    }
    TRY_ASSIGN(auto connection, connect(*url, stop));
    Exchange exchange{request, *url, stop, std::move(connection)};
    auto response = exchange.run();
    return finish(*url, exchange, std::move(response));
  }

 private:
  /// One request and its answer on one connection.
  struct Exchange {
    const HttpRequest& request;
    const Url& url;
    std::stop_token stop;
    std::unique_ptr<Connection> connection;
    bool silent = true;  // not a byte of an answer yet
    bool reusable = false;

    Result<HttpResponse> run() {
      const std::stop_callback on_stop(stop, [this] { connection->stop(); });
      if (auto written = write_request(); !written) {
        // Whoever refuses a long body may answer and hang up before it has all of it.
        if (stop.stop_requested()) return stopped();
        if (written.error().code != "connection-lost") return fail(std::move(written).error());
        if (auto response = read_response(); response) return response;
        return fail(std::move(written).error());
      }
      auto response = read_response();
      if (!response && stop.stop_requested()) return stopped();
      return response;
    }

    Error lost(const error_code& error) const {
      if (error == boost::beast::error::timeout) {
        const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(request.idle_limit).count();
        return unreachable("time-out", fmt::format("`{}` has not answered for {} s", url.authority(), seconds));
      }
      return unreachable("connection-lost",
                         fmt::format("lost the connection to `{}`: {}", url.authority(), error.message()));
    }

    Result<void> write_request() {
      const std::uint64_t size = request.source ? request.source->size_bytes() : request.body.size();
      TRY_ASSIGN(std::string text, header_text(request, url, size));
      if (!request.source) {
        text += request.body;
        return write(text);
      }
      TRY(write(text));
      return write_source(size);
    }

    /// In pieces, so that each has its time, and that a process which slept meanwhile finds out before the next.
    Result<void> write(std::string_view bytes) {
      for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPieceBytes))) {
        if (request.refusal)
          if (auto refused = request.refusal()) return fail(std::move(*refused));
        if (const auto error = connection->write(bytes.substr(0, kPieceBytes), request.idle_limit))
          return fail(lost(error));
      }
      return {};
    }

    Result<void> write_source(std::uint64_t size) {
      std::string piece(kPieceBytes, '\0');
      std::uint64_t sent = 0;
      while (true) {
        TRY_ASSIGN(const std::size_t got, request.source->read(piece.data(), piece.size()));
        if (got == 0) break;
        sent += got;
        if (sent > size) break;
        TRY(write({piece.data(), got}));
      }
      if (sent == size) return {};
      return fail(Error::Kind::invalid, "body-changed",
                  fmt::format("what is sent to `{}` changed its size while it was read: {} bytes announced",
                              url.authority(), size));
    }

    Result<HttpResponse> read_response() {
      std::string pending;
      while (true) {
        Parser parser;
        parser.get().body().sink = request.sink;
        parser.eager(true);
        parser.body_limit(boost::none);
        parser.header_limit(kLongestHeaderBytes);
        parser.skip(request.method == "HEAD");
        TRY(read_into(parser, pending));
        if (parser.get().result_int() / 100 == 1) continue;  // 100 Continue and its kin precede the answer
        reusable = parser.keep_alive() && pending.empty() && !stop.stop_requested();
        return to_response(parser);
      }
    }

    Result<void> read_into(Parser& parser, std::string& pending) {
      while (true) {
        error_code error;
        if (!pending.empty()) {
          pending.erase(0, parser.put(asio::buffer(pending), error));
          if (parser.get().body().refused) return fail(*parser.get().body().refused);
          if (error && error != http::error::need_more) return fail(not_http(error));
          if (parser.is_done()) return {};
        }
        error = connection->read(pending, request.idle_limit);
        if (!pending.empty()) silent = false;
        if (error == asio::error::eof && parser.got_some()) {
          parser.put_eof(error);
          if (!error) return {};
          return fail(lost(asio::error::eof));
        }
        if (error) return fail(lost(error));
      }
    }

    Error not_http(const error_code& error) const {
      return {.kind = Error::Kind::invalid,
              .code = "answer-invalid",
              .message = fmt::format("the answer of `{}` is not HTTP: {}", url.authority(), error.message())};
    }
  };

  Result<HttpResponse> finish(const Url& url, Exchange& exchange, Result<HttpResponse> response) {
    if (exchange.reusable) pool_.give_back(url.origin(), std::move(exchange.connection));
    return response;
  }

  Result<std::unique_ptr<Connection>> connect(const Url& url, const std::stop_token& stop) {
    const Proxy* proxy =
        proxy_ && url.scheme == "https" && !goes_around_proxy(url, options_.no_proxy) ? &*proxy_ : nullptr;
    TRY_ASSIGN(const auto addresses, look_up(proxy ? proxy->host : url.host, stop));
    const auto end = std::chrono::steady_clock::now() + options_.connect_limit;
    Error last;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
      const auto left = std::chrono::duration_cast<Milliseconds>(end - std::chrono::steady_clock::now());
      if (left <= Milliseconds(0)) break;
      auto connection = std::make_unique<Connection>(url.host, addresses[i], proxy ? proxy->port : url.port);
      const std::stop_callback on_stop(stop, [&] { connection->stop(); });
      // An address that swallows packets must leave time for those after it.
      const error_code error = connection->connect(left / static_cast<int>(addresses.size() - i));
      if (stop.stop_requested()) return stopped();
      if (error) {
        last = connect_failed(url, proxy, addresses[i], error);
        continue;
      }
      auto ready = prepare(url, proxy, *connection);
      if (stop.stop_requested()) return stopped();
      if (!ready) return fail(std::move(ready).error());
      return connection;
    }
    return fail(std::move(last));
  }

  /// Tunnel and TLS, as far as wanted.
  Result<void> prepare(const Url& url, const Proxy* proxy, Connection& connection) {
    if (proxy) TRY(open_tunnel(url, *proxy, connection));
    if (url.scheme != "https") return {};
    const error_code error = connection.start_tls(tls_, options_.connect_limit);
    return error ? Result<void>(fail(tls_failed(url, connection, error))) : Result<void>();
  }

  Result<void> open_tunnel(const Url& url, const Proxy& proxy, Connection& connection) {
    const auto refused = [&](std::string_view why) {
      return fail(unreachable(
          "proxy-failed",
          fmt::format("the proxy `{}:{}` does not lead to `{}`: {}", proxy.host, proxy.port, url.authority(), why),
          "check HTTPS_PROXY; NO_PROXY lists what is reached without it"));
    };
    std::string answer;
    if (const auto error = connection.write(connect_request(url, proxy), options_.connect_limit))
      return refused(error.message());
    while (answer.find("\r\n\r\n") == std::string::npos && answer.size() < kPieceBytes) {
      if (const auto error = connection.read(answer, options_.connect_limit)) return refused(error.message());
    }
    const std::string status = answer.substr(0, answer.find("\r\n"));
    if (!status.starts_with("HTTP/1.") || status.find(" 2") != 8) return refused(status);
    return {};
  }

  static Error connect_failed(const Url& url, const Proxy* proxy, const std::string& address, const error_code& error) {
    const std::string why = error == boost::beast::error::timeout ? "no answer" : error.message();
    if (proxy) {
      return unreachable(
          "connect-failed",
          fmt::format("cannot connect to the proxy `{}:{}` ({}): {}", proxy->host, proxy->port, address, why),
          "check HTTPS_PROXY; NO_PROXY lists what is reached without it");
    }
    return unreachable("connect-failed", fmt::format("cannot connect to `{}` ({}): {}", url.authority(), address, why),
                       is_loopback_name(url.host) ? "is the emulator running? `defang emulator status` tells"
                                                  : "check the network, and whether a firewall or proxy is in the way");
  }

  Error tls_failed(const Url& url, const Connection& connection, const error_code& error) const {
    if (const std::string why = connection.distrust(); !why.empty()) {
      return unreachable(
          "tls-failed", fmt::format("the certificate of `{}` is not trusted: {}", url.authority(), why),
          fmt::format("certificates are checked against `{}`; SSL_CERT_FILE names another file", options_.ca_file));
    }
    const std::string why = error == boost::beast::error::timeout ? "no answer" : error.message();
    return unreachable("tls-failed", fmt::format("cannot start TLS with `{}`: {}", url.authority(), why));
  }

  asio::ssl::context tls_;
  TransportOptions options_;
  std::optional<Proxy> proxy_;
  Pool pool_;
};

}  // namespace

Result<std::unique_ptr<HttpTransport>> make_beast_transport(const TransportOptions& options) {
  // Without its configuration file: a static program cannot load the modules that it may name.
  OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
  if (!options.https_proxy.empty() && !Proxy::parse(options.https_proxy)) {
    return fail(Error{.kind = Error::Kind::invalid,
                      .code = "proxy-invalid",
                      .message = "HTTPS_PROXY is not the address of an HTTP proxy",
                      .help = "it looks like `http://proxy.example:8080`"});
  }
  TransportOptions settled = options;
  TRY_ASSIGN(settled.ca_file, trusted_ca_file(options.ca_file));
  asio::ssl::context context(asio::ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context.native_handle(), TLS1_2_VERSION);
  error_code error;
  context.load_verify_file(settled.ca_file, error);
  if (error) {
    return fail(Error{
        .kind = Error::Kind::invalid,
        .code = "ca-file-invalid",
        .message = fmt::format("`{}` holds no certificates that can be used: {}", settled.ca_file, error.message()),
        .help = "SSL_CERT_FILE must name a PEM file"});
  }
  return std::make_unique<BeastTransport>(std::move(context), std::move(settled));
}

}  // namespace defang::rest
