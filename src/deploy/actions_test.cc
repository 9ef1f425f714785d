#include <fmt/format.h>
#include <gtest/gtest.h>

#include "deploy/await.h"
#include "deploy/build_image.h"
#include "deploy/build_locally.h"
#include "deploy/fake_access.h"
#include "deploy/vault_secrets.h"
#include "support/digest.h"

namespace defang::deploy {
namespace {

using graph::Reference;
using Json = nlohmann::json;
using namespace std::chrono_literals;

class OnOneNode : public ::testing::Test {
 protected:
  OnOneNode() : scope_(graph_) {
    add("vault", "Microsoft.KeyVault/vaults", "vault");
    add("app/web", "Microsoft.App/containerApps", "web");
    add("job/migrate", "Microsoft.App/jobs", "migrate");
  }
  void add(const std::string& id, const std::string& type, const std::string& name) {
    graph::Resource resource;
    resource.id = id;
    resource.type = type;
    resource.name = name;
    resource.api_version = "1";
    graph_.add(resource);
  }
  static graph::Action action(std::string id, decltype(graph::Action::what) what) {
    graph::Action out;
    out.id = std::move(id);
    out.what = std::move(what);
    out.service = "web";
    return out;
  }
  void put(const std::string& path, Json body) { world_.arm.resources[to_lower(kGroup + path)] = std::move(body); }

