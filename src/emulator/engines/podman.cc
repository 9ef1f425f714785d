#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <set>

#include "emulator/engines/build_context.h"
#include "emulator/engines/dockerfile.h"
#include "emulator/engines/engine.h"
#include "emulator/json.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kPullLimit = 10min;
constexpr auto kLookupLimit = 10s;
constexpr auto kStartLimit = 60s;
constexpr auto kProofLimit = 60s;
constexpr std::uint64_t kWantedFiles = 1048576;
constexpr std::uint64_t kWantedProcesses = 4096;  // podman 4.3 lowers its own hard limit to 32768 or so first

#if defined(__aarch64__)
constexpr std::string_view kOwnPlatform = "linux/arm64";
#else
constexpr std::string_view kOwnPlatform = "linux/amd64";
#endif

// Variables that steer podman itself: a container's own value of that name goes in by a file instead.
constexpr auto kNamesOfPodman =
    std::to_array<std::string_view>({"HOME", "LANG", "PATH", "PWD", "SHELL", "TMPDIR", "USER"});
constexpr auto kPrefixesOfPodman = std::to_array<std::string_view>(
    {"BUILDAH_",    "CONTAINER",   "CONTAINERS_", "GODEBUG",   "GOGC",         "GOMAXPROCS",
     "GOMEMLIMIT",  "GOTRACEBACK", "LD_",         "NETAVARK_", "NO_PROXY",     "PODMAN_",
     "REGISTRY_",   "SSL_",        "STORAGE_",    "XDG_",      "_CONTAINERS_", "http_proxy",
     "https_proxy", "HTTP_PROXY",  "HTTPS_PROXY", "no_proxy"});

bool steers_podman(const std::string& name) {
  return std::ranges::find(kNamesOfPodman, name) != kNamesOfPodman.end() ||
         std::ranges::any_of(kPrefixesOfPodman, [&](std::string_view prefix) { return name.starts_with(prefix); });
}

/// A runtime that may not raise limits (no CAP_SYS_RESOURCE) fails as soon as it tries to.
std::string limit_text(std::string_view name, int resource, std::uint64_t wanted) {
  rlimit now{};
  ::getrlimit(static_cast<__rlimit_resource>(resource), &now);
  const auto value = std::min<std::uint64_t>(wanted, now.rlim_max);
  return fmt::format("{}={}:{}", name, value, value);
}

std::string last_line(std::string_view text) {
  text = trim(text);
  const auto at = text.rfind('\n');
  return std::string(trim(at == std::string_view::npos ? text : text.substr(at + 1)));
}

struct ImageName {
  std::string server;
  std::string repository;
  std::string tag;
};
ImageName split_image(const std::string& image) {
  const auto slash = image.find('/');
  const auto colon = image.rfind(':');
  const bool tagged = colon != std::string::npos && colon > image.rfind('/');
  const auto end = tagged ? colon : image.size();
  return {image.substr(0, slash), image.substr(slash + 1, end - slash - 1),
          tagged ? image.substr(colon + 1) : "latest"};
}

class Podman final : public Engine {
 public:
  Podman(const EngineOptions& options, Processes& processes, Disk& disk)
      : options_(options), processes_(processes), disk_(disk), run_folder_("/run/defang-" + tag_of(options.folder)) {}

  std::string name() const override { return "podman"; }

  Result<void> prove(std::stop_token stop) override {
    for (const auto* program : {"podman", "buildah", "runc", "ip"}) {
      if (!find_program(program)) {
        return fail(Error::Kind::refused, "engine-not-there", fmt::format("`{}` is not installed", program));
      }
    }
    TRY(write_settings());
    TRY(import_base_images(stop));
    return prove_by_running(stop);
  }

  Result<void> pull(const std::string& image, const std::optional<RegistryLogin>& login,
                    std::stop_token stop) override {
    // Registries of the emulator are asked each time: they decide who may.
    if (!login && !image.starts_with("localhost:") && is_here(image, stop)) return {};
    const std::lock_guard one_at_a_time(pull_mutex_);  // two pulls of one image would fetch its layers twice
    TRY_ASSIGN(const auto logins, write_logins(login ? std::vector{*login} : std::vector<RegistryLogin>()));
    auto result =
        run({"podman", "pull", "--quiet", "--cert-dir", options_.certificate_folder, "--authfile", logins, image}, stop,
            kPullLimit);
    (void)disk_.remove(logins);
    if (!result) return fail(std::move(result).error());
    if (result->exit_code == 0) return {};
    return fail(Error::Kind::refused, "ErrImagePull", last_line(result->error_output));
  }

