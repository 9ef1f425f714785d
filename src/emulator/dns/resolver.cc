#include "emulator/dns/resolver.h"

#include <algorithm>

#include "support/text.h"

namespace defang::emulator {
namespace {

/// RFC 2308, 5: that there is nothing is kept for the lesser of the SOA record's own time and its last field.
std::uint32_t lifetime_seconds(const DnsAnswer& answer) {
  constexpr std::size_t kMinimum = 6;
  const auto& records = answer.answers.empty() ? answer.authority : answer.answers;
  if (records.empty()) return 0;
  std::uint32_t least = std::ranges::min_element(records, {}, &DnsRecord::ttl_seconds)->ttl_seconds;
  for (const DnsRecord& record : records)
    if (record.type == "SOA" && answer.answers.empty() && record.data.size() > kMinimum)
      least = std::min(least, static_cast<std::uint32_t>(to_number(record.data[kMinimum]).value_or(0)));
  return least;
}

}  // namespace

DnsAnswer CachingResolver::answer(const Zones& zones, const DnsQuery& query, std::int64_t now_ms) {
  Kept& kept = kept_[{query.name, query.type}];
  if (kept.until_ms <= now_ms) {
    kept = {.asked_ms = now_ms, .until_ms = now_ms, .answer = look_up(zones, query.name, query.type)};
    kept.until_ms += std::int64_t{lifetime_seconds(kept.answer)} * 1000;
  }
  DnsAnswer answer = kept.answer;
  // What nobody here holds is nowhere: it is asked for again next time.
  if (answer.code == DnsCode::refused) answer.code = DnsCode::name_error;
  answer.authoritative = false;
  answer.additional.clear();
  const auto age = static_cast<std::uint32_t>((now_ms - kept.asked_ms) / 1000);
  for (auto* section : {&answer.answers, &answer.authority})
    for (DnsRecord& record : *section) record.ttl_seconds -= std::min(age, record.ttl_seconds);
  return answer;
}

}  // namespace defang::emulator
