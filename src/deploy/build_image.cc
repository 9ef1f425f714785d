#include "deploy/build_image.h"

#include <fmt/format.h>

#include <algorithm>

#include "compose/dockerfile.h"
#include "deploy/build_context.h"
#include "deploy/build_locally.h"
#include "deploy/diagnostics.h"
#include "deploy/state_storage.h"
#include "rest/blob_client.h"
#include "rest/registry_client.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr std::uint64_t kBigContext = 100ull << 20;
constexpr std::size_t kLargestShown = 5;
constexpr int kBuildSeconds = 4 * 3600;  // ACR-24: 300 to 28800
constexpr auto kSourceUrlLife = 5h;      // longer than the build that reads it

// `pack` as registry tasks run it, and a builder that knows the usual languages.
constexpr std::string_view kPackImage = "mcr.microsoft.com/oryx/pack:stable";
constexpr std::string_view kBuilder = "docker.io/paketobuildpacks/builder-jammy-base";

Json platform_of(const std::string& platform) {
  const auto parts = split(platform, '/');
  Json out = {{"os", equals_ignoring_case(parts[0], "windows") ? "Windows" : "Linux"}, {"architecture", "amd64"}};
  if (parts.size() > 1) out["architecture"] = parts[1];
  if (parts.size() > 2) out["variant"] = parts[2];
  return out;
}

Json values_of(const graph::BuildImage& build) {
  Json values = Json::array();
  // Arguments may hold anything; a registry shows in its log what it is not told to keep (ACR-32).
  for (const auto& [name, value] : build.args) values.push_back({{"name", name}, {"value", value}, {"isSecret", true}});
  return values;
}

/// A text as it stands between double quotes of YAML, which escapes as JSON does.
std::string escaped(const std::string& text) {
  const std::string quoted = Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  return quoted.substr(1, quoted.size() - 2);
}

/// A task with BuildKit, which a plain request for a build does not get: recorded runs of those are made by the older
/// builder ("Step 1/6 : FROM ..."), which refuses `RUN --mount` and its like. The variable is what registry tasks
/// document for it (ACR-27). Values reach the build by its environment, so that no command line shows them (ACR-32):
/// BuildKit takes secrets from there, and arguments without a value. `.Values` is filled in before YAML is read.
std::string buildkit_task(const graph::BuildImage& build, const std::string& dockerfile, const std::string& image) {
  std::string command = fmt::format("-t {} -f {}", image, shell_words({dockerfile})), environment;
  if (!build.target.empty()) command += " --target " + shell_words({build.target});
  for (std::size_t i = 0; i < build.args.size(); ++i) {
    command += " --build-arg " + shell_words({build.args[i].first});
    environment += fmt::format("      - \"{}={{{{.Values.arg{}}}}}\"\n", escaped(build.args[i].first), i);
  }
  for (std::size_t i = 0; i < build.secrets.size(); ++i) {
    command += " --secret " + shell_words({fmt::format("id={},env=DEFANG_SECRET_{}", build.secrets[i].id, i)});
    environment += fmt::format("      - \"DEFANG_SECRET_{}={{{{.Values.secret{}}}}}\"\n", i, i);
  }
  return fmt::format(
      "version: v1.1.0\n"
      "steps:\n"
      "  - build: \"{} .\"\n"
      "    env:\n"
      "      - DOCKER_BUILDKIT=1\n"
      "{}"
      "    timeout: {}\n"
      "  - push: [\"{}\"]\n"
      "    timeout: 1800\n",
      escaped(command), environment, kBuildSeconds, image);
}

/// What fills the task's text in.
Json buildkit_values(const graph::BuildImage& build, const std::vector<Secret>& secrets) {
  const auto entry = [](std::string name, const std::string& value) {
    return Json{{"name", std::move(name)}, {"value", escaped(value)}, {"isSecret", true}};
  };
  Json values = Json::array();
  for (std::size_t i = 0; i < build.args.size(); ++i)
    values.push_back(entry(fmt::format("arg{}", i), build.args[i].second));
  for (std::size_t i = 0; i < secrets.size(); ++i)
    values.push_back(entry(fmt::format("secret{}", i), secrets[i].reveal()));
  return values;
}

