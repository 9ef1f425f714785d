#include "plan/narrow.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace defang::plan {
namespace {

using testing::UnorderedElementsAre;

compose::Service service(std::string name, std::vector<std::string> depends_on = {}) {
  compose::Service made;
  made.name = std::move(name);
  for (auto& other : depends_on) made.depends_on.push_back({.service = std::move(other)});
  return made;
}

compose::Project project(std::vector<compose::Service> services) {
  compose::Project made;
  for (auto& one : services) made.services[one.name] = one;
  return made;
}

std::vector<std::string> ids_of(const graph::ResourceGraph& graph) {
  std::vector<std::string> ids;
  for (const auto& [id, node] : graph.nodes()) ids.push_back(id);
  return ids;
}

TEST(Narrow, DependenciesOfDependenciesAreIncludedOnce) {
  const auto all = project({service("web", {"api", "db"}), service("api", {"db"}), service("db"), service("other")});
  EXPECT_THAT(with_dependencies(all, {"web"}), UnorderedElementsAre("web", "api", "db"));
  EXPECT_THAT(with_dependencies(all, {"db", "other", "unknown"}), UnorderedElementsAre("db", "other"));
}

TEST(Narrow, ASidecarStandsForTheServiceWhoseReplicasItIsPartOf) {
  auto sidecar = service("sidecar");
  sidecar.network_mode = {"service:web", {}};
  EXPECT_THAT(with_dependencies(project({service("web"), sidecar}), {"sidecar"}),
              UnorderedElementsAre("web", "sidecar"));
}

TEST(Narrow, WhatServesTheStackStaysAndConfigOfOthersBringsNobodyAlong) {
  graph::ResourceGraph graph;
  const auto resource = [&](const std::string& id, const std::string& service, std::vector<graph::Edge> after) {
    graph.add(graph::Resource{.id = id, .service = service, .after = std::move(after)});
  };
  const auto action = [&](const std::string& id, const std::string& service, auto what) {
    graph.add(graph::Action{.id = id, .what = what, .origin = {}, .because = {}, .service = service, .after = {}});
  };
  graph.add(graph::Resource{.id = "vault", .retention = graph::Retention::shared, .after = {}});
  action("config/KEY", "other", graph::WriteSecret{.vault = "vault", .name = "KEY", .recipe = graph::ConfigRecipe{}});
  resource("app/web", "web", {{"config/KEY", ""}});
  resource("app/other", "other", {{"config/KEY", ""}});
  action("healthy/web", "web", graph::AwaitRevision{"app/web"});
  action("healthy/other", "other", graph::AwaitRevision{"app/other"});
  const auto narrow = narrowed(graph, project({service("web"), service("other")}), {"web"});
  EXPECT_THAT(ids_of(narrow), UnorderedElementsAre("vault", "config/KEY", "app/web", "healthy/web"));
}

}  // namespace
}  // namespace defang::plan
