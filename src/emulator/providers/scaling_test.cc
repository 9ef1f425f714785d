#include "emulator/providers/scaling.h"

#include <gtest/gtest.h>

namespace defang::emulator {
namespace {

constexpr ReplicaCount::Pace kPace{.stabilisation_ms = 300'000, .cooldown_ms = 300'000};

ScaleSettings settings(std::string_view text, bool has_ingress = true) {
  return read_scale(parse_json(text).value(), has_ingress);
}

TEST(Scaling, WithoutRulesTenRequestsASecondAreOneReplicasWork) {
  const auto usual = settings(R"({"minReplicas": 0})");
  EXPECT_EQ(replicas_asked_for(usual, {.arrivals_per_second = 25}, 1), 3u);
  EXPECT_EQ(replicas_asked_for(usual, {}, 1), 0u);
  EXPECT_EQ(replicas_asked_for(usual, {.is_busy = true}, 0), 1u);
  EXPECT_EQ(replicas_asked_for(settings("{}", false), {.arrivals_per_second = 25}, 1), 0u);  // CA-41
}

TEST(Scaling, TheMostDemandingRuleDecides) {
  const auto both = settings(R"({"rules": [{"name": "http", "http": {"metadata": {"concurrentRequests": "100"}}},
    {"name": "cpu", "custom": {"type": "cpu", "metadata": {"type": "Utilization", "value": "50"}}}]})");
  EXPECT_EQ(replicas_asked_for(both, {.arrivals_per_second = 150, .cpu_percent = 90}, 2), 4u);
  EXPECT_EQ(replicas_asked_for(both, {.arrivals_per_second = 450, .cpu_percent = 90}, 2), 5u);
}

TEST(Scaling, UtilisationNearItsTargetChangesNothingAndNeverAsksForNone) {
  const auto cpu = settings(R"({"rules": [{"name": "cpu", "custom": {"type": "cpu", "metadata": {"value": "50"}}}]})");
  EXPECT_EQ(replicas_asked_for(cpu, {.cpu_percent = 54}, 3), 3u);
  EXPECT_EQ(replicas_asked_for(cpu, {.cpu_percent = 56}, 3), 4u);
  EXPECT_EQ(replicas_asked_for(cpu, {.cpu_percent = 0}, 3), 1u);
}

TEST(Scaling, ACronRuleAsksBetweenItsStartAndItsEnd) {
  const auto office = settings(R"({"rules": [{"name": "office", "custom": {"type": "cron", "metadata":
    {"timezone": "UTC", "start": "0 8 * * *", "end": "0 18 * * *", "desiredReplicas": "5"}}}]})");
  constexpr std::int64_t kMidnight = 1764288000;
  EXPECT_EQ(replicas_asked_for(office, {.time = kMidnight + 7 * 3600}, 1), 0u);
  EXPECT_EQ(replicas_asked_for(office, {.time = kMidnight + 8 * 3600}, 1), 5u);
  EXPECT_EQ(replicas_asked_for(office, {.time = kMidnight + 18 * 3600}, 1), 0u);
}

TEST(Scaling, GoesUpInStepsOfOneFourAndThenTwiceAsMany) {
  const auto scale = settings(R"({"minReplicas": 0, "maxReplicas": 30})");
  ReplicaCount count(0, 0);
  std::vector<std::size_t> counts;
  for (int turn = 1; turn <= 6; ++turn) {
    count.ask(scale, 100, turn * 30'000, kPace);
    counts.push_back(count.count());
  }
  EXPECT_EQ(counts, (std::vector<std::size_t>{1, 4, 8, 16, 30, 30}));
}

TEST(Scaling, GoesDownToWhatWasAskedForInTheLastFiveMinutes) {
  const auto scale = settings(R"({"minReplicas": 1, "maxReplicas": 30})");
  ReplicaCount count(8, 0);
  count.ask(scale, 8, 0, kPace);
  count.ask(scale, 3, 100'000, kPace);
  count.ask(scale, 2, 200'000, kPace);
  EXPECT_EQ(count.count(), 8u);
  count.ask(scale, 0, 301'000, kPace);
  EXPECT_EQ(count.count(), 3u);
  count.ask(scale, 0, 501'000, kPace);
  EXPECT_EQ(count.count(), 1u);
}

TEST(Scaling, TheLastReplicaGoesOnlyAfterTheCooldown) {
  const auto scale = settings(R"({"minReplicas": 0, "maxReplicas": 5})");
  const ReplicaCount::Pace slow{.stabilisation_ms = 1'000, .cooldown_ms = 300'000};
  ReplicaCount count(1, 0);
  count.ask(scale, 1, 10'000, slow);
  count.ask(scale, 0, 309'000, slow);
  EXPECT_EQ(count.count(), 1u);
  count.ask(scale, 0, 310'000, slow);
  EXPECT_EQ(count.count(), 0u);
  count.ask(scale, 1, 311'000, slow);
  EXPECT_EQ(count.count(), 1u);
}

}  // namespace
}  // namespace defang::emulator
