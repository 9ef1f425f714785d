// The only client file that sees Asio, Beast and OpenSSL's TLS.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/parser.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <mutex>

#include "rest/gunzip.h"
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
constexpr Milliseconds kHeadStart(250);                  // of an address before the next one is tried, too (RFC 8305 5)
// From here on a body waits a moment for "100 Continue": a refusal then saves all of it (RFC 9110 10.1.1).
constexpr std::uint64_t kAskFirstBytes = std::uint64_t{1} << 20;
constexpr Milliseconds kLongestAsk(1000);

Error unreachable(std::string code, std::string message, std::string help = "") {
  return {.kind = Error::Kind::unreachable,
          .code = std::move(code),
          .message = std::move(message),
          .help = std::move(help)};
}

// ---- answers ----------------------------------------------------------------------------------------------------

/// A Beast body that hands on what arrives, unpacked: to the sink of a 2xx answer, otherwise into memory.
struct StreamedBody {
  struct value_type {
    BodySink sink;
    bool may_be_packed = false;
    std::string collected;
    bool was_packed = false;
    std::optional<Error> refused;  // by the sink, or because it cannot be unpacked
  };
  class reader {
   public:
    template <bool kRequest, class Fields>
    reader(http::header<kRequest, Fields>& header, value_type& value) : value_(value) {
      if constexpr (!kRequest) begin_ = [this, &header] { begin(header); };
    }
    void init(const boost::optional<std::uint64_t>&, error_code& error) {
      error = {};
      begin_();  // only now is the header there
    }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& error) {
      std::size_t size = 0;
      error = {};
      for (auto it = asio::buffer_sequence_begin(buffers); it != asio::buffer_sequence_end(buffers); ++it) {
        const asio::const_buffer piece = *it;
        take({static_cast<const char*>(piece.data()), piece.size()}, error);
        size += piece.size();
      }
      return size;
    }
    void finish(error_code& error) {
      error = {};
      if (gunzip_ && !gunzip_->is_whole()) error = http::error::partial_message;
    }

   private:
    template <class Header>
    void begin(const Header& header) {
      to_sink_ = value_.sink && header.result_int() / 100 == 2;
      value_.was_packed =
          value_.may_be_packed && equals_ignoring_case(std::string_view(header[http::field::content_encoding]), "gzip");
      if (value_.was_packed) gunzip_.emplace();
    }
    void take(std::string_view piece, error_code& error) {
      if (value_.refused) return;
      auto taken =
          gunzip_ ? gunzip_->take(piece, [this](std::string_view plain) { return hand_on(plain); }) : hand_on(piece);
      if (taken) return;
      value_.refused = std::move(taken).error();
      error = asio::error::operation_aborted;
    }
    Result<void> hand_on(std::string_view piece) {
      if (to_sink_) return value_.sink(piece);
      value_.collected += piece;
      return {};
    }
    value_type& value_;
    std::function<void()> begin_;
    bool to_sink_ = false;
    std::optional<Gunzip> gunzip_;
  };
};
using Parser = http::response_parser<StreamedBody>;

HttpResponse to_response(Parser& parser) {
  HttpResponse response{.status = static_cast<int>(parser.get().result_int()), .headers = {}, .body = {}};
  for (const auto& field : parser.get())
    response.headers.add(std::string(field.name_string()), std::string(field.value()));
  auto& body = parser.get().body();
  response.body = std::move(body.collected);
  if (body.was_packed) {
    response.headers.remove("Content-Encoding");
    response.headers.remove("Content-Length");
  }
  return response;
}

// ---- requests ---------------------------------------------------------------------------------------------------

/// Where part of something is wanted, or its size, it must be as it is.
bool may_be_packed(const HttpRequest& request) {
  return request.method != "HEAD" && !request.headers.has("Accept-Encoding") && !request.headers.has("Range") &&
         !request.headers.has("x-ms-range");
}

enum class Ask { first, never };

Result<std::string> header_text(const HttpRequest& request, const Url& url, std::uint64_t body_size, Ask ask) {
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
  if (may_be_packed(request)) text += "Accept-Encoding: gzip\r\n";
  if (ask == Ask::first) text += "Expect: 100-continue\r\n";
  return text + "\r\n";
}

/// For messages: neither the query nor a password before the host.
std::string without_secrets(const std::string& url) {
  const std::string shown = url.substr(0, url.find('?'));
  const auto at = shown.rfind('@');
  return at == std::string::npos ? shown : "..." + shown.substr(at);
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
}

