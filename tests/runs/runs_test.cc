#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <numeric>
#include <random>

#include "bench.h"

namespace defang::runs {
namespace {

bool every = false;  // --every: each request in turn; otherwise samples
constexpr std::size_t kSamples = 6;

/// 1..count, or some of them. The seed is printed, and DEFANG_TEST_SEED repeats it.
std::vector<std::size_t> numbers_up_to(std::size_t count) {
  std::vector<std::size_t> all(count);
  std::iota(all.begin(), all.end(), 1u);
  if (every) return all;
  const char* wanted = std::getenv("DEFANG_TEST_SEED");
  const unsigned seed = wanted != nullptr ? static_cast<unsigned>(std::atoi(wanted)) : std::random_device()();
  std::cout << "DEFANG_TEST_SEED=" << seed << "\n";
  std::vector<std::size_t> some;
  std::ranges::sample(all, std::back_inserter(some), kSamples, std::mt19937(seed));
  return some;
}

struct Undisturbed {
  std::map<std::string, std::string> state;
  std::size_t requests = 0, writes = 0;
};
const Undisturbed& undisturbed() {
  static const Undisturbed once = [] {
    Bench bench;
    const auto process = bench.process();
    const auto ended = bench.up(*process);
    EXPECT_TRUE(ended.is_done()) << ended.text();
    return Undisturbed{bench.state(), process->wire.count(false), process->wire.count(true)};
  }();
  return once;
}

/// What a loop came to, for whoever reads the log.
void tell(std::string_view what, std::size_t tried, std::size_t of, std::size_t done) {
  std::cout << fmt::format("{} of {} {}: {} runs succeeded, {} ended early\n", tried, of, what, done, tried - done);
}

/// The same resources with the same bodies; says what differs.
std::string difference(const std::map<std::string, std::string>& wanted,
                       const std::map<std::string, std::string>& got) {
  std::string text;
  for (const auto& [id, body] : wanted)
    if (!got.contains(id))
      text += "missing: " + id + "\n";
    else if (const auto [a, b] = std::ranges::mismatch(body, got.at(id)); a != body.end() || b != got.at(id).end()) {
      const auto at = static_cast<std::size_t>(a - body.begin());
      const auto from = at < 60 ? 0 : at - 60;
      text +=
          fmt::format("{}\n  wanted ...{}\n  got    ...{}\n", id, body.substr(from, 160), got.at(id).substr(from, 160));
    }
  for (const auto& [id, body] : got)
    if (!wanted.contains(id)) text += "left over: " + id + "\n";
  return text;
}

/// After whatever happened.
void expect_one_run_repairs(Bench& bench) {
  const auto repair = bench.up();
  EXPECT_TRUE(repair.is_done()) << repair.text();
  EXPECT_EQ(difference(undisturbed().state, bench.state()), "");
}
void expect_nothing_to_do(Bench& bench) {
  const auto again = bench.process();
  const auto third = bench.up(*again);
  EXPECT_TRUE(third.is_done()) << third.text();
  EXPECT_EQ(again->wire.count(true), 0u);
}

std::vector<std::string> writes_of(const Wire& wire) {
  std::vector<std::string> out;
  for (const auto& one : wire.sent())
    if (one.is_write) out.push_back(one.method + " " + one.url);
  return out;
}

TEST(Up, WritesNothingWhereNothingHasChanged) {
  Bench bench;
  const auto first = bench.up();
  ASSERT_TRUE(first.is_done()) << first.text();
  const auto again = bench.process();
  const auto ended = bench.up(*again);
  EXPECT_TRUE(ended.is_done()) << ended.text();
  EXPECT_EQ(ended.changed, std::vector<std::string>());  // neither a build
  EXPECT_EQ(writes_of(again->wire), std::vector<std::string>());
}

TEST(Up, AsksAtMostTwelveTimesWhereNothingHasChanged) {
  Bench bench;
  const auto first = bench.up();
  ASSERT_TRUE(first.is_done()) << first.text();
  const auto again = bench.process();
  const auto ended = bench.up(*again);
  EXPECT_TRUE(ended.is_done()) << ended.text();
  EXPECT_LE(again->wire.count(false) + 1, 12u);  // the program asks once more, for addresses on this machine
}

TEST(Up, SetsBackWhatOthersChangedThoughTheirChangeKeptOurTags) {
  Bench bench;
  ASSERT_TRUE(bench.up().is_done());
  bench.clock.sleep_for(std::chrono::seconds(1), {});
  bench.change("Microsoft.App/containerApps/web",
               [](nlohmann::json& app) { app["properties"]["configuration"]["ingress"]["external"] = false; });
  const auto is_public = [&] {
    return bench.get("Microsoft.App/containerApps/web")["properties"]["configuration"]["ingress"]["external"] == true;
  };
  ASSERT_FALSE(is_public());
  const auto ended = bench.up();
  ASSERT_TRUE(ended.is_done()) << ended.text();
  EXPECT_EQ(ended.changed, std::vector<std::string>{"app/web"});
  EXPECT_EQ(ended.notices, std::vector<std::string>{"`web` was changed outside of this program "
                                                    "(properties.configuration.ingress.external): it is set back"});
  EXPECT_TRUE(is_public());
  expect_nothing_to_do(bench);
}

TEST(Up, FindsOutWhatOthersChangedWithoutARecord) {
  Bench bench;
  ASSERT_TRUE(bench.up().is_done());
  bench.lose_record();
  EXPECT_EQ(bench.up().changed, std::vector<std::string>());  // losing it loses nothing
  bench.lose_record();
  bench.change("Microsoft.App/containerApps/api", [](nlohmann::json& app) {
    app["properties"]["template"]["containers"][0]["resources"] = {{"cpu", 0.5}, {"memory", "1Gi"}};
  });
  const auto ended = bench.up();
  EXPECT_EQ(ended.changed.empty() ? "" : ended.changed.front(), "app/api") << ended.text();
  EXPECT_EQ(bench.get("Microsoft.App/containerApps/api")["properties"]["template"]["containers"][0]["resources"]["cpu"],
            0.25);
}

TEST(Up, KeepsAScaleThatWasSetByHandUntilTheProjectSaysAnother) {
  Bench bench;
  ASSERT_TRUE(bench.up().is_done());
  const auto replicas = [&] {
    return bench.get("Microsoft.App/containerApps/worker")["properties"]["template"]["scale"]["minReplicas"].get<int>();
  };
  bench.clock.sleep_for(std::chrono::seconds(1), {});
  bench.change("Microsoft.App/containerApps/worker", [](nlohmann::json& app) {
    app["properties"]["template"]["scale"] = {{"minReplicas", 3}, {"maxReplicas", 3}};
  });
  auto ended = bench.up();
  EXPECT_EQ(ended.changed, std::vector<std::string>());
  ASSERT_EQ(ended.notices.size(), 1u);
  EXPECT_NE(ended.notices[0].find("`worker` keeps the scale"), std::string::npos);
  EXPECT_EQ(replicas(), 3);

  bench.project.files["/project/worker/worker.sh"] += "\n# changed\n";
  ended = bench.up();
  EXPECT_TRUE(ended.is_done()) << ended.text();
  EXPECT_EQ(replicas(), 3);  // written for another reason, it stays, too

  auto& compose = bench.project.files["/project/compose.yaml"];
  compose.insert(compose.rfind("    deploy:\n") + 12, "      replicas: 2\n");
  ended = bench.up();
  EXPECT_TRUE(ended.is_done()) << ended.text();
  EXPECT_EQ(replicas(), 2);
  ASSERT_EQ(ended.notices.size(), 1u);
  EXPECT_NE(ended.notices[0].find("the project's replaces it"), std::string::npos);
}

TEST(Up, ExplainsWhatARenameComesTo) {
  Bench bench;
  ASSERT_TRUE(bench.up().is_done());
  auto& compose = bench.project.files["/project/compose.yaml"];
  compose.replace(compose.find("\n  worker:"), 10, "\n  clerk:");
  const auto ended = bench.up();
  EXPECT_TRUE(ended.is_done()) << ended.text();
  EXPECT_EQ(ended.finished.removed, 1u);
  ASSERT_EQ(ended.notices.size(), 1u);
  EXPECT_EQ(ended.notices[0],
            "not in the project any more, so removed: `worker` (new: `clerk`; a service that was renamed is a new app "
            "with an address of its own)");
}

TEST(Up, BuildsAndWritesTheOneServiceThatHasChanged) {
  Bench bench;
  const auto first = bench.up();
  ASSERT_TRUE(first.is_done()) << first.text();
  const auto before = bench.revisions();
  bench.project.files["/project/worker/worker.sh"] += "\n# changed\n";
  const auto process = bench.process();
  const auto ended = bench.up(*process);
  EXPECT_TRUE(ended.is_done()) << ended.text();
  EXPECT_EQ(ended.changed, (std::vector<std::string>{"app/worker", "build/worker"}));
  std::vector<std::string> uploads, builds, apps;
  for (const auto& write : writes_of(process->wire)) {
    if (write.find("/uploads/") != std::string::npos) uploads.push_back(write);
    if (write.find("/scheduleRun") != std::string::npos) builds.push_back(write);
    if (write.find("/containerApps/") != std::string::npos) apps.push_back(write);
  }
  EXPECT_EQ(uploads.size(), 1u);
  EXPECT_EQ(builds.size(), 1u);
  EXPECT_EQ(apps.size(), 1u);
  const auto after = bench.revisions();
  EXPECT_EQ(after.at("api"), before.at("api"));
  EXPECT_EQ(after.at("web"), before.at("web"));
  EXPECT_NE(after.at("worker"), before.at("worker"));
}

class Disturbed : public testing::TestWithParam<Trouble> {};

TEST_P(Disturbed, SucceedsOrNamesTheErrorAndTheNextRunRepairsIt) {
  const auto numbers = numbers_up_to(undisturbed().requests);
  std::size_t done = 0;
  for (const auto number : numbers) {
    Bench bench;
    const auto process = bench.process();
    process->wire.plan({.trouble = GetParam(), .number = number, .writes_only = false, .meanwhile = {}});
    const auto ended = bench.up(*process);
    SCOPED_TRACE(fmt::format("request {}: {}\n{}", number, process->wire.struck(), ended.text()));
    done += ended.is_done();
    // Before the first answer of all, an address that is wrong looks the same and should fail soon.
    if (GetParam() == Trouble::offline && number > 1) {
      EXPECT_TRUE(ended.is_done());
    }
    if (!ended.is_done()) {
      if (ended.refused) {
        EXPECT_FALSE(ended.refused->code.empty());
      } else {
        EXPECT_FALSE(ended.failures.empty());
      }
      for (const auto& failure : ended.failures) {
        EXPECT_FALSE(failure.code.empty());
        EXPECT_FALSE(failure.message.empty());
      }
    }
    expect_one_run_repairs(bench);
    if (HasFailure()) return;
  }
  tell("requests", numbers.size(), undisturbed().requests, done);
}
std::string name_of(const testing::TestParamInfo<Trouble>& tested) {
  constexpr const char* kNames[] = {"DroppedBefore", "DroppedAfter", "Throttled", "Unavailable",
                                    "Delayed",       "Truncated",    "Offline",   "OfflineForGood"};
  return kNames[static_cast<int>(tested.param)];
}
INSTANTIATE_TEST_SUITE_P(Up, Disturbed,
                         testing::Values(Trouble::dropped_before, Trouble::dropped_after, Trouble::throttled,
                                         Trouble::unavailable, Trouble::delayed, Trouble::truncated, Trouble::offline,
                                         Trouble::offline_for_good),
                         name_of);

TEST(Up, IsRepairedAfterItWasKilled) {
  const auto numbers = numbers_up_to(undisturbed().writes);
  std::size_t done = 0;
  for (const auto number : numbers) {
    Bench bench;
    {
      const auto process = bench.process();
      process->wire.plan({.trouble = Trouble::killed_after, .number = number, .writes_only = true, .meanwhile = {}});
      done += bench.up(*process).is_done();
      SCOPED_TRACE(fmt::format("killed after write {}: {}", number, process->wire.struck()));
      expect_one_run_repairs(bench);
      expect_nothing_to_do(bench);
    }
    if (HasFailure()) return;
  }
  tell("writes", numbers.size(), undisturbed().writes, done);
}

TEST(Up, WritesNothingMoreOnceAnotherRunHasTakenOver) {
  const auto numbers = numbers_up_to(undisturbed().writes);
  std::size_t done = 0;
  for (const auto number : numbers) {
    Bench bench;
    const auto suspended = bench.process();
    Ended other;
    const auto meanwhile = [&] { other = bench.up(); };
    suspended->wire.plan(
        {.trouble = Trouble::suspended_after, .number = number, .writes_only = true, .meanwhile = meanwhile});
    const auto ended = bench.up(*suspended);
    done += ended.is_done();
    SCOPED_TRACE(fmt::format("suspended at write {}: {}\n{}", number, suspended->wire.struck(), ended.text()));
    EXPECT_TRUE(other.is_done()) << other.text();
    EXPECT_EQ(writes_of(suspended->wire), std::vector<std::string>());
    EXPECT_EQ(difference(undisturbed().state, bench.state()), "");
    expect_nothing_to_do(bench);
    if (HasFailure()) return;
  }
  tell("writes", numbers.size(), undisturbed().writes, done);
}

}  // namespace
}  // namespace defang::runs

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  defang::runs::every = argc > 1 && std::string(argv[1]) == "--every";
  return RUN_ALL_TESTS();
}
