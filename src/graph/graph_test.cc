#include "graph/graph.h"

#include <gtest/gtest.h>

namespace defang::graph {
namespace {

Resource resource(std::string id, Value body = {}, std::vector<Edge> after = {}) {
  Resource r;
  r.id = id;
  r.type = "Microsoft.App/containerApps";
  r.name = id;
  r.body = std::move(body);
  r.after = std::move(after);
  return r;
}

TEST(Value, SetReplacesInPlaceAndKeepsOrder) {
  Value value;
  value.set("b", 1);
  value.set("a", 2);
  value.set("b", 3);
  EXPECT_EQ(value, Value(Value::Map{{"b", 3}, {"a", 2}}));
  EXPECT_EQ(*value.find("a"), Value(2));
  EXPECT_FALSE(value.find("c"));
  EXPECT_FALSE(Value("text").find("c"));
}

TEST(ResourceGraph, ReferencesInABodyAreEdges) {
  ResourceGraph graph;
  graph.add(resource("env"));
  graph.add(resource("app", Value(Value::Map{{"e", Reference{"env", Reference::Kind::id}}}),
                     {{"env", "names resolve there"}}));
  EXPECT_EQ(graph.edges_of("app"), (std::vector<Edge>{{"env", "names resolve there"}}));
}

TEST(ResourceGraph, OrdersByNeedThenById) {
  ResourceGraph graph;
  graph.add(resource("a", {}, {{"z", ""}}));
  graph.add(resource("b"));
  graph.add(resource("z"));
  EXPECT_EQ(graph.order(), (std::vector<std::string>{"b", "z", "a"}));
  EXPECT_EQ(graph.fault(), "");
}

TEST(ResourceGraph, NamesACycle) {
  ResourceGraph graph;
  graph.add(resource("a", {}, {{"b", ""}}));
  graph.add(resource("b", {}, {{"c", ""}}));
  graph.add(resource("c", {}, {{"b", ""}}));
  EXPECT_EQ(graph.fault(), "b -> c -> b");
  EXPECT_TRUE(graph.order().empty());
}

TEST(ResourceGraph, NamesAnEdgeThatLeadsNowhere) {
  ResourceGraph graph;
  graph.add(resource("a", {}, {{"nothing", ""}}));
  EXPECT_EQ(graph.fault(), "a needs nothing, which does not exist");
  EXPECT_TRUE(graph.order().empty());
}

TEST(ResourceGraph, ActionsNeedWhatTheyWorkOn) {
  ResourceGraph graph;
  graph.add(resource("vault"));
  graph.add(resource("registry"));
  graph.add(Action{.id = "secret/x",
                   .what = WriteSecret{"vault", "x",
                                       ComposedRecipe{{"user:", Reference{"registry", Reference::Kind::list,
                                                                          "passwords[0].value", "listCredentials"}}}}});
  EXPECT_EQ(graph.edges_of("secret/x"), (std::vector<Edge>{{"registry", ""}, {"vault", ""}}));
}

TEST(ResourceGraph, PrintsEveryNodeWithItsReasonAndNeeds) {
  ResourceGraph graph;
  auto app = resource("app/web", {}, {{"env", "runs there"}});
  app.because = "service `web`";
  graph.add(app);
  graph.add(resource("env"));
  graph.add(Action{.id = "healthy/web", .what = AwaitRevision{"app/web"}});
  EXPECT_EQ(to_text(graph), R"(app/web  Microsoft.App/containerApps app/web [stateless]
  because service `web`
  needs env: runs there
env  Microsoft.App/containerApps env [stateless]
healthy/web  wait until the revision of app/web is healthy
  needs app/web
)");
}

}  // namespace
}  // namespace defang::graph
