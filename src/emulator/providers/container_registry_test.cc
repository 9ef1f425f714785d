#include "emulator/providers/container_registry.h"

#include <gtest/gtest.h>

#include "emulator/providers/apps_testing.h"
#include "emulator/providers/registry_task.h"

namespace defang::emulator {
namespace {

class RegistryBench : public AppsBench {
 public:
  RegistryBench() {
    made = put(registry_id(),
               {{"location", "westus3"}, {"sku", {{"name", "Basic"}}}, {"properties", {{"adminUserEnabled", true}}}});
    wait(std::chrono::seconds(2));
  }
  /// Starts a run and waits for its end.
  Json run(Json request) {
    const auto scheduled = post(registry_id() + "/scheduleRun", request);
    queued = scheduled;
    const std::string id = text_at(scheduled.json, "id");
    wait(std::chrono::seconds(3));
    workloads->runs().wait();
    return get(id).json;
  }
  Got made, queued;
};

TEST(Registry, HasItsLoginServerInTheFirstAnswer) {
  RegistryBench bench;
  EXPECT_EQ(bench.made.status, 201);
  EXPECT_TRUE(text_at(bench.made.json, "properties.loginServer").starts_with("localhost:"));
  EXPECT_EQ(text_at(bench.made.json, "properties.provisioningState"), "Creating");
  EXPECT_EQ(text_at(bench.get(bench.registry_id()).json, "properties.provisioningState"), "Succeeded");
}

TEST(Registry, TellsItsPasswordsOnlyWhileTheAdminUserIsOn) {
  RegistryBench bench;
  const auto first = bench.post(bench.registry_id() + "/listCredentials");
  EXPECT_EQ(first.json["username"], "images");
  bench.post(bench.registry_id() + "/regenerateCredential", {{"name", "password"}});
  const auto second = bench.post(bench.registry_id() + "/listCredentials");
  EXPECT_NE(first.json["passwords"][0]["value"], second.json["passwords"][0]["value"]);
  EXPECT_EQ(first.json["passwords"][1]["value"], second.json["passwords"][1]["value"]);
  bench.patch(bench.registry_id(), {{"properties", {{"adminUserEnabled", false}}}});
  EXPECT_EQ(bench.post(bench.registry_id() + "/listCredentials").code(), "UnAuthorizedForCredentialOperations");
}

TEST(Registry, IsPulledFromByRolesOnItself) {
  RegistryBench bench;
  bench.put(bench.group("other"), {{"location", "westus3"}});
  const std::string other = bench.group("other") + "/providers/Microsoft.ContainerRegistry/registries/others";
  bench.put(other, {{"location", "westus3"}, {"sku", {{"name", "Basic"}}}});
  bench.wait(std::chrono::seconds(2));
  const std::string principal = bench.core.create_principal("pull", 0).object_id;
  const auto give = [&](const std::string& role, const std::string& name) {
    EXPECT_EQ(bench
                  .put(other + "/providers/Microsoft.Authorization/roleAssignments/" + name,
                       {{"properties",
                         {{"roleDefinitionId", "/subscriptions/" + bench.subscription() +
                                                   "/providers/Microsoft.Authorization/roleDefinitions/" + role},
                          {"principalId", principal},
                          {"principalType", "ServicePrincipal"}}}})
                  .status,
              201);
    bench.wait(std::chrono::seconds(61));
  };
  const CoreRegistryAccess access(bench.core);
  const auto may_pull = [&](const char* registry) {
    return access.may(principal, registry, RegistryAccess::Right::pull);
  };
  EXPECT_FALSE(may_pull("others"));
  give("7f951dda-4ed3-4680-a7ca-43fe172d538d", "00000000-0000-4000-8000-000000000001");
  EXPECT_TRUE(may_pull("others"));
  EXPECT_FALSE(may_pull("images"));
  bench.patch(other, {{"properties", {{"roleAssignmentMode", "AbacRepositoryPermissions"}}}});
  EXPECT_FALSE(may_pull("others"));
  give("b93aa761-3e63-49ed-ac28-beffa264f7ac", "00000000-0000-4000-8000-000000000002");
  EXPECT_TRUE(may_pull("others"));
}

TEST(Registry, BuildsWhatWasUploadedAndLetsItsLogGrow) {
  RegistryBench bench;
  const auto slot = bench.post(bench.registry_id() + "/listBuildSourceUploadUrl");
  EXPECT_EQ(bench.send("PUT", text_at(slot.json, "uploadUrl"), Json("tar"), {{"x-ms-blob-type", "BlockBlob"}}).status,
            201);
  const Json run = bench.run({{"type", "DockerBuildRequest"},
                              {"imageNames", Json::array({"web:1"})},
                              {"dockerFilePath", "Dockerfile"},
                              {"sourceLocation", slot.json["relativePath"]},
                              {"platform", {{"os", "Linux"}, {"architecture", "amd64"}}}});
  EXPECT_EQ(text_at(bench.queued.json, "properties.status"), "Queued");
  EXPECT_FALSE(bench.queued.headers.has("Location"));
  EXPECT_EQ(text_at(run, "properties.status"), "Succeeded");
  EXPECT_EQ(text_at(run["properties"]["outputImages"][0], "repository"), "web");
  const std::string log = text_at(bench.post(text_at(run, "id") + "/listLogSasUrl").json, "logLink");
  const auto head = bench.send("HEAD", log);
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.get("x-ms-meta-complete"), "successful");
  const auto part = bench.send("GET", log, Json(), {{"x-ms-range", "bytes=0-10"}});
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(part.body, "Downloading");
  EXPECT_EQ(bench.send("GET", log.substr(0, log.size() - 3)).status, 403);
}

TEST(PublicRegistries, AnswerAsOneMirrorDoes) {
  RegistryBench bench;
  const auto metadata = bench.send("GET", "/metadata/endpoints?api-version=2022-09-01");
  const auto place = text_at(metadata.json, "emulator.registries");
  const auto found = bench.send("HEAD", place + "/v2/library/nginx/manifests/1.27?ns=docker.io");
  EXPECT_EQ(found.status, 200);
  EXPECT_EQ(found.headers.get("Docker-Content-Digest"), "sha256:" + sha256_hex("docker.io/library/nginx:1.27"));
  EXPECT_EQ(bench.send("HEAD", place + "/v2/gone/manifests/1?ns=docker.io").status, 404);
  EXPECT_EQ(bench.send("HEAD", place + "/v2/down/manifests/1?ns=docker.io").status, 502);
  EXPECT_EQ(bench.send("GET", place + "/v2/").status, 404);
}

TEST(Registry, SaysWhyABuildFailed) {
  RegistryBench bench;
  const auto slot = bench.post(bench.registry_id() + "/listBuildSourceUploadUrl");
  bench.send("PUT", text_at(slot.json, "uploadUrl"), Json("tar"), {{"x-ms-blob-type", "BlockBlob"}});
  const Json run = bench.run({{"type", "DockerBuildRequest"},
                              {"imageNames", Json::array({"web:1"})},
                              {"dockerFilePath", "broken"},
                              {"sourceLocation", slot.json["relativePath"]}});
  EXPECT_EQ(text_at(run, "properties.status"), "Failed");
  const auto log = bench.send("GET", text_at(bench.post(text_at(run, "id") + "/listLogSasUrl").json, "logLink"));
  EXPECT_NE(log.body.find("no such file"), std::string::npos);
  EXPECT_EQ(log.headers.get("x-ms-meta-complete"), "failed");
}

TEST(Registry, HasNoLogBeforeARunStarts) {
  RegistryBench bench;
  const auto scheduled = bench.post(bench.registry_id() + "/scheduleRun", {{"type", "DockerBuildRequest"}});
  EXPECT_EQ(
      bench.send("HEAD", text_at(bench.post(text_at(scheduled.json, "id") + "/listLogSasUrl").json, "logLink")).status,
      404);
}

TEST(RegistryTask, ReadsBuildPushAndCommands) {
  const auto steps = read_task(
      "version: v1.1.0\nsteps:\n  - build: -t {{.Run.Registry}}/web:1 -f app/Dockerfile --build-arg A=\"b c\" .\n"
      "  - cmd: registry/pack:stable build host/web:2 --builder some/builder --path .\n    timeout: 28800\n"
      "  - push: [\"host/web:2\"]\n  - push:\n    - host/web:1\n");
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[0].kind, TaskStep::Kind::build);
  const BuildArguments arguments = read_build_arguments(steps[0]);
  EXPECT_EQ(arguments.dockerfile, "app/Dockerfile");
  EXPECT_EQ(arguments.images, std::vector<std::string>{"{{.Run.Registry}}/web:1"});
  EXPECT_EQ(arguments.arguments, (std::vector<std::pair<std::string, std::string>>{{"A", "b c"}}));
  EXPECT_EQ(packed_image(steps[1].text), "host/web:2");
  EXPECT_EQ(steps[2].images, std::vector<std::string>{"host/web:2"});
  EXPECT_EQ(steps[3].images, std::vector<std::string>{"host/web:1"});
}

