#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <unistd.h>
#include <zlib.h>

#include <array>
#include <atomic>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <filesystem>
#include <fstream>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "rest/http_transport.h"
#include "rest/pipeline.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

/// A certificate that signs itself, for the names of this machine.
struct SelfSigned {
  std::string certificate, key;

  explicit SelfSigned(const char* names) {
    EVP_PKEY* pair = EVP_EC_gen("P-256");
    X509* cert = X509_new();
    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -60);
    X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
    X509_set_pubkey(cert, pair);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    for (const auto& [id, value] :
         {std::pair{NID_subject_alt_name, names}, {NID_basic_constraints, "critical,CA:TRUE"}}) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, id, value);
      X509_add_ext(cert, extension, -1);
      X509_EXTENSION_free(extension);
    }
    X509_sign(cert, pair, EVP_sha256());
    certificate = pem([&](BIO* to) { PEM_write_bio_X509(to, cert); });
    key = pem([&](BIO* to) { PEM_write_bio_PrivateKey(to, pair, nullptr, nullptr, 0, nullptr, nullptr); });
    X509_free(cert);
    EVP_PKEY_free(pair);
  }

 private:
  static std::string pem(const std::function<void(BIO*)>& write) {
    BIO* memory = BIO_new(BIO_s_mem());
    write(memory);
    char* text = nullptr;
    const long size = BIO_get_mem_data(memory, &text);
    std::string out(text, static_cast<std::size_t>(size));
    BIO_free(memory);
    return out;
  }
};

/// Answers each request with what the script says, byte for byte. An empty answer: the connection is closed without
/// one.
class ScriptedServer {
 public:
  enum class Over { plain, tls };
  using Script = std::function<std::string(const std::string& request)>;

  ScriptedServer(Over over, Script script, const char* names = "DNS:localhost,IP:127.0.0.1")
      : over_(over),
        script_(std::move(script)),
        identity_(names),
        acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    folder_ = std::filesystem::temp_directory_path() /
              ("rest-test-" + std::to_string(getpid()) + "-" + std::to_string(port()));
    std::filesystem::create_directories(folder_);
    std::ofstream(ca_file()) << identity_.certificate;
    thread_ = std::thread([this] { accept_all(); });
  }
  ~ScriptedServer() {
    {
      const std::scoped_lock lock(mutex_);
      ended_ = true;
      for (tcp::socket* socket : open_) ::shutdown(socket->native_handle(), SHUT_RDWR);
    }
    boost::system::error_code ignored;
    tcp::socket wake(io_);
    wake.connect(acceptor_.local_endpoint(), ignored);
    tcp::socket wake_second(io_);
    if (second_) wake_second.connect(second_->local_endpoint(), ignored);
    thread_.join();
    for (auto& thread : threads_) thread.join();
    std::filesystem::remove_all(folder_);
  }

  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::string url(const std::string& host = "localhost") const {
    return (over_ == Over::tls ? "https://" : "http://") + host + ":" + std::to_string(port());
  }
  /// A second place of the same server.
  void also_on(const tcp::endpoint& endpoint) {
    const std::scoped_lock lock(mutex_);
    threads_.emplace_back([this, &second = second_.emplace(io_, endpoint)] {
      tcp::socket socket(io_);
      second.accept(socket);
      ++connections_;
      serve(socket);
    });
  }
  /// Answers a request that expects something, before its body. Not set: nothing is said.
  Script expected;
  std::string ca_file() const { return folder_ / "ca.pem"; }
  std::unique_ptr<HttpTransport> transport() const { return make_beast_transport({.ca_file = ca_file()}).value(); }
  int connections() const { return connections_; }

 private:
  void accept_all() {
    while (true) {
      tcp::socket socket(io_);
      boost::system::error_code error;
      acceptor_.accept(socket, error);
      const std::scoped_lock lock(mutex_);
      if (error || ended_) return;
      ++connections_;
      threads_.emplace_back([this, moved = std::make_shared<tcp::socket>(std::move(socket))] { serve(*moved); });
    }
  }
  void serve(tcp::socket& socket) {
    {
      const std::scoped_lock lock(mutex_);
      if (ended_) return;
      open_.push_back(&socket);
    }
    try {
      if (over_ == Over::plain) {
        talk(socket);
      } else {
        asio::ssl::context context(asio::ssl::context::tls_server);
        context.use_certificate(asio::buffer(identity_.certificate), asio::ssl::context::pem);
        context.use_private_key(asio::buffer(identity_.key), asio::ssl::context::pem);
        asio::ssl::stream<tcp::socket&> stream(socket, context);
        stream.handshake(asio::ssl::stream_base::server);
        talk(stream);
      }
    } catch (const std::exception&) {  // the client went away
    }
    const std::scoped_lock lock(mutex_);
    std::erase(open_, &socket);
    boost::system::error_code ignored;
    socket.close(ignored);
  }
  template <class Stream>
  void talk(Stream& stream) {
    std::string buffer;
    while (true) {
      const std::size_t head = asio::read_until(stream, asio::dynamic_buffer(buffer), "\r\n\r\n");
      std::size_t length = 0;
      for (const std::string& line : split(buffer.substr(0, head), '\n')) {
        if (line.starts_with("Content-Length: ")) length = to_number(trim(line.substr(16))).value();
      }
      if (expected && buffer.substr(0, head).find("Expect: ") != std::string::npos) {
        const std::string answer = expected(buffer.substr(0, head));
        asio::write(stream, asio::buffer(answer));
        if (!answer.starts_with("HTTP/1.1 100")) return;
      }
      while (buffer.size() < head + length) {
        std::string more(65536, '\0');
        more.resize(stream.read_some(asio::buffer(more)));
        buffer += more;
      }
      const std::string answer = script_(buffer.substr(0, head + length));
      buffer.erase(0, head + length);
      if (answer.empty()) return;
      asio::write(stream, asio::buffer(answer));
      if (answer.find("Connection: close") != std::string::npos) return;
    }
  }

  Over over_;
  Script script_;
  SelfSigned identity_;
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::optional<tcp::acceptor> second_;
  std::filesystem::path folder_;
  std::atomic<int> connections_ = 0;
  std::mutex mutex_;
  bool ended_ = false;
  std::vector<tcp::socket*> open_;
  std::vector<std::thread> threads_;
  std::thread thread_;
};

