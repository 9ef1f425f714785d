#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "support/result.h"

namespace defang::emulator {

/// Answers DNS at one port of two loopback addresses, by datagram and by connection: 127.0.0.1 is the name server that
/// holds the zones, 127.0.0.53 a resolver that keeps what it has asked.
class DnsServer {
 public:
  enum class Role { authoritative, resolver };
  /// An empty answer: say nothing. Called on the server's thread.
  using Respond = std::function<std::string(Role role, std::string_view query, std::size_t limit_bytes)>;

  virtual ~DnsServer() = default;
  virtual std::uint16_t port() const = 0;
  /// `wanted` 0, or one that somebody else has: any free one.
  static Result<std::unique_ptr<DnsServer>> open(std::uint16_t wanted, Respond respond);
};

}  // namespace defang::emulator
