#include "emulator/emulator.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <condition_variable>
#include <thread>

#include "emulator/certificates.h"
#include "emulator/core.h"
#include "emulator/dns/resolver.h"
#include "emulator/dns/server.h"
#include "emulator/engines/container_runtime.h"
#include "emulator/front_door.h"
#include "emulator/providers/container_registry.h"
#include "emulator/providers/public_names.h"
#include "emulator/server.h"
#include "emulator/transport.h"
#include "emulator/workloads.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

namespace fs = std::filesystem;

/// The ports are 0 where nobody listens.
std::map<std::string, std::string> environment_of(Core& core, const fs::path& ca_file, std::uint16_t dns,
                                                  std::uint16_t front) {
  const Core::Lock guard(core);
  const Json& principal = core.store().documents("emulator").at("default");
  std::map<std::string, std::string> variables = {{"AZURE_RESOURCE_MANAGER_ENDPOINT", core.arm_base_url()},
                                                  {"AZURE_AUTHORITY_HOST", core.arm_base_url()},
                                                  {"AZURE_TENANT_ID", core.tenant()},
                                                  {"AZURE_CLIENT_ID", text_at(principal, "clientId")},
                                                  {"AZURE_CLIENT_SECRET", text_at(principal, "secret")},
                                                  {"AZURE_SUBSCRIPTION_ID", core.subscription()},
                                                  {"SSL_CERT_FILE", ca_file.string()}};
  if (dns != 0) variables["DEFANG_DNS_SERVER"] = fmt::format("127.0.0.53:{}", dns);
  if (front != 0) variables["DEFANG_INGRESS"] = fmt::format("127.0.0.1:{}", front);
  return variables;
}

fs::path containers_folder(const fs::path& folder) { return folder / "containers"; }
fs::path running_file(const fs::path& folder) { return folder / "emulator.json"; }

