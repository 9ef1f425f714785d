#include "emulator/providers/store_keeper.h"

#include <gtest/gtest.h>

#include "emulator/certificates.h"
#include "emulator/providers/apps_testing.h"
#include "emulator/providers/managed_stores.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

/// Doors, and no programs.
class FakePrivateServers : public PrivateServers {
 public:
  std::map<std::string, std::vector<std::string>> names;  // by the server's own name
  std::set<std::string> closed;

  Result<void> open(const std::string&) override { return {}; }
  Result<Descriptor> listen(const std::string&, std::uint16_t) override { return Descriptor(); }
  Result<void> run(const std::string&, const std::vector<std::string>&, const std::filesystem::path&) override {
    return {};
  }
  bool is_running(const std::string&) override { return true; }
  bool answers(const std::string&, std::uint16_t) override { return true; }
  void end(const std::string&) override {}
  void close(const std::string& id) override { closed.insert(id.substr(id.rfind('/') + 1)); }
  Result<void> set_door(const std::string&, const std::string& id, const Door& door) override {
    names[id.substr(id.rfind('/') + 1)] = door.names;
    return {};
  }
};

/// An environment, and an account of models, in one network.
class ModelsInANetwork : public testing::Test {
 protected:
  ModelsInANetwork()
      : authority(*CertificateAuthority::open(bench.core.disk(), "/state")),
        processes(make_processes()),
        keeper(bench.core, servers, *processes, authority) {
    const auto delegated =
        Json{{"delegations", {{{"name", "apps"}, {"properties", {{"serviceName", "Microsoft.App/environments"}}}}}}};
    Json apps = {{"addressPrefix", "10.0.0.0/23"}};
    apps.update(delegated);
    bench.put(network, {{"location", "westus3"},
                        {"properties",
                         {{"addressSpace", {{"addressPrefixes", {"10.0.0.0/16"}}}},
                          {"subnets",
                           {{{"name", "apps"}, {"properties", apps}},
                            {{"name", "ends"}, {"properties", {{"addressPrefix", "10.0.3.0/24"}}}}}}}}});
    bench.put(account, {{"location", "westus3"},
                        {"kind", "AIServices"},
                        {"sku", {{"name", "S0"}}},
                        {"properties", {{"customSubDomainName", "ai"}, {"publicNetworkAccess", "Disabled"}}}});
    bench.wait(60s);
    bench.put(
        bench.environment_id(),
        {{"location", "westus3"},
         {"properties",
          {{"vnetConfiguration", {{"infrastructureSubnetId", network + "/subnets/apps"}}},
           {"workloadProfiles", Json::array({{{"name", "Consumption"}, {"workloadProfileType", "Consumption"}}})}}}});
    bench.wait(300s);
    bench.put(account + "/deployments/chat", {{"sku", {{"name", "GlobalStandard"}, {"capacity", 10}}},
                                              {"properties", {{"model", {{"name", "gpt-4o-mini"}}}}}});
    bench.put(account + "/deployments/numbers", {{"sku", {{"name", "GlobalStandard"}, {"capacity", 10}}},
                                                 {"properties", {{"model", {{"name", "text-embedding-3-small"}}}}}});
    bench.wait(60s);
  }

  void make_endpoint() {
    bench.put(
        endpoint,
        {{"location", "westus3"},
         {"properties",
          {{"subnet", {{"id", network + "/subnets/ends"}}},
           {"privateLinkServiceConnections",
            {{{"name", "ai"}, {"properties", {{"privateLinkServiceId", account}, {"groupIds", {"account"}}}}}}}}}});
    bench.wait(60s);
  }
  void write_names() {
    bench.put(endpoint + "/privateDnsZoneGroups/default",
              {{"properties",
                {{"privateDnsZoneConfigs", {{{"name", "ai"}, {"properties", {{"privateDnsZoneId", zone}}}}}}}}});
    bench.wait(60s);
  }
  void make_zone() {
    bench.put(zone, {{"location", "global"}});
    bench.wait(60s);
  }
  void link(const std::string& to) {
    bench.put(zone + "/virtualNetworkLinks/link",
              {{"location", "global"}, {"properties", {{"virtualNetwork", {{"id", to}}}}}});
    bench.wait(60s);
  }

  Bench::Got ask(const std::string& path, const Json& body, const std::string& key = "") {
    const std::string own = text_at(bench.post(account + "/listKeys").json, "key1");
    rest::Headers headers;
    headers.set("api-key", key.empty() ? own : key);
    const auto base = "https://" + bench.core.open_endpoint(kModelsEndpoint, to_lower(account));
    return bench.send(body.is_null() ? "GET" : "POST", base + path, body, headers, Bench::nobody);
  }
  void make_public() {
    bench.patch(account, {{"properties", {{"publicNetworkAccess", "Enabled"}}}});
    bench.wait(60s);
  }

