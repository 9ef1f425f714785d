#include "deploy/domain_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "support/text.h"

namespace defang::deploy {
namespace {

using rest::DnsAnswer;
using rest::DnsRecord;
using FindingKind = Finding::Kind;

constexpr std::string_view kIssuer = "digicert.com";  // CA-121
constexpr std::size_t kMostServers = 6;
constexpr int kDeepestDelegation = 5;

struct KindRow {
  FindingKind kind;
  std::string_view name;
};
constexpr auto kKinds = std::to_array<KindRow>({{FindingKind::no_zone, "no-zone"},
                                                {FindingKind::no_answer, "no-answer"},
                                                {FindingKind::missing, "missing"},
                                                {FindingKind::wrong_value, "wrong-value"},
                                                {FindingKind::out_of_sync, "out-of-sync"},
                                                {FindingKind::proxied, "proxied"},
                                                {FindingKind::caa, "caa"},
                                                {FindingKind::cached, "cached"}});

/// Services that stand between a name and where it leads (CA-120). Aliases end so.
struct ProxyName {
  std::string_view ending, name;
};
constexpr auto kProxyNames = std::to_array<ProxyName>({
    {".azureedge.net", "Azure CDN"},
    {".azurefd.net", "Azure Front Door"},
    {".b-cdn.net", "bunny.net"},
    {".cdn.cloudflare.net", "Cloudflare"},
    {".cloudfront.net", "CloudFront"},
    {".fastly.net", "Fastly"},
    {".trafficmanager.net", "Azure Traffic Manager"},
});

struct Network {
  std::uint32_t address;
  int bits;
};
constexpr std::uint32_t ip(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }
// https://www.cloudflare.com/ips-v4: the addresses that Cloudflare answers with for a name that it proxies.
constexpr auto kCloudflare = std::to_array<Network>({
    {ip(103, 21, 244, 0), 22},
    {ip(103, 22, 200, 0), 22},
    {ip(103, 31, 4, 0), 22},
    {ip(104, 16, 0, 0), 13},
    {ip(104, 24, 0, 0), 14},
    {ip(108, 162, 192, 0), 18},
    {ip(131, 0, 72, 0), 22},
    {ip(141, 101, 64, 0), 18},
    {ip(162, 158, 0, 0), 15},
    {ip(172, 64, 0, 0), 13},
    {ip(173, 245, 48, 0), 20},
    {ip(188, 114, 96, 0), 20},
    {ip(190, 93, 240, 0), 20},
    {ip(197, 234, 240, 0), 22},
    {ip(198, 41, 128, 0), 17},
});

std::optional<std::uint32_t> parse_address(std::string_view text) {
  const auto parts = split(text, '.');
  if (parts.size() != 4) return std::nullopt;
  std::uint32_t address = 0;
  for (const auto& part : parts) {
    const auto number = to_number(part);
    if (!number || *number > 255) return std::nullopt;
    address = address << 8 | static_cast<std::uint32_t>(*number);
  }
  return address;
}

bool is_cloudflare(std::string_view text) {
  const auto address = parse_address(text);
  return address && std::ranges::any_of(kCloudflare, [&](const Network& network) {
           return (*address ^ network.address) >> (32 - network.bits) == 0;
         });
}

std::string parent_of(const std::string& name) {
  const auto dot = name.find('.');
  return dot == std::string::npos ? "" : name.substr(dot + 1);
}

bool is_below(std::string_view name, std::string_view zone) {
  return name == zone ||
         (name.size() > zone.size() && name.ends_with(zone) && name[name.size() - zone.size() - 1] == '.');
}

std::vector<std::string> values_of(const std::vector<DnsRecord>& records, std::string_view type) {
  std::vector<std::string> values;
  for (const auto& record : records)
    if (record.type == type) values.push_back(record.value);
  return values;
}

std::string quoted(const std::vector<std::string>& values) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "`" : ", `") + value + "`";
  return text;
}

// --- looking