TEST(RegistryTask, TakesFromTheEnvironmentWhatNamesNoValue) {
  const auto steps = read_task(
      "steps:\n- build: -t web --build-arg 'A' --secret id=one,env=ONE --secret id=TWO -f D .\n"
      "  env: [\"A=b c\"]\n"
      "- build: --secret 'id=one,env=ONE' .\n  timeout: 10\n  env:\n    - DOCKER_BUILDKIT=1\n"
      "    - \"ONE=first: \\\"1\\\"\\nsecond\"\n- push: [web]\n");
  ASSERT_EQ(steps.size(), 3u);
  EXPECT_EQ(read_build_arguments(steps[0]).arguments, (std::vector<std::pair<std::string, std::string>>{{"A", "b c"}}));
  EXPECT_EQ(read_build_arguments(steps[0]).secrets,
            (std::vector<std::pair<std::string, std::string>>{{"one", ""}, {"TWO", ""}}));
  EXPECT_EQ(steps[1].environment.at("DOCKER_BUILDKIT"), "1");
  EXPECT_EQ(read_build_arguments(steps[1]).secrets,
            (std::vector<std::pair<std::string, std::string>>{{"one", "first: \"1\"\nsecond"}}));
  EXPECT_EQ(steps[2].kind, TaskStep::Kind::push);
}

}  // namespace
}  // namespace defang::emulator
