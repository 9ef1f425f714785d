#include "emulator/engines/forwarding.h"

#include <array>
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <chrono>
#include <map>
#include <thread>
#include <utility>

#include "emulator/engines/tls_contexts.h"

namespace defang::emulator {
namespace {

namespace asio = boost::asio;
namespace ssl = boost::asio::ssl;
using asio::awaitable;
using asio::ip::tcp;
using asio::ip::udp;
using boost::system::error_code;
using namespace std::chrono_literals;
using namespace asio::experimental::awaitable_operators;

constexpr auto kConnectLimit = 5s;
constexpr auto kRequestLimit = 240s;  // CA-61
constexpr auto kHeadLimit = 60s;
constexpr auto kLookPause = 50ms;
constexpr std::string_view kUnreachable =
    "upstream connect error or disconnect/reset before headers. reset reason: connection failure";
constexpr unsigned char kTlsHandshake = 0x16;  // RFC 8446, 5.1: the first byte of a ClientHello's record

auto returning(error_code& error) { return asio::redirect_error(asio::use_awaitable, error); }

awaitable<void> expire(std::chrono::steady_clock::duration limit) {
  asio::steady_timer timer(co_await asio::this_coro::executor, limit);
  error_code error;
  co_await timer.async_wait(returning(error));
}

awaitable<error_code> connect(tcp::socket& socket, const tcp::endpoint& place) {
  error_code error;
  co_await socket.async_connect(place, returning(error));
  co_return error;
}

/// One connected socket in the namespace of the upstream, or nothing.
awaitable<std::optional<tcp::socket>> reach(const Upstream& upstream) {
  auto made = upstream.from->stream_socket();
  if (!made) co_return std::nullopt;
  tcp::socket socket(co_await asio::this_coro::executor);
  error_code error;
  socket.assign(tcp::v4(), made->release(), error);
  if (error) co_return std::nullopt;
  const tcp::endpoint place(asio::ip::address_v4(upstream.address), upstream.port);
  const auto result = co_await (connect(socket, place) || expire(kConnectLimit));
  if (result.index() == 1 || std::get<0>(result)) co_return std::nullopt;
  socket.set_option(tcp::no_delay(true), error);
  co_return std::move(socket);
}

template <class Stream>
void end_sending(Stream& stream) {
  error_code ignored;
  stream.lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
}

/// Copies until the end of `from`; how much went over.
template <class From, class To>
awaitable<std::size_t> copy(From& from, To& to) {
  std::array<char, 16 * 1024> buffer;
  std::size_t total = 0;
  for (;;) {
    error_code error;
    const auto size = co_await from.async_read_some(asio::buffer(buffer), returning(error));
    if (error || size == 0) break;
    co_await asio::async_write(to, asio::buffer(buffer.data(), size), returning(error));
    if (error) break;
    total += size;
  }
  end_sending(to);
  co_return total;
}

template <class From, class To>
awaitable<void> copy_and_stay(From& from, To& to) {
  co_await copy(from, to);
  co_await expire(kRequestLimit);  // the answer decides when it is over
}

// g++ 12 destroys some temporaries of a co_await expression twice (aggregates in braces among them): what a coroutine
// is given has a name.

template <class Stream>
awaitable<void> say(Stream& client, std::string_view text) {
  error_code error;
  co_await asio::async_write(client, asio::buffer(text), returning(error));
}

template <class Stream>
awaitable<void> close_softly(Stream& client) {
  if constexpr (!std::is_same_v<Stream, tcp::socket>) {
    error_code error;
    co_await (client.async_shutdown(returning(error)) || expire(1s));
  }
  end_sending(client);
}

/// Reads up to the end of the head into `bytes`.
template <class Stream>
awaitable<HeadProgress> receive_head(Stream& client, std::string& bytes, RequestHead& head) {
  std::array<char, 8 * 1024> buffer;
  for (;;) {
    error_code error;
    const auto size = co_await client.async_read_some(asio::buffer(buffer), returning(error));
    if (error) co_return HeadProgress::incomplete;
    bytes.append(buffer.data(), size);
    head = {};
    const auto progress = read_head(bytes, head);
    if (progress != HeadProgress::incomplete) co_return progress;
  }
}

/// The answer of a replica: its first bytes must come in time, the rest may take as long as it likes.
template <class Stream>
awaitable<void> bring_back(tcp::socket& upstream, Stream& client) {
  error_code error;
  const auto first = co_await (upstream.async_wait(tcp::socket::wait_read, returning(error)) || expire(kRequestLimit));
  if (first.index() == 1) {
    const auto text = ingress_answer(504, "stream timeout");
    co_await say(client, text);
    co_return;
  }
  if (co_await copy(upstream, client) == 0) {
    const auto text = ingress_answer(502, "upstream connect error or disconnect/reset before headers");
    co_await say(client, text);
  }
}

/// The other side has ended the connection.
bool has_left(tcp::socket::lowest_layer_type& client) {
  char next = 0;
  return ::recv(client.native_handle(), &next, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

/// Where the choice leads to, after a wait if it asks for one.
awaitable<std::optional<Upstream>> settle(const Choice& choice, tcp::socket::lowest_layer_type& client) {
  auto upstream = choice.upstream;
  const auto end = std::chrono::steady_clock::now() + kRequestLimit;
  while (!upstream && choice.look && std::chrono::steady_clock::now() < end && !has_left(client)) {
    co_await expire(kLookPause);
    upstream = choice.look();
  }
  co_return upstream;
}

template <class Stream>
awaitable<void> serve_request(Stream& client, const Forwarding::ChooseHttp& choose, const ForwardedFor& from) {
  std::string bytes;
  RequestHead head;
  const auto received = co_await (receive_head(client, bytes, head) || expire(kHeadLimit));
  if (received.index() == 1 || std::get<0>(received) == HeadProgress::incomplete) co_return;
  const auto progress = std::get<0>(received);
  if (progress == HeadProgress::broken) {
    const auto text = ingress_answer(400, "this is no HTTP request");
    co_await say(client, text);
    co_return;
  }
  const auto choice = choose(head, from.protocol == "https");
  const auto chosen = co_await settle(choice, client.lowest_layer());
  if (!chosen) {
    const auto text = choice.look ? ingress_answer(504, "no replica started in time") : choice.answer;
    co_await say(client, text);
    co_return;
  }
  auto upstream = co_await reach(*chosen);
  if (!upstream) {
    const auto text = ingress_answer(503, kUnreachable);
    co_await say(client, text);
    co_return;
  }
  if (progress == HeadProgress::complete) {
    bytes = forwarded_head(bytes, head, from) + bytes.substr(head.size);
  }
  error_code error;
  co_await asio::async_write(*upstream, asio::buffer(bytes), returning(error));
  co_await (bring_back(*upstream, client) || copy_and_stay(client, *upstream));
}

std::string client_address(const tcp::socket& socket) {
  error_code error;
  const auto place = socket.remote_endpoint(error);
  return error ? "0.0.0.0" : place.address().to_string();
}

awaitable<void> serve_tcp(tcp::socket client, Forwarding::ChooseTcp choose) {
  const auto choice = choose();
  const auto chosen = co_await settle(choice, client.lowest_layer());
  if (!chosen) co_return;
  auto upstream = co_await reach(*chosen);
  if (!upstream) co_return;
  error_code error;
  client.set_option(tcp::no_delay(true), error);
  co_await (copy(client, *upstream) && copy(*upstream, client));
}

awaitable<void> serve_http(tcp::socket client, Forwarding::ChooseHttp choose, TlsContexts& contexts) {
  error_code error;
  client.set_option(tcp::no_delay(true), error);
  const auto ready = co_await (client.async_wait(tcp::socket::wait_read, returning(error)) || expire(kHeadLimit));
  unsigned char first = 0;
  if (ready.index() == 1 || ::recv(client.native_handle(), &first, 1, MSG_PEEK) != 1) co_return;
  ForwardedFor from{client_address(client), "http"};
  if (first != kTlsHandshake) {
    co_await serve_request(client, choose, from);
    co_await close_softly(client);
    co_return;
  }
  ssl::stream<tcp::socket> secure(std::move(client), contexts.front());
  const auto shaken = co_await (secure.async_handshake(ssl::stream_base::server, returning(error)) || expire(10s));
  if (shaken.index() == 1 || error) co_return;
  from.protocol = "https";
  co_await serve_request(secure, choose, from);
  co_await close_softly(secure);
}

class AsioForwarding final : public Forwarding {
 public:
  explicit AsioForwarding(CertificateOf certificate_of)
      : contexts_(std::move(certificate_of)), thread_([this] { context_.run(); }) {}
  ~AsioForwarding() override {
    context_.stop();
    thread_.join();
  }

  Id forward_tcp(Descriptor listener, ChooseTcp choose) override {
    return accept(std::move(listener), [choose](tcp::socket client) { return serve_tcp(std::move(client), choose); });
  }
  Id forward_http(Descriptor listener, ChooseHttp choose) override {
    return accept(std::move(listener),
                  [this, choose](tcp::socket client) { return serve_http(std::move(client), choose, contexts_); });
  }
  Id answer_datagrams(Descriptor socket, AnswerDatagram answer) override {
    const Id id = ++last_id_;
    asio::post(context_, [this, id, answer, number = socket.release()] {
      auto made = std::make_shared<udp::socket>(context_, udp::v4(), number);
      closers_[id] = [made] {
        error_code ignored;
        made->close(ignored);
      };
      asio::co_spawn(context_, answer_from(made, answer), asio::detached);
    });
    return id;
  }
  void close(Id id) override {
    asio::post(context_, [this, id] {
      const auto found = closers_.extract(id);
      if (!found.empty()) found.mapped()();
    });
  }

 private:
  template <class Serve>
  Id accept(Descriptor listener, Serve serve) {
    const Id id = ++last_id_;
    asio::post(context_, [this, id, serve, number = listener.release()] {
      auto made = std::make_shared<tcp::acceptor>(context_, tcp::v4(), number);
      closers_[id] = [made] {
        error_code ignored;
        made->close(ignored);
      };
      asio::co_spawn(context_, accept_from(made, serve), asio::detached);
    });
    return id;
  }

  template <class Serve>
  awaitable<void> accept_from(std::shared_ptr<tcp::acceptor> acceptor, Serve serve) {
    while (acceptor->is_open()) {
      error_code error;
      auto client = co_await acceptor->async_accept(returning(error));
      if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
      if (error) {
        co_await expire(100ms);  // out of descriptors, most likely
        continue;
      }
      asio::co_spawn(context_, serve(std::move(client)), asio::detached);
    }
  }

  static awaitable<void> answer_from(std::shared_ptr<udp::socket> socket, AnswerDatagram answer) {
    std::array<char, 1500> buffer;
    while (socket->is_open()) {
      error_code error;
      udp::endpoint from;
      const auto size = co_await socket->async_receive_from(asio::buffer(buffer), from, returning(error));
      if (error == asio::error::operation_aborted || error == asio::error::bad_descriptor) co_return;
      const auto text = error ? std::string() : answer(std::string_view(buffer.data(), size));
      if (!text.empty()) co_await socket->async_send_to(asio::buffer(text), from, returning(error));
    }
  }

  TlsContexts contexts_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_ = asio::make_work_guard(context_);
  std::map<Id, std::function<void()>> closers_;  // used on the thread only
  std::atomic<Id> last_id_ = 0;
  std::thread thread_;
};

}  // namespace

std::unique_ptr<Forwarding> make_forwarding(Forwarding::CertificateOf certificate_of) {
  return std::make_unique<AsioForwarding>(std::move(certificate_of));
}

}  // namespace defang::emulator