std::vector<std::string> name_servers_in(const std::vector<DnsRecord>& records, const std::string& zone) {
  std::vector<std::string> servers;
  for (const auto& record : records)
    if (record.type == "NS" && record.name == zone) servers.push_back(record.value);
  std::ranges::sort(servers);
  return servers;
}

/// From the top: the first name below the top-level domain that has name servers; they lead further down. The host
/// itself is left alone: a resolver remembers what was not there when it was asked.
Result<void> find_zone(rest::NameServers& dns, const std::string& host, DomainSight& sight, std::stop_token stop) {
  const auto labels = split(host, '.');
  for (std::size_t count = 2; count <= labels.size(); ++count) {
    const std::string name = join({labels.end() - static_cast<std::ptrdiff_t>(count), labels.end()}, ".");
    TRY_ASSIGN(const auto answer, dns.resolve(name, "NS", stop));
    sight.servers = name_servers_in(answer.answers, name);
    if (sight.servers.empty()) continue;
    sight.zone = name;
    return {};
  }
  return {};
}

Result<std::vector<std::string>> addresses_of(rest::NameServers& dns, const std::string& server, std::stop_token stop) {
  for (const char* type : {"A", "AAAA"}) {
    TRY_ASSIGN(const auto answer, dns.resolve(server, type, stop));
    if (auto found = values_of(answer.answers, type); !found.empty()) return found;
  }
  return std::vector<std::string>();
}

/// One question to one server. What it does not say itself is trouble.
Result<std::vector<DnsRecord>> ask(rest::NameServers& dns, ServerView& view, const std::string& name,
                                   const std::string& type, DomainSight& sight, std::stop_token stop) {
  if (!view.trouble.empty()) return std::vector<DnsRecord>();
  auto answer = dns.ask(view.address, name, type, stop);
  if (!answer && answer.error().kind == Error::Kind::stopped) return fail(std::move(answer.error()));
  if (!answer) {
    view.trouble = "does not answer";
    return std::vector<DnsRecord>();
  }
  if (answer->code == DnsAnswer::Code::failed) {
    view.trouble = fmt::format("does not hold the zone `{}`", sight.zone);
    return std::vector<DnsRecord>();
  }
  // It sends us further down: the host lies in a zone of its own.
  if (!answer->authoritative)
    for (const auto& record : answer->authority)
      if (record.type == "NS" && record.name.size() > sight.zone.size() && is_below(name, record.name)) {
        sight.zone = record.name;
        sight.servers = name_servers_in(answer->authority, record.name);
        return std::vector<DnsRecord>();
      }
  return std::move(answer->answers);
}

Result<void> look_at_servers(rest::NameServers& dns, const DomainTarget& target, DomainSight& sight,
                             std::stop_token stop) {
  for (int depth = 0; depth < kDeepestDelegation; ++depth) {
    const std::string zone = sight.zone;
    sight.views.clear();
    for (const auto& server : std::vector(sight.servers)) {
      if (sight.views.size() == kMostServers) break;
      ServerView view{.name = server};
      TRY_ASSIGN(const auto addresses, addresses_of(dns, server, stop));
      if (addresses.empty())
        view.trouble = "has no address";
      else
        view.address = addresses.front();
      TRY_ASSIGN(view.host, ask(dns, view, target.host, "A", sight, stop));
      if (sight.zone != zone) break;
      // Servers that hold a zone above and the host's own do not refer to themselves.
      if (sight.views.empty() && zone != target.host) {
        TRY_ASSIGN(const auto start, ask(dns, view, target.host, "SOA", sight, stop));
        const bool own =
            std::ranges::any_of(start, [&](const auto& r) { return r.type == "SOA" && r.name == target.host; });
        if (own) sight.zone = target.host;
        if (own) break;
      }
      TRY_ASSIGN(view.proof, ask(dns, view, "asuid." + target.host, "TXT", sight, stop));
      if (!values_of(view.host, "A").empty() && values_of(view.host, "CNAME").empty()) {
        TRY_ASSIGN(view.host6, ask(dns, view, target.host, "AAAA", sight, stop));
      }
      if (!target.token.empty()) {
        TRY_ASSIGN(view.token, ask(dns, view, "_dnsauth." + target.host, "TXT", sight, stop));
      }
      sight.views.push_back(std::move(view));
    }
    if (sight.zone == zone) return {};
  }
  return {};
}

