#include "emulator/engines/probe.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace defang::emulator {
namespace {

using testing::ElementsAre;

constexpr std::uint32_t kLoopback = 0x7f000001;

/// Answers one connection with a text, whatever was asked.
std::jthread answer_once(const LoopbackListener& listener, std::string text) {
  return std::jthread([number = listener.socket.number(), text] {
    int client = -1;
    while ((client = ::accept(number, nullptr, nullptr)) < 0) usleep(1000);
    char buffer[1024];
    (void)!::read(client, buffer, sizeof buffer);
    (void)!::write(client, text.data(), text.size());
    ::close(client);
  });
}

Probe http_probe(std::uint16_t port) { return {.kind = Probe::Kind::http, .port = port, .path = "/health"}; }

TEST(Probe, TakesAnyAnswerBelow400) {
  auto listener = listen_on_loopback(0);
  ASSERT_TRUE(listener);
  const auto thread = answer_once(*listener, "HTTP/1.1 302 Found\r\n\r\n");
  const auto result = run_probe(NetworkNamespace::own(), kLoopback, http_probe(listener->port), {});
  EXPECT_TRUE(result.success);
  EXPECT_EQ(result.detail, "HTTP 302");
}

TEST(Probe, SaysWhichStatusItGot) {
  auto listener = listen_on_loopback(0);
  ASSERT_TRUE(listener);
  const auto thread = answer_once(*listener, "HTTP/1.1 503 Service Unavailable\r\n\r\n");
  const auto result = run_probe(NetworkNamespace::own(), kLoopback, http_probe(listener->port), {});
  EXPECT_FALSE(result.success);
  EXPECT_EQ(result.detail, "HTTP 503");
}

TEST(Probe, SaysThatNobodyListens) {
  std::uint16_t port = 0;
  {
    auto listener = listen_on_loopback(0);
    ASSERT_TRUE(listener);
    port = listener->port;
  }
  const auto result = run_probe(NetworkNamespace::own(), kLoopback, {.kind = Probe::Kind::tcp, .port = port}, {});
  EXPECT_FALSE(result.success);
  EXPECT_EQ(result.detail, "connection refused");
}

TEST(Probe, GivesUpAfterItsLimit) {
  auto listener = listen_on_loopback(0);
  ASSERT_TRUE(listener);
  auto probe = http_probe(listener->port);
  probe.limit = std::chrono::milliseconds(20);
  EXPECT_EQ(run_probe(NetworkNamespace::own(), kLoopback, probe, {}).detail, "no answer within 20 ms");
}

TEST(ListeningPorts, LeavesOutLoopbackAndConnections) {
  EXPECT_THAT(listening_ports("  sl  local_address rem_address   st tx_queue\n"
                              "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000\n"
                              "   1: 0100007F:0050 00000000:0000 0A 00000000:00000000\n"
                              "   2: 0200C80A:1F91 0100C80A:9999 01 00000000:00000000\n"),
              ElementsAre(8080));
  EXPECT_THAT(
      listening_ports("   0: 00000000000000000000000000000000:0BB8 00000000000000000000000000000000:0000 0A 0\n"
                      "   1: 00000000000000000000000001000000:0BB9 00000000000000000000000000000000:0000 0A 0\n"),
      ElementsAre(3000));
}

}  // namespace
}  // namespace defang::emulator
