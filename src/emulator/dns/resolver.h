#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "emulator/dns/zones.h"

namespace defang::emulator {

/// A resolver as people's providers run one: it keeps what it was told, and that there was nothing (RFC 2308), until
/// the time to live is over, whatever the zones say meanwhile.
class CachingResolver {
 public:
  DnsAnswer answer(const Zones& zones, const DnsQuery& query, std::int64_t now_ms);

 private:
  struct Kept {
    std::int64_t asked_ms = 0, until_ms = 0;
    DnsAnswer answer;
  };
  std::map<std::pair<std::string, std::uint16_t>, Kept> kept_;
};

}  // namespace defang::emulator
