#pragma once

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <string>

#include "emulator/emulator_testing.h"
#include "emulator/engines/image_name.h"
#include "emulator/engines/pseudo_terminal.h"
#include "emulator/providers/app_keeper.h"
#include "emulator/providers/container_registry.h"
#include "emulator/workloads.h"

namespace defang::emulator {

/// Containers that do what a test says.
class FakeRuntime : public Runtime {
 public:
  struct Behaviour {
    bool found = true;  // the image can be pulled
    std::vector<std::uint16_t> listens = {80};
    std::optional<int> exits;  // at once, with this code
  };
  explicit FakeRuntime(Clock& clock) : clock_(clock) {}

  std::map<std::string, Behaviour> images;  // by image; otherwise the default
  std::map<std::string, ReplicaSpec> replicas;
  std::vector<std::string> stopped;
  std::map<std::string, AppAddress> apps;
  std::map<std::string, std::vector<Backend>> routes;
  std::map<std::string, IngressLoad> loads;
  std::map<std::string, std::string> environments;
  std::optional<std::chrono::system_clock::time_point> console_time;  // of every line; otherwise now

  std::string engine() const override { return "none"; }
  std::vector<std::string> engines_left_out() const override { return {}; }
  Result<void> start_environment(const std::string& id, const std::string& domain) override {
    environments[id] = domain;
    return {};
  }
  void stop_environment(const std::string& id) override { environments.erase(id); }
  Result<void> declare_app(const AppAddress& address) override {
    apps[address.id] = address;
    return {};
  }
  void remove_app(const std::string& app) override { apps.erase(app); }
  void route(const std::string& app, const std::vector<Backend>& backends, Meanwhile) override {
    routes[app] = backends;
  }
  IngressLoad load(const std::string& app) const override {
    const auto found = loads.find(app);
    return found == loads.end() ? IngressLoad{} : found->second;
  }
  std::optional<ReplicaUsage> usage(const std::string&) const override { return std::nullopt; }
  std::vector<IngressEntry> ingress() const override { return {}; }
  Result<std::uint16_t> front() override { return 443; }
  Result<void> start_replica(const ReplicaSpec& spec) override {
    replicas[spec.id] = spec;
    return {};
  }
  std::optional<ReplicaState> replica_state(const std::string& id) const override {
    const auto found = replicas.find(id);
    if (found == replicas.end()) return std::nullopt;
    ReplicaState state;
    for (const ContainerSpec& container : found->second.init_containers) {
      const int code = of(container.image).exits.value_or(0);
      state.init_containers.push_back({.name = container.name,
                                       .phase = ContainerState::Phase::exited,
                                       .reason = code == 0 ? "Completed" : "Error",
                                       .exit_code = code,
                                       .restarts = code == 0 ? 0 : 1});
      if (code != 0) return state;
    }
    for (const ContainerSpec& container : found->second.containers) {
      const Behaviour behaviour = of(container.image);
      ContainerState seen{.name = container.name, .phase = ContainerState::Phase::running, .started = clock_.now()};
      if (const auto count = restarts_.find(id + container.name); count != restarts_.end())
        seen.restarts = count->second;
      if (!behaviour.found) {
        seen.phase = ContainerState::Phase::waiting;
        seen.reason = "ErrImagePull";
        seen.message = "manifest unknown";
      } else if (behaviour.exits) {
        seen.phase = ContainerState::Phase::exited;
        seen.exit_code = *behaviour.exits;
        seen.reason = *behaviour.exits == 0 ? "Completed" : "Error";
      } else {
        state.listening = behaviour.listens;
      }
      state.containers.push_back(seen);
    }
    return state;
  }
  void restart_container(const std::string& replica, const std::string& container, std::chrono::milliseconds) override {
    ++restarts_[replica + container];
  }
  void stop_replica(const std::string& id, std::chrono::milliseconds) override {
    stopped.push_back(id);
    replicas.erase(id);
  }
  ProbeResult probe(const std::string& id, const Probe& probe, std::stop_token) override {
    const auto state = replica_state(id);
    if (state && std::ranges::find(state->listening, probe.port) != state->listening.end()) return {true, ""};
    return {false, "connection refused"};
  }
  LogPiece console(const std::string&, const std::string& container, std::uint64_t from,
                   std::size_t limit) const override {
    LogPiece piece{.next = from};
    for (; piece.next < 3 && piece.lines.size() < limit; ++piece.next)
      piece.lines.push_back(
          {.time = console_time.value_or(clock_.now()), .text = fmt::format("{} says {}", container, piece.next)});
    return piece;
  }
  /// On this machine, as there is no container.
  Result<std::unique_ptr<PseudoTerminal>> exec(const std::string& replica, const std::string&,
                                               const std::vector<std::string>& words) override {
    if (!replicas.contains(replica)) return fail(Error::Kind::refused, "container-gone", "it does not run");
    return PseudoTerminal::start(words, {});
  }
  Result<std::optional<std::string>> public_digest(const std::string& image, std::stop_token) override {
    if (image.contains("/gone:")) return std::optional<std::string>();
    if (image.contains("/down:")) return fail(Error::Kind::unreachable, "image-unknown", "no network");
    return std::optional("sha256:" + sha256_hex(image));
  }
  Result<std::vector<BuiltImage>> build(const BuildRequest& request, std::stop_token) override {
    request.log("Step 1/1 : FROM scratch\n");
    if (request.dockerfile == "broken") return fail(Error::Kind::refused, "build-failed", "no such file");
    std::vector<BuiltImage> built;
    for (const std::string& name : request.image_names) {
      const ImageName parsed = parse_image_name(name).value_or(ImageName{});
      built.push_back({parsed.server, parsed.repository, parsed.reference(), "sha256:" + sha256_hex(name)});
    }
    return built;
  }
  void stop() override {}

