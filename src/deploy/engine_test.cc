#include "deploy/engine.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "deploy/decide.h"
#include "deploy/fake_arm.h"

namespace defang::deploy {
namespace {

using graph::Reference;
using graph::Resource;
using graph::Value;
using Json = nlohmann::json;
using namespace std::chrono_literals;

class FakeActions : public Actions {
 public:
  explicit FakeActions(Clock& clock) : clock_(clock) {}
  std::map<std::string, std::string> outputs;  // action -> its "image"

  Result<Outputs> run(const graph::Action& action, NodeScope& scope, std::stop_token stop) override {
    scope.log("step 1");
    if (!clock_.sleep_for(90s, stop)) return stopped();
    Outputs out;
    out.texts["image"] = outputs[action.id];
    return out;
  }
  std::function<std::optional<Error>()> watchdog(const Resource&, const std::optional<Json>&, NodeScope&,
                                                 std::stop_token) override {
    return {};
  }
  Result<void> before_create(const Resource&, NodeScope&, std::stop_token) override { return {}; }

 private:
  Clock& clock_;
};

struct Line {
  std::string operator()(const RunStarted& e) const { return fmt::format("run {} nodes", e.nodes); }
  std::string operator()(const NodeStarted& e) const {
    constexpr const char* kDoing[] = {"create", "update", "adopt", "run", "remove"};
    return fmt::format("{} {}", kDoing[static_cast<int>(e.doing)], e.node);
  }
  std::string operator()(const NodeWaiting& e) const { return fmt::format("{}: {}", e.node, e.state); }
  std::string operator()(const NodeLog& e) const { return fmt::format("{}| {}", e.node, e.line); }
  std::string operator()(const NodeFinished& e) const {
    constexpr const char* kHow[] = {"created", "updated", "adopted", "unchanged", "ran", "removed"};
    return fmt::format("{} {} in {} s", e.node, kHow[static_cast<int>(e.how)], e.took.count() / 1000);
  }
  std::string operator()(const NodeFailed& e) const {
    return fmt::format("{} failed: {} ({})", e.node, e.error.message, e.error.help);
  }
  std::string operator()(const NodeSkipped& e) const { return fmt::format("{} skipped: {}", e.node, e.because_of); }
  std::string operator()(const Notice& e) const { return e.message; }
  std::string operator()(const RunFinished& e) const {
    constexpr const char* kHow[] = {"done", "failed", "stopped"};
    return fmt::format("{} in {} s: {} created, {} updated, {} unchanged, {} failed, {} skipped",
                       kHow[static_cast<int>(e.how)], e.took.count() / 1000, e.created, e.updated, e.unchanged,
                       e.failed, e.skipped);
  }
};

Value::Map tags() { return {{"defang-project", "shop"}, {"defang-stack", "test"}}; }

Resource resource(std::string id, std::string type, std::string name, Value::Map properties = {}) {
  Resource out;
  out.id = std::move(id);
  out.type = std::move(type);
  out.name = std::move(name);
  out.api_version = "1";
  out.body = Value::Map{{"tags", tags()}, {"properties", std::move(properties)}};
  return out;
}

/// group -> registry, build -> app that needs the image and the registry's server.
class Shop : public ::testing::Test {
 protected:
  Shop() : arm_(clock_), actions_(clock_) {
    options_.scope = {"shop", "test", "sub", "rg", "westus3"};
    graph_.add(resource("group", "Microsoft.Resources/resourceGroups", "rg"));
    auto registry = resource("registry", "Microsoft.ContainerRegistry/registries", "reg");
    registry.after = {{"group", "lives in it"}};
    graph_.add(registry);
    graph::Action build;
    build.id = "build/web";
    build.what = graph::BuildImage{.service = "web", .registry = "registry"};
    build.after = {{"registry", "the image goes there"}};
    graph_.add(build);
    auto app =
        resource("app/web", "Microsoft.App/containerApps", "web",
                 {{"image", Value(Reference{"build/web", Reference::Kind::output, "image", ""})},
                  {"server", Value(Reference{"registry", Reference::Kind::property, "properties.loginServer", ""})}});
    app.service = "web";
    graph_.add(app);
    arm_.takes = {{"reg", 6s}, {"web", 12s}};
    arm_.on_put = [](const azure::ResourceId& id, Json& body) {
      if (id.last_name() == "reg") body["properties"]["loginServer"] = "reg.azurecr.io";
    };
    actions_.outputs["build/web"] = "reg.azurecr.io/web:1";
  }

