#include "emulator/engines/container_runtime.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <csignal>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "emulator/engines/console.h"
#include "emulator/engines/dns.h"
#include "emulator/engines/environment_network.h"
#include "emulator/engines/host_names.h"
#include "emulator/engines/ingress_ports.h"
#include "emulator/engines/private_networks.h"
#include "emulator/engines/probe.h"
#include "emulator/private_servers.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

namespace fs = std::filesystem;
using Phase = ContainerState::Phase;
using std::chrono::milliseconds;

constexpr std::size_t kLargestHostName = 63;
constexpr std::string_view kAuthorities = "/etc/ssl/certs";
constexpr std::uint64_t kConsolePieceBytes = 1 << 20;
constexpr std::uint32_t kLoopback = 0x7f000001;
constexpr milliseconds kLookForPorts{200};
constexpr int kKilledBySignal = 137;  // 128 + SIGKILL, what the kernel does to a container out of memory
constexpr unsigned kAddressesOfAppsOrReplicas = 30000;

/// Begins the names of containers and network namespaces, which the whole machine shares.
std::string prefix_of(const fs::path& folder) { return "defang-" + tag_of(folder) + "-"; }

Descriptor open_process(int pid) { return Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))); }

/// Waits for the end of a process that need not be our child. False: a stop or the limit came first.
bool wait_for_end(const Descriptor& process, const std::stop_token& stop, std::optional<milliseconds> limit = {}) {
  if (!process.valid()) return true;  // gone already
  const Descriptor stopping(::eventfd(0, EFD_CLOEXEC));
  const std::stop_callback wake(stop, [&] { ::eventfd_write(stopping.number(), 1); });
  pollfd both[] = {{process.number(), POLLIN, 0}, {stopping.number(), POLLIN, 0}};
  const int most = limit ? static_cast<int>(limit->count()) : -1;
  while (::poll(both, 2, most) < 0 && errno == EINTR) {
  }
  return (both[0].revents & POLLIN) != 0;
}

/// SIGTERM, and SIGKILL after the grace unless a stop comes, whose caller ends the process itself.
void end_process(const Descriptor& process, milliseconds grace, const std::stop_token& stop) {
  if (!process.valid()) return;
  ::syscall(SYS_pidfd_send_signal, process.number(), SIGTERM, nullptr, 0);
  if (!wait_for_end(process, stop, grace) && !stop.stop_requested())
    ::syscall(SYS_pidfd_send_signal, process.number(), SIGKILL, nullptr, 0);
}

std::uint64_t number_in(const fs::path& file, std::string_view key = {}) {
  std::ifstream in(file);
  for (std::string word; in >> word;) {
    if (key.empty()) return to_number(word).value_or(0);
    if (word == key && in >> word) return to_number(word).value_or(0);
  }
  return 0;
}

/// What the control groups of a container's first process count: proc(5), cgroups(7), in both hierarchies.
ReplicaUsage usage_of_process(int pid) {
  ReplicaUsage usage;
  std::ifstream groups(fmt::format("/proc/{}/cgroup", pid));
  for (std::string line; std::getline(groups, line);) {
    const auto parts = split(line, ':');
    if (parts.size() < 3) continue;
    const auto group = "." + parts[2];
    const fs::path root = "/sys/fs/cgroup";
    if (parts[1].empty()) {
      usage.cpu_seconds += static_cast<double>(number_in(root / group / "cpu.stat", "usage_usec")) / 1e6;
      usage.memory_bytes += number_in(root / group / "memory.current");
    } else if (parts[1].contains("cpuacct")) {
      usage.cpu_seconds += static_cast<double>(number_in(root / "cpuacct" / group / "cpuacct.usage")) / 1e9;
    } else if (parts[1] == "memory") {
      usage.memory_bytes += number_in(root / "memory" / group / "memory.usage_in_bytes");
    }
  }
  return usage;
}

struct Environment {
  std::string domain;
  std::unique_ptr<EnvironmentNetwork> network;
  Forwarding::Id name_answers = 0;
  unsigned last_app = 0;
  unsigned last_replica = 0;
  DnsNames names;
  struct Door {
    PrivateServers::Door said;
    std::uint32_t address = 0;
    Forwarding::Id listener = 0;
  };
  std::map<std::string, Door> doors;  // by the private server behind it
};

struct App {
  AppAddress declared;
  std::uint32_t address = 0;
  struct Listener {
    Forwarding::Id id = 0;
    std::optional<IngressEntry> entry;  // of one on this machine
  };
  std::map<std::string, Listener> listeners;  // by what they are for: `http:80`, `public`, `tcp:5432`
  std::vector<Backend> backends;
  Meanwhile meanwhile = Meanwhile::refuse;
  unsigned turn = 0;
  std::uint64_t arrived = 0;
  std::shared_ptr<std::atomic<std::uint64_t>> open = std::make_shared<std::atomic<std::uint64_t>>(0);
};

