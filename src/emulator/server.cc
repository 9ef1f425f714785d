// The only file of the emulator's core that sees Beast.
#include "emulator/server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <stop_token>
#include <thread>

#include "emulator/engines/tls_contexts.h"
#include "emulator/web_socket.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using TlsStream = asio::ssl::stream<tcp::socket>;

constexpr std::size_t kLargestInMemory = std::size_t{1} << 20;
constexpr std::size_t kPiece = std::size_t{64} << 10;
constexpr auto kLongestGoodbye = std::chrono::seconds(5);
constexpr std::string_view kAzureDomain = ".azure.com";         // by which clients in environments know services
constexpr std::size_t kLongestHeader = std::size_t{128} << 10;  // poll URLs have 3 KB, tokens more

/// How a connection came in.
struct Way {
  std::uint16_t port = 0;  // of the endpoint that is meant
  bool is_private = false;
};

/// One client's connection, from the handshake until one side has enough.
class Connection {
 public:
  Connection(tcp::socket socket, Way way, asio::ssl::context& tls, const Server::Handler& handler,
             std::filesystem::path upload_folder, std::atomic<unsigned>& uploads, std::stop_token stop)
      : stream_(std::move(socket), tls),
        way_(way),
        handler_(handler),
        upload_folder_(std::move(upload_folder)),
        uploads_(uploads),
        stop_(std::move(stop)) {
    error_code ignored;
    stream_.next_layer().set_option(tcp::no_delay(true), ignored);
  }

  void run() {
    error_code error;
    stream_.handshake(asio::ssl::stream_base::server, error);
    while (!error && serve_one()) {
    }
    stream_.shutdown(error);
  }

  /// From another thread: reads and writes end with an error.
  void hang_up() { ::shutdown(stream_.next_layer().native_handle(), SHUT_RDWR); }

 private:
  bool serve_one() {
    http::request_parser<http::buffer_body> parser;
    parser.header_limit(kLongestHeader);
    parser.body_limit(boost::none);
    error_code error;
    http::read_header(stream_, buffer_, parser, error);
    if (error) return false;
    if (equals_ignoring_case(std::string_view(parser.get()[http::field::expect]), "100-continue")) {
      const std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      asio::write(stream_, asio::buffer(go_on), error);
      if (error) return false;
    }
    Request request;
    request.method = std::string_view(parser.get().method_string());
    request.target = std::string_view(parser.get().target());
    request.port = way_.port;
    request.is_private = way_.is_private;
    for (const auto& field : parser.get())
      request.headers.add(std::string(field.name_string()), std::string(field.value()));
    if (!read_body(parser, request)) return false;
    const bool keep = parser.keep_alive();
    const bool head = request.method == "HEAD";
    const std::filesystem::path body_file = request.body_file;
    const Answer answer = handler_(std::move(request));
    error_code ignored;
    if (!body_file.empty()) {
      std::error_code none;
      std::filesystem::remove(body_file, none);  // unless somebody moved it away
    }
    if (answer.drop) {
      stream_.next_layer().close(ignored);
      return false;
    }
    if (answer.conversation) {
      converse(*answer.conversation, answer.headers);
      return false;
    }
    return write(answer, keep, head) && keep;
  }

  /// Both sides in turns, as each has something to say.
  void converse(Conversation& conversation, const rest::Headers& headers) {
    std::string text = "HTTP/1.1 101 Switching Protocols\r\n";
    for (const auto& [name, value] : headers.fields()) text += fmt::format("{}: {}\r\n", name, value);
    if (!send(text + "\r\n")) return;
    WebSocketReader reader;
    std::string arrived(static_cast<const char*>(buffer_.data().data()), buffer_.size());
    buffer_.consume(buffer_.size());
    while (!stop_.stop_requested()) {
      if (!arrived.empty() && !take(reader, std::exchange(arrived, {}), conversation)) return;
      const auto words = conversation.speak();
      for (const auto& word : words.value_or(std::vector<std::string>()))
        if (!send(web_socket_frame(WebSocketOpcode::binary, word))) return;
      if (!words) {
        (void)send(web_socket_frame(WebSocketOpcode::close, std::string("\x03\xe8", 2)));  // 1000: normal
        return;
      }
      if (!wait(conversation, arrived)) return;
    }
  }

  /// Until one of the two is ready; false: the client has hung up.
  bool wait(const Conversation& conversation, std::string& arrived) {
    const bool listens = conversation.listens();
    if (listens && !read_what_is_there(arrived)) return false;
    if (!arrived.empty()) return true;
    std::array<pollfd, 2> both{
        {{listens ? stream_.next_layer().native_handle() : -1, POLLIN, 0}, conversation.waits_for()}};
    constexpr int kLookAtStopMs = 200;
    return ::poll(both.data(), both.size(), kLookAtStopMs) >= 0 || errno == EINTR;
  }

  /// All of it: what Asio has taken off the socket and not handed on yet shows nowhere else.
  bool read_what_is_there(std::string& arrived) {
    std::array<char, kPiece> piece;
    error_code error, ignored;
    stream_.next_layer().non_blocking(true, ignored);
    while (!error && arrived.size() < kLargestInMemory)
      arrived.append(piece.data(), stream_.read_some(asio::buffer(piece), error));
    stream_.next_layer().non_blocking(false, ignored);
    return !error || error == asio::error::would_block || error == asio::error::try_again;
  }

