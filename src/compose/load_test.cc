#include "compose/load.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace defang::compose {
namespace {

/// A project in memory, at /project.
struct Loaded {
  Diagnostics diagnostics;
  std::optional<Project> project;

  Loaded(std::map<std::string, std::string> files, LoadOptions options = {}) {
    std::map<std::string, std::string> absolute;
    for (auto& [name, text] : files) absolute["/project/" + name] = std::move(text);
    project = load(options, FakeDisk(std::move(absolute)), diagnostics);
  }
  explicit Loaded(std::string text, LoadOptions options = {})
      : Loaded(std::map<std::string, std::string>{{"compose.yaml", std::move(text)}}, std::move(options)) {}

  const Service& service(const std::string& name) const { return project->services.at(name); }
  std::vector<std::string> messages() const {
    std::vector<std::string> messages;
    for (const Diagnostic& diagnostic : diagnostics.all())
      messages.push_back(diagnostic.span.text() + ": " + diagnostic.message);
    return messages;
  }
};

LoadOptions as_compose(std::map<std::string, std::string> environment = {}) {
  return {.loader = LoadOptions::Loader::compose, .environment = std::move(environment)};
}

using Messages = std::vector<std::string>;

TEST(Load, GivesAServiceAsStructsWithPlaces) {
  const Loaded loaded(
      "name: demo\n"
      "services:\n"
      "  web:\n"
      "    build: {context: ./app, target: prod, args: {V: 1}}\n"
      "    command: run --it\n"
      "    ports: [\"8080:80\", {target: 9000, mode: host}]\n"
      "    environment: {B: x, A: 2}\n"
      "    deploy: {replicas: 2, resources: {reservations: {cpus: '0.5', memory: 512M}}}\n"
      "    healthcheck: {test: [CMD, check], interval: 1m30s, retries: 3}\n"
      "    depends_on: {db: {condition: service_healthy}}\n"
      "    x-defang-redis: true\n"
      "  db: {image: postgres}\n");
  ASSERT_TRUE(loaded.project) << testing::PrintToString(loaded.messages());
  const Service& web = loaded.service("web");
  EXPECT_EQ(loaded.project->name, "demo");
  EXPECT_EQ(web.span.text(), "compose.yaml:3:3");
  EXPECT_EQ(web.build->context, "/project/app");
  EXPECT_EQ(web.build->dockerfile, "Dockerfile");
  EXPECT_EQ(web.build->target, "prod");
  EXPECT_EQ(web.build->target_span.text(), "compose.yaml:4:37");
  EXPECT_EQ(web.build->args[0].value, (std::vector<TextPiece>{{false, "1"}}));
  EXPECT_EQ(**web.command, (std::vector<std::string>{"run", "--it"}));
  ASSERT_EQ(web.ports.size(), 2u);
  EXPECT_EQ(web.ports[0].target, 80);
  EXPECT_EQ(web.ports[0].published, "8080");
  EXPECT_EQ(web.ports[0].mode, Port::Mode::ingress);
  EXPECT_EQ(web.ports[1].mode, Port::Mode::host);
  EXPECT_EQ(web.environment[0].name, "B");
  EXPECT_EQ(web.environment[1].name, "A");
  EXPECT_EQ(web.replicas->value, 2);
  EXPECT_DOUBLE_EQ(web.reservations.cpus->value, 0.5);
  EXPECT_EQ(web.reservations.memory_bytes->value, 512 << 20);
  EXPECT_EQ(web.healthcheck->interval, std::chrono::seconds(90));
  EXPECT_EQ(web.depends_on[0].condition, Dependency::Condition::service_healthy);
  EXPECT_TRUE(web.depends_on[0].required);
  EXPECT_TRUE(web.extensions.at("x-defang-redis").boolean);
  EXPECT_EQ(web.networks[0].name, "default");
}

TEST(Load, ListsWhatWasWrittenAndNotWhatIsImplied) {
  const Loaded loaded("services: {a: {build: ., ports: [\"80:80\"], links: [b]}, b: {image: x}}\n");
  std::vector<std::string> paths;
  for (const Attribute& attribute : loaded.service("a").attributes) paths.push_back(attribute.path);
  EXPECT_EQ(paths, (std::vector<std::string>{"build", "build.context", "links", "ports", "ports[].protocol",
                                             "ports[].published", "ports[].target"}));
}

TEST(Load, ReportsEveryStructureErrorOfAFileAtOnce) {
  const Loaded loaded(
      "services:\n"
      "  web:\n"
      "    image: 5\n"
      "    prots: [80]\n"
      "    ports: 80\n"
      "    deploy: {resource: {}}\n"
      "    image: x\n");
  EXPECT_FALSE(loaded.project);
  EXPECT_EQ(loaded.messages(), (Messages{
                                   "compose.yaml:3:12: `services.web.image` must be a text, not a number",
                                   "compose.yaml:4:5: unknown key `prots` in `services.web`",
                                   "compose.yaml:5:12: `services.web.ports` must be a list, not a number",
                                   "compose.yaml:6:14: unknown key `resource` in `services.web.deploy`",
                                   "compose.yaml:7:5: the key `image` stands here a second time",
                               }));
  EXPECT_EQ(loaded.diagnostics.all()[1].help, "did you mean `ports`?");
}

TEST(Load, ReportsEveryBadValueAtOnce) {
  const Loaded loaded(
      "services:\n"
      "  a: {image: x, stop_grace_period: 5, mem_limit: 5x, command: '\"'}\n");
  EXPECT_EQ(loaded.messages(), (Messages{
                                   "compose.yaml:2:36: `services.a.stop_grace_period` must be a text, not a number",
                                   "compose.yaml:2:50: `services.a.mem_limit`: `5x` is no size",
                                   "compose.yaml:2:63: `services.a.command`: invalid command line",
                               }));
  const Loaded values("services: {a: {image: x, stop_grace_period: 5y, mem_limit: 5x, command: '\"'}}\n");
  EXPECT_EQ(values.messages(), (Messages{
                                   "compose.yaml:1:45: `services.a.stop_grace_period`: `5y` is no duration",
                                   "compose.yaml:1:60: `services.a.mem_limit`: `5x` is no size",
                                   "compose.yaml:1:73: `services.a.command`: invalid command line",
                               }));
}

TEST(Load, ValuesOfVariablesAreNotShownInMessages) {
  const Loaded loaded({{"compose.yaml", "services: {a: {image: x, mem_limit: \"${S}\", ports: [\"${S}:80\"]}}\n"},
                       {".env", "S=hunter2\n"}});
  EXPECT_FALSE(loaded.project);
  for (const Diagnostic& diagnostic : loaded.diagnostics.all())
    EXPECT_EQ(to_text(diagnostic).find("hunter2"), std::string::npos) << to_text(diagnostic);
  const Loaded bad_env_file({{"compose.yaml", "services: {a: {image: x}}\n"}, {".env", "S=\"hunter2\n"}});
  ASSERT_FALSE(bad_env_file.diagnostics.all().empty());
  for (const Diagnostic& diagnostic : bad_env_file.diagnostics.all())
    EXPECT_EQ(to_text(diagnostic).find("hunter2"), std::string::npos) << to_text(diagnostic);
}

TEST(LoadForDefang, UnresolvedVariablesAreTakenFromConfig) {
  const Loaded loaded({{"compose.yaml",
                        "services:\n"
                        "  a:\n"
                        "    image: x\n"
                        "    environment:\n"
                        "      URL: pg://u:${PASSWORD}@$HOST/$$db\n"
                        "      PASSWORD:\n"},
                       {".env", "HOST=h\n"}},
                      {.environment = {{"PASSWORD", "of the shell"}}});
  ASSERT_TRUE(loaded.project);
  const std::vector<EnvironmentVariable>& variables = loaded.service("a").environment;
  EXPECT_EQ(variables[0].value, (std::vector<TextPiece>{{false, "pg://u:"}, {true, "PASSWORD"}, {false, "@h/$db"}}));
  EXPECT_EQ(variables[1].value, std::nullopt);
  EXPECT_EQ(variables[1].span.text(), "compose.yaml:6:7");
  EXPECT_EQ(loaded.messages(), (Messages{"compose.yaml:5:12: the environment variable `PASSWORD` is ignored"}));
  EXPECT_NE(to_yaml(loaded.project->canonical).find("URL: pg://u:${PASSWORD}@h/$db"), std::string::npos);
}

TEST(LoadForDefang, TheLaterEnvFilesAreThoseOfProviderAndStack) {
  const Loaded loaded({{"compose.yaml", "services: {a: {image: \"$A$B$C\"}}\n"},
                       {".env", "A=1\nB=1\nC=1\n"},
                       {".env.azure", "B=2\nC=2\n"},
                       {".env.beta", "C=3\n"}},
                      {.stack = "beta"});
  EXPECT_EQ(loaded.service("a").image->value, "123");
}

TEST(LoadForDefang, WhatConfigBringsCannotBeAPort) {
  const Loaded loaded("services: {a: {image: x, ports: [\"${P}:80\"], scale: \"${N}\"}}\n");
  EXPECT_FALSE(loaded.project);
  EXPECT_EQ(loaded.messages()[1],
            "compose.yaml:1:53: `services.a.scale` must be a whole number, but `${N}` has no value");
}

TEST(LoadAsCompose, ChecksWhatServicesReferTo) {
  const Loaded loaded(
      "services:\n"
      "  a: {image: x, depends_on: [bb], networks: [n]}\n"
      "  b: {command: x}\n",
      as_compose());
  EXPECT_EQ(loaded.messages(), (Messages{
                                   "compose.yaml:2:30: service `a` depends on undefined service `bb`",
                                   "compose.yaml:2:46: service `a` refers to undefined network `n`",
                                   "compose.yaml:3:3: service `b` has neither an image nor a build context",
                               }));
}

TEST(LoadAsCompose, FindsDependencyCycles) {
  const Loaded loaded("services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}\n", as_compose());
  EXPECT_EQ(loaded.messages(), (Messages{"compose.yaml:1:71: dependency cycle detected: a -> b -> a"}));
}

TEST(LoadAsCompose, UnsetVariablesBecomeEmptyWithOneWarningEach) {
  const Loaded loaded("services: {a: {image: \"x$T\", hostname: \"$T\"}}\n", as_compose());
  EXPECT_EQ(loaded.messages(), (Messages{"compose.yaml:1:23: the variable `T` is not set; it becomes an empty text"}));
  EXPECT_EQ(loaded.service("a").image->value, "x");
}

TEST(Extends, InheritsAcrossFilesRelativeToTheBase) {
  const Loaded loaded(
      {{"compose.yaml", "services:\n  a:\n    extends: {file: sub/base.yaml, service: base}\n    environment: [B=2]\n"},
       {"sub/base.yaml",
        "services:\n  base: {build: ./ctx, environment: {A: 1, B: 1}, ports: !reset [], profiles: [defang]}\n"}});
  ASSERT_TRUE(loaded.project) << testing::PrintToString(loaded.messages());
  EXPECT_EQ(loaded.service("a").build->context, "/project/sub/ctx");
  EXPECT_EQ(loaded.service("a").environment.size(), 2u);
  EXPECT_EQ(loaded.service("a").build->context_span.text(), "sub/base.yaml:2:17");
}

TEST(Extends, NamesTheCycle) {
  const Loaded loaded("services:\n  a: {extends: b}\n  b: {extends: a}\n");
  EXPECT_EQ(loaded.messages()[0], "compose.yaml:2:7: circular reference of `extends` in `compose.yaml`: a -> b -> a");
}

TEST(Extends, ProposesTheServiceThatWasMeant) {
  const Loaded loaded("services:\n  base: {image: x}\n  a: {extends: bsae}\n");
  EXPECT_EQ(loaded.messages()[0],
            "compose.yaml:3:16: cannot extend service `a`: service `bsae` not found in `compose.yaml`");
  EXPECT_EQ(loaded.diagnostics.all()[0].help, "did you mean `base`?");
}

TEST(Extends, AMistakeInABaseIsReportedOnce) {
  const Loaded loaded(
      {{"compose.yaml",
        "services:\n  a: {extends: {file: b.yaml, service: x}}\n  b: {extends: {file: b.yaml, service: x}}\n"},
       {"b.yaml", "services: {x: {image: x, ports: [\"x:80\"]}}\n"}});
  EXPECT_EQ(loaded.messages(), (Messages{"b.yaml:1:34: `services.x.ports`: `x:80` has an invalid host port"}));
}

TEST(Include, LoadsAProjectOfItsOwnAndTheIncludingFileWins) {
  const Loaded loaded({{"compose.yaml", "include: [sub/c.yaml]\nservices: {a: {image: mine}}\n"},
                       {"sub/c.yaml", "services: {a: {image: theirs, build: .}, b: {image: \"$T\"}}\n"},
                       {"sub/.env", "T=t\n"}});
  ASSERT_TRUE(loaded.project) << testing::PrintToString(loaded.messages());
  EXPECT_EQ(loaded.service("a").image->value, "mine");
  EXPECT_EQ(loaded.service("a").build->context, "/project/sub");
  EXPECT_EQ(loaded.service("b").image->value, "t");
}

TEST(Include, RefusesACycle) {
  const Loaded loaded({{"compose.yaml", "include: [b.yaml]\n"}, {"b.yaml", "include: [compose.yaml]\n"}});
  EXPECT_EQ(loaded.messages()[0], "b.yaml:1:11: include cycle detected: compose.yaml -> b.yaml -> compose.yaml");
}

TEST(Merge, ListsGrowCommandsAreReplacedAndTagsReset) {
  const Loaded loaded(
      {{"compose.yaml", "services:\n  a: {image: x, command: one, ports: ['1:1'], expose: [5], environment: {A: 1}}\n"},
       {"compose.override.yaml",
        "services:\n  a: {command: two, ports: ['2:2'], expose: !override [6], environment: !reset }\n"}});
  ASSERT_TRUE(loaded.project) << testing::PrintToString(loaded.messages());
  const Service& a = loaded.service("a");
  EXPECT_EQ(**a.command, (std::vector<std::string>{"two"}));
  EXPECT_EQ(a.ports.size(), 2u);
  ASSERT_EQ(a.expose.size(), 1u);
  EXPECT_EQ(a.expose[0].value, "6");
  EXPECT_TRUE(a.environment.empty());
}

TEST(Merge, LimitsOfABuildAreMergedAndThoseOfAServiceReplaced) {
  const Loaded loaded(
      {{"compose.yaml",
        "services: {a: {image: x, build: {context: ., ulimits: {nofile: {soft: 1, hard: 3}}},"
        " ulimits: {nofile: {soft: 1, hard: 3}}}}\n"},
       {"over.yaml",
        "services: {a: {build: {ulimits: {nofile: {soft: 2}}}, ulimits: {nofile: {soft: 2, hard: 2}}}}\n"}},
      {.files = {"compose.yaml", "over.yaml"}});
  ASSERT_TRUE(loaded.project) << testing::PrintToString(loaded.messages());
  const std::string yaml = to_yaml(loaded.project->canonical);
  EXPECT_NE(yaml.find("nofile:\n          hard: 3\n          soft: 2\n"), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("nofile:\n        hard: 2\n        soft: 2\n"), std::string::npos) << yaml;
}

TEST(Merge, RefusesAMappingOverAText) {
  const Loaded loaded({{"compose.yaml", "services: {a: {image: x, deploy: {replicas: 1}}}\n"},
                       {"compose.override.yaml", "services: {a: {deploy: 5}}\n"}});
  EXPECT_EQ(loaded.messages()[0],
            "compose.override.yaml:1:24: cannot override `services.a.deploy`: it is a mapping, and a number here");
}

TEST(EnvFiles, AreFoldedInAndTheServiceWins) {
  const Loaded loaded({{"compose.yaml", "services: {a: {image: x, env_file: [a.env, b.env], environment: {C: own}}}\n"},
                       {"a.env", "A=1\nB=a\nC=a\n"},
                       {"b.env", "B=b\n"}});
  ASSERT_TRUE(loaded.project) << testing::PrintToString(loaded.messages());
  std::string all;
  for (const EnvironmentVariable& variable : loaded.service("a").environment)
    all += variable.name + "=" + variable.value->at(0).text + " ";
  EXPECT_EQ(all, "A=1 B=b C=own ");
}

TEST(EnvFiles, MustExistUnlessTheyNeedNot) {
  EXPECT_EQ(Loaded("services: {a: {image: x, env_file: no.env}}\n").messages()[0],
            "compose.yaml:1:36: cannot read `no.env`: no such file");
  EXPECT_TRUE(Loaded("services: {a: {image: x, env_file: [{path: no.env, required: false}]}}\n").project);
}

TEST(Profiles, DefangLoadsItsOwnAndComposeThoseAskedFor) {
  const std::string text =
      "services: {a: {image: x}, b: {image: x, profiles: [defang]}, c: {image: x, profiles: [p]}}\n";
  EXPECT_EQ(Loaded(text).project->disabled_services, (std::vector<std::string>{"c"}));
  EXPECT_EQ(Loaded(text, as_compose({{"COMPOSE_PROFILES", "p"}})).project->disabled_services,
            (std::vector<std::string>{"b"}));
}

TEST(Discovery, LooksInParentsAndTakesTheOverrideBesideTheFile) {
  Diagnostics diagnostics;
  const FakeDisk disk({{"/project/compose.yml", "services: {a: {image: x}}\n"},
                       {"/project/docker-compose.override.yml", "services: {a: {image: y}}\n"},
                       {"/project/sub/deep/file", ""}},
                      "/project/sub/deep");
  const auto project = load({}, disk, diagnostics);
  ASSERT_TRUE(project);
  EXPECT_EQ(project->folder, "/project");
  EXPECT_EQ(project->services.at("a").image->value, "y");
}

TEST(ProjectName, ComesFromOptionThenFileThenFolder) {
  EXPECT_EQ(Loaded("services: {a: {image: x}}\n").project->name, "project");
  EXPECT_EQ(Loaded("name: My.App_1\nservices: {a: {image: x}}\n").project->name, "myapp_1");
  EXPECT_EQ(Loaded("name: n\nservices: {a: {image: x}}\n", {.project_name = "own"}).project->name, "own");
  EXPECT_EQ(Loaded("services: {a: {image: x}}\n", {.project_name = "My App"}).messages()[0],
            ": invalid project name `My App`");
}

TEST(Canonical, YamlQuotesWhatLooksLikeANumber) {
  const Loaded loaded(
      "services: {a: {image: x, environment: {A: '65e1234', B: 'yes', C: '22:22', D: \"a\\nb\\n\"}}}\n");
  const std::string yaml = to_yaml(loaded.project->canonical);
  EXPECT_NE(yaml.find("A: \"65e1234\""), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("B: \"yes\""), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("C: \"22:22\""), std::string::npos) << yaml;
  EXPECT_NE(yaml.find("D: |\n        a\n        b\n"), std::string::npos) << yaml;
}

TEST(Canonical, YamlLoadsAsItself) {
  const std::string text =
      "name: p\nservices: {a: {build: {context: ., args: {X: '1'}}, ports: ['1-2:3-4'], command: ['a b', '-', ''],"
      " environment: {N: , Q: '\"', S: ' s', T: \"t\\n\\n\", U: 'a: b', V: \"\\t\"},\n    labels: {k: '#x', ? '" +
      std::string(2000, 'l') + "' : long}}}\n";
  const Loaded first(text);
  ASSERT_TRUE(first.project);
  const std::string yaml = to_yaml(first.project->canonical);
  const Loaded second(yaml);
  ASSERT_TRUE(second.project) << yaml << testing::PrintToString(second.messages());
  EXPECT_EQ(to_json(second.project->canonical), to_json(first.project->canonical));
}

TEST(Load, AMistakeOfOnePhaseHidesNoneOfALaterOne) {
  const Loaded loaded(
      "services:\n"
      "  web:\n"
      "    image: ${TAG:?which}\n"
      "    prots: [80]\n"
      "    mem_limit: much\n"
      "    networks: [bakc]\n"
      "    depends_on: [dbb]\n"
      "  db: {image: postgres, ports: [\"1:2:3:4:5\"]}\n"
      "networks: {back: }\n",
      as_compose());
  EXPECT_EQ(loaded.messages(),
            (Messages{
                "compose.yaml:3:12: `services.web.image`: required variable `TAG` is missing a value: which",
                "compose.yaml:4:5: unknown key `prots` in `services.web`",
                "compose.yaml:5:16: `services.web.mem_limit`: `much` is no size",
                "compose.yaml:6:16: service `web` refers to undefined network `bakc`",
                "compose.yaml:7:18: service `web` depends on undefined service `dbb`",
                "compose.yaml:8:33: `services.db.ports`: `1:2:3:4:5` has an IPv6 address without brackets",
            }));
}

TEST(Load, WhatWasWrongIsNotAlsoMissing) {
  const Loaded loaded("services:\n  a: {imaeg: x, networks: [n]}\nnetworks: {n: 5}\n", as_compose());
  EXPECT_EQ(loaded.messages(), (Messages{
                                   "compose.yaml:2:7: unknown key `imaeg` in `services.a`",
                                   "compose.yaml:3:15: `networks.n` must be a mapping, not a number",
                               }));
}

TEST(Load, AMistakeThatIsInheritedIsSaidOnce) {
  const Loaded loaded("services:\n  base: {image: x, mem_limit: 5x}\n  a: {extends: base}\n  b: {extends: base}\n");
  EXPECT_EQ(loaded.messages(), (Messages{"compose.yaml:2:31: `services.base.mem_limit`: `5x` is no size"}));
}

TEST(Load, ShowsTheChainOfIncludesAndExtendsThatLedToAMistake) {
  const Loaded loaded({{"compose.yaml", "include: [sub/more.yaml]\n"},
                       {"sub/more.yaml", "services:\n  a:\n    extends: {file: base.yaml, service: base}\n"},
                       {"sub/base.yaml", "services:\n  base:\n    image: x\n    prots: [80]\n"}});
  ASSERT_EQ(loaded.messages(), (Messages{"sub/base.yaml:4:5: unknown key `prots` in `services.a`"}));
  std::vector<std::string> chain;
  for (const auto& related : loaded.diagnostics.all()[0].related)
    chain.push_back(related.span.text() + ": " + related.message);
  EXPECT_EQ(chain, (Messages{
                       "sub/more.yaml:3:41: `a` extends `base` of that file here",
                       "compose.yaml:1:11: included from here",
                   }));
}

TEST(Load, ListsTheVariablesOfEveryFile) {
  Diagnostics diagnostics;
  const std::map<std::string, std::string> files{
      {"/project/compose.yaml", "include: [b.yaml]\nservices: {a: {image: \"${A:-x${B}}\", profiles: [p]}}\n"},
      {"/project/b.yaml", "services: {b: {image: \"${C:?c} $D ${A:+y} $${E}\"}}\n"}};
  const FakeDisk disk(files);
  std::vector<std::string> uses;
  for (const VariableUse& use : variables_of({}, disk, diagnostics))
    uses.push_back(use.name + (use.required ? "!" : "") + " -" + use.default_value + " +" + use.alternate_value);
  EXPECT_EQ(uses, (std::vector<std::string>{"A -x${B} +y", "B - +", "C! - +", "D - +"}));
  EXPECT_FALSE(diagnostics.has_errors());
}

TEST(Advice, WarnsOfWhatIsLegalAndSeldomMeant) {
  const Loaded loaded(
      "services:\n"
      "  web:\n"
      "    image: nginx:latest\n"
      "    ports: [\"8080:80\", \"80:3000\", \"5000:5000\"]\n"
      "    environment:\n"
      "      DB_PASSWORD: hunter22\n"
      "      DB_PASSWORD_FILE: /run/secrets/db\n"
      "      TOKEN_TTL: 3600s\n"
      "      DATABASE: postgres://app:hunter22@db/app\n"
      "      OTHER: postgres://app@db/app\n"
      "      API_KEY: ${API_KEY}\n"
      "      OPENAI: sk-1234567890abcdefgh\n");
  EXPECT_EQ(loaded.messages(),
            (Messages{
                "compose.yaml:3:12: service `web`: the tag `latest` is another image tomorrow, and nothing tells when",
                "compose.yaml:4:13: service `web` publishes port 80 as 8080, and on Azure nothing answers on 8080",
                "compose.yaml:6:7: service `web`: the value of `DB_PASSWORD` looks like a secret, and everybody who "
                "reads the deployment can read it",
                "compose.yaml:9:7: service `web`: the value of `DATABASE` looks like a secret, and everybody who reads "
                "the deployment can read it",
                "compose.yaml:12:7: service `web`: the value of `OPENAI` looks like a secret, and everybody who reads "
                "the deployment can read it",
            }));
  for (const Diagnostic& diagnostic : loaded.diagnostics.all())
    EXPECT_EQ(to_text(diagnostic).find("hunter22"), std::string::npos);
}

TEST(Advice, NamesQuotesWithoutAPartner) {
  const Loaded loaded(
      {{"compose.yaml", "services: {a: {image: x}}\n"}, {".env", "A=it's\nB=x\"\nC=\"x\"y\nD='z' # c\n"}});
  EXPECT_EQ(loaded.messages(),
            (Messages{".env:2:1: the value of `B` ends with a quote that has no partner: it is part of the value",
                      ".env:3:1: what follows the closing quote of `C` is no part of its value"}));
}

TEST(Load, KeepsWhatIsExtendedWhereATagStandsAboveOrOnTheService) {
  for (const std::string text : {"services: !override {base: {image: x, tty: true}, a: {extends: base}}\n",
                                 "services: {base: {image: x, tty: true}, a: !override {extends: base}}\n"}) {
    Diagnostics diagnostics;
    const auto project =
        load({.loader = LoadOptions::Loader::compose}, FakeDisk({{"/project/compose.yaml", text}}), diagnostics);
    ASSERT_TRUE(project);
    EXPECT_EQ(project->canonical.find("services")->find("a")->find("image")->text, "x");
  }
}

TEST(Load, RefusesWhatItsTypeCannotHold) {
  const auto error_of = [](const std::string& attribute) {
    Diagnostics diagnostics;
    load({.loader = LoadOptions::Loader::compose},
         FakeDisk({{"/project/compose.yaml", "services: {a: {image: x, " + attribute + "}}\n"}}), diagnostics);
    return diagnostics.all().empty() ? "" : diagnostics.all()[0].message;
  };
  EXPECT_EQ(error_of("expose: [1.0]"), "`services.a.expose[0]` must be a text or a whole number, not a number");
  EXPECT_EQ(error_of("healthcheck: {retries: -1}"),
            "`services.a.healthcheck.retries` must be greater than or equal to 0");
  EXPECT_EQ(error_of("mem_limit: 9223372036854775808"), "`services.a.mem_limit`: `9223372036854775808` is no size");
  EXPECT_EQ(error_of("build: {context: ., additional_contexts: [a]}"),
            "`services.a.build.additional_contexts`: `a` names no context");
  EXPECT_EQ(error_of("env_file: \"\""), "`services.a.env_file`: the path is empty");
  EXPECT_EQ(error_of("command: [!!binary x]"), "what `!!binary` marks must be a text in base64");
  EXPECT_EQ(error_of("command: [!!binary aGk=], labels: !reset {1: a, b: 1, b: 2}"), "");
}

}  // namespace
}  // namespace defang::compose
