#include "deploy/build_locally.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "rest/registry_client.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

namespace fs = std::filesystem;

struct Builder {
  std::string_view program;
  bool has_authfile;  // otherwise its configuration folder is moved, so that the user's own stays as it is
};
constexpr auto kBuilders = std::to_array<Builder>({{"docker", false}, {"podman", true}, {"buildah", true}});

/// A registry's token is a password of this user (ACR-5).
constexpr std::string_view kTokenUser = "00000000-0000-0000-0000-000000000000";

class LocalBuild {
 public:
  LocalBuild(const Builder& builder, const AzureAccess& access, NodeScope& scope, std::stop_token stop)
      : builder_(builder),
        access_(access),
        scope_(scope),
        stop_(stop),
        folder_(fs::path("/tmp") / fmt::format("defang-{}", access.random.uuid())) {}
  ~LocalBuild() { (void)access_.disk.remove(folder_); }
  LocalBuild(const LocalBuild&) = delete;
  LocalBuild& operator=(const LocalBuild&) = delete;

  Result<void> build(const graph::BuildImage& build, const BuildContext& context, const std::vector<Secret>& secrets,
                     const std::string& image) {
    std::vector<std::string> arguments = {
        std::string(builder_.program), "build", "-t", image, "--platform", build.platform};
    std::string dockerfile = (fs::path(context.folder) / context.dockerfile).string();
    if (context.dockerfile_added) {
      dockerfile = (folder_ / "Dockerfile").string();
      TRY(access_.disk.write(dockerfile, context.dockerfile_text));
    }
    arguments.insert(arguments.end(), {"-f", dockerfile});
    if (!build.target.empty()) arguments.insert(arguments.end(), {"--target", build.target});
    std::map<std::string, std::string> environment;
    for (const auto& [name, value] : build.args) {
      arguments.insert(arguments.end(), {"--build-arg", name});
      environment[name] = value;
    }
    for (std::size_t i = 0; i < secrets.size(); ++i) {
      const auto variable = fmt::format("DEFANG_SECRET_{}", i);
      arguments.insert(arguments.end(), {"--secret", fmt::format("id={},env={}", build.secrets[i].id, variable)});
      environment[variable] = secrets[i].reveal();
    }
    arguments.push_back(context.folder.empty() ? folder_.string() : context.folder);
    return run(std::move(arguments), std::move(environment), "", "building the image");
  }

  Result<void> push(const std::string& image, const std::string& server, const Secret& token) {
    auto login =
        with_login({std::string(builder_.program), "login", "--username", std::string(kTokenUser), "--password-stdin"});
    login.push_back(server);
    TRY(run(std::move(login), login_environment(), token.reveal(), "signing in to the registry"));
    auto push = with_login({std::string(builder_.program), "push"});
    push.push_back(image);
    return run(std::move(push), login_environment(), "", "pushing the image");
  }

 private:
  std::vector<std::string> with_login(std::vector<std::string> arguments) const {
    if (builder_.has_authfile) arguments.insert(arguments.end(), {"--authfile", (folder_ / "auth.json").string()});
    return arguments;
  }
  std::map<std::string, std::string> login_environment() const {
    if (builder_.has_authfile) return {};
    return {{"DOCKER_CONFIG", folder_.string()}};
  }

  Result<void> run(std::vector<std::string> arguments, std::map<std::string, std::string> environment,
                   std::string input, const std::string& doing) {
    TRY(access_.disk.make_folder(folder_));
    std::string pending;
    Processes::Command command;
    command.arguments = std::move(arguments);
    command.environment = std::move(environment);
    command.input = std::move(input);
    command.merge_error_output = true;
    command.on_output = [&](std::string_view piece) {
      pending += piece;
      for (auto end = pending.find('\n'); end != std::string::npos; end = pending.find('\n')) {
        scope_.log(std::string(trim(std::string_view(pending).substr(0, end))));
        pending.erase(0, end + 1);
      }
    };
    auto ended = access_.processes.run(command, stop_);
    if (!ended) return fail(std::move(ended.error().during(doing)));
    if (!pending.empty()) scope_.log(pending);
    if (ended->exit_code == 0) return {};
    return fail(
        Error{.kind = Error::Kind::refused,
              .code = "local-build-failed",
              .message = fmt::format("{} with {} failed with exit code {}", doing, builder_.program, ended->exit_code),
              .help = "its output is shown above"});
  }

  const Builder& builder_;
  const AzureAccess& access_;
  NodeScope& scope_;
  std::stop_token stop_;
  fs::path folder_;
};

Result<const Builder*> find_builder(const AzureAccess& access, std::stop_token stop) {
  for (const auto& builder : kBuilders) {
    Processes::Command command;
    command.arguments = {std::string(builder.program), "--version"};
    const auto ended = access.processes.run(command, stop);
    if (ended && ended->exit_code == 0) return &builder;
    if (!ended && ended.error().kind == Error::Kind::stopped) return stopped();
  }
  return fail(Error{.kind = Error::Kind::refused,
                    .code = "no-builder",
                    .message = "the subscription may not build images in Azure, and no builder is installed here",
                    .help = "install docker, podman or buildah; or use a subscription that may run registry tasks"});
}

}  // namespace

Result<void> build_locally(const graph::BuildImage& build, const BuildContext& context,
                           const std::vector<Secret>& secrets, const std::string& image, const std::string& server,
                           const AzureAccess& access, NodeScope& scope, std::stop_token stop) {
  if (build.buildpacks)
    return fail(
        Error{.kind = Error::Kind::refused,
              .code = "no-dockerfile",
              .message = fmt::format("service `{}` has no Dockerfile, and building without one needs registry tasks, "
                                     "which the subscription may not run",
                                     build.service),
              .help = "write a Dockerfile"});
  TRY_ASSIGN(const Builder* builder, find_builder(access, stop));
  rest::RegistryClient registry(access.cloud, server, access.tenant, access.tokens, access.unsigned_pipeline);
  LocalBuild local(*builder, access, scope, stop);
  TRY(local.build(build, context, secrets, image));
  TRY_ASSIGN(const Secret token, registry.refresh_token(stop));
  return local.push(image, server, token);
}

}  // namespace defang::deploy