/// RFC 8659, 3: from the host upwards, the first name that has any. Within the zone its own servers are asked.
Result<void> look_for_caa(rest::NameServers& dns, const std::string& host, DomainSight& sight, std::stop_token stop) {
  const auto server = std::ranges::find_if(sight.views, [](const ServerView& view) { return view.trouble.empty(); });
  for (std::string name = host; !name.empty(); name = parent_of(name)) {
    const bool is_ours = server != sight.views.end() && is_below(name, sight.zone);
    const auto answer = is_ours ? dns.ask(server->address, name, "CAA", stop) : dns.resolve(name, "CAA", stop);
    if (!answer && answer.error().kind == Error::Kind::stopped) return std::unexpected(answer.error());
    if (!answer) continue;
    for (const auto& record : answer->answers)
      if (record.type == "CAA") sight.caa.push_back(record);
    sight.caa_name = name;
    if (!sight.caa.empty()) return {};
  }
  return {};
}

std::uint32_t longest_kept(const DnsAnswer& answer) {
  std::uint32_t longest = 0;
  for (const auto& record : answer.answers.empty() ? answer.authority : answer.answers)
    longest = std::max(longest, record.ttl_seconds);
  return longest;
}

// --- judging

bool leads_to_app(const DomainTarget& target, const ServerView& view) {
  const auto aliases = values_of(view.host, "CNAME");
  return !aliases.empty() && aliases.front() == target.app_host;
}
bool leads_to_address(const DomainTarget& target, const ServerView& view) {
  const auto addresses = values_of(view.host, "A");
  return values_of(view.host, "CNAME").empty() && !addresses.empty() &&
         std::ranges::all_of(addresses, [&](const auto& address) { return address == target.address; });
}
bool is_route_right(const DomainTarget& target, const ServerView& view) {
  return leads_to_app(target, view) || leads_to_address(target, view);
}
bool holds_text(const std::vector<DnsRecord>& records, const std::string& text) {
  return std::ranges::any_of(values_of(records, "TXT"),
                             [&](const auto& one) { return equals_ignoring_case(one, text); });
}

std::string remedy(const WantedRecord& record) {
  return fmt::format("set {} `{}` to `{}`", record.type, record.name, record.value);
}

/// What stands between the name and the app; empty: nothing that we know.
std::string proxy_of(const ServerView& view) {
  for (const auto& alias : values_of(view.host, "CNAME"))
    for (const auto& row : kProxyNames)
      if (alias.ends_with(row.ending)) return std::string(row.name);
  const auto addresses = values_of(view.host, "A");
  return !addresses.empty() && std::ranges::all_of(addresses, is_cloudflare) ? "Cloudflare" : "";
}

void judge_route(const DomainTarget& target, const DomainSight& sight, const ServerView& view,
                 const WantedRecord& wanted, std::vector<Finding>& findings) {
  const auto add = [&](FindingKind kind, std::string message, std::string help) {
    findings.push_back({kind, target.host, wanted.type, std::move(message), std::move(help)});
  };
  if (is_route_right(target, view)) {
    if (auto sixes = values_of(view.host6, "AAAA"); !sixes.empty())
      findings.push_back(
          {FindingKind::wrong_value, target.host, "AAAA",
           fmt::format("`{}` has the IPv6 address {} too, which does not lead to Azure", target.host, quoted(sixes)),
           fmt::format("remove AAAA `{}`", target.host)});
    return;
  }
  if (view.host.empty())
    return add(FindingKind::missing, fmt::format("`{}` has no {} record", target.host, wanted.type), remedy(wanted));
  if (const auto proxy = proxy_of(view); !proxy.empty())
    return add(FindingKind::proxied,
               fmt::format("`{}` goes through {}, so neither Azure nor the certificate's issuer sees where it leads",
                           target.host, proxy),
               proxy == "Cloudflare"
                   ? "switch the record to `DNS only` (grey cloud), now and for every renewal; then " + remedy(wanted)
                   : remedy(wanted));
  const auto aliases = values_of(view.host, "CNAME");
  const auto found = aliases.empty() ? values_of(view.host, "A") : std::vector{aliases.front()};
  const char* type = aliases.empty() ? "A" : "CNAME";
  add(FindingKind::wrong_value, fmt::format("{} `{}` is {}, not `{}`", type, target.host, quoted(found), wanted.value),
      !sight.is_apex(target) && aliases.empty() ? fmt::format("remove A `{}` and {}", target.host, remedy(wanted))
                                                : remedy(wanted));
}