std::string ok(const std::string& body, const std::string& headers = "") {
  return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class TextSource : public BodySource {
 public:
  explicit TextSource(std::string text) : text_(std::move(text)) {}
  std::uint64_t size_bytes() const override { return text_.size(); }
  Result<std::size_t> read(char* buffer, std::size_t size) override {
    const std::size_t got = text_.copy(buffer, size, at_);
    at_ += got;
    return got;
  }
  Result<void> rewind() override {
    at_ = 0;
    return {};
  }

 private:
  std::string text_;
  std::size_t at_ = 0;
};

TEST(BeastTransport, SendsTheUrlVerbatimAndReadsTheAnswerOverTls) {
  std::string seen;
  ScriptedServer server(ScriptedServer::Over::tls, [&](const std::string& request) {
    seen = request;
    return ok("{\"a\":1}", "X-Ms-Request-Id: r1\r\n");
  });
  const auto response = server.transport()->send(
      {.method = "PUT", .url = server.url() + "/x?c=%2b+(a)", .headers = {{"If-Match", "*"}}, .body = "hello"}, {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 200);
  EXPECT_EQ(response->headers.get("x-ms-request-id"), "r1");
  EXPECT_EQ(response->body, "{\"a\":1}");
  EXPECT_EQ(seen, "PUT /x?c=%2b+(a) HTTP/1.1\r\nHost: localhost:" + std::to_string(server.port()) +
                      "\r\nIf-Match: *\r\nContent-Length: 5\r\nAccept-Encoding: gzip\r\n\r\nhello");
}

TEST(BeastTransport, RefusesACertificateOfAnotherName) {
  ScriptedServer server(
      ScriptedServer::Over::tls, [](const std::string&) { return ok("secret"); }, "DNS:elsewhere.test");
  const auto response = server.transport()->send({.url = server.url() + "/"}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "tls-failed");
  EXPECT_TRUE(response.error().message.find("hostname mismatch") != std::string::npos) << response.error().message;
}

TEST(BeastTransport, RefusesACertificateThatNobodyKnownSigned) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string&) { return ok("secret"); });
  ScriptedServer other(ScriptedServer::Over::tls, [](const std::string&) { return ok("secret"); });
  const auto response = other.transport()->send({.url = server.url() + "/"}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "tls-failed");
  EXPECT_TRUE(response.error().help.find(other.ca_file()) != std::string::npos) << response.error().help;
}

