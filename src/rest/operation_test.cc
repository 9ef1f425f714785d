#include "rest/operation.h"

#include <gtest/gtest.h>

#include "rest/azure_error.h"

namespace defang::rest {
namespace {

using namespace std::chrono_literals;

const std::string kApp =
    "https://arm.test/subscriptions/s/resourceGroups/g/providers/Microsoft.App/containerApps/web?api-version=1";
const std::string kOperation = "https://arm.test/operations/1?c=abc%2B%2f&s=(x)";
const std::string kLocation = "https://arm.test/results/1";

HttpResponse answer(int status, Headers headers = {}, std::string body = "") {
  return {status, std::move(headers), std::move(body)};
}
Poll polled(Poll::Style style, std::string url = kOperation) { return {.url = std::move(url), .style = style}; }
std::string resource(const std::string& state) {
  return R"({"id":"/x","type":"T","properties":{"provisioningState":")" + state + "\"}}";
}

NextStep first(const HttpResponse& response, const std::string& method = "PUT") {
  return next_step(response, method, kApp, std::nullopt);
}

TEST(NextStep, PrefersAzureAsyncOperationToLocation) {
  EXPECT_EQ(first(answer(202, {{"Location", kLocation}, {"azure-asyncoperation", kOperation}, {"Retry-After", "17"}})),
            NextStep(Poll{.url = kOperation, .style = Poll::Style::operation, .retry_after = 17s}));
}

TEST(NextStep, PollsTheOperationThoughTheResourceAlreadySaysSucceeded) {
  EXPECT_EQ(first(answer(200, {{"Azure-AsyncOperation", kOperation}}, resource("Succeeded"))),
            NextStep(Poll{.url = kOperation, .style = Poll::Style::operation, .state = "Succeeded"}));
}

TEST(NextStep, FollowsALocationOfA202) {
  EXPECT_EQ(first(answer(202, {{"Location", kLocation}, {"retry-after-ms", "340"}, {"Retry-After", "17"}})),
            NextStep(Poll{.url = kLocation, .style = Poll::Style::location, .retry_after = 340ms}));
}

TEST(NextStep, TakesALocationOfA201ForTheResourceItself) {
  EXPECT_EQ(first(answer(201, {{"Location", kApp}}, R"({"id":"/x","properties":{"principalId":"p"}})")),
            NextStep(Succeeded{.body_is_resource = true}));
}

TEST(NextStep, AsksTheResourceWhereThereAreNoHeadersAndItIsNotDone) {
  EXPECT_EQ(first(answer(200, {}, resource("RegisteringDns"))),
            NextStep(Poll{.url = kApp, .style = Poll::Style::resource, .state = "RegisteringDns"}));
  EXPECT_EQ(first(answer(202)), NextStep(Poll{.url = kApp, .style = Poll::Style::resource}));
}

TEST(NextStep, IsDoneWhereNothingSaysOtherwise) {
  EXPECT_EQ(first(answer(200, {}, resource("Succeeded"))), NextStep(Succeeded{.body_is_resource = true}));
  EXPECT_EQ(first(answer(201, {}, R"({"id":"/x","properties":{}})")), NextStep(Succeeded{.body_is_resource = true}));
  EXPECT_EQ(first(answer(204), "DELETE"), NextStep(Succeeded{}));
  EXPECT_EQ(first(answer(200, {}, R"({"value":"k"})"), "POST"), NextStep(Succeeded{.body_is_resource = true}));
}

TEST(NextStep, FailsWithAzuresOwnWords) {
  const auto step =
      first(answer(400, {{"x-ms-request-id", "r7"}}, R"({"error":{"code":"InvalidName","message":"No."}})"));
  const auto& error = std::get<Failed>(step).error;
  EXPECT_EQ(error.code, "InvalidName");
  EXPECT_EQ(error.message, "No.");
  EXPECT_EQ(error.request_id, "r7");
  EXPECT_EQ(error.http_status, 400);
}

TEST(NextStep, FindsTheErrorInsideAnAnswerOf200) {
  const auto step = first(answer(200, {}, R"({"error":{"code":"PreconditionFailed","message":"etag"}})"));
  EXPECT_EQ(std::get<Failed>(step).error.code, "PreconditionFailed");
}

TEST(NextStep, GoesOnForEveryStateThatIsNotTerminalInAnySpelling) {
  for (const char* state :
       {"InProgress", "Waiting", "Creating", "NotStarted", "deletingResources", "Accepted", "Pending"}) {
    const auto step = next_step(answer(200, {}, std::string(R"({"status":")") + state + "\"}"), "PUT", kApp,
                                polled(Poll::Style::operation));
    EXPECT_EQ(std::get<Poll>(step).state, state);
    EXPECT_EQ(std::get<Poll>(step).url, kOperation);
  }
  EXPECT_EQ(next_step(answer(200, {}, R"({"status":"succeeded"})"), "PUT", kApp, polled(Poll::Style::operation)),
            NextStep(Succeeded{}));
}

TEST(NextStep, KeepsPollingWhenTheOperationItselfAnswers202) {
  EXPECT_EQ(
      next_step(answer(202, {{"Retry-After", "30"}}, R"({"status":"InProgress"})"), "PUT", kApp,
                polled(Poll::Style::operation)),
      NextStep(Poll{.url = kOperation, .style = Poll::Style::operation, .retry_after = 30s, .state = "InProgress"}));
  EXPECT_TRUE(std::holds_alternative<Poll>(next_step(answer(202), "PUT", kApp, polled(Poll::Style::operation))));
}

TEST(NextStep, ReportsAFailedOperationAndWhy) {
  const auto step = next_step(
      answer(200, {}, R"({"status":"Failed","error":{"code":"DeploymentFailed","message":"At least one failed.",
      "details":[{"code":"Conflict","message":"Name taken."}]}})"),
      "PUT", kApp, polled(Poll::Style::operation));
  EXPECT_EQ(std::get<Failed>(step).error.code, "DeploymentFailed");
  EXPECT_EQ(std::get<Failed>(step).error.message, "At least one failed.; Conflict: Name taken.");
  const auto silent =
      next_step(answer(200, {}, R"({"status":"Canceled"})"), "PUT", kApp, polled(Poll::Style::operation));
  EXPECT_EQ(std::get<Failed>(silent).error.code, "OperationCanceled");
}

