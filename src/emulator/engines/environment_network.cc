#include "emulator/engines/environment_network.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "support/text.h"

namespace defang::emulator {

using namespace std::chrono_literals;

Result<std::string> run_ip(Processes& processes, std::vector<std::string> arguments, std::string input) {
  arguments.insert(arguments.begin(), "ip");
  Processes::Command command;
  command.arguments = std::move(arguments);
  command.input = std::move(input);
  command.limit = 10s;
  TRY_ASSIGN(const auto ended, processes.run(command, {}));
  if (ended.exit_code == 0) return ended.output;
  return fail(Error::Kind::refused, "network-other",
              fmt::format("`ip {}`: {}", join({command.arguments.begin() + 1, command.arguments.end()}, " "),
                          trim(ended.error_output)));
}

Result<std::unique_ptr<EnvironmentNetwork>> EnvironmentNetwork::make(Processes& processes, const std::string& prefix,
                                                                     unsigned index) {
  std::unique_ptr<EnvironmentNetwork> made(new EnvironmentNetwork(processes, prefix, index));
  TRY(made->set_up());
  return made;
}

EnvironmentNetwork::~EnvironmentNetwork() { (void)run_ip(processes_, {"netns", "delete", space_name()}); }

std::string EnvironmentNetwork::space_name() const { return fmt::format("{}e{}", prefix_, index_); }

Result<void> EnvironmentNetwork::set_up() {
  TRY(run_ip(processes_, {"netns", "add", space_name()}));
  // The whole range is local: what nobody listens on is refused at once.
  TRY(run_ip(processes_, {"-n", space_name(), "-batch", "-"},
             fmt::format("link set lo up\nroute add local {}/16 dev lo\n", address_text(app_range()))));
  TRY_ASSIGN(auto space, NetworkNamespace::open(space_name()));
  // A new namespace may inherit the machine's setting. Without forwarding, replicas cannot reach each other.
  space.inside([] { std::ofstream("/proc/sys/net/ipv4/ip_forward") << "0"; });
  space_ = std::make_shared<const NetworkNamespace>(std::move(space));
  return {};
}

Result<EnvironmentNetwork::Cable> EnvironmentNetwork::connect_replica(unsigned number) {
  const auto router = (10u << 24 | (128 + index_) << 16) + 2 * number;
  const Cable cable{fmt::format("{}r{}-{}", prefix_, index_, number), router + 1};
  const auto end = fmt::format("r{}", number);
  TRY(run_ip(processes_, {"netns", "add", cable.space_name}));
  TRY(run_ip(
      processes_, {"-n", space_name(), "-batch", "-"},
      fmt::format("link add {0} type veth peer name eth0 netns {1}\naddr add {2} peer {3} dev {0}\nlink set {0} up\n",
                  end, cable.space_name, address_text(router), address_text(cable.address))));
  TRY(run_ip(
      processes_, {"-n", cable.space_name, "-batch", "-"},
      fmt::format("link set lo up\naddr add {} peer {} dev eth0\nlink set eth0 up\nroute add {}/16 via {}\n",
                  address_text(cable.address), address_text(router), address_text(app_range()), address_text(router))));
  return cable;
}

void EnvironmentNetwork::disconnect_replica(const Cable& cable) {
  (void)run_ip(processes_, {"netns", "delete", cable.space_name});
}

namespace {

constexpr auto kEndLimit = 5s;

/// Containers are gone by now; what still runs there are databases of an emulator that was killed. A new one refuses
/// its data while the process of the old one exists.
void end_programs_in(Processes& processes, const std::string& name) {
  const auto list = run_ip(processes, {"netns", "pids", name});
  if (!list) return;
  std::vector<pid_t> pids;
  for (const auto& line : split(*list, '\n'))
    if (const auto number = to_number(line); number && *number > 1) pids.push_back(static_cast<pid_t>(*number));
  for (const auto pid : pids) ::kill(pid, SIGKILL);
  for (const auto end = std::chrono::steady_clock::now() + kEndLimit; std::chrono::steady_clock::now() < end;) {
    if (std::ranges::none_of(pids, [](pid_t pid) { return ::kill(pid, 0) == 0; })) return;
    std::this_thread::sleep_for(10ms);
  }
}

}  // namespace

void sweep_networks(Processes& processes, const std::string& prefix) {
  const auto list = run_ip(processes, {"netns", "list"});
  if (!list) return;
  for (const auto& line : split(*list, '\n')) {
    const auto name = line.substr(0, line.find(' '));
    if (name.empty() || !name.starts_with(prefix)) continue;
    end_programs_in(processes, name);
    (void)run_ip(processes, {"netns", "delete", name});
  }
}

}  // namespace defang::emulator
