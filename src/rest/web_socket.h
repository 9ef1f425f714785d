#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "rest/http_transport.h"
#include "support/result.h"

namespace defang::rest {

/// A connection on which both sides send messages as they come (RFC 6455), always over TLS.
class WebSocket {
 public:
  virtual ~WebSocket() = default;
  /// From any thread. What is not sent yet is limited: waits while another thread is in receive(), which sends it.
  virtual void send(std::string message) = 0;
  /// What is sent from now on is dropped, and nobody waits for it any more.
  virtual void stop_sending() = 0;
  /// The next message, or nothing when the other side has closed. Errors: connection-lost, time-out; stopped.
  virtual Result<std::optional<std::string>> receive(std::stop_token stop) = 0;
};

/// `url` begins with "wss://". An answer other than a change of protocol is an error with its status.
using OpenWebSocket = std::function<Result<std::unique_ptr<WebSocket>>(const std::string& url, const Headers& headers,
                                                                       std::stop_token stop)>;
/// Boost.Beast, with names, trust and proxy as make_beast_transport has them.
OpenWebSocket make_web_sockets(const TransportOptions& options);

}  // namespace defang::rest