  Result<std::optional<std::string>> public_digest(const std::string& image, std::stop_token stop) override {
    TRY_ASSIGN(const auto here, run({"podman", "image", "inspect", "--format", "{{.Digest}}", image}, stop, 30s));
    if (here.exit_code == 0) return std::optional(last_line(here.output));
    TRY_ASSIGN(const auto there, run({"skopeo", "inspect", "--no-tags", "--format", "{{.Digest}}", "docker://" + image},
                                     stop, kLookupLimit));
    if (there.exit_code == 0) return std::optional(last_line(there.output));
    const auto why = last_line(there.error_output);
    if (why.contains("manifest unknown")) return std::optional<std::string>();
    return fail(Error::Kind::unreachable, "image-unknown", why);
  }

  Result<int> start(const Start& start, std::stop_token stop) override {
    TRY_ASSIGN(auto command, run_command(start));
    auto result = processes_.run(command, stop);
    (void)disk_.remove(environment_file(start.id));
    if (!result) return fail(std::move(result).error());
    if (result->exit_code != 0) {
      return fail(Error::Kind::refused, "CreateContainerError", last_line(result->error_output));
    }
    TRY_ASSIGN(const auto text, disk_.read(pid_file(start.id)));
    return static_cast<int>(to_number(trim(text)).value_or(0));
  }

  Result<Ended> ended(const std::string& id) override {
    // podman learns of an end from the container's monitor, a moment after the kernel knows.
    for (int attempt = 0; attempt < 20; ++attempt) {
      TRY_ASSIGN(const auto result, run({"podman", "wait", id}, {}, 5s));
      if (result.exit_code != 0) return fail(Error::Kind::refused, "container-gone", last_line(result.error_output));
      if (const auto code = to_number(trim(result.output))) {
        return Ended{static_cast<int>(*code), was_out_of_memory(id)};
      }
    }
    return fail(Error::Kind::refused, "container-gone", "the exit code of a container is not known");
  }

  Result<std::unique_ptr<PseudoTerminal>> exec(const std::string& id, const std::vector<std::string>& words) override {
    Arguments arguments = {"podman", "exec", "--interactive", "--tty", id};
    arguments.insert(arguments.end(), words.begin(), words.end());
    return PseudoTerminal::start(arguments, environment());
  }

  void remove(const std::string& id, std::chrono::milliseconds grace) override {
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(grace).count();
    (void)run({"podman", "rm", "--force", "--ignore", "--volumes", "--time", std::to_string(seconds), id}, {},
              grace + 30s);
    (void)disk_.remove(pid_file(id));
  }

  Result<std::vector<BuiltImage>> build(const BuildRequest& request, std::stop_token stop) override {
    TRY_ASSIGN(const auto work, new_folder("build"));
    auto built = build_in(work, request, stop);
    (void)disk_.remove(work);
    return built;
  }

  void sweep() override {
    if (!find_program("podman") || !disk_.is_file(settings("containers.conf"))) return;
    (void)run({"podman", "rm", "--all", "--force", "--time", "0"}, {}, 60s);
    // The overlay driver binds its folder to itself, twice where two of its processes start at once; as long as it is
    // bound, nobody can remove the state.
    while (::umount2((options_.folder / "storage/overlay").c_str(), MNT_DETACH) == 0) {
    }
    (void)disk_.remove(run_folder_);
    (void)disk_.remove(options_.folder / "work");
  }

 private:
  using Arguments = std::vector<std::string>;

  // Settings

  fs::path settings(const char* name) const { return options_.folder / "settings" / name; }

