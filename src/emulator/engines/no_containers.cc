#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "emulator/engines/build_context.h"
#include "emulator/engines/container_runtime.h"
#include "emulator/engines/dockerfile.h"
#include "emulator/engines/host_names.h"
#include "emulator/engines/image_name.h"
#include "emulator/engines/ingress_ports.h"
#include "emulator/engines/pseudo_terminal.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

namespace fs = std::filesystem;
using Phase = ContainerState::Phase;

constexpr auto kExitVariable = "DEFANG_EMULATOR_EXIT";
constexpr auto kListensVariable = "DEFANG_EMULATOR_LISTENS";

std::optional<std::uint64_t> number_in(const ContainerSpec& spec, const char* variable) {
  const auto found = spec.environment.find(variable);
  return found == spec.environment.end() ? std::nullopt : to_number(found->second.reveal());
}

class NoContainers final : public Runtime {
 public:
  NoContainers(const RuntimeOptions& options, std::vector<std::string> left_out, Disk& disk, const Clock& clock,
               Registries& registries)
      : options_(options),
        left_out_(std::move(left_out)),
        disk_(disk),
        clock_(clock),
        registries_(registries),
        ports_(disk, options.folder / "ingress.json"),
        names_(options.certificate_of),
        forwarding_(make_forwarding([this](const std::string& host) { return names_.certificate_of(host); })) {}

  std::string engine() const override { return "none"; }
  std::vector<std::string> engines_left_out() const override { return left_out_; }

  Result<void> start_environment(const std::string& id, const std::string& default_domain) override {
    const std::lock_guard lock(mutex_);
    environments_[id] = default_domain;
    return {};
  }
  void stop_environment(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    environments_.erase(id);
    std::erase_if(replicas_, [&](const auto& one) { return one.second.spec.environment == id; });
    for (auto& [app, listening] : apps_) {
      if (listening.environment != id) continue;
      forwarding_->close(listening.listener);
      names_.remove(app);
    }
    std::erase_if(apps_, [&](const auto& one) { return one.second.environment == id; });
  }

  Result<void> declare_app(const AppAddress& address) override {
    const std::lock_guard lock(mutex_);
    const auto environment = environments_.find(address.environment);
    if (environment == environments_.end()) return unknown_environment(address.environment);
    if (!address.external || !address.http_target) {
      forget(address.id);
      return {};
    }
    names_.declare(address, environment->second);
    if (apps_.contains(address.id)) return {};
    TRY_ASSIGN(auto listener, ports_.listen(address.id));
    apps_[address.id] = {
        address.environment,
        {address.id, fmt::format("http://127.0.0.1:{}", listener.port), address.name + "." + environment->second},
        forwarding_->forward_http(std::move(listener.socket), [name = address.name](const RequestHead&, bool) {
          return Choice{.upstream = {}, .answer = nothing_answers(name)};
        })};
    return {};
  }
  void remove_app(const std::string& app) override {
    const std::lock_guard lock(mutex_);
    forget(app);
  }
  void route(const std::string&, const std::vector<Backend>&, Meanwhile) override {}
  IngressLoad load(const std::string&) const override { return {}; }
  std::vector<IngressEntry> ingress() const override {
    const std::lock_guard lock(mutex_);
    std::vector<IngressEntry> all;
    for (const auto& [id, app] : apps_) all.push_back(app.entry);
    return all;
  }

  Result<std::uint16_t> front() override {
    const std::lock_guard lock(mutex_);
    if (front_ != 0) return front_;
    TRY_ASSIGN(auto listener, ports_.listen("front"));
    front_ = listener.port;
    forwarding_->forward_http(std::move(listener.socket), [this](const RequestHead& head, bool tls) {
      auto choice = names_.choose(head, tls);
      if (!choice.app.empty()) choice.answer = nothing_answers(choice.app.substr(choice.app.rfind('/') + 1));
      return Choice{.upstream = {}, .answer = std::move(choice.answer)};
    });
    return front_;
  }

  Result<void> start_replica(const ReplicaSpec& spec) override {
    const std::lock_guard lock(mutex_);
    if (!environments_.contains(spec.environment)) return unknown_environment(spec.environment);
    Replica replica{.spec = spec, .state = {}};
    for (const auto& container : spec.init_containers)
      replica.state.init_containers.push_back(state_of(container, Ends::yes));
    for (const auto& container : spec.containers) replica.state.containers.push_back({.name = container.name});
    begin(replica);
    replica.state.listening = listening(replica);
    replicas_[spec.id] = std::move(replica);
    return {};
  }
  std::optional<ReplicaState> replica_state(const std::string& id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = replicas_.find(id);
    return found == replicas_.end() ? std::nullopt : std::optional(found->second.state);
  }
  void restart_container(const std::string& id, const std::string& name, std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    const auto found = replicas_.find(id);
    if (found == replicas_.end()) return;
    auto& [spec, state] = found->second;
    restart(spec.init_containers, state.init_containers, name, Ends::yes);
    restart(spec.containers, state.containers, name, Ends::no);
    begin(found->second);
    state.listening = listening(found->second);
  }
  std::optional<ReplicaUsage> usage(const std::string&) const override { return std::nullopt; }
  void stop_replica(const std::string& id, std::chrono::milliseconds) override {
    const std::lock_guard lock(mutex_);
    replicas_.erase(id);
  }