TEST(NextStep, TakesTheFreshUrlOfAnAnswer) {
  const auto step = next_step(answer(202, {{"Location", "https://arm.test/results/2"}}), "DELETE", kApp,
                              polled(Poll::Style::location, kLocation));
  EXPECT_EQ(std::get<Poll>(step).url, "https://arm.test/results/2");
}

TEST(NextStep, EndsALocationAt200And204) {
  EXPECT_EQ(next_step(answer(200, {}, resource("Succeeded")), "PATCH", kApp, polled(Poll::Style::location)),
            NextStep(Succeeded{.body_is_resource = true}));
  EXPECT_EQ(next_step(answer(204), "DELETE", kApp, polled(Poll::Style::location)), NextStep(Succeeded{}));
  EXPECT_EQ(next_step(answer(200), "DELETE", kApp, polled(Poll::Style::location)), NextStep(Succeeded{}));
  EXPECT_EQ(next_step(answer(404), "DELETE", kApp, polled(Poll::Style::location)), NextStep(Succeeded{}));
  EXPECT_TRUE(std::holds_alternative<Poll>(
      next_step(answer(200, {}, resource("Creating")), "PUT", kApp, polled(Poll::Style::location))));
}

TEST(NextStep, AsksTheResourceWhenTheOperationWasForgotten) {
  EXPECT_EQ(next_step(answer(404), "PUT", kApp, polled(Poll::Style::operation)),
            NextStep(Poll{.url = kApp, .style = Poll::Style::resource}));
  EXPECT_TRUE(std::holds_alternative<Failed>(next_step(answer(404), "POST", kApp, polled(Poll::Style::operation))));
}

