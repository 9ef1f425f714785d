#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// DNS messages as a server reads and writes them (RFC 1035, section 4).
namespace defang::emulator {

/// A record as a zone file writes it: `www.example.com` TXT {"two", "strings"}. Names are lower case without the last
/// dot.
struct DnsRecord {
  std::string name;
  std::string type;  // "CNAME"
  std::uint32_t ttl_seconds = 3600;
  std::vector<std::string> data;
  friend bool operator==(const DnsRecord&, const DnsRecord&) = default;
};

/// A record type that we know: its number, and what its data are made of.
struct DnsType {
  std::string_view name;
  std::uint16_t number;
  /// One letter a field: 4 and 6 addresses, n a name, b h w numbers of one, two and four bytes, t a short text, s all
  /// that is left as short texts, r the rest as it is.
  std::string_view fields;
};
const DnsType* find_dns_type(std::string_view name);  // without case
const DnsType* find_dns_type(std::uint16_t number);

enum class DnsCode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5
};

struct DnsAnswer {
  DnsCode code = DnsCode::no_error;
  bool authoritative = true;
  std::vector<DnsRecord> answers, authority, additional;
};

struct DnsQuery {
  std::string name;
  std::uint16_t type = 0;  // 255: any
  std::uint16_t query_class = 1;
  bool recursion_desired = false;
  std::size_t end = 0;  // behind the question
};

/// Nothing where the message is no query at all, so that nothing is said; the code where it cannot be answered.
struct ReadQuery {
  std::optional<DnsQuery> query;
  DnsCode code = DnsCode::no_error;
};
std::optional<ReadQuery> read_query(std::string_view message);

/// `limit_bytes`: of a datagram; what does not fit is left out, and the answer says that it is truncated.
std::string write_answer(std::string_view message, const ReadQuery& read, const DnsAnswer& answer,
                         bool recursion_available, std::size_t limit_bytes);

/// The record's data in a message; nothing where it cannot be what its type demands.
std::optional<std::string> wire_data(const DnsRecord& record);

}  // namespace defang::emulator