  RunResult go(std::stop_token stop = {}) {
    lines_.clear();
    arm_.requests.clear();
    return run(
        graph_, arm_, actions_, clock_, [&](const Event& e) { lines_ += std::visit(Line{}, e.what) + "\n"; }, options_,
        stop);
  }
  azure::ResourceId id(const std::string& type, const std::string& name) const {
    return azure::ResourceId::resource("sub", "rg", type, name);
  }

  FakeClock clock_;
  FakeArm arm_;
  FakeActions actions_;
  graph::ResourceGraph graph_;
  EngineOptions options_;
  std::string lines_;
};

TEST_F(Shop, SendsBackTheHostNamesThatAreBoundAndTakesThemForNoChange) {
  graph_.resource("app/web")->body.set(
      "properties",
      Value::Map{{"image", Value(Reference{"build/web", Reference::Kind::output, "image", ""})},
                 {"configuration", Value::Map{{"ingress", Value::Map{{"external", true}, {"transport", "auto"}}}}}});
  go();
  const Json bound = Json::array({{{"name", "www.example.com"}, {"bindingType", "SniEnabled"}}});
  const auto app = id("Microsoft.App/containerApps", "web");
  arm_.at(app)["properties"]["configuration"]["ingress"]["customDomains"] = bound;
  EXPECT_EQ(go().finished.updated, 0u);
  actions_.outputs["build/web"] = "reg.azurecr.io/web:2";
  EXPECT_EQ(go().finished.updated, 1u);
  EXPECT_EQ(arm_.at(app)["properties"]["configuration"]["ingress"]["customDomains"], bound);
}

TEST_F(Shop, GoesUpInTheOrderOfItsEdgesAndFillsReferencesIn) {
  go();
  EXPECT_EQ(lines_,
            "run 4 nodes\n"
            "create group\ngroup: InProgress\ngroup created in 0 s\n"
            "create registry\nregistry: InProgress\nregistry created in 6 s\n"
            "run build/web\nbuild/web| step 1\nbuild/web ran in 90 s\n"
            "create app/web\napp/web: InProgress\napp/web created in 12 s\n"
            "done in 108 s: 3 created, 0 updated, 0 unchanged, 0 failed, 0 skipped\n");
  const Json& app = arm_.at(id("Microsoft.App/containerApps", "web"));
  EXPECT_EQ(app["properties"]["image"], "reg.azurecr.io/web:1");
  EXPECT_EQ(app["properties"]["server"], "reg.azurecr.io");
  EXPECT_EQ(app["tags"]["defang-hash"].get<std::string>().size(), 34u);
  // In a group that was just made there is nothing to look up.
  EXPECT_EQ(arm_.requests, (std::vector<std::string>{"GET rg", "PUT rg", "PUT reg", "PUT web"}));
}

TEST_F(Shop, ASecondRunWritesNothing) {
  go();
  go();
  EXPECT_EQ(arm_.requests, (std::vector<std::string>{"GET rg", "GET reg", "GET web"}));
  EXPECT_NE(lines_.find("done in 90 s: 0 created, 0 updated, 3 unchanged"), std::string::npos) << lines_;
}

TEST_F(Shop, ANewImageUpdatesTheAppAndNothingElse) {
  go();
  actions_.outputs["build/web"] = "reg.azurecr.io/web:2";
  go();
  EXPECT_EQ(arm_.requests, (std::vector<std::string>{"GET rg", "GET reg", "GET web", "PUT web"}));
}

TEST_F(Shop, WhatSomebodyElseMadeIsRefusedAndWhatNeedsItIsSkipped) {
  arm_.resources["/subscriptions/sub/resourcegroups/rg"] = {
      {"tags", Json{{"defang-project", "shop"}, {"defang-stack", "test"}}}};
  arm_.resources["/subscriptions/sub/resourcegroups/rg/providers/microsoft.containerregistry/registries/reg"] = {
      {"tags", {{"owner", "me"}}}};
  const auto result = go();
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_EQ(result.failures[0].error.code, "not-ours");
  EXPECT_NE(lines_.find("app/web skipped: registry\nbuild/web skipped: registry\nfailed"), std::string::npos) << lines_;
}

TEST_F(Shop, AnOperationInFlightIsAdoptedInsteadOfRepeated) {
  go();
  arm_.at(id("Microsoft.ContainerRegistry/registries", "reg"))["properties"]["provisioningState"] = "Creating";
  go();
  EXPECT_EQ(arm_.requests, (std::vector<std::string>{"GET rg", "GET reg", "ADOPT reg", "GET reg", "GET web"}));
}

TEST_F(Shop, WhatFailedLastTimeIsWrittenAgain) {
  go();
  arm_.at(id("Microsoft.App/containerApps", "web"))["properties"]["provisioningState"] = "Failed";
  go();
  EXPECT_NE(lines_.find("update app/web"), std::string::npos);
}

TEST_F(Shop, ARefusalCarriesAzuresCodeAndOurAdvice) {
  arm_.refusals["PUT reg"] = {{.code = "AuthorizationFailed", .message = "The client has no permission"}};
  const auto result = go();
  ASSERT_EQ(result.failures.size(), 1u);
  EXPECT_EQ(result.failures[0].error.context.front(), "writing Microsoft.ContainerRegistry/registries `reg`");
  EXPECT_TRUE(result.failures[0].error.help.starts_with(
      "ask for the role `Contributor` on the subscription or the resource group"));
  EXPECT_EQ(result.finished.how, RunFinished::How::failed);
  EXPECT_EQ(result.finished.skipped, 2u);
}

TEST_F(Shop, AnAnswerThatMeansNotYetIsRepeated) {
  const Error busy{.code = "ContainerAppOperationInProgress", .message = "busy"};
  arm_.refusals["PUT web"] = {busy, busy, busy};
  const auto result = go();
  EXPECT_EQ(result.finished.how, RunFinished::How::done) << lines_;
  EXPECT_EQ(std::ranges::count(arm_.requests, "PUT web"), 4);
}

TEST_F(Shop, APullThatFailsIsRepeatedOnlyWhileRightsAreFreshOnARegistryThatKnowsTheIdentity) {
  const Error pull{.code = "revision-image-pull", .message = "ErrImagePull"};
  auto role = resource("role", "Microsoft.Authorization/roleAssignments", "7c0c5d5e-0000-0000-0000-000000000000");
  role.scope = "registry";
  graph_.add(role);
  auto& body = graph_.resource("app/web")->body;
  body.set(
      "properties",
      Value::Map{{"configuration",
                  Value::Map{{"registries", Value::List{Value::Map{{"server", "reg.azurecr.io"}, {"identity", "i"}},
                                                        Value::Map{{"server", "docker.io"}, {"username", "me"}}}}}},
                 {"template",
                  Value::Map{{"containers",
                              Value::List{Value::Map{
                                  {"image", Value(Reference{"build/web", Reference::Kind::output, "image", ""})}}}}}}});
  arm_.refusals["PUT web"] = {pull, pull};
  EXPECT_EQ(go().finished.how, RunFinished::How::done) << lines_;
  EXPECT_EQ(std::ranges::count(arm_.requests, "PUT web"), 3);

  actions_.outputs["build/web"] = "docker.io/nobody/nothing";
  arm_.refusals["PUT web"] = {pull, pull};
  EXPECT_EQ(go().finished.how, RunFinished::How::failed);
  EXPECT_EQ(std::ranges::count(arm_.requests, "PUT web"), 1);
}

TEST_F(Shop, ARoleIsGivenAgainOnlyWhereARightOfThePlanThatStillSpreadsLetsItBeGiven) {
  const Error denied{.code = "AuthorizationFailed",
                     .message = "no authorization to perform action 'Microsoft.Authorization/roleAssignments/write'"};
  const auto add_role = [&](const char* node, const char* name, std::vector<graph::Edge> after) {
    auto role = resource(node, "Microsoft.Authorization/roleAssignments", name);
    role.scope = "registry";
    role.after = std::move(after);
    graph_.add(role);
  };
  add_role("grant", "11111111-0000-0000-0000-000000000000", {});
  add_role("given", "22222222-0000-0000-0000-000000000000", {{"grant", "the run must be allowed to give it"}});
  add_role("other", "33333333-0000-0000-0000-000000000000", {});
  arm_.refusals["PUT 22222222-0000-0000-0000-000000000000"] = {denied, denied};
  arm_.refusals["PUT 33333333-0000-0000-0000-000000000000"] = {denied, denied};
  EXPECT_EQ(go().finished.how, RunFinished::How::failed) << lines_;
  EXPECT_EQ(std::ranges::count(arm_.requests, "PUT 22222222-0000-0000-0000-000000000000"), 3);
  EXPECT_EQ(std::ranges::count(arm_.requests, "PUT 33333333-0000-0000-0000-000000000000"), 1);
}

TEST_F(Shop, RightsThatExistUnderAnotherNameAreFine) {
  auto role = resource("role", "Microsoft.Authorization/roleAssignments", "7c0c5d5e-0000-0000-0000-000000000000");
  role.scope = "registry";
  graph_.add(role);
  arm_.refusals["PUT " + role.name] = {{.code = "RoleAssignmentExists", .message = "exists", .http_status = 409}};
  EXPECT_EQ(go().finished.how, RunFinished::How::done) << lines_;
}

TEST_F(Shop, RightsOfAnIdentityThatWasMadeAgainReplaceTheOldOnes) {
  auto role = resource("role", "Microsoft.Authorization/roleAssignments", "7c0c5d5e-0000-0000-0000-000000000000");
  role.scope = "registry";
  graph_.add(role);
  arm_.refusals["PUT " + role.name] = {{.code = "RoleAssignmentUpdateNotPermitted", .message = "not allowed"}};
  EXPECT_EQ(go().finished.how, RunFinished::How::done) << lines_;
  EXPECT_EQ(std::ranges::count(arm_.requests, "DELETE " + role.name), 1);
}

TEST_F(Shop, ForceWritesNoRightsAgain) {
  auto role = resource("role", "Microsoft.Authorization/roleAssignments", "7c0c5d5e-0000-0000-0000-000000000000");
  role.scope = "registry";
  graph_.add(role);
  ASSERT_EQ(go().finished.how, RunFinished::How::done) << lines_;
  options_.force = true;
  EXPECT_EQ(go().finished.how, RunFinished::How::done) << lines_;
  EXPECT_EQ(std::ranges::count(arm_.requests, "PUT reg"), 1);
  EXPECT_EQ(std::ranges::count(arm_.requests, "PUT " + role.name), 0);
}

TEST_F(Shop, AStopEndsTheWaitsAndNamesWhatGoesOnInAzure) {
  std::stop_source stop;
  arm_.takes["reg"] = 1h;
  arm_.on_put = [&](const azure::ResourceId& which, Json&) {
    if (which.last_name() == "rg") stop.request_stop();
  };
  const auto result = go(stop.get_token());
  EXPECT_EQ(result.finished.how, RunFinished::How::stopped);
  EXPECT_TRUE(result.failures.empty());
}

TEST_F(Shop, TheGateComesBeforeEverythingThatItDoesNotNeed) {
  auto storage = resource("storage", "Microsoft.Storage/storageAccounts", "st");
  storage.after = {{"group", "lives in it"}};
  graph_.add(storage);
  options_.gate = "storage";
  options_.when_gate_is_done = [&](NodeScope&, std::stop_token) -> Result<void> {
    lines_ += "lease taken\n";
    return {};
  };
  go();
  EXPECT_LT(lines_.find("lease taken"), lines_.find("create registry"));
  options_.when_gate_is_done = [&](NodeScope&, std::stop_token) -> Result<void> {
    return fail(Error::Kind::refused, "leased", "another run is going on");
  };
  const auto result = go();
  EXPECT_EQ(result.finished.skipped, 3u) << lines_;
}

TEST_F(Shop, NodesWithoutEdgesRunAtTheSameTime) {
  for (int i = 0; i < 8; ++i) {
    auto app = resource(fmt::format("app/a{}", i), "Microsoft.App/containerApps", fmt::format("a{}", i));
    app.after = {{"group", "lives in it"}};
    graph_.add(app);
    arm_.takes[fmt::format("a{}", i)] = 100s;
  }
  go();
  EXPECT_NE(lines_.find("done in 108 s: 11 created"), std::string::npos) << lines_;
}

TEST_F(Shop, SubnetsOfOneNetworkAreWrittenOneAfterAnother) {
  for (const auto* name : {"a", "b", "c"}) {
    auto subnet = resource(fmt::format("subnet/{}", name), "Microsoft.Network/virtualNetworks/subnets",
                           fmt::format("net/{}", name));
    subnet.after = {{"group", "lives in it"}};
    graph_.add(subnet);
    arm_.takes[name] = 100s;
  }
  go();
  EXPECT_NE(lines_.find("done in 300 s"), std::string::npos) << lines_;
}

Json server(const Json& login, const Json& version, int gigabytes) {
  return {{"properties",
           {{"administratorLogin", login}, {"version", version}, {"storage", {{"storageSizeGB", gigabytes}}}}}};
}

TEST(FixedChange, IsWhatAzureNeverMakes) {
  const std::string type = "Microsoft.DBforPostgreSQL/flexibleServers";
  const Json existing = server("app", "16", 64);
  EXPECT_FALSE(change_of_what_is_fixed(type, existing, server("App", "17", 32)));  // upwards it goes
  const auto login = change_of_what_is_fixed(type, existing, server("shop", "16", 32));
  ASSERT_TRUE(login);
  EXPECT_EQ(login->property + " " + login->is + " " + login->wished, "administratorLogin app shop");
  EXPECT_TRUE(change_of_what_is_fixed(type, existing, server("app", "9", 32)));
  EXPECT_FALSE(change_of_what_is_fixed("Microsoft.App/containerApps", existing, server("shop", "9", 32)));
}

TEST(FixedChange, IsNotADiskThatHasGrown) {
  Json wished = server("app", "16", 32);
  keep_what_has_grown("Microsoft.DBforPostgreSQL/flexibleServers", server("app", "16", 64), wished);
  EXPECT_EQ(wished, server("app", "16", 64));
  keep_what_has_grown("Microsoft.DBforPostgreSQL/flexibleServers", server("app", "16", 32), wished);
  EXPECT_EQ(wished, server("app", "16", 64));
}

TEST(CostlyChange, StopsAServerOrEmptiesACache) {
  const auto of = [](const char* type, const Json& existing, const Json& wished) {
    const auto change = costly_change(type, existing, wished);
    return !change ? "free" : change->cost == CostlyChange::Cost::data ? "data" : "downtime";
  };
  const Json small = {{"sku", {{"name", "Standard_B1ms"}}}}, large = {{"sku", {{"name", "Standard_B2s"}}}};
  EXPECT_STREQ(of("Microsoft.DBforPostgreSQL/flexibleServers", small, large), "downtime");
  EXPECT_STREQ(of("Microsoft.DBforPostgreSQL/flexibleServers", small, small), "free");
  EXPECT_STREQ(of("Microsoft.DBforPostgreSQL/flexibleServers", server("app", "16", 32), server("app", "17", 32)),
               "downtime");
  EXPECT_STREQ(of("Microsoft.App/containerApps", small, large), "free");
  Json cache = {{"sku", {{"name", "Balanced_B0"}}}, {"properties", {{"highAvailability", "Disabled"}}}};
  const Json more = {{"sku", {{"name", "Balanced_B1"}}}};
  EXPECT_STREQ(of("Microsoft.Cache/redisEnterprise", cache, more), "data");
  cache["properties"]["highAvailability"] = "Enabled";
  EXPECT_STREQ(of("Microsoft.Cache/redisEnterprise", cache, more), "free");
}

TEST(Readiness, IsWhatACacheSaysOfItself) {
  const auto of = [](const char* type, const char* state) {
    const auto readiness = readiness_of(type, {{"properties", {{"resourceState", state}}}});
    return readiness.is == Readiness::Is::ready     ? "ready"
           : readiness.is == Readiness::Is::not_yet ? "not yet"
                                                    : "failed";
  };
  EXPECT_STREQ(of("Microsoft.Cache/redisEnterprise", "Running"), "ready");
  EXPECT_STREQ(of("Microsoft.Cache/redisEnterprise", ""), "ready");
  EXPECT_STREQ(of("Microsoft.Cache/redisEnterprise/databases", "Updating"), "not yet");
  EXPECT_STREQ(of("Microsoft.Cache/redisEnterprise", "CreateFailed"), "failed");
  EXPECT_STREQ(of("Microsoft.App/containerApps", "Creating"), "ready");
}

TEST_F(Shop, WaitsForACacheThatRunsLaterThanItsOperationEnds) {
  graph_ = {};
  graph_.add(resource("redis/cache", "Microsoft.Cache/redisEnterprise", "cache"));
  int looks = 0;
  arm_.on_put = [](const azure::ResourceId&, Json& body) { body["properties"]["resourceState"] = "Creating"; };
  arm_.on_get = [&](Json& body) {
    if (++looks == 3) body["properties"]["resourceState"] = "Running";
  };
  const auto result = go();
  EXPECT_EQ(result.finished.failed, 0U);
  EXPECT_EQ(looks, 3);
}

TEST_F(Shop, AChangeThatStopsAServerNeedsConsent) {
  graph_ = {};
  auto server = resource("postgres/db", "Microsoft.DBforPostgreSQL/flexibleServers", "shop-db");
  server.service = "db";
  server.body.set("sku", Value::Map{{"name", "Standard_B1ms"}});
  graph_.add(server);
  go();
  graph_ = {};
  server.body.set("sku", Value::Map{{"name", "Standard_B2s"}});
  graph_.add(server);
  go();
  EXPECT_NE(lines_.find("`name` of `shop-db` is `Standard_B1ms` and would become `Standard_B2s`"), std::string::npos)
      << lines_;
  EXPECT_NE(lines_.find("`allow-downtime: true`"), std::string::npos) << lines_;
  options_.may_stop = {"db"};
  go();
  EXPECT_NE(lines_.find("1 updated"), std::string::npos) << lines_;
}

TEST(Differences, AreWhatIsShownOtherwiseNotWhatIsNotShown) {
  const Json wished = {{"a", {{"b", 1}, {"secret", "x"}}}, {"list", {"p", "q"}}, {"ingress", {{"port", 80}}}};
  EXPECT_EQ(differences(wished, wished), std::vector<std::string>());
  EXPECT_EQ(differences({{"a", {{"b", 1}, {"secret", nullptr}, {"more", 1}}}, {"list", {"P", "q"}}}, wished),
            std::vector<std::string>());
  EXPECT_EQ(differences({{"a", {{"b", 2}}}, {"list", {"p"}}, {"ingress", nullptr}}, wished),
            (std::vector<std::string>{"a.b", "ingress", "list"}));
}

TEST(Decide, IsATable) {
  const Wish wish{"1-a", "shop", "test"};
  const auto found = [](std::string state, std::string hash) {
    Found out{.exists = true, .tags = {{"defang-project", "shop"}, {"defang-stack", "test"}, {"defang-hash", hash}}};
    out.provisioning_state = std::move(state);
    return out;
  };
  EXPECT_EQ(decide(wish, {}), Step::create);
  EXPECT_EQ(decide(wish, found("Succeeded", "1-a")), Step::skip);
  EXPECT_EQ(decide(wish, found("", "1-a")), Step::skip);
  EXPECT_EQ(decide(wish, found("Succeeded", "1-b")), Step::update);
  EXPECT_EQ(decide(wish, found("Failed", "1-a")), Step::update);
  EXPECT_EQ(decide(wish, found("Canceled", "1-a")), Step::update);
  EXPECT_EQ(decide(wish, found("Updating", "1-a")), Step::adopt);
  EXPECT_EQ(decide(wish, found("Deleting", "1-a")), Step::wait_until_gone);
  EXPECT_EQ(decide(Wish{"1-a", "shop", "prod"}, found("Succeeded", "1-a")), Step::refuse);
  EXPECT_EQ(decide(Wish{"1-a", "shop", "test", true, true}, found("Succeeded", "1-a")), Step::update);
  EXPECT_EQ(decide(Wish{.taggable = false}, {.exists = true, .holds_wish = true}), Step::skip);
  EXPECT_EQ(decide(Wish{.taggable = false}, {.exists = true, .holds_wish = false}), Step::update);
}

TEST(Holds, ComparesAsAzureSpells) {
  EXPECT_TRUE(
      holds(Json::parse(R"({"a":"East US","b":[{"c":1,"d":2}]})"), Json::parse(R"({"a":"east us","b":[{"c":1}]})")));
  EXPECT_FALSE(holds(Json::parse(R"({"b":[1,2]})"), Json::parse(R"({"b":[1]})")));
  EXPECT_FALSE(holds(Json::parse(R"({})"), Json::parse(R"({"b":1})")));
}

}  // namespace
}  // namespace defang::deploy