struct Container {
  ContainerSpec spec;
  ContainerState state;
  std::string id;
  int pid = 0;
  bool start_again = false;
  std::jthread ending;  // of a process that shall be started again
};

struct Replica {
  ReplicaSpec spec;
  std::shared_ptr<Environment> environment;
  EnvironmentNetwork::Cable cable;
  std::map<std::uint16_t, Forwarding::Id> to_host;
  std::jthread leading;  // to ports that are opened later
  std::vector<Container> init_containers;
  std::vector<Container> containers;
  milliseconds grace{0};

  Container* find(std::string_view name) {
    for (auto* list : {&init_containers, &containers}) {
      const auto found = std::ranges::find(*list, name, [](const Container& one) { return one.spec.name; });
      if (found != list->end()) return &*found;
    }
    return nullptr;
  }
  std::atomic<bool> gone = false;
  std::jthread thread;  // last: it uses the rest
};

class ContainerRuntime final : public Runtime, public PrivateServers {
 public:
  ContainerRuntime(const RuntimeOptions& options, std::unique_ptr<Engine> engine, std::vector<std::string> left_out,
                   Processes& processes, Disk& disk, const Clock& clock)
      : options_(options),
        engine_(std::move(engine)),
        left_out_(std::move(left_out)),
        processes_(processes),
        disk_(disk),
        clock_(clock),
        prefix_(prefix_of(options.folder)),
        ports_(disk, options.folder / "ingress.json"),
        names_(options.certificate_of),
        private_networks_(processes, prefix_),
        forwarding_(make_forwarding([this](const std::string& host) { return names_.certificate_of(host); })) {
    sweep_networks(processes_, prefix_);
    (void)disk_.remove(options_.folder / "replicas");
  }
  ~ContainerRuntime() override { end_everything(); }

  std::string engine() const override { return engine_->name(); }
  std::vector<std::string> engines_left_out() const override { return left_out_; }

  // Environments

  Result<void> start_environment(const std::string& id, const std::string& default_domain) override {
    const std::lock_guard lock(mutex_);
    if (environments_.contains(id)) return {};
    std::erase_if(leaving_, [](const auto& one) { return one->gone.load(); });
    auto made = std::make_shared<Environment>();
    made->domain = default_domain;
    TRY_ASSIGN(const unsigned index, free_index());
    TRY_ASSIGN(made->network, EnvironmentNetwork::make(processes_, prefix_, index));
    TRY_ASSIGN(auto names, made->network->space()->datagram_socket(made->network->name_server(), 53));
    made->name_answers = forwarding_->answer_datagrams(
        std::move(names), [this, id](std::string_view query) { return resolve(id, query); });
    environments_[id] = std::move(made);
    return {};
  }