/// Registries that want to know who asks, beside the stack's own (ACR-22, `credentials`).
Json credentials_of(const graph::BuildImage& build, const std::vector<Secret>& passwords) {
  const auto opaque = [](const std::string& value) { return Json{{"type", "Opaque"}, {"value", value}}; };
  Json registries = Json::object();
  for (std::size_t i = 0; i < passwords.size(); ++i)
    registries[build.logins[i].server] = {{"userName", opaque(build.logins[i].user)},
                                          {"password", opaque(passwords[i].reveal())}};
  return {{"sourceRegistry", {{"loginMode", "Default"}}}, {"customRegistries", std::move(registries)}};
}

bool needs_buildkit(const graph::BuildImage& build, const BuildContext& context) {
  if (build.buildpacks) return false;
  return !build.secrets.empty() ||
         std::ranges::any_of(compose::parse_dockerfile(context.dockerfile_text).instructions,
                             [](const auto& instruction) { return compose::needs_buildkit(instruction).has_value(); });
}

std::string buildpacks_task(const std::string& image) {
  return fmt::format(
      "version: v1.1.0\n"
      "steps:\n"
      "  - cmd: {} build {} --builder {} -p .\n"
      "    timeout: {}\n"
      "  - push: [\"{}\"]\n"
      "    timeout: 1800\n",
      kPackImage, image, kBuilder, kBuildSeconds, image);
}

std::string megabytes(std::uint64_t bytes) { return fmt::format("{:.1f} MB", static_cast<double>(bytes) / (1 << 20)); }

/// Where a context lies in the container of uploads.
std::string context_blob(const std::string& repository, const std::string& tag) {
  return fmt::format("{}/{}.tar.gz", repository, tag);
}

Result<void> upload_context(rest::BlobClient& blobs, const std::string& blob, const BuildContext& context,
                            const Disk& disk, std::stop_token stop) {
  TRY(blobs.create_container(kUploadsContainer, stop));
  TRY(blobs.put(kUploadsContainer, blob, pack(context, disk), {.content_type = "application/gzip"}, stop));
  return {};
}

class Build {
 public:
  Build(const graph::Action& action, const AzureAccess& access, const PackedContexts* packed, NodeScope& scope,
        std::stop_token stop)
      : node_(action.id),
        build_(std::get<graph::BuildImage>(action.what)),
        access_(access),
        packed_(packed),
        scope_(scope),
        stop_(stop),
        registry_(resource_id(scope.graph(), *scope.graph().resource(build_.registry), scope.stack())) {}

  Result<Outputs> run() {
    TRY_ASSIGN(server_, text_of({build_.registry, graph::Reference::Kind::property, "properties.loginServer", ""}));
    repository_ = repository_of(build_.service);
    TRY(find_context());
    rest::RegistryClient registry(access_.cloud, server_, access_.tenant, access_.tokens, access_.unsigned_pipeline);
    TRY_ASSIGN(const auto known, registry.digest_of(repository_, tag_, stop_));
    if (known && !scope_.rebuild()) return outputs(*known, true);
    tell_size();
    TRY_ASSIGN(std::string digest, build());
    if (digest.empty()) {
      TRY_ASSIGN(const auto built, registry.digest_of(repository_, tag_, stop_));
      if (!built)
        return fail(Error::Kind::refused, "build-left-no-image",
                    fmt::format("the build of service `{}` left no image `{}`", build_.service, image()));
      digest = *built;
    }
    return outputs(digest, false);
  }

 private:
  Result<void> find_context() {
    if (packed_ != nullptr) {
      const auto packed = packed_->find(node_);
      if (packed == packed_->end()) return fail(context_not_packed(build_.service));
      tag_ = packed->second.tag;
      inputs_.dockerfile = packed->second.dockerfile;
      inputs_.needs_buildkit = packed->second.needs_buildkit;
      return {};
    }
    auto context = read_context(build_, access_.disk);
    if (!context) return fail(std::move(context.error().during("reading the build context")));
    context_ = std::move(*context);
    tag_ = image_tag(build_, context_);
    inputs_.dockerfile = context_.dockerfile;
    inputs_.needs_buildkit = needs_buildkit(build_, context_);
    return {};
  }

