// Real containers behind the emulator's runtime: what Azure's network refuses is refused here too.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "emulator/engines/container_runtime.h"
#include "emulator/engines/root_mount.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;
using testing::AnyOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using Phase = ContainerState::Phase;

constexpr auto kBaseImages = DEFANG_SOURCE_DIR "/build/base-images";

class NoAccess final : public RegistryAccess {
 public:
  std::optional<std::string> principal_of(const std::string&) const override { return std::nullopt; }
  bool may(const std::string&, const std::string&, Right) const override { return false; }
  std::optional<AdminUser> admin(const std::string&) const override { return std::nullopt; }
};

/// Waits until something becomes true; false: it did not within the limit.
template <class Holds>
bool eventually(Holds holds, std::chrono::milliseconds limit = 20s) {
  for (const auto end = std::chrono::steady_clock::now() + limit; std::chrono::steady_clock::now() < end;) {
    if (holds()) return true;
    std::this_thread::sleep_for(20ms);
  }
  return false;
}

std::string fetch(const std::string& url, const std::string& host = "localhost") {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(static_cast<std::uint16_t>(to_number(url.substr(url.rfind(':') + 1)).value_or(0)));
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const Descriptor socket(::socket(AF_INET, SOCK_STREAM, 0));
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&place), sizeof place) != 0) return "refused";
  const auto request = "GET /index.html HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  (void)!::write(socket.number(), request.data(), request.size());
  std::string answer;
  char buffer[4096];
  for (ssize_t size = 0; (size = ::read(socket.number(), buffer, sizeof buffer)) > 0;) {
    answer.append(buffer, static_cast<std::size_t>(size));
  }
  return answer;
}

/// One runtime for all tests: it proves its engine and imports the base image once.
class ContainersTest : public testing::Test {
 public:
  struct World {
    std::filesystem::path folder = fmt::format("/tmp/defang-containers-test.{}", ::getpid());
    NoAccess access;
    std::unique_ptr<Processes> processes = make_processes();
    std::unique_ptr<Disk> disk = make_real_disk();
    std::unique_ptr<Clock> clock = make_system_clock();
    std::unique_ptr<Random> random = make_system_random();
    std::unique_ptr<Registries> registries = make_registries(folder / "registries", access, *clock, *random);
    std::unique_ptr<Runtime> runtime;
    std::string why_not;

    explicit World(const std::string& engine) {
      std::filesystem::create_directories(folder / "certificates");
      const auto base = processes->run({.arguments = {DEFANG_SOURCE_DIR "/scripts/busybox-image", kBaseImages}}, {});
      if (!base || base->exit_code != 0) why_not = base ? base->error_output : base.error().message;
      RuntimeOptions options;
      options.folder = folder / "engine";
      options.engine = engine;
      options.base_images = kBaseImages;
      options.certificate_folder = folder / "certificates";
      auto made = make_runtime(options, *processes, *disk, *clock, *registries);
      if (made) runtime = std::move(*made);
      if (!made) why_not = made.error().message;
    }
    ~World() {
      runtime.reset();
      std::error_code ignored;
      std::filesystem::remove_all(folder, ignored);
    }
  };
  void SetUp() override {
    for (const auto* environment : {"blue", "green"}) {
      const auto started = world->runtime->start_environment(environment, std::string(environment) + ".example.io");
      ASSERT_TRUE(started) << started.error().message;
    }
  }
  void TearDown() override {
    for (const auto* environment : {"blue", "green"}) world->runtime->stop_environment(environment);
  }

  static World* world;

 protected:
  Runtime& runtime() { return *world->runtime; }