TEST(NextStep, WaitsForADeletedResourceToBeGone) {
  const Poll poll = polled(Poll::Style::resource, kApp);
  EXPECT_TRUE(std::holds_alternative<Poll>(next_step(answer(200, {}, resource("Deleting")), "DELETE", kApp, poll)));
  EXPECT_EQ(next_step(answer(404), "DELETE", kApp, poll), NextStep(Succeeded{}));
}

TEST(NextStep, LearnsNothingFromAThrottledPoll) {
  auto step = next_step(answer(429, {{"Retry-After", "6"}}, R"({"error":{"code":"TooManyRequests"}})"), "PUT", kApp,
                        polled(Poll::Style::operation));
  EXPECT_TRUE(std::get<Poll>(step).troubled);
  EXPECT_EQ(std::get<Poll>(step).retry_after, 6s);
}

TEST(NextStep, ReportsARefusalThatArrivesAtThePoll) {
  const auto step = next_step(answer(400, {}, R"({"error":{"code":"InvalidTemplate","message":"m"}})"), "POST", kApp,
                              polled(Poll::Style::location));
  EXPECT_EQ(std::get<Failed>(step).error.code, "InvalidTemplate");
}

TEST(PollDelay, IsShortAtFirstThenAsTheServiceWished) {
  EXPECT_EQ(poll_delay(0, 15s), 1s);
  EXPECT_EQ(poll_delay(5, 15s), 5s);
  EXPECT_EQ(poll_delay(40, 15s), 15s);
  EXPECT_EQ(poll_delay(40, std::nullopt), 10s);
  EXPECT_EQ(poll_delay(0, 20ms), 20ms);
}

/// Answers in turn; the last one for ever.
struct Script {
  std::vector<Result<HttpResponse>> answers;
  std::vector<std::string> asked;
  Fetch fetch() {
    return [this](const std::string& url) {
      asked.push_back(url);
      return answers[std::min(asked.size() - 1, answers.size() - 1)];
    };
  }
};

Operation accepted(const std::string& url = kApp) {
  return {"PUT", url,
          answer(201, {{"Azure-AsyncOperation", kOperation}, {"Retry-After", "5"}}, resource("InProgress"))};
}

TEST(WaitFor, TellsEveryStateAndEndsWithTheOperation) {
  FakeClock clock;
  Script script{{answer(200, {}, R"({"status":"Waiting"})"), answer(200, {}, R"({"status":"Succeeded"})")}, {}};
  std::vector<std::string> states;
  const auto finished =
      wait_for(accepted(), script.fetch(), {.on_progress = [&](const std::string& state) { states.push_back(state); }},
               clock, {});
  ASSERT_TRUE(finished);
  EXPECT_FALSE(finished->how.body_is_resource);
  EXPECT_EQ(states, (std::vector<std::string>{"InProgress", "Waiting"}));
  EXPECT_EQ(script.asked, (std::vector<std::string>{kOperation, kOperation}));
  EXPECT_EQ(clock.elapsed(), 2s);
}

TEST(WaitFor, SurvivesBadAnswersAndALostNetworkButNotForEver) {
  FakeClock clock;
  const auto lost = fail(Error{.kind = Error::Kind::unreachable, .code = "connect-failed"});
  Script script{{answer(503), lost, answer(429), answer(200, {}, R"({"status":"Succeeded"})")}, {}};
  EXPECT_TRUE(wait_for(accepted(), script.fetch(), {}, clock, {}));
  Script dead{{lost}, {}};
  const auto finished = wait_for(accepted(), dead.fetch(), {}, clock, {});
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, "connect-failed");
}

TEST(WaitFor, ReportsAnOperationThatNeverEndsWithWhatIsKnownToBeBehindIt) {
  FakeClock clock;
  Script script{{answer(200, {}, R"({"status":"InProgress"})")}, {}};
  const auto finished = wait_for(accepted(), script.fetch(), {.limit = 20min}, clock, {});
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, "operation-stuck");
  EXPECT_EQ(finished.error().message, "the PUT is still `InProgress` after 20 min");
  EXPECT_TRUE(finished.error().help.find("image cannot be pulled") != std::string::npos);
  EXPECT_EQ(clock.elapsed(), 20min);
}

