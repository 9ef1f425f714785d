#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <condition_variable>
#include <map>
#include <mutex>
#include <thread>

#include "emulator/engines/console.h"
#include "emulator/engines/engine.h"
#include "emulator/engines/image_name.h"
#include "emulator/json.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

constexpr auto kPullLimit = 10min;
constexpr auto kToolLimit = 60s;
constexpr std::uint64_t kCpuPeriodMicroseconds = 100000;
constexpr std::string_view kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// What Docker and containerd leave to a container; umoci's own default is too little for images that change users.
constexpr auto kCapabilities =
    std::to_array<const char*>({"CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID",
                                "CAP_KILL", "CAP_MKNOD", "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP",
                                "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT"});

std::string last_line(std::string_view text) {
  text = trim(text);
  const auto at = text.rfind('\n');
  return std::string(trim(at == std::string_view::npos ? text : text.substr(at + 1)));
}

std::string name_of(const std::string& variable) { return variable.substr(0, variable.find('=')); }

void set_variables(Json& process, const std::map<std::string, Secret>& added) {
  Json list = Json::array();
  const auto* own = find_member(process, "env");
  for (const auto& variable : own != nullptr && own->is_array() ? *own : Json::array()) {
    if (!added.contains(name_of(variable.get<std::string>()))) list.push_back(variable);
  }
  for (const auto& [name, value] : added) list.push_back(name + "=" + value.reveal());
  process["env"] = std::move(list);
}

void set_capabilities(Json& process) {
  const Json all(kCapabilities);
  for (const auto* set : {"bounding", "effective", "permitted"}) process["capabilities"][set] = all;
  process["capabilities"]["inheritable"] = Json::array();
}

void set_limits(Json& resources, const ContainerSpec& spec) {
  if (spec.memory_bytes > 0) resources["memory"]["limit"] = spec.memory_bytes;
  if (spec.cpu <= 0) return;
  resources["cpu"]["period"] = kCpuPeriodMicroseconds;
  resources["cpu"]["quota"] = static_cast<std::int64_t>(spec.cpu * static_cast<double>(kCpuPeriodMicroseconds));
}

void join_network(Json& linux_part, const std::string& network_namespace) {
  for (auto& space : linux_part["namespaces"]) {
    if (text_at(space, "type") == "network") space["path"] = "/run/netns/" + network_namespace;
  }
}

void add_mounts(Json& mounts, const std::vector<Engine::Bound>& bound) {
  for (const auto& one : bound) {
    for (auto known = mounts.begin(); known != mounts.end();) {
      known = text_at(*known, "destination") == one.path ? mounts.erase(known) : std::next(known);
    }
    mounts.push_back({{"destination", one.path},
                      {"type", "bind"},
                      {"source", one.source.string()},
                      {"options", {"rbind", one.read_only ? "ro" : "rw"}}});
  }
}

/// What an OCI bundle's settings become for one of our containers.
void adapt(Json& settings, const Engine::Start& start, const std::vector<std::string>& words) {
  auto& process = settings["process"];
  process["terminal"] = false;
  process.erase("rlimits");  // raising a limit needs a right that not every root has
  if (!words.empty()) process["args"] = words;
  set_variables(process, start.spec.environment);
  set_capabilities(process);
  settings["hostname"] = start.host_name;
  set_limits(settings["linux"]["resources"], start.spec);
  join_network(settings["linux"], start.network_namespace);
  add_mounts(settings["mounts"], start.bound);
}

/// Turns what a container prints into the lines of a console.
class ConsoleWriter {
 public:
  ConsoleWriter(Disk& disk, fs::path file) : disk_(disk), file_(std::move(file)) {}
  void add(std::string_view piece) {
    rest_ += piece;
    std::string lines;
    for (std::size_t end = 0; (end = rest_.find('\n')) != std::string::npos; rest_.erase(0, end + 1)) {
      lines += console_line(std::chrono::system_clock::now(), std::string_view(rest_).substr(0, end));
    }
    if (!lines.empty()) (void)disk_.append(file_, lines);
  }
  void finish() {
    if (!rest_.empty()) add("\n");
  }

 private:
  Disk& disk_;
  fs::path file_;
  std::string rest_;
};

class Bundle final : public Engine {
 public:
  Bundle(const EngineOptions& options, Processes& processes, Disk& disk)
      : options_(options), processes_(processes), disk_(disk), run_folder_("/run/defang-" + tag_of(options.folder)) {}