  /// A replica that runs a shell script, and waits until it runs.
  std::string start(const std::string& name, const std::string& script, const std::string& environment = "blue",
                    const std::map<std::string, Secret>& variables = {}) {
    static int counter = 0;
    const auto id = fmt::format("{}-{}", name, ++counter);
    ReplicaSpec spec;
    spec.id = id;
    spec.environment = environment;
    spec.containers.push_back({.name = "main",
                               .image = "docker.io/library/busybox:latest",
                               .command = {"/bin/sh", "-c", script},
                               .environment = variables,
                               .memory_bytes = 64 << 20});
    const auto started = runtime().start_replica(spec);
    EXPECT_TRUE(started);
    EXPECT_TRUE(eventually([&] { return state(id).phase == Phase::running || state(id).phase == Phase::exited; }))
        << name << state(id).reason << state(id).message;
    return id;
  }
  ContainerState state(const std::string& id) { return runtime().replica_state(id).value().containers.at(0); }

  /// A web server behind an app of that name.
  std::string serve(const AppAddress& app, std::uint16_t port) {
    const auto declared = runtime().declare_app(app);
    EXPECT_TRUE(declared) << declared.error().message;
    const auto script = fmt::format("echo hello from {0} > index.html; exec httpd -f -p {1}", app.name, port);
    const auto id = start(app.name, script, app.environment);
    EXPECT_TRUE(eventually([&] { return runtime().replica_state(id)->listening == std::vector<std::uint16_t>{port}; }));
    runtime().route(app.id, {{id, 100}}, Meanwhile::refuse);
    return id;
  }

  /// What a script in a fresh replica prints, when it has ended.
  std::string inside(const std::string& script, const std::string& environment = "blue") {
    const auto id = start("asker", script + "; echo end", environment);
    EXPECT_TRUE(eventually([&] { return state(id).phase == Phase::exited; })) << script;
    std::string text;
    EXPECT_TRUE(eventually([&] {
      text = console(id);
      return text.ends_with("end\n");
    })) << text;
    return text.substr(0, text.size() - std::min<std::size_t>(text.size(), 4));
  }
  std::string console(const std::string& id) {
    std::string text;
    for (const auto& line : runtime().console(id, "main", 0, 1000).lines) text += line.text + "\n";
    return text;
  }
  static std::string get(const std::string& url) { return "wget -q -O - " + url + " 2>&1 || echo refused"; }

  static AppAddress http_app(const std::string& name, std::uint16_t target) {
    AppAddress app;
    app.id = "/apps/" + name;
    app.environment = "blue";
    app.name = name;
    app.http_target = target;
    return app;
  }
  static AppAddress tcp_app(const std::string& name, std::uint16_t port) {
    auto app = http_app(name, 0);
    app.http_target.reset();
    app.tcp.push_back({.exposed = port, .target = port});
    return app;
  }
};
ContainersTest::World* ContainersTest::world = nullptr;

TEST_F(ContainersTest, SiblingsReachADeclaredTcpPort) {
  serve(tcp_app("api", 8080), 8080);
  EXPECT_EQ(inside(get("http://api:8080/index.html")), "hello from api\n");
  EXPECT_EQ(inside(get("http://api.internal.blue.example.io:8080/index.html")), "hello from api\n");
}

TEST_F(ContainersTest, AnHttpAppAnswersAtPort80AndNeverAtItsTargetPort) {
  serve(http_app("web", 8080), 8080);
  EXPECT_EQ(inside(get("http://web/index.html")), "hello from web\n");
  EXPECT_THAT(inside(get("http://web:8080/index.html")), HasSubstr("refused"));
}

TEST_F(ContainersTest, AnUndeclaredPortIsRefused) {
  serve(tcp_app("api", 8080), 8080);
  EXPECT_THAT(inside(get("http://api/index.html")), HasSubstr("refused"));
  EXPECT_THAT(inside(get("http://api:5432/")), HasSubstr("refused"));
}

TEST_F(ContainersTest, AReplicasOwnAddressIsNoWayAroundTheIngress) {
  serve(tcp_app("api", 8080), 8080);
  const auto other = start("other", "hostname -i; exec httpd -f -p 9000");
  ASSERT_TRUE(eventually([&] { return !console(other).empty(); }));
  const auto address = std::string(trim(console(other)));
  EXPECT_THAT(address, HasSubstr("10."));
  const auto answer = inside(get("http://" + address + ":9000/"));
  EXPECT_THAT(answer, AnyOf(HasSubstr("refused"), HasSubstr("unreachable")));
}

