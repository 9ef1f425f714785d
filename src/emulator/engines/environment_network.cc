#include "emulator/engines/environment_network.h"

#include <fmt/format.h>

#include <fstream>

#include "support/text.h"

namespace defang::emulator {
namespace {

using namespace std::chrono_literals;

Result<std::string> ip(Processes& processes, std::vector<std::string> arguments, std::string input = {}) {
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

}  // namespace

Result<std::unique_ptr<EnvironmentNetwork>> EnvironmentNetwork::make(Processes& processes, const std::string& prefix,
                                                                     unsigned index) {
  std::unique_ptr<EnvironmentNetwork> made(new EnvironmentNetwork(processes, prefix, index));
  TRY(made->set_up());
  return made;
}

EnvironmentNetwork::~EnvironmentNetwork() { (void)ip(processes_, {"netns", "delete", space_name()}); }

std::string EnvironmentNetwork::space_name() const { return fmt::format("{}e{}", prefix_, index_); }

Result<void> EnvironmentNetwork::set_up() {
  TRY(ip(processes_, {"netns", "add", space_name()}));
  // The whole range is local: what nobody listens on is refused at once.
  TRY(ip(processes_, {"-n", space_name(), "-batch", "-"},
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
  TRY(ip(processes_, {"netns", "add", cable.space_name}));
  TRY(ip(
      processes_, {"-n", space_name(), "-batch", "-"},
      fmt::format("link add {0} type veth peer name eth0 netns {1}\naddr add {2} peer {3} dev {0}\nlink set {0} up\n",
                  end, cable.space_name, address_text(router), address_text(cable.address))));
  TRY(ip(
      processes_, {"-n", cable.space_name, "-batch", "-"},
      fmt::format("link set lo up\naddr add {} peer {} dev eth0\nlink set eth0 up\nroute add {}/16 via {}\n",
                  address_text(cable.address), address_text(router), address_text(app_range()), address_text(router))));
  return cable;
}

void EnvironmentNetwork::disconnect_replica(const Cable& cable) {
  (void)ip(processes_, {"netns", "delete", cable.space_name});
}

void sweep_networks(Processes& processes, const std::string& prefix) {
  const auto list = ip(processes, {"netns", "list"});
  if (!list) return;
  for (const auto& line : split(*list, '\n')) {
    const auto name = line.substr(0, line.find(' '));
    if (!name.empty() && name.starts_with(prefix)) (void)ip(processes, {"netns", "delete", name});
  }
}

}  // namespace defang::emulator