  const std::string kGroup = "/subscriptions/sub/resourceGroups/rg/providers/";
  FakeAccess world_;
  graph::ResourceGraph graph_;
  FakeScope scope_;
};

// --- secrets

Json vault_secret(const std::string& name, const std::string& version, bool enabled = true) {
  return {{"name", name},
          {"properties",
           {{"secretUriWithVersion", fmt::format("https://v/secrets/{}/{}", name, version)},
            {"attributes", {{"enabled", enabled}}}}}};
}

TEST_F(OnOneNode, AConfigIsOnlyRead) {
  put("Microsoft.KeyVault/vaults/vault/secrets/API-KEY", vault_secret("API-KEY", "v1"));
  const auto done =
      run_write_secret(action("config/API_KEY", graph::WriteSecret{"vault", "API-KEY", graph::ConfigRecipe{"API_KEY"}}),
                       world_.access, scope_, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->unchanged);
  EXPECT_EQ(done->texts.at("secretUri"), "https://v/secrets/API-KEY/v1");
  EXPECT_EQ(done->texts.at("version"), "v1");
  EXPECT_TRUE(done->secrets.empty());
  EXPECT_EQ(world_.arm.requests, std::vector<std::string>{"GET API-KEY"});
}

TEST_F(OnOneNode, AConfigThatIsMissingOrRemovedSaysHowToSetIt) {
  const auto one = action("config/API_KEY", graph::WriteSecret{"vault", "API-KEY", graph::ConfigRecipe{"API_KEY"}});
  const auto missing = run_write_secret(one, world_.access, scope_, {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().help, "set it with `defang config set API_KEY`");
  put("Microsoft.KeyVault/vaults/vault/secrets/API-KEY", vault_secret("API-KEY", "v1", false));
  EXPECT_FALSE(run_write_secret(one, world_.access, scope_, {}));
}

TEST_F(OnOneNode, AComposedSecretIsWrittenOnceForEachRecipe) {
  world_.arm.on_put = [](const azure::ResourceId& id, Json& body) {
    body["properties"]["secretUriWithVersion"] = "https://v/secrets/" + id.last_name() + "/v7";
  };
  scope_.values = {{"config/P|value", "secret"}, {"config/P|version", "v1"}};
  const auto one =
      action("secret/url",
             graph::WriteSecret{"vault", "url",
                                graph::ComposedRecipe{{std::string("db://u:"),
                                                       Reference{"config/P", Reference::Kind::output, "value", ""}}}});
  const auto first = run_write_secret(one, world_.access, scope_, {});
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_FALSE(first->unchanged);
  const Json& kept = world_.arm.resources.begin()->second;
  EXPECT_EQ(kept["properties"]["value"], "db://u:secret");
  EXPECT_EQ(kept["tags"].dump().find("secret\""), std::string::npos);
  EXPECT_TRUE(run_write_secret(one, world_.access, scope_, {})->unchanged);
  scope_.values["config/P|version"] = "v2";
  EXPECT_FALSE(run_write_secret(one, world_.access, scope_, {})->unchanged);
}

TEST_F(OnOneNode, AGeneratedSecretStaysWhatItIs) {
  world_.arm.on_put = [](const azure::ResourceId& id, Json& body) {
    body["properties"]["secretUriWithVersion"] = "https://v/secrets/" + id.last_name() + "/v1";
  };
  const auto one = action("secret/p", graph::WriteSecret{"vault", "p", graph::GeneratedRecipe{24}});
  ASSERT_TRUE(run_write_secret(one, world_.access, scope_, {}));
  EXPECT_TRUE(run_write_secret(one, world_.access, scope_, {})->unchanged);
}

TEST_F(OnOneNode, AFileGoesIntoTheVaultAsItIs) {
  world_.arm.on_put = [](const azure::ResourceId& id, Json& body) {
    body["properties"]["secretUriWithVersion"] = "https://v/secrets/" + id.last_name() + "/v1";
  };
  world_.disk.files["/project/db/password.txt"] = "changeme";
  const auto one = action("file/p", graph::WriteSecret{"vault", "p", graph::FileRecipe{"/project/db/password.txt"}});
  ASSERT_TRUE(run_write_secret(one, world_.access, scope_, {}));
  const Json& kept = world_.arm.resources.begin()->second;
  EXPECT_EQ(kept["properties"]["value"], "changeme");
  EXPECT_FALSE(kept["tags"].contains("defang-recipe"));  // a digest would let a short password be guessed
  world_.disk.files.clear();
  EXPECT_FALSE(run_write_secret(one, world_.access, scope_, {}));
}

TEST_F(OnOneNode, ADeletedVaultOfOursIsRecovered) {
  world_.arm.resources["/subscriptions/sub/providers/microsoft.keyvault/locations/westus3/deletedvaults/vault"] = {
      {"properties", {{"vaultId", kGroup + "Microsoft.KeyVault/vaults/vault"}}}};
  ASSERT_TRUE(recover_vault(world_.access, scope_.place, "vault", {}));
  EXPECT_EQ(world_.arm.requests, (std::vector<std::string>{"GET vault", "PUT vault"}));
  scope_.place.group = "another";
  const auto taken = recover_vault(world_.access, scope_.place, "vault", {});
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, "VaultAlreadyExists");
}

// --- revisions

TEST_F(OnOneNode, AnAppIsUpWhenItsRevisionRuns) {
  put("Microsoft.App/containerApps/web",
      {{"properties", {{"latestRevisionName", "web--1"}, {"configuration", {{"ingress", {{"fqdn", "web.x"}}}}}}}});
  put("Microsoft.App/containerApps/web/revisions/web--1",
      {{"name", "web--1"}, {"properties", {{"provisioningState", "Provisioned"}, {"runningState", "Running"}}}});
  const auto done =
      run_await_revision(action("healthy/web", graph::AwaitRevision{"app/web"}), world_.access, scope_, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->texts.at("fqdn"), "web.x");
  EXPECT_TRUE(done->unchanged);
}

TEST_F(OnOneNode, AFailedRevisionEndsTheWaitWithItsCauseAndItsLastLines) {
  put("Microsoft.App/containerApps/web", {{"properties", {{"latestRevisionName", "web--1"}}}});
  put("Microsoft.App/containerApps/web/revisions/web--1", {{"name", "web--1"},
                                                           {"properties",
                                                            {{"provisioningState", "Failed"},
                                                             {"runningState", "Failed"},
                                                             {"provisioningError", "Container crashing: web"}}}});
  put("Microsoft.App/containerApps/web/revisions/web--1/replicas/r",
      {{"name", "r"},
       {"properties", {{"containers", Json::array({{{"name", "web"}, {"logStreamEndpoint", "https://logs/web"}}})}}}});
  world_.arm.posts["web/getAuthToken"] = {{"properties", {{"token", "t"}}}};
  world_.unsigned_pipeline.answer = [](const rest::HttpRequest& request) -> Result<rest::HttpResponse> {
    TRY(request.sink("{\"TimeStamp\":\"1\",\"Log\":\"cannot open database\"}\n"));
    return rest::HttpResponse{200, {}, ""};
  };
  const auto done =
      run_await_revision(action("healthy/web", graph::AwaitRevision{"app/web"}), world_.access, scope_, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "revision-crash");
  EXPECT_EQ(scope_.lines, std::vector<std::string>{"cannot open database"});
}

TEST_F(OnOneNode, AContainerThatFailsItsCheckForLongerThanForgivenIsNamedWithTheCheck) {
  put("Microsoft.App/containerApps/web",
      {{"properties", {{"latestRevisionName", "web--1"}, {"eventStreamEndpoint", "https://logs/web/eventstream"}}}});
  put("Microsoft.App/containerApps/web/revisions/web--1",
      {{"name", "web--1"}, {"properties", {{"provisioningState", "Provisioning"}, {"runningState", "Activating"}}}});
  put("Microsoft.App/containerApps/web/revisions/web--1/replicas/r",
      {{"name", "r"},
       {"properties",
        {{"containers", Json::array({{{"name", "web"}, {"runningState", "Running"}, {"ready", false}}})}}}});
  world_.arm.posts["web/getAuthToken"] = {{"properties", {{"token", "t"}}}};
  world_.unsigned_pipeline.answer = [](const rest::HttpRequest& request) -> Result<rest::HttpResponse> {
    TRY(request.sink(R"({"TimeStamp":"2026-01-01T00:00:00Z","ReplicaName":"web--1-r","Reason":"ProbeFailed",)"
                     R"("Msg":"Probe of Startup failed: HTTP 404"})"
                     "\n"));
    return rest::HttpResponse{200, {}, ""};
  };
  scope_.patience = std::chrono::seconds(25);
  const auto begun = world_.clock.elapsed();
  const auto done =
      run_await_revision(action("healthy/web", graph::AwaitRevision{"app/web"}), world_.access, scope_, {});
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, "revision-unhealthy");
  EXPECT_EQ(done.error().message, "Probe of Startup failed: HTTP 404");
  const auto took = world_.clock.elapsed() - begun;
  EXPECT_GE(took, std::chrono::seconds(25));
  EXPECT_LT(took, std::chrono::seconds(30));
}

TEST_F(OnOneNode, TheWatchdogLooksAtTheNewRevisionOnly) {
  const auto& app = *graph_.resource("app/web");
  const Json failed = {
      {"name", "web--old"},
      {"properties", {{"createdTime", "1"}, {"provisioningState", "Failed"}, {"runningState", "Failed"}}}};
  put("Microsoft.App/containerApps/web/revisions/web--old", failed);
  const Json before = {{"properties", {{"latestRevisionName", "web--old"}}}};
  const auto watch = app_watchdog(app, before, world_.access, scope_, {});
  EXPECT_FALSE(watch());
  EXPECT_EQ(std::ranges::count(world_.arm.requests, "POST web--old/restart"), 0);
  put("Microsoft.App/containerApps/web/revisions/web--new",
      {{"name", "web--new"},
       {"properties",
        {{"createdTime", "2"}, {"provisioningState", "Provisioning"}, {"runningStateDetails", "ImagePullBackOff"}}}});
  ASSERT_TRUE(watch());
  EXPECT_EQ(watch()->code, "revision-image-pull");
  EXPECT_FALSE(app_watchdog(*graph_.resource("vault"), {}, world_.access, scope_, {}));
}

TEST_F(OnOneNode, ARevisionThatFailedBeginsAnewWhereNoNewOneIsMade) {
  put("Microsoft.App/containerApps/web/revisions/web--1",
      {{"name", "web--1"}, {"properties", {{"createdTime", "1"}, {"runningStateDetails", "ErrImagePull"}}}});
  const Json before = {{"properties", {{"latestRevisionName", "web--1"}}}};
  const auto watch = app_watchdog(*graph_.resource("app/web"), before, world_.access, scope_, {});
  EXPECT_FALSE(watch());
  ASSERT_TRUE(world_.clock.sleep_for(std::chrono::seconds(11), {}));
  EXPECT_FALSE(watch());
  EXPECT_FALSE(watch());
  EXPECT_EQ(std::ranges::count(world_.arm.requests, "POST web--1/restart"), 1);
  ASSERT_TRUE(world_.clock.sleep_for(std::chrono::seconds(11), {}));
  ASSERT_TRUE(watch());
  EXPECT_EQ(watch()->code, "revision-image-pull");
}

TEST_F(OnOneNode, APullFromOurRegistryIsWaitedForWhileRightsSpread) {
  add("registry", "Microsoft.ContainerRegistry/registries", "reg");
  scope_.bodies["registry"] = {{"properties", {{"loginServer", "reg.azurecr.io"}}}};
  scope_.fresh = true;
  const auto pulling = [&](const std::string& image, const std::string& state) {
    put("Microsoft.App/containerApps/web/revisions/web--1",
        {{"name", "web--1"},
         {"properties",
          {{"provisioningState", state},
           {"provisioningError", "ErrImagePull"},
           {"template", {{"containers", Json::array({{{"image", image}}})}}}}}});
  };
  const auto watch = app_watchdog(*graph_.resource("app/web"), {}, world_.access, scope_, {});
  pulling("reg.azurecr.io/web:1", "Provisioning");
  EXPECT_FALSE(watch());
  pulling("reg.azurecr.io/web:1", "Failed");
  EXPECT_TRUE(watch());
  pulling("docker.io/nobody/nothing", "Provisioning");
  EXPECT_TRUE(watch());
}

// --- jobs

TEST_F(OnOneNode, AJobsExitCodeDecides) {
  world_.arm.posts["migrate/start"] = {{"name", "migrate-1"}};
  put("Microsoft.App/jobs/migrate/executions/migrate-1", {{"properties", {{"status", "Succeeded"}}}});
  const auto one = action("run/migrate", graph::RunJob{"job/migrate"});
  const auto done = run_job(one, world_.access, scope_, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->texts.at("exitCode"), "0");

  put("Microsoft.App/jobs/migrate/executions/migrate-1", {{"properties", {{"status", "Failed"}}}});
  put("Microsoft.App/jobs/migrate/executions/migrate-1/replicas/r",
      {{"properties",
        {{"containers", Json::array({{{"runningState", "Terminated"},
                                      {"runningStateDetails", "Container terminated with exit code '3'"}}})}}}});
  const auto failed = run_job(one, world_.access, scope_, {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().message, "`web` ended with exit code 3");
}

TEST_F(OnOneNode, AJobThatRanSinceItsLastChangeIsNotRunAgain) {
  scope_.bodies["job/migrate"] = {{"systemData", {{"lastModifiedAt", "2026-01-01T10:00:00.1234567"}}}};
  put("Microsoft.App/jobs/migrate/executions/migrate-1",
      {{"properties", {{"status", "Succeeded"}, {"startTime", "2026-01-01T10:00:05+00:00"}}}});
  const auto done = run_job(action("run/migrate", graph::RunJob{"job/migrate"}), world_.access, scope_, {});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_TRUE(done->unchanged);
}

// --- builds

TEST(BuildRequest, SaysWhatToBuildAndKeepsArgumentsOutOfTheLog) {
  graph::BuildImage build;
  build.target = "run";
  build.args = {{"TOKEN", "x"}};
  const Json request = build_request(
      build,
      {.dockerfile = "Dockerfile", .source = "https://s/u.tar.gz?sig=1", .secrets = {}, .registry_passwords = {}},
      "r.azurecr.io/web:1");
  EXPECT_EQ(request["type"], "DockerBuildRequest");
  EXPECT_EQ(request["imageNames"], Json::array({"r.azurecr.io/web:1"}));
  EXPECT_EQ(request["target"], "run");
  EXPECT_EQ(request["platform"], (Json{{"os", "Linux"}, {"architecture", "amd64"}}));
  EXPECT_EQ(request["arguments"][0]["isSecret"], true);
}

TEST(BuildRequest, WithoutADockerfileBuildpacksDoIt) {
  graph::BuildImage build;
  build.buildpacks = true;
  const Json request =
      build_request(build, {.dockerfile = "", .source = "https://s/u.tar.gz", .secrets = {}, .registry_passwords = {}},
                    "r.azurecr.io/web:1");
  EXPECT_EQ(request["type"], "EncodedTaskRunRequest");
  const std::string task = from_base64(request["encodedTaskContent"].get<std::string>());
  EXPECT_NE(task.find(" build r.azurecr.io/web:1 --builder "), std::string::npos) << task;
  EXPECT_NE(task.find("push: [\"r.azurecr.io/web:1\"]"), std::string::npos);
}

TEST(BuildRequest, AsksForBuildKitByATaskWhoseTextHoldsNoValue) {
  graph::BuildImage build;
  build.target = "run";
  build.args = {{"GREETING", "it's \"so\"\nand more"}};
  build.secrets = {{"npm", {"file/npmrc", graph::Reference::Kind::output, "value", ""}}};
  build.logins = {{"ghcr.io", "me", {"login/ghcr.io", graph::Reference::Kind::output, "value", ""}}};
  const Json request = build_request(build,
                                     {.dockerfile = "docker/Dockerfile",
                                      .needs_buildkit = true,
                                      .source = "https://s/u.tar.gz",
                                      .secrets = {Secret("//r/:_authToken=hidden")},
                                      .registry_passwords = {Secret("also-hidden")}},
                                     "r.azurecr.io/web:1");
  EXPECT_EQ(request["type"], "EncodedTaskRunRequest");
  EXPECT_EQ(from_base64(request["encodedTaskContent"].get<std::string>()),
            "version: v1.1.0\n"
            "steps:\n"
            "  - build: \"-t r.azurecr.io/web:1 -f 'docker/Dockerfile' --target 'run' --build-arg 'GREETING' --secret "
            "'id=npm,env=DEFANG_SECRET_0' .\"\n"
            "    env:\n"
            "      - DOCKER_BUILDKIT=1\n"
            "      - \"GREETING={{.Values.arg0}}\"\n"
            "      - \"DEFANG_SECRET_0={{.Values.secret0}}\"\n"
            "    timeout: 14400\n"
            "  - push: [\"r.azurecr.io/web:1\"]\n"
            "    timeout: 1800\n");
  // Filled in between the double quotes of the task's YAML.
  EXPECT_EQ(request["values"], (Json{{{"name", "arg0"}, {"value", R"(it's \"so\"\nand more)"}, {"isSecret", true}},
                                     {{"name", "secret0"}, {"value", "//r/:_authToken=hidden"}, {"isSecret", true}}}));
  EXPECT_EQ(request["credentials"]["customRegistries"]["ghcr.io"]["password"],
            (Json{{"type", "Opaque"}, {"value", "also-hidden"}}));
}

TEST(RepositoryOf, IsLegal) {
  EXPECT_EQ(repository_of("Web_API"), "web-api");
  EXPECT_EQ(repository_of("a..b-"), "a-b");
}

TEST_F(OnOneNode, ALocalBuildKeepsSecretsOutOfCommandLines) {
  world_.processes.answer = [](const Processes::Command& command) -> Result<Processes::Ended> {
    if (command.arguments[0] == "docker") return fail(Error::Kind::refused, "program-not-found", "docker");
    return Processes::Ended{};
  };
  world_.unsigned_pipeline.answer = [](const rest::HttpRequest&) -> Result<rest::HttpResponse> {
    return rest::HttpResponse{200, {}, R"({"refresh_token":"very-secret"})"};
  };
  graph::BuildImage build;
  build.service = "web";
  build.args = {{"TOKEN", "hidden"}};
  build.secrets = {{"npm", {}}};
  BuildContext context;
  context.folder = "/project/web";
  context.dockerfile = "Dockerfile";
  const auto built = build_locally(build, context, {Secret("hidden-too")}, "r.azurecr.io/web:1", "r.azurecr.io",
                                   world_.access, scope_, {});
  ASSERT_TRUE(built) << built.error().message;
  std::string lines;
  for (const auto& command : world_.processes.commands) {
    for (const auto& word : command.arguments) {
      EXPECT_EQ(word.find("hidden"), std::string::npos);
      EXPECT_EQ(word.find("very-secret"), std::string::npos);
    }
    lines += command.arguments[0] + " " + command.arguments[1] + "\n";
  }
  EXPECT_EQ(lines, "docker --version\npodman --version\npodman build\npodman login\npodman push\n");
  EXPECT_EQ(world_.processes.commands[2].environment.at("DEFANG_SECRET_0"), "hidden-too");
  EXPECT_EQ(world_.processes.commands[3].input, "very-secret");
}

}  // namespace
}  // namespace defang::deploy
