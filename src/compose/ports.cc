#include "compose/ports.h"

#include <arpa/inet.h>

#include <algorithm>
#include <optional>

#include "support/text.h"

namespace defang::compose {
namespace {

struct Range {
  std::uint64_t first = 0, last = 0;
  std::uint64_t size() const { return last - first + 1; }
};

std::optional<Range> parse_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto first = to_number(text.substr(0, dash));
  const auto last = dash == std::string_view::npos ? first : to_number(text.substr(dash + 1));
  if (!first || !last || *first > *last || *last > 65535) return std::nullopt;
  return Range{*first, *last};
}

/// The ports of a range in the order in which the reference lists them: that of their texts, 10 before 9.
std::vector<ShortPort> in_order(std::vector<ShortPort> ports) {
  std::ranges::sort(ports, {}, [](const ShortPort& port) { return std::to_string(port.target); });
  return ports;
}

/// Cuts off what stands behind the last colon.
std::string_view take_last(std::string_view& text) {
  const std::size_t colon = text.rfind(':');
  const std::string_view last = colon == std::string_view::npos ? text : text.substr(colon + 1);
  text = colon == std::string_view::npos ? std::string_view() : text.substr(0, colon);
  return last;
}

}  // namespace

bool is_ip_address(std::string_view text) {
  const std::string address(text);
  in6_addr buffer{};
  return inet_pton(AF_INET, address.c_str(), &buffer) == 1 || inet_pton(AF_INET6, address.c_str(), &buffer) == 1;
}

std::expected<std::vector<ShortPort>, std::string> parse_port(std::string_view text) {
  ShortPort port;
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    const std::string protocol = to_lower(split(text.substr(slash + 1), '/')[0]);  // what follows is not looked at
    text = text.substr(0, slash);
    if (!protocol.empty()) port.protocol = protocol;
    if (port.protocol != "tcp" && port.protocol != "udp" && port.protocol != "sctp")
      return std::unexpected("has an unknown protocol, expected tcp, udp or sctp");
  }
  const std::string_view target_text = take_last(text);
  const std::string_view published = take_last(text);
  std::string_view host = text;
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  } else if (host.contains(':')) {
    return std::unexpected("has an IPv6 address without brackets");
  }
  if (!host.empty() && !is_ip_address(host)) return std::unexpected("has an invalid IP address");
  port.host_ip = host;

  if (target_text.empty()) return std::unexpected("has no container port");
  const auto target = parse_range(target_text);
  if (!target) return std::unexpected("has an invalid container port");
  if (published.empty()) {
    std::vector<ShortPort> ports;
    for (std::uint64_t number = target->first; number <= target->last; ++number) {
      port.target = static_cast<int>(number);
      ports.push_back(port);
    }
    return in_order(std::move(ports));
  }
  const auto host_range = parse_range(published);
  if (!host_range) return std::unexpected("has an invalid host port");
  if (target->size() == 1) {
    port.target = static_cast<int>(target->first);
    port.published = host_range->size() == 1 ? std::to_string(host_range->first) : std::string(published);
    return std::vector{port};
  }
  if (target->size() != host_range->size()) return std::unexpected("maps ranges of different lengths");
  std::vector<ShortPort> ports;
  for (std::uint64_t offset = 0; offset < target->size(); ++offset) {
    port.target = static_cast<int>(target->first + offset);
    port.published = std::to_string(host_range->first + offset);
    ports.push_back(port);
  }
  return in_order(std::move(ports));
}

}  // namespace defang::compose
