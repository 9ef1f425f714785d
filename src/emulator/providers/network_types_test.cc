#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class NetworkTypes : public testing::Test {
 protected:
  NetworkTypes() { bench.put(group, {{"location", "westus3"}}); }

  Bench bench;
  const std::string group = bench.group("g");
  const std::string base = group + "/providers/Microsoft.Network/";
};

TEST_F(NetworkTypes, APublicAddressIsAllocatedWhenItsOperationEnds) {
  const std::string address = base + "publicIPAddresses/ip";
  const auto created = bench.put(address, {{"location", "West US 3"},
                                           {"sku", {{"name", "Standard"}}},
                                           {"properties", {{"publicIPAllocationMethod", "Static"}}}});
  EXPECT_EQ(created.status, 201);
  EXPECT_TRUE(created.headers.has("Azure-AsyncOperation"));
  EXPECT_EQ(text_at(created.json, "properties.provisioningState"), "Updating");
  EXPECT_EQ(text_at(created.json, "location"), "westus3");
  EXPECT_EQ(text_at(created.json, "properties.ipAddress"), "");
  bench.wait(20s);
  EXPECT_NE(text_at(bench.get(address).json, "properties.ipAddress"), "");
}

TEST_F(NetworkTypes, WhatAResourceNamesMustExistAndBeReady) {
  const std::string address = base + "publicIPAddresses/ip";
  const Json gateway = {{"location", "westus3"},
                        {"sku", {{"name", "Standard"}}},
                        {"properties", {{"publicIpAddresses", {{{"id", address}}}}}}};
  EXPECT_EQ(bench.put(base + "natGateways/out", gateway).code(), "InvalidResourceReference");
  bench.put(address, {{"location", "westus3"}});
  const auto early = bench.put(base + "natGateways/out", gateway);
  EXPECT_EQ(early.status, 429);
  EXPECT_EQ(early.code(), "RetryableError");
  bench.wait(20s);
  EXPECT_EQ(bench.put(base + "natGateways/out", gateway).status, 201);
  EXPECT_EQ(bench.remove(address).code(), "PublicIPAddressCannotBeDeleted");
}

TEST_F(NetworkTypes, AnUpdateOfTagsAloneHasSucceededAtOnce) {
  const std::string gateway = base + "natGateways/out";
  Json body = {{"location", "westus3"}, {"sku", {{"name", "Standard"}}}, {"properties", Json::object()}};
  bench.put(gateway, body);
  bench.wait(20s);
  body["tags"] = {{"a", "b"}};
  const auto tagged = bench.put(gateway, body);
  EXPECT_EQ(tagged.status, 200);
  EXPECT_EQ(text_at(tagged.json, "properties.provisioningState"), "Succeeded");
  body["properties"]["idleTimeoutInMinutes"] = 10;
  EXPECT_EQ(text_at(bench.put(gateway, body).json, "properties.provisioningState"), "Updating");
}

TEST_F(NetworkTypes, RulesOfASecurityGroupAreResourcesToo) {
  const std::string rules = base + "networkSecurityGroups/wall";
  const Json allow = {{"protocol", "Tcp"}, {"access", "Allow"}, {"direction", "Inbound"}, {"priority", 100}};
  bench.put(rules,
            {{"location", "westus3"}, {"properties", {{"securityRules", {{{"name", "web"}, {"properties", allow}}}}}}});
  bench.wait(20s);
  EXPECT_EQ(text_at(bench.get(rules + "/securityRules/web").json, "properties.protocol"), "Tcp");
  Json second = allow;
  second["priority"] = 200;
  EXPECT_EQ(bench.put(rules + "/securityRules/more", {{"properties", second}}).status, 201);
  bench.wait(20s);
  const auto shown = bench.get(rules).json["properties"];
  EXPECT_EQ(shown["securityRules"].size(), 2U);
  EXPECT_EQ(shown["defaultSecurityRules"].size(), 6U);
}

TEST_F(NetworkTypes, APublicZoneHasItsOwnRecordsAndThoseWrittenIntoIt) {
  const std::string zone = base + "dnsZones/example.org";
  const auto created = bench.put(zone, {{"location", "global"}});
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.json["properties"]["nameServers"].size(), 4U);
  const auto absent = bench.get(zone + "/TXT/asuid.www");
  EXPECT_EQ(absent.status, 404);
  EXPECT_EQ(text_at(absent.json, "code"), "NotFound");
  const auto record = bench.put(zone + "/TXT/asuid.www",
                                {{"properties", {{"TTL", 60}, {"TXTRecords", {{{"value", {"verification"}}}}}}}});
  EXPECT_EQ(record.status, 201);
  EXPECT_EQ(text_at(record.json, "properties.fqdn"), "asuid.www.example.org.");
  EXPECT_EQ(integer_at(bench.get(zone).json, "properties.numberOfRecordSets"), 3);
  EXPECT_EQ(bench.remove(zone + "/NS/@").status, 400);
}

}  // namespace
}  // namespace defang::emulator
