#include <gtest/gtest.h>

#include "emulator/emulator_testing.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

class PrivateEndpoints : public testing::Test {
 protected:
  PrivateEndpoints() {
    bench.put(group, {{"location", "westus3"}});
    bench.put(network, {{"location", "westus3"},
                        {"properties",
                         {{"addressSpace", {{"addressPrefixes", {"10.0.0.0/16"}}}},
                          {"subnets", {{{"name", "ends"}, {"properties", {{"addressPrefix", "10.0.1.0/24"}}}}}}}}});
    bench.put(account, {{"location", "westus3"},
                        {"kind", "StorageV2"},
                        {"sku", {{"name", "Standard_LRS"}}},
                        {"properties", Json::object()}});
    bench.wait(60s);
  }

  Json to_account(const char* list = "privateLinkServiceConnections") {
    return {
        {"location", "westus3"},
        {"properties",
         {{"subnet", {{"id", network + "/subnets/ends"}}},
          {list, {{{"name", "link"}, {"properties", {{"privateLinkServiceId", account}, {"groupIds", {"blob"}}}}}}}}}};
  }

  Bench bench;
  const std::string group = bench.group("g");
  const std::string network = group + "/providers/Microsoft.Network/virtualNetworks/net";
  const std::string account = group + "/providers/Microsoft.Storage/storageAccounts/stored";
  const std::string endpoint = group + "/providers/Microsoft.Network/privateEndpoints/end";
};

TEST_F(PrivateEndpoints, GetAnAddressInTheSubnetAndAConnectionAtTheTarget) {
  const auto created = bench.put(endpoint, to_account());
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(text_at(created.json, "properties.provisioningState"), "Updating");
  EXPECT_TRUE(created.json["properties"]["customDnsConfigs"].empty());
  bench.wait(60s);

  const auto done = bench.get(endpoint);
  EXPECT_EQ(text_at(done.json, "properties.provisioningState"), "Succeeded");
  EXPECT_EQ(done.json["properties"]["customDnsConfigs"][0]["fqdn"], "stored.blob.core.windows.net");
  EXPECT_EQ(done.json["properties"]["customDnsConfigs"][0]["ipAddresses"][0], "10.0.1.4");

  const auto connections = bench.get(account).json["properties"]["privateEndpointConnections"];
  ASSERT_EQ(connections.size(), 1U);
  EXPECT_EQ(text_at(connections[0], "properties.privateEndpoint.id"), endpoint);
  EXPECT_EQ(text_at(connections[0], "properties.privateLinkServiceConnectionState.status"), "Approved");
}

TEST_F(PrivateEndpoints, KeepTheirSubnetFromBeingDeleted) {
  bench.put(endpoint, to_account());
  bench.wait(60s);
  EXPECT_EQ(bench.remove(network + "/subnets/ends").code(), "InUseSubnetCannotBeDeleted");
  bench.remove(endpoint);
  bench.wait(60s);
  EXPECT_EQ(bench.remove(network + "/subnets/ends").status, 202);
}

TEST_F(PrivateEndpoints, WriteTheTargetsNameIntoTheZoneOfItsService) {
  const std::string zones = group + "/providers/Microsoft.Network/privateDnsZones/";
  const std::string zone = zones + "privatelink.blob.core.windows.net";
  bench.put(zone, {{"location", "global"}});
  bench.put(zones + "example.org", {{"location", "global"}});
  bench.put(endpoint, to_account());
  bench.wait(60s);
  const std::string names = endpoint + "/privateDnsZoneGroups/default";
  EXPECT_EQ(
      bench
          .put(names, {{"properties",
                        {{"privateDnsZoneConfigs",
                          {{{"name", "blob"}, {"properties", {{"privateDnsZoneId", zone}}}},
                           {{"name", "other"}, {"properties", {{"privateDnsZoneId", zones + "example.org"}}}}}}}}})
          .status,
      201);
  bench.wait(60s);

  EXPECT_EQ(bench.get(zone + "/A/stored").json["properties"]["aRecords"][0]["ipv4Address"], "10.0.1.4");
  EXPECT_TRUE(bench.get(names).json["properties"]["privateDnsZoneConfigs"][1]["properties"]["recordSets"].empty());

  bench.remove(endpoint);
  bench.wait(60s);
  EXPECT_EQ(bench.get(zone + "/A/stored").status, 404);
  EXPECT_TRUE(bench.get(account).json["properties"]["privateEndpointConnections"].empty());
}

