#include "rest/credential.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "rest/cloud.h"
#include "rest/device_login.h"
#include "rest/fake_transport.h"
#include "rest/pipeline.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using namespace std::chrono_literals;

class FakeProcesses : public Processes {
 public:
  Result<Ended> run(const Command& command, std::stop_token) override {
    ran.push_back(command.arguments);
    const auto found = then.find(command.arguments[0]);
    return found == then.end() ? answer : Result<Ended>(found->second);
  }
  Result<std::unique_ptr<Child>> start(const Background&) override { return fail(Error{}); }
  Result<Ended> answer = fail(Error::Kind::refused, "program-not-found", "`az` not found");
  std::map<std::string, Ended> then;  // by the program's name
  std::vector<std::vector<std::string>> ran;
};

struct Fixture {
  FakeClock clock;
  FakeTransport transport;
  std::unique_ptr<Random> random = make_seeded_random(7);
  std::unique_ptr<Pipeline> pipeline = make_pipeline({.transport = transport, .clock = clock, .random = *random});
  FakeProcesses processes;
  FakeDisk disk;
  std::map<std::string, std::string> variables;
  Environment environment = [this](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  Result<AccessToken> sign_in() { return chain()->get_token({"https://arm.test", ""}, {}); }
  std::unique_ptr<Credential> chain() {
    return make_default_credential({environment, disk, processes, clock}, "https://login.test", *pipeline);
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
            "not signed in to Azure (environment: AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are not set; workload identity: "
            "AZURE_CLIENT_ID, AZURE_FEDERATED_TOKEN_FILE are not set; managed identity: this is no machine or app of "
            "Azure; Azure CLI: the Azure CLI (`az`) is not installed; Azure Developer CLI: the Azure Developer CLI "
            "(`azd`) is not installed; defang login: nobody has run `defang login --provider=azure`)");
  f.processes.then["az"] = Processes::Ended{1, "", "ERROR: Please run 'az login' to setup account.\n"};
  EXPECT_TRUE(f.sign_in().error().message.find("Azure CLI: the Azure CLI is not signed in") != std::string::npos);
  f.processes.then["az"] =
      Processes::Ended{1, "", "ERROR: AADSTS50076: Due to a configuration change, use multi-factor. Run az login.\n"};
  EXPECT_EQ(f.sign_in().error().code, "tool-failed");
}

TEST(DeveloperCli, IsAskedWhereTheAzureCliIsNotThere) {
  Fixture f;
  f.processes.then = {{"azd", Processes::Ended{0, R"({"token":"e30.eyJleHAiOjE3NjczMDAwMDB9.x"})", ""}}};
  const auto token = f.sign_in();
  ASSERT_TRUE(token);
  EXPECT_EQ(token->expires.time_since_epoch(), 1767300000s);
  EXPECT_EQ(f.processes.ran.back(),
            (std::vector<std::string>{"azd", "auth", "token", "--scope", "https://arm.test/.default", "--output",
                                      "json", "--no-prompt"}));
}

const std::string kToken = R"({"token_type":"Bearer","expires_in":"3599","access_token":"abc"})";

TEST(WorkloadIdentity, ShowsEntraTheTokenInTheFileReadAnewEachTime) {
  Fixture f;
  f.variables = {
      {"AZURE_TENANT_ID", "tenant"}, {"AZURE_CLIENT_ID", "client"}, {"AZURE_FEDERATED_TOKEN_FILE", "/t/token"}};
  f.disk.files["/t/token"] = "first\n";
  const auto chain = f.chain();
  f.transport.then(200, {}, kToken).then(200, {}, kToken);
  ASSERT_TRUE(chain->get_token({"https://arm.test", ""}, {}));
  EXPECT_EQ(f.transport.last().body,
            "client_id=client&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&"
            "client_assertion=first&grant_type=client_credentials&scope=https%3A%2F%2Farm.test%2F.default");
  f.disk.files["/t/token"] = "second";
  ASSERT_TRUE(chain->get_token({"https://arm.test", ""}, {}));
  EXPECT_NE(f.transport.last().body.find("client_assertion=second&"), std::string::npos);
  EXPECT_EQ(chain->name(), "workload identity");
  ASSERT_EQ(chain->links().size(), 2U);
  EXPECT_EQ(chain->links()[0].why_not, "AZURE_CLIENT_SECRET is not set");
  EXPECT_EQ(chain->links()[1].why_not, "");
}

TEST(WorkloadIdentity, AsksGitHubForTheTokenOfAWorkflow) {
  Fixture f;
  f.variables = {{"AZURE_TENANT_ID", "tenant"},
                 {"AZURE_CLIENT_ID", "client"},
                 {"ACTIONS_ID_TOKEN_REQUEST_URL", "https://actions.test/token?run=1"},
                 {"ACTIONS_ID_TOKEN_REQUEST_TOKEN", "runner"}};
  f.transport.then(200, {}, R"({"count":1,"value":"workflow"})").then(200, {}, kToken);
  ASSERT_TRUE(f.sign_in());
  EXPECT_EQ(f.transport.requests()[0].url,
            "https://actions.test/token?run=1&audience=api%3A%2F%2FAzureADTokenExchange");
  EXPECT_EQ(f.transport.requests()[0].headers.get("Authorization"), "Bearer runner");
  EXPECT_NE(f.transport.last().body.find("client_assertion=workflow&"), std::string::npos);
  f.transport.then(403, {}, "");
  EXPECT_EQ(f.sign_in().error().help, "the job needs `permissions: id-token: write`");
}

TEST(ManagedIdentity, OfAnAppIsAskedAtItsEndpoint) {
  Fixture f;
  f.variables = {
      {"IDENTITY_ENDPOINT", "http://localhost:42356/msi/token"}, {"IDENTITY_HEADER", "h"}, {"AZURE_CLIENT_ID", "me"}};
  f.transport.then(200, {}, R"({"access_token":"abc","expires_on":"1767300000","resource":"r","token_type":"Bearer"})");
  const auto token = f.sign_in();
  ASSERT_TRUE(token);
  EXPECT_EQ(token->expires.time_since_epoch(), 1767300000s);
  EXPECT_EQ(f.transport.last().url,
            "http://localhost:42356/msi/token?api-version=2019-08-01&resource=https%3A%2F%2Farm.test&client_id=me");
  EXPECT_EQ(f.transport.last().headers.get("X-IDENTITY-HEADER"), "h");
}

TEST(ManagedIdentity, OfAMachineIsAskedOnlyOnAMachineOfAzure) {
  Fixture f;
  f.disk.files["/sys/class/dmi/id/chassis_asset_tag"] = "7783-7084-3265-9085-8269-3286-77\n";
  f.transport.then(200, {}, R"({"access_token":"abc","expires_on":"1767300000"})");
  ASSERT_TRUE(f.sign_in());
  EXPECT_EQ(
      f.transport.last().url,
      "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Farm.test");
  EXPECT_EQ(f.transport.last().headers.get("Metadata"), "true");
  f.disk.files["/sys/class/dmi/id/chassis_asset_tag"] = "Default string\n";
  EXPECT_FALSE(f.sign_in());
  EXPECT_EQ(f.transport.requests().size(), 1U);
}

/// The certificate and key of a fresh RSA pair, in PEM.
std::string made_certificate(EVP_PKEY* key) {
  X509* certificate = X509_new();
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_sign(certificate, key, EVP_sha256());
  BIO* file = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_X509(file, certificate);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(file, &data);
  std::string pem(data, static_cast<std::size_t>(size));
  BIO_free(file);
  X509_free(certificate);
  return pem;
}

TEST(ServicePrincipal, SignsAnAssertionWithItsCertificate) {
  Fixture f;
  EVP_PKEY* key = EVP_RSA_gen(2048);
  f.variables = {
      {"AZURE_TENANT_ID", "tenant"}, {"AZURE_CLIENT_ID", "client"}, {"AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem"}};
  f.disk.files["/c.pem"] = made_certificate(key);
  f.transport.then(200, {}, kToken);
  const auto token = f.sign_in();
  ASSERT_TRUE(token) << token.error().message;
  const std::string body = f.transport.last().body;
  const auto at = body.find("client_assertion=") + 17;
  const auto parts = split(body.substr(at, body.find('&', at) - at), '.');
  ASSERT_EQ(parts.size(), 3U);
  const std::string claims = from_base64(parts[1]), signature = from_base64(parts[2]), text = parts[0] + "." + parts[1];
  EXPECT_NE(claims.find(R"("aud":"https://login.test/tenant/oauth2/v2.0/token","iss":"client","sub":"client")"),
            std::string::npos)
      << claims;
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key);
  EXPECT_EQ(EVP_DigestVerify(context, reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                             reinterpret_cast<const unsigned char*>(text.data()), text.size()),
            1);
  EVP_MD_CTX_free(context);
  EVP_PKEY_free(key);
}

TEST(ServicePrincipal, SaysWhatIsWrongWithItsCertificate) {
  Fixture f;
  f.variables = {
      {"AZURE_TENANT_ID", "tenant"}, {"AZURE_CLIENT_ID", "client"}, {"AZURE_CLIENT_CERTIFICATE_PATH", "/c.pem"}};
  EXPECT_EQ(f.sign_in().error().code, "file-not-found");
  f.disk.files["/c.pem"] = "nonsense";
  EXPECT_EQ(f.sign_in().error().message, "AZURE_CLIENT_CERTIFICATE_PATH: no private key that can be read");
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
      "suffixes":{"keyVaultDns":"localhost"},"emulator":{"ingress":"https://localhost:9443/emulator/ingress","registries":"https://localhost:9444"}})");
  const auto cloud = find_cloud(f.environment, *f.pipeline, {});
  ASSERT_TRUE(cloud);
  EXPECT_TRUE(cloud->is_emulator());
  EXPECT_EQ(cloud->resource_manager, "https://localhost:9443");
  EXPECT_EQ(cloud->audience, "https://management.azure.com");
  EXPECT_EQ(cloud->vault_audience, "https://vault.azure.net");
  EXPECT_EQ(cloud->emulator_ingress, "https://localhost:9443/emulator/ingress");
  EXPECT_EQ(cloud->emulator_registries, "https://localhost:9444");
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

