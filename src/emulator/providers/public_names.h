#pragma once

#include <string>
#include <vector>

#include "emulator/core.h"
#include "emulator/dns/zones.h"

/// The public DNS as the emulator's name server holds it: zones of Microsoft.Network/dnsZones, zones that were handed
/// to it (`defang emulator dns`), the domains of environments, and Azure's own name servers. A zone that was handed
/// over comes before one of Azure's with the same name: it stands for what the registrar delegates to.
namespace defang::emulator {

/// With the lock.
Zones public_zones(Core& core);

/// What stands at a name, aliases followed. With the lock.
std::vector<DnsRecord> resolve_public(Core& core, const std::string& name, std::string_view type);
/// The texts of the TXT records at a name.
std::vector<std::string> public_texts(Core& core, const std::string& name);

/// Holds the records of a master file; they replace those of the same name and type. How many they are. With the lock.
Result<std::size_t> hold_records(Core& core, std::string_view zone_file);

/// The host names of Azure's name servers for a zone.
const std::vector<std::string>& azure_name_servers();

/// `/emulator/dns`.
void add_public_names(Core& core);

}  // namespace defang::emulator
