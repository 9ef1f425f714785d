#include "emulator/dns/server.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <array>
#include <cerrno>
#include <thread>
#include <vector>

#include "emulator/engines/network_namespace.h"

namespace defang::emulator {
namespace {

constexpr std::uint32_t kNameServer = 0x7f000001;  // 127.0.0.1
constexpr std::uint32_t kResolver = 0x7f000035;    // 127.0.0.53
constexpr int kTries = 20;
// RFC 1035, 4.2.1; whoever says more (EDNS) understands what fits into a packet of any network (RFC 9715).
constexpr std::size_t kPlainLimit = 512, kExtendedLimit = 1232;
constexpr std::size_t kLongest = 65535;
constexpr timeval kPatience{.tv_sec = 1, .tv_usec = 0};  // with one client of a connection

struct Sockets {
  Descriptor datagrams, connections;
};

Result<Sockets> open_at(std::uint32_t address, std::uint16_t port) {
  const auto own = NetworkNamespace::own();
  // Datagram sockets share a port without a word, so the other one goes first.
  TRY_ASSIGN(auto connections, own.listen(address, port));
  TRY_ASSIGN(auto datagrams, own.datagram_socket(address, port));
  return Sockets{std::move(datagrams), std::move(connections)};
}

bool read_all(int from, char* to, std::size_t size) {
  for (std::size_t got = 0; got < size;) {
    const auto count = ::recv(from, to + got, size - got, 0);
    if (count <= 0) return false;
    got += static_cast<std::size_t>(count);
  }
  return true;
}

class PollingServer final : public DnsServer {
 public:
  PollingServer(std::uint16_t port, Sockets authoritative, Sockets resolver, Respond respond)
      : port_(port),
        sockets_{std::move(authoritative), std::move(resolver)},
        respond_(std::move(respond)),
        stopping_(::eventfd(0, EFD_CLOEXEC)),
        thread_([this] { serve(); }) {}
  ~PollingServer() override {
    ::eventfd_write(stopping_.number(), 1);
    thread_.join();
  }
  std::uint16_t port() const override { return port_; }

 private:
  static constexpr Role kRoles[] = {Role::authoritative, Role::resolver};

  void serve() {
    std::vector<pollfd> waiting{{stopping_.number(), POLLIN, 0}};
    for (const Sockets& one : sockets_)
      for (const int number : {one.datagrams.number(), one.connections.number()})
        waiting.push_back({number, POLLIN, 0});
    for (;;) {
      if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) return;
      if (waiting[0].revents != 0) return;
      for (std::size_t i = 0; i < 2; ++i) {
        if (waiting[1 + 2 * i].revents != 0) answer_datagram(sockets_[i].datagrams.number(), kRoles[i]);
        if (waiting[2 + 2 * i].revents != 0) answer_connection(sockets_[i].connections.number(), kRoles[i]);
      }
    }
  }

  void answer_datagram(int socket, Role role) {
    std::array<char, 4096> bytes;
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const auto count = ::recvfrom(socket, bytes.data(), bytes.size(), 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (count <= 0) return;
    const std::string_view query(bytes.data(), static_cast<std::size_t>(count));
    const bool extended = query.size() > 11 && (query[10] != 0 || query[11] != 0);  // additional records: EDNS
    const std::string answer = respond_(role, query, extended ? kExtendedLimit : kPlainLimit);
    if (!answer.empty())
      ::sendto(socket, answer.data(), answer.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&from), size);
  }

  void answer_connection(int listener, Role role) {
    const Descriptor client(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!client.valid()) return;
    ::setsockopt(client.number(), SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    ::setsockopt(client.number(), SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
    unsigned char length[2];
    if (!read_all(client.number(), reinterpret_cast<char*>(length), 2)) return;
    std::string query(static_cast<std::size_t>(length[0] << 8 | length[1]), '\0');
    if (!read_all(client.number(), query.data(), query.size())) return;
    const std::string answer = respond_(role, query, kLongest);
    if (answer.empty()) return;
    const std::string framed =
        std::string{static_cast<char>(answer.size() >> 8), static_cast<char>(answer.size())} + answer;
    ::send(client.number(), framed.data(), framed.size(), MSG_NOSIGNAL);
  }

  std::uint16_t port_;
  std::array<Sockets, 2> sockets_;
  Respond respond_;
  Descriptor stopping_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<DnsServer>> DnsServer::open(std::uint16_t wanted, Respond respond) {
  for (int tries = 0;; ++tries) {
    std::uint16_t port = wanted;
    if (port == 0 || tries > 0) {
      TRY_ASSIGN(const auto free, listen_on_loopback(0));
      port = free.port;
    }
    auto authoritative = open_at(kNameServer, port);
    auto resolver = open_at(kResolver, port);
    if (authoritative && resolver)
      return std::make_unique<PollingServer>(port, std::move(*authoritative), std::move(*resolver), std::move(respond));
    if (tries == kTries) return std::unexpected((authoritative ? resolver : authoritative).error());
  }
}

}  // namespace defang::emulator
