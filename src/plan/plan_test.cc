#include "plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compose/attributes.h"
#include "plan/attributes.h"
#include "plan/siblings.h"
#include "providers/cognitive_services.h"

namespace defang::plan {
namespace {

using compose::Dependency;
using compose::Port;
using compose::Project;
using compose::Service;
using graph::Reference;
using graph::Value;

Service service(std::string name, std::string image = "app") {
  Service s;
  s.name = std::move(name);
  s.image = {std::move(image), {}};
  return s;
}

Service published(std::string name, int target) {
  auto s = service(std::move(name));
  Port port;
  port.target = target;
  port.published = std::to_string(target);
  s.ports.push_back(port);
  return s;
}

Project project(std::vector<Service> services) {
  Project p;
  p.name = "myapp";
  p.folder = "/project";
  for (auto& s : services) p.services[s.name] = s;
  return p;
}

struct Planned {
  graph::ResourceGraph graph;
  Diagnostics diagnostics;
  std::vector<std::string> codes() const {
    std::vector<std::string> codes;
    for (const auto& d : diagnostics.all()) codes.push_back(d.code);
    return codes;
  }
  /// The value at a path of keys and list positions in the body of a resource.
  const Value* at(std::string_view node, std::vector<std::string> path) const {
    const auto* resource = graph.resource(node);
    const Value* value = resource ? &resource->body : nullptr;
    for (const auto& key : path) {
      if (!value) return nullptr;
      if (const auto* list = value->get_if<Value::List>()) {
        const auto index = std::stoul(key);
        value = index < list->size() ? &(*list)[index] : nullptr;
      } else {
        value = value->find(key);
      }
    }
    return value;
  }
  const Value* variable(std::string_view node, std::string_view name) const {
    const auto* env = at(node, {"properties", "template", "containers", "0", "env"});
    if (!env) return nullptr;
    for (const auto& entry : *env->get_if<Value::List>())
      if (*entry.find("name") == Value(name)) return &entry;
    return nullptr;
  }
  bool needs(std::string_view node, std::string_view needed) const {
    return std::ranges::any_of(graph.edges_of(node), [&](const auto& edge) { return edge.node == needed; });
  }
};

Planned planned(const Project& p, const Facts& facts = {}) {
  Planned result;
  result.graph = build_graph(p, {.name = "test", .subscription_id = "s", .tenant_id = "t"}, facts, result.diagnostics);
  return result;
}

compose::EnvironmentVariable variable(std::string name, std::vector<compose::TextPiece> pieces) {
  return {.name = std::move(name), .value = std::move(pieces), .span = {}};
}

TEST(Names, AreAsThePageSays) {
  const Stack stack{.name = "test", .subscription_id = "s"};
  EXPECT_EQ(resource_group_name("myapp", stack), "defang-myapp-test-westus3");
  EXPECT_TRUE(vault_name("myapp", stack).starts_with("myapp-test-"));
  EXPECT_LE(resource_group_name(std::string(200, 'a'), stack).size(), 90u);
  Stack other = stack;
  other.location = "West US 2";
  EXPECT_EQ(resource_group_name("myapp", other), "defang-myapp-test-westus2");
  EXPECT_NE(storage_name("myapp", stack), storage_name("myapp", other));
}

TEST(BuildGraph, IsTheSameForTheSameProject) {
  const auto p = project({published("web", 80), service("worker")});
  EXPECT_EQ(graph::to_text(planned(p).graph), graph::to_text(planned(p).graph));
  EXPECT_EQ(planned(p).graph.fault(), "");
}

TEST(BuildGraph, HasARegistryOnlyWhereSomethingIsBuilt) {
  auto web = published("web", 3000);
  EXPECT_FALSE(planned(project({web})).graph.find("registry"));
  web.image.reset();
  web.build = compose::Build{.context = "/project/web"};
  const auto built = planned(project({web}));
  EXPECT_TRUE(built.needs("app/web", "build/web"));
  EXPECT_TRUE(built.needs("app/web", "role/pull"));
  EXPECT_EQ(*built.at("app/web", {"properties", "template", "containers", "0", "image"}),
            Value(Reference{"build/web", Reference::Kind::output, "image"}));
}

TEST(Registries, AreNamedAsDockerNamesThem) {
  for (const auto& [image, server] : std::map<std::string, std::string>{{"web", "docker.io"},
                                                                        {"me/web:1", "docker.io"},
                                                                        {"docker.io/me/web", "docker.io"},
                                                                        {"ghcr.io/me/web@sha256:0", "ghcr.io"},
                                                                        {"localhost/web", "localhost"},
                                                                        {"Host:5000/web", "host:5000"}})
    EXPECT_EQ(registry_of(image), server) << image;
  EXPECT_EQ(registry_server("https://index.docker.io/v1/"), "docker.io");
  EXPECT_EQ(registry_server("GHCR.io"), "ghcr.io");
}

TEST(Registries, ThatTheStackIsSignedInToArePulledFromByPassword) {
  auto built = service("built");
  built.image.reset();
  built.build = compose::Build{.context = "/project/built"};
  Facts facts;
  facts.principal_id = "me";
  facts.registry_users["ghcr.io"] = {"somebody"};
  const auto plan =
      planned(project({service("web", "ghcr.io/me/web:1"), service("other", "quay.io/me/other"), built}), facts);
  const auto* registries = plan.at("app/web", {"properties", "configuration", "registries"});
  ASSERT_TRUE(registries);
  const auto& registry = registries->get_if<Value::List>()->front();
  EXPECT_EQ(*registry.find("server"), Value("ghcr.io"));
  EXPECT_EQ(*registry.find("username"), Value("somebody"));
  EXPECT_EQ(*registry.find("passwordSecretRef"),
            *plan.at("app/web", {"properties", "configuration", "secrets", "0", "name"}));
  EXPECT_FALSE(plan.at("app/other", {"properties", "configuration", "registries"}));
  EXPECT_EQ(plan.at("app/built", {"properties", "configuration", "registries"})->get_if<Value::List>()->size(), 1u);
  const auto& build = std::get<graph::BuildImage>(plan.graph.action("build/built")->what);
  ASSERT_EQ(build.logins.size(), 1u);
  EXPECT_TRUE(plan.needs("build/built", "login/ghcr.io"));
  // The build needs the password itself, so who deploys must be allowed to read it.
  EXPECT_TRUE(plan.needs("login/ghcr.io", "role/deployer"));
}

SharedRegistry shared(SharedRegistry::Pull pull) {
  return {.id = "/subscriptions/s/resourceGroups/team/providers/Microsoft.ContainerRegistry/registries/shared",
          .pull = pull};
}

TEST(Registries, OfTheUsersOwnArePulledFromAsTheIdentityOnceItMay) {
  Facts facts;
  facts.registries["shared.azurecr.io"] = shared(SharedRegistry::Pull::can_be_granted);
  const auto plan = planned(project({service("web", "shared.azurecr.io/team/web:1")}), facts);
  EXPECT_FALSE(plan.diagnostics.has_errors());
  const auto* registries = plan.at("app/web", {"properties", "configuration", "registries"});
  ASSERT_TRUE(registries);
  EXPECT_EQ(*registries, Value(Value::List{Value::Map{{"server", "shared.azurecr.io"},
                                                      {"identity", Reference{"identity/pull", Reference::Kind::id}}}}));
  EXPECT_TRUE(plan.needs("app/web", "role/pull/shared.azurecr.io"));
  const auto& role = *plan.graph.resource("role/pull/shared.azurecr.io");
  EXPECT_EQ(role.because, "identity/pull is AcrPull on `shared` in group `team`");
  EXPECT_EQ(role.scope, facts.registries["shared.azurecr.io"]->id);
  EXPECT_TRUE(plan.needs(role.id, "identity/pull"));
  EXPECT_EQ(pull_grant_id("myapp", {.name = "test", .subscription_id = "s"}, *facts.registries["shared.azurecr.io"]),
            azure::ResourceId::parse(role.scope)->extension(role.type, role.name));
  EXPECT_FALSE(plan.graph.find("registry"));  // the stack needs none of its own
}

TEST(Registries, WithRightsByRepositoryWantARoleOfTheirOwn) {
  Facts facts;
  auto registry = shared(SharedRegistry::Pull::can_be_granted);
  registry.by_repository = true;
  facts.registries["shared.azurecr.io"] = registry;
  const auto plan = planned(project({service("web", "shared.azurecr.io/web")}), facts);
  EXPECT_EQ(*plan.at("role/pull/shared.azurecr.io", {"properties", "roleDefinitionId"}),
            Value(azure::role_definition_id("s", azure::Role::container_registry_repository_reader)));
}

TEST(Registries, WhereSomebodyElseGaveTheRightNothingIsWritten) {
  Facts facts;
  facts.registries["shared.azurecr.io"] = shared(SharedRegistry::Pull::granted);
  const auto plan = planned(project({service("web", "shared.azurecr.io/web")}), facts);
  EXPECT_FALSE(plan.graph.find("role/pull/shared.azurecr.io"));
  EXPECT_TRUE(plan.needs("app/web", "identity/pull"));
  EXPECT_TRUE(plan.at("app/web", {"properties", "configuration", "registries"}));
}

TEST(Registries, ThatGiveNoRoleAreRefusedWithWhatHelps) {
  Facts facts;
  facts.registries["shared.azurecr.io"] = shared(SharedRegistry::Pull::refused);
  const auto p = project({service("web", "shared.azurecr.io/web")});
  auto plan = planned(p, facts);
  ASSERT_EQ(plan.codes(), std::vector<std::string>{"azure.registry-role"});
  EXPECT_TRUE(plan.diagnostics.has_errors());
  const std::string id = facts.registries["shared.azurecr.io"]->id;
  EXPECT_EQ(plan.diagnostics.all().front().message,
            "service `web` pulls from `shared.azurecr.io`, where the stack has no right to: you may not give it the "
            "role AcrPull, since Microsoft.Authorization/roleAssignments/write is missing on `" +
                id + "`");
  EXPECT_EQ(plan.diagnostics.all().front().help,
            "sign in with `defang registry login shared.azurecr.io`; or somebody who may assign roles there deploys "
            "this stack once");
  facts.pull_principal_id = "p";
  plan = planned(p, facts);
  EXPECT_TRUE(plan.diagnostics.all().front().help.ends_with(
      "deploys this stack once, or runs `az role assignment create --assignee-object-id p --assignee-principal-type "
      "ServicePrincipal --role \"AcrPull\" --scope " +
      id + "`"));
}

TEST(Registries, OfOtherSubscriptionsArePulledFromWithoutSigningIn) {
  Facts facts;
  facts.registries["other.azurecr.io"].reset();
  const auto plan = planned(project({service("web", "other.azurecr.io/web")}), facts);
  EXPECT_EQ(plan.codes(), std::vector<std::string>{"azure.registry-elsewhere"});
  EXPECT_FALSE(plan.diagnostics.has_errors());
  EXPECT_FALSE(plan.at("app/web", {"properties", "configuration", "registries"}));
}

TEST(Registries, WhereSomebodySignedInArePulledFromByPasswordWhosesoeverTheyAre) {
  Facts facts;
  facts.registries["shared.azurecr.io"] = shared(SharedRegistry::Pull::can_be_granted);
  facts.registry_users["shared.azurecr.io"] = {"somebody"};
  const auto plan = planned(project({service("web", "shared.azurecr.io/web")}), facts);
  EXPECT_FALSE(plan.graph.find("role/pull/shared.azurecr.io"));
  EXPECT_FALSE(plan.needs("app/web", "identity/pull"));
}

TEST(Registries, OfTheUsersOwnLetNoBuildIn) {
  Facts facts;
  facts.registries["shared.azurecr.io"] = shared(SharedRegistry::Pull::can_be_granted);
  auto web = service("web", "shared.azurecr.io/web");
  web.working_dir = {"/srv", {}};
  const auto plan = planned(project({web}), facts);
  EXPECT_EQ(plan.codes(), (std::vector<std::string>{"azure.derived-image", "azure.registry-in-build"}));
  EXPECT_FALSE(plan.graph.find("role/pull/shared.azurecr.io"));
}

TEST(OwnServers, AreThoseOfTheCloudWhereNobodySignedIn) {
  Facts facts;
  facts.registry_users["known.azurecr.io"] = {"somebody"};
  auto built = service("built");
  built.image = {"tagged.azurecr.io/built", {}};
  built.build = compose::Build{.context = "/project/built"};
  const auto p = project({service("a", "Shared.azurecr.io/a"), service("b", "known.azurecr.io/b"), service("c", "c"),
                          service("d", "localhost:5000/d"), service("e", "notazurecr.io/e"), built});
  EXPECT_EQ(own_servers(p, facts, "azurecr.io"), std::set<std::string>{"shared.azurecr.io"});
  EXPECT_EQ(own_servers(p, facts, "localhost"), std::set<std::string>{"localhost:5000"});
}

TEST(BuildGraph, OffersNoIdentityToContainers) {
  auto web = service("web");
  web.environment = {variable("KEY", {{.is_config = true, .text = "KEY"}})};
  const auto result = planned(project({web}));
  EXPECT_EQ(*result.at("app/web", {"properties", "configuration", "identitySettings", "0", "lifecycle"}),
            Value("None"));
}

TEST(BuildGraph, WorksWithoutTheRightToAssignRoles) {
  auto web = published("web", 3000);
  web.image.reset();
  web.build = compose::Build{.context = "/project/web"};
  web.environment = {variable("KEY", {{.is_config = true, .text = "KEY"}})};
  const auto result = planned(project({web}), {.can_assign_roles = false, .principal_id = "me"});
  for (const auto& [id, node] : result.graph.nodes())
    if (const auto* resource = std::get_if<graph::Resource>(&node)) {
      EXPECT_NE(resource->type, "Microsoft.Authorization/roleAssignments") << id;
    }
  EXPECT_EQ(*result.at("vault", {"properties", "enableRbacAuthorization"}), Value(false));
  EXPECT_EQ(result.at("vault", {"properties", "accessPolicies"})->get_if<Value::List>()->size(), 2u);
  EXPECT_EQ(*result.at("registry", {"properties", "adminUserEnabled"}), Value(true));
  EXPECT_TRUE(result.needs("app/web", "secret/registry"));
  EXPECT_EQ(result.graph.fault(), "");
}

TEST(Config, BecomesASecretWhoseNameEndsInItsVersion) {
  auto web = service("web");
  web.environment = {{.name = "API_KEY", .value = {}, .span = {}}};
  const auto result = planned(project({web}));
  const auto& secret = std::get<graph::WriteSecret>(result.graph.action("config/API_KEY")->what);
  EXPECT_EQ(secret.name, "API-KEY");
  EXPECT_EQ(*result.variable("app/web", "API_KEY")->find("secretRef"),
            Value(Value::Text{"api-key-", Reference{"config/API_KEY", Reference::Kind::output, "version"}}));
}

TEST(Config, InsideATextIsASecretOfItsOwn) {
  auto web = service("web");
  web.environment = {variable("URL", {{.is_config = false, .text = "postgres://u:"},
                                      {.is_config = true, .text = "PASSWORD"},
                                      {.is_config = false, .text = "@my_db:5432/x"}})};
  const auto result = planned(project({web, service("my_db", "postgres:16")}));
  const auto& secret = std::get<graph::WriteSecret>(result.graph.action("secret/web/URL")->what);
  EXPECT_EQ(
      std::get<graph::ComposedRecipe>(secret.recipe).pieces,
      (Value::Text{"postgres://u:", Reference{"config/PASSWORD", Reference::Kind::output, "value"}, "@my-db:5432/x"}));
  EXPECT_TRUE(result.variable("app/web", "URL")->find("secretRef"));
}

TEST(Config, ValuesAreReadByWhoDeploysOnlyWhenTextsHoldThem) {
  auto web = service("web");
  web.environment = {variable("KEY", {{.is_config = true, .text = "KEY"}})};
  EXPECT_FALSE(planned(project({web}), {.principal_id = "me"}).graph.find("role/deployer"));
  web.environment = {variable("KEY", {{.is_config = false, .text = "x"}, {.is_config = true, .text = "KEY"}})};
  EXPECT_TRUE(planned(project({web}), {.principal_id = "me"}).needs("config/KEY", "role/deployer"));
}

TEST(Config, IsNamedByAllWhoNeedIt) {
  auto web = service("web");
  web.environment = {{.name = "A", .value = {}, .span = {}},
                     variable("URL", {{.is_config = false, .text = "x"}, {.is_config = true, .text = "B"}})};
  const auto needed = config_needed(project({web}));
  EXPECT_EQ(needed.size(), 2u);
  EXPECT_TRUE(needed.contains("A") && needed.contains("B"));
}

std::string value_of_url(const Service& api, std::string text) {
  auto web = service("web");
  web.environment = {variable("URL", {{.is_config = false, .text = std::move(text)}})};
  const auto result = planned(project({web, api}));
  const auto* value = result.variable("app/web", "URL")->find("value");
  return std::get<std::string>((*value->get_if<Value::Text>())[0]);
}

TEST(Addresses, OfAPublicHttpPortLoseTheirNumber) {
  EXPECT_EQ(value_of_url(published("api", 3000), "http://api:3000/v1?x=api"), "http://api/v1?x=api");
  EXPECT_EQ(value_of_url(published("api", 3000), "api:3000"), "api:80");
  EXPECT_EQ(value_of_url(published("api", 80), "http://api:80"), "http://api:80");
}

TEST(Addresses, FollowTheNameOnAzure) {
  EXPECT_EQ(value_of_url(published("My_API", 3000), "http://My_API:3000"), "http://my-api");
  EXPECT_EQ(value_of_url(service("My_DB", "postgres"), "My_DB"), "my-db");
  EXPECT_EQ(value_of_url(service("My_DB", "postgres"), "postgres://u:p@My_DB/x"), "postgres://u:p@my-db/x");
}

TEST(Addresses, LeaveOtherTextsAlone) {
  for (const char* text : {"http://api.example.com:3000", "xapi:3000", "/api/v1", "api is down", "http://other:3000"})
    EXPECT_EQ(value_of_url(published("api", 3000), text), text);
}

TEST(Addresses, OpenAPortThatNobodyDeclared) {
  auto web = service("web");
  web.environment = {variable("URL", {{.is_config = false, .text = "http://api:5000"}})};
  const auto result = planned(project({web, service("api")}));
  EXPECT_EQ(*result.at("app/api", {"properties", "configuration", "ingress", "exposedPort"}), Value(5000));
  EXPECT_EQ(result.codes(), std::vector<std::string>{"azure.port-implied"});
}

TEST(Addresses, WarnAboutAPublishedPort) {
  auto api = published("api", 3000);
  api.ports[0].published = "8080";
  auto web = service("web");
  web.environment = {variable("URL", {{.is_config = false, .text = "http://api:8080"}})};
  EXPECT_EQ(planned(project({web, api})).codes(), std::vector<std::string>{"plan.published-port"});
}

TEST(Addresses, HiddenInImagesAreNoted) {
  auto proxy = published("proxy", 80);
  proxy.depends_on = {{.service = "api"}, {.service = "worker"}};
  EXPECT_EQ(planned(project({proxy, published("api", 3000), service("worker")})).codes(),
            (std::vector<std::string>{"azure.hidden-address", "azure.hidden-address"}));
  proxy.environment = {variable("A", {{.is_config = false, .text = "http://api:3000"}}),
                       variable("B", {{.is_config = false, .text = "worker:9000"}})};
  EXPECT_EQ(planned(project({proxy, published("api", 3000), service("worker")})).codes(),
            (std::vector<std::string>{"azure.port-implied", "azure.address"}));
}

TEST(Jobs, AreServicesThatEnd) {
  auto migrate = service("migrate");
  migrate.restart = {"no", {}};
  const auto result = planned(project({migrate}));
  EXPECT_TRUE(result.graph.resource("job/migrate"));
  EXPECT_TRUE(result.graph.action("run/migrate"));
  EXPECT_FALSE(result.graph.find("app/migrate"));
}

TEST(Jobs, AreServicesWhoseEndIsAwaited) {
  auto web = published("web", 80);
  web.depends_on = {{.service = "seed", .condition = Dependency::Condition::service_completed_successfully}};
  const auto result = planned(project({web, service("seed")}));
  EXPECT_TRUE(result.needs("app/web", "run/seed"));
}

TEST(Jobs, KeepRunningWhenTheyHavePorts) {
  auto web = published("web", 80);
  web.restart = {"no", {}};
  const auto result = planned(project({web}));
  EXPECT_TRUE(result.graph.resource("app/web"));
  EXPECT_EQ(result.codes(), std::vector<std::string>{"azure.restart"});
}

TEST(Dependencies, WaitForWhatTheyName) {
  auto web = published("web", 80);
  web.depends_on = {{.service = "api"},
                    {.service = "db", .condition = Dependency::Condition::service_healthy},
                    {.service = "gone", .required = false}};
  const auto result = planned(project({web, published("api", 3000), published("db", 5432)}));
  EXPECT_TRUE(result.needs("app/web", "app/api"));
  EXPECT_TRUE(result.needs("app/web", "healthy/db"));
  EXPECT_FALSE(result.diagnostics.has_errors());
}

TEST(Dependencies, MustExistAndMustEnd) {
  auto one = service("one");
  one.depends_on = {{.service = "two"}};
  EXPECT_EQ(planned(project({one})).codes(), std::vector<std::string>{"plan.dependency"});
  auto two = service("two");
  two.depends_on = {{.service = "one"}};
  EXPECT_EQ(planned(project({one, two})).codes().back(), "plan.cycle");
}

TEST(Names, OfTwoServicesNeverMeet) {
  const auto result = planned(project({service("a-b"), service("a_b")}));
  EXPECT_NE(result.graph.resource("app/a-b")->name, result.graph.resource("app/a_b")->name);
  EXPECT_EQ(result.graph.resource("app/a-b")->name, "a-b");
}

TEST(Commands, ReplaceAnEntryPointThatIsCleared) {
  auto web = service("web");
  web.entrypoint = {{}, {}};
  web.command = {{"serve", "--all"}, {}};
  const auto result = planned(project({web}));
  EXPECT_EQ(*result.at("app/web", {"properties", "template", "containers", "0", "command"}),
            Value(Value::List{"serve", "--all"}));
  EXPECT_FALSE(result.at("app/web", {"properties", "template", "containers", "0", "args"}));
}

TEST(Locations, AreCheckedBeforeAzureIsAsked) {
  Diagnostics diagnostics;
  build_graph(project({service("web")}), {.location = "west/us"}, {}, diagnostics);
  ASSERT_TRUE(diagnostics.has_errors());
  EXPECT_EQ(diagnostics.all()[0].code, "azure.location");
}

compose::Node text_node(std::string text) {
  compose::Node node;
  node.kind = compose::Node::Kind::text;
  node.text = std::move(text);
  return node;
}

/// What the user wrote of a service beside what `Service` has a member for.
void write(Project& p, const std::string& service, std::vector<std::pair<std::string, compose::Node>> attributes) {
  auto& root = p.canonical;
  root.kind = compose::Node::Kind::mapping;
  if (root.entries.empty()) root.entries.push_back({.key = "services", .key_span = {}, .value = {}});
  auto& services = root.entries[0].value;
  services.kind = compose::Node::Kind::mapping;
  compose::Node body;
  body.kind = compose::Node::Kind::mapping;
  for (auto& [key, value] : attributes) body.entries.push_back({.key = key, .key_span = {}, .value = std::move(value)});
  services.entries.push_back({.key = service, .key_span = {}, .value = std::move(body)});
}

TEST(PulledImages, AreAskedForByRegistryRepositoryAndTag) {
  const auto parts = [](std::string name) {
    const auto parsed = parse_image_name(name).value();
    return parsed.server + " " + parsed.repository + " " + parsed.tag;
  };
  EXPECT_EQ(parts("nginx"), "docker.io library/nginx latest");
  EXPECT_EQ(parts("docker.io/nginx:1.27"), "docker.io library/nginx 1.27");
  EXPECT_EQ(parts("me/web"), "docker.io me/web latest");
  EXPECT_EQ(parts("ghcr.io/me/team/web:v1"), "ghcr.io me/team/web v1");
  EXPECT_EQ(parts("index.docker.io/nginx"), "docker.io library/nginx latest");
  EXPECT_EQ(parse_image_name("me/web:1@sha256:" + std::string(64, 'a'))->digest, "sha256:" + std::string(64, 'a'));
  EXPECT_EQ(parts("localhost:5000/web"), "localhost:5000 web latest");
  EXPECT_EQ(parts("mcr.microsoft.com/dotnet/runtime:8.0"), "mcr.microsoft.com dotnet/runtime 8.0");
}

TEST(PulledImages, HaveNamesThatRegistriesCouldKnow) {
  const auto is_refused = [](const std::string& name) {
    Diagnostics diagnostics;
    build_graph(project({service("web", name)}), {}, {}, diagnostics);
    return std::ranges::any_of(diagnostics.all(), [](const auto& one) { return one.code == "plan.image-name"; });
  };
  const std::string digest = "sha256:" + std::string(64, 'a');
  for (const std::string name : {"nginx", "nginx:1.27", "me/web_app/x---y.z__1", "localhost/web",
                                 "Reg.test:5000/a/b:V_1", "HOST/web", "_bad:5/x@"})
    EXPECT_EQ(is_refused(name), name.starts_with('_')) << name;
  EXPECT_FALSE(is_refused("nginx:1.27@" + digest));
  for (const std::string name : {"Nginx",
                                 "nginx:",
                                 ":latest",
                                 "nginx::1",
                                 "/nginx",
                                 "nginx/",
                                 "a//b",
                                 "ngi nx",
                                 " nginx",
                                 "nginx@sha256:abc",
                                 "http://nginx",
                                 "../up",
                                 "user:pass@ghcr.io/foo",
                                 "nginx:la test",
                                 "nginx-\xc3\xbc",
                                 "nginx?x=1",
                                 "a..b",
                                 "a._b",
                                 "a___b",
                                 "nginx\nHost:x"})
    EXPECT_TRUE(is_refused(name)) << name;
}

TEST(PulledImages, AreThoseThatATagNamesEachOnceAndAsSoonAsAnyServiceWantsItAnew) {
  using namespace std::chrono_literals;
  auto built = service("built", "shop/built");
  built.build = compose::Build{};
  auto store = service("store", "postgres:16");
  compose::Node on;
  on.kind = compose::Node::Kind::boolean;
  on.boolean = true;
  store.extensions["x-defang-postgres"] = on;
  auto p = project({service("a", "web:1"), service("b", "web:1"), built, store, service("c", "web@sha256:1"),
                    service("d", "worker"), service("e", "${IMAGE}"), service("f", "new:1"), service("g", "w:1"),
                    service("h", "w:2")});
  write(p, "a", {{"pull_policy", text_node("weekly")}});
  write(p, "b", {{"pull_policy", text_node("every_12h")}});
  write(p, "f", {{"pull_policy", text_node("always")}});
  write(p, "g", {{"pull_policy", text_node("refresh")}, {"pull_refresh_after", text_node("1h30m")}});
  write(p, "h", {{"pull_policy", text_node("never")}});
  std::map<std::string, std::optional<std::chrono::milliseconds>> seen;
  for (const auto& image : pulled_images(p, {})) seen[image.name] = image.refresh_after;
  EXPECT_EQ(seen,
            (std::map<std::string, std::optional<std::chrono::milliseconds>>{
                {"web:1", 12h}, {"worker", std::nullopt}, {"new:1", 0ms}, {"w:1", 90min}, {"w:2", std::nullopt}}));
}

TEST(PulledImages, AreNamedByTheirDigestsWhereThoseAreKnown) {
  Facts facts;
  facts.image_digests = {{"reg.test:5000/web:1", "sha256:abc"}, {"base:2", "sha256:def"}, {"other", ""}};
  auto derived = service("derived", "base:2");
  derived.working_dir = Spanned<std::string>{"/srv", {}};
  const auto result =
      planned(project({service("web", "reg.test:5000/web:1"), derived, service("other", "other")}), facts);
  const auto image = [&](const std::string& app) {
    return *result.at("app/" + app, {"properties", "template", "containers", "0", "image"});
  };
  EXPECT_EQ(image("web"), Value("reg.test:5000/web@sha256:abc"));
  EXPECT_EQ(image("other"), Value("other"));
  const auto* build = result.graph.action("build/derived");
  ASSERT_TRUE(build);
  EXPECT_EQ(std::get<graph::BuildImage>(build->what).inline_dockerfile, "FROM base@sha256:def");
}

TEST(Runtimes, AreTheOneThatThereIsOrComeAlongWithAModule) {
  const auto said_of = [](Service s, std::string runtime, const Facts& facts = {}) {
    auto p = project({std::move(s)});
    write(p, "web", {{"runtime", text_node(std::move(runtime))}});
    Diagnostics diagnostics;
    build_graph(p, {}, facts, diagnostics);
    std::string said;
    for (const auto& one : diagnostics.all())
      if (one.code == "azure.runtime" || one.code == "azure.web-assembly")
        said += std::string(name_of(one.severity)) + " " + one.code;
    return said;
  };
  EXPECT_EQ(said_of(service("web"), "runc"), "");
  EXPECT_EQ(said_of(service("web"), "nvidia"), "error azure.runtime");
  EXPECT_EQ(said_of(service("web"), "io.containerd.spin.v2"), "error azure.runtime");
  EXPECT_EQ(said_of(service("web"), "wasmedge"), "error azure.runtime");                        // no name of Docker's
  EXPECT_EQ(said_of(service("web"), "io.containerd.wasmedge.v1"), "error azure.web-assembly");  // nothing to build
  auto built = service("web");
  built.build = compose::Build{};
  Facts facts;
  facts.modules["web"] = {};
  EXPECT_EQ(said_of(built, "io.containerd.wasmtime.v1", facts), "error azure.web-assembly");  // what to start?
  facts.modules["web"].command = {"app.wasm"};
  EXPECT_EQ(said_of(built, "io.containerd.wasmtime.v1", facts), "note azure.web-assembly");
  facts.modules["web"].command.clear();
  built.entrypoint = Spanned<std::vector<std::string>>{{"app.wasm"}, {}};
  EXPECT_EQ(said_of(built, "io.containerd.wasmedge.v1", facts), "note azure.web-assembly");
  facts.without_dockerfile = {"web"};
  EXPECT_EQ(said_of(built, "io.containerd.wasmedge.v1", facts),
            "error azure.web-assembly");  // buildpacks know nothing of it
}

TEST(CustomDomains, ThatAreLiveAreSentBack) {
  Facts facts;
  facts.live_custom_domains["web"] = Value(Value::List{Value::Map{{"name", "example.com"}}});
  const auto result = planned(project({published("web", 80)}), facts);
  EXPECT_EQ(*result.at("app/web", {"properties", "configuration", "ingress", "customDomains", "0", "name"}),
            Value("example.com"));
}

compose::Service with_domain(compose::Service service, std::string host, std::vector<std::string> aliases = {}) {
  service.domainname = Spanned<std::string>{std::move(host), {}};
  service.networks = {{.name = "default", .aliases = {}, .span = {}}};
  for (auto& alias : aliases) service.networks[0].aliases.push_back({std::move(alias), {}});
  return service;
}

std::vector<std::string> said_of_domain(const compose::Service& service) {
  Diagnostics diagnostics;
  build_graph(project({service}), {}, {}, diagnostics);
  std::vector<std::string> said;
  for (const auto& one : diagnostics.all())
    if (one.code == "azure.domain") said.push_back(one.message);
  return said;
}

TEST(CustomDomains, AreTheDomainNameAndTheAliasesThatAreHostNames) {
  const auto web =
      with_domain(published("web", 80), "WWW.example.com.", {"shop.example.com", "db.internal", "sibling"});
  EXPECT_TRUE(said_of_domain(web).empty());
  std::vector<std::string> hosts;
  for (const auto& domain : custom_domains(project({web}))) hosts.push_back(domain.host);
  EXPECT_EQ(hosts, (std::vector<std::string>{"www.example.com", "shop.example.com"}));
}

TEST(CustomDomains, ThatCannotBeAreRefused) {
  using Said = std::vector<std::string>;
  EXPECT_EQ(said_of_domain(with_domain(published("web", 80), "*.example.com")),
            Said{"service `web` cannot answer at `*.example.com`: Container Apps has no certificates for wildcards"});
  EXPECT_EQ(said_of_domain(with_domain(published("web", 80), "www..com")),
            Said{"`www..com` cannot be the domain of service `web`: that is no host name"});
  EXPECT_EQ(said_of_domain(with_domain(published("web", 80), "10.0.0.1")),
            Said{"`10.0.0.1` cannot be the domain of service `web`: that is an address"});
  EXPECT_EQ(said_of_domain(with_domain(published("web", 80), "web.calm-1.westus3.azurecontainerapps.io")),
            Said{"`web.calm-1.westus3.azurecontainerapps.io` cannot be the domain of service `web`: such names are "
                 "Azure's"});
}

TEST(CustomDomains, ThatOnlyDockerKnowsAreLeftAlone) {
  using Said = std::vector<std::string>;
  const auto private_name = with_domain(published("web", 80), "corp.local");
  EXPECT_EQ(said_of_domain(private_name), Said{"service `web` has the domain `corp.local`, which is for siblings only: "
                                               "nobody can own such a name"});
  const auto without_http = with_domain(service("mail"), "example.com");
  EXPECT_EQ(said_of_domain(without_http), Said{"service `mail` does not answer at `example.com`: it has no public HTTP "
                                               "port"});
  EXPECT_TRUE(custom_domains(project({private_name, without_http})).empty());
  EXPECT_FALSE(planned(project({private_name, without_http})).diagnostics.has_errors());
}

TEST(Attributes, AreAnsweredByTheirLongestRow) {
  EXPECT_EQ(support_of("ports[0].target")->path, "ports");
  EXPECT_EQ(support_of("networks.front.ipv4_address")->path, "networks.*.ipv4_address");
  EXPECT_EQ(support_of("networks.front.aliases")->path, "networks");
  EXPECT_EQ(support_of("deploy.resources.reservations.devices[0].count")->path,
            "deploy.resources.reservations.devices");
  EXPECT_FALSE(support_of("x-other"));
}

TEST(Attributes, OfComposeAllHaveAnAnswer) {
  constexpr std::string_view kService = "services.*.";
  for (const auto& attribute : compose::attributes())
    if (attribute.path.starts_with(kService)) {
      EXPECT_TRUE(support_of(attribute.path.substr(kService.size()))) << attribute.path;
    }
}

TEST(Attributes, ThatAzureLacksAreRefusedOnce) {
  auto web = service("web");
  web.attributes = {{"container_name", {}}, {"sysctls", {}}, {"sysctls.a", {}}, {"ulimits.nofile", {}}, {"x-mine", {}}};
  EXPECT_EQ(planned(project({web})).codes(), (std::vector<std::string>{"azure.unsupported", "azure.not-used"}));
}

TEST(Mounts, WithoutANameAreScratchFolders) {
  auto web = service("web");
  web.volumes = {{.type = "volume", .source = "", .target = "/cache"}};
  const auto result = planned(project({web}));
  EXPECT_EQ(*result.at("app/web", {"properties", "template", "volumes", "0", "storageType"}), Value("EmptyDir"));
}

TEST(Secrets, AreFilesFromTheVault) {
  auto p = project({service("web")});
  p.secrets["token"] = {.name = "token", .external = true};
  p.services["web"].secrets = {{.source = "token", .target = "", .span = {}}};
  const auto result = planned(p);
  EXPECT_EQ(*result.at("app/web", {"properties", "template", "volumes", "0", "secrets", "0", "path"}), Value("token"));
  EXPECT_TRUE(result.graph.action("config/token"));
}

TEST(BuildFolders, WithoutDockerfileAreForBuildpacksIfTheyKnowTheLanguage) {
  auto node = service("node"), docker = service("docker"), empty = service("empty");
  node.build = compose::Build{.context = "/project/node"};
  docker.build = compose::Build{.context = "/project/docker"};
  empty.build = compose::Build{.context = "/project/empty"};
  const FakeDisk disk({{"/project/node/package.json", "{}"},
                       {"/project/docker/package.json", "{}"},
                       {"/project/docker/Dockerfile", "FROM x"},
                       {"/project/empty/README", ""}});
  EXPECT_EQ(services_without_dockerfile(project({node, docker, empty}), disk), std::set<std::string>{"node"});
}

compose::Mount mount(std::string type, std::string source, std::string target) {
  return {
      .type = std::move(type), .source = std::move(source), .target = std::move(target), .sub_path = {}, .span = {}};
}

Facts with_local(std::map<std::string, LocalPath> paths) {
  Facts facts;
  facts.local_paths = std::move(paths);
  return facts;
}

LocalPath file_of(std::uint64_t size_bytes, bool is_text = true) {
  return {.kind = LocalPath::Kind::file, .files = {{.name = "f", .size_bytes = size_bytes, .is_text = is_text}}};
}

TEST(Mounts, PutNamedVolumesOnSharesThatServicesHaveInCommon) {
  auto a = service("aa"), b = service("bb");
  a.volumes = {mount("volume", "data", "/data")};
  b.volumes = {mount("volume", "data", "/elsewhere")};
  b.volumes[0].read_only = true;
  const auto result = planned(project({a, b}));
  EXPECT_EQ(*result.at("app/aa", {"properties", "template", "volumes", "0", "storageType"}), Value("AzureFile"));
  EXPECT_TRUE(result.needs("environment/data", "share/data"));
  EXPECT_TRUE(result.needs("environment/data-ro", "share/data"));
  EXPECT_EQ(*result.at("environment/data-ro", {"properties", "azureFile", "accessMode"}), Value("ReadOnly"));
  EXPECT_TRUE(result.needs("app/bb", "environment/data-ro"));
  EXPECT_EQ(result.graph.resource("share/data")->retention, graph::Retention::data);
  EXPECT_EQ(*result.at("files", {"tags", "defang-retention"}), Value("data"));
}

TEST(Mounts, GiveImagesThatOwnTheirFilesNfs) {
  auto db = service("db", "mariadb:11");
  db.volumes = {mount("volume", "data", "/var/lib/mysql")};
  const auto result = planned(project({db}));
  EXPECT_EQ(*result.at("app/db", {"properties", "template", "volumes", "0", "storageType"}), Value("NfsAzureFile"));
  EXPECT_EQ(*result.at("files/nfs", {"kind"}), Value("FileStorage"));
  EXPECT_EQ(std::ranges::count(result.codes(), "plan.database-on-share"), 1);
  EXPECT_EQ(std::ranges::count(result.codes(), "plan.stateful-image"), 0);
}

TEST(Mounts, LeaveOutSourceThatIsMountedForDevelopment) {
  auto web = service("web");
  web.image.reset();
  web.build = compose::Build{.context = "/project/web"};
  web.volumes = {mount("bind", "/project/web", "/app"), mount("volume", "", "/app/node_modules")};
  const auto result = planned(project({web}));
  EXPECT_EQ(result.codes(), std::vector<std::string>{"plan.development-mount"});
  EXPECT_FALSE(result.at("app/web", {"properties", "template", "volumes"}));
}

TEST(Mounts, KeepDataFoldersOfBuiltServices) {
  auto web = service("web");
  web.image.reset();
  web.build = compose::Build{.context = "/project"};
  web.volumes = {mount("bind", "/project/data", "/data")};
  const auto result = planned(project({web}));
  EXPECT_TRUE(result.graph.find("share/data"));
}

TEST(Mounts, CarrySmallTextsByWayOfTheVault) {
  auto web = service("web");
  web.volumes = {mount("bind", "/project/nginx.conf", "/etc/nginx/nginx.conf")};
  const auto carried = planned(project({web}), with_local({{"/project/nginx.conf", file_of(100)}}));
  EXPECT_TRUE(carried.graph.find("file/nginx.conf"));
  EXPECT_EQ(*carried.at("app/web", {"properties", "template", "containers", "0", "volumeMounts", "0", "mountPath"}),
            Value("/etc/nginx/nginx.conf"));
  for (const auto& bad : {file_of(kLargestCarried + 1), file_of(100, false)}) {
    const auto refused = planned(project({web}), with_local({{"/project/nginx.conf", bad}}));
    EXPECT_EQ(refused.codes(), std::vector<std::string>{"azure.file"});
  }
  EXPECT_EQ(planned(project({web})).codes(), std::vector<std::string>{"plan.file-missing"});
}

TEST(Mounts, NeverCarryFilesFromOutsideOfTheProject) {
  auto web = service("web");
  web.volumes = {mount("bind", "/home/me/.aws", "/root/.aws")};
  const auto result = planned(project({web}));
  EXPECT_EQ(result.codes(), std::vector<std::string>{"azure.volume"});
  EXPECT_TRUE(result.diagnostics.all()[0].severity == Diagnostic::Severity::warning);
}

TEST(Mounts, SeeOnlyWhatTheProjectMounts) {
  FakeDisk disk({{"/project/a/b.txt", "text"}, {"/project/bin", std::string("\0x", 2)}, {"/etc/passwd", "x"}});
  auto web = service("web");
  web.volumes = {mount("bind", "/project/a", "/a"), mount("bind", "/project/bin", "/bin/x"),
                 mount("bind", "/etc/passwd", "/etc/passwd")};
  const auto seen = local_paths(project({web}), disk);
  ASSERT_EQ(seen.size(), 2u);
  EXPECT_EQ(seen.at("/project/a").files[0].name, "b.txt");
  EXPECT_FALSE(seen.at("/project/bin").files[0].is_text);
}

Service managed(std::string name, std::string image, std::string extension) {
  auto s = service(std::move(name), std::move(image));
  s.extensions[std::move(extension)] = compose::Node::of_boolean(true);
  return s;
}

TEST(Stores, TakeThePlaceOfTheirContainers) {
  auto web = service("web");
  web.depends_on.push_back({.service = "cache", .span = {}});
  web.environment = {variable("REDIS_URL", {{false, "redis://cache"}})};
  const auto result = planned(project({web, managed("cache", "redis:7", "x-defang-redis")}));
  EXPECT_FALSE(result.graph.find("app/cache"));
  EXPECT_TRUE(result.needs("app/web", "endpoint/cache/names"));
  EXPECT_TRUE(result.variable("app/web", "REDIS_URL")->find("secretRef"));
  EXPECT_EQ(result.graph.fault(), "");
}

TEST(Stores, ModelsTakeAddressAndKeyOfTheAppsOwnClient) {
  auto app = managed("app", "app", "x-defang-llm");
  app.environment = {variable("OPENAI_BASE_URL", {{false, "https://api.openai.com/v1"}}),
                     variable("OPENAI_API_KEY", {{false, "sk-mine"}})};
  const auto result = planned(project({app}));
  EXPECT_TRUE(result.variable("app/app", "OPENAI_API_KEY")->find("secretRef"));
  const auto* address = result.variable("app/app", "OPENAI_BASE_URL")->find("value");
  ASSERT_TRUE(address);
  EXPECT_EQ(*address, Value(providers::model_base_url()));
}

TEST(Stores, AGatewayOfTheProjectsOwnStaysBetweenAnAppAndModels) {
  auto app = managed("app", "app", "x-defang-llm");
  app.environment = {variable("OPENAI_BASE_URL", {{false, "http://gateway:4000/v1"}}),
                     variable("OPENAI_API_KEY", {{false, "of-the-gateway"}})};
  const auto result = planned(project({app, published("gateway", 4000)}));
  EXPECT_EQ(*result.variable("app/app", "OPENAI_API_KEY")->find("value"), Value("of-the-gateway"));
  EXPECT_EQ(*result.variable("app/app", "OPENAI_BASE_URL")->find("value"), Value("http://gateway/v1"));
}

TEST(Stores, WantAPasswordThatAzureTakes) {
  auto db = managed("db", "postgres:16", "x-defang-postgres");
  EXPECT_EQ(planned(project({db})).codes(), std::vector<std::string>{"azure.postgres-password"});
  db.environment = {variable("POSTGRES_PASSWORD", {{false, "short"}})};
  EXPECT_EQ(planned(project({db})).codes(), std::vector<std::string>{"azure.postgres-password"});
  db.environment = {variable("POSTGRES_PASSWORD", {{true, "PASSWORD"}})};
  const auto good = planned(project({db}));
  EXPECT_EQ(good.codes(), std::vector<std::string>());
  EXPECT_TRUE(good.needs("postgres/db", "config/PASSWORD"));
}

TEST(Stores, TellTheirClientsHowTheyAreReached) {
  auto db = managed("db", "postgres:16", "x-defang-postgres");
  db.environment = {variable("POSTGRES_USER", {{false, "notes"}}),
                    variable("POSTGRES_PASSWORD", {{false, "x-"}, {true, "PASSWORD"}})};
  const auto cache = managed("cache", "redis:7", "x-defang-redis");
  const auto clients = store_clients(project({db, cache, service("web")}), {});
  ASSERT_EQ(clients.size(), 2U);
  const auto& postgres = clients.at("db");
  EXPECT_EQ(postgres.node + " " + postgres.user + " " + postgres.database, "postgres/db notes notes");
  EXPECT_EQ(postgres.password, (Value::Text{"x-", Reference{"config/PASSWORD", Reference::Kind::output, "value", ""}}));
  const auto& redis = clients.at("cache");
  EXPECT_EQ(redis.port, 10000);
  EXPECT_EQ(redis.password,
            (Value::Text{Reference{"redis/cache/default", Reference::Kind::list, "primaryKey", "listKeys"}}));
}

TEST(Stores, AreSwitchedOffByFalse) {
  auto cache = managed("cache", "redis:7", "x-defang-redis");
  cache.extensions["x-defang-redis"] = compose::Node::of_boolean(false);
  EXPECT_TRUE(planned(project({cache})).graph.find("app/cache"));
}

TEST(Sidecars, AreContainersOfTheSameReplicas) {
  auto web = published("web", 80), tail = service("tail");
  tail.network_mode = {"service:web", {}};
  tail.volumes = {mount("volume", "", "/scratch")};
  tail.environment = {variable("KEY", {{true, "KEY"}})};
  tail.depends_on.push_back({.service = "web", .span = {}});
  auto other = service("other");
  other.depends_on.push_back({.service = "tail", .span = {}});
  const auto result = planned(project({web, tail, other}));
  EXPECT_FALSE(result.graph.find("app/tail"));
  EXPECT_EQ(*result.at("app/web", {"properties", "template", "containers", "1", "name"}), Value("tail"));
  EXPECT_EQ(*result.at("app/web", {"properties", "template", "volumes", "0", "name"}), Value("tail-scratch-1"));
  EXPECT_TRUE(result.needs("app/web", "config/KEY"));
  EXPECT_TRUE(result.needs("app/other", "app/web"));
  EXPECT_EQ(result.graph.fault(), "");
}

TEST(Sidecars, NeedSomeoneToStandBeside) {
  auto web = service("web");
  web.network_mode = {"service:gone", {}};
  EXPECT_EQ(planned(project({web})).codes(), std::vector<std::string>{"plan.network-mode"});
  web.network_mode = {"service:web", {}};
  EXPECT_EQ(planned(project({web})).codes(), std::vector<std::string>{"plan.network-mode"});
}

}  // namespace
}  // namespace defang::plan
