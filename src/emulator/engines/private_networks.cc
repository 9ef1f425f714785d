#include "emulator/engines/private_networks.h"

#include <fmt/format.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "emulator/engines/environment_network.h"
#include "emulator/private_servers.h"

namespace defang::emulator {

using namespace std::chrono_literals;

Result<std::shared_ptr<const NetworkNamespace>> PrivateNetworks::open(const std::string& id) {
  if (auto known = find(id)) return known;
  Network made{.name = fmt::format("{}p{}", prefix_, ++last_), .space = {}, .program = {}};
  TRY(run_ip(processes_, {"netns", "add", made.name}));
  TRY(run_ip(processes_, {"-n", made.name, "link", "set", "lo", "up"}));
  TRY_ASSIGN(auto space, NetworkNamespace::open(made.name));
  made.space = std::make_shared<const NetworkNamespace>(std::move(space));
  return (networks_[id] = std::move(made)).space;
}

std::shared_ptr<const NetworkNamespace> PrivateNetworks::find(const std::string& id) const {
  const auto found = networks_.find(id);
  return found == networks_.end() ? nullptr : found->second.space;
}

Result<void> PrivateNetworks::run(const std::string& id, const std::vector<std::string>& arguments,
                                  const std::filesystem::path& log) {
  TRY(open(id));
  Network& network = networks_.at(id);
  std::vector<std::string> words = {"ip", "netns", "exec", network.name};
  words.insert(words.end(), std::begin(kAsNobody), std::end(kAsNobody));
  words.insert(words.end(), arguments.begin(), arguments.end());
  TRY_ASSIGN(network.program,
             processes_.start({.arguments = std::move(words), .environment = {}, .folder = {}, .output = log}));
  return {};
}

bool PrivateNetworks::is_running(const std::string& id) {
  const auto found = networks_.find(id);
  return found != networks_.end() && found->second.program && !found->second.program->exit_code();
}

void PrivateNetworks::end(const std::string& id) {
  const auto found = networks_.find(id);
  if (found == networks_.end() || !found->second.program) return;
  auto& program = *found->second.program;
  // PostgreSQL takes it as a fast shutdown; at SIGTERM it would wait for its clients.
  if (!program.exit_code()) ::kill(program.pid(), SIGINT);
  for (int turn = 0; turn < 500 && !program.exit_code(); ++turn) std::this_thread::sleep_for(20ms);
  program.kill();
  for (int turn = 0; turn < 100 && !program.exit_code(); ++turn) std::this_thread::sleep_for(10ms);
  found->second.program.reset();
}

void PrivateNetworks::close(const std::string& id) {
  end(id);
  const auto found = networks_.extract(id);
  if (!found.empty()) (void)run_ip(processes_, {"netns", "delete", found.mapped().name});
}

void PrivateNetworks::close_all() {
  while (!networks_.empty()) close(std::string(networks_.begin()->first));
}

}  // namespace defang::emulator