TEST(BeastTransport, ChecksAddressesAgainstTheCertificateToo) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string&) { return ok("yes"); });
  EXPECT_EQ(server.transport()->send({.url = server.url("127.0.0.1") + "/"}, {})->body, "yes");
}

TEST(BeastTransport, UsesAConnectionAgain) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string&) { return ok("x"); });
  const auto transport = server.transport();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(transport->send({.url = server.url() + "/"}, {}));
  EXPECT_EQ(server.connections(), 1);
}

TEST(BeastTransport, OpensAnotherConnectionWhenTheIdleOneWasClosed) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string&) { return ok("x", "Connection: close\r\n"); });
  const auto transport = server.transport();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(transport->send({.method = "POST", .url = server.url() + "/"}, {}));
  EXPECT_EQ(server.connections(), 3);
}

TEST(BeastTransport, RepeatsOnlyWhatIsSafeWhenAnIdleConnectionDiesUnderTheRequest) {
  std::atomic<int> asked = 0;
  ScriptedServer server(ScriptedServer::Over::plain,
                        [&](const std::string&) { return ++asked == 2 ? std::string() : ok("x"); });
  const auto transport = server.transport();
  ASSERT_TRUE(transport->send({.url = server.url() + "/"}, {}));
  EXPECT_TRUE(transport->send({.method = "PUT", .url = server.url() + "/"}, {}));
  EXPECT_EQ(asked, 3);
  asked = 1;
  const auto response = transport->send({.method = "POST", .url = server.url() + "/"}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "connection-lost");
  EXPECT_EQ(response.error().kind, Error::Kind::unreachable);
  EXPECT_EQ(asked, 2);
}