// ---- defang login -----------------------------------------------------------------------------------------------

constexpr const char* kCode =
    R"({"device_code":"D","user_code":"ABC","verification_uri":"https://microsoft.com/devicelogin","expires_in":900,"interval":5,"message":"open the page and type ABC"})";
constexpr const char* kLogin =
    R"({"token_type":"Bearer","expires_in":3600,"access_token":"first","refresh_token":"R1"})";

struct LoginFixture : Fixture {
  Result<void> log_in() {
    return rest::log_in({"https://login.test", "organizations", "https://arm.test"}, "/home/login.json", disk,
                        *pipeline, clock, [this](const std::string& message) { shown += message; }, {});
  }
  std::unique_ptr<Credential> credential = make_login_credential("/home/login.json", disk, *pipeline, clock);
  std::string shown;
  static std::string refusal(const std::string& code) {
    return R"({"error":")" + code + R"(","error_description":"AADSTS70016: not yet."})";
  }
};

TEST(DeviceLogin, ShowsTheCodeAndWaitsForThePersonAsSlowlyAsEntraWants) {
  LoginFixture f;
  f.transport.then(200, {}, kCode)
      .then(400, {}, f.refusal("authorization_pending"))
      .then(400, {}, f.refusal("slow_down"))
      .then(200, {}, kLogin);
  const auto begin = f.clock.elapsed();
  ASSERT_TRUE(f.log_in());
  EXPECT_EQ(f.shown, "open the page and type ABC");
  EXPECT_EQ(f.clock.elapsed() - begin, 5s + 5s + 10s);
  const auto requests = f.transport.requests();
  EXPECT_EQ(requests[0].url, "https://login.test/organizations/oauth2/v2.0/devicecode");
  EXPECT_NE(requests[0].body.find("scope=https%3A%2F%2Farm.test%2F.default%20offline_access"), std::string::npos)
      << requests[0].body;
  EXPECT_NE(requests[3].body.find("device_code=D"), std::string::npos);
  EXPECT_EQ(f.credential->get_token({.audience = "https://arm.test"}, {})->value.reveal(), "first");  // as it was kept
  EXPECT_EQ(f.transport.requests().size(), 4u);
}