  void stop_environment(const std::string& id) override {
    std::vector<std::string> apps;
    std::vector<std::string> replicas;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [name, app] : apps_) {
        if (app.declared.environment == id) apps.push_back(name);
      }
      for (const auto& [name, replica] : replicas_) {
        if (replica->spec.environment == id) replicas.push_back(name);
      }
    }
    for (const auto& app : apps) remove_app(app);
    for (const auto& replica : replicas) stop_replica(replica, milliseconds(0));
    const std::lock_guard lock(mutex_);
    const auto found = environments_.extract(id);
    if (found.empty()) return;
    forwarding_->close(found.mapped()->name_answers);
    for (const auto& [server, door] : found.mapped()->doors) forwarding_->close(door.listener);
  }

  // Apps

  Result<void> declare_app(const AppAddress& declared) override {
    const std::lock_guard lock(mutex_);
    const auto environment = environments_.find(declared.environment);
    if (environment == environments_.end()) return unknown_environment(declared.environment);
    App& app = apps_[declared.id];
    app.declared = declared;
    forget_names(app, *environment->second);
    if (app.address == 0) {
      const unsigned number = environment->second->last_app++ % kAddressesOfAppsOrReplicas;
      app.address = environment->second->network->app_address(number);
    }
    names_.declare(declared, environment->second->domain);
    environment->second->names.merge(names_of_app(declared.name, environment->second->domain, app.address));
    return open_listeners(app, *environment->second);
  }

  void remove_app(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    const auto found = apps_.find(id);
    if (found == apps_.end()) return;
    const auto environment = environments_.find(found->second.declared.environment);
    if (environment != environments_.end()) close_listeners(found->second, *environment->second);
    names_.remove(id);
    apps_.erase(found);
  }

  void route(const std::string& id, const std::vector<Backend>& backends, Meanwhile meanwhile) override {
    const std::lock_guard lock(mutex_);
    const auto found = apps_.find(id);
    if (found == apps_.end()) return;
    found->second.backends = backends;
    found->second.meanwhile = meanwhile;
  }

  IngressLoad load(const std::string& id) const override {
    const std::lock_guard lock(mutex_);
    const auto found = apps_.find(id);
    return found == apps_.end() ? IngressLoad{} : IngressLoad{found->second.arrived, found->second.open->load()};
  }

  std::vector<IngressEntry> ingress() const override {
    const std::lock_guard lock(mutex_);
    std::vector<IngressEntry> all;
    for (const auto& [id, app] : apps_) {
      for (const auto& [what, listener] : app.listeners) {
        if (listener.entry) all.push_back(*listener.entry);
      }
    }
    return all;
  }

  Result<std::uint16_t> front() override {
    const std::lock_guard lock(mutex_);
    if (front_ != 0) return front_;
    TRY_ASSIGN(auto listener, ports_.listen("front"));
    front_ = listener.port;
    forwarding_->forward_http(std::move(listener.socket),
                              [this](const RequestHead& head, bool tls) { return choose_by_host(head, tls); });
    return front_;
  }

  // Replicas

  Result<void> start_replica(const ReplicaSpec& spec) override {
    const std::lock_guard lock(mutex_);
    std::erase_if(leaving_, [](const auto& one) { return one->gone.load(); });
    const auto environment = environments_.find(spec.environment);
    if (environment == environments_.end()) return unknown_environment(spec.environment);
    if (replicas_.contains(spec.id)) return {};
    auto made = std::make_unique<Replica>();
    made->spec = spec;
    made->environment = environment->second;
    made->init_containers = make_containers(spec.id, spec.init_containers);
    made->containers = make_containers(spec.id, spec.containers);
    Replica& replica = *made;
    replicas_[spec.id] = std::move(made);
    replica.thread = std::jthread([this, &replica](std::stop_token stop) { live(replica, stop); });
    return {};
  }

  std::optional<ReplicaState> replica_state(const std::string& id) const override {
    ReplicaState state;
    int pid = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = replicas_.find(id);
      if (found == replicas_.end()) return std::nullopt;
      for (const auto& container : found->second->init_containers) state.init_containers.push_back(container.state);
      for (const auto& container : found->second->containers) {
        state.containers.push_back(container.state);
        if (container.state.phase == Phase::running) pid = container.pid;
      }
    }
    if (pid != 0) state.listening = open_ports(pid);
    return state;
  }

  void restart_container(const std::string& id, const std::string& name, milliseconds grace) override {
    const std::lock_guard lock(mutex_);
    const auto found = replicas_.find(id);
    auto* container = found == replicas_.end() ? nullptr : found->second->find(name);
    if (container == nullptr || container->start_again) return;
    container->start_again = true;
    changed_.notify_all();
    if (container->state.phase != Phase::running) return;
    container->ending = std::jthread(
        [pid = container->pid, grace](const std::stop_token& stop) { end_process(open_process(pid), grace, stop); });
  }

  std::optional<ReplicaUsage> usage(const std::string& id) const override {
    std::vector<int> pids;
    {
      const std::lock_guard lock(mutex_);
      const auto found = replicas_.find(id);
      if (found == replicas_.end()) return std::nullopt;
      for (const auto& container : found->second->containers)
        if (container.state.phase == Phase::running) pids.push_back(container.pid);
    }
    ReplicaUsage sum;
    for (const int pid : pids) {
      const auto one = usage_of_process(pid);
      sum.cpu_seconds += one.cpu_seconds;
      sum.memory_bytes += one.memory_bytes;
    }
    return sum;
  }

  void stop_replica(const std::string& id, milliseconds grace) override {
    const std::lock_guard lock(mutex_);
    auto found = replicas_.extract(id);
    if (found.empty()) return;
    found.mapped()->grace = grace;
    found.mapped()->thread.request_stop();
    leaving_.push_back(std::move(found.mapped()));
  }

  ProbeResult probe(const std::string& id, const Probe& probe, std::stop_token stop) override {
    std::shared_ptr<const NetworkNamespace> space;
    std::uint32_t address = 0;
    {
      const std::lock_guard lock(mutex_);
      const auto found = replicas_.find(id);
      if (found == replicas_.end() || found->second->cable.address == 0) return {false, "the replica is not running"};
      space = found->second->environment->network->space();
      address = found->second->cable.address;
    }
    return run_probe(*space, address, probe, stop);
  }

  LogPiece console(const std::string& replica, const std::string& container, std::uint64_t from,
                   std::size_t limit) const override {
    std::ifstream in(console_file(replica, container), std::ios::binary);
    in.seekg(static_cast<std::streamoff>(from));
    std::string bytes(kConsolePieceBytes, '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(in.gcount() > 0 ? static_cast<std::size_t>(in.gcount()) : 0);
    return read_console(bytes, from, limit);
  }

  Result<std::unique_ptr<PseudoTerminal>> exec(const std::string& id, const std::string& name,
                                               const std::vector<std::string>& words) override {
    std::string container_id;
    {
      const std::lock_guard lock(mutex_);
      const auto found = replicas_.find(id);
      const auto* container = found == replicas_.end() ? nullptr : found->second->find(name);
      if (container == nullptr || container->state.phase != Phase::running)
        return fail(Error::Kind::refused, "container-gone", fmt::format("container '{}' does not run", name));
      container_id = container->id;
    }
    return engine_->exec(container_id, words);
  }

  Result<std::optional<std::string>> public_digest(const std::string& image, std::stop_token stop) override {
    return engine_->public_digest(image, stop);
  }

  Result<std::vector<BuiltImage>> build(const BuildRequest& request, std::stop_token stop) override {
    return engine_->build(request, stop);
  }

  void stop() override { end_everything(); }

  PrivateServers* private_servers() override { return this; }

  // Private servers

  Result<void> open(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    TRY(private_networks_.open(id));
    return {};
  }

  Result<Descriptor> listen(const std::string& id, std::uint16_t port) override {
    const std::lock_guard lock(mutex_);
    TRY_ASSIGN(const auto space, private_networks_.open(id));
    return space->listen(INADDR_LOOPBACK, port);
  }

  Result<void> run(const std::string& id, const std::vector<std::string>& arguments, const fs::path& log) override {
    const std::lock_guard lock(mutex_);
    return private_networks_.run(id, arguments, log);
  }

  bool is_running(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    return private_networks_.is_running(id);
  }

  bool answers(const std::string& id, std::uint16_t port) override {
    std::shared_ptr<const NetworkNamespace> space;
    {
      const std::lock_guard lock(mutex_);
      space = private_networks_.find(id);
    }
    return space && run_probe(*space, INADDR_LOOPBACK, {.port = port}, {}).success;
  }

  void end(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    private_networks_.end(id);
  }

  void close(const std::string& id) override {
    const std::lock_guard lock(mutex_);
    for (auto& [name, environment] : environments_) shut_door(*environment, id);
    private_networks_.close(id);
  }

  Result<void> set_door(const std::string& environment, const std::string& id,
                        const PrivateServers::Door& door) override {
    const std::lock_guard lock(mutex_);
    const auto found = environments_.find(environment);
    if (found == environments_.end()) return unknown_environment(environment);
    auto& doors = found->second->doors;
    if (const auto known = doors.find(id); known != doors.end() && known->second.said == door) return {};
    shut_door(*found->second, id);
    if (door.names.empty()) return {};
    const unsigned number = found->second->last_app++ % kAddressesOfAppsOrReplicas;
    const auto address = found->second->network->app_address(number);
    TRY_ASSIGN(auto listener, found->second->network->space()->listen(address, door.port));
    const auto lead = [this, id, target = door.target]() -> Choice {
      const std::lock_guard inner(mutex_);
      auto space = private_networks_.find(id);
      if (!space) return {};
      return {.upstream = Upstream{std::move(space), INADDR_LOOPBACK, target}, .answer = {}};
    };
    doors[id] = {door, address, forwarding_->forward_tcp(std::move(listener), lead)};
    for (const auto& name : door.names) found->second->names[to_lower(name)] = address;
    return {};
  }

 private:
  void shut_door(Environment& environment, const std::string& id) {
    const auto door = environment.doors.extract(id);
    if (door.empty()) return;
    forwarding_->close(door.mapped().listener);
    std::erase_if(environment.names, [&](const auto& name) { return name.second == door.mapped().address; });
  }

  static std::unexpected<Error> unknown_environment(const std::string& id) {
    return fail(Error::Kind::refused, "environment-unknown", fmt::format("there is no network for environment {}", id));
  }

  /// Not the one that was just given back: replicas on their way out hold on to the network of their environment.
  Result<unsigned> free_index() {
    constexpr unsigned kCount = EnvironmentNetwork::kLastIndex + 1;
    for (unsigned attempt = 0; attempt < kCount; ++attempt) {
      const unsigned index = next_index_++ % kCount;
      const auto has_it = [&](const std::shared_ptr<Environment>& one) { return one->network->index() == index; };
      const bool taken = std::ranges::any_of(environments_, [&](const auto& one) { return has_it(one.second); });
      const bool held = std::ranges::any_of(leaving_, [&](const auto& one) { return has_it(one->environment); });
      if (!taken && !held) return index;
    }
    return fail(Error::Kind::refused, "network-other", "too many environments for one machine");
  }

  std::string resolve(const std::string& environment, std::string_view query) {
    const std::lock_guard lock(mutex_);
    const auto found = environments_.find(environment);
    return found == environments_.end() ? std::string() : answer_dns(query, found->second->names);
  }

  // Listeners of an app. What they lead to is looked up for each connection, so those that stay wanted stay open when
  // an app changes.

  void close_listeners(App& app, Environment& environment) {
    for (const auto& [what, listener] : app.listeners) forwarding_->close(listener.id);
    app.listeners.clear();
    forget_names(app, environment);
  }

  void forget_names(const App& app, Environment& environment) {
    std::erase_if(environment.names, [&](const auto& name) { return name.second == app.address; });
  }

  static std::vector<std::string> wanted_listeners(const AppAddress& declared) {
    std::vector<std::string> wanted;
    if (declared.http_target) wanted.insert(wanted.end(), {"http:80", "http:443"});
    if (declared.http_target && declared.external) wanted.push_back("public");
    for (const auto& port : declared.tcp) {
      wanted.push_back(fmt::format("tcp:{}", port.exposed));
      if (port.external) wanted.push_back(fmt::format("public-tcp:{}", port.exposed));
    }
    return wanted;
  }

  Result<void> open_listeners(App& app, const Environment& environment) {
    const auto wanted = wanted_listeners(app.declared);
    for (auto one = app.listeners.begin(); one != app.listeners.end();) {
      const bool stays = std::ranges::find(wanted, one->first) != wanted.end();
      if (!stays) forwarding_->close(one->second.id);
      one = stays ? std::next(one) : app.listeners.erase(one);
    }
    for (const auto& what : wanted) {
      if (!app.listeners.contains(what)) TRY(open_listener(app, environment, what));
    }
    return {};
  }

  Result<void> open_listener(App& app, const Environment& environment, const std::string& what) {
    const auto colon = what.find(':');
    const auto port = colon == std::string::npos ? 0 : to_number(what.substr(colon + 1)).value_or(0);
    const auto& id = app.declared.id;
    if (what == "public") return open_public_http(app, environment);
    if (what.starts_with("public-tcp")) return open_public_tcp(app, environment, static_cast<std::uint16_t>(port));
    TRY_ASSIGN(auto listener, environment.network->space()->listen(app.address, static_cast<std::uint16_t>(port)));
    app.listeners[what].id =
        what.starts_with("tcp")
            ? forwarding_->forward_tcp(std::move(listener), [this, id, port] { return choose_tcp(id, port); })
            : forwarding_->forward_http(std::move(listener),
                                        [this, id](const RequestHead& head, bool) { return choose_inside(id, head); });
    return {};
  }

  Result<void> open_public_http(App& app, const Environment& environment) {
    const auto& id = app.declared.id;
    TRY_ASSIGN(auto listener, ports_.listen(id));
    const auto number = forwarding_->forward_http(std::move(listener.socket),
                                                  [this, id](const RequestHead&, bool) { return choose_http(id); });
    app.listeners["public"] = {number, entry(app, environment, "http", listener.port)};
    return {};
  }

  Result<void> open_public_tcp(App& app, const Environment& environment, std::uint16_t exposed) {
    const auto& id = app.declared.id;
    TRY_ASSIGN(auto listener, ports_.listen(fmt::format("{}#{}", id, exposed)));
    const auto number =
        forwarding_->forward_tcp(std::move(listener.socket), [this, id, exposed] { return choose_tcp(id, exposed); });
    app.listeners[fmt::format("public-tcp:{}", exposed)] = {number, entry(app, environment, "tcp", listener.port)};
    return {};
  }

  static IngressEntry entry(const App& app, const Environment& environment, std::string_view scheme,
                            std::uint16_t port) {
    return {app.declared.id, fmt::format("{}://127.0.0.1:{}", scheme, port),
            app.declared.name + "." + environment.domain};
  }

  std::vector<Container> make_containers(const std::string& replica, const std::vector<ContainerSpec>& specs) const {
    std::vector<Container> made(specs.size());
    for (std::size_t index = 0; index < specs.size(); ++index) {
      made[index].spec = specs[index];
      made[index].state.name = specs[index].name;
      made[index].id = container_id(replica, specs[index].name);
    }
    return made;
  }

  Choice choose_by_host(const RequestHead& head, bool tls) {
    auto choice = names_.choose(head, tls);
    if (choice.app.empty()) return {.upstream = {}, .answer = std::move(choice.answer)};
    return choose_http(choice.app);
  }

  Choice choose_http(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto app = apps_.find(id);
    if (app == apps_.end() || !app->second.declared.http_target)
      return {.upstream = {}, .answer = ingress_answer(404, "")};
    return choose(id, app->second, *app->second.declared.http_target, ingress_answer(503, "no healthy upstream"));
  }

  /// Counts what arrives, and how long it is under way.
  Choice choose(const std::string& id, App& app, std::uint16_t target, std::string refusal) {
    ++app.arrived;
    ++*app.open;
    Choice choice{.upstream = next_upstream(app, target), .answer = std::move(refusal)};
    choice.under_way = std::shared_ptr<void>(nullptr, [open = app.open](void*) { --*open; });
    if (!choice.upstream && app.meanwhile == Meanwhile::wait) {
      choice.look = [this, id, target]() -> std::optional<Upstream> {
        const std::lock_guard lock(mutex_);
        const auto found = apps_.find(id);
        return found == apps_.end() ? std::nullopt : next_upstream(found->second, target);
      };
    }
    return choice;
  }

  /// Inside an environment the ingress answers to the app's names only (CA-70, CA-81). HTTP/2 without TLS shows its
  /// name later than we look.
  Choice choose_inside(const std::string& id, const RequestHead& head) {
    {
      const std::lock_guard lock(mutex_);
      const auto app = apps_.find(id);
      if (app == apps_.end()) return {.upstream = {}, .answer = ingress_answer(404, "")};
      const auto environment = environments_.find(app->second.declared.environment);
      const bool own = environment != environments_.end() && environment->second->names.contains(head.host);
      const bool added = is_custom_domain(app->second.declared, head.host);
      if (!head.host.empty() && !added && !(own && environment->second->names.at(head.host) == app->second.address)) {
        return {.upstream = {}, .answer = ingress_answer(404, "")};
      }
    }
    return choose_http(id);
  }

  Choice choose_tcp(const std::string& id, std::uint64_t exposed) {
    const std::lock_guard lock(mutex_);
    const auto app = apps_.find(id);
    if (app == apps_.end()) return {};
    const auto& ports = app->second.declared.tcp;
    const auto port = std::ranges::find(ports, exposed, &AppAddress::TcpPort::exposed);
    return port == ports.end() ? Choice{} : choose(id, app->second, port->target, {});
  }

  std::optional<Upstream> next_upstream(App& app, std::uint16_t target) {
    unsigned total = 0;
    for (const auto& backend : app.backends) total += backend.weight;
    if (total == 0) return std::nullopt;
    // Steps by a number prime to 100, so that shares mix instead of coming in blocks.
    unsigned place = (app.turn += 37) % total;
    for (const auto& backend : app.backends) {
      if (place < backend.weight) return upstream_of(backend.replica, target);
      place -= backend.weight;
    }
    return std::nullopt;
  }

  std::optional<Upstream> upstream_of(const std::string& replica, std::uint16_t target) const {
    const auto found = replicas_.find(replica);
    if (found == replicas_.end() || found->second->cable.address == 0) return std::nullopt;
    return Upstream{found->second->environment->network->space(), found->second->cable.address, target};
  }

  // The life of a replica, on its own thread

  void live(Replica& replica, std::stop_token stop) {
    const auto connected = connect(replica);
    if (!connected) {
      for (auto& container : replica.containers) set_waiting(container, connected.error());
    } else {
      if (initialise(replica, stop)) {
        std::vector<std::jthread> threads;
        for (auto& container : replica.containers) {
          threads.emplace_back([this, &replica, &container, stop] { live(replica, container, stop); });
        }
      }  // joins
      replica.leading = {};  // asked to stop, and joined
      for (const auto& [port, id] : replica.to_host) forwarding_->close(id);
      replica.environment->network->disconnect_replica(replica.cable);
    }
    (void)disk_.remove(folder_of(replica.spec.id));
    replica.gone = true;
  }

  /// Runs the init containers to their ends, again where someone asks for it. False: a stop came first.
  bool initialise(Replica& replica, const std::stop_token& stop) {
    for (auto& container : replica.init_containers) {
      bool is_done = false;
      do {
        is_done = run_once(replica, container, stop) && container.state.exit_code == 0;
      } while (!is_done && wait_for_restart(container, stop));
      engine_->remove(container.id, stop_grace(replica));
      if (!is_done) return false;
    }
    return true;
  }

  /// True: it ran to an end.
  bool run_once(Replica& replica, Container& container, const std::stop_token& stop) {
    if (const auto started = start(replica, container, stop); !started) {
      set_waiting(container, started.error());
      return false;
    }
    if (!wait_for_end(open_process(container.pid), stop)) return false;
    set_exited(container);
    return true;
  }

  Result<void> connect(Replica& replica) {
    unsigned number = 0;
    {
      const std::lock_guard lock(mutex_);
      number = replica.environment->last_replica++ % kAddressesOfAppsOrReplicas;
    }
    TRY_ASSIGN(auto cable, replica.environment->network->connect_replica(number));
    TRY(disk_.write(
        folder_of(replica.spec.id) / "resolv.conf",
        fmt::format("nameserver {}\noptions ndots:0\n", address_text(replica.environment->network->name_server())),
        Disk::Access::everyone));
    TRY(disk_.write(folder_of(replica.spec.id) / "hosts",
                    fmt::format("127.0.0.1 localhost\n::1 localhost\n{} {}\n", address_text(cable.address),
                                host_name(replica.spec.id)),
                    Disk::Access::everyone));
    TRY(lead_to_host(replica, cable));
    const std::lock_guard lock(mutex_);
    replica.cable = std::move(cable);
    return {};
  }

  Result<void> lead_to_host(Replica& replica, const EnvironmentNetwork::Cable& cable) {
    const auto has_identity = [](const ContainerSpec& spec) { return spec.environment.contains("IDENTITY_ENDPOINT"); };
    if (!options_.own_ports || std::ranges::none_of(replica.spec.containers, has_identity)) return {};
    TRY_ASSIGN(auto space, NetworkNamespace::open(cable.space_name));
    TRY(lead_to_host(replica, space));
    // Azure opens more as it goes: a registry's logs with its first run, a vault when it is made.
    replica.leading = std::jthread([this, &replica, space = std::move(space)](const std::stop_token& stop) {
      std::unique_lock lock(mutex_);
      while (!changed_.wait_for(lock, stop, kLookForPorts, [] { return false; }) && !stop.stop_requested()) {
        lock.unlock();
        (void)lead_to_host(replica, space);
        lock.lock();
      }
    });
    return {};
  }

  Result<void> lead_to_host(Replica& replica, const NetworkNamespace& space) {
    const auto here = std::make_shared<const NetworkNamespace>(NetworkNamespace::own());
    for (const auto port : options_.own_ports()) {
      if (replica.to_host.contains(port)) continue;
      TRY_ASSIGN(auto listener, space.listen(kLoopback, port));
      replica.to_host[port] = forwarding_->forward_tcp(std::move(listener), [here, port] {
        return Choice{.upstream = Upstream{here, kLoopback, port}, .answer = {}};
      });
    }
    return {};
  }

  void live(Replica& replica, Container& container, const std::stop_token& stop) {
    do {
      (void)run_once(replica, container, stop);
    } while (wait_for_restart(container, stop));
    engine_->remove(container.id, stop_grace(replica));
  }

  Result<void> start(Replica& replica, Container& container, std::stop_token stop) {
    set_phase(container, Phase::pulling);
    TRY(engine_->pull(container.spec.image, container.spec.login, stop));
    const auto console = console_file(replica.spec.id, container.spec.name);
    TRY(disk_.make_folder(console.parent_path()));
    TRY_ASSIGN(auto bound, bind_mounts(replica, container.spec));
    TRY_ASSIGN(const int pid, engine_->start({.id = container.id,
                                              .host_name = host_name(replica.spec.id),
                                              .spec = trusting(container.spec),
                                              .network_namespace = replica.cable.space_name,
                                              .console = console,
                                              .bound = std::move(bound)},
                                             stop));
    const std::lock_guard lock(mutex_);
    container.pid = pid;
    container.state.phase = Phase::running;
    container.state.started = clock_.now();
    return {};
  }

  /// What stands behind managed stores shows certificates of the emulator's authority. Clients that bring authorities
  /// of their own (Python's certifi, Node) look at these variables.
  ContainerSpec trusting(ContainerSpec spec) const {
    if (options_.authority_name.empty()) return spec;
    spec.environment.try_emplace("SSL_CERT_DIR", Secret(std::string(kAuthorities)));
    spec.environment.try_emplace("REQUESTS_CA_BUNDLE", Secret(std::string(kAuthorities)));
    spec.environment.try_emplace("NODE_EXTRA_CA_CERTS",
                                 Secret(fmt::format("{}/{}", kAuthorities, options_.authority_name)));
    return spec;
  }

  Result<std::vector<Engine::Bound>> bind_mounts(const Replica& replica, const ContainerSpec& spec) {
    const auto folder = folder_of(replica.spec.id);
    std::vector<Engine::Bound> bound = {{folder / "resolv.conf", "/etc/resolv.conf", true},
                                        {folder / "hosts", "/etc/hosts", true}};
    if (!options_.authority_name.empty())
      bound.push_back(
          {options_.certificate_folder / "ca.crt", fmt::format("{}/{}", kAuthorities, options_.authority_name), true});
    for (const auto& mount : spec.mounts) {
      const bool is_share = mount.kind == Mount::Kind::share;
      auto source =
          is_share ? options_.folder / "shares" / mount.source : folder / "volumes" / percent_encode(mount.name);
      TRY(disk_.make_folder(source));
      for (const auto& [name, content] : mount.files) {
        TRY(disk_.write(source / name, content.reveal(), Disk::Access::everyone));
      }
      // Whoever the image runs as writes there, as in an EmptyDir of Azure and on a share.
      std::error_code ignored;
      if (mount.kind != Mount::Kind::files) fs::permissions(source, fs::perms::all, ignored);
      if (!mount.sub_path.empty()) {
        source /= mount.sub_path;
        if (mount.kind != Mount::Kind::files) TRY(disk_.make_folder(source));
      }
      bound.push_back({std::move(source), mount.path, mount.read_only});
    }
    return bound;
  }

  void set_phase(Container& container, Phase phase) {
    const std::lock_guard lock(mutex_);
    container.start_again = false;
    container.state.phase = phase;
    container.state.reason.clear();
    container.state.message.clear();
  }

  void set_waiting(Container& container, const Error& why) {
    const std::lock_guard lock(mutex_);
    container.state.phase = Phase::waiting;
    container.state.reason = why.code == "ErrImagePull" ? why.code : "CreateContainerError";
    container.state.message = why.message;
  }

  void set_exited(Container& container) {
    const auto ended = engine_->ended(container.id);
    const std::lock_guard lock(mutex_);
    auto& state = container.state;
    state.phase = Phase::exited;
    state.exit_code = ended ? ended->exit_code : kKilledBySignal;
    state.reason = ended && ended->out_of_memory ? "OOMKilled" : state.exit_code == 0 ? "Completed" : "Error";
    state.message = ended ? "" : ended.error().message;
    state.finished = clock_.now();
    container.pid = 0;
  }

  /// False: it is to be stopped instead.
  bool wait_for_restart(Container& container, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const bool again = changed_.wait(lock, stop, [&] { return container.start_again; });
    if (again) ++container.state.restarts;
    return again;
  }

  milliseconds stop_grace(const Replica& replica) const {
    const std::lock_guard lock(mutex_);
    return replica.grace;
  }

  static std::vector<std::uint16_t> open_ports(int pid) {
    std::vector<std::uint16_t> ports;
    for (const auto* table : {"tcp", "tcp6"}) {
      std::ifstream in(fmt::format("/proc/{}/net/{}", pid, table));
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      for (const auto port : listening_ports(text)) ports.push_back(port);
    }
    std::ranges::sort(ports);
    ports.erase(std::unique(ports.begin(), ports.end()), ports.end());
    return ports;
  }

  // Names of files and containers

  std::string container_id(const std::string& replica, const std::string& container) const {
    return prefix_ + sha256_hex(replica).substr(0, 12) + "-" + sha256_hex(container).substr(0, 6);
  }
  static std::string host_name(const std::string& replica) {
    const auto name = to_lower(replica.substr(replica.rfind('/') + 1));
    return name.substr(0, kLargestHostName);
  }
  fs::path folder_of(const std::string& replica) const {
    return options_.folder / "replicas" / sha256_hex(replica).substr(0, 16);
  }
  fs::path console_file(const std::string& replica, const std::string& container) const {
    return options_.folder / "consoles" / sha256_hex(replica).substr(0, 16) / (percent_encode(container) + ".log");
  }

  void end_everything() {
    std::vector<std::string> all;
    {
      const std::lock_guard lock(mutex_);
      for (const auto& [id, environment] : environments_) all.push_back(id);
    }
    for (const auto& id : all) stop_environment(id);
    std::vector<std::unique_ptr<Replica>> leaving;
    {
      const std::lock_guard lock(mutex_);
      leaving.swap(leaving_);
    }
    leaving.clear();  // joins their threads
    private_networks_.close_all();
    if (!std::exchange(ended_, true)) engine_->sweep();
  }

  RuntimeOptions options_;
  std::unique_ptr<Engine> engine_;
  std::vector<std::string> left_out_;
  Processes& processes_;
  Disk& disk_;
  const Clock& clock_;
  std::string prefix_;
  IngressPorts ports_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::map<std::string, std::shared_ptr<Environment>> environments_;
  std::map<std::string, App> apps_;
  std::map<std::string, std::unique_ptr<Replica>> replicas_;
  std::vector<std::unique_ptr<Replica>> leaving_;
  std::uint16_t front_ = 0;
  unsigned next_index_ = 0;
  bool ended_ = false;
  HostNames names_;
  PrivateNetworks private_networks_;
  std::unique_ptr<Forwarding> forwarding_;  // last: its thread calls into the rest
};

}  // namespace

