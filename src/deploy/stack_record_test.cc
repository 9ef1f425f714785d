#include "deploy/stack_record.h"

#include <gtest/gtest.h>

namespace defang::deploy {
namespace {

using Json = nlohmann::json;

constexpr const char* kShared =
    "/subscriptions/s/resourceGroups/team/providers/Microsoft.ContainerRegistry/registries/shared";

StackRecord example() {
  return {.plan = "p",
          .can_assign_roles = false,
          .marks = {{"/a", "1 Succeeded 1-x"}},
          .scales = {{"/a", {{"minReplicas", 1}}}},
          .secrets = digest_of({}),
          .roles = "r",
          .images = {{"nginx:1", {"sha256:1", 5}}},
          .registries = {{"other.azurecr.io", std::nullopt},
                         {"shared.azurecr.io", plan::SharedRegistry{.id = kShared,
                                                                    .pull = plan::SharedRegistry::Pull::can_be_granted,
                                                                    .by_repository = true}}}};
}

StackView as_left(const StackRecord& record) {
  StackView view{.exists = true, .marks = record.marks, .apps = {}, .secrets = {}, .roles = record.roles};
  view.apps.push_back(
      {{"properties",
        {{"latestRevisionName", "a--1"}, {"latestReadyRevisionName", "a--1"}, {"runningStatus", "Running"}}}});
  view.record = record;
  return view;
}

TEST(StackRecord, IsReadAsItWasWritten) {
  const auto read = parse_record(to_text(example()));
  ASSERT_TRUE(read);
  EXPECT_EQ(to_text(*read), to_text(example()));
}

TEST(StackRecord, KnowsWhereTheStackHasRolesOutsideOfItsGroup) {
  auto registries = parse_record(to_text(example()))->registries;
  const StackScope scope{"shop", "test", "s", "rg", "westus3"};
  const auto grants = grants_on(registries, scope);
  ASSERT_EQ(grants.size(), 1u);
  EXPECT_EQ(grants[0].parent()->text(), kShared);
  registries["shared.azurecr.io"]->pull = plan::SharedRegistry::Pull::granted;
  EXPECT_TRUE(grants_on(registries, scope).empty());
}

TEST(StackRecord, OfAnotherFormatOrDamagedIsAsIfThereWereNone) {
  EXPECT_FALSE(parse_record(""));
  EXPECT_FALSE(parse_record("[]"));
  EXPECT_FALSE(parse_record(R"({"v":3})"));
  EXPECT_FALSE(parse_record(R"({"v":2,"plan":3})"));
}

TEST(StackView, IsAsLeftUntilAnythingOfItDiffers) {
  const auto view = as_left(example());
  EXPECT_TRUE(is_as_left(view, "p"));
  EXPECT_FALSE(is_as_left(view, "another plan"));

  auto changed = view;
  changed.marks["/a"] = "2 Succeeded 1-x";
  EXPECT_FALSE(is_as_left(changed, "p"));
  changed = view;
  changed.marks["/new"] = "";
  EXPECT_FALSE(is_as_left(changed, "p"));
  changed = view;
  changed.roles = "others";
  EXPECT_FALSE(is_as_left(changed, "p"));
  changed = view;
  changed.secrets.push_back({.name = "API-KEY", .config = "API_KEY", .pinned_uri = "", .version = "2"});
  EXPECT_FALSE(is_as_left(changed, "p"));
  changed = view;
  changed.apps[0]["properties"]["runningStatus"] = "Stopped";
  EXPECT_FALSE(is_as_left(changed, "p"));
  changed = view;
  changed.apps[0]["properties"]["latestReadyRevisionName"] = "a--0";
  EXPECT_FALSE(is_as_left(changed, "p"));
}

TEST(StackView, OfARunThatDidNotEndIsNeverAsLeft) {
  auto record = example();
  record.plan = "";
  EXPECT_FALSE(is_as_left(as_left(record), ""));
}

TEST(MarksToKeep, AreNewForWhatTheRunWroteAndOldForWhatOthersChangedMeanwhile) {
  const StackView before{.exists = true, .marks = {{"/mine", "1"}, {"/theirs", "1"}, {"/calm", "1"}}};
  const StackView after{.exists = true, .marks = {{"/mine", "2"}, {"/theirs", "2"}, {"/calm", "1"}, {"/new", "1"}}};
  EXPECT_EQ(marks_to_keep(before, after, {"/mine", "/new"}),
            (std::map<std::string, std::string>{{"/mine", "2"}, {"/theirs", "1"}, {"/calm", "1"}, {"/new", "1"}}));
}

}  // namespace
}  // namespace defang::deploy