TEST(BeastTransport, StreamsBodiesBothWays) {
  const std::string big(3'000'000, 'b');
  ScriptedServer server(ScriptedServer::Over::tls,
                        [&](const std::string& request) { return ok(request.substr(request.find("\r\n\r\n") + 4)); });
  std::string back;
  std::size_t largest = 0;
  const auto response = server.transport()->send({.method = "PUT",
                                                  .url = server.url() + "/",
                                                  .source = std::make_shared<TextSource>(big),
                                                  .sink = [&](std::string_view piece) -> Result<void> {
                                                    back += piece;
                                                    largest = std::max(largest, piece.size());
                                                    return {};
                                                  }},
                                                 {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_TRUE(back == big);
  EXPECT_LE(largest, 65536u);
  EXPECT_TRUE(response->body.empty());
}

TEST(BeastTransport, AWriteThatIsRefusedMeanwhileNeverArrivesWhole) {
  std::atomic<int> arrived = 0;
  ScriptedServer server(ScriptedServer::Over::tls, [&](const std::string&) {
    ++arrived;
    return ok("written");
  });
  const auto transport = server.transport();
  const Error lost{.kind = Error::Kind::refused, .code = "lease-lost"};
  HttpRequest request{.method = "PUT", .url = server.url() + "/", .body = "short", .refusal = [&] { return lost; }};
  EXPECT_EQ(transport->send(request, {}).error().code, "lease-lost");
  int pieces = 0;
  request = {
      .method = "PUT", .url = server.url() + "/", .source = std::make_shared<TextSource>(std::string(1 << 20, 'x'))};
  request.refusal = [&] { return ++pieces > 5 ? std::optional(lost) : std::nullopt; };
  EXPECT_EQ(transport->send(request, {}).error().code, "lease-lost");
  EXPECT_EQ(arrived, 0);
  request = {
      .method = "PUT", .url = server.url() + "/", .body = "short", .refusal = [] { return std::optional<Error>(); }};
  EXPECT_EQ(transport->send(request, {})->body, "written");
}

TEST(BeastTransport, KeepsTheBodyOfARefusalForTheError) {
  ScriptedServer server(ScriptedServer::Over::plain,
                        [](const std::string&) { return "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone"; });
  const auto response =
      server.transport()->send({.url = server.url() + "/",
                                .sink = [](std::string_view) -> Result<void> { return fail(Error{.code = "never"}); }},
                               {});
  ASSERT_TRUE(response);
  EXPECT_EQ(response->body, "gone");
}

TEST(BeastTransport, HandsOnWhatTheSinkRefuses) {
  ScriptedServer server(ScriptedServer::Over::plain, [](const std::string&) { return ok("abc"); });
  const auto response = server.transport()->send(
      {.url = server.url() + "/",
       .sink = [](std::string_view) -> Result<void> { return fail(Error{.code = "file-full"}); }},
      {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "file-full");
}

TEST(BeastTransport, ReadsChunksAndSkipsInterimAnswers) {
  ScriptedServer server(ScriptedServer::Over::plain, [](const std::string&) {
    return "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
           "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  });
  EXPECT_EQ(server.transport()->send({.url = server.url() + "/"}, {})->body, "abcde");
}

TEST(BeastTransport, ReadsToTheEndWhereNoLengthIsGiven) {
  ScriptedServer server(ScriptedServer::Over::plain,
                        [](const std::string&) { return "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"; });
  EXPECT_EQ(server.transport()->send({.url = server.url() + "/"}, {})->body, "all of it");
}

TEST(BeastTransport, ReportsAnAnswerThatBreaksOff) {
  ScriptedServer server(ScriptedServer::Over::plain, [](const std::string&) {
    return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 100\r\n\r\nhalf";
  });
  const auto response = server.transport()->send({.url = server.url() + "/"}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "connection-lost");
}

TEST(BeastTransport, ReadsHeadersOfSeveralKilobytes) {
  const std::string poll = "https://arm.test/operations/1?c=" + std::string(9000, 'c');
  ScriptedServer server(ScriptedServer::Over::plain, [&](const std::string&) {
    return ok("", "Azure-AsyncOperation: " + poll + "\r\nLocation: " + poll + "\r\n");
  });
  EXPECT_EQ(server.transport()->send({.url = server.url() + "/"}, {})->headers.get("location"), poll);
}

TEST(BeastTransport, AnswersHeadWithoutABody) {
  ScriptedServer server(ScriptedServer::Over::plain,
                        [](const std::string&) { return "HTTP/1.1 200 OK\r\nContent-Length: 700\r\n\r\n"; });
  const auto transport = server.transport();
  EXPECT_EQ(transport->send({.method = "HEAD", .url = server.url() + "/"}, {})->headers.get("Content-Length"), "700");
  EXPECT_EQ(transport->send({.method = "HEAD", .url = server.url() + "/"}, {})->status, 200);
}

TEST(BeastTransport, GivesUpOnASilentServerAfterTheIdleLimit) {
  ScriptedServer server(ScriptedServer::Over::plain, [](const std::string&) {
    std::this_thread::sleep_for(400ms);
    return ok("late");
  });
  const auto response = server.transport()->send({.url = server.url() + "/", .idle_limit = 100ms}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "time-out");
}

TEST(BeastTransport, StopsWithinAMomentOfBeingAsked) {
  std::atomic<bool> release = false;
  ScriptedServer server(ScriptedServer::Over::tls, [&](const std::string&) {
    while (!release) std::this_thread::sleep_for(10ms);
    return ok("late");
  });
  std::stop_source stop;
  const auto transport = server.transport();
  std::jthread stopper([&] {
    std::this_thread::sleep_for(100ms);
    stop.request_stop();
  });
  const auto before = std::chrono::steady_clock::now();
  const auto response = transport->send({.url = server.url() + "/"}, stop.get_token());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  release = true;
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, Error::Kind::stopped);
}

TEST(BeastTransport, ServesManyThreadsAtOnceWhileSomeAreStopped) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string& request) {
    if (request.starts_with("GET /slow")) std::this_thread::sleep_for(5ms);
    return ok(request.substr(4, request.find(' ', 4) - 4));
  });
  const auto transport = server.transport();
  std::atomic<int> answered = 0, stopped = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        std::stop_source stop;
        std::jthread stopper;
        if (t % 2 == 1) {
          stopper = std::jthread([&stop, i] {
            std::this_thread::sleep_for(std::chrono::milliseconds(i));
            stop.request_stop();
          });
        }
        const std::string path = (t % 2 == 1 ? "/slow-" : "/quick-") + std::to_string(t * 100 + i);
        const auto response = transport->send({.url = server.url() + path}, stop.get_token());
        if (response) {
          EXPECT_EQ(response->body, path);
          ++answered;
        } else {
          EXPECT_EQ(response.error().kind, Error::Kind::stopped);
          ++stopped;
        }
      }
    });
  }
  threads.clear();
  EXPECT_EQ(answered + stopped, 80);
  EXPECT_GE(answered, 40);
}