  bool take(WebSocketReader& reader, const std::string& arrived, Conversation& conversation) {
    const auto pieces = reader.take(arrived);
    if (!pieces) return false;
    for (const auto& piece : *pieces) {
      if (piece.kind == WebSocketReader::Piece::Kind::message) conversation.hear(piece.bytes);
      if (piece.kind == WebSocketReader::Piece::Kind::ping &&
          !send(web_socket_frame(WebSocketOpcode::pong, piece.bytes)))
        return false;
      if (piece.kind == WebSocketReader::Piece::Kind::close) {
        (void)send(web_socket_frame(WebSocketOpcode::close, piece.bytes));
        return false;
      }
    }
    return true;
  }

  bool read_body(http::request_parser<http::buffer_body>& parser, Request& request) {
    std::array<char, kPiece> piece;
    std::ofstream file;
    while (!parser.is_done()) {
      parser.get().body().data = piece.data();
      parser.get().body().size = piece.size();
      error_code error;
      http::read(stream_, buffer_, parser, error);
      if (error && error != http::error::need_buffer) return false;
      const std::string_view got(piece.data(), piece.size() - parser.get().body().size);
      if (!file.is_open() && request.body.size() + got.size() > kLargestInMemory) {
        request.body_file = upload_folder_ / fmt::format("upload-{}", uploads_++);
        file.open(request.body_file, std::ios::binary | std::ios::trunc);
        file << request.body;
        request.body.clear();
      }
      if (file.is_open())
        file.write(got.data(), static_cast<std::streamsize>(got.size()));
      else
        request.body += got;
    }
    if (file.is_open()) file.close();
    return !file.fail();
  }

  static bool may_have_body(int status) { return status / 100 != 1 && status != 204 && status != 304; }

  bool write(const Answer& answer, bool keep, bool head) {
    http::response<http::empty_body> message;
    message.version(11);
    message.result(static_cast<unsigned>(answer.status));
    for (const auto& [name, value] : answer.headers.fields()) message.insert(name, value);
    message.keep_alive(keep);
    const bool chunked = static_cast<bool>(answer.stream);
    if (chunked)
      message.chunked(true);
    else if (may_have_body(answer.status) && !answer.headers.has("Content-Length"))
      message.content_length(answer.file ? answer.file->size_bytes : answer.body.size());
    // Written by hand, because what follows may be a file or a stream.
    std::string text = fmt::format("HTTP/1.1 {} {}\r\n", answer.status, std::string_view(message.reason()));
    for (const auto& field : message)
      text += fmt::format("{}: {}\r\n", std::string_view(field.name_string()), std::string_view(field.value()));
    text += "\r\n";
    if (!head && may_have_body(answer.status) && !chunked) text += answer.body;
    if (!send(text)) return false;
    if (head || !may_have_body(answer.status)) return true;
    if (answer.file) return send_file(*answer.file);
    return !chunked || send_stream(answer);
  }

  bool send(std::string_view text) {
    error_code error;
    asio::write(stream_, asio::buffer(text), error);
    return !error;
  }

  bool send_file(const Answer::FilePart& part) {
    std::ifstream file(part.path, std::ios::binary);
    file.seekg(static_cast<std::streamoff>(part.offset));
    std::vector<char> piece(kPiece);
    for (std::uint64_t left = part.size_bytes; left > 0;) {
      file.read(piece.data(), static_cast<std::streamsize>(std::min<std::uint64_t>(left, piece.size())));
      const auto count = static_cast<std::size_t>(file.gcount());
      if (count == 0 || !send({piece.data(), count})) return false;
      left -= count;
    }
    return true;
  }

  bool send_stream(const Answer& answer) {
    while (const auto piece = answer.stream(stop_))
      if (!piece->empty() && !send(fmt::format("{:x}\r\n{}\r\n", piece->size(), *piece))) return false;
    return send("0\r\n\r\n");
  }

  TlsStream stream_;
  Way way_;
  const Server::Handler& handler_;
  std::filesystem::path upload_folder_;
  std::atomic<unsigned>& uploads_;
  std::stop_token stop_;
  boost::beast::flat_buffer buffer_;
};

class BeastServer : public Server {
 public:
  BeastServer(TlsContexts::CertificateOf certificate_of, std::filesystem::path upload_folder)
      : upload_folder_(std::move(upload_folder)),
        work_(asio::make_work_guard(context_)),
        tls_(std::move(certificate_of)),
        acceptor_thread_([this] { context_.run(); }) {}
  ~BeastServer() override { stop(); }

  void serve(Handler handler) override { handler_ = std::move(handler); }

  void stop() override {
    work_.reset();
    context_.stop();
    if (acceptor_thread_.joinable()) acceptor_thread_.join();
    stopping_.request_stop();
    std::unique_lock guard(mutex_);
    for (Connection* connection : connections_) connection->hang_up();
    // A handler in the middle of long work is not waited for longer than this.
    none_left_.wait_for(guard, kLongestGoodbye, [this] { return serving_ == 0; });
  }

