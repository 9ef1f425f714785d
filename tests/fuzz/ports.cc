// Short ports: what is understood is a port, of a known protocol, and what is printed of it is understood again.
#include "compose/ports.h"

#include <fmt/format.h>

#include "fuzz.h"

void examine(std::string_view input) {
  using namespace defang::compose;
  const auto ports = parse_port(input);
  if (!ports) {
    PROMISE(!ports.error().empty());
    return;
  }
  PROMISE(!ports->empty() && ports->size() <= 65536);
  const ShortPort& port = ports->front();
  PROMISE(port.target >= 0 && port.target <= 65535);
  PROMISE(port.protocol == "tcp" || port.protocol == "udp" || port.protocol == "sctp");
  PROMISE(port.host_ip.empty() || is_ip_address(port.host_ip));
  const auto again = parse_port(fmt::format("[{}]:{}:{}/{}", port.host_ip.empty() ? "::" : port.host_ip, port.published,
                                            port.target, port.protocol));
  PROMISE(again && again->size() == 1 && again->front().published == port.published);
}
