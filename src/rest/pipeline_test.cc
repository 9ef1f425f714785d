#include "rest/pipeline.h"

#include <gtest/gtest.h>

#include <thread>

#include "rest/credential.h"
#include "rest/fake_transport.h"
#include "rest/operation.h"

namespace defang::rest {
namespace {

using namespace std::chrono_literals;

class FakeCredential : public Credential {
 public:
  explicit FakeCredential(Clock& clock) : clock_(clock) {}
  std::string name() const override { return "fake"; }
  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token) override {
    const int number = ++fetched;
    claims = request.claims;
    if (fails) return fail(Error::Kind::unreachable, "connect-failed", "no network");
    return AccessToken{Secret("t" + std::to_string(number) + "@" + request.audience), clock_.now() + 1h};
  }
  std::atomic<int> fetched = 0;
  std::string claims;
  bool fails = false;

 private:
  Clock& clock_;
};

struct Fixture {
  FakeClock clock;
  FakeTransport transport;
  std::unique_ptr<Random> random = make_seeded_random(7);
  FakeCredential credential{clock};
  TokenCache tokens{credential, clock};
  std::vector<std::string> log;
  std::unique_ptr<Pipeline> pipeline = make_pipeline({.transport = transport,
                                                      .clock = clock,
                                                      .random = *random,
                                                      .tokens = &tokens,
                                                      .user_agent = "defang/1",
                                                      .log = [this](const std::string& line) { log.push_back(line); }});
  Result<HttpResponse> send(const std::string& method, Call call = {}, std::stop_token stop = {}) {
    return pipeline->send({.method = method, .url = "https://arm.test/x?api-version=1&sig=secret"}, call, stop);
  }
};

TEST(Pipeline, NamesEveryRequestAndTheProgram) {
  Fixture f;
  f.transport.then(503).then(200);
  ASSERT_TRUE(f.send("GET"));
  const auto requests = f.transport.requests();
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].headers.get("user-agent"), "defang/1");
  EXPECT_EQ(requests[0].headers.get("x-ms-client-request-id").size(), 36u);
  EXPECT_EQ(requests[0].headers.get("x-ms-client-request-id"), requests[1].headers.get("x-ms-client-request-id"));
}

TEST(Pipeline, WaitsAsLongAsAThrottledAnswerWishesBeforeItAsksAgain) {
  Fixture f;
  f.transport.then(429, {{"Retry-After", "17"}}).then(200);
  EXPECT_EQ(f.send("PUT")->status, 200);
  EXPECT_GE(f.clock.elapsed(), 17s);
  EXPECT_LE(f.clock.elapsed(), 19s);
}

TEST(Pipeline, WaitsUntilAMomentByTheServersClock) {
  EXPECT_EQ(retry_after({{"Date", "Tue, 24 Nov 2026 23:59:58 GMT"}, {"Retry-After", "Wed, 25 Nov 2026 00:00:05 GMT"}}),
            7000ms);
  EXPECT_EQ(retry_after({{"Retry-After", "Wed, 25 Nov 2026 00:00:05 GMT"}}), std::nullopt);
  EXPECT_EQ(retry_after({{"Date", "Tue, 24 Nov 2026 23:59:58 GMT"}, {"Retry-After", "Wed, 31 Feb 2026 00:00:05 GMT"}}),
            std::nullopt);
}

TEST(Pipeline, RepeatsWhatIsSafeAndNothingElse) {
  struct Case {
    const char* method;
    int status;
    const char* error;
    std::size_t sent;
  };
  const Case cases[] = {
      {"GET", 500, "", 2},
      {"PUT", 502, "", 2},
      {"DELETE", 504, "", 2},
      {"PATCH", 500, "", 2},
      {"POST", 500, "", 1},
      {"POST", 429, "", 2},
      {"POST", 503, "", 2},
      {"GET", 404, "", 1},
      {"PUT", 409, "", 1},
      {"PUT", 0, "connection-lost", 2},
      {"POST", 0, "connection-lost", 1},
      {"POST", 0, "connect-failed", 2},
      {"GET", 0, "tls-failed", 1},
  };
  for (const Case& one : cases) {
    Fixture f;
    one.status ? f.transport.then(one.status) : f.transport.then_error(one.error);
    f.transport.then(200);
    (void)f.send(one.method);
    EXPECT_EQ(f.transport.requests().size(), one.sent) << one.method << " " << one.status << one.error;
  }
}

