#include "deploy/read_event.h"

#include <gtest/gtest.h>

namespace defang::deploy {
namespace {
using namespace std::chrono_literals;

TEST(EventLine, ReadBackIsTheSameLine) {
  Error error{
      .code = "Conflict", .message = "in use", .context = {"writing", "deploying"}, .request_id = "r1", .help = "wait"};
  error.origin = {std::make_shared<SourceFile>("compose.yaml", "a: b\n"), 1, 4, 1};
  const decltype(Event::what) all[] = {
      RunStarted{"shop", "test", "group", "sub", "westus3", 7},
      NodeStarted{"app/web", "web", NodeStarted::Doing::update, "Microsoft.App/containerApps", "web", 20s},
      NodeStarted{"build/web", "", NodeStarted::Doing::run, "action", "build/web", 0s},
      NodeWaiting{"app/web", "InProgress"},
      NodeLog{"build/web", "line \"1\""},
      NodeFinished{"app/web", "web", NodeFinished::How::adopted, 1500ms, "https://web"},
      NodeFinished{"vault", "", NodeFinished::How::unchanged, 0ms, ""},
      NodeFailed{"app/web", "web", error, 2ms},
      NodeFailed{"vault", "", Error{.code = "X", .message = "y"}, 2ms},
      NodeSkipped{"app/web", "web", "vault"},
      Notice{"waiting"},
      RunFinished{RunFinished::How::failed, 3s, 1, 2, 3, 4, 5, 6}};
  const auto time = std::chrono::sys_days{std::chrono::year{2026} / 1 / 2} + 3h + 4ms;
  for (const auto& what : all) {
    const auto line = to_json_line({7, time, what});
    const auto read = parse_event(line);
    ASSERT_TRUE(read) << line;
    EXPECT_EQ(to_json_line(*read), line);
  }
}

TEST(EventLine, OfAnotherVersionOrCutOffIsRefused) {
  const auto whole = to_json_line({1, {}, Notice{"waiting"}});
  for (const std::string& line :
       {std::string(), whole.substr(0, whole.size() - 1), std::string("{}"), std::string("7"),
        std::string(R"({"v":2,"seq":1,"time":"1970-01-01T00:00:00.000Z","type":"notice","message":""})"),
        std::string(R"({"v":1,"seq":1,"time":"today","type":"notice","message":""})"),
        std::string(R"({"v":1,"seq":1,"time":"1970-01-01T00:00:00.000Z","type":"other"})")})
    EXPECT_EQ(parse_event(line).error().code, "event-invalid") << line;
}

}  // namespace
}  // namespace defang::deploy
