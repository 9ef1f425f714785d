// Queries: logs of a workspace, resources, prices.
#include <gtest/gtest.h>

#include "emulator/providers/apps_testing.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

/// An environment whose logs go to a workspace, and an app in it.
class LogsBench : public AppsBench {
 public:
  LogsBench() {
    put(workspace_id(), {{"location", "westus3"}, {"properties", {{"retentionInDays", 30}}}});
    wait(std::chrono::seconds(30));
    const Json keys = post(workspace_id() + "/sharedKeys").json;
    put(environment_id(),
        {{"location", "westus3"},
         {"properties",
          {{"workloadProfiles", Json::array({{{"name", "Consumption"}, {"workloadProfileType", "Consumption"}}})},
           {"appLogsConfiguration",
            {{"destination", "log-analytics"},
             {"logAnalyticsConfiguration",
              {{"customerId", customer_id()}, {"sharedKey", text_at(keys, "primarySharedKey")}}}}}}}});
    wait(std::chrono::seconds(90));
  }
  std::string workspace_id() { return group("g") + "/providers/Microsoft.OperationalInsights/workspaces/logs"; }
  std::string customer_id() { return text_at(get(workspace_id()).json, "properties.customerId"); }
  Got query(const std::string& text) {
    return send("POST", "/v1/workspaces/" + customer_id() + "/query", {{"query", text}}, {}, core.arm_base_url());
  }
};

constexpr const char* kLines =
    "union isfuzzy=true ContainerAppConsoleLogs_CL, ContainerAppConsoleLogs | where ContainerAppName_s == 'web' | "
    "project Log_s, ContainerGroupName_s";

TEST(LogQueries, HoldWhatReplicasWroteThoughTheyAreGone) {
  LogsBench bench;
  bench.put(bench.app_id(), bench.app_body());
  bench.wait_seconds(20);
  EXPECT_EQ(text_at(bench.query(kLines).json, "error.innererror.code"), "SemanticError") << "nothing has arrived yet";
  const std::string replica = text_at(bench.only_replica(), "name");
  bench.remove(bench.app_id());
  bench.wait_seconds(120);
  EXPECT_EQ(bench.get(bench.app_id()).status, 404);
  bench.runtime->console_time = bench.clock.now() - std::chrono::seconds(100);
  const auto answer = bench.query(kLines);
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(dump(answer.json["tables"][0]["rows"][0]), R"(["web says 0",")" + replica + R"("])");
  EXPECT_EQ(answer.json["tables"][0]["rows"].size(), 3u);
}

TEST(LogQueries, NeedATokenForTheService) {
  LogsBench bench;
  EXPECT_EQ(bench.send("POST", "/v1/workspaces/" + bench.customer_id() + "/query", {{"query", "x"}}).status, 401);
  EXPECT_EQ(bench.send("POST", "/v1/workspaces/none/query", {{"query", "x"}}).status, 404);
  EXPECT_EQ(bench.query("x | summarize count()").status, 400);
}

TEST(ResourceGraphQueries, FindGroupsByTheirTagsAndTurnPages) {
  AppsBench bench;
  for (const char* name : {"one", "two", "three"})
    bench.put(bench.group(name), {{"location", "westus3"}, {"tags", {{"defang-project", name}}}});
  const auto ask = [&](const Json& options) {
    return bench.send("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01",
                      {{"query",
                        "ResourceContainers | where type =~ 'microsoft.resources/subscriptions/resourcegroups' | where "
                        "isnotempty(tags['defang-project']) | project name | order by name asc"},
                       {"options", options}});
  };
  EXPECT_EQ(dump(ask(Json::object()).json["data"]), R"([{"name":"one"},{"name":"three"},{"name":"two"}])");
  const auto first = ask({{"$top", 2}});
  EXPECT_EQ(first.json["count"], 2);
  EXPECT_EQ(dump(ask({{"$top", 2}, {"$skipToken", first.json["$skipToken"]}}).json["data"]), R"([{"name":"two"}])");
}

TEST(ResourceGraphQueries, ShowResourcesAndSayWhatIsWrong) {
  AppsBench bench;
  bench.make_environment();
  const auto ask = [&](const std::string& query) {
    return bench.send("POST", "/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01",
                      {{"query", query}});
  };
  EXPECT_EQ(dump(ask("Resources | where type == 'microsoft.app/managedenvironments' | project name").json["data"]),
            R"([{"name":"env"}])");
  EXPECT_EQ(ask("Nothing").code(), "InvalidQuery");
  EXPECT_EQ(ask("Resources | summarize count()").status, 501);
}

TEST(RetailPrices, AreThereForEverybodyInPages) {
  AppsBench bench;
  const std::string filter =
      "$filter=" + percent_encode("serviceName eq 'Azure Container Apps' and armRegionName eq 'x'");
  const auto first = bench.send("GET", "/api/retail/prices?" + filter, Json(), {}, Bench::nobody);
  ASSERT_EQ(first.status, 200) << first.body;
  std::size_t rows = first.json["Items"].size();
  for (Json next = first.json["NextPageLink"]; next.is_string();) {
    const auto page = bench.send("GET", next.get<std::string>(), Json(), {}, Bench::nobody);
    rows += page.json["Items"].size();
    next = page.json["NextPageLink"];
  }
  EXPECT_EQ(rows, 7u);
}

}  // namespace
}  // namespace defang::emulator