/// Leads one tunnel to a server of this machine, whatever name was asked for.
class TunnelProxy {
 public:
  explicit TunnelProxy(std::uint16_t to) : acceptor_(io_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)) {
    thread_ = std::thread([this, to] {
      tcp::socket client(io_), server(io_);
      acceptor_.accept(client);
      std::string head;
      asio::read_until(client, asio::dynamic_buffer(head), "\r\n\r\n");
      server.connect(tcp::endpoint(asio::ip::address_v4::loopback(), to));
      asio::write(client, asio::buffer(std::string("HTTP/1.1 200 Connection established\r\n\r\n")));
      std::thread back([&] { copy(server, client); });
      copy(client, server);
      back.join();
    });
  }
  ~TunnelProxy() { thread_.join(); }
  std::string address() const { return "http://localhost:" + std::to_string(acceptor_.local_endpoint().port()); }

 private:
  static void copy(tcp::socket& from, tcp::socket& to) {
    boost::system::error_code error;
    std::string piece(65536, '\0');
    while (!error) {
      const std::size_t got = from.read_some(asio::buffer(piece), error);
      if (!error) asio::write(to, asio::buffer(piece.data(), got), error);
    }
    to.shutdown(tcp::socket::shutdown_both, error);
  }
  asio::io_context io_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

TEST(BeastTransport, SpeaksTlsThroughAProxyAndChecksTheFarEnd) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string&) { return ok("far"); }, "DNS:far.test");
  TunnelProxy proxy(server.port());
  const auto transport = make_beast_transport({.ca_file = server.ca_file(), .https_proxy = proxy.address()}).value();
  const std::string url = server.url("far.test") + "/";
  EXPECT_EQ(transport->send({.url = url}, {})->body, "far");
  EXPECT_EQ(transport->send({.url = url}, {})->body, "far");
  EXPECT_EQ(server.connections(), 1);
}

TEST(BeastTransport, SaysThatTheProxyRefusedAndWhichOne) {
  std::string asked;
  ScriptedServer proxy(ScriptedServer::Over::plain, [&](const std::string& request) {
    asked = request;
    return "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n";
  });
  const auto transport =
      make_beast_transport(
          {.ca_file = proxy.ca_file(), .https_proxy = "http://me:p%40ss@localhost:" + std::to_string(proxy.port())})
          .value();
  const auto response = transport->send({.url = "https://management.test/x"}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "proxy-failed");
  EXPECT_TRUE(response.error().message.ends_with("HTTP/1.1 407 Proxy Authentication Required"))
      << response.error().message;
  EXPECT_EQ(asked,
            "CONNECT management.test:443 HTTP/1.1\r\nHost: management.test:443\r\nProxy-Authorization: Basic "
            "bWU6cEBzcw==\r\n\r\n");
}

TEST(BeastTransport, GoesAroundTheProxyToThisMachine) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string&) { return ok("direct"); });
  const auto transport = make_beast_transport({.ca_file = server.ca_file(), .https_proxy = "localhost:1"}).value();
  EXPECT_EQ(transport->send({.url = server.url() + "/"}, {})->body, "direct");
}

TEST(BeastTransport, NamesThePlaceThatDoesNotAnswer) {
  std::string url;
  std::unique_ptr<HttpTransport> transport;
  {
    ScriptedServer server(ScriptedServer::Over::plain, [](const std::string&) { return ok(""); });
    url = server.url();
    transport = server.transport();
  }
  const auto response = transport->send({.url = url + "/"}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "connect-failed");
  EXPECT_TRUE(response.error().message.find(url.substr(7)) != std::string::npos) << response.error().message;
}

