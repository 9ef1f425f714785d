#include "emulator/engines/network_namespace.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace defang::emulator {
namespace {

std::unexpected<Error> network_error(const std::string& doing) {
  return fail(Error::Kind::refused, "network-other", fmt::format("cannot {}: {}", doing, std::strerror(errno)));
}

Result<Descriptor> bound_socket(int type, std::uint32_t address, std::uint16_t port) {
  Descriptor made(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!made.valid()) return network_error("make a socket");
  const int yes = 1;
  ::setsockopt(made.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(port);
  place.sin_addr.s_addr = htonl(address);
  if (::bind(made.number(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) {
    return network_error(fmt::format("take {}:{}", address_text(address), port));
  }
  if (type == SOCK_STREAM && ::listen(made.number(), SOMAXCONN) != 0) {
    return network_error(fmt::format("listen at {}:{}", address_text(address), port));
  }
  return made;
}

}  // namespace

Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
  if (this != &other) {
    if (number_ >= 0) ::close(number_);
    number_ = other.release();
  }
  return *this;
}

Descriptor::~Descriptor() {
  if (number_ >= 0) ::close(number_);
}

int Descriptor::release() { return std::exchange(number_, -1); }

Result<NetworkNamespace> NetworkNamespace::open(const std::string& name) {
  NetworkNamespace made;
  made.file_ = Descriptor(::open(("/run/netns/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!made.file_.valid()) return network_error("open the network namespace " + name);
  return made;
}

void NetworkNamespace::inside(const std::function<void()>& use) const {
  if (!file_.valid()) return use();
  const Descriptor own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  if (!own.valid() || ::setns(file_.number(), CLONE_NEWNET) != 0) return;  // `use` was not run: its result says so
  use();
  // A thread that stays in a wrong namespace would connect to wrong places from now on.
  if (::setns(own.number(), CLONE_NEWNET) != 0) std::abort();
}

Result<Descriptor> NetworkNamespace::stream_socket() const {
  Result<Descriptor> made = network_error("enter a network namespace");
  inside([&] {
    Descriptor one(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    made = one.valid() ? Result<Descriptor>(std::move(one)) : network_error("make a socket");
  });
  return made;
}

Result<Descriptor> NetworkNamespace::listen(std::uint32_t address, std::uint16_t port) const {
  Result<Descriptor> made = network_error("enter a network namespace");
  inside([&] { made = bound_socket(SOCK_STREAM, address, port); });
  return made;
}

Result<Descriptor> NetworkNamespace::datagram_socket(std::uint32_t address, std::uint16_t port) const {
  Result<Descriptor> made = network_error("enter a network namespace");
  inside([&] { made = bound_socket(SOCK_DGRAM, address, port); });
  return made;
}

Result<LoopbackListener> listen_on_loopback(std::uint16_t port) {
  TRY_ASSIGN(auto made, bound_socket(SOCK_STREAM, INADDR_LOOPBACK, port));
  sockaddr_in place{};
  socklen_t size = sizeof place;
  if (::getsockname(made.number(), reinterpret_cast<sockaddr*>(&place), &size) != 0) {
    return network_error("ask for a port");
  }
  return LoopbackListener{std::move(made), ntohs(place.sin_port)};
}

std::string address_text(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255, address >> 8 & 255, address & 255);
}

}  // namespace defang::emulator
