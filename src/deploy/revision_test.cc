#include "deploy/revision.h"

#include <gtest/gtest.h>

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

Json revision(const std::string& provisioning, const std::string& running, const std::string& health,
              const std::string& details = "", const std::string& error = "") {
  return {{"name", "web--abc"},
          {"properties",
           {{"provisioningState", provisioning},
            {"runningState", running},
            {"healthState", health},
            {"runningStateDetails", details},
            {"provisioningError", error}}}};
}
Json replica(const std::string& state, const std::string& details) {
  return {{"properties",
           {{"runningState", "NotRunning"},
            {"containers", Json::array({{{"runningState", state}, {"runningStateDetails", details}}})}}}};
}
std::string said(const Verdict& verdict) {
  if (std::get_if<Healthy>(&verdict)) return "healthy";
  if (const auto* error = std::get_if<Error>(&verdict)) return error->code + ": " + error->message;
  const auto& pending = std::get<NotYet>(verdict);
  return "not yet: " + pending.state + (pending.trouble.empty() ? "" : ", " + pending.trouble);
}

TEST(JudgeRevision, RunningAndProvisionedIsHealthy) {
  EXPECT_EQ(said(judge_revision(revision("Provisioned", "Running", "Healthy"), {})), "healthy");
  EXPECT_EQ(said(judge_revision(revision("Provisioned", "RunningAtMaxScale", "None"), {})), "healthy");
  EXPECT_EQ(said(judge_revision(revision("Provisioned", "ScaledToZero", "Healthy"), {})), "healthy");
}

TEST(JudgeRevision, WaitsWhileItStarts) {
  EXPECT_EQ(said(judge_revision(revision("Provisioning", "Processing", "None"), {})), "not yet: Processing");
  EXPECT_EQ(said(judge_revision(revision("Provisioned", "Activating", "None"), {})), "not yet: Activating");
}

TEST(JudgeRevision, APortThatNothingListensOnMayStillBeOpened) {
  const std::string mismatch = "The TargetPort 8080 does not match the listening port 80.";
  EXPECT_EQ(said(judge_revision(revision("Provisioned", "Activating", "None", mismatch), {})),
            "not yet: Activating, revision-port");
  EXPECT_EQ(said(judge_revision(revision("Failed", "Failed", "Unhealthy", mismatch), {})),
            "revision-port: " + mismatch);
}

TEST(JudgeRevision, AFailedRevisionSaysWhyOnce) {
  EXPECT_EQ(
      said(judge_revision(
          revision("Failed", "Failed", "Unhealthy", "1/1 Container crashing: web", "Container crashing: web"), {})),
      "revision-crash: 1/1 Container crashing: web");
  EXPECT_EQ(said(judge_revision(revision("Failed", "Failed", "Unhealthy"), {})),
            "revision-failed: revision `web--abc` failed without a reason");
}

TEST(JudgeRevision, TheReplicasKnowMore) {
  EXPECT_EQ(said(judge_revision(revision("Provisioning", "Processing", "None"),
                                {replica("Waiting", "Container is waiting with reason: ImagePullBackOff")})),
            "revision-image-pull: Container is waiting with reason: ImagePullBackOff");
  EXPECT_EQ(said(judge_revision(revision("Provisioned", "Processing", "None"),
                                {replica("Waiting", "Container is waiting with reason: CrashLoopBackOff")})),
            "not yet: Processing, revision-crash");
}

TEST(Patience, ForgivesForAWhileWhatMayPass) {
  FakeClock clock;
  Patience patience(clock);
  const NotYet crashing{"Processing", "revision-crash", "CrashLoopBackOff"};
  EXPECT_FALSE(patience.judge(crashing));
  clock.sleep_for(std::chrono::seconds(19), {});
  EXPECT_FALSE(patience.judge(crashing));
  clock.sleep_for(std::chrono::seconds(1), {});
  ASSERT_TRUE(patience.judge(crashing));
  EXPECT_EQ(patience.judge(crashing)->message, "CrashLoopBackOff");
}

TEST(Patience, BeginsAnewWithOtherTrouble) {
  FakeClock clock;
  Patience patience(clock);
  const NotYet port{"Activating", "revision-port", "The TargetPort 8080 does not match"};
  EXPECT_FALSE(patience.judge(port));
  clock.sleep_for(std::chrono::seconds(4), {});
  EXPECT_FALSE(patience.judge(NotYet{"Activating", "", ""}));
  clock.sleep_for(std::chrono::seconds(2), {});
  EXPECT_FALSE(patience.judge(port));
  clock.sleep_for(std::chrono::seconds(5), {});
  ASSERT_TRUE(patience.judge(port));
  EXPECT_EQ(patience.judge(port)->code, "revision-port");
}

}  // namespace
}  // namespace defang::deploy
