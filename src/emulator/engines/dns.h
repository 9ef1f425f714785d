#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace defang::emulator {

/// Names of one environment, lower case without the last dot, and their IPv4 addresses.
using DnsNames = std::map<std::string, std::uint32_t>;

/// The answer to one DNS message (RFC 1035), for the names of one environment; nothing is asked elsewhere. A name that
/// is known has an A record and no AAAA (an empty answer, so that resolvers which ask for both do not give up); any
/// other is NXDOMAIN. Empty: not a query, say nothing.
std::string answer_dns(std::string_view message, const DnsNames& names);

/// The names by which siblings reach an app (CA-80): `api`, `api.<domain>`, `api.internal.<domain>`.
DnsNames names_of_app(std::string_view app, std::string_view default_domain, std::uint32_t address);

}  // namespace defang::emulator
