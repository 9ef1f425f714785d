#include "emulator/versions.h"

#include <gtest/gtest.h>

namespace defang::emulator {
namespace {

constexpr std::string_view kApps = "Microsoft.App/containerApps";

Json app() { return {{"properties", {{"configuration", Json::object()}}}}; }

TEST(FitToVersion, AddsWhatAVersionAlwaysShows) {
  Json body = app();
  fit_to_version(body, kApps, "2025-02-02-preview");
  EXPECT_EQ(body["properties"]["patchingMode"], "Automatic");
  EXPECT_TRUE(body["properties"]["configuration"]["identitySettings"].empty());
}

TEST(FitToVersion, TakesOutWhatAnOlderVersionDoesNotKnow) {
  Json body = app();
  body["properties"]["configuration"]["runtime"] = nullptr;
  fit_to_version(body, kApps, "2024-03-01");
  EXPECT_EQ(body, app());
}

TEST(FitToVersion, LeavesWhatTheClientSetItself) {
  Json body = app();
  body["properties"]["patchingMode"] = "Manual";
  fit_to_version(body, kApps, "2024-03-01");
  EXPECT_EQ(body["properties"]["patchingMode"], "Manual");
}

TEST(FitToVersion, ShowsPreviewMembersInPreviewsOnly) {
  Json body = {{"properties", Json::object()}};
  fit_to_version(body, "Microsoft.App/managedEnvironments", "2025-01-01");
  EXPECT_FALSE(body["properties"].contains("appInsightsConfiguration"));
  fit_to_version(body, "Microsoft.App/managedEnvironments", "2025-02-02-preview");
  EXPECT_TRUE(body["properties"].contains("appInsightsConfiguration"));
}

}  // namespace
}  // namespace defang::emulator