  Result<void> write_settings() {
    for (const auto* name : {"tmp", "work"}) TRY(disk_.make_folder(options_.folder / name));
    TRY(disk_.write(settings("containers.conf"), containers_conf(), Disk::Access::everyone));
    TRY(disk_.write(settings("storage.conf"),
                    fmt::format("[storage]\ndriver=\"overlay\"\ngraphroot=\"{}\"\nrunroot=\"{}\"\n",
                                (options_.folder / "storage").string(), (run_folder_ / "storage").string()),
                    Disk::Access::everyone));
    // Short names mean Docker Hub, as they do on Azure.
    TRY(disk_.write(settings("registries.conf"),
                    "unqualified-search-registries=[\"docker.io\"]\nshort-name-mode=\"permissive\"\n",
                    Disk::Access::everyone));
    // Logins of this machine's user are not the emulator's.
    return disk_.write(settings("no-logins.json"), "{}", Disk::Access::everyone);
  }

  std::string containers_conf() const {
    // File locks and folders of our own: podman's locks in shared memory are one table for the whole machine.
    return fmt::format(
        "[containers]\ndefault_ulimits=[\"{}\",\"{}\"]\nlog_driver=\"k8s-file\"\n"
        "[engine]\nruntime=\"runc\"\ncgroup_manager=\"cgroupfs\"\nevents_logger=\"none\"\nlock_type=\"file\"\n"
        "tmp_dir=\"{}\"\n",
        limit_text("nofile", RLIMIT_NOFILE, kWantedFiles), limit_text("nproc", RLIMIT_NPROC, kWantedProcesses),
        (run_folder_ / "podman").string());
  }

  std::map<std::string, std::string> environment() const {
    return {{"CONTAINERS_CONF", settings("containers.conf")},
            {"CONTAINERS_STORAGE_CONF", settings("storage.conf")},
            {"CONTAINERS_REGISTRIES_CONF", settings("registries.conf")},
            {"REGISTRY_AUTH_FILE", settings("no-logins.json")},
            {"TMPDIR", options_.folder / "tmp"}};
  }

  Result<Processes::Ended> run(Arguments arguments, std::stop_token stop, std::chrono::milliseconds limit) const {
    Processes::Command command;
    command.arguments = std::move(arguments);
    command.environment = environment();
    command.limit = limit;
    return processes_.run(command, stop);
  }

  Result<void> run_well(Arguments arguments, std::stop_token stop, std::chrono::milliseconds limit) const {
    const auto doing = join({arguments.begin(), arguments.begin() + 2}, " ");
    TRY_ASSIGN(const auto result, run(std::move(arguments), stop, limit));
    if (result.exit_code == 0) return {};
    return fail(Error::Kind::refused, "engine-failed", fmt::format("`{}`: {}", doing, last_line(result.error_output)));
  }

  Result<fs::path> new_folder(std::string_view kind) {
    const auto path = options_.folder / "work" / fmt::format("{}-{}", kind, ++counter_);
    TRY(disk_.remove(path));
    TRY(disk_.make_folder(path));
    return path;
  }

  /// The login file of containers/image; only its owner reads it, and it lives as long as one command.
  Result<std::string> write_logins(const std::vector<RegistryLogin>& logins) {
    Json servers = Json::object();
    for (const auto& login : logins) {
      servers[login.server] = {{"auth", base64(login.user + ":" + login.password.reveal())}};
    }
    const auto path = options_.folder / "work" / fmt::format("logins-{}.json", ++counter_);
    TRY(disk_.write(path, dump({{"auths", servers}}), Disk::Access::owner_only));
    return path.string();
  }

  // Images

  bool is_here(const std::string& image, std::stop_token stop) const {
    const auto result = run({"podman", "image", "exists", image}, stop, 30s);
    return result && result->exit_code == 0;
  }

  /// What stands in for public images where no hub can be reached: FOLDER/REPOSITORY/TAG.tar, an archive of an image
  /// (OCI or docker save) or of a root file system.
  Result<void> import_base_images(std::stop_token stop) {
    std::error_code error;
    for (const auto& entry : fs::recursive_directory_iterator(options_.base_images, error)) {
      if (!entry.is_regular_file() || entry.path().extension() != ".tar") continue;
      const auto repository = entry.path().parent_path().lexically_relative(options_.base_images).string();
      const auto name = public_name(repository) + ":" + entry.path().stem().string();
      if (!is_here(name, stop)) TRY(import_image(entry.path(), name, stop));
    }
    return {};
  }