TEST(DeviceLogin, TellsADeclinedOneAndOneThatNobodyAnswered) {
  for (const std::string code : {"authorization_declined", "expired_token"}) {
    LoginFixture f;
    f.transport.then(200, {}, kCode).then(400, {}, f.refusal(code));
    EXPECT_EQ(f.log_in().error().code, code);
    EXPECT_FALSE(f.disk.files.contains("/home/login.json"));
  }
}

TEST(DeviceLogin, GetsTokensForOtherAudiencesAndOthersWhereTheKeptOneFailed) {
  LoginFixture f;
  f.transport.then(200, {}, kCode).then(200, {}, kLogin);
  ASSERT_TRUE(f.log_in());
  f.transport.then(200, {}, R"({"expires_in":3600,"access_token":"vault","refresh_token":"R2"})")
      .then(200, {}, R"({"expires_in":3600,"access_token":"renewed"})");
  EXPECT_EQ(f.credential->get_token({.audience = "https://vault.test"}, {})->value.reveal(), "vault");
  EXPECT_EQ(f.credential->get_token({.audience = "https://arm.test", .claims = "{\"c\":1}"}, {})->value.reveal(),
            "renewed");
  EXPECT_EQ(f.transport.last().url, "https://login.test/organizations/oauth2/v2.0/token");
  EXPECT_NE(f.transport.last().body.find("refresh_token=R1"), std::string::npos);
  EXPECT_NE(f.transport.last().body.find("claims="), std::string::npos);
}

