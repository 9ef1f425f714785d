#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/dns/message.h"
#include "support/result.h"

namespace defang::emulator {

/// What one authoritative server holds: zones by name, each the records of its names.
using Zones = std::map<std::string, std::vector<DnsRecord>>;

/// The deepest zone that a name lies in; empty where it lies in none.
std::string zone_of(const Zones& zones, std::string_view name);

/// The answer of an authoritative server (RFC 1034, 4.3.2): aliases followed as far as it holds them, wildcards,
/// delegations told, and the start of authority where there is nothing. `type` 255: all records.
DnsAnswer look_up(const Zones& zones, const std::string& name, std::uint16_t type);

/// Records of a master file (RFC 1035, section 5): $ORIGIN, $TTL, @, comments, quotes, parentheses, names left out. An
/// error names the line.
Result<std::vector<DnsRecord>> parse_zone_file(std::string_view text);
std::string zone_file_line(const DnsRecord& record);

}  // namespace defang::emulator