void judge_text(const std::vector<DnsRecord>& records, const WantedRecord& wanted, std::vector<Finding>& findings) {
  if (holds_text(records, wanted.value)) return;
  const auto texts = values_of(records, "TXT");
  if (texts.empty())
    findings.push_back(
        {FindingKind::missing, wanted.name, "TXT", fmt::format("`{}` has no TXT record", wanted.name), remedy(wanted)});
  else
    findings.push_back({FindingKind::wrong_value, wanted.name, "TXT",
                        fmt::format("TXT `{}` is {}, not `{}`", wanted.name, quoted(texts), wanted.value),
                        remedy(wanted)});
}

std::vector<Finding> judge_view(const DomainTarget& target, const DomainSight& sight, const ServerView& view) {
  std::vector<Finding> findings;
  for (const auto& wanted : records_for(target, sight.is_apex(target))) {
    if (wanted.type != "TXT")
      judge_route(target, sight, view, wanted, findings);
    else
      judge_text(wanted.name.starts_with("asuid.") ? view.proof : view.token, wanted, findings);
  }
  return findings;
}

/// Servers are asked one by one: while one is behind, Azure may meet it.
std::vector<Finding> judge_views(const DomainTarget& target, const DomainSight& sight) {
  std::vector<Finding> worst;
  std::vector<std::string> behind, silent;
  std::size_t asked = 0;
  for (const auto& view : sight.views) {
    if (!view.trouble.empty()) {
      silent.push_back(fmt::format("{} {}", view.name, view.trouble));
      continue;
    }
    ++asked;
    auto findings = judge_view(target, sight, view);
    if (findings.empty()) continue;
    behind.push_back(view.name);
    if (findings.size() > worst.size()) worst = std::move(findings);
  }
  if (asked == 0)
    return {{FindingKind::no_answer, "", "",
             fmt::format("no name server of `{}` tells anything: {}", sight.zone, join(silent, "; ")),
             "check the name servers that are entered at the registrar"}};
  if (!behind.empty() && behind.size() < asked) {
    for (auto& finding : worst) {
      finding.kind = FindingKind::out_of_sync;
      finding.message =
          fmt::format("{}: so says {} still, others are right already", finding.message, join(behind, ", "));
      finding.help = "this passes by itself, within minutes as a rule";
    }
  }
  return worst;
}

void judge_caa(const DomainSight& sight, std::vector<Finding>& findings) {
  constexpr std::string_view kIssue = "issue ";
  bool restricted = false;
  std::vector<std::string> allowed;
  for (const auto& record : sight.caa) {
    if (!record.value.starts_with(kIssue)) continue;
    restricted = true;
    const auto domain = std::string(trim(record.value.substr(kIssue.size(), record.value.find(';') - kIssue.size())));
    if (domain == kIssuer) return;
    if (!domain.empty()) allowed.push_back(domain);
  }
  if (!restricted) return;
  findings.push_back({FindingKind::caa, sight.caa_name, "CAA",
                      allowed.empty()
                          ? fmt::format("CAA `{}` lets nobody issue certificates", sight.caa_name)
                          : fmt::format("CAA `{}` lets {} issue certificates, and not DigiCert, who does for Azure",
                                        sight.caa_name, quoted(allowed)),
                      fmt::format("add CAA `{}` `0 issue \"{}\"`", sight.caa_name, kIssuer)});
}

