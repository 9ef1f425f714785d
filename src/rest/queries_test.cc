#include <gtest/gtest.h>

#include "rest/fake_credential.h"
#include "rest/fake_transport.h"
#include "rest/logs_query.h"
#include "rest/resource_graph.h"
#include "rest/retail_prices.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;

struct Fixture {
  FakeClock clock;
  FakeTransport transport;
  std::unique_ptr<Random> random = make_seeded_random(7);
  FixedCredential credential;
  TokenCache tokens{credential, clock};
  std::unique_ptr<Pipeline> plain = make_pipeline({.transport = transport, .clock = clock, .random = *random});
  std::unique_ptr<Pipeline> pipeline =
      make_pipeline({.transport = transport, .clock = clock, .random = *random, .tokens = &tokens});
  Cloud cloud = *find_cloud("AzureCloud");
  std::unique_ptr<ArmClient> arm = make_arm_client(cloud, *pipeline, clock);

  Result<LogsTable> logs() { return query_logs(cloud, *pipeline, "workspace", "Heartbeat | getschema", {}); }
  Result<std::vector<PriceRow>> prices() { return read_prices(cloud, *plain, "Azure Container Apps", "westus3", {}); }
};

TEST(QueryLogs, ReadsTheTableByTheNamesOfItsColumns) {
  Fixture f;
  f.transport.then(200, {}, R"({"tables":[{"name":"getschema","columns":[{"name":"ColumnName","type":"string"},
    {"name":"ColumnOrdinal","type":"int"}],"rows":[["TenantId",0],["TimeGenerated",2]]}]})");
  const auto table = f.logs();
  ASSERT_TRUE(table) << table.error().message;
  EXPECT_EQ(table->text(1, "ColumnName"), "TimeGenerated");
  EXPECT_EQ(table->text(1, "ColumnOrdinal"), "");
  EXPECT_EQ(table->text(1, "Nothing"), "");
  const auto asked = f.transport.last();
  EXPECT_EQ(asked.url, "https://api.loganalytics.io/v1/workspaces/workspace/query");
  EXPECT_EQ(asked.headers.get("Authorization"), "Bearer for https://api.loganalytics.io");
  EXPECT_EQ(asked.body, R"({"query":"Heartbeat | getschema"})");
}

TEST(QueryLogs, NamesTheInnermostReasonOfARefusal) {
  Fixture f;
  f.transport.then(400, {}, R"({"error":{"code":"BadArgumentError","message":"The request had some invalid properties",
    "innererror":{"code":"SemanticError","message":"A semantic error occurred.","innererror":{"code":"SEM0100",
    "message":"'where' operator: Failed to resolve table"}}}})");
  const auto table = f.logs();
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, "SEM0100");
  EXPECT_EQ(table.error().message, "'where' operator: Failed to resolve table");
  EXPECT_EQ(table.error().http_status, 400);
}

TEST(QueryLogs, TakesNoPartForTheWhole) {
  Fixture f;
  f.transport.then(200, {}, R"({"tables":[{"name":"PrimaryResult","columns":[],"rows":[]}],
    "error":{"code":"PartialError","message":"There were some errors when processing your query."}})");
  const auto table = f.logs();
  ASSERT_FALSE(table);
  EXPECT_EQ(table.error().code, "PartialError");
  f.transport.then(200, {}, "{}");
  EXPECT_EQ(f.logs().error().code, "no-table");
}

TEST(QueryLogs, AsksAgainThoughItIsAPost) {
  Fixture f;
  f.transport.then_error("connection-lost").then(200, {}, R"({"tables":[{"columns":[],"rows":[]}]})");
  EXPECT_TRUE(f.logs());
}

TEST(QueryResources, TurnsThePages) {
  Fixture f;
  f.transport.then(200, {}, R"({"totalRecords":3,"count":2,"data":[{"name":"a"},{"name":"b"}],"$skipToken":"next=="})")
      .then(200, {}, R"({"totalRecords":3,"count":1,"data":[{"name":"c"}],"resultTruncated":"false"})");
  const auto rows = query_resources(*f.arm, "Resources", {"sub"}, {});
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 3u);
  EXPECT_EQ((*rows)[2]["name"], "c");
  const auto asked = f.transport.requests();
  EXPECT_EQ(asked[0].url,
            "https://management.azure.com/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01");
  EXPECT_EQ(Json::parse(asked[0].body)["subscriptions"], Json({"sub"}));
  EXPECT_FALSE(Json::parse(asked[0].body)["options"].contains("$skipToken"));
  EXPECT_EQ(Json::parse(asked[1].body)["options"]["$skipToken"], "next==");
}

TEST(QueryResources, HandsOnARefusal) {
  Fixture f;
  f.transport.then(400, {}, R"({"error":{"code":"InvalidQuery","message":"Query is invalid."}})");
  EXPECT_EQ(query_resources(*f.arm, "?", {}, {}).error().code, "InvalidQuery");
}

TEST(RetailPrices, AreReadPageByPage) {
  Fixture f;
  f.transport
      .then(
          200, {},
          R"({"Items":[{"productName":"Azure Container Apps","skuName":"Standard","meterName":"Idle","unitOfMeasure":"1 Second","tierMinimumUnits":180000.0,"retailPrice":0.000003}],
    "NextPageLink":"https://prices.azure.com:443/api/retail/prices?$filter=x&$skip=1000","Count":1})")
      .then(200, {},
            R"({"Items":[{"meterName":"Standard Requests","retailPrice":0.4}],"NextPageLink":null,"Count":1})");
  const auto rows = f.prices();
  ASSERT_TRUE(rows) << rows.error().message;
  ASSERT_EQ(rows->size(), 2u);
  EXPECT_EQ(rows->front().from_units, 180000);
  EXPECT_EQ(rows->back().meter, "Standard Requests");
  EXPECT_EQ(f.transport.requests()[0].url,
            "https://prices.azure.com/api/retail/prices?api-version=2023-01-01-preview&currencyCode=%27USD%27&$filter="
            "serviceName%20eq%20%27Azure%20Container%20Apps%27%20and%20armRegionName%20eq%20%27westus3%27%20and%20"
            "priceType%20eq%20%27Consumption%27");
  EXPECT_FALSE(f.transport.requests()[0].headers.has("Authorization"));
}

TEST(RetailPrices, LeadNowhereElse) {
  Fixture f;
  f.transport.then(200, {}, R"({"Items":[],"NextPageLink":"https://elsewhere.test/api/retail/prices"})");
  EXPECT_EQ(f.prices().error().code, "foreign-link");
  f.cloud.prices = "";
  EXPECT_EQ(f.prices().error().code, "no-price-list");
}

}  // namespace
}  // namespace defang::rest