 private:
  Behaviour of(const std::string& image) const {
    const auto found = images.find(image);
    return found == images.end() ? Behaviour{} : found->second;
  }
  Clock& clock_;
  std::map<std::string, int> restarts_;
};

/// The emulator with containers that are not there, a group and an environment.
class AppsBench : public Bench {
 public:
  explicit AppsBench(Options options = {}) : Bench(std::move(options)) {
    auto made = Workloads::make(core, folder_, [&](Registries&) -> Result<std::unique_ptr<Runtime>> {
      auto fake = std::make_unique<FakeRuntime>(clock);
      runtime = fake.get();
      return fake;
    });
    if (!made) std::abort();
    workloads = std::move(*made);
    put(group("g"), {{"location", "westus3"}});
  }
  ~AppsBench() {
    workloads->stop();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  std::string environment_id() { return group("g") + "/providers/Microsoft.App/managedEnvironments/env"; }
  std::string app_id(const std::string& name = "web") {
    return group("g") + "/providers/Microsoft.App/containerApps/" + name;
  }
  std::string job_id(const std::string& name = "task") { return group("g") + "/providers/Microsoft.App/jobs/" + name; }
  std::string registry_id() { return group("g") + "/providers/Microsoft.ContainerRegistry/registries/images"; }

  Got make_environment() {
    Got made = put(
        environment_id(),
        {{"location", "westus3"},
         {"properties",
          {{"workloadProfiles", Json::array({{{"name", "Consumption"}, {"workloadProfileType", "Consumption"}}})}}}});
    wait(std::chrono::seconds(90));
    return made;
  }
  Json app_body(const std::string& image = "nginx", const Json& ingress = {{"external", true}, {"targetPort", 80}}) {
    return {
        {"location", "westus3"},
        {"properties",
         {{"environmentId", environment_id()},
          {"configuration", {{"ingress", ingress}}},
          {"template",
           {{"containers", Json::array({{{"name", "web"}, {"image", image}}})}, {"scale", {{"minReplicas", 1}}}}}}}};
  }
  /// Second by second, as the operation's own steps go.
  void wait_seconds(int seconds) {
    for (int i = 0; i < seconds; ++i) {
      wait(std::chrono::seconds(1));
      workloads->apps().turn({});
    }
  }
  Json revision(const std::string& app = "web") {
    return get(app_id(app) + "/revisions/" + text_at(get(app_id(app)).json, "properties.latestRevisionName")).json;
  }
  Json only_replica(const std::string& app = "web") {
    const Json latest = revision(app);
    return get(text_at(latest, "id") + "/replicas").json["value"][0];
  }

 private:
  std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / fmt::format("defang-apps-test-{}", ::getpid());

 public:
  FakeRuntime* runtime = nullptr;
  std::unique_ptr<Workloads> workloads;
};

}  // namespace defang::emulator