  static std::string public_name(const std::string& repository) {
    const auto first = repository.substr(0, repository.find('/'));
    if (first.contains('.')) return repository;
    return "docker.io/" + (repository.contains('/') ? repository : "library/" + repository);
  }

  Result<void> import_image(const fs::path& archive, const std::string& name, std::stop_token stop) {
    // An archive of an image says what it holds; anything else is taken as a root file system.
    for (const auto* kind : {"oci-archive:", "docker-archive:"}) {
      const auto result = run({"podman", "pull", "--quiet", kind + archive.string()}, stop, kPullLimit);
      if (!result) return fail(result.error());
      if (result->exit_code == 0) return run_well({"podman", "tag", last_line(result->output), name}, stop, 30s);
    }
    return run_well({"podman", "import", "--quiet", "--change", "CMD=[\"/bin/sh\"]", "--change",
                     "ENV=PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", archive, name},
                    stop, kPullLimit);
  }

  /// Builds an image of one static program and runs it, which takes all that a real container takes: layers,
  /// namespaces, cgroups, limits.
  Result<void> prove_by_running(std::stop_token stop) {
    TRY_ASSIGN(const auto work, new_folder("proof"));
    const auto proven = prove_in(work, stop);
    (void)disk_.remove(work);
    return proven;
  }

  Result<void> prove_in(const fs::path& work, std::stop_token stop) {
    std::error_code error;
    fs::copy_file("/proc/self/exe", work / "defang", error);
    if (!error && is_static(work / "defang")) return prove_with("defang", "version", work, stop);
    const auto busybox = find_program("busybox");
    if (busybox) fs::copy_file(*busybox, work / "busybox", error);
    if (busybox && !error && is_static(work / "busybox")) return prove_with("busybox", "true", work, stop);
    return prove_without_program(work, stop);
  }

  Result<void> prove_with(const std::string& program, const std::string& argument, const fs::path& work,
                          std::stop_token stop) {
    TRY(disk_.write(work / "Dockerfile", fmt::format("FROM scratch\nCOPY {0} /{0}\n", program),
                    Disk::Access::everyone));
    TRY(build_proof(work, stop));
    return run_well({"podman", "run", "--rm", "--no-healthcheck", "--network", "none", "--pull", "never",
                     "localhost/proof", "/" + program, argument},
                    stop, kProofLimit);
  }

  Result<void> build_proof(const fs::path& work, std::stop_token stop) {
    return run_well({"buildah", "bud", "--isolation", "chroot", "--format", "docker", "-t", "localhost/proof", work},
                    stop, kProofLimit);
  }

  Result<void> prove_without_program(const fs::path& work, std::stop_token stop) {
    TRY(disk_.write(work / "Dockerfile", "FROM scratch\nCOPY Dockerfile /nothing\n", Disk::Access::everyone));
    TRY(build_proof(work, stop));
    TRY_ASSIGN(const auto result, run({"podman", "run", "--rm", "--no-healthcheck", "--network", "none", "--pull",
                                       "never", "localhost/proof", "/nothing"},
                                      stop, kProofLimit));
    // 126: made, and the file is no program; that is as far as one comes without a program.
    if (result.exit_code == 126) return {};
    return fail(Error::Kind::refused, "engine-failed", "`podman run`: " + last_line(result.error_output));
  }

  /// A dynamic program names its interpreter; in an empty image it could not run.
  bool is_static(const fs::path& program) const {
    const auto bytes = disk_.read(program);
    return bytes && bytes->substr(0, 4096).find("ld-linux") == std::string::npos;
  }

  // Containers

  fs::path pid_file(const std::string& id) const { return options_.folder / "work" / (id + ".pid"); }
  fs::path environment_file(const std::string& id) const { return options_.folder / "work" / (id + ".env"); }