  AppsBench bench;
  const std::string group = bench.group("g");
  const std::string network = group + "/providers/Microsoft.Network/virtualNetworks/net";
  const std::string account = group + "/providers/Microsoft.CognitiveServices/accounts/ai";
  const std::string endpoint = group + "/providers/Microsoft.Network/privateEndpoints/end";
  const std::string zone = group + "/providers/Microsoft.Network/privateDnsZones/privatelink.openai.azure.com";
  CertificateAuthority authority;
  std::unique_ptr<Processes> processes;
  FakePrivateServers servers;
  StoreKeeper keeper;
};

TEST_F(ModelsInANetwork, AreFoundOnceEndpointRecordAndLinkAreThere) {
  const std::vector<std::string> none, name = {"ai.openai.azure.com"};
  EXPECT_EQ(servers.names["ai"], none);
  make_endpoint();
  EXPECT_EQ(servers.names["ai"], none);
  make_zone();
  write_names();
  EXPECT_EQ(servers.names["ai"], none);
  link(network);
  EXPECT_EQ(servers.names["ai"], name);
  bench.remove(zone + "/virtualNetworkLinks/link");
  bench.wait(60s);
  EXPECT_EQ(servers.names["ai"], none);
}

TEST_F(ModelsInANetwork, AreNotFoundFromANetworkThatTheZoneIsNotLinkedTo) {
  const std::string other = group + "/providers/Microsoft.Network/virtualNetworks/other";
  bench.put(other,
            {{"location", "westus3"}, {"properties", {{"addressSpace", {{"addressPrefixes", {"10.1.0.0/16"}}}}}}});
  make_endpoint();
  make_zone();
  write_names();
  link(other);
  EXPECT_EQ(servers.names["ai"], std::vector<std::string>());
}

TEST_F(ModelsInANetwork, GoWithTheirAccount) {
  bench.remove(account);
  bench.wait(60s);
  EXPECT_EQ(servers.closed.count("ai"), 1U);
}

TEST_F(ModelsInANetwork, DoNotAnswerThePublicUnlessToldTo) {
  EXPECT_EQ(ask("/openai/v1/models", Json()).status, 403);
  make_public();
  EXPECT_EQ(ask("/openai/v1/models", Json()).status, 200);
}

TEST_F(ModelsInANetwork, SayBackWhatTheyAreTold) {
  make_public();
  const Json question = {
      {"model", "chat"},
      {"messages", {{{"role", "system"}, {"content", "be kind"}}, {{"role", "user"}, {"content", "good morning"}}}}};
  const auto said = ask("/openai/v1/chat/completions", question);
  EXPECT_EQ(text_at(said.json["choices"][0], "message.content"), "You said: good morning");
  EXPECT_EQ(integer_at(said.json, "usage.total_tokens"), 6);
  const auto azure = ask("/openai/deployments/chat/chat/completions?api-version=2024-10-21", question);
  EXPECT_EQ(azure.json["choices"], said.json["choices"]);
  EXPECT_EQ(ask("/openai/deployments/chat/chat/completions", question).status, 404);
  EXPECT_EQ(ask("/openai/v1/chat/completions", question, "another key").status, 401);
  EXPECT_EQ(ask("/openai/v1/chat/completions", {{"model", "none"}}).code(), "DeploymentNotFound");
  EXPECT_EQ(ask("/openai/v1/chat/completions", {{"model", "chat"}}).status, 400);
  EXPECT_EQ(ask("/openai/v1/embeddings", {{"model", "chat"}, {"input", "x"}}).code(), "OperationNotSupported");
}

TEST_F(ModelsInANetwork, EmbedTheSameTextInTheSameWay) {
  make_public();
  const auto one = ask("/openai/v1/embeddings", {{"model", "numbers"}, {"input", {"a", "b"}}}).json["data"];
  ASSERT_EQ(one.size(), 2U);
  EXPECT_EQ(one[0]["embedding"].size(), 1536U);
  EXPECT_NE(one[0]["embedding"], one[1]["embedding"]);
  EXPECT_EQ(ask("/openai/v1/embeddings", {{"model", "numbers"}, {"input", "a"}}).json["data"][0], one[0]);
  const Json short_base64 = {{"model", "numbers"}, {"input", "a"}, {"dimensions", 3}, {"encoding_format", "base64"}};
  EXPECT_EQ(from_base64(text_at(ask("/openai/v1/embeddings", short_base64).json["data"][0], "embedding")).size(), 12U);
}

TEST_F(ModelsInANetwork, TakeKeysOnlyWhereTheAccountDoes) {
  make_public();
  const std::string key = text_at(bench.post(account + "/listKeys").json, "key1");
  bench.patch(account, {{"properties", {{"disableLocalAuth", true}}}});
  bench.wait(60s);
  EXPECT_EQ(ask("/openai/v1/models", Json(), key).code(), "AuthenticationTypeDisabled");
}

}  // namespace
}  // namespace defang::emulator