std::string gzip_of(std::string plain) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, plain.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

TEST(BeastTransport, AsksForGzipAndUnpacksIt) {
  std::string long_text;
  for (int i = 0; i < 50'000; ++i) long_text += std::to_string(i);
  std::string asked;
  ScriptedServer server(ScriptedServer::Over::tls, [&](const std::string& request) {
    asked = request;
    if (request.starts_with("GET /empty")) return ok("", "Content-Encoding: gzip\r\n");
    return ok(gzip_of(long_text) + gzip_of("tail"), "Content-Encoding: GZIP\r\nETag: \"1\"\r\n");
  });
  const auto transport = server.transport();
  const auto whole = transport->send({.url = server.url() + "/"}, {});
  ASSERT_TRUE(whole) << whole.error().message;
  EXPECT_TRUE(whole->body == long_text + "tail");
  EXPECT_TRUE(asked.find("\r\nAccept-Encoding: gzip\r\n") != std::string::npos);
  EXPECT_FALSE(whole->headers.has("Content-Encoding") || whole->headers.has("Content-Length"));
  EXPECT_EQ(whole->headers.get("ETag"), "\"1\"");
  std::string streamed;
  const BodySink sink = [&](std::string_view piece) -> Result<void> {
    streamed += piece;
    return {};
  };
  EXPECT_TRUE(transport->send({.url = server.url() + "/", .sink = sink}, {}));
  EXPECT_TRUE(streamed == long_text + "tail");
  EXPECT_EQ(transport->send({.url = server.url() + "/empty"}, {})->body, "");
  EXPECT_EQ(server.connections(), 1);
}

TEST(BeastTransport, LeavesPackedWhatItDidNotAskForSo) {
  std::string asked;
  ScriptedServer server(ScriptedServer::Over::plain, [&](const std::string& request) {
    asked = request;
    return ok("\x1f\x8b", "Content-Encoding: gzip\r\n");
  });
  const auto part = server.transport()->send({.url = server.url() + "/", .headers = {{"x-ms-range", "bytes=0-1"}}}, {});
  EXPECT_EQ(part->body, "\x1f\x8b");
  EXPECT_EQ(part->headers.get("Content-Encoding"), "gzip");
  EXPECT_EQ(asked.find("Accept-Encoding"), std::string::npos);
}

TEST(BeastTransport, SaysWhatIsWrongWithGzipThatIsNone) {
  for (const auto& [body, code] : {std::pair<std::string, std::string>{"no gzip at all", "answer-invalid"},
                                   {gzip_of("this is cut off").substr(0, 15), "answer-invalid"}}) {
    ScriptedServer server(ScriptedServer::Over::plain,
                          [&](const std::string&) { return ok(body, "Content-Encoding: gzip\r\n"); });
    const auto response = server.transport()->send({.url = server.url() + "/"}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().code, code) << response.error().message;
  }
}

TEST(BeastTransport, SendsALongBodyOnceItIsWelcome) {
  const std::string big(2'000'000, 'b');
  ScriptedServer server(ScriptedServer::Over::tls, [&](const std::string& request) {
    return ok(std::to_string(request.size() - request.find("\r\n\r\n") - 4));
  });
  server.expected = [](const std::string&) { return "HTTP/1.1 100 Continue\r\n\r\n"; };
  const auto transport = server.transport();
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(
        transport->send({.method = "PUT", .url = server.url() + "/", .source = std::make_shared<TextSource>(big)}, {})
            ->body,
        "2000000");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);  // nobody waited out the moment
  EXPECT_EQ(server.connections(), 1);
}

