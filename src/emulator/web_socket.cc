#include "emulator/web_socket.h"

#include <openssl/evp.h>

#include <array>
#include <cstdint>

#include "support/digest.h"

namespace defang::emulator {

namespace {

// RFC 6455 5.2:  |FIN|RSV|opcode(4)|  |MASK|length(7)|  length(16 or 64)?  mask(32)  payload
constexpr std::size_t kLongestMessage = std::size_t{1} << 20;
constexpr unsigned kContinuation = 0;

struct Head {
  bool is_last = false;
  unsigned opcode = 0;
  std::size_t head_bytes = 0, payload_bytes = 0;
};

unsigned byte_at(std::string_view bytes, std::size_t at) { return static_cast<unsigned char>(bytes[at]); }

/// `head_bytes` is 0 while some of it is still to come.
Head head_of(std::string_view bytes) {
  if (bytes.size() < 2) return {};
  Head head{.is_last = (byte_at(bytes, 0) & 0x80U) != 0, .opcode = byte_at(bytes, 0) & 0x0FU};
  std::size_t length = byte_at(bytes, 1) & 0x7FU, at = 2;
  const std::size_t more = length == 126 ? 2 : length == 127 ? 8 : 0;
  if (bytes.size() < at + more + 4) return {};
  if (more > 0) length = 0;
  for (std::size_t i = 0; i < more; ++i) length = length << 8U | byte_at(bytes, at++);
  head.payload_bytes = length;
  head.head_bytes = at + 4;
  return head;
}

}  // namespace

std::string web_socket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<char, 20> digest{};
  EVP_Digest(text.data(), text.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha1(), nullptr);
  return base64({digest.data(), digest.size()});
}

std::optional<std::vector<WebSocketReader::Piece>> WebSocketReader::take(std::string_view bytes) {
  pending_ += bytes;
  std::vector<Piece> whole;
  while (true) {
    const Head head = head_of(pending_);
    if (pending_.size() >= 2 && (byte_at(pending_, 1) & 0x80U) == 0) return std::nullopt;  // clients mask (5.1)
    if (head.head_bytes == 0) return whole;
    if (head.payload_bytes > kLongestMessage - message_.size()) return std::nullopt;
    if (pending_.size() < head.head_bytes + head.payload_bytes) return whole;
    std::string payload = pending_.substr(head.head_bytes, head.payload_bytes);
    for (std::size_t i = 0; i < payload.size(); ++i)
      payload[i] = static_cast<char>(byte_at(payload, i) ^ byte_at(pending_, head.head_bytes - 4 + i % 4));
    pending_.erase(0, head.head_bytes + head.payload_bytes);
    switch (head.opcode) {
      case kContinuation:
      case static_cast<unsigned>(WebSocketOpcode::text):
      case static_cast<unsigned>(WebSocketOpcode::binary):
        message_ += payload;
        if (head.is_last) whole.push_back({Piece::Kind::message, std::exchange(message_, {})});
        break;
      case static_cast<unsigned>(WebSocketOpcode::ping):
        whole.push_back({Piece::Kind::ping, std::move(payload)});
        break;
      case static_cast<unsigned>(WebSocketOpcode::close):
        whole.push_back({Piece::Kind::close, std::move(payload)});
        break;
      case static_cast<unsigned>(WebSocketOpcode::pong):
        break;
      default:
        return std::nullopt;
    }
  }
}

std::string web_socket_frame(WebSocketOpcode opcode, std::string_view bytes) {
  std::string frame(1, static_cast<char>(0x80U | static_cast<unsigned>(opcode)));
  const std::size_t length_bytes = bytes.size() < 126 ? 0 : bytes.size() < 65536 ? 2 : 8;
  frame += static_cast<char>(length_bytes == 0 ? bytes.size() : length_bytes == 2 ? 126 : 127);
  for (std::size_t i = length_bytes; i-- > 0;)
    frame += static_cast<char>(static_cast<std::uint64_t>(bytes.size()) >> (8 * i) & 0xFFU);
  return frame.append(bytes);
}

}  // namespace defang::emulator
