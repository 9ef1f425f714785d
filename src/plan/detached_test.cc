#include "plan/detached.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "azure/roles.h"

namespace defang::plan {
namespace {

using graph::Value;

compose::Project project() {
  compose::Project project;
  project.name = "shop";
  project.folder = "/project";
  compose::Service web;
  web.name = "web";
  web.image = {"app", {}};
  web.environment.push_back({"KEY", std::nullopt, {}});
  web.environment.push_back({"URL", std::vector<compose::TextPiece>{{false, "a"}, {true, "KEY"}}, {}});
  project.services["web"] = web;
  return project;
}

const Stack kStack{.name = "test", .subscription_id = "22222222-2222-2222-2222-222222222222"};

graph::ResourceGraph whole() {
  Diagnostics diagnostics;
  auto graph = build_graph(project(), kStack, {.principal_id = "me", .principal_type = "User"}, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  return graph;
}

RunJobNeeds needs() { return {.image = "defang/run@sha256:aa", .arguments = {"run-job"}, .environment = {{"A", "b"}}}; }

TEST(BeforeTheJob, IsSoundAndHoldsTheJobWithWhatItLivesIn) {
  const auto first = before_the_job(whole(), "shop", kStack, needs());
  EXPECT_EQ(first.fault(), "");
  for (const char* node : {"group", "environment", "storage", "registry", "vault", "detached/job", "detached/identity"})
    EXPECT_NE(first.find(node), nullptr) << node;
}

TEST(BeforeTheJob, LeavesServicesAndSecretsToTheJob) {
  const auto first = before_the_job(whole(), "shop", kStack, needs());
  EXPECT_EQ(first.find("app/web"), nullptr);
  EXPECT_EQ(first.find("config/KEY"), nullptr);
  EXPECT_EQ(first.find("healthy/web"), nullptr);
}

/// The same with object storage, whose account only the job makes.
graph::ResourceGraph with_photos() {
  auto with = project();
  compose::Service photos;
  photos.name = "photos";
  photos.image = {"minio/minio", {}};
  photos.extensions["x-defang-object-storage"] = compose::Node::of_boolean(true);
  with.services["photos"] = photos;
  Diagnostics diagnostics;
  auto graph = build_graph(with, kStack, {.principal_id = "me", .principal_type = "User"}, diagnostics);
  EXPECT_FALSE(diagnostics.has_errors());
  return graph;
}

TEST(BeforeTheJob, GivesAllRolesOnWhatComesFirstSoThatTheJobNeedGiveNone) {
  const auto graph = whole();
  const auto first = before_the_job(graph, "shop", kStack, needs());
  for (const auto& [id, node] : graph.nodes()) {
    const auto* resource = std::get_if<graph::Resource>(&node);
    if (resource == nullptr || resource->type != "Microsoft.Authorization/roleAssignments") continue;
    EXPECT_NE(first.find(id), nullptr) << id;
  }
  EXPECT_EQ(first.find(kRunGrantRole), nullptr);
}

TEST(BeforeTheJob, LetsItGiveWhatIsLeftToItAndNothingElse) {
  const auto first = before_the_job(with_photos(), "shop", kStack, needs());
  EXPECT_EQ(first.find("objects/photos"), nullptr);
  EXPECT_EQ(first.find("role/objects/photos"), nullptr);
  const auto* grant = first.resource(kRunGrantRole);
  ASSERT_NE(grant, nullptr);
  EXPECT_EQ(grant->scope, "group");
  const auto& properties = *grant->body.find("properties");
  EXPECT_EQ(*properties.find("conditionVersion"), Value("2.0"));
  EXPECT_EQ(*properties.find("condition"),
            Value("((!(ActionMatches{'Microsoft.Authorization/roleAssignments/write'})) OR "
                  "(@Request[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals "
                  "{ba92f5b4-2d11-453d-a403-e96b0029c9fe} AND "
                  "@Request[Microsoft.Authorization/roleAssignments:PrincipalType] "
                  "ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'})) AND "
                  "((!(ActionMatches{'Microsoft.Authorization/roleAssignments/delete'})) OR "
                  "(@Resource[Microsoft.Authorization/roleAssignments:RoleDefinitionId] ForAnyOfAnyValues:GuidEquals "
                  "{ba92f5b4-2d11-453d-a403-e96b0029c9fe} AND "
                  "@Resource[Microsoft.Authorization/roleAssignments:PrincipalType] "
                  "ForAnyOfAnyValues:StringEqualsIgnoreCase {'ServicePrincipal'}))"));
  EXPECT_TRUE(run_grant_id("shop", kStack).text().ends_with("/roleAssignments/" + grant->name));
}

TEST(BeforeTheJob, MakesItContributorOfTheGroupAndReaderOfTheVaultOnlyWhereSecretsAreComposed) {
  const auto first = before_the_job(whole(), "shop", kStack, needs());
  EXPECT_EQ(first.resource(kRunRole)->scope, "group");
  EXPECT_EQ(*first.resource(kRunRole)->body.find("properties")->find("roleDefinitionId"),
            Value(azure::role_definition_id(kStack.subscription_id, azure::Role::contributor)));
  EXPECT_EQ(first.resource(kRunVaultRole)->scope, "vault");
  auto plain = project();
  plain.services["web"].environment.clear();
  Diagnostics diagnostics;
  const auto without =
      before_the_job(build_graph(plain, kStack, {.principal_id = "me"}, diagnostics), "shop", kStack, needs());
  EXPECT_EQ(without.find(kRunVaultRole), nullptr);
}

TEST(BeforeTheJob, TakesAnImageFromElsewhereWithoutARegistry) {
  auto wanted = needs();
  wanted.image = "example.com/defang:1";
  wanted.is_from_elsewhere = true;
  const auto first = before_the_job(whole(), "shop", kStack, wanted);
  EXPECT_EQ(first.find("registry"), nullptr);
  const auto* containers = first.resource(kRunJob)->body.find("properties")->find("template")->find("containers");
  EXPECT_EQ(*containers->get_if<Value::List>()->front().find("image"), Value("example.com/defang:1"));
}

TEST(InTheJob, IsSoundAndLetsReadersOfTheVaultWaitForItsRole) {
  const auto graph = whole();
  const auto job = in_the_job(graph, before_the_job(graph, "shop", kStack, needs()));
  EXPECT_EQ(job.fault(), "");
  EXPECT_NE(job.find("app/web"), nullptr);
  EXPECT_EQ(job.find(kRunJob), nullptr);
  const auto edges = job.edges_of("config/KEY");
  EXPECT_NE(std::ranges::find(edges, kRunVaultRole, &graph::Edge::node), edges.end());
}

TEST(InTheJob, WhatGivesRolesWaitsForTheRightTo) {
  const auto graph = with_photos();
  const auto job = in_the_job(graph, before_the_job(graph, "shop", kStack, needs()));
  EXPECT_EQ(job.fault(), "");
  const auto edges = job.edges_of("role/objects/photos");
  EXPECT_NE(std::ranges::find(edges, kRunGrantRole, &graph::Edge::node), edges.end());
}

TEST(InTheJob, KnowsNothingOfRolesOutsideOfTheGroupWhichAreGivenBefore) {
  auto with = project();
  with.services["web"].image = {"shared.azurecr.io/app", {}};
  Facts facts{.principal_id = "me", .principal_type = "User"};
  facts.registries["shared.azurecr.io"] = SharedRegistry{
      .id = "/subscriptions/s/resourceGroups/team/providers/Microsoft.ContainerRegistry/registries/shared",
      .pull = SharedRegistry::Pull::can_be_granted};
  Diagnostics diagnostics;
  const auto graph = build_graph(with, kStack, facts, diagnostics);
  const auto first = before_the_job(graph, "shop", kStack, needs());
  EXPECT_NE(first.find("role/pull/shared.azurecr.io"), nullptr);
  EXPECT_EQ(first.find(kRunGrantRole), nullptr);
  const auto job = in_the_job(graph, first);
  EXPECT_EQ(job.fault(), "");
  EXPECT_EQ(job.find("role/pull/shared.azurecr.io"), nullptr);
  EXPECT_NE(job.find("app/web"), nullptr);
}

TEST(InTheJob, FindsFilesInTheVault) {
  graph::ResourceGraph graph;
  graph.add(graph::Resource{.id = "vault"});
  graph.add(graph::Action{.id = "file/key", .what = graph::WriteSecret{"vault", "k", graph::FileRecipe{"/home/key"}}});
  const auto job = in_the_job(graph, {});
  const auto& write = std::get<graph::WriteSecret>(job.action("file/key")->what);
  EXPECT_EQ(write.name, "k");
  EXPECT_TRUE(std::holds_alternative<graph::ConfigRecipe>(write.recipe));
}

}  // namespace
}  // namespace defang::plan