TEST(DeviceLogin, SaysWhatToDoWhereNobodyIsSignedInOrNoMore) {
  LoginFixture f;
  EXPECT_EQ(f.credential->get_token({.audience = "a"}, {}).error().code, "credential-not-applicable");
  f.disk.files["/home/login.json"] = R"({"authority":"https://login.test","tenant":"t","refreshToken":"R"})";
  f.transport.then(400, {},
                   R"({"error":"invalid_grant","error_description":"AADSTS700082: The refresh token has expired."})");
  const auto token = f.credential->get_token({.audience = "a"}, {});
  EXPECT_EQ(token.error().code, "invalid_grant");
  EXPECT_EQ(token.error().help, "run `defang login --provider=azure` again");
  f.disk.files["/home/login.json"] = "{";
  EXPECT_EQ(f.credential->get_token({.audience = "a"}, {}).error().code, "login-invalid");
}

TEST(ChallengedTenant, IsTheIdInTheAuthorizationUri) {
  const std::string id = "11111111-2222-3333-4444-555555555555";
  EXPECT_EQ(challenged_tenant("Bearer authorization_uri=\"https://login.windows.net/" + id + "\", error=\"x\""), id);
  EXPECT_EQ(challenged_tenant("Bearer authorization_uri=\"https://login.windows.net/common\""), "");
  EXPECT_EQ(challenged_tenant(""), "");
}

}  // namespace
}  // namespace defang::rest