  Result<Processes::Command> run_command(const Start& start) {
    const auto& spec = start.spec;
    Processes::Command command;
    command.environment = environment();
    command.folder = run_folder_;  // podman's monitor leaves a file there when a container runs out of memory
    command.limit = kStartLimit;
    auto& words = command.arguments;
    words = {"podman",
             "run",
             "--detach",
             "--replace",
             "--no-healthcheck",
             "--pull",
             "never",
             "--name",
             start.id,
             "--hostname",
             start.host_name,
             "--network",
             "ns:/run/netns/" + start.network_namespace,
             "--no-hosts",
             "--pidfile",
             pid_file(start.id),
             "--log-driver",
             "k8s-file",
             "--log-opt",
             "path=" + start.console.string()};
    add_limits(words, spec);
    TRY(add_environment(command, start));
    for (const auto& bound : start.bound) {
      words.push_back("--volume");
      words.push_back(fmt::format("{}:{}{}", bound.source.string(), bound.path, bound.read_only ? ":ro" : ""));
    }
    if (!spec.command.empty()) {
      words.push_back("--entrypoint");
      words.push_back(dump(Json(spec.command)));
    }
    words.push_back(spec.image);
    words.insert(words.end(), spec.args.begin(), spec.args.end());
    return command;
  }

  static void add_limits(Arguments& words, const ContainerSpec& spec) {
    if (spec.cpu > 0) words.insert(words.end(), {"--cpus", fmt::format("{:.3f}", spec.cpu)});
    if (spec.memory_bytes > 0) words.insert(words.end(), {"--memory", std::to_string(spec.memory_bytes)});
  }

  Result<void> add_environment(Processes::Command& command, const Start& start) {
    std::string lines;
    for (const auto& [name, value] : start.spec.environment) {
      const bool one_line = value.reveal().find('\n') == std::string::npos;
      if (!steers_podman(name)) {
        command.environment[name] = value.reveal();
        command.arguments.insert(command.arguments.end(), {"--env", name});
      } else if (one_line) {
        lines += name + "=" + value.reveal() + "\n";
      } else {
        return fail(Error::Kind::refused, "CreateContainerError",
                    fmt::format("the environment variable {} cannot hold several lines here", name));
      }
    }
    if (lines.empty()) return {};
    TRY(disk_.write(environment_file(start.id), lines, Disk::Access::owner_only));
    command.arguments.insert(command.arguments.end(), {"--env-file", environment_file(start.id)});
    return {};
  }

  bool was_out_of_memory(const std::string& id) const {
    const auto result = run({"podman", "inspect", "--format", "{{.State.OOMKilled}}", id}, {}, 5s);
    return result && trim(result->output) == "true";
  }

  // Builds

  Result<std::vector<BuiltImage>> build_in(const fs::path& work, const BuildRequest& request, std::stop_token stop) {
    fs::path context = request.context;
    if (!disk_.is_folder(context)) {
      TRY(disk_.make_folder(work / "context"));
      TRY(unpack(request.context, work / "context", stop));
      context = work / "context";
    }
    TRY_ASSIGN(const auto dockerfile, effective_dockerfile(context, work, request));
    TRY(run_build(context, dockerfile, work, request, stop));
    std::vector<BuiltImage> images;
    for (const auto& name : request.image_names) {
      TRY_ASSIGN(auto image, publish(name, work, request, stop));
      images.push_back(std::move(image));
    }
    return images;
  }

  static void say(const BuildRequest& request, std::string_view text) {
    if (request.log) request.log(text);
  }

  Result<fs::path> effective_dockerfile(const fs::path& context, const fs::path& work, const BuildRequest& request) {
    const auto text = disk_.read(context / request.dockerfile);
    if (!text) {
      const auto message = fmt::format("unable to prepare context: there is no {} in the context", request.dockerfile);
      say(request, message + "\n");
      return fail(Error::Kind::refused, "build-failed", message);
    }
    const auto instructions = parse_dockerfile(*text);
    auto problems = unsupported_in(instructions);
    if (auto unknown = request.buildkit ? "" : unknown_to_older_builder(instructions); !unknown.empty())
      problems = {std::move(unknown)};
    for (const auto& problem : problems) say(request, request.dockerfile + ": " + problem + "\n");
    if (!problems.empty()) return fail(Error::Kind::refused, "build-failed", problems.front());
    const auto path = work / "Dockerfile";
    TRY(disk_.write(path, without_link_flags(*text), Disk::Access::everyone));
    return path;
  }