TEST(Pipeline, AsksTheFenceBeforeEachAttemptToWrite) {
  Fixture f;
  WriteFence fence;
  const auto pipeline =
      make_pipeline({.transport = f.transport, .clock = f.clock, .random = *f.random, .fence = &fence});
  const auto send = [&](const std::string& method, Call call = {}) {
    return pipeline->send({.method = method, .url = "https://arm.test/x"}, call, {});
  };
  int asked = 0;
  fence.ask([&]() -> std::optional<Error> {
    if (++asked == 1) return std::nullopt;
    return Error{.kind = Error::Kind::refused, .code = "lease-lost", .message = "gone"};
  });
  f.transport.then(503).then(200).then(200).then(200).then(200);
  EXPECT_EQ(send("PUT").error().code, "lease-lost");  // the repetition
  EXPECT_EQ(f.transport.requests().size(), 1u);
  EXPECT_TRUE(send("GET"));
  EXPECT_TRUE(send("POST", {.audience = "", .repeat = Call::Repeat::always}));
  EXPECT_TRUE(send("PUT", {.audience = "", .fence = Call::Fence::nothing}));
  fence.ask({});
  EXPECT_TRUE(send("DELETE"));
}

TEST(Pipeline, WaitsUntilTheFenceKnowsWhetherItMayWrite) {
  Fixture f;
  WriteFence fence;
  const auto pipeline =
      make_pipeline({.transport = f.transport, .clock = f.clock, .random = *f.random, .fence = &fence});
  f.transport.then(200);
  EXPECT_TRUE(pipeline->send({.url = "https://arm.test/"}, {}, {}));
  int asked = 0;
  fence.ask([&]() -> std::optional<Error> {
    if (++asked > 5) return std::nullopt;
    return Error{.kind = Error::Kind::unreachable, .code = "lease-late", .message = "not renewed"};
  });
  f.transport.then(200);
  EXPECT_TRUE(pipeline->send({.method = "POST", .url = "https://arm.test/x"}, {}, {}));
  EXPECT_EQ(f.transport.requests().size(), 2u);
}

TEST(Pipeline, OutlastsANetworkThatIsGoneForAMinute) {
  Fixture f;
  f.transport.then(200);
  EXPECT_TRUE(f.send("GET"));
  for (int i = 0; i < 20; ++i) f.transport.then_error("name-not-found");
  EXPECT_FALSE(f.send("GET"));
  EXPECT_GT(f.clock.elapsed(), 60s);
  EXPECT_LT(f.clock.elapsed(), 120s);
}

TEST(Pipeline, RepeatsAPostThatOnlyReads) {
  Fixture f;
  f.transport.then_error("connection-lost").then(200);
  EXPECT_TRUE(f.send("POST", {.audience = "", .repeat = Call::Repeat::always}));
}

TEST(Pipeline, WaitsOutARefusalThatMeansNotYet) {
  Fixture f;
  for (int i = 0; i < 4; ++i) f.transport.then(400, {}, R"({"error":{"code":"PrincipalNotFound","message":"m"}})");
  f.transport.then(201);
  EXPECT_EQ(f.send("PUT")->status, 201);
  Fixture g;
  g.transport.then(400, {}, R"({"error":{"code":"PrincipalNotFound","message":"m"}})");
  EXPECT_EQ(g.send("PUT", {.audience = "", .not_ready_limit = 0ms})->status, 400);
}

TEST(Pipeline, GivesUpSoonOnAnAddressThatNeverAnswered) {
  Fixture f;
  for (int i = 0; i < 20; ++i) f.transport.then_error("connect-failed");
  EXPECT_FALSE(f.send("GET"));
  EXPECT_EQ(f.transport.requests().size(), 3u);
  EXPECT_LT(f.clock.elapsed(), 3s);
}

TEST(Pipeline, WaitsLongerOnceAnotherOneOfTheSamePartsWasAnswered) {
  Fixture f;
  const PipelineParts parts{.transport = f.transport, .clock = f.clock, .random = *f.random};
  const auto first = make_pipeline(parts), second = make_pipeline(parts);
  f.transport.then(200);
  EXPECT_TRUE(first->send({.url = "https://arm.test/"}, {}, {}));
  for (int i = 0; i < 5; ++i) f.transport.then_error("connect-failed");
  f.transport.then(200);
  EXPECT_TRUE(second->send({.url = "https://arm.test/"}, {}, {}));
}

TEST(Pipeline, HandsOnTheLastAnswerWhenTroubleStays) {
  Fixture f;
  for (int i = 0; i < 20; ++i) f.transport.then(500, {}, "x");
  EXPECT_EQ(f.send("GET")->status, 500);
  EXPECT_EQ(f.transport.requests().size(), 7u);
}

TEST(Pipeline, DoesNotRepeatWhatHasGoneIntoASink) {
  Fixture f;
  int pieces = 0;
  HttpRequest request{.url = "https://arm.test/x", .sink = [&](std::string_view piece) -> Result<void> {
                        pieces += !piece.empty();
                        return fail(Error{.kind = Error::Kind::unreachable, .code = "connection-lost"});
                      }};
  f.transport.then(200, {}, "half").then(200, {}, "half");
  EXPECT_FALSE(f.pipeline->send(request, {}, {}));
  EXPECT_EQ(pieces, 1);
}

