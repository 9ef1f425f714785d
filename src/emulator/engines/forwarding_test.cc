#include "emulator/engines/forwarding.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

#include "emulator/certificates.h"

namespace defang::emulator {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::uint32_t kLoopback = 0x7f000001;

Descriptor connect_to(std::uint16_t port, int type = SOCK_STREAM) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  place.sin_addr.s_addr = htonl(kLoopback);
  Descriptor socket(::socket(AF_INET, type, 0));
  EXPECT_EQ(::connect(socket.number(), reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
  return socket;
}

std::string read_all(int socket) {
  std::string text;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(socket, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

std::string ask(std::uint16_t port, const std::string& request) {
  const auto socket = connect_to(port);
  EXPECT_EQ(::write(socket.number(), request.data(), request.size()), static_cast<ssize_t>(request.size()));
  return read_all(socket.number());
}

/// A replica that answers each connection with what it was sent first.
class Echo {
 public:
  Echo() : listener_(std::move(listen_on_loopback(0).value())) {}
  std::uint16_t port() const { return listener_.port; }
  Upstream upstream() const {
    return {std::make_shared<const NetworkNamespace>(NetworkNamespace::own()), kLoopback, listener_.port};
  }

 private:
  void serve(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd one{listener_.socket.number(), POLLIN, 0};
      if (::poll(&one, 1, 20) <= 0) continue;
      const Descriptor client(::accept(listener_.socket.number(), nullptr, nullptr));
      char buffer[4096];
      const auto size = ::read(client.number(), buffer, sizeof buffer);
      const std::string text =
          "HTTP/1.1 200 OK\r\n\r\n" + std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
      (void)!::write(client.number(), text.data(), text.size());
    }
  }
  LoopbackListener listener_;
  std::jthread thread_{[this](std::stop_token stop) { serve(stop); }};
};

class ForwardingTest : public testing::Test {
 protected:
  std::uint16_t open_http(Forwarding::ChooseHttp choose) {
    auto listener = listen_on_loopback(0).value();
    forwarding->forward_http(std::move(listener.socket), std::move(choose));
    return listener.port;
  }
  std::uint16_t open_tcp(Forwarding::ChooseTcp choose) {
    auto listener = listen_on_loopback(0).value();
    forwarding->forward_tcp(std::move(listener.socket), std::move(choose));
    return listener.port;
  }

  FakeDisk disk;
  Result<CertificateAuthority> authority = CertificateAuthority::open(disk, "/state");
  Echo echo;
  std::unique_ptr<Forwarding> forwarding = make_forwarding([this](const std::string& host) {
    if (host == "unknown.example.org") return std::optional<HostCertificate>();
    const auto made = authority->issue({host}).value();
    return std::optional(HostCertificate{.key = made.key_pem, .chain = made.certificate_pem});
  });
};

TEST_F(ForwardingTest, PassesARequestOnAndTheAnswerBack) {
  const auto port =
      open_http([&](const RequestHead&, bool) { return Choice{.upstream = echo.upstream(), .answer = {}}; });
  const auto answer = ask(port, "POST /a HTTP/1.1\r\nHost: web\r\nContent-Length: 4\r\n\r\nbody");
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n\r\nPOST /a HTTP/1.1\r\n"));
  EXPECT_THAT(answer, HasSubstr("X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: http\r\nX-Forwarded-Host: web\r\n"));
  EXPECT_THAT(answer, EndsWith("\r\n\r\nbody"));
}

TEST_F(ForwardingTest, AnswersItselfWhereThereIsNoUpstream) {
  const auto port = open_http([](const RequestHead& head, bool) {
    return Choice{.upstream = {}, .answer = ingress_answer(404, "no " + head.host)};
  });
  EXPECT_THAT(ask(port, "GET / HTTP/1.1\r\nHost: web\r\n\r\n"), AllOf(StartsWith("HTTP/1.1 404"), EndsWith("no web")));
  EXPECT_THAT(ask(port, "nonsense\r\n\r\n"), StartsWith("HTTP/1.1 400"));
}

TEST_F(ForwardingTest, SaysThatAReplicaDoesNotListen) {
  auto gone = echo.upstream();
  gone.port = listen_on_loopback(0).value().port;
  const auto port = open_http([&](const RequestHead&, bool) { return Choice{.upstream = gone, .answer = {}}; });
  EXPECT_THAT(ask(port, "GET / HTTP/1.1\r\nHost: web\r\n\r\n"), StartsWith("HTTP/1.1 503"));
}

TEST_F(ForwardingTest, PassesBytesOnWithoutLookingAtThem) {
  const auto port = open_tcp([&] { return Choice{.upstream = echo.upstream(), .answer = {}}; });
  EXPECT_EQ(ask(port, std::string("\0\1\2", 3)), "HTTP/1.1 200 OK\r\n\r\n" + std::string("\0\1\2", 3));
  const auto closed = open_tcp([] { return Choice{}; });
  EXPECT_EQ(ask(closed, "x"), "");
}

std::string ask_with_tls(std::uint16_t port, const std::string& host) {
  const auto socket = connect_to(port);
  const std::unique_ptr<SSL_CTX, void (*)(SSL_CTX*)> context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
  const std::unique_ptr<SSL, void (*)(SSL*)> connection(SSL_new(context.get()), SSL_free);
  SSL_set_fd(connection.get(), socket.number());
  SSL_set_tlsext_host_name(connection.get(), host.c_str());
  if (SSL_connect(connection.get()) != 1) return "no handshake";
  const std::unique_ptr<X509, void (*)(X509*)> certificate(SSL_get1_peer_certificate(connection.get()), X509_free);
  if (X509_check_host(certificate.get(), host.data(), host.size(), 0, nullptr) != 1) return "another certificate";
  const auto request = "GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  SSL_write(connection.get(), request.data(), static_cast<int>(request.size()));
  std::string text;
  char buffer[4096];
  for (int size = 0; (size = SSL_read(connection.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(size));
  }
  return text;
}

TEST_F(ForwardingTest, SpeaksTlsAtTheSamePortWithACertificateOfTheNameAskedFor) {
  ASSERT_TRUE(authority);
  const auto port = open_http([&](const RequestHead&, bool tls) {
    return tls ? Choice{.upstream = echo.upstream(), .answer = {}} : Choice{.upstream = {}, .answer = "plain"};
  });
  EXPECT_THAT(ask_with_tls(port, "web.example.org"), HasSubstr("X-Forwarded-Proto: https"));
  EXPECT_THAT(ask_with_tls(port, "api.example.org"), HasSubstr("X-Forwarded-Host: api.example.org"));
  EXPECT_EQ(ask_with_tls(port, "unknown.example.org"), "no handshake");
  EXPECT_EQ(ask(port, "GET / HTTP/1.1\r\nHost: web\r\n\r\n"), "plain");
}

TEST_F(ForwardingTest, AnswersDatagrams) {
  auto socket = NetworkNamespace::own().datagram_socket(kLoopback, 0).value();
  sockaddr_in place{};
  socklen_t size = sizeof place;
  ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&place), &size);
  forwarding->answer_datagrams(std::move(socket), [](std::string_view text) { return "re: " + std::string(text); });
  const auto client = connect_to(ntohs(place.sin_port), SOCK_DGRAM);
  ASSERT_EQ(::write(client.number(), "hello", 5), 5);
  char buffer[64];
  const auto got = ::read(client.number(), buffer, sizeof buffer);
  EXPECT_EQ(std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0))), "re: hello");
}

TEST_F(ForwardingTest, ManyConnectionsAtOnceAllGetTheirAnswer) {
  const auto port =
      open_http([&](const RequestHead&, bool) { return Choice{.upstream = echo.upstream(), .answer = {}}; });
  std::vector<std::jthread> threads;
  std::atomic<int> answered = 0;
  for (int index = 0; index < 32; ++index) {
    threads.emplace_back([&] {
      if (ask(port, "GET / HTTP/1.1\r\nHost: web\r\n\r\n").starts_with("HTTP/1.1 200")) ++answered;
    });
  }
  threads.clear();
  EXPECT_EQ(answered, 32);
}

}  // namespace
}  // namespace defang::emulator