  std::string name() const override { return "bundle"; }

  Result<void> prove(std::stop_token stop) override {
    for (const auto* program : {"skopeo", "umoci", "runc", "ip"}) {
      if (!find_program(program)) {
        return fail(Error::Kind::refused, "engine-not-there", fmt::format("`{}` is not installed", program));
      }
    }
    TRY(prepare(stop));
    TRY(do_well({"umoci", "new", "--image", layout("proof")}, stop, kToolLimit));
    const auto folder = options_.folder / "bundles/proof";
    TRY(disk_.remove(folder));
    TRY(do_well({"umoci", "unpack", "--image", layout("proof"), folder}, stop, kToolLimit));
    const auto proven = prove_in(folder, stop);
    (void)disk_.remove(folder);
    return proven;
  }

  Result<void> pull(const std::string& image, const std::optional<RegistryLogin>& login,
                    std::stop_token stop) override {
    const std::lock_guard one_at_a_time(pull_mutex_);  // umoci and skopeo both rewrite the layout's index
    if (!login) {
      if (const auto archive = base_image(image)) return import(*archive, image, stop);
    }
    std::vector<std::string> words = {"skopeo", "copy", "--quiet", "--src-cert-dir", options_.certificate_folder};
    const auto logins = options_.folder / "work/logins.json";
    if (login) {
      const Json auth = {{"auth", base64(login->user + ":" + login->password.reveal())}};
      Json servers = Json::object();
      servers[login->server] = auth;
      TRY(disk_.write(logins, dump(Json{{"auths", servers}}), Disk::Access::owner_only));
      words.insert(words.end(), {"--src-authfile", logins});
    }
    words.insert(words.end(), {"docker://" + full_name(image), "oci:" + layout(tag_of_image(image))});
    auto result = run(std::move(words), stop, kPullLimit);
    (void)disk_.remove(logins);
    if (!result) return fail(std::move(result).error());
    if (result->exit_code == 0) return {};
    return fail(Error::Kind::refused, "ErrImagePull", last_line(result->error_output));
  }

  /// Stand-ins are found by their tags, so tags are what images keep.
  Result<std::optional<std::string>> public_digest(const std::string&, std::stop_token) override {
    return fail(Error::Kind::unreachable, "image-unknown", "the engine `bundle` looks nothing up");
  }

  Result<int> start(const Start& start, std::stop_token stop) override {
    forget(start.id);
    const auto folder = bundle_folder(start.id);
    TRY(disk_.remove(folder));
    const auto image = layout(tag_of_image(start.spec.image));
    TRY(do_well({"umoci", "unpack", "--image", image, folder}, stop, kToolLimit));
    TRY_ASSIGN(const auto words, words_of(start.spec, image, stop));
    TRY(change_settings(folder, [&](Json& settings) { adapt(settings, start, words); }));
    TRY(disk_.remove(folder / "pid"));
    launch(start, folder);
    return wait_for_pid(start.id, folder, stop);
  }

  Result<Ended> ended(const std::string& id) override {
    std::unique_lock lock(mutex_);
    const auto found = running_.find(id);
    if (found == running_.end()) return fail(Error::Kind::refused, "container-gone", "no such container");
    changed_.wait_for(lock, 10s, [&] { return found->second->over; });
    return Ended{.exit_code = found->second->exit_code};
  }

  Result<std::unique_ptr<PseudoTerminal>> exec(const std::string& id, const std::vector<std::string>& words) override {
    auto arguments = runc({"exec", "--tty", id});
    arguments.insert(arguments.end(), words.begin(), words.end());
    return PseudoTerminal::start(arguments, {});
  }

  void remove(const std::string& id, std::chrono::milliseconds grace) override {
    (void)run(runc({"kill", id, "TERM"}), {}, 10s);
    {
      std::unique_lock lock(mutex_);
      const auto found = running_.find(id);
      if (found != running_.end()) changed_.wait_for(lock, grace, [&] { return found->second->over; });
    }
    (void)run(runc({"delete", "--force", id}), {}, 10s);
    forget(id);
    (void)disk_.remove(bundle_folder(id));
  }

