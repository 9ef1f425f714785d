#include "emulator/front_door.h"

#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class Door : public testing::Test {
 protected:
  Door() : door(bench.core), transport(bench.core, door) {
    door.on_kill([this] { ++kills; });
  }
  void use_faults(const std::string& text) {
    disk.files["/faults.json"] = text;
    auto faults = Faults::read(disk, "/faults.json");
    ASSERT_TRUE(faults);
    door.use(std::move(*faults));
  }
  Result<rest::HttpResponse> send(const std::string& method, const std::string& target, const std::string& body = "") {
    rest::HttpRequest request{.method = method, .url = bench.core.arm_base_url() + target, .body = body};
    request.headers.set("Authorization",
                        "Bearer " + bench.core.issue_token(bench.object_id(), "https://management.azure.com"));
    return transport.send(request, {});
  }
  std::string group() { return bench.group("g") + "?api-version=2021-04-01"; }

  Bench bench;
  FakeDisk disk;
  FrontDoor door;
  EmulatorTransport transport;
  int kills = 0;
};

TEST_F(Door, ThrottlesAsOftenAsTold) {
  use_faults(
      R"({"faults": [{"method": "PUT", "path": "/resourceGroups/", "times": 2, "do": "status", "status": 429, "retryAfter": 5}]})");
  const auto first = send("PUT", group(), R"({"location": "westus3"})");
  EXPECT_EQ(first->status, 429);
  EXPECT_EQ(first->headers.get("Retry-After"), "5");
  EXPECT_EQ(send("PUT", group(), R"({"location": "westus3"})")->status, 429);
  EXPECT_EQ(send("PUT", group(), R"({"location": "westus3"})")->status, 201);
}

TEST_F(Door, CutsTheConnectionAfterTheWorkIsDone) {
  use_faults(R"({"faults": [{"method": "PUT", "do": "drop-after"}]})");
  EXPECT_EQ(send("PUT", group(), R"({"location": "westus3"})").error().code, "connection-lost");
  EXPECT_EQ(send("GET", group())->status, 200);
}

TEST_F(Door, KillsOnceAndRemembersIt) {
  use_faults(R"({"faults": [{"method": "GET", "nth": 2, "do": "kill"}]})");
  send("GET", group());
  EXPECT_EQ(kills, 0);
  send("GET", group());
  EXPECT_EQ(kills, 1);
  use_faults(R"({"faults": [{"method": "GET", "nth": 2, "do": "kill"}]})");  // as after a restart
  send("GET", group());
  EXPECT_EQ(kills, 1);
}

TEST_F(Door, SaysWhatIsWrongWithAFaultsFile) {
  disk.files["/faults.json"] = R"({"faults": [{"do": "explode"}]})";
  const auto faults = Faults::read(disk, "/faults.json");
  ASSERT_FALSE(faults);
  EXPECT_EQ(faults.error().message, "/faults.json: unknown `do`: explode");
}

TEST_F(Door, LogsWithoutSecrets) {
  door.use(std::make_unique<RequestLog>(disk, bench.clock, "/log.jsonl"));
  send(
      "PUT", "/x/secrets/a?sig=abc&api-version=1",
      R"({"properties": {"value": "hunter2", "configuration": {"secrets": [{"name": "s", "value": "hunter2"}]}, "template": {"env": [{"name": "A", "value": "plain"}]}}})");
  const auto line = parse_json(disk.files["/log.jsonl"]);
  ASSERT_TRUE(line);
  EXPECT_EQ(disk.files["/log.jsonl"].find("hunter2"), std::string::npos);
  EXPECT_EQ((*line)["path"], "/x/secrets/a?sig=REDACTED&api-version=1");
  EXPECT_EQ((*line)["req_headers"]["authorization"], "Bearer");
  EXPECT_EQ(text_at(*line, "req_body.properties.value"), "REDACTED");
}

TEST(Redaction, LeavesWhatIsNoSecret) {
  const Json body = {{"properties",
                      {{"template", {{"env", {{{"name", "A"}, {"value", "plain"}}}}}},
                       {"secrets", {{{"name", "s"}, {"value", "x"}}}}}}};
  const Json redacted = redact(body, "/subscriptions/s/resourceGroups/g/providers/Microsoft.App/containerApps/a");
  EXPECT_EQ(redacted["properties"]["template"], body["properties"]["template"]);
  EXPECT_EQ(redacted["properties"]["secrets"][0]["value"], "REDACTED");
  EXPECT_EQ(redacted["properties"]["secrets"][0]["name"], "s");
}

}  // namespace
}  // namespace defang::emulator
