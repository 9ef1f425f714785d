#include "emulator/web_socket.h"

#include <gtest/gtest.h>

namespace defang::emulator {
namespace {

using Piece = WebSocketReader::Piece;

/// As a client sends it, with the mask of RFC 6455 5.7.
std::string masked(unsigned char first, std::string text) {
  const std::string mask = "\x37\xfa\x21\x3d";
  std::string frame(1, static_cast<char>(first));
  frame += static_cast<char>(0x80U | text.size());
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(text[i] ^ mask[i % 4]);
  return frame + mask + text;
}

TEST(WebSocket, AcceptsTheKeyAsTheExampleOfTheSpecification) {
  EXPECT_EQ(web_socket_accept("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, ReadsMessagesHoweverTheyAreCut) {
  EXPECT_EQ(masked(0x81, "Hello"), "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");  // RFC 6455 5.7
  const std::string bytes = masked(0x02, "Hel") + masked(0x89, "here?") + masked(0x80, "lo") + masked(0x88, "");
  const std::vector<Piece> wanted = {
      {Piece::Kind::ping, "here?"}, {Piece::Kind::message, "Hello"}, {Piece::Kind::close, ""}};
  EXPECT_EQ(WebSocketReader().take(bytes), wanted);
  WebSocketReader reader;
  std::vector<Piece> got;
  for (const char byte : bytes) {
    const auto pieces = reader.take({&byte, 1});
    ASSERT_TRUE(pieces);
    got.insert(got.end(), pieces->begin(), pieces->end());
  }
  EXPECT_EQ(got, wanted);
}

TEST(WebSocket, RefusesWhatBreaksTheProtocol) {
  EXPECT_EQ(WebSocketReader().take(std::string("\x81\x02hi", 4)), std::nullopt);  // not masked
  EXPECT_EQ(WebSocketReader().take(masked(0x83, "x")), std::nullopt);             // no such opcode
  EXPECT_EQ(WebSocketReader().take("\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
                                   "mask"),
            std::nullopt);  // too long
  EXPECT_EQ(WebSocketReader().take(masked(0x02, "begun") + "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff"
                                                           "mask"),
            std::nullopt);  // so long that it wraps round with what is there
}

TEST(WebSocket, WritesTheLengthInAsManyBytesAsItTakes) {
  const auto frame = [](std::size_t size) { return web_socket_frame(WebSocketOpcode::binary, std::string(size, 'x')); };
  EXPECT_EQ(frame(1), std::string("\x82\x01x"));
  EXPECT_EQ(frame(300).substr(0, 4), std::string("\x82\x7e\x01\x2c"));
  EXPECT_EQ(frame(70000).substr(0, 10), std::string("\x82\x7f\0\0\0\0\0\x01\x11\x70", 10));
}

}  // namespace
}  // namespace defang::emulator