  Result<std::vector<BuiltImage>> build(const BuildRequest& request, std::stop_token) override {
    constexpr std::string_view kNoBuilder =
        "the engine `bundle` cannot build images: install buildah and podman, and start the emulator with `--engine "
        "podman`";
    if (request.log) request.log(std::string(kNoBuilder) + "\n");
    return fail(Error::Kind::refused, "build-failed", std::string(kNoBuilder));
  }

  void sweep() override {
    if (!find_program("runc") || !disk_.is_folder(run_folder_ / "runc")) return;
    const auto list = run(runc({"list", "--quiet"}), {}, 10s);
    if (list) {
      for (const auto& id : split(list->output, '\n')) {
        if (!id.empty()) (void)run(runc({"delete", "--force", id}), {}, 10s);
      }
    }
    (void)disk_.remove(run_folder_ / "runc");
    (void)disk_.remove(options_.folder / "bundles");
  }

 private:
  /// One `runc run`, which lives as long as its container and ends with its exit code.
  struct Running {
    bool over = false;
    int exit_code = 0;
    std::string complaint;  // runc's own, where the container never ran
    std::jthread thread;
  };

  std::string layout(const std::string& tag) const { return (options_.folder / "layout").string() + ":" + tag; }
  fs::path bundle_folder(const std::string& id) const { return options_.folder / "bundles" / id; }
  static std::string tag_of_image(const std::string& image) { return "i" + sha256_hex(image).substr(0, 16); }

  Result<void> prepare(std::stop_token stop) {
    TRY(disk_.make_folder(options_.folder / "work"));
    TRY(disk_.make_folder(options_.folder / "bundles"));
    if (disk_.is_file(options_.folder / "layout/oci-layout")) return {};
    return do_well({"umoci", "init", "--layout", options_.folder / "layout"}, stop, kToolLimit);
  }

  Result<void> prove_in(const fs::path& folder, std::stop_token stop) {
    const auto busybox = find_program("busybox");
    if (!busybox) return fail(Error::Kind::refused, "engine-not-there", "`busybox` is not installed");
    std::error_code error;
    fs::copy_file(*busybox, folder / "rootfs/busybox", error);
    TRY(change_settings(folder, [](Json& settings) {
      settings["process"]["terminal"] = false;
      settings["process"].erase("rlimits");
      settings["process"]["args"] = {"/busybox", "true"};
    }));
    const auto id = "defang-proof-" + tag_of(options_.folder);
    return do_well(runc({"run", "--bundle", folder, id}), stop, kToolLimit);
  }

  std::vector<std::string> runc(std::vector<std::string> words) const {
    words.insert(words.begin(), {"runc", "--root", run_folder_ / "runc"});
    return words;
  }

  Result<Processes::Ended> run(std::vector<std::string> arguments, std::stop_token stop,
                               std::chrono::milliseconds limit) const {
    Processes::Command command;
    command.arguments = std::move(arguments);
    command.limit = limit;
    return processes_.run(command, stop);
  }

  Result<void> do_well(std::vector<std::string> arguments, std::stop_token stop,
                       std::chrono::milliseconds limit) const {
    const auto program = arguments.front();
    TRY_ASSIGN(const auto result, run(std::move(arguments), stop, limit));
    if (result.exit_code == 0) return {};
    return fail(Error::Kind::refused, "engine-failed",
                fmt::format("`{}`: {}", program, last_line(result.error_output)));
  }

  template <class Change>
  Result<void> change_settings(const fs::path& folder, Change change) {
    TRY_ASSIGN(const auto text, disk_.read(folder / "config.json"));
    auto settings = parse_json(text);
    if (!settings) return fail(Error::Kind::invalid, "engine-failed", "umoci wrote settings that are no JSON");
    change(*settings);
    return disk_.write(folder / "config.json", dump(*settings), Disk::Access::owner_only);
  }

  // Images

  static std::string full_name(const std::string& image) {
    const auto name = parse_image_name(image);
    if (!name || !name->server.empty()) return image;
    return "docker.io/" + (name->repository.contains('/') ? "" : std::string("library/")) + image;
  }

  std::optional<fs::path> base_image(const std::string& image) const {
    const auto name = parse_image_name(image);
    if (!name) return std::nullopt;
    auto repository = name->repository;
    const bool hub = name->server.empty() || name->server == "docker.io";
    std::vector<fs::path> places;
    if (!hub) places.push_back(fs::path(name->server) / repository);
    if (hub) places.emplace_back(repository);
    if (hub && repository.starts_with("library/")) places.emplace_back(repository.substr(8));
    if (hub && !repository.contains('/')) places.push_back(fs::path("library") / repository);
    for (const auto& place : places) {
      const auto archive = options_.base_images / place / (name->tag + ".tar");
      if (disk_.is_file(archive)) return archive;
    }
    return std::nullopt;
  }