TEST(RetryDelay, GrowsWithinBoundsAndNeverUndercutsAWish) {
  EXPECT_EQ(retry_delay(1, std::nullopt, 0.5), 400ms);
  EXPECT_EQ(retry_delay(3, std::nullopt, 0.5), 1600ms);
  EXPECT_EQ(retry_delay(60, std::nullopt, 0.5), 20s);
  EXPECT_EQ(retry_delay(1, 10s, 0.0), 10s);
  EXPECT_EQ(retry_delay(1, 10s, 0.5), 10500ms);
}

TEST(SignIn, FetchesOneTokenAnAudience) {
  Fixture f;
  f.transport.then(200).then(200).then(200);
  f.send("GET", {.audience = "a"});
  f.send("GET", {.audience = "a"});
  f.send("GET", {.audience = "b"});
  EXPECT_EQ(f.credential.fetched, 2);
  EXPECT_EQ(f.transport.last().headers.get("Authorization"), "Bearer t2@b");
}

TEST(SignIn, StaysOutOfRequestsWithoutAnAudience) {
  Fixture f;
  f.transport.then(200);
  f.send("GET");
  EXPECT_FALSE(f.transport.last().headers.has("Authorization"));
}

TEST(SignIn, AnswersOneChallengeWithANewToken) {
  Fixture f;
  f.transport.then(401, {{"WWW-Authenticate", "Bearer error=\"insufficient_claims\", claims=\"eyJhIjoxfQ==\""}})
      .then(200);
  EXPECT_EQ(f.send("GET", {.audience = "a"})->status, 200);
  EXPECT_EQ(f.credential.fetched, 2);
  EXPECT_EQ(f.credential.claims, "{\"a\":1}");
  EXPECT_EQ(f.transport.last().headers.get("Authorization"), "Bearer t2@a");
  f.transport.then(401).then(401).then(200);
  EXPECT_EQ(f.send("GET", {.audience = "a"})->status, 401);
}

TEST(TokenCache, RefreshesAheadAndSurvivesAFailureOfThat) {
  FakeClock clock;
  FakeCredential credential(clock);
  TokenCache tokens(credential, clock);
  ASSERT_EQ(tokens.get("a", {})->value.reveal(), "t1@a");
  clock.sleep_for(54min, {});
  EXPECT_EQ(tokens.get("a", {})->value.reveal(), "t1@a");
  clock.sleep_for(2min, {});
  credential.fails = true;
  EXPECT_EQ(tokens.get("a", {})->value.reveal(), "t1@a");
  credential.fails = false;
  EXPECT_EQ(tokens.get("a", {})->value.reveal(), "t3@a");
  clock.sleep_for(2h, {});
  credential.fails = true;
  EXPECT_EQ(tokens.get("a", {}).error().code, "connect-failed");
}

TEST(TokenCache, AsksOnceHoweverManyThreadsWant) {
  FakeClock clock;
  class Slow : public FakeCredential {
   public:
    using FakeCredential::FakeCredential;
    Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
      std::this_thread::sleep_for(50ms);
      return FakeCredential::get_token(request, stop);
    }
  } credential(clock);
  TokenCache tokens(credential, clock);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 16; ++i) threads.emplace_back([&] { EXPECT_TRUE(tokens.get("a", {})); });
  threads.clear();
  EXPECT_EQ(credential.fetched, 1);
  credential.fails = true;
  for (int i = 0; i < 16; ++i) threads.emplace_back([&] { EXPECT_FALSE(tokens.get("b", {})); });
  threads.clear();
  EXPECT_LT(credential.fetched, 6);  // those that came while somebody was asking share the answer
}

TEST(Log, HidesWhateverMightBeASecret) {
  Fixture f;
  f.transport.then(200, {{"x-ms-request-id", "r1"}});
  f.send("GET", {.audience = "a"});
  ASSERT_EQ(f.log.size(), 1u);
  EXPECT_EQ(f.log[0], "GET https://arm.test/x?api-version=1&sig=... -> 200 in 0 ms, request id r1");
}

TEST(Pipeline, SlowsDownBeforeTheSubscriptionsRequestsRunOut) {
  Fixture f;
  const auto write = [&](const char* left) {
    f.transport.then(200, {{"x-ms-ratelimit-remaining-subscription-writes", left}});
    const auto begin = f.clock.elapsed();
    EXPECT_TRUE(f.send("PUT"));
    return f.clock.elapsed() - begin;
  };
  EXPECT_EQ(write("199"), 0ms);
  EXPECT_EQ(write("24"), 0ms);  // only now it is known
  EXPECT_EQ(write("23"), 100ms);
  f.transport.then(200);
  const auto begin = f.clock.elapsed();
  EXPECT_TRUE(f.send("GET"));  // reads have their own
  EXPECT_EQ(f.clock.elapsed() - begin, 0ms);
  EXPECT_EQ(write("40"), 100ms);
  EXPECT_EQ(write("39"), 0ms);
}

}  // namespace
}  // namespace defang::rest
