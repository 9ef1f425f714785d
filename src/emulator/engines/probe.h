#pragma once

#include <cstdint>
#include <stop_token>
#include <string_view>
#include <vector>

#include "emulator/engines/network_namespace.h"
#include "emulator/runtime.h"

namespace defang::emulator {

/// Connects to a replica and, for HTTP, asks once. 200 to 399 is success (CA-100). Certificates are not looked at.
ProbeResult run_probe(const NetworkNamespace& from, std::uint32_t address, const Probe& probe, std::stop_token stop);

/// The TCP ports open on other than loopback addresses, of the text of /proc/PID/net/tcp or tcp6.
std::vector<std::uint16_t> listening_ports(std::string_view table);

}  // namespace defang::emulator
