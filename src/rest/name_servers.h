#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "support/result.h"

/// DNS as who checks somebody's records needs it: one server is asked, and its answer told as it came.
namespace defang::rest {

struct DnsRecord {
  std::string name;  // lower case, without the last dot
  std::string type;  // "CNAME"
  std::uint32_t ttl_seconds = 0;
  /// Of A and AAAA the address, of CNAME and NS the name (as above), of TXT all its texts in one, of CAA "issue
  /// digicert.com"; of other types nothing.
  std::string value;
  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

struct DnsAnswer {
  enum class Code { no_error, name_error, failed };
  Code code = Code::no_error;  // failed: the server answered and said that it cannot, or will not
  bool authoritative = false;
  std::vector<DnsRecord> answers, authority;
};

class NameServers {
 public:
  virtual ~NameServers() = default;
  /// Asks the resolver, which asks others and keeps what they say.
  virtual Result<DnsAnswer> resolve(const std::string& name, const std::string& type, std::stop_token stop) = 0;
  /// Asks one server, by address, for what it holds itself. Error dns-no-answer (unreachable): it says nothing.
  virtual Result<DnsAnswer> ask(const std::string& address, const std::string& name, const std::string& type,
                                std::stop_token stop) = 0;
};

/// c-ares. `resolver`: "127.0.0.53:5300" instead of those of /etc/resolv.conf; all servers are then asked at its port.
std::unique_ptr<NameServers> make_name_servers(const std::string& resolver);

/// The records of a DNS message (RFC 1035, 4); nothing for bytes that are none.
std::optional<DnsAnswer> parse_dns_message(const std::string& message);

}  // namespace defang::rest