TEST(WaitFor, EndsWhenTheWatchdogSeesTrouble) {
  FakeClock clock;
  Script script{{answer(200, {{"Retry-After", "60"}}, R"({"status":"InProgress"})")}, {}};
  WaitOptions options;
  options.watchdog = [&]() -> std::optional<Error> {
    if (clock.elapsed() < 90s) return std::nullopt;
    return Error{.code = "container-crashed"};
  };
  const auto finished = wait_for(accepted(), script.fetch(), options, clock, {});
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().code, "container-crashed");
  EXPECT_LE(clock.elapsed(), 96s);
}

TEST(WaitFor, CanBeStopped) {
  FakeClock clock;
  std::stop_source stop;
  Script script{{answer(200, {}, R"({"status":"InProgress"})")}, {}};
  const auto finished = wait_for(accepted(), script.fetch(),
                                 {.on_progress =
                                      [&](const std::string&) {
                                        if (clock.elapsed() > 9s) stop.request_stop();
                                      }},
                                 clock, stop.get_token());
  ASSERT_FALSE(finished);
  EXPECT_EQ(finished.error().kind, Error::Kind::stopped);
}

struct Shape {
  int status;
  const char *body, *code, *message;
};

TEST(ErrorOf, ReadsEveryShapeOfRefusal) {
  const Shape shapes[] = {
      {404, R"({"error":{"code":"ResourceNotFound","message":"gone"}})", "ResourceNotFound", "gone"},
      {404, R"({"code":"NotFound","message":"no record"})", "NotFound", "no record"},
      {429, R"({"Code":"429","Message":"busy","Target":null,"Details":[{"Message":"busy"}],"Innererror":null})", "429",
       "busy"},
      {400, R"({"error":{"code":"Bad","message":"{\"Code\":\"InvalidImage\",\"Message\":\"no such image\"}"}})",
       "InvalidImage", "no such image"},
      {403, R"({"error":{"code":"Forbidden","message":"m","innererror":{"code":"ForbiddenByRbac"}}})",
       "ForbiddenByRbac", "m"},
      {401, R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret"})",
       "invalid_client", "AADSTS7000215: Invalid client secret"},
      {401, R"({"errors":[{"code":"UNAUTHORIZED","message":"authentication required","detail":null}]})", "UNAUTHORIZED",
       "authentication required"},
      {404,
       "\xef\xbb\xbf<?xml version=\"1.0\"?><Error><Code>ContainerNotFound</Code><Message>Not "
       "there.\nRequestId:1\nTime:2</Message></Error>",
       "ContainerNotFound", "Not there."},
      {504, "stream timeout", "http-504", "stream timeout"},
      {404, "", "http-404", "answered 404 without an explanation"},
      {500, "{\"broken", "http-500", "answered 500 without an explanation"},
  };
  for (const Shape& shape : shapes) {
    const Error error = error_of(answer(shape.status, {}, shape.body));
    EXPECT_EQ(error.code, shape.code) << shape.body;
    EXPECT_EQ(error.message, shape.message) << shape.body;
  }
}

TEST(ErrorOf, TellsAbsentFromWrongAndNotReadyFromNever) {
  EXPECT_TRUE(means_absent(error_of(answer(404, {}, R"({"error":{"code":"ResourceGroupNotFound","message":"m"}})"))));
  EXPECT_FALSE(means_absent(error_of(answer(404, {}, R"({"error":{"code":"InvalidResourceType","message":"m"}})"))));
  EXPECT_TRUE(means_not_ready(error_of(answer(400, {}, R"({"error":{"code":"PrincipalNotFound","message":"m"}})"))));
  EXPECT_FALSE(means_not_ready(error_of(answer(400, {}, R"({"error":{"code":"InvalidTemplate","message":"m"}})"))));
}

}  // namespace
}  // namespace defang::rest
