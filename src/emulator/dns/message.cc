#include "emulator/dns/message.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::size_t kHeaderSize = 12;  // RFC 1035, 4.1.1
constexpr unsigned kClassInternet = 1;

// RFC 1035, 3.3; RFC 2782 (SRV), RFC 3596 (AAAA), RFC 8659 (CAA).
constexpr auto kTypes = std::to_array<DnsType>({{"A", 1, "4"},
                                                {"AAAA", 28, "6"},
                                                {"CAA", 257, "btr"},
                                                {"CNAME", 5, "n"},
                                                {"MX", 15, "hn"},
                                                {"NS", 2, "n"},
                                                {"PTR", 12, "n"},
                                                {"SOA", 6, "nnwwwww"},
                                                {"SRV", 33, "hhhn"},
                                                {"TXT", 16, "s"}});

unsigned number16(std::string_view bytes, std::size_t at) {
  return static_cast<unsigned>(static_cast<unsigned char>(bytes[at]) << 8 | static_cast<unsigned char>(bytes[at + 1]));
}

void put_number(std::string& out, std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xff);
}

bool put_name(std::string& out, std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  if (name.size() > 253) return false;
  if (!name.empty())
    for (const std::string& label : split(name, '.')) {
      if (label.empty() || label.size() > 63) return false;
      out += static_cast<char>(label.size());
      out += label;
    }
  out += '\0';
  return true;
}

bool put_text(std::string& out, std::string_view text) {
  if (text.size() > 255) return false;
  out += static_cast<char>(text.size());
  out += text;
  return true;
}

bool put_address(std::string& out, int family, const std::string& text) {
  std::array<char, sizeof(in6_addr)> bytes{};
  if (inet_pton(family, text.c_str(), bytes.data()) != 1) return false;
  out.append(bytes.data(), family == AF_INET ? sizeof(in_addr) : sizeof(in6_addr));
  return true;
}

bool put_decimal(std::string& out, std::string_view text, int bytes) {
  const auto number = to_number(text);
  if (!number || *number >> (8 * bytes) != 0) return false;
  put_number(out, *number, bytes);
  return true;
}

bool put_field(std::string& out, char field, const std::string& text) {
  switch (field) {
    case '4':
      return put_address(out, AF_INET, text);
    case '6':
      return put_address(out, AF_INET6, text);
    case 'n':
      return put_name(out, text);
    case 'b':
      return put_decimal(out, text, 1);
    case 'h':
      return put_decimal(out, text, 2);
    case 'w':
      return put_decimal(out, text, 4);
    case 'r':
      out += text;
      return true;
    default:
      return put_text(out, text);
  }
}

/// `asked`: the name in the question, which need not be said again (RFC 1035, 4.1.4).
bool put_record(std::string& out, const DnsRecord& record, const std::string& asked) {
  const DnsType* type = find_dns_type(record.type);
  const auto data = wire_data(record);
  if (type == nullptr || !data) return false;
  if (record.name == asked)
    put_number(out, 0xc000 | kHeaderSize, 2);
  else if (!put_name(out, record.name))
    return false;
  put_number(out, type->number, 2);
  put_number(out, kClassInternet, 2);
  put_number(out, record.ttl_seconds, 4);
  put_number(out, data->size(), 2);
  out += *data;
  return true;
}

/// Questions of real resolvers hold no compression pointers; one that does is malformed to us.
std::optional<DnsQuery> read_question(std::string_view message) {
  DnsQuery query{.recursion_desired = (message[2] & 1) != 0};
  std::size_t at = kHeaderSize;
  while (at < message.size() && message[at] != 0) {
    const auto length = static_cast<unsigned char>(message[at]);
    if (length > 63 || at + 1 + length > message.size()) return std::nullopt;
    if (!query.name.empty()) query.name += '.';
    query.name += to_lower(message.substr(at + 1, length));
    at += 1 + length;
  }
  if (at + 5 > message.size()) return std::nullopt;
  query.type = static_cast<std::uint16_t>(number16(message, at + 1));
  query.query_class = static_cast<std::uint16_t>(number16(message, at + 3));
  query.end = at + 5;
  return query;
}

}  // namespace

const DnsType* find_dns_type(std::string_view name) {
  const auto found = std::ranges::find_if(kTypes, [&](const DnsType& t) { return equals_ignoring_case(t.name, name); });
  return found == kTypes.end() ? nullptr : &*found;
}

const DnsType* find_dns_type(std::uint16_t number) {
  const auto found = std::ranges::find(kTypes, number, &DnsType::number);
  return found == kTypes.end() ? nullptr : &*found;
}

std::optional<std::string> wire_data(const DnsRecord& record) {
  const DnsType* type = find_dns_type(record.type);
  if (type == nullptr || record.data.empty()) return std::nullopt;
  std::string out;
  if (type->fields == "s") {
    const bool fits = std::ranges::all_of(record.data, [&](const std::string& text) { return put_text(out, text); });
    return fits ? std::optional(out) : std::nullopt;
  }
  if (record.data.size() != type->fields.size()) return std::nullopt;
  for (std::size_t i = 0; i < record.data.size(); ++i)
    if (!put_field(out, type->fields[i], record.data[i])) return std::nullopt;
  return out;
}

std::optional<ReadQuery> read_query(std::string_view message) {
  if (message.size() < kHeaderSize || (message[2] & 0x80) != 0) return std::nullopt;
  const unsigned operation = static_cast<unsigned char>(message[2]) >> 3 & 15;
  if (operation != 0) return ReadQuery{std::nullopt, DnsCode::not_implemented};
  auto query = number16(message, 4) == 1 ? read_question(message) : std::nullopt;
  return query ? ReadQuery{std::move(query), DnsCode::no_error} : ReadQuery{std::nullopt, DnsCode::format_error};
}

std::string write_answer(std::string_view message, const ReadQuery& read, const DnsAnswer& answer,
                         bool recursion_available, std::size_t limit_bytes) {
  constexpr unsigned kAnswer = 0x8000, kAuthoritative = 0x0400, kTruncated = 0x0200, kRecursion = 0x0100,
                     kAvailable = 0x0080;
  unsigned flags = kAnswer | static_cast<unsigned>(read.query ? answer.code : read.code);
  if (read.query && answer.authoritative) flags |= kAuthoritative;
  if ((message[2] & 1) != 0) flags |= kRecursion;
  if (recursion_available) flags |= kAvailable;
  std::string body;
  if (read.query) body = message.substr(kHeaderSize, read.query->end - kHeaderSize);
  unsigned counts[3] = {};
  const std::vector<DnsRecord>* sections[] = {&answer.answers, &answer.authority, &answer.additional};
  for (int section = 0; read.query && section < 3; ++section)
    for (const DnsRecord& record : *sections[section]) {
      std::string bytes;
      if (!put_record(bytes, record, read.query->name)) continue;
      if (kHeaderSize + body.size() + bytes.size() > limit_bytes) {
        if (section < 2) flags |= kTruncated;
        break;
      }
      body += bytes;
      ++counts[section];
    }
  std::string out(message.substr(0, 2));
  put_number(out, flags, 2);
  put_number(out, read.query ? 1 : 0, 2);
  for (const unsigned count : counts) put_number(out, count, 2);
  return out + body;
}

}  // namespace defang::emulator