// ---- connections ------------------------------------------------------------------------------------------------

/// Several addresses, one connection: the next one is tried, too, when the one before has failed or kept silent for a
/// moment; the first that answers wins ("happy eyeballs", RFC 8305 5).
class Race : public std::enable_shared_from_this<Race> {
 public:
  Race(asio::io_context& io, std::vector<asio::ip::tcp::endpoint> endpoints)
      : io_(io), endpoints_(std::move(endpoints)), errors_(endpoints_.size()), head_start_(io), whole_(io) {}

  void start(Milliseconds limit, std::function<void(error_code)> done) {
    done_ = std::move(done);
    whole_.expires_after(limit);
    whole_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->end(boost::beast::error::timeout);
    });
    next();
  }

  void end(error_code error) {
    if (!done_) return;
    head_start_.cancel();
    whole_.cancel();
    error_code ignored;
    for (auto& socket : sockets_)
      if (&socket != winner_) socket.close(ignored);
    std::exchange(done_, nullptr)(error);
  }

  asio::ip::tcp::socket take_winner() { return std::move(*winner_); }

  /// What became of the addresses that were tried: "(192.0.2.1, 2001:db8::1): Connection refused".
  std::string losers() const {
    std::vector<std::pair<std::string, std::string>> reasons;
    for (std::size_t i = 0; i < sockets_.size(); ++i) {
      const std::string why = errors_[i] ? errors_[i].message() : "no answer";
      const std::string address = endpoints_[i].address().to_string();
      const auto known = std::ranges::find(reasons, why, &std::pair<std::string, std::string>::first);
      if (known == reasons.end())
        reasons.emplace_back(why, address);
      else
        known->second += ", " + address;
    }
    std::vector<std::string> out;
    for (const auto& [why, addresses] : reasons) out.push_back(fmt::format("({}): {}", addresses, why));
    return join(out, "; ");
  }

 private:
  void next() {
    const std::size_t number = sockets_.size();
    if (!done_ || number == endpoints_.size()) return;
    ++open_;
    sockets_.emplace_back(io_).async_connect(
        endpoints_[number], [self = shared_from_this(), number](error_code error) { self->answered(number, error); });
    head_start_.expires_after(kHeadStart);
    head_start_.async_wait([self = shared_from_this()](error_code error) {
      if (!error) self->next();
    });
  }

  void answered(std::size_t number, error_code error) {
    if (!done_) return;
    if (!error) {
      winner_ = &sockets_[number];
      return end({});
    }
    errors_[number] = error;
    --open_;
    if (sockets_.size() < endpoints_.size()) return next();
    if (open_ == 0) end(error);
  }

  asio::io_context& io_;
  std::vector<asio::ip::tcp::endpoint> endpoints_;
  std::vector<error_code> errors_;
  std::deque<asio::ip::tcp::socket> sockets_;  // they keep their places
  std::size_t open_ = 0;
  asio::ip::tcp::socket* winner_ = nullptr;
  asio::steady_timer head_start_, whole_;
  std::function<void(error_code)> done_;
};

/// One connection with its own io_context, driven by one thread at a time: each step starts one asynchronous operation
/// and runs until it is done, so a stop or a time-out can end it.
class Connection {
 public:
  explicit Connection(std::string host) : host_(std::move(host)), tcp_(io_) {}

  /// To one of the addresses, which are numbers.
  error_code connect(const std::vector<std::string>& addresses, std::uint16_t port, Milliseconds limit) {
    std::vector<asio::ip::tcp::endpoint> endpoints;
    for (const auto& address : addresses) endpoints.emplace_back(asio::ip::make_address(address), port);
    race_ = std::make_shared<Race>(io_, std::move(endpoints));
    const error_code error = run([&](auto done) { race_->start(limit, done); });
    if (error) return error;
    error_code ignored;
    tcp_.socket() = race_->take_winner();
    tcp_.socket().set_option(asio::ip::tcp::no_delay(true), ignored);
    return error;
  }
  std::string losers() const { return race_->losers(); }

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

  /// As read(), but the connection can still be used when nothing has come in time.
  error_code read_if_any(std::string& into, Milliseconds limit) {
    asio::steady_timer timer(io_, limit);
    const auto over = std::make_shared<bool>(false);
    timer.async_wait([this, over](error_code cancelled) {
      if (!cancelled && !*over) tcp_.cancel();
    });
    const error_code error = read(into, 2 * limit);  // that limit would close it
    *over = true;
    return error == asio::error::operation_aborted ? error_code() : error;
  }