TEST_F(ContainersTest, AnAppOfAnotherEnvironmentHasNoNameAndNoAddress) {
  serve(tcp_app("api", 8080), 8080);
  const auto address = std::string(trim(inside("nslookup api | grep Address: | tail -1 | cut -d' ' -f2")));
  EXPECT_THAT(address, HasSubstr("100."));
  EXPECT_THAT(inside(get("http://api:8080/index.html"), "green"), HasSubstr("bad address"));
  EXPECT_THAT(inside(get("http://" + address + ":8080/index.html"), "green"), HasSubstr("refused"));
}

TEST_F(ContainersTest, APublicAppAnswersOnLoopbackAndAnInternalOneDoesNot) {
  auto app = http_app("web", 8000);
  app.external = true;
  serve(app, 8000);
  serve(tcp_app("db", 5432), 5432);
  const auto entries = runtime().ingress();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].fqdn, "web.blue.example.io");
  EXPECT_THAT(fetch(entries[0].url), HasSubstr("hello from web"));
}

TEST_F(ContainersTest, ATcpPortIsPublicOnlyWhenAskedFor) {
  serve(tcp_app("db", 5432), 5432);
  EXPECT_EQ(runtime().ingress().size(), 0u);
  auto open = tcp_app("queue", 5672);
  open.tcp[0].external = true;
  serve(open, 5672);
  const auto entries = runtime().ingress();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_THAT(entries[0].url, testing::StartsWith("tcp://127.0.0.1:"));
  EXPECT_THAT(fetch(entries[0].url), HasSubstr("hello from queue"));
}

TEST_F(ContainersTest, WithoutAReadyReplicaTheIngressSays503) {
  auto app = http_app("web", 8000);
  app.external = true;
  ASSERT_TRUE(runtime().declare_app(app));
  EXPECT_THAT(fetch(runtime().ingress().at(0).url), HasSubstr("503 Service Unavailable"));
}

TEST_F(ContainersTest, ThePublicPortSurvivesARedeclaration) {
  auto app = http_app("web", 8000);
  app.external = true;
  serve(app, 8000);
  const auto before = runtime().ingress().at(0).url;
  app.custom_domains = {{"www.example.org", std::nullopt}};
  ASSERT_TRUE(runtime().declare_app(app));
  EXPECT_EQ(runtime().ingress().at(0).url, before);
  EXPECT_THAT(fetch(before), HasSubstr("hello from web"));
}

TEST_F(ContainersTest, AnExitIsSeenAndARestartCounts) {
  const auto id = start("job", "echo working; exit 3");
  ASSERT_TRUE(eventually([&] { return state(id).phase == Phase::exited; }));
  EXPECT_EQ(state(id).exit_code, 3);
  EXPECT_EQ(state(id).reason, "Error");
  runtime().restart_container(id, "main", 0ms);
  ASSERT_TRUE(eventually([&] { return state(id).restarts == 1 && state(id).phase == Phase::exited; }));
  EXPECT_EQ(console(id), "working\nworking\n");
}

TEST_F(ContainersTest, AMissingImageIsToldInTheEnginesWords) {
  ReplicaSpec spec{.id = "missing", .environment = "blue", .init_containers = {}, .containers = {}, .ports = {}};
  spec.containers.push_back({.name = "main", .image = "localhost:9/nothing:here"});
  ASSERT_TRUE(runtime().start_replica(spec));
  ASSERT_TRUE(eventually([&] { return state("missing").phase == Phase::waiting; }));
  EXPECT_EQ(state("missing").reason, "ErrImagePull");
  EXPECT_THAT(state("missing").message, AnyOf(HasSubstr("localhost:9"), HasSubstr("connection refused")));
}

