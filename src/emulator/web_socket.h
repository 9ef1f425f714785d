#pragma once

#include <poll.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace defang::emulator {

/// What is said over a connection that has become a web socket. Called from one thread.
class Conversation {
 public:
  virtual ~Conversation() = default;
  /// What is waited for beside the client, as poll(2) has it; descriptor -1: nothing.
  virtual pollfd waits_for() const = 0;
  /// False: what the client says next must wait.
  virtual bool listens() const = 0;
  virtual void hear(std::string_view message) = 0;
  /// What is to be said now; nothing: it is over.
  virtual std::optional<std::vector<std::string>> speak() = 0;
};

/// The value of Sec-WebSocket-Accept (RFC 6455 4.2.2).
std::string web_socket_accept(std::string_view key);

/// Puts messages together from what a client sends (RFC 6455 5).
class WebSocketReader {
 public:
  struct Piece {
    enum class Kind { message, ping, close };
    Kind kind = Kind::message;
    std::string bytes;
    friend bool operator==(const Piece&, const Piece&) = default;
  };
  /// What became whole by these bytes; nothing where they break the protocol.
  std::optional<std::vector<Piece>> take(std::string_view bytes);

 private:
  std::string pending_, message_;
};

enum class WebSocketOpcode : unsigned char { text = 1, binary = 2, close = 8, ping = 9, pong = 10 };
/// A whole message, or a control frame, from the server.
std::string web_socket_frame(WebSocketOpcode opcode, std::string_view bytes);

}  // namespace defang::emulator