  Result<void> find_secrets() {
    for (const auto& secret : build_.secrets) {
      TRY_ASSIGN(auto value, text_of(secret.value));
      inputs_.secrets.emplace_back(std::move(value));
    }
    for (const auto& login : build_.logins) {
      TRY_ASSIGN(auto value, text_of(login.password));
      inputs_.registry_passwords.emplace_back(std::move(value));
    }
    return {};
  }

  std::string image() const { return fmt::format("{}/{}:{}", server_, repository_, tag_); }

  Outputs outputs(const std::string& digest, bool unchanged) const {
    Outputs out;
    out.unchanged = unchanged;
    out.texts["image"] = fmt::format("{}/{}@{}", server_, repository_, digest);
    out.texts["digest"] = digest;
    return out;
  }

  Result<std::string> text_of(const graph::Reference& reference) {
    TRY_ASSIGN(const auto value, scope_.resolve(reference));
    if (!value.is_string()) return fail(no_such_output(reference.node, reference.path));
    return value.get<std::string>();
  }

  void tell_size() {
    if (context_.size_bytes < kBigContext) return;
    scope_.log(fmt::format("the build context has {}; its largest entries are:", megabytes(context_.size_bytes)));
    for (const auto& [name, size] : largest_entries(context_, kLargestShown))
      scope_.log(fmt::format("  {} ({})", name, megabytes(size)));
    scope_.log("leave out what the build does not need with a .dockerignore file");
  }

  /// The digest of the new image, empty where it was not told.
  Result<std::string> build() {
    TRY(find_secrets());
    auto built = build_in_registry();
    if (built || built.error().code != "TasksOperationsNotAllowed") return built;
    if (packed_ != nullptr) {
      built.error().help = "leave out `--detach`: then images are built on this machine";
      return built;
    }
    scope_.log("the subscription may not build images in Azure; building here instead");
    auto local = build_locally(build_, context_, inputs_.secrets, image(), server_, access_, scope_, stop_);
    if (!local) return fail(std::move(local.error()));
    return std::string();
  }

  Result<std::string> build_in_registry() {
    rest::RegistryTasks tasks(registry_, access_.arm, access_.unsigned_pipeline, access_.clock);
    TRY_ASSIGN(inputs_.source, upload(tasks));
    scope_.waiting("waiting for a builder");
    TRY_ASSIGN(const std::string run_id, tasks.schedule(build_request(build_, inputs_, image()), stop_));
    bool is_refused = false;
    const auto show = [&](const std::string& line) {
      is_refused = is_refused || contains_ignoring_case(line, "unauthorized: authentication required");
      scope_.log(line);
    };
    auto end = tasks.follow(run_id, show, stop_);
    if (!end && end.error().kind == Error::Kind::stopped) {
      (void)tasks.cancel(run_id, {});  // nobody waits for it any more
      return fail(std::move(end.error()));
    }
    if (!end) return fail(std::move(end.error().during(fmt::format("following the build run `{}`", run_id))));
    if (!end->succeeded()) {
      auto failed = build_failed(build_.service, run_id, end->status, end->error_message);
      if (is_refused) failed.help = base_image_refused();
      return fail(std::move(failed));
    }
    for (const auto& made : end->images)
      if (made.repository == repository_ && (made.tag.empty() || made.tag == tag_) && !made.digest.empty())
        return made.digest;
    return std::string();
  }

  /// Where the run finds the context: the stack's own storage, or where keys are forbidden there the registry's slot.
  Result<std::string> upload(rest::RegistryTasks& tasks) {
    scope_.waiting("uploading the build context");
    auto url = upload_to_storage();
    if (url || url.error().code != "KeyBasedAuthenticationNotPermitted" || packed_ != nullptr) return url;
    TRY_ASSIGN(const auto slot, tasks.upload_slot(stop_));
    TRY(rest::put_to_sas(access_.unsigned_pipeline, slot.upload_url, pack(context_, access_.disk), stop_));
    return slot.relative_path;
  }

