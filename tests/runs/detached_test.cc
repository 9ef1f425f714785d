// Runs that a job in Azure carries out: the same plan, cut in two, and done by two processes of which the second has no
// files.
#include <gtest/gtest.h>

#include "bench.h"
#include "support/text.h"

namespace defang::runs {
namespace {

/// Without the job's own: its resource with its executions, its identity, and the role on the group.
std::map<std::string, std::string> state_without_job(Bench& bench) {
  auto state = bench.state();
  std::erase_if(state, [](const auto& row) {
    const auto id = to_lower(row.first);
    return id.find("notes-test-run") != std::string::npos ||
           id.ends_with("westus3/providers/microsoft.authorization/roleassignments/<guid>");
  });
  return state;
}

std::map<std::string, std::string> state_of_an_attached_run() {
  Bench bench;
  EXPECT_TRUE(bench.up().is_done());
  return state_without_job(bench);
}

Ended up_detached(Bench& bench) {
  const auto starter = bench.process(), job = bench.process();
  return bench.up_detached(*starter, *job);
}

TEST(DetachedRun, EndsAsAnAttachedOneDoes) {
  Bench bench;
  const auto ended = up_detached(bench);
  ASSERT_TRUE(ended.is_done()) << ended.text();
  const auto wanted = state_of_an_attached_run(), got = state_without_job(bench);
  for (const auto& [id, body] : wanted) {
    ASSERT_TRUE(got.contains(id)) << id;
    EXPECT_EQ(got.at(id), body) << id;
  }
  EXPECT_EQ(got.size(), wanted.size());
}

TEST(DetachedRun, LeavesNothingToDoToAnAttachedOne) {
  Bench bench;
  ASSERT_TRUE(up_detached(bench).is_done());
  const auto again = bench.process();
  const auto ended = bench.up(*again);
  EXPECT_TRUE(ended.is_done()) << ended.text();
  EXPECT_EQ(ended.changed, std::vector<std::string>());
  EXPECT_EQ(again->wire.count(true), 0u);
}

TEST(DetachedRun, IsFollowedToItsEndByAnybody) {
  Bench bench;
  ASSERT_TRUE(up_detached(bench).is_done());
  const auto followed = bench.follow();
  ASSERT_TRUE(followed) << followed.error().message;
  EXPECT_EQ(followed->first.how, deploy::RunFinished::How::done);
  EXPECT_GT(followed->second, 20u);
}

TEST(DetachedRun, WhoseJobIsKilledIsFoundOutAndRepairedByTheNext) {
  const auto wanted = state_of_an_attached_run();
  for (const std::size_t number : {1, 4}) {
    Bench bench;
    const auto starter = bench.process(), job = bench.process();
    job->wire.plan({.trouble = Trouble::killed_after, .number = number, .writes_only = true});
    const auto ended = bench.up_detached(*starter, *job);
    EXPECT_FALSE(ended.is_done()) << number;
    const auto followed = bench.follow();
    EXPECT_EQ(followed ? "" : followed.error().code, "run-died") << number;
    const auto repaired = up_detached(bench);
    EXPECT_TRUE(repaired.is_done()) << repaired.text();
    EXPECT_EQ(state_without_job(bench), wanted) << number;
  }
}

TEST(DetachedRun, StaysThereWhenAnAttachedOneFollows) {
  Bench bench;
  ASSERT_TRUE(up_detached(bench).is_done());
  bench.project.files["/project/compose.yaml"] += "\nx-comment: changed\n";
  bench.project.files["/project/worker/worker.sh"] += "\n# changed\n";
  const auto ended = bench.up();
  ASSERT_TRUE(ended.is_done()) << ended.text();
  EXPECT_EQ(ended.finished.removed, 0u);
  EXPECT_EQ(bench.get("Microsoft.App/jobs/notes-test-run").at("name"), "notes-test-run");
}

}  // namespace
}  // namespace defang::runs