  Result<std::uint16_t> open(std::uint16_t wanted) override {
    auto acceptor = std::make_shared<tcp::acceptor>(context_);
    error_code error;
    const tcp::endpoint endpoint(asio::ip::address_v4::loopback(), wanted);
    acceptor->open(endpoint.protocol(), error);
    if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor->bind(endpoint, error);
    if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
    if (error)
      return fail({.kind = Error::Kind::refused,
                   .code = "port-in-use",
                   .message = fmt::format("cannot listen on port {}: {}", wanted, error.message()),
                   .help = "choose another one with `--port`, or `--port 0` for any"});
    const std::uint16_t port = acceptor->local_endpoint(error).port();
    {
      const std::lock_guard guard(mutex_);
      acceptors_[port] = {acceptor};
    }
    accept(acceptor, {port});
    open_ipv6(port);
    return port;
  }

  void adopt(Descriptor listener, std::uint16_t port) override {
    auto acceptor = std::make_shared<tcp::acceptor>(context_, tcp::v4(), listener.release());
    {
      const std::lock_guard guard(mutex_);
      acceptors_[port].push_back(acceptor);
    }
    accept(acceptor, {port, true});
  }

  void close(std::uint16_t port) override {
    const std::lock_guard guard(mutex_);
    const auto found = acceptors_.find(port);
    if (found == acceptors_.end()) return;
    for (const auto& acceptor : found->second)
      asio::post(context_, [acceptor] {
        error_code ignored;
        acceptor->close(ignored);
      });
    acceptors_.erase(found);
  }

 private:
  /// `localhost` is ::1 first for some clients. A machine without IPv6 does without.
  void open_ipv6(std::uint16_t port) {
    auto acceptor = std::make_shared<tcp::acceptor>(context_);
    error_code error;
    const tcp::endpoint endpoint(asio::ip::address_v6::loopback(), port);
    acceptor->open(endpoint.protocol(), error);
    if (!error) acceptor->set_option(asio::ip::v6_only{true}, error);
    if (!error) acceptor->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor->bind(endpoint, error);
    if (!error) acceptor->listen(asio::socket_base::max_listen_connections, error);
    if (error) return;
    {
      const std::lock_guard guard(mutex_);
      acceptors_[port].push_back(acceptor);
    }
    accept(acceptor, {port});
  }

  void serve_connection(tcp::socket socket, Way way) {
    auto connection = std::make_unique<Connection>(std::move(socket), way, tls_.front(), handler_, upload_folder_,
                                                   uploads_, stopping_.get_token());
    {
      const std::lock_guard guard(mutex_);
      connections_.insert(connection.get());
    }
    if (!stopping_.stop_requested()) connection->run();
    const std::lock_guard guard(mutex_);
    connections_.erase(connection.get());
    connection.reset();  // before it counts as gone: its socket belongs to our context
    if (--serving_ == 0) none_left_.notify_all();
  }

  void accept(const std::shared_ptr<tcp::acceptor>& acceptor, Way way) {
    acceptor->async_accept([this, acceptor, way](const error_code& error, tcp::socket socket) {
      if (error == asio::error::operation_aborted || !acceptor->is_open()) return;
      if (!error) {
        {
          const std::lock_guard guard(mutex_);
          ++serving_;
        }
        std::thread([this, way, taken = std::move(socket)]() mutable {
          serve_connection(std::move(taken), way);
        }).detach();
      }
      accept(acceptor, way);
    });
  }

  std::filesystem::path upload_folder_;
  asio::io_context context_;
  asio::executor_work_guard<asio::io_context::executor_type> work_;
  TlsContexts tls_;
  Handler handler_;
  std::atomic<unsigned> uploads_ = 0;
  std::stop_source stopping_;
  std::mutex mutex_;
  std::condition_variable none_left_;
  std::set<Connection*> connections_;
  std::size_t serving_ = 0;  // threads, also those that have not made their connection yet
  std::map<std::uint16_t, std::vector<std::shared_ptr<tcp::acceptor>>> acceptors_;
  std::thread acceptor_thread_;
};

}  // namespace

Result<std::unique_ptr<Server>> Server::make(const CertificateAuthority& authority,
                                             std::filesystem::path upload_folder) {
  TRY_ASSIGN(const auto own, authority.issue({"localhost", "*.localhost", "127.0.0.1", "::1"}));
  const auto certificate_of = [&authority, own, named = std::map<std::string, HostCertificate>()](
                                  const std::string& host) mutable -> std::optional<HostCertificate> {
    if (!host.ends_with(kAzureDomain)) return HostCertificate{own.key_pem, own.certificate_pem};
    if (const auto found = named.find(host); found != named.end()) return found->second;
    const auto made = authority.issue({host});
    if (!made) return std::nullopt;
    return named[host] = HostCertificate{made->key_pem, made->certificate_pem};
  };
  return std::make_unique<BeastServer>(certificate_of, std::move(upload_folder));
}

}  // namespace defang::emulator
