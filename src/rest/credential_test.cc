#include "rest/credential.h"

#include <gtest/gtest.h>

#include "rest/cloud.h"
#include "rest/fake_transport.h"
#include "rest/pipeline.h"

namespace defang::rest {
namespace {

using namespace std::chrono_literals;

class FakeProcesses : public Processes {
 public:
  Result<Ended> run(const Command& command, std::stop_token) override {
    ran.push_back(command.arguments);
    return answer;
  }
  Result<std::unique_ptr<Child>> start(const Background&) override { return fail(Error{}); }
  Result<Ended> answer = fail(Error::Kind::refused, "program-not-found", "`az` not found");
  std::vector<std::vector<std::string>> ran;
};

struct Fixture {
  FakeClock clock;
  FakeTransport transport;
  std::unique_ptr<Random> random = make_seeded_random(7);
  std::unique_ptr<Pipeline> pipeline = make_pipeline({.transport = transport, .clock = clock, .random = *random});
  FakeProcesses processes;
  std::map<std::string, std::string> variables;
  Environment environment = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  Result<AccessToken> sign_in() {
    return make_default_credential(environment, "https://login.test", *pipeline, processes, clock)
        ->get_token({"https://arm.test", ""}, {});
  }
  void set_principal() {
    variables = {{"AZURE_TENANT_ID", "tenant"}, {"AZURE_CLIENT_ID", "client"}, {"AZURE_CLIENT_SECRET", "p&w=1"}};
  }
};

TEST(ServicePrincipal, AsksEntraWithTheSecretInTheBody) {
  Fixture f;
  f.set_principal();
  f.transport.then(200, {}, R"({"token_type":"Bearer","expires_in":3599,"access_token":"abc"})");
  const auto token = f.sign_in();
  ASSERT_TRUE(token);
  EXPECT_EQ(token->value.reveal(), "abc");
  EXPECT_EQ(token->expires, f.clock.now() + 3599s);
  EXPECT_EQ(f.transport.last().url, "https://login.test/tenant/oauth2/v2.0/token");
  EXPECT_EQ(
      f.transport.last().body,
      "client_id=client&client_secret=p%26w%3D1&grant_type=client_credentials&scope=https%3A%2F%2Farm.test%2F.default");
  EXPECT_TRUE(f.processes.ran.empty());
}

TEST(ServicePrincipal, ExplainsARefusalAndDoesNotFallBackToAnotherIdentity) {
  Fixture f;
  f.set_principal();
  f.transport.then(
      401, {}, R"({"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided."})");
  const auto token = f.sign_in();
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "invalid_client");
  EXPECT_EQ(token.error().message, "AADSTS7000215: Invalid client secret provided.");
  EXPECT_TRUE(token.error().help.starts_with("AZURE_CLIENT_SECRET is not the secret's value")) << token.error().help;
  EXPECT_TRUE(f.processes.ran.empty());
}

TEST(AzureCli, GivesTheTokenThatAzPrints) {
  Fixture f;
  f.processes.answer =
      Processes::Ended{0, R"({"accessToken":"abc","expiresOn":"2026-01-01 09:00:00","expires_on":1767300000})", ""};
  const auto token = f.sign_in();
  ASSERT_TRUE(token);
  EXPECT_EQ(token->value.reveal(), "abc");
  EXPECT_EQ(token->expires.time_since_epoch(), 1767300000s);
  EXPECT_EQ(f.processes.ran[0], (std::vector<std::string>{"az", "account", "get-access-token", "--resource",
                                                          "https://arm.test", "-o", "json"}));
}

TEST(AzureCli, ReadsTheExpiryFromTheTokenWhereAnOlderAzDoesNotSay) {
  Fixture f;
  // {"exp":1767300000}
  f.processes.answer =
      Processes::Ended{0, R"({"accessToken":"e30.eyJleHAiOjE3NjczMDAwMDB9.x","expiresOn":"2026-01-01 09:00:00"})", ""};
  EXPECT_EQ(f.sign_in()->expires.time_since_epoch(), 1767300000s);
}

TEST(DefaultCredential, SaysOfEachWhyItDidNotApply) {
  Fixture f;
  f.variables = {{"AZURE_TENANT_ID", "tenant"}};
  auto token = f.sign_in();
  ASSERT_FALSE(token);
  EXPECT_EQ(token.error().code, "not-signed-in");
  EXPECT_EQ(token.error().message,
            "not signed in to Azure (environment: AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are not set; Azure CLI: the "
            "Azure CLI (`az`) is not installed)");
  f.processes.answer = Processes::Ended{1, "", "ERROR: Please run 'az login' to setup account.\n"};
  EXPECT_TRUE(f.sign_in().error().message.find("Azure CLI: the Azure CLI is not signed in") != std::string::npos);
  f.processes.answer =
      Processes::Ended{1, "", "ERROR: AADSTS50076: Due to a configuration change, use multi-factor. Run az login.\n"};
  EXPECT_EQ(f.sign_in().error().code, "azure-cli-failed");
}

const std::string kCloudList = R"([
  {"name":"AzureCloud","resourceManager":"https://management.azure.com/","authentication":{"loginEndpoint":"https://login.microsoftonline.com",
   "audiences":["https://management.core.windows.net/","https://management.azure.com/"]},"suffixes":{"keyVaultDns":"vault.azure.net"}},
  {"name":"Other","resourceManager":"https://arm.other.test/","authentication":{"loginEndpoint":"https://login.other.test/",
   "audiences":["https://classic.other.test/","https://arm.other.test/"]},
   "suffixes":{"keyVaultDns":".vault.other.test","storage":"store.other.test","acrLoginServer":"acr.other.test"}}])";

