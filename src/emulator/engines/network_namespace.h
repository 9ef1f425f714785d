#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "support/result.h"

namespace defang::emulator {

/// A file descriptor that is closed with its owner.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(other.release()) {}
  Descriptor& operator=(Descriptor&& other) noexcept;
  ~Descriptor();
  int number() const { return number_; }
  bool valid() const { return number_ >= 0; }
  int release();

 private:
  int number_ = -1;
};

/// A network of its own in the kernel. A socket belongs to the namespace in which it was made, whoever uses it later:
/// so one program can listen in many.
class NetworkNamespace {
 public:
  /// By the name under which `ip netns` knows it.
  static Result<NetworkNamespace> open(const std::string& name);
  /// The one in which this program runs.
  static NetworkNamespace own() { return {}; }

  /// Runs `use` with the calling thread inside.
  void inside(const std::function<void()>& use) const;
  Result<Descriptor> stream_socket() const;
  /// Address in host byte order.
  Result<Descriptor> listen(std::uint32_t address, std::uint16_t port) const;
  Result<Descriptor> datagram_socket(std::uint32_t address, std::uint16_t port) const;

 private:
  Descriptor file_;
};

/// A listening socket on the loopback address of this machine; port 0: a free one.
struct LoopbackListener {
  Descriptor socket;
  std::uint16_t port = 0;
};
Result<LoopbackListener> listen_on_loopback(std::uint16_t port);

std::string address_text(std::uint32_t address);

}  // namespace defang::emulator
