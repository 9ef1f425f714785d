#include "emulator/dns/zones.h"

#include <fmt/format.h>

#include <algorithm>

#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::uint16_t kAny = 255;
constexpr int kLongestChain = 8;

bool is_below(std::string_view name, std::string_view zone) {
  return name == zone || zone.empty() ||
         (name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

std::string parent_of(const std::string& name) {
  const auto dot = name.find('.');
  return dot == std::string::npos ? "" : name.substr(dot + 1);
}

std::vector<DnsRecord> records_at(const std::vector<DnsRecord>& zone, const std::string& name, std::string_view type) {
  std::vector<DnsRecord> found;
  for (const DnsRecord& record : zone)
    if (record.name == name && (type.empty() || record.type == type)) found.push_back(record);
  return found;
}

/// A name exists when it or one below it has records (RFC 4592).
bool exists(const std::vector<DnsRecord>& zone, const std::string& name) {
  return std::ranges::any_of(zone, [&](const DnsRecord& record) { return is_below(record.name, name); });
}

/// The name servers of a zone that begins above the name, within this one.
std::vector<DnsRecord> delegation(const std::vector<DnsRecord>& zone, const std::string& apex,
                                  const std::string& name) {
  for (std::string at = name; at != apex && !at.empty(); at = parent_of(at))
    if (auto servers = records_at(zone, at, "NS"); !servers.empty()) return servers;
  return {};
}

/// What stands at the name, or what a wildcard says in its place.
std::vector<DnsRecord> matching(const std::vector<DnsRecord>& zone, const std::string& apex, const std::string& name) {
  if (exists(zone, name)) return records_at(zone, name, "");
  std::string closest = parent_of(name);
  while (closest != apex && !exists(zone, closest)) closest = parent_of(closest);
  auto found = records_at(zone, "*." + closest, "");
  for (DnsRecord& record : found) record.name = name;
  return found;
}

void add_glue(const Zones& zones, DnsAnswer& answer) {
  for (const DnsRecord& server : answer.authority) {
    if (server.type != "NS" || server.data.empty()) continue;
    const auto zone = zones.find(zone_of(zones, server.data[0]));
    if (zone == zones.end()) continue;
    for (const DnsRecord& address : records_at(zone->second, server.data[0], "A")) answer.additional.push_back(address);
  }
}

// --- master files

struct Word {
  std::string text;
  bool quoted = false;
};

/// The words of one record, which parentheses may spread over lines.
struct Line {
  std::vector<Word> words;
  bool name_left_out = false;  // it began with a blank
  std::size_t number = 0;
};

std::unexpected<Error> wrong(std::size_t line, std::string message) {
  return fail(Error::Kind::invalid, "zone-file", fmt::format("line {}: {}", line, message));
}

Result<std::vector<Line>> read_lines(std::string_view text) {
  std::vector<Line> lines;
  Line line;
  int depth = 0;
  std::size_t number = 0;
  for (const std::string& raw : split(text, '\n')) {
    ++number;
    if (depth == 0)
      line = {.words = {}, .name_left_out = !raw.empty() && (raw[0] == ' ' || raw[0] == '\t'), .number = number};
    for (std::size_t at = 0; at < raw.size();) {
      const char c = raw[at];
      if (c == ';') break;
      if (c == '(' || c == ')') {
        depth += c == '(' ? 1 : -1;
        if (depth < 0) return wrong(number, "a parenthesis is closed that was not opened");
        ++at;
      } else if (c == '"') {
        std::string word;
        for (++at; at < raw.size() && raw[at] != '"'; ++at) {
          if (raw[at] == '\\' && at + 1 < raw.size()) ++at;
          word += raw[at];
        }
        if (at == raw.size()) return wrong(number, "a quotation mark is missing");
        ++at;
        line.words.push_back({std::move(word), true});
      } else if (c == ' ' || c == '\t' || c == '\r') {
        ++at;
      } else {
        const auto end = std::min(raw.find_first_of(" \t\r;()\"", at), raw.size());
        line.words.push_back({raw.substr(at, end - at), false});
        at = end;
      }
    }
    if (depth == 0 && !line.words.empty()) lines.push_back(std::move(line));
  }
  if (depth != 0) return wrong(number, "a parenthesis is not closed");
  return lines;
}

class ZoneFile {
 public:
  Result<std::vector<DnsRecord>> read(std::string_view text) {
    TRY_ASSIGN(const auto lines, read_lines(text));
    std::vector<DnsRecord> records;
    for (const Line& line : lines) {
      if (line.words[0].text.starts_with('$')) {
        TRY(obey(line));
        continue;
      }
      TRY_ASSIGN(auto record, record_of(line));
      records.push_back(std::move(record));
    }
    return records;
  }

 private:
  Result<void> obey(const Line& line) {
    const std::string what = to_upper(line.words[0].text);
    if (line.words.size() != 2) return wrong(line.number, fmt::format("{} needs one value", what));
    if (what == "$ORIGIN") {
      origin_ = to_lower(line.words[1].text);
      if (origin_.ends_with('.')) origin_.pop_back();
      return {};
    }
    const auto seconds = to_number(line.words[1].text);
    if (what != "$TTL" || !seconds) return wrong(line.number, fmt::format("`{}` is not understood", what));
    ttl_ = static_cast<std::uint32_t>(*seconds);
    return {};
  }

  std::string full(std::string_view name) const {
    if (name == "@") return origin_;
    std::string lower = to_lower(name);
    if (lower.ends_with('.')) return lower.substr(0, lower.size() - 1);
    return origin_.empty() ? lower : lower + "." + origin_;
  }

  Result<DnsRecord> record_of(const Line& line) {
    std::size_t at = 0;
    if (!line.name_left_out) last_name_ = full(line.words[at++].text);
    if (last_name_.empty()) return wrong(line.number, "the record has no name");
    DnsRecord record{.name = last_name_, .type = {}, .ttl_seconds = ttl_, .data = {}};
    for (; at < line.words.size(); ++at) {
      const std::string& word = line.words[at].text;
      if (const auto seconds = to_number(word))
        record.ttl_seconds = static_cast<std::uint32_t>(*seconds);
      else if (!equals_ignoring_case(word, "IN"))
        break;
    }
    const DnsType* type = at < line.words.size() ? find_dns_type(line.words[at].text) : nullptr;
    if (type == nullptr)
      return wrong(line.number, at < line.words.size() ? fmt::format("`{}` is no type of record", line.words[at].text)
                                                       : "the record has no type");
    record.type = type->name;
    for (std::size_t field = 0; ++at < line.words.size(); ++field) {
      const bool is_name = field < type->fields.size() && type->fields[field] == 'n';
      record.data.push_back(is_name ? full(line.words[at].text) : line.words[at].text);
    }
    if (!wire_data(record)) return wrong(line.number, fmt::format("these are no data of a {} record", record.type));
    return record;
  }

  std::string origin_, last_name_;
  std::uint32_t ttl_ = 3600;
};

}  // namespace

std::string zone_of(const Zones& zones, std::string_view name) {
  std::string best;
  for (const auto& [zone, records] : zones)
    if (is_below(name, zone) && zone.size() >= best.size()) best = zone;
  return best;
}

DnsAnswer look_up(const Zones& zones, const std::string& name, std::uint16_t type) {
  const auto zone = zones.find(zone_of(zones, name));
  if (zone == zones.end()) return {.code = DnsCode::refused, .authoritative = false};
  DnsAnswer answer;
  const DnsType* wanted = find_dns_type(type);
  std::string at = name;
  for (int steps = 0; steps < kLongestChain; ++steps) {
    const auto holder = zones.find(zone_of(zones, at));
    if (holder == zones.end()) return answer;
    const auto& [apex, records] = *holder;
    if (auto servers = delegation(records, apex, at); !servers.empty()) {
      answer.authority = std::move(servers);
      answer.authoritative = steps > 0;
      add_glue(zones, answer);
      return answer;
    }
    const auto there = matching(records, apex, at);
    std::string alias;
    const std::size_t before = answer.answers.size();
    for (const DnsRecord& record : there) {
      const bool fits = type == kAny || (wanted != nullptr && record.type == wanted->name);
      if (fits || record.type == "CNAME") answer.answers.push_back(record);
      if (!fits && record.type == "CNAME") alias = record.data[0];
    }
    if (alias.empty()) {
      if (answer.answers.size() == before) {
        if (!exists(records, at) && there.empty()) answer.code = DnsCode::name_error;
        answer.authority = records_at(records, apex, "SOA");
      }
      return answer;
    }
    at = alias;
  }
  return answer;
}

Result<std::vector<DnsRecord>> parse_zone_file(std::string_view text) { return ZoneFile().read(text); }

std::string zone_file_line(const DnsRecord& record) {
  const DnsType* type = find_dns_type(record.type);
  std::string line = fmt::format("{}. {} IN {}", record.name, record.ttl_seconds, record.type);
  for (std::size_t i = 0; i < record.data.size(); ++i) {
    const char field = type == nullptr || type->fields == "s" ? 's' : type->fields[i];
    if (field == 's' || field == 'r')
      line += " \"" + replace_all(replace_all(record.data[i], "\\", "\\\\"), "\"", "\\\"") + "\"";
    else
      line += " " + record.data[i] + (field == 'n' ? "." : "");
  }
  return line;
}

}  // namespace defang::emulator