  ProbeResult probe(const std::string& id, const Probe& probe, std::stop_token) override {
    const auto state = replica_state(id);
    if (!state) return {false, "the replica is not running"};
    if (std::ranges::find(state->listening, probe.port) == state->listening.end()) return {false, "connection refused"};
    return {true, probe.kind == Probe::Kind::tcp ? "connected" : "HTTP 200"};
  }
  LogPiece console(const std::string&, const std::string&, std::uint64_t from, std::size_t) const override {
    return {.lines = {}, .next = from};
  }

  Result<std::unique_ptr<PseudoTerminal>> exec(const std::string&, const std::string&,
                                               const std::vector<std::string>&) override {
    return fail(Error::Kind::refused, "container-gone",
                "no containers run on this emulator: `defang emulator status` says why");
  }

  /// Any public name may exist.
  Result<std::optional<std::string>> public_digest(const std::string& image, std::stop_token) override {
    return std::optional("sha256:" + sha256_hex(image));
  }

  Result<std::vector<BuiltImage>> build(const BuildRequest& request, std::stop_token stop) override {
    const auto say = [&](std::string_view text) {
      if (request.log) request.log(text);
    };
    auto source = source_of(request, stop);
    if (!source) {
      say(source.error().message + "\n");
      return fail(std::move(source).error());
    }
    say("the emulator runs no containers here: the image is empty\n");
    std::vector<BuiltImage> images;
    for (const auto& text : request.image_names) {
      TRY_ASSIGN(auto image, publish(text, *source, request.push));
      say(fmt::format("{}: digest: {}\n", image.tag, image.digest));
      images.push_back(std::move(image));
    }
    return images;
  }

  void stop() override {}

 private:
  struct App {
    std::string environment;
    IngressEntry entry;
    Forwarding::Id listener = 0;
  };
  struct Replica {
    ReplicaSpec spec;
    ReplicaState state;
  };

  static std::unexpected<Error> unknown_environment(const std::string& id) {
    return fail(Error::Kind::refused, "environment-unknown", fmt::format("there is no network for environment {}", id));
  }

  static std::string nothing_answers(const std::string& app) {
    return ingress_answer(503, fmt::format("the emulator runs no containers here, so nothing answers for `{}`\n", app));
  }

  void forget(const std::string& app) {
    names_.remove(app);
    const auto found = apps_.extract(app);
    if (!found.empty()) forwarding_->close(found.mapped().listener);
  }

  /// What a registry would say to a pull; empty: here it is.
  std::string missing_image(const std::string& image, const std::optional<RegistryLogin>& login) const {
    const auto name = parse_image_name(image);
    if (!name) return fmt::format("invalid reference format: {}", image);
    const auto registry = options_.registry_at ? options_.registry_at(name->server) : std::nullopt;
    if (!registry) {
      // Any public name may exist; what is on this machine is only there if the emulator serves it.
      return host_without_port(name->server) == "localhost" ? fmt::format("connection refused: {}", name->server) : "";
    }
    if (!login || !registries_.may_pull(*registry, *login)) {
      return fmt::format("unauthorized: authentication required, pulling {}", image);
    }
    if (registries_.digest(*registry, name->repository, name->reference())) return "";
    return fmt::format("manifest for {} not found: manifest unknown", image);
  }

  enum class Ends { no, yes };

  void restart(const std::vector<ContainerSpec>& specs, std::vector<ContainerState>& states, const std::string& name,
               Ends ends) const {
    for (std::size_t index = 0; index < specs.size(); ++index) {
      if (states[index].name != name) continue;
      const int restarts = states[index].restarts + 1;
      states[index] = state_of(specs[index], ends);
      states[index].restarts = restarts;
    }
  }

  /// Once all init containers have ended well, the others start.
  void begin(Replica& replica) const {
    const auto& before = replica.state.init_containers;
    if (!std::ranges::all_of(before, [](const auto& one) { return one.phase == Phase::exited && one.exit_code == 0; }))
      return;
    for (std::size_t index = 0; index < replica.spec.containers.size(); ++index)
      if (auto& state = replica.state.containers[index]; state.phase == Phase::pulling)
        state = state_of(replica.spec.containers[index], Ends::no);
  }

  ContainerState state_of(const ContainerSpec& container, Ends ends) const {
    ContainerState state{.name = container.name};
    if (const auto missing = missing_image(container.image, container.login); !missing.empty()) {
      state.phase = Phase::waiting;
      state.reason = "ErrImagePull";
      state.message = missing;
      return state;
    }
    state.phase = Phase::running;
    state.started = clock_.now();
    // What is meant to end is done at once.
    const bool is_job = ends == Ends::yes || container.environment.contains("CONTAINER_APP_JOB_NAME");
    if (const auto code = is_job ? std::optional(number_in(container, kExitVariable).value_or(0))
                                 : number_in(container, kExitVariable)) {
      state.phase = Phase::exited;
      state.exit_code = static_cast<int>(*code);
      state.reason = *code == 0 ? "Completed" : "Error";
      state.finished = state.started;
    }
    return state;
  }