void judge_kept(const DomainTarget& target, const DomainSight& sight, std::vector<Finding>& findings) {
  const ServerView kept{.name = {},
                        .address = {},
                        .trouble = {},
                        .host = sight.kept_host,
                        .host6 = {},
                        .proof = sight.kept_proof,
                        .token = {}};
  const auto stale = [&](const std::string& name, const std::string& type, std::string what) {
    findings.push_back(
        {FindingKind::cached, name, type,
         fmt::format("the resolver of this machine keeps {} for `{}` for another {} s", what, name, sight.kept_seconds),
         "the name servers are right already; others may keep what they saw as long"});
  };
  if (!is_route_right(target, kept))
    stale(
        target.host, sight.is_apex(target) ? "A" : "CNAME",
        sight.kept_host.empty() ? "that there is nothing" : "the old value " + quoted({sight.kept_host.front().value}));
  if (!holds_text(sight.kept_proof, target.verification_id))
    stale("asuid." + target.host, "TXT",
          sight.kept_proof.empty() ? "that there is nothing"
                                   : "the old value " + quoted({sight.kept_proof.front().value}));
}

}  // namespace

std::string_view name_of(Finding::Kind kind) { return std::ranges::find(kKinds, kind, &KindRow::kind)->name; }

bool DomainSight::is_apex(const DomainTarget& target) const {
  return zone == target.host || (zone.empty() && std::ranges::count(target.host, '.') == 1);
}

std::vector<WantedRecord> records_for(const DomainTarget& target, bool is_apex) {
  std::vector<WantedRecord> records;
  if (is_apex)
    records.push_back({target.host, "A", target.address});
  else
    records.push_back({target.host, "CNAME", target.app_host});
  records.push_back({"asuid." + target.host, "TXT", target.verification_id});
  if (!target.token.empty()) records.push_back({"_dnsauth." + target.host, "TXT", target.token});
  return records;
}

std::string zone_fragment(const std::vector<WantedRecord>& records) {
  std::size_t width = 0;
  for (const auto& record : records) width = std::max(width, record.name.size() + 1);
  std::string text;
  for (const auto& record : records) {
    const auto value = record.type == "TXT"     ? "\"" + record.value + "\""
                       : record.type == "CNAME" ? record.value + "."
                                                : record.value;
    text += fmt::format("{:<{}} 3600 IN {:<5} {}\n", record.name + ".", width, record.type, value);
  }
  return text;
}

Result<DomainSight> look_at_domain(rest::NameServers& dns, const DomainTarget& target, std::stop_token stop) {
  DomainSight sight;
  TRY(find_zone(dns, target.host, sight, stop));
  if (sight.zone.empty()) return sight;
  TRY(look_at_servers(dns, target, sight, stop));
  TRY(look_for_caa(dns, target.host, sight, stop));
  // Asking a resolver for what is not there yet makes it remember just that.
  if (!judge_views(target, sight).empty()) return sight;
  TRY_ASSIGN(const auto host, dns.resolve(target.host, "A", stop));
  TRY_ASSIGN(const auto proof, dns.resolve("asuid." + target.host, "TXT", stop));
  sight.kept_host = host.answers;
  sight.kept_proof = proof.answers;
  sight.kept_seconds = std::max(longest_kept(host), longest_kept(proof));
  return sight;
}

std::vector<Finding> judge_domain(const DomainTarget& target, const DomainSight& sight) {
  if (sight.zone.empty())
    return {{FindingKind::no_zone, "", "",
             fmt::format("nobody holds a zone for `{}`: no name servers are known", target.host),
             "register the domain, and enter the name servers of its DNS provider at the registrar"}};
  auto findings = judge_views(target, sight);
  const bool in_place = findings.empty();
  judge_caa(sight, findings);
  if (in_place) judge_kept(target, sight, findings);
  return findings;
}

bool is_ready(const std::vector<Finding>& findings) { return std::ranges::all_of(findings, &Finding::only_a_note); }

std::string validation_method(const DomainTarget& target, const DomainSight& sight) {
  return std::ranges::any_of(sight.views, [&](const auto& view) { return leads_to_app(target, view); }) ? "CNAME"
                                                                                                        : "HTTP";
}

}  // namespace defang::deploy
