#include <gmock/gmock.h>
#include <unistd.h>

#include "emulator/engines/container_runtime.h"

namespace defang::emulator {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Phase = ContainerState::Phase;

class OnePuller final : public RegistryAccess {
 public:
  std::optional<std::string> principal_of(const std::string&) const override { return std::nullopt; }
  bool may(const std::string& principal, const std::string&, Right) const override { return principal == "puller"; }
  std::optional<AdminUser> admin(const std::string&) const override { return std::nullopt; }
};

class NoContainersTest : public testing::Test {
 protected:
  NoContainersTest() {
    RuntimeOptions options;
    options.folder = "/state";
    options.registry_at = [](const std::string& server) {
      return server == "localhost:5001" ? std::optional<std::string>("team") : std::nullopt;
    };
    runtime = make_runtime_without_containers(options, {}, disk, clock, *registries);
    EXPECT_TRUE(runtime->start_environment("blue", "blue.example.io"));
  }
  ~NoContainersTest() override { std::filesystem::remove_all(folder); }

  ContainerState run(ContainerSpec container, const std::vector<std::uint16_t>& ports = {}) {
    container.name = "main";
    EXPECT_TRUE(runtime->start_replica(
        {.id = "replica", .environment = "blue", .containers = {std::move(container)}, .ports = ports}));
    return runtime->replica_state("replica").value().containers.at(0);
  }
  Result<std::vector<BuiltImage>> build(const std::string& dockerfile) {
    EXPECT_TRUE(make_real_disk()->write(folder / "context/Dockerfile", dockerfile, Disk::Access::everyone));
    return runtime->build({.context = folder / "context",
                           .image_names = {"localhost:5001/web:v1"},
                           .log = [&](std::string_view piece) { log += piece; }},
                          {});
  }

  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("no-containers-test." + std::to_string(getpid()));
  OnePuller access;
  FakeDisk disk;
  FakeClock clock;
  std::unique_ptr<Random> random = make_seeded_random(1);
  std::unique_ptr<Registries> registries = make_registries(folder / "registries", access, clock, *random);
  std::unique_ptr<Runtime> runtime;
  std::string log;
};

TEST_F(NoContainersTest, AReplicaRunsAtOnceAndListensOnItsDeclaredPorts) {
  EXPECT_EQ(run({.image = "nginx:1"}, {80}).phase, Phase::running);
  EXPECT_THAT(runtime->replica_state("replica")->listening, ElementsAre(80));
  EXPECT_TRUE(runtime->probe("replica", {.kind = Probe::Kind::http, .port = 80}, {}).success);
  EXPECT_EQ(runtime->probe("replica", {.kind = Probe::Kind::http, .port = 81}, {}).detail, "connection refused");
}

TEST_F(NoContainersTest, AnImageOfTheRegistryMustBeThereAndMayBePulledByThoseWhoMay) {
  const auto puller = registries->login_of("puller", "team", "localhost:5001");
  const auto stranger = registries->login_of("stranger", "team", "localhost:5001");
  const auto missing = run({.image = "localhost:5001/web:v1", .login = puller});
  EXPECT_EQ(missing.reason, "ErrImagePull");
  EXPECT_THAT(missing.message, HasSubstr("manifest unknown"));
  ASSERT_TRUE(build("FROM scratch\n"));
  EXPECT_EQ(run({.image = "localhost:5001/web:v1", .login = puller}).phase, Phase::running);
  EXPECT_THAT(run({.image = "localhost:5001/web:v1", .login = stranger}).message, HasSubstr("unauthorized"));
  EXPECT_THAT(run({.image = "localhost:5001/web:v1"}).message, HasSubstr("unauthorized"));
  EXPECT_THAT(run({.image = "Not A Name"}).message, HasSubstr("invalid reference format"));
}

TEST_F(NoContainersTest, AVariableMakesAContainerExitOrListenElsewhere) {
  const auto exited = run({.image = "a", .environment = {{"DEFANG_EMULATOR_EXIT", Secret("3")}}}, {80});
  EXPECT_EQ(exited.phase, Phase::exited);
  EXPECT_EQ(exited.exit_code, 3);
  EXPECT_THAT(runtime->replica_state("replica")->listening, ElementsAre());
  run({.image = "a", .environment = {{"DEFANG_EMULATOR_LISTENS", Secret("8080")}}}, {80});
  EXPECT_THAT(runtime->replica_state("replica")->listening, ElementsAre(8080));
}

TEST_F(NoContainersTest, OtherSourcesMakeOtherImages) {
  const auto one = build("FROM scratch\n");
  const auto two = build("FROM busybox\n");
  ASSERT_TRUE(one && two);
  EXPECT_NE(one->at(0).digest, two->at(0).digest);
  EXPECT_THAT(log, HasSubstr(one->at(0).digest));
}

TEST_F(NoContainersTest, ABuildFromARegistryThatDoesNotKnowItFails) {
  EXPECT_FALSE(build("FROM nginx AS first\nFROM localhost:5001/base\nCOPY --from=first /a /\n"));
  EXPECT_THAT(log, HasSubstr("unauthorized: authentication required, pulling localhost:5001/base"));
}

TEST_F(NoContainersTest, ABuildWithoutItsFilesFails) {
  const auto built = build("FROM scratch\nCOPY missing.txt /\n");
  ASSERT_FALSE(built);
  EXPECT_EQ(built.error().code, "build-failed");
  EXPECT_THAT(log, HasSubstr("line 2: there is no missing.txt in the context"));
}

}  // namespace
}  // namespace defang::emulator
