#include "emulator/providers/container_apps.h"

#include <gtest/gtest.h>

#include "emulator/providers/apps_testing.h"

namespace defang::emulator {
namespace {

TEST(ManagedEnvironment, HasItsDomainAndAddressInTheFirstAnswer) {
  AppsBench bench;
  const auto made = bench.make_environment();
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(text_at(made.json, "properties.provisioningState"), "Waiting");
  EXPECT_TRUE(text_at(made.json, "properties.defaultDomain").ends_with(".westus3.azurecontainerapps.io"));
  EXPECT_FALSE(text_at(made.json, "properties.staticIp").empty());
  EXPECT_TRUE(made.headers.has("Azure-AsyncOperation"));
  EXPECT_EQ(text_at(bench.get(bench.environment_id()).json, "properties.provisioningState"), "Succeeded");
  EXPECT_EQ(bench.runtime->environments.size(), 1u);
}

TEST(ManagedEnvironment, TakesNoAppsBeforeItIsReady) {
  AppsBench bench;
  bench.put(bench.environment_id(), {{"location", "westus3"}, {"properties", Json::object()}});
  EXPECT_EQ(bench.put(bench.app_id(), bench.app_body()).code(), "ManagedEnvironmentNotReadyForAppCreation");
}

TEST(ContainerApp, LeavesOutOfTheFirstAnswerWhatIsKnownLater) {
  AppsBench bench;
  bench.make_environment();
  const auto made = bench.put(bench.app_id(), bench.app_body());
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(text_at(made.json, "properties.provisioningState"), "InProgress");
  EXPECT_TRUE(made.json["properties"]["configuration"]["ingress"]["fqdn"].is_null());
  EXPECT_FALSE(made.json["properties"].contains("latestRevisionName"));
  EXPECT_FALSE(made.headers.has("Location"));
  bench.wait_seconds(13);
  const Json app = bench.get(bench.app_id()).json;
  EXPECT_EQ(text_at(app, "properties.provisioningState"), "Succeeded");
  EXPECT_EQ(text_at(app, "properties.runningStatus"), "Running");
  EXPECT_TRUE(text_at(app, "properties.latestRevisionName").starts_with("web--"));
  EXPECT_EQ(text_at(app, "properties.latestReadyRevisionName"), text_at(app, "properties.latestRevisionName"));
  EXPECT_TRUE(text_at(app, "properties.configuration.ingress.fqdn").starts_with("web."));
  EXPECT_EQ(app["properties"]["template"]["containers"][0]["resources"],
            Json({{"cpu", 0.5}, {"memory", "1Gi"}, {"ephemeralStorage", "2Gi"}}));
  EXPECT_EQ(bench.poll(made.headers.get("Azure-AsyncOperation")).json["status"], "Succeeded");
}

TEST(ContainerApp, MakesARevisionOnlyWhenTheTemplateChanges) {
  AppsBench bench;
  bench.make_environment();
  bench.put(bench.app_id(), bench.app_body());
  bench.wait_seconds(13);
  const std::string first = text_at(bench.revision(), "name");
  Json changed = bench.app_body();
  changed["properties"]["configuration"]["ingress"]["allowInsecure"] = true;
  bench.put(bench.app_id(), changed);
  bench.wait_seconds(13);
  EXPECT_EQ(text_at(bench.revision(), "name"), first);
  bench.put(bench.app_id(), bench.app_body("nginx:2"));
  bench.wait_seconds(13);
  EXPECT_NE(text_at(bench.revision(), "name"), first);
  const Json old = bench.get(bench.app_id() + "/revisions/" + first).json;
  EXPECT_EQ(old["properties"]["active"], false);
  EXPECT_EQ(old["properties"]["replicas"], 0);
}

TEST(ContainerApp, KeepsTheOldRevisionUntilTheNewOneIsReady) {
  AppsBench bench;
  bench.make_environment();
  bench.put(bench.app_id(), bench.app_body());
  bench.wait_seconds(13);
  const std::string first = text_at(bench.revision(), "name");
  bench.runtime->images["bad"] = {.exits = 1};
  bench.put(bench.app_id(), bench.app_body("bad"));
  bench.wait_seconds(20);
  const Json app = bench.get(bench.app_id()).json;
  EXPECT_EQ(text_at(app, "properties.provisioningState"),
            "Succeeded");  // recorded: the app does, the revision does not
  EXPECT_EQ(text_at(app, "properties.latestReadyRevisionName"), first);
  EXPECT_EQ(bench.get(bench.app_id() + "/revisions/" + first).json["properties"]["active"], true);
  const std::string app_id = text_at(app, "id");
  ASSERT_EQ(bench.runtime->routes[app_id].size(), 1u);
  EXPECT_TRUE(bench.runtime->routes[app_id][0].replica.starts_with(first));
}

TEST(Revision, SaysWhenItsContainerEndsAgainAndAgain) {
  AppsBench bench;
  bench.make_environment();
  bench.runtime->images["bad"] = {.exits = 3};
  bench.put(bench.app_id(), bench.app_body("bad"));
  bench.wait_seconds(10);
  const Json revision = bench.revision();
  EXPECT_EQ(text_at(revision, "properties.runningState"), "Failed");
  EXPECT_EQ(text_at(revision, "properties.provisioningError"), "Container crashing: web");
  EXPECT_EQ(text_at(revision, "properties.runningStateDetails"), "1/1 Container crashing: web");
  const Json container = bench.only_replica()["properties"]["containers"][0];
  EXPECT_EQ(text_at(container, "runningState"), "Terminated");
  EXPECT_NE(text_at(container, "runningStateDetails").find("exit code '3'"), std::string::npos);
}

TEST(Revision, NamesThePortThatIsListenedOnInstead) {
  AppsBench bench;
  bench.make_environment();
  bench.runtime->images["elsewhere"] = {.listens = {3000}};
  bench.put(bench.app_id(), bench.app_body("elsewhere"));
  bench.wait_seconds(10);
  EXPECT_EQ(text_at(bench.revision(), "properties.runningStateDetails"),
            "The TargetPort 80 does not match the listening port 3000.");
  bench.wait_seconds(250);
  EXPECT_EQ(text_at(bench.revision(), "properties.runningStateDetails"),
            "The TargetPort 80 does not match the listening port 3000. 1/1 Container crashing: web");
  EXPECT_EQ(text_at(bench.revision(), "properties.provisioningState"), "Failed");
}

TEST(ContainerApp, StaysInProgressWhileItsImageCannotBePulled) {
  AppsBench bench;
  bench.make_environment();
  bench.runtime->images["lost"] = {.found = false};
  const auto made = bench.put(bench.app_id(), bench.app_body("lost"));
  bench.wait_seconds(30);
  EXPECT_EQ(bench.poll(made.headers.get("Azure-AsyncOperation")).json["status"], "InProgress");
  EXPECT_NE(text_at(bench.revision(), "properties.runningStateDetails").find("ErrImagePull: manifest unknown"),
            std::string::npos);
  bench.runtime->images["lost"] = {};
  bench.wait_seconds(15);
  EXPECT_EQ(bench.poll(made.headers.get("Azure-AsyncOperation")).json["status"], "Succeeded");
}

TEST(ContainerApp, IsDeletedThoughItNeverStarted) {
  AppsBench bench;
  bench.make_environment();
  bench.runtime->images["lost"] = {.found = false};
  bench.put(bench.app_id(), bench.app_body("lost"));
  bench.wait_seconds(1500);  // longer than the write is given
  const auto gone = bench.remove(bench.app_id());
  bench.wait_seconds(60);
  EXPECT_NE(bench.poll(gone.headers.get("Azure-AsyncOperation")).json["status"], "Failed");
  EXPECT_EQ(bench.get(bench.app_id()).status, 404);
}

TEST(ContainerApp, StartsAContainerAgainThatFailsItsLivenessProbe) {
  AppsBench bench;
  bench.make_environment();
  Json body = bench.app_body();
  body["properties"]["template"]["containers"][0]["probes"] = Json::array(
      {{{"type", "Liveness"}, {"periodSeconds", 5}, {"failureThreshold", 2}, {"tcpSocket", {{"port", 9999}}}}});
  bench.put(bench.app_id(), body);
  bench.wait_seconds(4);
  const std::string first = text_at(bench.only_replica(), "name");
  EXPECT_EQ(bench.only_replica()["properties"]["containers"][0]["restartCount"], 0);
  bench.wait_seconds(12);
  EXPECT_EQ(text_at(bench.only_replica(), "name"), first);
  EXPECT_GE(bench.only_replica()["properties"]["containers"][0]["restartCount"], 1);
}

TEST(ContainerApp, WaitsForItsInitContainersAndFailsWithThem) {
  AppsBench bench;
  bench.make_environment();
  bench.runtime->images["broken"] = {.exits = 4};
  const auto body = [&](const std::string& image) {
    Json app = bench.app_body();
    app["properties"]["template"]["initContainers"] = Json::array({{{"name", "prepare"}, {"image", image}}});
    return app;
  };
  ASSERT_EQ(bench.put(bench.app_id(), body("busybox")).status, 201);
  bench.wait_seconds(13);
  EXPECT_EQ(text_at(bench.revision(), "properties.healthState"), "Healthy");
  const Json init = bench.only_replica()["properties"]["initContainers"][0];
  EXPECT_EQ(text_at(init, "name"), "prepare");
  EXPECT_NE(text_at(init, "runningStateDetails").find("exit code '0'"), std::string::npos);
  ASSERT_EQ(bench.put(bench.app_id("bad"), body("broken")).status, 201);
  bench.wait_seconds(60);
  EXPECT_EQ(text_at(bench.revision("bad"), "properties.runningState"), "Failed");
  EXPECT_NE(text_at(bench.revision("bad"), "properties.runningStateDetails").find("Container crashing: prepare"),
            std::string::npos);
  Json probed = body("busybox");
  probed["properties"]["template"]["initContainers"][0]["probes"] =
      Json::array({{{"type", "Liveness"}, {"tcpSocket", {{"port", 80}}}}});
  EXPECT_EQ(bench.put(bench.app_id("probed"), probed).code(), "InvalidParameterValueInContainerTemplate");
}

TEST(ContainerApp, NotesWhatNobodyHasVerified) {
  AppsBench bench;
  bench.make_environment();
  Json body = bench.app_body();
  body["properties"]["template"]["containers"][0]["env"] =
      Json::array({{{"name", "A"}, {"value", "1"}}, {{"name", "A"}, {"value", "2"}}});
  const auto made = bench.put(bench.app_id(), body);
  EXPECT_EQ(made.status, 201);
  EXPECT_NE(made.headers.get("x-emulator-note").find("CA-34"), std::string::npos);
}

TEST(ContainerApp, RefusesAWriteWhileAnotherIsInProgress) {
  AppsBench bench;
  bench.make_environment();
  bench.put(bench.app_id(), bench.app_body());
  EXPECT_EQ(bench.put(bench.app_id(), bench.app_body("other")).code(), "ContainerAppOperationInProgress");
}

TEST(ContainerApp, KeepsSecretsToItselfButListsThemWhenAsked) {
  AppsBench bench;
  bench.make_environment();
  Json body = bench.app_body();
  body["properties"]["configuration"]["secrets"] = Json::array({{{"name", "password"}, {"value", "s3cret"}}});
  body["properties"]["template"]["containers"][0]["env"] =
      Json::array({{{"name", "PASSWORD"}, {"secretRef", "password"}}});
  EXPECT_EQ(bench.put(bench.app_id(), body).body.find("s3cret"), std::string::npos);
  bench.wait_seconds(13);
  EXPECT_EQ(bench.get(bench.app_id()).body.find("s3cret"), std::string::npos);
  EXPECT_EQ(bench.post(bench.app_id() + "/listSecrets").json,
            Json({{"value", Json::array({{{"name", "password"}, {"value", "s3cret"}}})}}));
  EXPECT_EQ(bench.runtime->replicas.begin()->second.containers[0].environment.at("PASSWORD").reveal(), "s3cret");
  // A PATCH that does not speak of secrets keeps them (CA-93).
  bench.patch(
      bench.app_id(),
      {{"properties", {{"template", {{"containers", Json::array({{{"name", "web"}, {"image", "nginx:3"}}})}}}}}});
  bench.wait_seconds(16);
  EXPECT_EQ(bench.post(bench.app_id() + "/listSecrets").json["value"][0]["value"], "s3cret");
}

TEST(ContainerApp, AnswersAPatchWithBothHeadersAndReplacesLists) {
  AppsBench bench;
  bench.make_environment();
  bench.put(bench.app_id(), bench.app_body());
  bench.wait_seconds(13);
  const auto patched = bench.patch(bench.app_id(), {{"tags", {{"a", "b"}}}});
  EXPECT_EQ(patched.status, 202);
  EXPECT_TRUE(patched.headers.has("Azure-AsyncOperation"));
  EXPECT_TRUE(patched.headers.has("Location"));
  bench.wait_seconds(15);
  EXPECT_EQ(bench.get(bench.app_id()).json["tags"]["a"], "b");
}

TEST(ContainerApp, IsGoneWithItsReplicasAfterADelete) {
  AppsBench bench;
  bench.make_environment();
  bench.put(bench.app_id(), bench.app_body());
  bench.wait_seconds(13);
  EXPECT_EQ(bench.runtime->replicas.size(), 1u);
  const auto going = bench.remove(bench.app_id());
  EXPECT_EQ(going.status, 202);
  bench.wait_seconds(18);
  EXPECT_EQ(bench.poll(going.headers.get("Location")).status, 204);
  EXPECT_EQ(bench.get(bench.app_id()).status, 404);
  EXPECT_TRUE(bench.runtime->replicas.empty());
  EXPECT_TRUE(bench.runtime->apps.empty());
}

TEST(ContainerApp, RefusesPairsOfCpuAndMemoryThatAzureDoesNotHave) {
  AppsBench bench;
  bench.make_environment();
  Json body = bench.app_body();
  body["properties"]["template"]["containers"][0]["resources"] = {{"cpu", 0.5}, {"memory", "2Gi"}};
  EXPECT_EQ(bench.put(bench.app_id(), body).code(), "ContainerAppInvalidResourceTotal");
}

TEST(ContainerApp, RefusesPublicTcpWithoutANetworkOfOnesOwn) {
  AppsBench bench;
  bench.make_environment();
  const Json ingress = {{"external", true}, {"targetPort", 5432}, {"transport", "tcp"}};
  EXPECT_EQ(bench.put(bench.app_id(), bench.app_body("nginx", ingress)).code(), "ContainerAppTcpRequiresVnet");
}

TEST(ContainerApp, ReadsVaultSecretsOnlyWithAnIdentityThatIsAttached) {
  AppsBench bench;
  bench.make_environment();
  Json body = bench.app_body();
  body["properties"]["configuration"]["secrets"] =
      Json::array({{{"name", "key"}, {"keyVaultUrl", "https://localhost:1/secrets/key"}, {"identity", "system"}}});
  EXPECT_EQ(bench.put(bench.app_id(), body).code(), "ContainerAppSecretInvalid");
}

TEST(ContainerApp, StreamsTheConsoleToWhoHasItsToken) {
  AppsBench bench;
  bench.make_environment();
  bench.put(bench.app_id(), bench.app_body());
  bench.wait_seconds(13);
  const std::string url = text_at(bench.only_replica()["properties"]["containers"][0], "logStreamEndpoint") +
                          "?follow=false&output=json&tailLines=2";
  EXPECT_EQ(bench.send("GET", url).status, 401);
  const auto token = bench.post(bench.app_id() + "/getAuthToken");
  const auto lines = bench.send(
      "GET", url, Json(), {{"Authorization", "Bearer " + text_at(token.json, "properties.token")}}, Bench::nobody);
  EXPECT_EQ(lines.status, 200);
  EXPECT_NE(lines.body.find("Connecting to the container 'web'..."), std::string::npos);
  EXPECT_EQ(lines.body.find("web says 0"), std::string::npos);
  EXPECT_NE(lines.body.find("\"Log\":\"web says 2\""), std::string::npos);
}

TEST(ContainerApp, RunsAProgramInAContainerForWhoHasItsToken) {
  AppsBench bench;
  bench.make_environment();
  bench.put(bench.app_id(), bench.app_body());
  bench.wait_seconds(13);
  const std::string url =
      replace_all(text_at(bench.only_replica()["properties"]["containers"][0], "execEndpoint"), "wss://", "https://") +
      "?command=echo+here";
  EXPECT_EQ(bench.send("GET", url).status, 401);
  const auto stranger = bench.core.issue_token("somebody", "https://management.azure.com", 60);
  EXPECT_EQ(bench
                .send("POST", bench.app_id() + "/getAuthToken?api-version=2024-01-01", Json(),
                      {{"Authorization", "Bearer " + stranger}}, Bench::nobody)
                .code(),
            "AuthorizationFailed");
  const auto token = text_at(bench.post(bench.app_id() + "/getAuthToken").json, "properties.token");
  const auto ask = [&](rest::Headers headers) {
    headers.add("Authorization", "Bearer " + token);
    return bench.send("GET", url, Json(), headers, Bench::nobody);
  };
  EXPECT_EQ(ask({}).status, 400);
  const auto answer = ask({{"Upgrade", "websocket"}, {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}});
  EXPECT_EQ(answer.status, 101);
  EXPECT_EQ(answer.headers.get("Sec-WebSocket-Accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(Job, RunsToItsEndAndTellsTheExitCode) {
  AppsBench bench;
  bench.make_environment();
  bench.runtime->images["migrate"] = {.exits = 0};
  bench.runtime->images["broken"] = {.exits = 7};
  const auto job = [&](const std::string& image) -> Json {
    return {{"location", "westus3"},
            {"properties",
             {{"environmentId", bench.environment_id()},
              {"configuration",
               {{"triggerType", "manual"},
                {"replicaTimeout", 600},
                {"replicaRetryLimit", 0},
                {"manualTriggerConfig", {{"parallelism", 1}, {"replicaCompletionCount", 1}}}}},
              {"template", {{"containers", Json::array({{{"name", "task"}, {"image", image}}})}}}}}};
  };
  EXPECT_EQ(bench.put(bench.job_id(), job("migrate")).status, 201);
  EXPECT_EQ(bench.put(bench.job_id("bad"), job("broken")).status, 201);
  bench.wait_seconds(10);
  EXPECT_EQ(bench.get(bench.job_id()).json["properties"]["configuration"]["triggerType"], "Manual");
  const auto started = bench.post(bench.job_id() + "/start");
  EXPECT_EQ(started.status, 200);
  const auto failing = bench.post(bench.job_id("bad") + "/start");
  bench.wait_seconds(3);
  EXPECT_EQ(text_at(bench.get(text_at(started.json, "id")).json, "properties.status"), "Succeeded");
  EXPECT_EQ(text_at(bench.get(text_at(failing.json, "id")).json, "properties.status"), "Failed");
  const Json replicas = bench.get(text_at(failing.json, "id") + "/replicas").json["value"];
  ASSERT_EQ(replicas.size(), 1u);
  EXPECT_NE(text_at(replicas[0]["properties"]["containers"][0], "runningStateDetails").find("exit code '7'"),
            std::string::npos);
}

TEST(Job, RunsWheneverItsScheduleSays) {
  AppsBench bench;
  bench.make_environment();
  bench.runtime->images["tick"] = {.exits = 0};
  const auto job = [&](const std::string& cron) -> Json {
    return {{"location", "westus3"},
            {"properties",
             {{"environmentId", bench.environment_id()},
              {"configuration",
               {{"triggerType", "Schedule"},
                {"replicaTimeout", 600},
                {"scheduleTriggerConfig", {{"cronExpression", cron}}}}},
              {"template", {{"containers", Json::array({{{"name", "task"}, {"image", "tick"}}})}}}}}};
  };
  EXPECT_EQ(bench.put(bench.job_id(), job("61 * * * *")).code(), "JobInvalidCronExpression");
  ASSERT_EQ(bench.put(bench.job_id(), job("*/2 * * * *")).status, 201);
  bench.wait_seconds(5 * 60);
  const Json runs = bench.get(bench.job_id() + "/executions").json["value"];
  EXPECT_TRUE(runs.size() == 2u || runs.size() == 3u) << runs.size();
  for (const Json& run : runs) EXPECT_EQ(text_at(run, "properties.status"), "Succeeded");
}

TEST(ContainerApp, MountsSharesThatTheEnvironmentKnows) {
  AppsBench bench;
  bench.make_environment();
  const std::string account = bench.group("g") + "/providers/Microsoft.Storage/storageAccounts/shopfiles";
  bench.put(account, {{"location", "westus3"}, {"kind", "StorageV2"}, {"sku", {{"name", "Standard_LRS"}}}});
  bench.wait_seconds(18);
  bench.put(account + "/fileServices/default/shares/data", {{"properties", {{"shareQuota", 5}}}});
  Json app = bench.app_body();
  app["properties"]["template"]["volumes"] =
      Json::array({{{"name", "data"}, {"storageType", "AzureFile"}, {"storageName", "data-ro"}}});
  app["properties"]["template"]["containers"][0]["volumeMounts"] =
      Json::array({{{"volumeName", "data"}, {"mountPath", "/data"}, {"subPath", "inner"}}});
  EXPECT_EQ(bench.put(bench.app_id(), app).code(), "ManagedEnvironmentStorageNotFound");
  bench.put(
      bench.environment_id() + "/storages/data-ro",
      {{"properties",
        {{"azureFile",
          {{"accountName", "shopfiles"}, {"accountKey", "k"}, {"shareName", "data"}, {"accessMode", "ReadOnly"}}}}}});
  ASSERT_EQ(bench.put(bench.app_id(), app).status, 201);
  bench.wait_seconds(13);
  EXPECT_NE(text_at(bench.revision(), "properties.provisioningError").find("the key is none of the account's"),
            std::string::npos);
  const Json keys = bench.post(account + "/listKeys").json["keys"];
  bench.put(bench.environment_id() + "/storages/data-ro", {{"properties",
                                                            {{"azureFile",
                                                              {{"accountName", "shopfiles"},
                                                               {"accountKey", keys[1]["value"]},
                                                               {"shareName", "data"},
                                                               {"accessMode", "ReadOnly"}}}}}});
  bench.wait_seconds(30);
  ASSERT_EQ(bench.runtime->replicas.size(), 1u);
  const Mount& mount = bench.runtime->replicas.begin()->second.containers[0].mounts[0];
  EXPECT_EQ(mount.kind, Mount::Kind::share);
  EXPECT_TRUE(mount.source.starts_with("data-"));
  EXPECT_EQ(mount.sub_path, "inner");
  EXPECT_TRUE(mount.read_only);
}

}  // namespace
}  // namespace defang::emulator
