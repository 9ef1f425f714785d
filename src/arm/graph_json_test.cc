#include "arm/graph_json.h"

#include <gtest/gtest.h>

namespace defang::arm {
namespace {

using namespace graph;

const SourceSpan kOrigin{std::make_shared<SourceFile>("compose.yaml", "password: secret\n"), 7, 3, 4};

Resource group() {
  Resource group;
  group.id = "group";
  group.type = "Microsoft.Resources/resourceGroups";
  group.api_version = "2024-03-01";
  group.name = "g";
  return group;
}

/// One of everything.
ResourceGraph everything() {
  ResourceGraph graph;
  graph.add(group());
  Resource role = group();
  role.id = "role/web";
  role.scope = "group";
  role.body = Value::Map{{"null", {}},
                         {"flag", true},
                         {"whole", 5},
                         {"half", 0.5},
                         {"one", 1.0},
                         {"empty", Value::Text{}},
                         {"text", ""},
                         {"bytes", "\xff\xfe"},
                         {"t", "not pieces"},
                         {"list", Value::List{Value::List{}, Value::Map{}, Value::Map{{"m", 1}}}},
                         {"pieces", Value::Text{"https://", Reference{"group", Reference::Kind::id, "", ""}, "\xff"}},
                         {"key", Reference{"group", Reference::Kind::list, "keys[0]", "listKeys", true}}};
  role.origin = kOrigin;
  role.because = "service `web` asked";
  role.service = "web";
  role.retention = Retention::data;
  role.after = {{"group", "it comes first"}};
  graph.add(role);
  const auto act = [&](std::string id, decltype(Action::what) what) {
    graph.add(Action{.id = std::move(id),
                     .what = std::move(what),
                     .origin = kOrigin,
                     .because = "b",
                     .service = "web",
                     .after = {{"group", ""}}});
  };
  act("build/web", BuildImage{.service = "web",
                              .registry = "group",
                              .storage = "group",
                              .context = "/src",
                              .dockerfile = "Dockerfile",
                              .inline_dockerfile = "FROM a",
                              .appended = "USER b\n",
                              .buildpacks = true,
                              .target = "t",
                              .platform = "linux/arm64",
                              .args = {{"A", "1"}, {"A", "\xff"}},
                              .secrets = {{"npm", {"file/A", Reference::Kind::output, "value", ""}}},
                              .logins = {{"ghcr.io", "me", {"login/ghcr.io", Reference::Kind::output, "value", ""}}}});
  act("login/ghcr.io", WriteSecret{"group", "L", LoginRecipe{"ghcr.io", "me"}});
  act("config/A", WriteSecret{"group", "A", ConfigRecipe{"A"}});
  act("file/A", WriteSecret{"group", "F", FileRecipe{"/src/\xff"}});
  act("secret/generated", WriteSecret{"group", "G", GeneratedRecipe{48}});
  act("secret/composed",
      WriteSecret{"group", "C", ComposedRecipe{{"a", Reference{"config/A", Reference::Kind::output, "value"}}}});
  act("healthy/web", AwaitRevision{"role/web"});
  act("run/web", RunJob{"role/web"});
  return graph;
}

bool same(const Resource& a, const Resource& b) {
  return a.type == b.type && a.api_version == b.api_version && a.name == b.name && a.scope == b.scope &&
         a.body == b.body && a.origin == b.origin && a.origin.length == b.origin.length && a.because == b.because &&
         a.service == b.service && a.retention == b.retention && a.after == b.after;
}

TEST(WriteGraph, KeepsEverythingOfEveryNode) {
  const auto graph = everything();
  const auto read = read_graph(write_graph(graph));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(to_text(*read), to_text(graph));
  EXPECT_EQ(write_graph(*read), write_graph(graph));
  EXPECT_TRUE(same(*read->resource("role/web"), *graph.resource("role/web")));
  const auto& build = std::get<BuildImage>(read->action("build/web")->what);
  EXPECT_EQ(build.args, (decltype(build.args){{"A", "1"}, {"A", "\xff"}}));
  EXPECT_EQ(build.inline_dockerfile, "FROM a");
  EXPECT_EQ(build.appended, "USER b\n");
  ASSERT_EQ(build.secrets.size(), 1u);
  EXPECT_EQ(build.secrets[0].value, (Reference{"file/A", Reference::Kind::output, "value", ""}));
  ASSERT_EQ(build.logins.size(), 1u);
  EXPECT_EQ(build.logins[0].user, "me");
  EXPECT_EQ(build.logins[0].password.node, "login/ghcr.io");
  const auto& file = std::get<WriteSecret>(read->action("file/A")->what);
  EXPECT_EQ(std::get<FileRecipe>(file.recipe).path, "/src/\xff");
  const auto& generated = std::get<WriteSecret>(read->action("secret/generated")->what);
  EXPECT_EQ(std::get<GeneratedRecipe>(generated.recipe).bytes, 48u);
}

TEST(WriteGraph, TakesTheNamesOfFilesAlongAndNotTheirText) {
  EXPECT_EQ(write_graph(everything()).find("password"), std::string::npos);
}

TEST(ReadGraph, RefusesWhatItDoesNotUnderstand) {
  for (
      const char* text :
      {"", "{", "[]", "{}", R"({"v":2,"files":[],"nodes":[]})", R"({"v":1,"files":[],"nodes":[{}]})",
       R"({"v":1,"files":[],"nodes":[{"id":"a","because":"","service":"","after":[],"what":{"await":"b"},"origin":[0,1,1,1]}]})"})
    EXPECT_EQ(read_graph(text).error().code, "graph-invalid") << text;
}

}  // namespace
}  // namespace defang::arm