  Result<std::string> upload_to_storage() {
    using Kind = graph::Reference::Kind;
    TRY_ASSIGN(const std::string endpoint,
               text_of({build_.storage, Kind::property, "properties.primaryEndpoints.blob", ""}));
    TRY_ASSIGN(std::string key, text_of({build_.storage, Kind::list, "keys[0].value", "listKeys"}));
    const std::string name = scope_.graph().resource(build_.storage)->name;
    rest::BlobClient blobs({name, endpoint, Secret(std::move(key))}, access_.unsigned_pipeline, access_.clock);
    const std::string blob = context_blob(repository_, tag_);
    if (packed_ == nullptr) TRY(upload_context(blobs, blob, context_, access_.disk, stop_));
    return blobs.blob_sas(kUploadsContainer, blob, "r", kSourceUrlLife);
  }

  const std::string& node_;
  const graph::BuildImage& build_;
  const AzureAccess& access_;
  const PackedContexts* packed_;
  NodeScope& scope_;
  std::stop_token stop_;
  azure::ResourceId registry_;
  BuildContext context_;
  BuildInputs inputs_;
  std::string server_, repository_, tag_;
};

}  // namespace

Json build_request(const graph::BuildImage& build, const BuildInputs& inputs, const std::string& image) {
  Json request = {{"isArchiveEnabled", false},
                  {"sourceLocation", inputs.source},
                  {"timeout", kBuildSeconds},
                  {"platform", platform_of(build.platform)},
                  {"agentConfiguration", {{"cpu", 2}}}};
  if (!inputs.registry_passwords.empty()) request["credentials"] = credentials_of(build, inputs.registry_passwords);
  if (build.buildpacks || inputs.needs_buildkit) {
    request["type"] = "EncodedTaskRunRequest";
    request["encodedTaskContent"] =
        base64(build.buildpacks ? buildpacks_task(image) : buildkit_task(build, inputs.dockerfile, image));
    request["values"] = build.buildpacks ? values_of(build) : buildkit_values(build, inputs.secrets);
    return request;
  }
  request["type"] = "DockerBuildRequest";
  request["dockerFilePath"] = inputs.dockerfile;
  request["imageNames"] = Json::array({image});
  request["isPushEnabled"] = true;
  request["noCache"] = false;
  request["arguments"] = values_of(build);
  if (!build.target.empty()) request["target"] = build.target;
  return request;
}

std::string repository_of(const std::string& service) {
  std::string out;
  for (const char c : to_lower(service)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    // A separator may stand between letters or digits only.
    if (plain)
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "service" : out;
}

Result<Outputs> run_build_image(const graph::Action& action, const AzureAccess& access, const PackedContexts* packed,
                                NodeScope& scope, std::stop_token stop) {
  return Build(action, access, packed, scope, stop).run();
}

Result<PackedContexts> upload_contexts(const graph::ResourceGraph& graph, rest::RegistryClient& registry,
                                       rest::BlobClient& blobs, const Disk& disk, ContextUpload wanted,
                                       std::stop_token stop) {
  PackedContexts packed;
  for (const auto& [id, node] : graph.nodes()) {
    const auto* action = std::get_if<graph::Action>(&node);
    const auto* build = action != nullptr ? std::get_if<graph::BuildImage>(&action->what) : nullptr;
    if (build == nullptr) continue;
    auto context = read_context(*build, disk);
    if (!context) return fail(std::move(context.error().during("reading the build context of " + build->service)));
    const auto tag = image_tag(*build, *context);
    packed[id] = {tag, context->dockerfile, needs_buildkit(*build, *context)};
    const auto repository = repository_of(build->service);
    const auto blob = context_blob(repository, tag);
    if (wanted == ContextUpload::of_new_images) {
      TRY_ASSIGN(const auto image, registry.digest_of(repository, tag, stop));
      if (image) continue;
    }
    TRY_ASSIGN(const auto there, blobs.look_at(kUploadsContainer, blob, stop));
    if (!there) TRY(upload_context(blobs, blob, *context, disk, stop));
  }
  return packed;
}

}  // namespace defang::deploy