  static std::vector<std::uint16_t> listening(const Replica& replica) {
    std::vector<std::uint16_t> ports;
    for (std::size_t index = 0; index < replica.spec.containers.size(); ++index) {
      if (replica.state.containers[index].phase != Phase::running) continue;
      if (const auto other = number_in(replica.spec.containers[index], kListensVariable)) {
        return {static_cast<std::uint16_t>(*other)};
      }
      ports = replica.spec.ports;
    }
    std::ranges::sort(ports);
    return ports;
  }

  /// What would be built, as one text: enough to tell two sources apart, after the checks that need no builder.
  Result<std::string> source_of(const BuildRequest& request, std::stop_token stop) {
    const auto work =
        fs::temp_directory_path() / fmt::format("defang-build-{}", sha256_hex(request.context.string()).substr(0, 16));
    fs::path context = request.context;
    std::string source = request.target + "\n";
    if (!contexts_->is_folder(context)) {
      TRY(contexts_->remove(work));
      TRY(contexts_->make_folder(work));
      TRY_ASSIGN(const auto packed, contexts_->read(context));
      source += sha256_hex(packed) + "\n";
      if (auto unpacked = unpack(request.context, work, stop); !unpacked) return fail(std::move(unpacked).error());
      context = work;
    }
    auto checked = check(context, request);
    (void)contexts_->remove(work);
    if (!checked) return fail(std::move(checked).error());
    for (const auto& [name, value] : request.arguments) source += name + "=" + sha256_hex(value.reveal()) + "\n";
    return source + *checked;
  }

  Result<std::string> check(const fs::path& context, const BuildRequest& request) const {
    const auto text = contexts_->read(context / request.dockerfile);
    if (!text) {
      return build_failed(fmt::format("unable to prepare context: there is no {} in the context", request.dockerfile));
    }
    const auto instructions = parse_dockerfile(*text);
    if (std::ranges::find(instructions, "FROM", &DockerInstruction::keyword) == instructions.end()) {
      return build_failed(fmt::format("{}: there is no FROM", request.dockerfile));
    }
    if (auto unknown = request.buildkit ? "" : unknown_to_older_builder(instructions); !unknown.empty()) {
      return build_failed(std::move(unknown));
    }
    for (const auto& image : images_needed(instructions)) {
      const auto name = parse_image_name(image);
      if (!name || !options_.registry_at || !options_.registry_at(name->server)) continue;
      const auto login = std::ranges::find(request.logins, name->server, &RegistryLogin::server);
      auto missing = missing_image(image, login == request.logins.end() ? std::nullopt : std::optional(*login));
      if (!missing.empty()) return build_failed(std::move(missing));
    }
    for (const auto& path : context_paths(instructions)) {
      std::error_code error;
      if (!fs::exists(context / fs::path(path.path).relative_path(), error)) {
        return build_failed(
            fmt::format("{}: line {}: there is no {} in the context", request.dockerfile, path.line, path.path));
      }
    }
    return *text;
  }

  static std::unexpected<Error> build_failed(std::string why) {
    return fail(Error::Kind::refused, "build-failed", std::move(why));
  }

  Result<BuiltImage> publish(const std::string& text, const std::string& source, bool push) {
    const auto name = parse_image_name(text);
    const auto registry = name && options_.registry_at ? options_.registry_at(name->server) : std::nullopt;
    if (!registry) return build_failed(fmt::format("there is no registry for the image {}", text));
    BuiltImage image{name->server, name->repository, name->tag, ""};
    if (!push) return image;
    TRY_ASSIGN(image.digest, registries_.put_synthetic_image(*registry, name->repository, name->tag, source));
    return image;
  }

  RuntimeOptions options_;
  std::vector<std::string> left_out_;
  Disk& disk_;
  const Clock& clock_;
  Registries& registries_;
  std::unique_ptr<Disk> contexts_ = make_real_disk();  // where uploads are, whatever the state is on
  IngressPorts ports_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> environments_;  // id -> default domain
  std::map<std::string, App> apps_;
  std::map<std::string, Replica> replicas_;
  HostNames names_;
  std::uint16_t front_ = 0;
  std::unique_ptr<Forwarding> forwarding_;  // last: its thread calls into the rest
};

}  // namespace

std::unique_ptr<Runtime> make_runtime_without_containers(const RuntimeOptions& options,
                                                         std::vector<std::string> left_out, Disk& disk,
                                                         const Clock& clock, Registries& registries) {
  return std::make_unique<NoContainers>(options, std::move(left_out), disk, clock, registries);
}

}  // namespace defang::emulator
