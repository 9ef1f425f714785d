#include "emulator/engines/dns.h"

#include "emulator/dns/message.h"
#include "emulator/engines/network_namespace.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::uint16_t kTypeA = 1, kTypeAny = 255, kClassInternet = 1;
constexpr std::size_t kLargestDatagram = 512;  // RFC 1035, 4.2.1
// Short, since replicas and apps come and go; resolvers in containers ask often anyway.
constexpr std::uint32_t kTimeToLiveSeconds = 5;

DnsAnswer answer_of(const DnsQuery& query, const DnsNames& names) {
  const auto found = names.find(query.name);
  if (found == names.end() || query.query_class != kClassInternet) return {.code = DnsCode::name_error};
  DnsAnswer answer;
  if (query.type == kTypeA || query.type == kTypeAny)
    answer.answers.push_back({query.name, "A", kTimeToLiveSeconds, {address_text(found->second)}});
  return answer;
}

}  // namespace

std::string answer_dns(std::string_view message, const DnsNames& names) {
  const auto read = read_query(message);
  if (!read) return {};
  const DnsAnswer answer = read->query ? answer_of(*read->query, names) : DnsAnswer{};
  return write_answer(message, *read, answer, true, kLargestDatagram);
}

DnsNames names_of_app(std::string_view app, std::string_view default_domain, std::uint32_t address) {
  const std::string name = to_lower(app);
  const std::string domain = to_lower(default_domain);
  return {{name, address}, {name + "." + domain, address}, {name + ".internal." + domain, address}};
}

}  // namespace defang::emulator