TEST_F(PrivateEndpoints, WaitForTheTargetsOwnerWhenAskedByHand) {
  bench.put(endpoint, to_account("manualPrivateLinkServiceConnections"));
  bench.wait(60s);
  Json connection = bench.get(account).json["properties"]["privateEndpointConnections"][0];
  EXPECT_EQ(text_at(connection, "properties.privateLinkServiceConnectionState.status"), "Pending");

  connection["properties"]["privateLinkServiceConnectionState"] = {{"status", "Rejected"}, {"description", "no"}};
  EXPECT_EQ(bench.put(text_at(connection, "id"), connection).status, 200);
  EXPECT_EQ(bench.get(endpoint).json["properties"]["manualPrivateLinkServiceConnections"][0]["properties"]
                                    ["privateLinkServiceConnectionState"]["status"],
            "Rejected");
}

TEST_F(PrivateEndpoints, LeaveTheirConnectionToAVaultToItsOwner) {
  const std::string vault = group + "/providers/Microsoft.KeyVault/vaults/kept";
  bench.put(vault, {{"location", "westus3"},
                    {"properties",
                     {{"tenantId", bench.core.tenant()},
                      {"sku", {{"family", "A"}, {"name", "standard"}}},
                      {"enableRbacAuthorization", true}}}});
  bench.wait(60s);
  Json body = to_account("manualPrivateLinkServiceConnections");
  body["properties"]["manualPrivateLinkServiceConnections"][0]["properties"] = {{"privateLinkServiceId", vault},
                                                                                {"groupIds", {"vault"}}};
  EXPECT_EQ(bench.put(endpoint, body).status, 201);
  bench.wait(60s);
  const Json connections = bench.get(vault).json["properties"]["privateEndpointConnections"];
  ASSERT_EQ(connections.size(), 1U);
  // Each write gives it an etag, at first a new member of its body.
  const Json approved = {{"properties", {{"privateLinkServiceConnectionState", {{"status", "Approved"}}}}}};
  const auto answer = bench.put(text_at(connections[0], "id"), approved);
  EXPECT_EQ(answer.status, 200);
  EXPECT_FALSE(text_at(answer.json, "etag").empty());
  EXPECT_EQ(text_at(answer.json, "properties.privateLinkServiceConnectionState.status"), "Approved");
}

TEST_F(PrivateEndpoints, RefuseAnUnknownTargetSubnetOrGroup) {
  Json body = to_account();
  body["properties"]["privateLinkServiceConnections"][0]["properties"]["groupIds"] = {"bloob"};
  EXPECT_EQ(bench.put(endpoint, body).code(), "InvalidGroupId");
  body = to_account();
  body["properties"]["subnet"]["id"] = network + "/subnets/none";
  EXPECT_EQ(bench.put(endpoint, body).code(), "InvalidResourceReference");
  body = to_account();
  body["properties"]["privateLinkServiceConnections"][0]["properties"]["privateLinkServiceId"] = account + "x";
  EXPECT_EQ(bench.put(endpoint, body).code(), "LinkedResourceNotFound");
}

TEST_F(PrivateEndpoints, SayWhatATargetOffers) {
  const auto offered = bench.get(account + "/privateLinkResources");
  ASSERT_EQ(offered.status, 200);
  EXPECT_EQ(offered.json["value"][0]["properties"]["groupId"], "blob");
  EXPECT_EQ(offered.json["value"][0]["properties"]["requiredZoneNames"][0], "privatelink.blob.core.windows.net");
}

}  // namespace
}  // namespace defang::emulator