TEST(BeastTransport, KeepsALongBodyBackWhereItIsRefused) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string&) { return ok("it was sent"); });
  server.expected = [](const std::string&) { return "HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!"; };
  struct Counted : TextSource {
    using TextSource::TextSource;
    Result<std::size_t> read(char* buffer, std::size_t size) override {
      ++reads;
      return TextSource::read(buffer, size);
    }
    int reads = 0;
  };
  const auto body = std::make_shared<Counted>(std::string(2'000'000, 'b'));
  const auto transport = server.transport();
  const auto response = transport->send({.method = "PUT", .url = server.url() + "/", .source = body}, {});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 403);
  EXPECT_EQ(response->body, "no!");
  EXPECT_EQ(body->reads, 0);
  EXPECT_EQ(transport->send({.url = server.url() + "/"}, {})->body, "it was sent");  // on a connection of its own
  EXPECT_EQ(server.connections(), 2);
}

TEST(BeastTransport, SendsALongBodyUnaskedToWhoeverDoesNotKnowOfAsking) {
  const std::string big(2'000'000, 'b');
  ScriptedServer silent(ScriptedServer::Over::tls, [](const std::string&) { return ok("taken"); });
  EXPECT_EQ(silent.transport()->send({.method = "PUT", .url = silent.url() + "/", .body = big}, {})->body, "taken");
  ScriptedServer refusing(ScriptedServer::Over::tls, [](const std::string& request) {
    return ok(request.find("Expect") == std::string::npos ? "taken" : "asked");
  });
  refusing.expected = [](const std::string&) { return "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n"; };
  const auto transport = refusing.transport();
  for (int i = 0; i < 2; ++i)
    EXPECT_EQ(
        transport->send({.method = "PUT", .url = refusing.url() + "/", .source = std::make_shared<TextSource>(big)}, {})
            ->body,
        "taken");
}

TEST(BeastTransport, GivesUpOnAnAnswerThatDripsLongerThanTheTotalLimit) {
  ScriptedServer server(ScriptedServer::Over::plain, [](const std::string&) { return ok("x"); });
  std::atomic<bool> over = false;
  asio::io_context io;
  tcp::acceptor acceptor(io, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  std::jthread dripping([&] {
    boost::system::error_code error;
    tcp::socket client(io);
    acceptor.accept(client);
    asio::write(client, asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")), error);
    while (!error && !over) {
      asio::write(client, asio::buffer(std::string("drop")), error);
      std::this_thread::sleep_for(20ms);
    }
  });
  const std::string url = "http://localhost:" + std::to_string(acceptor.local_endpoint().port()) + "/?sig=s3cret";
  const auto begin = std::chrono::steady_clock::now();
  const auto response = server.transport()->send({.url = url, .total_limit = 300ms}, {});
  over = true;
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "time-out");
  EXPECT_TRUE(response.error().message.ends_with("has not answered in full within 0.3 s")) << response.error().message;
}

/// A port of 127.0.0.1 that swallows whatever wants to connect: its queue is full.
struct Swallowing {
  Swallowing() {
    acceptor.open(tcp::v4());
    acceptor.bind(tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    acceptor.listen(0);
    for (auto& waiting : queue) {
      waiting.open(tcp::v4());
      waiting.native_non_blocking(true);  // asio's own connect() would wait for minutes
      const tcp::endpoint full = acceptor.local_endpoint();
      ::connect(waiting.native_handle(), full.data(), static_cast<socklen_t>(full.size()));
    }
  }
  std::uint16_t port() const { return acceptor.local_endpoint().port(); }
  asio::io_context io;
  tcp::acceptor acceptor{io};
  std::array<tcp::socket, 3> queue{tcp::socket(io), tcp::socket(io), tcp::socket(io)};
};

TEST(BeastTransport, TriesTheOtherFamilyWhileOneAddressKeepsSilent) {
  ScriptedServer server(ScriptedServer::Over::tls, [](const std::string&) { return ok("by IPv6"); });
  const Swallowing silent;
  server.also_on(tcp::endpoint(asio::ip::address_v6::loopback(), silent.port()));
  const auto begin = std::chrono::steady_clock::now();
  const auto response =
      server.transport()->send({.url = "https://localhost:" + std::to_string(silent.port()) + "/"}, {});
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 3s);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "by IPv6");
}