  /// From any thread: ends the step under way, and every later one.
  void stop() {
    asio::post(io_, [this] {
      if (race_) race_->end(asio::error::operation_aborted);
      tcp_.close();
    });
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
  asio::io_context io_{1};
  std::shared_ptr<Race> race_;
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
                  fmt::format("`{}` is not an http or https URL", without_secrets(request.url)));
    if (stop.stop_requested()) return stopped();
    const auto ends = end_of(request);
    if (auto connection = pool_.take(url->origin())) {
      Exchange exchange{request, *url, stop, ends, std::move(connection)};
      auto response = exchange.run();
      // The other side may hang up an idle connection just as we write to it. No byte of an answer: ask again, once,
      // where that is safe.
      const bool lost = !response && exchange.silent && response.error().code == "connection-lost" &&
                        is_idempotent(request.method) && !stop.stop_requested();
      if (!lost && !exchange.asked_in_vain(response)) return finish(*url, exchange, std::move(response));
      if (request.source && !request.source->rewind()) return response;
    }
    TRY_ASSIGN(auto connection, connect(*url, ends, stop));
    Exchange exchange{request, *url, stop, ends, std::move(connection)};
    auto response = exchange.run();
    if (!exchange.asked_in_vain(response)) return finish(*url, exchange, std::move(response));
    TRY_ASSIGN(connection, connect(*url, ends, stop));
    Exchange unasked{request, *url, stop, ends, std::move(connection), Ask::never};
    response = unasked.run();
    return finish(*url, unasked, std::move(response));
  }

 private:
  static std::optional<SteadyTime> end_of(const HttpRequest& request) {
    const bool streams = request.source || request.sink;
    if (streams && !request.total_limit) return std::nullopt;
    return std::chrono::steady_clock::now() + request.total_limit.value_or(kTotalLimit);
  }

  static Milliseconds time_left(Milliseconds limit, const std::optional<SteadyTime>& ends) {
    if (!ends) return limit;
    const auto left = std::chrono::ceil<Milliseconds>(*ends - std::chrono::steady_clock::now());
    return std::clamp(left, Milliseconds(0), limit);
  }

  /// One request and its answer on one connection.
  struct Exchange {
    const HttpRequest& request;
    const Url& url;
    std::stop_token stop;
    std::optional<SteadyTime> ends;
    std::unique_ptr<Connection> connection;
    Ask ask = Ask::first;
    bool silent = true;  // not a byte of an answer yet
    bool reusable = false;
    bool body_withheld = false;  // the answer came before it
    std::string pending = {};    // arrived, not read yet

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

    /// The body was held back for a server that does not know why (RFC 9110 15.5.18).
    bool asked_in_vain(const Result<HttpResponse>& response) const {
      return body_withheld && response && response->status == 417;
    }

    Milliseconds patience() const { return time_left(request.idle_limit, ends); }

    Error lost(const error_code& error) const {
      if (error == boost::beast::error::timeout) {
        const auto seconds = [](Milliseconds time) { return static_cast<double>(time.count()) / 1000; };
        const bool over = ends && std::chrono::steady_clock::now() >= *ends;
        return unreachable("time-out", over ? fmt::format("`{}` has not answered in full within {} s", url.authority(),
                                                          seconds(request.total_limit.value_or(kTotalLimit)))
                                            : fmt::format("`{}` has not answered for {} s", url.authority(),
                                                          seconds(request.idle_limit)));
      }
      return unreachable("connection-lost",
                         fmt::format("lost the connection to `{}`: {}", url.authority(), error.message()));
    }

    Result<void> write_request() {
      const std::uint64_t size = request.source ? request.source->size_bytes() : request.body.size();
      if (size < kAskFirstBytes) ask = Ask::never;
      TRY_ASSIGN(std::string text, header_text(request, url, size, ask));
      if (ask == Ask::first) {
        TRY(write(text));
        TRY_ASSIGN(body_withheld, is_refused_already());
        if (body_withheld) return {};
        text.clear();
      }
      if (!request.source) {
        text += request.body;
        return write(text);
      }
      TRY(write(text));
      return write_source(size);
    }

    /// Whether an answer that is not "100 Continue" is there. Who does not know that one stays silent.
    Result<bool> is_refused_already() {
      const auto begin = std::chrono::steady_clock::now();
      while (pending.find("\r\n") == std::string::npos) {
        const auto left =
            kLongestAsk - std::chrono::duration_cast<Milliseconds>(std::chrono::steady_clock::now() - begin);
        if (left <= Milliseconds(0)) return false;
        if (const auto error = connection->read_if_any(pending, left)) return fail(lost(error));
        if (!pending.empty()) silent = false;
      }
      return !pending.starts_with("HTTP/1.1 1");
    }

    /// In pieces, so that each has its time, and that a process which slept meanwhile finds out before the next.
    Result<void> write(std::string_view bytes) {
      for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kPieceBytes))) {
        if (request.refusal)
          if (auto refused = request.refusal()) return fail(std::move(*refused));
        if (const auto error = connection->write(bytes.substr(0, kPieceBytes), patience())) return fail(lost(error));
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
      while (true) {
        Parser parser;
        parser.get().body().sink = request.sink;
        parser.get().body().may_be_packed = may_be_packed(request);
        parser.eager(true);
        parser.body_limit(boost::none);
        parser.header_limit(kLongestHeaderBytes);
        parser.skip(request.method == "HEAD");
        TRY(read_into(parser));
        if (parser.get().result_int() / 100 == 1) continue;  // 100 Continue and its kin precede the answer
        reusable = parser.keep_alive() && pending.empty() && !body_withheld && !stop.stop_requested();
        return to_response(parser);
      }
    }

    Result<void> read_into(Parser& parser) {
      while (true) {
        error_code error;
        if (!pending.empty()) {
          pending.erase(0, parser.put(asio::buffer(pending), error));
          if (parser.get().body().refused) return fail(*parser.get().body().refused);
          if (error && error != http::error::need_more) return fail(not_http(error));
          if (parser.is_done()) return {};
        }
        error = connection->read(pending, patience());
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

  Result<std::unique_ptr<Connection>> connect(const Url& url, const std::optional<SteadyTime>& ends,
                                              const std::stop_token& stop) {
    const Proxy* proxy =
        proxy_ && url.scheme == "https" && !goes_around_proxy(url, options_.no_proxy) ? &*proxy_ : nullptr;
    TRY_ASSIGN(const auto addresses, look_up(proxy ? proxy->host : url.host, stop));
    auto connection = std::make_unique<Connection>(url.host);
    const std::stop_callback on_stop(stop, [&] { connection->stop(); });
    const error_code error =
        connection->connect(addresses, proxy ? proxy->port : url.port, time_left(options_.connect_limit, ends));
    if (stop.stop_requested()) return stopped();
    if (error) return fail(connect_failed(url, proxy, connection->losers()));
    auto ready = prepare(url, proxy, *connection, ends);
    if (stop.stop_requested()) return stopped();
    if (!ready) return fail(std::move(ready).error());
    return connection;
  }

  /// Tunnel and TLS, as far as wanted.
  Result<void> prepare(const Url& url, const Proxy* proxy, Connection& connection,
                       const std::optional<SteadyTime>& ends) {
    if (proxy) TRY(open_tunnel(url, *proxy, connection, time_left(options_.connect_limit, ends)));
    if (url.scheme != "https") return {};
    const error_code error = connection.start_tls(tls_, time_left(options_.connect_limit, ends));
    return error ? Result<void>(fail(tls_failed(url, connection, error))) : Result<void>();
  }

  Result<void> open_tunnel(const Url& url, const Proxy& proxy, Connection& connection, Milliseconds limit) {
    const auto refused = [&](std::string_view why) {
      return fail(unreachable(
          "proxy-failed",
          fmt::format("the proxy `{}:{}` does not lead to `{}`: {}", proxy.host, proxy.port, url.authority(), why),
          "check HTTPS_PROXY; NO_PROXY lists what is reached without it"));
    };
    std::string answer;
    if (const auto error = connection.write(connect_request(url, proxy), limit)) return refused(error.message());
    while (answer.find("\r\n\r\n") == std::string::npos && answer.size() < kPieceBytes) {
      if (const auto error = connection.read(answer, limit)) return refused(error.message());
    }
    const std::string status = answer.substr(0, answer.find("\r\n"));
    if (!status.starts_with("HTTP/1.") || status.find(" 2") != 8) return refused(status);
    return {};
  }

  static Error connect_failed(const Url& url, const Proxy* proxy, const std::string& tried) {
    if (proxy) {
      return unreachable("connect-failed",
                         fmt::format("cannot connect to the proxy `{}:{}` {}", proxy->host, proxy->port, tried),
                         "check HTTPS_PROXY; NO_PROXY lists what is reached without it");
    }
    return unreachable("connect-failed", fmt::format("cannot connect to `{}` {}", url.authority(), tried),
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
