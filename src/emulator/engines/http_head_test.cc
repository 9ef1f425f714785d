#include "emulator/engines/http_head.h"

#include <gtest/gtest.h>

namespace defang::emulator {
namespace {

RequestHead head_of(std::string_view bytes) {
  RequestHead head;
  EXPECT_EQ(read_head(bytes, head), HeadProgress::complete);
  return head;
}

TEST(HttpHead, TellsHostAndTarget) {
  const auto head = head_of("POST /notes?x=1 HTTP/1.1\r\nHost: Web.Example.org:8080\r\nContent-Length: 2\r\n\r\nhi");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/notes?x=1");
  EXPECT_EQ(head.host, "web.example.org");
  EXPECT_FALSE(head.wants_upgrade);
}

TEST(HttpHead, WaitsForTheEmptyLine) {
  RequestHead head;
  EXPECT_EQ(read_head("GET / HTTP/1.1\r\nHost: a\r\n", head), HeadProgress::incomplete);
}

TEST(HttpHead, RefusesWhatIsNotHttp) {
  RequestHead head;
  EXPECT_EQ(read_head("SSH-2.0-x\r\n\r\n", head), HeadProgress::broken);
  EXPECT_EQ(read_head("GET / HTTP/1.1\r\nno colon\r\n\r\n", head), HeadProgress::broken);
  EXPECT_EQ(read_head("GET / HTTP/1.1\r\nHost : a\r\n\r\n", head), HeadProgress::broken);
  EXPECT_EQ(read_head(std::string(70000, 'x'), head), HeadProgress::broken);
}

TEST(HttpHead, KnowsHttp2ByItsPreface) {
  RequestHead head;
  EXPECT_EQ(read_head("PRI * HTTP/2.0\r\n\r\nSM\r\n", head), HeadProgress::incomplete);
  EXPECT_EQ(read_head("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0", head), HeadProgress::http2);
}

TEST(HttpHead, TellsTheReplicaWhoAsked) {
  const std::string_view bytes =
      "GET / HTTP/1.1\r\nHost: web.example.org\r\nConnection: keep-alive\r\nX-Forwarded-Proto: gopher\r\nAccept: "
      "*/*\r\n\r\n";
  EXPECT_EQ(forwarded_head(bytes, head_of(bytes), {"10.0.0.7", "https"}),
            "GET / HTTP/1.1\r\nHost: web.example.org\r\nAccept: */*\r\nX-Forwarded-For: 10.0.0.7\r\n"
            "X-Forwarded-Proto: https\r\nX-Forwarded-Host: web.example.org\r\nConnection: close\r\n\r\n");
}

TEST(HttpHead, AddsToTheChainOfClients) {
  const std::string_view bytes = "GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.2.3.4\r\n\r\n";
  EXPECT_NE(forwarded_head(bytes, head_of(bytes), {"10.0.0.7", "http"}).find("X-Forwarded-For: 1.2.3.4, 10.0.0.7\r\n"),
            std::string::npos);
}

TEST(HttpHead, LetsAWebSocketThrough) {
  const std::string_view bytes = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n";
  const auto out = forwarded_head(bytes, head_of(bytes), {"10.0.0.7", "http"});
  EXPECT_NE(out.find("Upgrade: websocket\r\n"), std::string::npos);
  EXPECT_NE(out.find("Connection: Upgrade\r\n"), std::string::npos);
}

}  // namespace
}  // namespace defang::emulator