TEST(Cloud, IsFoundInAListOfAll) {
  const auto cloud = parse_metadata(kCloudList, "https://arm.other.test");
  ASSERT_TRUE(cloud);
  EXPECT_EQ(cloud->name, "Other");
  EXPECT_EQ(cloud->authority, "https://login.other.test");
  EXPECT_EQ(cloud->audience, "https://arm.other.test");
  EXPECT_EQ(cloud->vault_suffix, "vault.other.test");
  EXPECT_EQ(cloud->vault_audience, "https://vault.other.test");
  EXPECT_EQ(cloud->registry_suffix, "acr.other.test");
}

TEST(Cloud, IsFoundByItsEndpointWhichMayBeTheEmulator) {
  Fixture f;
  f.variables = {{"AZURE_RESOURCE_MANAGER_ENDPOINT", "https://localhost:9443/"},
                 {"AZURE_AUTHORITY_HOST", "https://localhost:9443"}};
  f.transport.then(
      200, {},
      R"({"name":"defang-emulator","authentication":{"loginEndpoint":"https://localhost:9443/","audiences":["https://management.azure.com/"]},
      "suffixes":{"keyVaultDns":"localhost"},"emulator":{"ingress":"https://localhost:9443/emulator/ingress"}})");
  const auto cloud = find_cloud(f.environment, *f.pipeline, {});
  ASSERT_TRUE(cloud);
  EXPECT_TRUE(cloud->is_emulator());
  EXPECT_EQ(cloud->resource_manager, "https://localhost:9443");
  EXPECT_EQ(cloud->audience, "https://management.azure.com");
  EXPECT_EQ(cloud->vault_audience, "https://vault.azure.net");
  EXPECT_EQ(cloud->emulator_ingress, "https://localhost:9443/emulator/ingress");
  EXPECT_EQ(f.transport.last().url, "https://localhost:9443/metadata/endpoints?api-version=2022-09-01");
}

TEST(Cloud, IsThePublicOneUnlessNamed) {
  Fixture f;
  EXPECT_EQ(find_cloud(f.environment, *f.pipeline, {})->resource_manager, "https://management.azure.com");
  f.variables = {{"AZURE_CLOUD", "azureusgovernment"}};
  EXPECT_EQ(find_cloud(f.environment, *f.pipeline, {})->registry_suffix, "azurecr.us");
  f.variables = {{"AZURE_CLOUD", "AzureChinaClod"}};
  EXPECT_EQ(find_cloud(f.environment, *f.pipeline, {}).error().help, "did you mean `AzureChinaCloud`?");
}

TEST(Cloud, RefusesAnEndpointThatIsNoResourceManager) {
  EXPECT_EQ(parse_metadata("<html>", "https://example.test").error().code, "metadata-invalid");
  EXPECT_EQ(parse_metadata("[]", "https://example.test").error().code, "metadata-invalid");
}

TEST(Cloud, LetsOnlyResourceManagerSeeItsTokens) {
  const Cloud cloud = *find_cloud("AzureCloud");
  EXPECT_TRUE(is_resource_manager(cloud, "https://management.azure.com:443/subscriptions/s"));
  EXPECT_TRUE(is_resource_manager(cloud, "https://westus3.management.azure.com/x"));
  EXPECT_FALSE(is_resource_manager(cloud, "https://evil-management.azure.com.test/x"));
  EXPECT_FALSE(is_resource_manager(cloud, "https://evilmanagement.azure.com/x"));
  EXPECT_FALSE(is_resource_manager(cloud, "http://management.azure.com/x"));
}

}  // namespace
}  // namespace defang::rest