TEST_F(ContainersTest, VariablesArriveWhateverTheirNames) {
  const auto id = start("env", "echo \"$PLAIN|$HOME|$TWO\"", "blue",
                        {{"PLAIN", Secret("a b")}, {"HOME", Secret("/srv")}, {"TWO", Secret("1\n2")}});
  ASSERT_TRUE(eventually([&] { return console(id) == "a b|/srv|1\n2\n"; })) << console(id);
}

TEST_F(ContainersTest, AStoppedReplicaIsGoneAndItsConsoleStays) {
  const auto id = start("web", "echo started; exec httpd -f -p 80");
  ASSERT_TRUE(eventually([&] { return runtime().probe(id, {.kind = Probe::Kind::tcp, .port = 80}, {}).success; }));
  runtime().stop_replica(id, 0ms);
  EXPECT_EQ(runtime().replica_state(id), std::nullopt);
  EXPECT_EQ(console(id), "started\n");
}

TEST_F(ContainersTest, ABuildSaysWhatItDoesAndItsImageRuns) {
  const auto context = world->folder / "context";
  ASSERT_TRUE(world->disk->write(context / "greeting", "hello\n", Disk::Access::everyone));
  ASSERT_TRUE(
      world->disk->write(context / "Dockerfile",
                         "FROM busybox\nARG WHO\nCOPY --link greeting /greeting\nRUN echo \"$WHO\" >> /greeting\n"
                         "CMD [\"cat\", \"/greeting\"]\n",
                         Disk::Access::everyone));
  std::string log;
  BuildRequest request{.context = context,
                       .arguments = {{"WHO", Secret("world")}},
                       .image_names = {"localhost/greeter:1"},
                       .push = false,
                       .log = [&](std::string_view piece) { log += piece; }};
  const auto refused = runtime().build(request, {});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("the --link option requires BuildKit"));
  request.buildkit = true;
  const auto built = runtime().build(request, {});
  ASSERT_TRUE(built) << built.error().message << log;
  EXPECT_THAT(log, HasSubstr("STEP 4/5: RUN echo"));
  ReplicaSpec spec{.id = "greeter", .environment = "blue", .init_containers = {}, .containers = {}, .ports = {}};
  spec.containers.push_back({.name = "main", .image = "localhost/greeter:1"});
  ASSERT_TRUE(runtime().start_replica(spec));
  EXPECT_TRUE(eventually([&] { return console("greeter") == "hello\nworld\n"; })) << console("greeter");
}

TEST_F(ContainersTest, ABuildThatFailsSaysWhy) {
  const auto context = world->folder / "failing";
  ASSERT_TRUE(world->disk->write(context / "Dockerfile", "FROM busybox\nRUN echo about to fail; exit 7\n",
                                 Disk::Access::everyone));
  std::string log;
  const auto built = runtime().build({.context = context,
                                      .image_names = {"localhost/failing:1"},
                                      .push = false,
                                      .log = [&](std::string_view piece) { log += piece; }},
                                     {});
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().code, "build-failed");
  EXPECT_THAT(log, HasSubstr("about to fail"));
  EXPECT_THAT(built.error().message, HasSubstr("7"));
}

}  // namespace

/// 77: skipped.
int run(int argc, char** argv) {
  if (const auto ready = restart_where_root_is_mounted(DEFANG_SOURCE_DIR "/build/root"); !ready)
    fmt::print(stderr, "{}\n", ready.error().message);
  testing::InitGoogleTest(&argc, argv);
  const std::string_view last = argc > 1 ? argv[argc - 1] : "";
  ContainersTest::World world(last.starts_with("--engine=") ? std::string(last.substr(9)) : "podman");
  if (!world.runtime) {
    fmt::print(stderr, "skipped: no containers run here: {}\n", world.why_not);
    return 77;
  }
  ContainersTest::world = &world;
  return RUN_ALL_TESTS();
}

}  // namespace defang::emulator

int main(int argc, char** argv) { return defang::emulator::run(argc, argv); }
