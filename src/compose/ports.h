#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace defang::compose {

/// One container port of the short form `[[HOST_IP:][PUBLISHED]:]TARGET[/PROTOCOL]` (CS-110).
struct ShortPort {
  std::string host_ip;
  std::string published;
  int target = 0;
  std::string protocol = "tcp";
};

/// A range of ports gives several. The error says what is wrong, without the text itself.
std::expected<std::vector<ShortPort>, std::string> parse_port(std::string_view text);

bool is_ip_address(std::string_view text);

}  // namespace defang::compose