TEST(BeastTransport, SaysOfEachAddressWhatBecameOfIt) {
  const Swallowing silent;  // and ::1 refuses
  const std::string url = "http://localhost:" + std::to_string(silent.port()) + "/?sig=s3cret";
  const auto transport = make_beast_transport({.connect_limit = 600ms}).value();
  const auto response = transport->send({.url = url}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().message, "cannot connect to `localhost:" + std::to_string(silent.port()) +
                                          "` (127.0.0.1): no answer; (::1): Connection refused");
}

TEST(BeastTransport, IsAskedAgainAtTheMomentThatAnAnswerNames) {
  int asked = 0;
  ScriptedServer server(ScriptedServer::Over::tls, [&](const std::string&) {
    if (++asked > 1) return ok("now");
    return std::string(
        "HTTP/1.1 503 Service Unavailable\r\nDate: Tue, 24 Nov 2026 23:59:58 GMT\r\nRetry-After: Wed, 25 Nov 2026 "
        "00:00:05 GMT\r\nContent-Length: 0\r\n\r\n");
  });
  FakeClock clock;
  const auto random = make_seeded_random(1);
  const auto transport = server.transport();
  const auto pipeline = make_pipeline({.transport = *transport, .clock = clock, .random = *random});
  EXPECT_EQ(pipeline->send({.method = "PUT", .url = server.url() + "/"}, {}, {})->body, "now");
  EXPECT_GE(clock.elapsed(), 7s);
  EXPECT_LE(clock.elapsed(), 8s);
}

TEST(BeastTransport, ShowsNoSecretInItsErrors) {
  std::mutex mutex;
  std::string said;
  const auto say = [&](std::string text) {
    const std::lock_guard lock(mutex);
    said = std::move(text);
  };
  ScriptedServer broken(ScriptedServer::Over::plain, [&](const std::string&) {
    const std::lock_guard lock(mutex);
    return said;
  });
  ScriptedServer stranger(ScriptedServer::Over::tls, [](const std::string&) { return ok(""); });
  const auto transport = broken.transport();
  const auto proxied =
      make_beast_transport({.ca_file = broken.ca_file(), .https_proxy = "http://me:s3cret@" + broken.url().substr(7)})
          .value();
  const auto error_of = [&](HttpTransport& by, const std::string& url) {
    const auto response = by.send({.method = "POST",
                                   .url = url,
                                   .headers = {{"Authorization", "Bearer s3cret"}},
                                   .body = "client_secret=s3cret",
                                   .idle_limit = 100ms},
                                  {});
    if (response) return std::string("answered");
    const Error& error = response.error();
    return error.code + "\n" + error.message + "\n" + error.help + "\n" + join(error.context, "\n");
  };
  const std::string query = "/a?sig=s3cret";
  const auto expect = [&](const std::string& code, const std::string& text) {
    EXPECT_TRUE(text.starts_with(code + "\n")) << text;
    EXPECT_EQ(text.find("s3cret"), std::string::npos) << text;
  };
  expect("connection-lost", error_of(*transport, broken.url() + query));
  say("220 this is mail\r\n\r\n");
  expect("answer-invalid", error_of(*transport, broken.url() + query));
  say("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
  expect("time-out", error_of(*transport, broken.url() + query));
  expect("tls-failed", error_of(*transport, stranger.url() + query));
  expect("connect-failed", error_of(*transport, "http://localhost:1" + query));
  expect("name-not-found", error_of(*transport, "http://nowhere.invalid" + query));
  expect("url-invalid", error_of(*transport, "https://me:s3cret@management.test" + query));
  say("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  expect("proxy-failed", error_of(*proxied, "https://management.test" + query));
}

TEST(BeastTransport, NeverSendsAHeaderThatWouldBecomeTwo) {
  ScriptedServer server(ScriptedServer::Over::plain, [](const std::string&) { return ok(""); });
  const auto response =
      server.transport()->send({.url = server.url() + "/", .headers = {{"x-note", "a\r\nAuthorization: b"}}}, {});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, "header-invalid");
}

TEST(BeastTransport, NamesTheFileOfCertificatesThatCannotBeRead) {
  const auto transport = make_beast_transport({.ca_file = "/nowhere/ca.pem"});
  ASSERT_FALSE(transport);
  EXPECT_TRUE(transport.error().message.find("/nowhere/ca.pem") != std::string::npos);
}

}  // namespace
}  // namespace defang::rest
