#include "emulator/providers/container_app_rules.h"

#include <gtest/gtest.h>

#include "emulator/providers/revision_state.h"

namespace defang::emulator {
namespace {

Json properties(const Json& container = Json::object(), const Json& configuration = Json::object()) {
  Json web = {{"name", "web"}, {"image", "nginx"}};
  if (container.is_object()) web.update(container);
  return {{"configuration", configuration}, {"template", {{"containers", Json::array({web})}}}};
}
std::string code_of(const Json& body, const AppSurroundings& around = {}) {
  const Verdict verdict = check_app(body, around);
  return verdict.refusal ? verdict.refusal->code : "";
}

TEST(AppRules, KnowLegalNames) {
  EXPECT_FALSE(check_app_name("web-1"));
  for (const char* name : {"w", "Web", "1web", "web-", "we--b", "web_1", "a123456789012345678901234567890123"})
    EXPECT_TRUE(check_app_name(name)) << name;
}

TEST(AppRules, TakeOnlyPairsOfCpuAndMemoryInAFixedRatio) {
  EXPECT_EQ(code_of(properties({{"resources", {{"cpu", 0.25}, {"memory", "0.5Gi"}}}})), "");
  EXPECT_EQ(code_of(properties({{"resources", {{"cpu", 4}, {"memory", "8.0Gi"}}}})), "");
  EXPECT_EQ(code_of(properties({{"resources", {{"cpu", 0.3}, {"memory", "0.6Gi"}}}})),
            "ContainerAppInvalidResourceTotal");
  EXPECT_EQ(code_of(properties({{"resources", {{"cpu", 4.25}, {"memory", "8.5Gi"}}}})),
            "ContainerAppInvalidResourceTotal");
  EXPECT_EQ(code_of(properties({{"resources", {{"cpu", 0.5}, {"memory", "1G"}}}})),
            "InvalidParameterValueInContainerTemplate");
}

TEST(AppRules, RefuseASecretReferenceToNothing) {
  const Json env = {{"env", Json::array({{{"name", "A"}, {"secretRef", "a"}}})}};
  EXPECT_EQ(code_of(properties(env)), "ContainerAppSecretRefNotFound");
  EXPECT_EQ(code_of(properties(env, {{"secrets", Json::array({{{"name", "a"}, {"value", "1"}}})}})), "");
}

TEST(AppRules, RefuseARegistryPasswordThatIsNoSecret) {
  EXPECT_EQ(
      code_of(properties(
          {}, {{"registries", Json::array({{{"server", "r.io"}, {"username", "u"}, {"passwordSecretRef", "p"}}})}})),
      "ContainerAppRegistriesPasswordSecretRefNotFound");
}

TEST(AppRules, WantRegistryIdentitiesAttached) {
  const Json configuration = {{"registries", Json::array({{{"server", "r.io"}, {"identity", "/i"}}})}};
  EXPECT_EQ(code_of(properties({}, configuration)), "ContainerAppRegistriesIdentityNotFound");
  AppSurroundings around;
  around.identity = {{"type", "UserAssigned"}, {"userAssignedIdentities", {{"/I", Json::object()}}}};
  EXPECT_EQ(code_of(properties({}, configuration), around), "");
}

TEST(AppRules, KeepExternalTcpPortsUniqueInAnEnvironment) {
  const Json configuration = {{"ingress", {{"external", true}, {"transport", "tcp"}, {"targetPort", 5432}}}};
  AppSurroundings around{.environment_has_network = true};
  EXPECT_EQ(code_of(properties({}, configuration), around), "");
  around.external_tcp_ports.insert(5432);
  EXPECT_EQ(code_of(properties({}, configuration), around), "ContainerAppInvalidIngress");
  EXPECT_EQ(
      code_of(properties({}, {{"ingress", {{"external", true}, {"transport", "tcp"}, {"targetPort", 443}}}}), around),
      "ContainerAppInvalidIngress");
}

TEST(AppRules, TakeFiveAdditionalPortsAndNoMore) {
  Json mappings = Json::array();
  for (int port = 1; port <= 5; ++port) mappings.push_back({{"targetPort", 9000 + port}});
  Json ingress = {{"targetPort", 80}, {"additionalPortMappings", mappings}};
  EXPECT_EQ(code_of(properties({}, {{"ingress", ingress}})), "");
  ingress["additionalPortMappings"].push_back({{"targetPort", 9999}});
  EXPECT_EQ(code_of(properties({}, {{"ingress", ingress}})), "ContainerAppInvalidIngress");
}

TEST(AppRules, ExposePortsOfTcpOnly) {
  EXPECT_EQ(code_of(properties({}, {{"ingress", {{"targetPort", 80}, {"exposedPort", 8080}}}})),
            "ContainerAppInvalidIngress");
}

TEST(AppRules, HaveOneProbeOfEachTypeAndNoCommands) {
  const auto probe = [](const char* type) -> Json { return {{"type", type}, {"tcpSocket", {{"port", 80}}}}; };
  EXPECT_EQ(code_of(properties({{"probes", Json::array({probe("Startup"), probe("Readiness")})}})), "");
  EXPECT_NE(code_of(properties({{"probes", Json::array({probe("Startup"), probe("startup")})}})), "");
  EXPECT_NE(code_of(properties({{"probes", Json::array({{{"type", "Liveness"}, {"exec", {{"command", "true"}}}}})}})),
            "");
}

TEST(AppRules, WantTrafficToAddUpToAHundred) {
  const Json share = {{"latestRevision", true}, {"weight", 90}};
  EXPECT_EQ(code_of(properties({}, {{"ingress", {{"targetPort", 80}, {"traffic", Json::array({share})}}}})),
            "ContainerAppInvalidTraffic");
}

TEST(AppRules, NoteWhatNobodyHasVerified) {
  const Json twice = Json::array({{{"name", "A"}, {"value", "1"}}, {{"name", "A"}, {"value", "2"}}});
  const Verdict verdict = check_app(properties({{"env", twice}}), {});
  EXPECT_FALSE(verdict.refusal);
  EXPECT_EQ(verdict.notes.size(), 1u);
}

TEST(JobRules, WantATriggerAndATimeout) {
  const auto job = [](const Json& configuration) { return properties({}, configuration); };
  EXPECT_FALSE(check_job(job({{"triggerType", "manual"}, {"replicaTimeout", 60}}), {}).refusal);
  EXPECT_TRUE(check_job(job({{"triggerType", "manual"}}), {}).refusal);
  EXPECT_TRUE(check_job(job({{"triggerType", "nightly"}, {"replicaTimeout", 60}}), {}).refusal);
  EXPECT_TRUE(check_job(job({{"triggerType", "Schedule"},
                             {"replicaTimeout", 60},
                             {"scheduleTriggerConfig", {{"cronExpression", "* *"}}}}),
                        {})
                  .refusal);
}

TEST(Memory, IsAnAmountOfGi) {
  EXPECT_EQ(memory_bytes("0.5Gi"), 512ull << 20);
  EXPECT_EQ(memory_bytes("1.0Gi"), 1ull << 30);
  EXPECT_FALSE(memory_bytes("512Mi"));
  EXPECT_FALSE(memory_bytes("1.234Gi"));
}

ReplicaView replica(ContainerState state, bool ready, std::vector<std::uint16_t> listening = {}) {
  return {.containers = {{.state = std::move(state), .started = ready, .ready = ready}},
          .listening = std::move(listening)};
}
ContainerState running(int restarts = 0) {
  return {.name = "web", .phase = ContainerState::Phase::running, .restarts = restarts};
}

TEST(RevisionState, IsProvisionedOnceAllReplicasAreReady) {
  EXPECT_EQ(judge_revision({replica(running(), true)}, 1, 80),
            (RevisionStatus{"Provisioned", "Healthy", "Running", "", ""}));
  EXPECT_EQ(judge_revision({replica(running(), true)}, 2, 80).provisioning_state, "Provisioning");
  EXPECT_EQ(judge_revision({}, 1, 80).running_state, "Activating");
}

TEST(RevisionState, FailsWhenAContainerKeepsEnding) {
  const ContainerState ended{.name = "web", .phase = ContainerState::Phase::exited, .exit_code = 1, .restarts = 1};
  EXPECT_EQ(judge_revision({replica(ended, false)}, 1, 80).details, "1/1 Container crashing: web");
  EXPECT_EQ(judge_revision({replica(running(2), false, {8080})}, 1, 80).details,
            "The TargetPort 80 does not match the listening port 8080. 1/1 Container crashing: web");
}

TEST(RevisionState, WaitsLongerBeforeEveryRestart) {
  EXPECT_EQ(restart_delay_seconds(0), 0);
  EXPECT_EQ(restart_delay_seconds(1), 10);
  EXPECT_EQ(restart_delay_seconds(3), 40);
  EXPECT_EQ(restart_delay_seconds(20), 300);
}

}  // namespace
}  // namespace defang::emulator