  Result<void> import(const fs::path& archive, const std::string& image, std::stop_token stop) {
    const auto target = layout(tag_of_image(image));
    if (imported_.contains(target)) return {};
    for (const auto* kind : {"oci-archive:", "docker-archive:"}) {
      const auto result =
          run({"skopeo", "copy", "--quiet", kind + archive.string(), "oci:" + target}, stop, kPullLimit);
      if (!result) return fail(result.error());
      if (result->exit_code != 0) continue;
      imported_[target] = true;
      return {};
    }
    TRY(do_well({"umoci", "new", "--image", target}, stop, kToolLimit));
    TRY(do_well({"umoci", "raw", "add-layer", "--image", target, archive}, stop, kPullLimit));
    TRY(do_well({"umoci", "config", "--image", target, "--config.cmd", "/bin/sh", "--config.env", std::string(kPath)},
                stop, kToolLimit));
    imported_[target] = true;
    return {};
  }

  /// As Kubernetes has it: a command replaces ENTRYPOINT and CMD, arguments alone replace CMD. Empty: the image's own.
  Result<std::vector<std::string>> words_of(const ContainerSpec& spec, const std::string& image, std::stop_token stop) {
    auto words = spec.command;
    if (words.empty() && !spec.args.empty()) {
      TRY_ASSIGN(const auto result, run({"skopeo", "inspect", "--config", "oci:" + image}, stop, kToolLimit));
      const auto config = parse_json(result.output);
      const auto* entrypoint = config ? find_path(*config, "config.Entrypoint") : nullptr;
      if (entrypoint != nullptr && entrypoint->is_array()) words = entrypoint->get<std::vector<std::string>>();
    }
    words.insert(words.end(), spec.args.begin(), spec.args.end());
    return words;
  }

  // Containers

  void launch(const Start& start, const fs::path& folder) {
    auto made = std::make_unique<Running>();
    Running& running = *made;
    {
      const std::lock_guard lock(mutex_);
      running_[start.id] = std::move(made);
    }
    running.thread = std::jthread([this, &running, folder, id = start.id, console = start.console] {
      ConsoleWriter writer(disk_, console);
      Processes::Command command;
      command.arguments = runc({"run", "--bundle", folder, "--pid-file", folder / "pid", id});
      command.merge_error_output = true;
      command.on_output = [&](std::string_view piece) { writer.add(piece); };
      const auto result = processes_.run(command, {});
      writer.finish();
      const std::lock_guard lock(mutex_);
      running.over = true;
      running.exit_code = result ? result->exit_code : 1;
      running.complaint = result ? last_line(result->output) : result.error().message;
      changed_.notify_all();
    });
  }

  Result<int> wait_for_pid(const std::string& id, const fs::path& folder, const std::stop_token& stop) {
    const auto read_pid = [&]() -> std::optional<std::uint64_t> {
      const auto text = disk_.read(folder / "pid");
      return text ? to_number(trim(*text)) : std::nullopt;
    };
    std::unique_lock lock(mutex_);
    Running& running = *running_.at(id);
    while (!stop.stop_requested()) {
      if (const auto pid = read_pid()) return static_cast<int>(*pid);
      if (running.over) return fail(Error::Kind::refused, "CreateContainerError", running.complaint);
      changed_.wait_for(lock, 10ms);
    }
    return stopped();
  }

  /// The container has ended: so does its `runc run`.
  void forget(const std::string& id) {
    std::unique_ptr<Running> old;  // its thread is joined without the lock, which it needs at its end
    const std::lock_guard lock(mutex_);
    if (auto found = running_.extract(id); !found.empty()) old = std::move(found.mapped());
  }

  EngineOptions options_;
  Processes& processes_;
  Disk& disk_;
  fs::path run_folder_;
  std::mutex pull_mutex_;
  std::map<std::string, bool> imported_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::unique_ptr<Running>> running_;
};

}  // namespace

std::unique_ptr<Engine> make_bundle(const EngineOptions& options, Processes& processes, Disk& disk) {
  return std::make_unique<Bundle>(options, processes, disk);
}

}  // namespace defang::emulator
