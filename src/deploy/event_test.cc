#include "deploy/event.h"

#include <gtest/gtest.h>

namespace defang::deploy {
namespace {
using namespace std::chrono_literals;

TEST(EventLine, HasVersionNumberTimeAndType) {
  const auto time = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2} + 3h;
  EXPECT_EQ(
      to_json_line({7, time,
                    NodeFinished{.node = "app/web",
                                 .service = "web",
                                 .how = NodeFinished::How::created,
                                 .took = 1500ms,
                                 .detail = "https://web"}}),
      R"({"v":1,"seq":7,"time":"2026-01-02T03:00:00.000Z","type":"node-finished","node":"app/web","how":"created","milliseconds":1500,"service":"web","detail":"https://web"})");
}

TEST(EventLine, CarriesTheErrorWithItsPlace) {
  Error error{.kind = Error::Kind::refused,
              .code = "Conflict",
              .message = "in use",
              .context = {},
              .origin = {},
              .request_id = "r1",
              .http_status = 409,
              .help = ""};
  error.origin = {std::make_shared<SourceFile>("compose.yaml", "a: b\n"), 1, 4, 1};
  EXPECT_EQ(
      to_json_line({1, std::chrono::system_clock::time_point{}, NodeFailed{"app/web", "web", error, 0ms}}),
      R"({"v":1,"seq":1,"time":"1970-01-01T00:00:00.000Z","type":"node-failed","node":"app/web","error":{"code":"Conflict","message":"in use","requestId":"r1","file":"compose.yaml","line":1,"column":4},"milliseconds":0,"service":"web"})");
}

}  // namespace
}  // namespace defang::deploy