  Result<void> run_build(const fs::path& context, const fs::path& dockerfile, const fs::path& work,
                         const BuildRequest& request, std::stop_token stop) {
    TRY_ASSIGN(const auto logins, write_logins(request.logins));
    Processes::Command command;
    command.environment = environment();
    command.folder = work;
    command.limit = request.limit;
    command.merge_error_output = true;
    command.on_output = [&](std::string_view piece) { say(request, piece); };
    command.arguments = build_words(context, dockerfile, request, logins, command.environment);
    auto result = processes_.run(command, stop);
    (void)disk_.remove(logins);
    if (!result) return fail(std::move(result).error());
    if (result->exit_code == 0) return {};
    return fail(Error::Kind::refused, "build-failed", last_line(result->output));
  }

  Arguments build_words(const fs::path& context, const fs::path& dockerfile, const BuildRequest& request,
                        const std::string& logins, std::map<std::string, std::string>& added) const {
    Arguments words = {"buildah",    "bud",        "--isolation",
                       "chroot",     "--format",   "docker",
                       "--layers",   "--cert-dir", options_.certificate_folder,
                       "--authfile", logins,       "--file",
                       dockerfile};
    if (request.no_cache) words.push_back("--no-cache");
    if (!request.target.empty()) words.insert(words.end(), {"--target", request.target});
    // buildah warns about arguments that nobody uses where the platform is the machine's own anyway.
    if (!request.platform.empty() && !equals_ignoring_case(request.platform, kOwnPlatform)) {
      words.insert(words.end(), {"--platform", request.platform});
    }
    for (const auto& [name, value] : request.arguments) {
      // A name without a value is taken from the environment, where other users of this machine cannot read it; what
      // would steer buildah itself has to go as an argument.
      const bool hidden = !steers_podman(name);
      if (hidden) added[name] = value.reveal();
      words.insert(words.end(), {"--build-arg", hidden ? name : name + "=" + value.reveal()});
    }
    for (std::size_t i = 0; i < request.secrets.size(); ++i) {
      const auto variable = fmt::format("BUILD_SECRET_{}", i);
      added[variable] = request.secrets[i].second.reveal();
      words.insert(words.end(), {"--secret", fmt::format("id={},env={}", request.secrets[i].first, variable)});
    }
    for (const auto& name : request.image_names) words.insert(words.end(), {"--tag", name});
    words.push_back(context);
    return words;
  }

  Result<BuiltImage> publish(const std::string& name, const fs::path& work, const BuildRequest& request,
                             std::stop_token stop) {
    const auto parts = split_image(name);
    BuiltImage image{parts.server, parts.repository, parts.tag, ""};
    if (!request.push) return image;
    say(request, fmt::format("The push refers to repository [{}/{}]\n", parts.server, parts.repository));
    TRY_ASSIGN(const auto logins, write_logins(request.logins));
    auto result = run({"buildah", "push", "--quiet", "--cert-dir", options_.certificate_folder, "--authfile", logins,
                       "--digestfile", work / "digest", name, "docker://" + name},
                      stop, kPullLimit);
    (void)disk_.remove(logins);
    if (!result) return fail(std::move(result).error());
    if (result->exit_code != 0) {
      say(request, result->error_output);
      return fail(Error::Kind::refused, "build-failed", last_line(result->error_output));
    }
    TRY_ASSIGN(const auto digest, disk_.read(work / "digest"));
    image.digest = trim(digest);
    say(request, fmt::format("{}: digest: {}\n", parts.tag, image.digest));
    return image;
  }

  EngineOptions options_;
  Processes& processes_;
  Disk& disk_;
  fs::path run_folder_;
  std::mutex pull_mutex_;
  std::atomic<unsigned> counter_ = 0;
};

}  // namespace

std::unique_ptr<Engine> make_podman(const EngineOptions& options, Processes& processes, Disk& disk) {
  return std::make_unique<Podman>(options, processes, disk);
}

std::string tag_of(const fs::path& folder) {
  std::error_code error;
  const auto same = fs::weakly_canonical(folder, error);
  return sha256_hex((error ? folder : same).string()).substr(0, 8);
}

}  // namespace defang::emulator