/// The whole of a lock file, for one open file: it goes with the process, even after kill -9.
struct flock whole_file() {
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

fs::path lock_path(const fs::path& folder) { return folder / "lock"; }

Result<void> lock_folder(const fs::path& folder) {
  const int file = ::open(lock_path(folder).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return fail(Error::Kind::refused, "file-other", "cannot write to " + folder.string());
  struct flock lock = whole_file();
  if (::fcntl(file, F_OFD_SETLK, &lock) == 0) return {};
  ::close(file);
  return fail({.kind = Error::Kind::refused,
               .code = "emulator-running",
               .message = fmt::format("an emulator already runs on {}", folder.string()),
               .help = "stop it with `defang emulator stop`, or choose another folder with `--state`"});
}

/// Asks without taking it, which would get into the way of one that starts. A process id says less: it is there for as
/// long as nobody has collected the exit status, and may belong to somebody else.
bool is_locked(const fs::path& folder) {
  const int file = ::open(lock_path(folder).c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock = whole_file();
  const bool locked = ::fcntl(file, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return locked;
}

/// Secrets and keys are in there.
Result<void> make_private(Disk& disk, const fs::path& folder) {
  TRY(disk.make_folder(folder));
  TRY(disk.make_folder(folder / "uploads"));
  std::error_code error;
  fs::permissions(folder, fs::perms::owner_all, error);
  if (error)
    return fail(Error::Kind::refused, "file-permission",
                fmt::format("cannot make {} private: {}", folder.string(), error.message()));
  return {};
}

/// Runs timed transitions when they are due, also while nobody asks.
void tick(Core& core, Clock& clock, std::stop_token stop) {
  constexpr std::int64_t kLongestDelay = 250, kShortest = 1;
  while (!stop.stop_requested()) {
    core.run_due();
    const auto due = core.next_due_ms();
    const std::int64_t wait = due ? std::clamp(*due - core.now_ms(), kShortest, kLongestDelay) : kLongestDelay;
    clock.sleep_for(std::chrono::milliseconds(wait), stop);
  }
}

Result<void> prepare(FrontDoor& door, const Options& options, Disk& disk, Clock& clock) {
  if (!options.faults.empty()) {
    TRY_ASSIGN(auto faults, Faults::read(disk, options.faults));
    door.use(std::move(faults));
  }
  if (!options.request_log.empty()) door.use(std::make_unique<RequestLog>(disk, clock, options.request_log));
  return {};
}

Result<void> read_zone_file(Core& core, const Options& options, const Disk& disk) {
  if (options.zone_file.empty()) return {};
  TRY_ASSIGN(const auto text, disk.read(options.zone_file));
  const Core::Lock guard(core);
  if (auto held = hold_records(core, text); !held)
    return fail(std::move(held.error().during(fmt::format("reading {}", options.zone_file.string()))));
  return {};
}

Result<std::unique_ptr<DnsServer>> open_dns(Core& core, const Options& options, CachingResolver& resolver) {
  const Core::Lock guard(core);
  Json& ports = core.store().edit_document("emulator", "port");
  const auto wanted = options.dns_port != 0 ? options.dns_port : static_cast<std::uint16_t>(integer_at(ports, "dns"));
  TRY_ASSIGN(
      auto server,
      DnsServer::open(
          wanted, [&core, &resolver](DnsServer::Role role, std::string_view message, std::size_t limit) -> std::string {
            const auto read = read_query(message);
            if (!read) return {};
            const Core::Lock lock(core);
            const bool resolves = role == DnsServer::Role::resolver;
            DnsAnswer answer;
            if (read->query && resolves)
              answer = resolver.answer(public_zones(core), *read->query, core.now_ms());
            else if (read->query)
              answer = look_up(public_zones(core), read->query->name, read->query->type);
            return write_answer(message, *read, answer, resolves, limit);
          }));
  ports["dns"] = server->port();
  return server;
}

/// The registry behind `localhost:5001`.
std::function<std::optional<std::string>(const std::string&)> registries_of(Core& core) {
  return [&core](const std::string& server) -> std::optional<std::string> {
    const auto colon = server.rfind(':');
    const auto port = colon == std::string::npos ? std::nullopt : to_number(std::string_view(server).substr(colon + 1));
    const auto endpoint = port && *port <= 65535 ? core.endpoint_of(static_cast<std::uint16_t>(*port)) : std::nullopt;
    if (!endpoint || endpoint->first != kRegistryEndpoint) return std::nullopt;
    return endpoint->second;
  };
}

/// The engine that was asked for, with the authority where containers and tools look for it.
Result<std::unique_ptr<Runtime>> make_engine(const Options& options, World world, Core& core,
                                             const CertificateAuthority& authority, Registries& registries) {
  const fs::path trusted = options.state_folder / "trusted";
  TRY(world.disk.write(trusted / "ca.crt", authority.certificate_pem()));
  RuntimeOptions runtime{.folder = containers_folder(options.state_folder),
                         .engine = options.engine,
                         .base_images = options.base_images,
                         .certificate_folder = trusted,
                         .authority_name = authority.hashed_name()};
  runtime.certificate_of = [&authority](const std::string& host) -> std::optional<HostCertificate> {
    const auto certificate = authority.issue({host});
    if (!certificate) return std::nullopt;
    return HostCertificate{.key = certificate->key_pem, .chain = certificate->certificate_pem};
  };
  runtime.registry_at = registries_of(core);
  runtime.own_ports = [&core] {
    const Core::Lock guard(core);
    std::vector<std::uint16_t> ports = {core.arm_port()};
    for (const auto& [name, endpoint] : core.store().documents("endpoints"))
      ports.push_back(static_cast<std::uint16_t>(integer_at(endpoint, "port")));
    return ports;
  };
  return make_runtime(runtime, world.processes, world.disk, world.clock, registries);
}

}  // namespace

void sweep(const fs::path& state_folder, Disk& disk, Processes& processes) {
  sweep_containers(containers_folder(state_folder), processes, disk);
}

fs::path log_file(const fs::path& state_folder) { return state_folder / "emulator.log"; }

Result<void> serve(const Options& options, World world, std::stop_token stop,
                   const std::function<void(const Description&)>& ready) {
  TRY(make_private(world.disk, options.state_folder));
  TRY(lock_folder(options.state_folder));
  TRY(world.disk.remove(running_file(options.state_folder)));  // of one that was killed
  TRY_ASSIGN(const auto authority, CertificateAuthority::open(world.disk, options.state_folder));
  TRY_ASSIGN(const auto server, Server::make(authority, options.state_folder / "uploads"));
  Core core(options, world.clock, world.disk, world.random, *server);
  FrontDoor door(core);
  TRY(prepare(door, options, world.disk, world.clock));
  server->serve([&door](Request request) { return door.answer(std::move(request)); });
  add_all_providers(core);
  TRY_ASSIGN(const auto workloads,
             Workloads::make(core, options.state_folder / "registries", [&](Registries& registries) {
               return make_engine(options, world, core, authority, registries);
             }));
  core.attach(authority);
  workloads->keep_stores(core, world.processes, authority);
  TRY(core.start());
  TRY(read_zone_file(core, options, world.disk));
  CachingResolver resolver;
  TRY_ASSIGN(const auto dns, open_dns(core, options, resolver));
  TRY_ASSIGN(const std::uint16_t front, workloads->runtime().front());
  workloads->resume();
  std::jthread watching([&](std::stop_token ends) { workloads->watch(ends); });

  const Description description{.endpoint = core.arm_base_url(),
                                .pid = ::getpid(),
                                .state = options.state_folder,
                                .dns = fmt::format("127.0.0.1:{}", dns->port()),
                                .ingress = fmt::format("127.0.0.1:{}", front),
                                .environment = environment_of(core, authority.certificate_file(), dns->port(), front),
                                .engine = workloads->runtime().engine(),
                                .engines_left_out = workloads->runtime().engines_left_out()};
  const Json running = {{"pid", description.pid},
                        {"endpoint", description.endpoint},
                        {"dns", description.dns},
                        {"ingress", description.ingress},
                        {"environment", description.environment},
                        {"engine", description.engine},
                        {"enginesLeftOut", description.engines_left_out}};
  TRY(world.disk.write(running_file(options.state_folder), dump(running), Disk::Access::owner_only));
  if (ready) ready(description);
  tick(core, world.clock, stop);
  watching.request_stop();
  watching.join();
  server->stop();
  workloads->stop();
  return {};  // the lock goes with the process, and describe() sees it
}

Result<std::optional<Description>> describe(const Disk& disk, const fs::path& state_folder) {
  const auto text = disk.read(running_file(state_folder));
  if (!text && text.error().code == "file-not-found") return std::nullopt;
  if (!text) return std::unexpected(text.error());
  const auto json = parse_json(*text);
  if (!json) return std::nullopt;
  Description description{.endpoint = text_at(*json, "endpoint"),
                          .pid = static_cast<int>(integer_at(*json, "pid")),
                          .state = state_folder,
                          .dns = text_at(*json, "dns"),
                          .ingress = text_at(*json, "ingress")};
  // After kill -9 the file is still there.
  if (!is_locked(state_folder)) return std::nullopt;
  if (const Json* environment = find_member(*json, "environment"))
    for (const auto& [name, value] : environment->items())
      if (value.is_string()) description.environment[name] = value.get<std::string>();
  description.engine = text_at(*json, "engine");
  if (const Json* left_out = find_member(*json, "enginesLeftOut"); left_out != nullptr && left_out->is_array())
    for (const auto& why : *left_out)
      if (why.is_string()) description.engines_left_out.push_back(why.get<std::string>());
  return description;
}

namespace {

class InThisProcess : public InProcess {
 public:
  InThisProcess(const Options& options, Clock& clock, Disk& disk, Random& random)
      : core_(options, clock, disk, random, listeners_), door_(core_), transport_(core_, door_) {
    add_all_providers(core_);
  }
  ~InThisProcess() override {
    std::error_code ignored;
    fs::remove_all(registries_, ignored);
  }
  Result<void> start(const Options& options, Disk& disk, Clock& clock) {
    TRY_ASSIGN(workloads_,
               Workloads::make(core_, registries_, [&](Registries& registries) -> Result<std::unique_ptr<Runtime>> {
                 RuntimeOptions runtime{.folder = containers_folder(options.state_folder),
                                        .base_images = options.base_images};
                 runtime.registry_at = registries_of(core_);
                 return make_runtime_without_containers(runtime, {}, disk, clock, registries);
               }));
    TRY(prepare(door_, options, disk, clock));
    TRY(core_.start());
    environment_ = environment_of(core_, "", 0, 0);
    return {};
  }
  rest::HttpTransport& transport() override { return transport_; }
  const std::map<std::string, std::string>& environment() const override { return environment_; }

 private:
  NumberedListeners listeners_;
  // Images are on the real disk, whatever the rest is on.
  fs::path registries_ = fs::temp_directory_path() / fmt::format("defang-registries-{}-{}", ::getpid(), fmt::ptr(this));
  Core core_;
  FrontDoor door_;
  EmulatorTransport transport_;
  std::unique_ptr<Workloads> workloads_;
  std::map<std::string, std::string> environment_;
};

}  // namespace

Result<std::unique_ptr<InProcess>> make_in_process(const Options& options, Clock& clock, Disk& disk, Random& random) {
  auto emulator = std::make_unique<InThisProcess>(options, clock, disk, random);
  TRY(emulator->start(options, disk, clock));
  return emulator;
}

}  // namespace defang::emulator