std::unique_ptr<Runtime> make_container_runtime(const RuntimeOptions& options, std::unique_ptr<Engine> engine,
                                                std::vector<std::string> left_out, Processes& processes, Disk& disk,
                                                const Clock& clock) {
  return std::make_unique<ContainerRuntime>(options, std::move(engine), std::move(left_out), processes, disk, clock);
}

namespace {

struct EngineKind {
  std::string_view name;
  std::unique_ptr<Engine> (*make)(const EngineOptions&, Processes&, Disk&);
};
constexpr EngineKind kEngines[] = {{"podman", make_podman}, {"bundle", make_bundle}};  // the best first

Result<void> prove(Engine& engine) {
  if (::geteuid() != 0) {
    return fail(Error::Kind::refused, "engine-not-there",
                "networks of their own need root, and this program does not run as root");
  }
  engine.sweep();
  return engine.prove({});
}

}  // namespace

void sweep_containers(const fs::path& folder, Processes& processes, Disk& disk) {
  if (::geteuid() != 0) return;
  for (const auto& kind : kEngines) {
    kind.make({.folder = folder, .certificate_folder = {}, .base_images = {}}, processes, disk)->sweep();
  }
  sweep_networks(processes, prefix_of(folder));
}

Result<std::unique_ptr<Runtime>> make_runtime(const RuntimeOptions& options, Processes& processes, Disk& disk,
                                              const Clock& clock, Registries& registries) {
  std::vector<std::string> left_out;
  for (const auto& kind : kEngines) {
    if (options.engine != "auto" && options.engine != kind.name) continue;
    auto engine = kind.make({.folder = options.folder,
                             .certificate_folder = options.certificate_folder,
                             .base_images = options.base_images},
                            processes, disk);
    auto proven = prove(*engine);
    if (proven) return make_container_runtime(options, std::move(engine), std::move(left_out), processes, disk, clock);
    if (options.engine != "auto") return fail(std::move(proven).error());
    left_out.push_back(fmt::format("{}: {}", kind.name, proven.error().message));
  }
  return make_runtime_without_containers(options, std::move(left_out), disk, clock, registries);
}

}  // namespace defang::emulator
