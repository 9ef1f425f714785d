#include "plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "compose/attributes.h"
#include "plan/attributes.h"
#include "plan/siblings.h"

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
  EXPECT_TRUE(planned(project({web}), {.principal_id = "me"}).needs("secret/web/KEY", "role/deployer"));
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

TEST(CustomDomains, ThatAreLiveAreSentBack) {
  Facts facts;
  facts.live_custom_domains["web"] = Value(Value::List{Value::Map{{"name", "example.com"}}});
  const auto result = planned(project({published("web", 80)}), facts);
  EXPECT_EQ(*result.at("app/web", {"properties", "configuration", "ingress", "customDomains", "0", "name"}),
            Value("example.com"));
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
  web.attributes = {
      {"cap_add", {}}, {"cap_add[0]", {}}, {"container_name", {}}, {"ulimits.nofile", {}}, {"x-mine", {}}};
  EXPECT_EQ(planned(project({web})).codes(), (std::vector<std::string>{"azure.unsupported", "azure.not-used"}));
}

TEST(Volumes, AreRefusedUnlessAnonymous) {
  auto web = service("web");
  web.volumes = {{.type = "volume", .source = "", .target = "/cache"}};
  const auto result = planned(project({web}));
  EXPECT_EQ(*result.at("app/web", {"properties", "template", "volumes", "0", "storageType"}), Value("EmptyDir"));
  web.volumes = {{.type = "volume", .source = "data", .target = "/data"},
                 {.type = "bind", .source = "/p", .target = "/q"}};
  EXPECT_EQ(planned(project({web})).codes(), (std::vector<std::string>{"azure.unsupported", "azure.unsupported"}));
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

}  // namespace
}  // namespace defang::plan
