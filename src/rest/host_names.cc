#include "rest/host_names.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>

#include "rest/ares_channel.h"
#include "support/text.h"

namespace defang::rest {
namespace {

bool is_address(const std::string& host) {
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  return inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 || inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

std::string to_text(const ares_addrinfo_node& node) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  const void* address = node.ai_family == AF_INET
                            ? static_cast<const void*>(&reinterpret_cast<const sockaddr_in*>(node.ai_addr)->sin_addr)
                            : &reinterpret_cast<const sockaddr_in6*>(node.ai_addr)->sin6_addr;
  return inet_ntop(node.ai_family, address, text.data(), text.size()) ? text.data() : "";
}

struct Answer {
  bool done = false;
  int status = ARES_SUCCESS;
  std::vector<std::string> addresses;
};

void take_answer(void* to, int status, int, ares_addrinfo* found) {
  auto& answer = *static_cast<Answer*>(to);
  answer.done = true;
  answer.status = status;
  for (auto* node = found ? found->nodes : nullptr; node; node = node->ai_next) {
    if (const auto text = to_text(*node); !text.empty()) answer.addresses.push_back(text);
  }
  if (found) ares_freeaddrinfo(found);
}

std::unexpected<Error> not_found(const std::string& host, const std::string& why) {
  return fail(Error{.kind = Error::Kind::unreachable,
                    .code = "name-not-found",
                    .message = fmt::format("cannot find the address of `{}`: {}", host, why),
                    .help = "check the name, the network and /etc/resolv.conf"});
}

Result<std::vector<std::string>> ask_dns(const std::string& host, const std::stop_token& stop) {
  ares_options options{};
  options.timeout = 3000;
  options.tries = 3;
  std::string lookups = "b";  // the hosts file was read before
  options.lookups = lookups.data();
  AresChannel channel(options, ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS);
  if (channel.status() != ARES_SUCCESS) return not_found(host, ares_strerror(channel.status()));
  Answer answer;
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  ares_getaddrinfo(channel.get(), host.c_str(), nullptr, &hints, take_answer, &answer);
  channel.wait(answer.done, stop);
  if (stop.stop_requested()) return stopped();
  if (answer.addresses.empty()) return not_found(host, ares_strerror(answer.status));
  return in_turns(answer.addresses);
}

}  // namespace

bool is_loopback_name(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::string name = to_lower(host);
  return name == "localhost" || name.ends_with(".localhost");
}

std::vector<std::string> in_turns(const std::vector<std::string>& addresses) {
  const auto is_6 = [](const std::string& address) { return address.find(':') != std::string::npos; };
  std::vector<std::string> first, second, out;
  for (const auto& address : addresses) (is_6(address) == is_6(addresses.front()) ? first : second).push_back(address);
  for (std::size_t i = 0; i < std::max(first.size(), second.size()); ++i) {
    if (i < first.size()) out.push_back(first[i]);
    if (i < second.size()) out.push_back(second[i]);
  }
  return out;
}

std::vector<std::string> addresses_in_hosts_file(std::string_view text, std::string_view host) {
  std::vector<std::string> addresses;
  for (const std::string& raw : split(text, '\n')) {
    const std::string line = replace_all(raw.substr(0, raw.find('#')), "\t", " ");
    std::vector<std::string> words;
    for (const std::string& word : split(trim(line), ' ')) {
      if (!word.empty()) words.push_back(word);
    }
    const bool names_it = words.size() > 1 && std::any_of(words.begin() + 1, words.end(), [&](const std::string& name) {
                            return equals_ignoring_case(name, host);
                          });
    if (names_it && is_address(words[0])) addresses.push_back(words[0]);
  }
  return addresses;
}

Result<std::vector<std::string>> look_up(const std::string& host, std::stop_token stop) {
  if (is_address(host)) return std::vector<std::string>{host};
  if (is_loopback_name(host)) return std::vector<std::string>{"127.0.0.1", "::1"};
  std::ifstream file("/etc/hosts");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (auto found = addresses_in_hosts_file(text, host); !found.empty()) return in_turns(found);
  return ask_dns(host, stop);
}

}  // namespace defang::rest
