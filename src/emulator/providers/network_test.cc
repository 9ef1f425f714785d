#include "emulator/providers/network.h"

#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class Network : public testing::Test {
 protected:
  Network() {
    bench.put(bench.group("g"), {{"location", "westus3"}});
    bench.put(id,
              {{"location", "westus3"}, {"properties", {{"addressSpace", {{"addressPrefixes", {"10.0.0.0/16"}}}}}}});
    bench.wait(13s);
  }
  Bench::Got put_subnet(const std::string& name, const std::string& prefix) {
    return bench.put(id + "/subnets/" + name, {{"properties", {{"addressPrefix", prefix}}}});
  }

  Bench bench;
  std::string id = bench.group("g") + "/providers/Microsoft.Network/virtualNetworks/net";
};

TEST_F(Network, ShowsItsSubnets) {
  EXPECT_EQ(put_subnet("apps", "10.0.0.0/23").status, 201);
  bench.wait(2s);
  EXPECT_EQ(text_at(bench.get(id).json["properties"]["subnets"][0], "properties.provisioningState"), "Succeeded");
}

TEST_F(Network, TakesOneWriteAfterAnother) {
  put_subnet("apps", "10.0.0.0/23");
  EXPECT_EQ(put_subnet("data", "10.0.2.0/24").code(), "AnotherOperationInProgress");
  bench.wait(2s);
  EXPECT_EQ(put_subnet("data", "10.0.2.0/24").status, 201);
}

TEST_F(Network, RefusesRangesThatOverlapOrLieOutside) {
  put_subnet("apps", "10.0.0.0/23");
  bench.wait(2s);
  EXPECT_EQ(put_subnet("data", "10.0.1.0/24").code(), "NetcfgSubnetRangesOverlap");
  EXPECT_EQ(put_subnet("data", "10.1.0.0/24").code(), "NetcfgInvalidSubnet");
}

TEST_F(Network, LosesTheSubnetsThatAWholesaleWriteLeavesOut) {
  put_subnet("apps", "10.0.0.0/23");
  bench.wait(2s);
  bench.put(id, {{"location", "westus3"}, {"properties", {{"addressSpace", {{"addressPrefixes", {"10.0.0.0/16"}}}}}}});
  EXPECT_EQ(bench.get(id + "/subnets/apps").status, 404);
}

TEST_F(Network, LinksAZoneOnceAndKeepsItWhileLinked) {
  const std::string zone = bench.group("g") + "/providers/Microsoft.Network/privateDnsZones/shop.internal";
  const auto made = bench.put(zone, {{"location", "global"}});
  EXPECT_EQ(made.status, 202);
  EXPECT_EQ(bench.poll(made.headers.get("Azure-AsyncOperation")).status, 202);
  bench.wait(31s);
  EXPECT_EQ(bench.poll(made.headers.get("Azure-AsyncOperation")).json["status"], "Succeeded");
  bench.put(
      zone + "/virtualNetworkLinks/link",
      {{"location", "global"}, {"properties", {{"virtualNetwork", {{"id", id}}}, {"registrationEnabled", false}}}});
  bench.wait(32s);
  EXPECT_EQ(bench.get(zone).json["properties"]["numberOfVirtualNetworkLinks"], 1);
  EXPECT_EQ(bench.remove(zone).code(), "CannotDeleteResource");
}

TEST_F(Network, AcceptsAStaleEtagAndLetsTheOperationFail) {
  const std::string zone = bench.group("g") + "/providers/Microsoft.Network/privateDnsZones/shop.internal";
  bench.put(zone, {{"location", "global"}});
  bench.wait(31s);
  const auto accepted =
      bench.send("PUT", zone + "?api-version=2018-09-01", {{"location", "global"}}, {{"If-Match", "old"}});
  EXPECT_EQ(accepted.status, 202);
  bench.wait(31s);
  const auto end = bench.poll(accepted.headers.get("Azure-AsyncOperation"));
  EXPECT_EQ(end.status, 200);
  EXPECT_EQ(end.json["status"], "Failed");
  EXPECT_EQ(end.code(), "PreconditionFailed");
}

}  // namespace
}  // namespace defang::emulator
