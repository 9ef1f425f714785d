#include <gtest/gtest.h>

#include "providers/cognitive_services.h"
#include "providers/container_apps.h"
#include "providers/container_apps_ingress.h"
#include "providers/container_apps_probes.h"
#include "providers/container_apps_scale.h"
#include "providers/container_apps_size.h"
#include "providers/document_db.h"
#include "providers/key_vault.h"
#include "providers/network.h"
#include "providers/postgresql.h"

namespace defang::providers {
namespace {

using compose::Healthcheck;
using compose::Port;
using compose::Project;
using compose::Service;

Port port(int target, Port::Mode mode = Port::Mode::ingress, std::string app_protocol = "") {
  Port p;
  p.target = target;
  p.mode = mode;
  p.app_protocol = std::move(app_protocol);
  return p;
}

/// "http 3000 public +5432" and the codes of what was said.
struct Decision {
  std::string ingress;
  std::vector<std::string> codes;
  friend bool operator==(const Decision&, const Decision&) = default;
};

Decision decide(const Service& service, const std::set<int>& undeclared = {}, const Project& project = {}) {
  Diagnostics diagnostics;
  const auto ingress = ingress_of(project, service, undeclared, diagnostics);
  Decision decision;
  if (ingress.kind == Ingress::Kind::none) {
    decision.ingress = "none";
  } else {
    decision.ingress = ingress.kind == Ingress::Kind::http ? (ingress.http2 ? "http2 " : "http ") : "tcp ";
    decision.ingress += std::to_string(ingress.target_port) + (ingress.external ? " public" : " internal");
    for (const auto& mapping : ingress.additional)
      decision.ingress += " +" + std::to_string(mapping.target) + (mapping.external ? " public" : "");
  }
  for (const auto& d : diagnostics.all()) decision.codes.push_back(d.code);
  return decision;
}

Service with_ports(std::vector<Port> ports, std::string image = "app") {
  Service service;
  service.name = "web";
  service.image = {std::move(image), {}};
  service.ports = std::move(ports);
  return service;
}

TEST(Ingress, MakesThePublishedPortPublicHttp) {
  EXPECT_EQ(decide(with_ports({port(3000)})), (Decision{"http 3000 public", {}}));
  EXPECT_EQ(decide(with_ports({port(50051, Port::Mode::ingress, "grpc")})), (Decision{"http2 50051 public", {}}));
}

TEST(Ingress, KeepsHostPortsInternalOnTheirNumber) {
  EXPECT_EQ(decide(with_ports({port(8080, Port::Mode::host), port(9090, Port::Mode::host)})),
            (Decision{"tcp 8080 internal +9090", {}}));
  EXPECT_EQ(decide(with_ports({port(80, Port::Mode::host)})), (Decision{"http 80 internal", {}}));
}

TEST(Ingress, MakesTcpPublicOnlyWhenAskedFor) {
  EXPECT_EQ(decide(with_ports({port(1883, Port::Mode::ingress, "tcp")})), (Decision{"tcp 1883 public", {}}));
}

TEST(Ingress, SaysWhatBecomesOfASecondPublicPort) {
  EXPECT_EQ(decide(with_ports({port(3000), port(4000)})),
            (Decision{"http 3000 public +4000", {"azure.second-public-port"}}));
}

TEST(Ingress, PrefersPort80AmongPublicPorts) {
  EXPECT_EQ(decide(with_ports({port(9000), port(80)})),
            (Decision{"http 80 public +9000", {"azure.second-public-port"}}));
}

TEST(Ingress, LeavesHttpsToAzure) {
  EXPECT_EQ(decide(with_ports({port(443), port(80)})), (Decision{"http 80 public", {"azure.https"}}));
}

TEST(Ingress, DoesNotPublishDatabases) {
  EXPECT_EQ(decide(with_ports({port(5432)}, "docker.io/library/postgres:16@sha256:abc")),
            (Decision{"tcp 5432 internal", {"azure.port-internal"}}));
}

TEST(Ingress, KnowsThePortOfAnImageThatNamesNone) {
  EXPECT_EQ(decide(with_ports({}, "redis:7")), (Decision{"tcp 6379 internal", {"azure.port-of-image"}}));
  EXPECT_EQ(decide(with_ports({}, "worker")), (Decision{"none", {}}));
}

TEST(Ingress, OpensWhatSiblingsUse) {
  EXPECT_EQ(decide(with_ports({}), {5000}), (Decision{"tcp 5000 internal", {"azure.port-implied"}}));
  EXPECT_EQ(decide(with_ports({port(3000)}), {3000}), (Decision{"http 3000 public", {}}));
}

TEST(Ingress, StaysInsideOnInternalNetworks) {
  Project project;
  project.networks["back"] = {.name = "back", .internal = true};
  auto service = with_ports({port(3000)});
  service.networks = {{.name = "back"}};
  EXPECT_EQ(decide(service, {}, project), (Decision{"tcp 3000 internal", {"azure.port-internal"}}));
}

TEST(Ingress, RefusesWhatAzureCannot) {
  auto udp = port(53);
  udp.protocol = "udp";
  EXPECT_EQ(decide(with_ports({udp})), (Decision{"none", {"azure.port-protocol"}}));
  EXPECT_EQ(decide(with_ports({port(0)})), (Decision{"none", {"azure.port-range"}}));
  std::vector<Port> many;
  for (int i = 0; i < 8; ++i) many.push_back(port(1000 + i, Port::Mode::host));
  EXPECT_EQ(decide(with_ports(many)).codes, (std::vector<std::string>{"azure.too-many-ports", "azure.too-many-ports"}));
}

TEST(Ingress, RefusesPort80BesideAPublicHttpPort) {
  EXPECT_EQ(decide(with_ports({port(3000), port(80, Port::Mode::host)})),
            (Decision{"http 3000 public", {"azure.port-taken"}}));
}

ContainerSize size(std::optional<double> cpus, std::optional<std::int64_t> megabytes,
                   std::vector<std::string>* codes = nullptr) {
  Service service;
  if (cpus) service.reservations.cpus = {*cpus, {}};
  if (megabytes) service.reservations.memory_bytes = {*megabytes << 20, {}};
  Diagnostics diagnostics;
  const auto result = container_size(service, diagnostics);
  if (codes)
    for (const auto& d : diagnostics.all()) codes->push_back(d.code);
  return result;
}

TEST(ContainerSize, IsTheSmallestPairThatHoldsBoth) {
  EXPECT_EQ(size({}, {}), ContainerSize{1});
  EXPECT_EQ(size(0.5, 256), ContainerSize{2});
  EXPECT_EQ(size(0.25, 1024), ContainerSize{2});
  EXPECT_EQ(size(1.0, {}), ContainerSize{4});
  EXPECT_EQ(size(0.1, 1025), ContainerSize{3});
  EXPECT_EQ(size(4.0, 8192), ContainerSize{16});
  EXPECT_EQ(ContainerSize{1}.memory(), "0.5Gi");
  EXPECT_EQ(ContainerSize{3}.memory(), "1.5Gi");
}

TEST(ContainerSize, TakesAMachineOfItsOwnBeyondTheLargestPair) {
  std::vector<std::string> codes;
  const auto cpus = size(8.0, {}, &codes);
  EXPECT_EQ(cpus.profile_name(), "d8");
  EXPECT_EQ(cpus.cpus(), 8.0);
  const auto memory = size(0.5, 20000, &codes);
  EXPECT_EQ(memory.profile_name(), "e4");
  EXPECT_EQ(memory.memory(), "20Gi");
  EXPECT_EQ(codes, (std::vector<std::string>{"azure.dedicated", "azure.dedicated"}));
}

TEST(ContainerSize, IsRefusedBeyondTheLargestMachine) {
  std::vector<std::string> codes;
  size(33.0, {}, &codes);
  size({}, 300000, &codes);
  EXPECT_EQ(codes, (std::vector<std::string>{"azure.cpus", "azure.memory"}));
}

TEST(ContainerSize, IsAWholeMachineWhereThereIsAGpu) {
  Service service;
  service.reservations.has_devices = true;
  Diagnostics diagnostics;
  EXPECT_EQ(container_size(service, diagnostics).profile->type, "Consumption-GPU-NC8as-T4");
}

compose::Node settings(std::map<std::string, int> numbers) {
  auto node = compose::Node::of_mapping();
  for (const auto& [key, number] : numbers) node.set(key, compose::Node::of_integer(number));
  return node;
}

/// "1-10 http" and the codes of what was said.
std::string scaled(compose::Node node, Ingress::Kind kind, std::vector<std::string>* codes = nullptr) {
  Service service;
  service.extensions["x-defang-autoscaling"] = std::move(node);
  Diagnostics diagnostics;
  const auto body = scale(service, {.kind = kind}, diagnostics);
  if (codes)
    for (const auto& d : diagnostics.all()) codes->push_back(d.code);
  auto text = std::to_string(*body.find("minReplicas")->get_if<std::int64_t>()) + "-" +
              std::to_string(*body.find("maxReplicas")->get_if<std::int64_t>());
  if (const auto* rules = body.find("rules"))
    for (const auto& rule : *rules->get_if<graph::Value::List>())
      text += " " + std::get<std::string>(rule.find("name")->get_if<graph::Value::Text>()->front());
  return text;
}

TEST(Scale, FollowsWhatTheServiceIsAskedFor) {
  EXPECT_EQ(scaled(compose::Node::of_boolean(true), Ingress::Kind::http), "1-10 http");
  EXPECT_EQ(scaled(compose::Node::of_boolean(true), Ingress::Kind::tcp), "1-10 cpu");
  EXPECT_EQ(scaled(compose::Node::of_boolean(false), Ingress::Kind::tcp), "1-1");
  EXPECT_EQ(scaled(settings({{"min", 2}, {"max", 5}, {"tcp", 100}, {"memory", 80}}), Ingress::Kind::tcp),
            "2-5 tcp memory");
}

TEST(Scale, GoesToZeroOnlyWhereRequestsBringItBack) {
  std::vector<std::string> codes;
  EXPECT_EQ(scaled(settings({{"min", 0}}), Ingress::Kind::http, &codes), "0-10 http");
  scaled(settings({{"min", 0}}), Ingress::Kind::tcp, &codes);
  scaled(settings({{"minimum", 1}}), Ingress::Kind::http, &codes);
  scaled(settings({{"http", 10}}), Ingress::Kind::none, &codes);
  EXPECT_EQ(codes, (std::vector<std::string>{"azure.scale-to-zero", "azure.autoscaling", "azure.autoscaling",
                                             "azure.autoscaling"}));
}

TEST(ContainerSize, CountsTheMemoryLimitBecauseAzureEnforcesOne) {
  Service service;
  service.reservations.memory_bytes = {std::int64_t{256} << 20, {}};
  service.limits.memory_bytes = {std::int64_t{1} << 30, {}};
  Diagnostics diagnostics;
  EXPECT_EQ(container_size(service, diagnostics), ContainerSize{2});
}

std::optional<ProbeTarget> target(std::string test) {
  Healthcheck check;
  check.test = {"CMD-SHELL", std::move(test)};
  return target_of(check);
}

TEST(Probes, FindTheUrlThatACheckFetches) {
  EXPECT_EQ(target("curl -f http://localhost:3000/health || exit 1"),
            (ProbeTarget{.http = true, .port = 3000, .path = "/health"}));
  EXPECT_EQ(target("wget -q --spider http://127.0.0.1"), (ProbeTarget{.http = true, .port = 80, .path = "/"}));
  EXPECT_EQ(target("curl -k https://localhost/up"),
            (ProbeTarget{.http = true, .https = true, .port = 443, .path = "/up"}));
  EXPECT_EQ(target("curl localhost:8000"), (ProbeTarget{.http = true, .port = 8000, .path = "/"}));
  EXPECT_EQ(target("python3 -c 'import urllib.request as u; u.urlopen(\"http://localhost:5000/ok\")'"),
            (ProbeTarget{.http = true, .port = 5000, .path = "/ok"}));
}

TEST(Probes, FindThePortThatACheckKnocksAt) {
  EXPECT_EQ(target("nc -z localhost 9000"), ProbeTarget{.port = 9000});
  EXPECT_EQ(target("pg_isready -U app"), ProbeTarget{.port = 5432});
  EXPECT_EQ(target("/usr/bin/pg_isready -p 5433"), ProbeTarget{.port = 5433});
  EXPECT_EQ(target("redis-cli ping"), ProbeTarget{.port = 6379});
}

TEST(Probes, DoNotGuess) {
  EXPECT_FALSE(target("test -f /tmp/ready"));
  EXPECT_FALSE(target("curl http://example.com"));
  EXPECT_FALSE(target("curl http://localhost:$PORT/"));
}

TEST(Probes, AreExplicitForEveryServiceWithAPort) {
  Diagnostics diagnostics;
  Ingress ingress;
  ingress.kind = Ingress::Kind::tcp;
  ingress.target_port = 5000;
  EXPECT_EQ(probes({}, ingress, diagnostics).size(), 3u);
  EXPECT_TRUE(probes({}, {}, diagnostics).empty());
}

TEST(Probes, KeepWithinAzuresRanges) {
  using namespace std::chrono_literals;
  Service service;
  service.healthcheck = Healthcheck{.test = {"CMD", "curl", "http://localhost:80/"},
                                    .interval = 600s,
                                    .timeout = 500ms,
                                    .start_period = 1h,
                                    .retries = 50};
  Diagnostics diagnostics;
  const auto list = probes(service, {}, diagnostics);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(*list[0].find("periodSeconds"), graph::Value(25));
  EXPECT_EQ(*list[1].find("periodSeconds"), graph::Value(240));
  EXPECT_EQ(*list[1].find("timeoutSeconds"), graph::Value(1));
  EXPECT_EQ(*list[1].find("failureThreshold"), graph::Value(10));
  ASSERT_EQ(diagnostics.all().size(), 2u);
  EXPECT_NE(diagnostics.all()[0].message.find("`interval` of the health check"), std::string::npos);
  EXPECT_NE(diagnostics.all()[1].message.find("`retries` of the health check"), std::string::npos);
}

TEST(ConfigSecretName, KeepsPlainNamesReadableAndOthersApart) {
  EXPECT_EQ(config_secret_name("API_KEY"), "API-KEY");
  const auto lower = config_secret_name("api_key");
  EXPECT_TRUE(lower.starts_with("api-key-")) << lower;
  EXPECT_NE(config_secret_name("A__B"), config_secret_name("A_B"));
  EXPECT_NE(config_secret_name("Api_Key"), lower);
  EXPECT_NE(config_secret_name("_A"), "-A");
}

TEST(Network, GivesTheAppsTheStartOfTheRange) { EXPECT_EQ(apps_range("10.7.0.0/16"), "10.7.0.0/23"); }

TEST(Postgres, KnowsTheVersionFromTheTag) {
  EXPECT_EQ(postgres_version("postgres:16"), "16");
  EXPECT_EQ(postgres_version("postgres:16.4-alpine"), "16");
  EXPECT_EQ(postgres_version("pgvector/pgvector:pg17"), "17");
  EXPECT_EQ(postgres_version("timescale/timescaledb:2.14.2-pg16"), "16");
  EXPECT_EQ(postgres_version("localhost:5000/postgres"), "17");
  EXPECT_EQ(postgres_version("postgres:latest"), "17");
  EXPECT_EQ(postgres_version("postgres:9.6"), std::nullopt);
}

TEST(Postgres, TakesTheSmallestServerThatFits) {
  EXPECT_EQ(postgres_size(0.5, 512 << 20).sku, "Standard_B1ms");
  EXPECT_EQ(postgres_size(2, std::int64_t{6} << 30).sku, "Standard_B2ms");
  EXPECT_EQ(postgres_size(24, 0).sku, "Standard_D32ds_v5");
}

TEST(Postgres, KnowsWhatAzureRefuses) {
  EXPECT_EQ(login_fault("shop"), "");
  EXPECT_NE(login_fault("Admin"), "");
  EXPECT_NE(login_fault("pg_me"), "");
  EXPECT_EQ(password_fault("Abcdefg1", "shop"), "");
  EXPECT_NE(password_fault("abcdefgh", "shop"), "");
  EXPECT_NE(password_fault("Ab1", "shop"), "");
  EXPECT_NE(password_fault("Shop1234", "shop"), "");
}

TEST(Mongo, KnowsTheVersionFromTheTag) {
  EXPECT_EQ(mongo_version("mongo:7"), "7.0");
  EXPECT_EQ(mongo_version("mongo:5.0.3"), "5.0");
  EXPECT_EQ(mongo_version("mongo:latest"), "8.0");
}

std::string chosen(std::string_view wanted, const ModelFacts* facts = nullptr, std::string_view deployment = "chat") {
  const auto choice = choose_model(deployment, wanted, facts);
  if (!choice.fault.empty()) return "none; " + choice.fault;
  return choice.name + (choice.version.empty() ? "" : " " + choice.version) + " " + choice.sku + " " +
         std::to_string(choice.capacity) + ", " + choice.reason;
}

TEST(Models, AreChosenByAliasOrNameWhereNobodyWasAsked) {
  EXPECT_EQ(chosen("chat-default"), "gpt-5-mini GlobalStandard 10, for `chat-default`");
  EXPECT_EQ(chosen("openai/gpt-4o"), "gpt-4o GlobalStandard 10, by its name");
  EXPECT_EQ(chosen("ai/llama3.3"),
            "gpt-5-mini GlobalStandard 10, in place of `ai/llama3.3`, which Azure does not offer");
  EXPECT_EQ(
      chosen("ai/embeddinggemma:300M"),
      "text-embedding-3-small GlobalStandard 10, in place of `ai/embeddinggemma:300M`, which Azure does not offer");
  EXPECT_EQ(chosen("ai/smollm2"), "gpt-5-nano GlobalStandard 10, in place of `ai/smollm2`, which Azure does not offer");
}

TEST(Models, AreThoseThatRegionAndQuotaOffer) {
  ModelFacts facts;
  facts.offered = {{.name = "gpt-4o", .version = "2024-05-13", .free = 50},
                   {.name = "gpt-4o", .version = "2024-11-20", .is_default = true, .free = 50},
                   {.name = "gpt-5-mini", .version = "1", .free = 0},
                   {.name = "gpt-4.1-mini", .version = "2025-04-14", .sku = "Standard", .free = 3},
                   {.format = "Meta", .name = "Llama-3.3-70B-Instruct", .version = "9", .free = 100},
                   {.name = "text-embedding-ada-002", .version = "2", .embeds = true, .free = 0}};
  EXPECT_EQ(chosen("chat-default", &facts), "gpt-4.1-mini 2025-04-14 Standard 3, for `chat-default`");
  EXPECT_EQ(chosen("openai/gpt-4o", &facts), "gpt-4o 2024-11-20 GlobalStandard 10, by its name");
  EXPECT_EQ(chosen("ai/llama3.3", &facts), "Llama-3.3-70B-Instruct 9 GlobalStandard 10, for `ai/llama3.3`");
  EXPECT_EQ(choose_model("chat", "ai/llama3.3", &facts).format, "Meta");
  EXPECT_EQ(chosen("ai/qwen3", &facts),
            "gpt-4.1-mini 2025-04-14 Standard 3, in place of `ai/qwen3`, which Azure does not offer here");
  EXPECT_EQ(chosen("embedding-default", &facts), "none; offered here: text-embedding-ada-002 (no quota left)");
}

TEST(Models, StayWhatTheyAreAsLongAsTheyAreWanted) {
  ModelFacts facts;
  facts.offered = {{.name = "gpt-5-mini", .version = "1", .free = 100}};
  facts.live["chat"] = {"OpenAI", "gpt-4o-mini", "2024-07-18", "Standard", 7};
  EXPECT_EQ(chosen("chat-default", &facts),
            "gpt-4o-mini 2024-07-18 Standard 7, for `chat-default`; it is deployed already");
  EXPECT_EQ(chosen("gpt-5-mini", &facts, "other"), "gpt-5-mini 1 GlobalStandard 10, by its name");
}

TEST(Postgres, HasAStandbyAndSteadyProcessorsWhereTheModeAsks) {
  EXPECT_EQ(postgres_size(0.5, 0, Mode::balanced).sku, "Standard_D2ds_v5");
  EXPECT_EQ(postgres_size(3, 0, Mode::high_availability).sku, "Standard_D4ds_v5");
  EXPECT_EQ(postgres_storage_gb(std::int64_t{100} << 30), 128);
  EXPECT_EQ(postgres_storage_gb(0), 32);
  EXPECT_EQ(postgres_preloaded("timescale/timescaledb:2.14-pg16"), "timescaledb");
}

}  // namespace
}  // namespace defang::providers
