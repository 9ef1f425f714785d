// `cert generate`, `cert status`, `cert rm`: custom domains and their certificates.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "cli/commands.h"
#include "cli/domains.h"
#include "cli/views/view.h"
#include "deploy/azure_zones.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using deploy::CustomDomain;
using Json = nlohmann::ordered_json;

std::string time_text(std::chrono::system_clock::time_point time) {
  return to_iso8601(std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count());
}
std::string day_of(std::chrono::system_clock::time_point time) { return time_text(time).substr(0, 10); }

Json to_json(const std::vector<deploy::WantedRecord>& records) {
  Json list = Json::array();
  for (const auto& record : records)
    list.push_back({{"name", record.name}, {"type", record.type}, {"value", record.value}});
  return list;
}

Json to_json(const std::vector<deploy::Finding>& findings) {
  Json list = Json::array();
  for (const auto& finding : findings)
    list.push_back({{"kind", deploy::name_of(finding.kind)},
                    {"name", finding.name},
                    {"type", finding.type},
                    {"message", finding.message},
                    {"help", finding.help}});
  return list;
}

// --- what the commands have in common

deploy::StackScope scope_of(const compose::Project& project, const plan::Stack& stack) {
  return {project.name, stack.name, stack.subscription_id, plan::resource_group_name(project.name, stack),
          stack.location};
}

std::map<std::string, std::string> wanted_hosts(const compose::Project& project) {
  std::map<std::string, std::string> wanted;
  for (const auto& domain : plan::custom_domains(project)) wanted[domain.host] = domain.service;
  return wanted;
}

std::string variable(const Session& session, const std::string& name) {
  const auto found = session.settings.environment.find(name);
  return found == session.settings.environment.end() ? "" : found->second;
}

/// What asks the world about domains. The emulator's environment leads both to the emulator.
struct Probes {
  std::unique_ptr<rest::NameServers> dns;
  std::unique_ptr<rest::TlsHandshake> tls;
  std::string ingress;
};
Result<Probes> make_probes(const Session& session) {
  Probes probes{.dns = rest::make_name_servers(variable(session, "DEFANG_DNS_SERVER")),
                .tls = nullptr,
                .ingress = variable(session, "DEFANG_INGRESS")};
  TRY_ASSIGN(probes.tls, rest::make_tls_handshake(variable(session, "SSL_CERT_FILE")));
  return probes;
}

/// Several questions to the world at the same time.
template <class Item, class Work>
void each_at_once(std::vector<Item>& items, const Work& work) {
  std::vector<std::jthread> threads;
  for (Item& item : items) threads.emplace_back([&] { work(item); });
}

std::string state_of(const DomainReport& report) {
  const CustomDomain& domain = report.domain;
  if (domain.app.empty()) return "not deployed";
  if (report.served) return "secured";
  if (domain.is_bound()) return "bound";
  const std::string certificate = domain.certificate ? domain.certificate->state : "";
  if (certificate == "Pending") return "issuing";
  if (certificate == "Failed") return "failed";
  if (certificate == "Succeeded") return "issued";
  return domain.binding.empty() ? "not registered" : "registered";
}

struct Opened {
  compose::Project project;
  Session session;
  std::vector<CustomDomain> domains;
};

/// A wildcard, no host name, one that is given twice: what `up` would refuse.
void check_domains(const compose::Project& project, const plan::Stack& stack, Diagnostics& diagnostics) {
  Diagnostics all;
  plan::build_graph(project, stack, {}, all);
  for (const auto& one : all.all())
    if (one.code == "azure.domain" && one.severity == Diagnostic::Severity::error) diagnostics.add(one);
}

/// The project's domains as Azure has them; an exit code where that went wrong and was told.
std::expected<Opened, int> open(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  auto project = settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
  if (project) check_domains(*project, settings->stack, diagnostics);
  if (!project || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return std::unexpected(int{exit_input_wrong});
  }
  auto session = open_session(std::move(*settings), arguments, context);
  auto domains = session ? deploy::list_custom_domains(*session->arm, scope_of(*project, session->stack()),
                                                       wanted_hosts(*project), context.stop)
                         : std::unexpected(session.error());
  if (!domains) {
    print(domains.error(), arguments, context);
    return std::unexpected(exit_code_of(domains.error()));
  }
  return Opened{std::move(*project), std::move(*session), std::move(*domains)};
}

/// Leaves the hosts that the words name, all where there are none.
bool select(std::vector<CustomDomain>& domains, const std::vector<std::string>& words, const Arguments& arguments,
            Context& context) {
  std::vector<std::string> hosts, named;
  for (const auto& domain : domains) hosts.push_back(domain.host());
  Diagnostics diagnostics;
  for (const auto& word : words) {
    named.push_back(to_lower(word));
    if (std::ranges::find(hosts, named.back()) != hosts.end()) continue;
    const auto near = did_you_mean(named.back(), hosts);
    diagnostics.error("cert.unknown", fmt::format("`{}` is no domain of this project", word), {},
                      near                             ? fmt::format("did you mean `{}`?", *near)
                      : named.back().starts_with("*.") ? "Container Apps has no certificates for wildcards: name each "
                                                         "host, or put Azure Front Door in front"
                                                       : "write it as `domainname` of a service with a public HTTP "
                                                         "port; `defang cert status` shows those that are");
  }
  print(diagnostics, arguments, context);
  if (!named.empty())
    std::erase_if(domains, [&](const auto& one) { return std::ranges::find(named, one.host()) == named.end(); });
  return !diagnostics.has_errors();
}

bool ask_user(const std::string& question, Context& context) {
  const auto answer = context.ask(question, Context::Echo::shown);
  return answer && (equals_ignoring_case(trim(*answer), "y") || equals_ignoring_case(trim(*answer), "yes"));
}

bool has_terminal(const Arguments& arguments, const Context& context) {
  return context.input_is_terminal && context.err.is_terminal() && !arguments.non_interactive && !arguments.json;
}

// --- how it goes, for people and as JSON lines

class CertView {
 public:
  CertView(const Arguments& arguments, Context& context) : arguments_(arguments), context_(context) {}

  void operator()(const deploy::DomainEvent& event) {
    if (arguments_.json) return context_.out.write(line_of(event).dump() + "\n");
    std::visit([&](const auto& what) { show(event.host, what); }, event.what);
  }
  void show_records(const std::string& host, const std::vector<deploy::WantedRecord>& records) {
    (*this)({host, deploy::DomainRecords{records}});
  }
  void say(const std::string& host, const std::string& text) {
    if (!arguments_.json && !arguments_.quiet) context_.err.write(fmt::format("  {}: {}\n", host, text));
  }

 private:
  Json line_of(const deploy::DomainEvent& event) const {
    Json line = {{"type", ""}, {"time", time_text(context_.clock.now())}, {"host", event.host}};
    std::visit([&](const auto& what) { add(what, line); }, event.what);
    return line;
  }
  static void add(const deploy::DomainRecords& what, Json& line) {
    line["type"] = "domain-records";
    line["records"] = to_json(what.records);
    line["zoneFile"] = deploy::zone_fragment(what.records);
  }
  static void add(const deploy::DomainWaiting& what, Json& line) {
    line["type"] = "domain-waiting";
    line["findings"] = to_json(what.findings);
    if (!what.message.empty()) line["message"] = what.message;
  }
  static void add(const deploy::DomainStep& what, Json& line) {
    line["type"] = "domain-step";
    line["step"] = deploy::name_of(what.step);
    if (!what.detail.empty()) line["detail"] = what.detail;
  }
  static void add(const deploy::DomainSecured& what, Json& line) {
    line["type"] = "domain-secured";
    line["validUntil"] = time_text(what.certificate.valid_until);
    line["issuer"] = what.certificate.issuer;
    line["unchanged"] = what.was_already;
  }
  static void add(const deploy::DomainFailed& what, Json& line) {
    line["type"] = "domain-failed";
    line["error"] = {{"code", what.error.code}, {"message", what.error.message}, {"help", what.error.help}};
  }

  void show(const std::string& host, const deploy::DomainRecords& what) {
    if (!arguments_.quiet) context_.err.write(fmt::format("{}: set these records at the provider of its DNS\n", host));
    context_.out.write(deploy::zone_fragment(what.records));
  }
  void show(const std::string& host, const deploy::DomainWaiting& what) {
    if (!what.message.empty()) say(host, "waiting: " + what.message);
    for (const auto& finding : what.findings) {
      say(host, (finding.only_a_note() ? "note: " : "waiting: ") + finding.message);
      if (!finding.help.empty() && !arguments_.quiet) context_.err.write("    help: " + finding.help + "\n");
    }
  }
  void show(const std::string& host, const deploy::DomainStep& what) {
    using Step = deploy::DomainStep::Step;
    say(host, what.step == Step::registered  ? "registered with the app"
              : what.step == Step::requested ? fmt::format("certificate requested, proven by {}", what.detail)
              : what.step == Step::issued    ? "certificate issued"
                                             : "certificate bound");
  }
  void show(const std::string& host, const deploy::DomainSecured& what) {
    say(host, fmt::format("{}https://{} answers with a certificate of {}, valid until {}",
                          what.was_already ? "nothing to do: " : "", host, what.certificate.issuer,
                          day_of(what.certificate.valid_until)));
  }
  void show(const std::string& host, const deploy::DomainFailed& what) {
    Error error = what.error;
    print(error.during(host), arguments_, context_);
  }

  const Arguments& arguments_;
  Context& context_;
};

// --- generate

/// DNS zones of the subscription that the world asks, for those hosts whose owner lets us write there.
class ZoneOffers {
 public:
  ZoneOffers(Session& session, const Arguments& arguments, Context& context)
      : session_(session), arguments_(arguments), context_(context) {}

  /// Asks once a host; true: the records are written.
  Result<bool> offer(const CustomDomain& domain, const deploy::DomainSight& sight, CertView& view) {
    if (!zones_) {
      TRY_ASSIGN(zones_, deploy::list_azure_zones(*session_.arm, session_.stack().subscription_id, context_.stop));
    }
    const auto* zone = deploy::find_azure_zone(*zones_, domain.host());
    if (zone == nullptr) return false;
    if (!deploy::is_delegated_to(*zone, sight)) {
      view.say(
          domain.host(),
          fmt::format(
              "the subscription has a DNS zone `{}`, but the world asks {}: enter {} at the registrar to use it",
              zone->name, sight.servers.empty() ? "nobody" : join(sight.servers, ", "), join(zone->servers, ", ")));
      return false;
    }
    const auto records = deploy::records_for(domain.target, sight.is_apex(domain.target));
    if (!arguments_.yes) {
      if (!has_terminal(arguments_, context_)) {
        view.say(domain.host(),
                 fmt::format("the subscription has its DNS zone `{}`: `--yes` writes the records there", zone->name));
        return false;
      }
      if (!ask_user(fmt::format("write these records for {} to DNS zone `{}` of the subscription? [y/N] ",
                                domain.host(), zone->name),
                    context_))
        return false;
    }
    TRY(deploy::write_records(*session_.arm, *zone, records, context_.stop));
    written_[domain.host()] = *zone;
    view.say(domain.host(), fmt::format("records written to DNS zone `{}`", zone->name));
    return true;
  }

  /// What is asked for later goes where the user has let us write.
  Result<bool> write(const std::string& host, const std::vector<deploy::WantedRecord>& records,
                     std::stop_token stop) const {
    const auto zone = written_.find(host);
    if (zone == written_.end()) return false;
    TRY(deploy::write_records(*session_.arm, zone->second, records, stop));
    return true;
  }

 private:
  Session& session_;
  const Arguments& arguments_;
  Context& context_;
  std::optional<std::vector<deploy::AzureZone>> zones_;
  std::map<std::string, deploy::AzureZone> written_;
};

/// Shows the records that a host lacks, and offers to write them. A token that comes later goes the same way.
Result<void> prepare_records(const CustomDomain& domain, const Probes& probes, ZoneOffers& offers, CertView& view,
                             Context& context) {
  TRY_ASSIGN(const auto sight, deploy::look_at_domain(*probes.dns, domain.target, context.stop));
  if (deploy::is_ready(deploy::judge_domain(domain.target, sight))) return {};
  view.show_records(domain.host(), deploy::records_for(domain.target, sight.is_apex(domain.target)));
  TRY(offers.offer(domain, sight, view));
  return {};
}

int generate(std::vector<CustomDomain> domains, Session& session, const Arguments& arguments, Context& context) {
  const auto fail_with = [&](const Error& error) {
    print(error, arguments, context);
    return exit_code_of(error);
  };
  const auto probes = make_probes(session);
  if (!probes) return fail_with(probes.error());
  CertView view(arguments, context);
  ZoneOffers offers(session, arguments, context);
  for (const auto& domain : domains)
    if (!domain.is_bound() && !(domain.certificate && domain.certificate->state == "Succeeded"))
      if (const auto prepared = prepare_records(domain, *probes, offers, view, context); !prepared)
        return fail_with(prepared.error());
  deploy::DomainOptions options{.ingress = probes->ingress, .write_records = {}};
  if (arguments.wait_timeout_seconds) options.dns_limit = std::chrono::seconds(*arguments.wait_timeout_seconds);
  options.write_records = [&](const auto& host, const auto& records, std::stop_token stop) {
    return offers.write(host, records, stop);
  };
  const deploy::DomainWorld world{*session.arm, *probes->dns, *probes->tls, context.clock};
  const auto unsecured = deploy::secure_domains(world, domains, options, std::ref(view), context.stop);
  if (arguments.json) {
    Json hosts = Json::array();
    for (const auto& domain : domains)
      hosts.push_back({{"host", domain.host()},
                       {"service", domain.service},
                       {"secured", std::ranges::find(unsecured, domain.host()) == unsecured.end()}});
    context.out.write(
        Json{{"type", "certificates"}, {"time", time_text(context.clock.now())}, {"domains", hosts}}.dump() + "\n");
  }
  if (context.stop.stop_requested()) {
    if (!arguments.json && !arguments.quiet)
      context.err.write("interrupted; `defang cert generate` goes on from here\n");
    return exit_interrupted;
  }
  return unsecured.empty() ? exit_done : exit_world_refused;
}

/// Services that are not deployed cannot be given a domain.
bool are_deployed(const std::vector<CustomDomain>& domains, const Arguments& arguments, Context& context) {
  for (const auto& domain : domains) {
    if (!domain.app.empty()) continue;
    print(Error{.kind = Error::Kind::refused,
                .code = "service-not-deployed",
                .message = fmt::format("service `{}`, which has the domain `{}`, is not deployed", domain.service,
                                       domain.host()),
                .help = "run `defang compose up` first"},
          arguments, context);
    return false;
  }
  return true;
}

std::string hosts_of(const std::vector<CustomDomain>& domains) {
  std::vector<std::string> hosts;
  for (const auto& domain : domains) hosts.push_back(domain.host());
  std::ranges::sort(hosts);
  return join(hosts, ", ");
}

bool wants_domains_now(const std::vector<CustomDomain>& domains, const Arguments& arguments, Context& context) {
  return arguments.yes || (has_terminal(arguments, context) &&
                           ask_user(fmt::format("{}: the subscription has the DNS zone; set it up now, with a "
                                                "certificate? [y/N] ",
                                                hosts_of(domains)),
                                    context));
}

// --- rm

int remove(const std::vector<CustomDomain>& domains, Session& session, const Arguments& arguments, Context& context) {
  if (!arguments.yes && !session.settings.is_local && has_terminal(arguments, context) &&
      !ask_user(fmt::format("take {} off, with the certificate? [y/N] ", hosts_of(domains)), context)) {
    context.err.write("nothing was removed\n");
    return exit_interrupted;
  }
  Json removed = Json::array();
  for (const auto& domain : domains) {
    const auto done = deploy::remove_domain(*session.arm, context.clock, domain, context.stop);
    if (!done) {
      print(done.error(), arguments, context);
      return exit_code_of(done.error());
    }
    if (*done) removed.push_back(domain.host());
    if (arguments.json || arguments.quiet) continue;
    if (!*done) {
      context.err.write(fmt::format("{} has neither binding nor certificate\n", domain.host()));
      continue;
    }
    context.err.write(
        fmt::format("{} is taken off service `{}`, its certificate is deleted\n", domain.host(), domain.service));
    if (domain.is_wanted) context.err.write("  remove it from the Compose file, too\n");
    context.err.write(fmt::format(
        "  remove its records from the DNS: {}, TXT `asuid.{}`; a name that leads to nobody can be taken by others\n",
        domain.host(), domain.host()));
  }
  if (arguments.json) context.out.write(Json{{"removed", removed}}.dump() + "\n");
  return exit_done;
}

}  // namespace

// --- reports

Result<std::vector<DomainReport>> report_domains(const compose::Project& project, Session& session, Context& context) {
  TRY_ASSIGN(auto domains, deploy::list_custom_domains(*session.arm, scope_of(project, session.stack()),
                                                       wanted_hosts(project), context.stop));
  std::vector<DomainReport> reports;
  for (auto& domain : domains) reports.push_back({.domain = std::move(domain)});
  if (reports.empty()) return reports;
  TRY_ASSIGN(const auto probes, make_probes(session));
  each_at_once(reports, [&](DomainReport& report) {
    if (!report.domain.is_bound()) return;
    auto served =
        probes.tls->shake(report.domain.host(), deploy::handshake_address(report.domain, probes.ingress), context.stop);
    if (served)
      report.served = std::move(*served);
    else
      report.trouble = served.error().message;
  });
  for (auto& report : reports) report.state = state_of(report);
  return reports;
}

std::string domains_table(const std::vector<DomainReport>& reports) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& report : reports)
    rows.push_back({report.domain.host(), report.domain.service, report.state,
                    report.served ? day_of(report.served->valid_until) : ""});
  return table({"domain", "service", "certificate", "valid until"}, rows);
}

Json to_json(const DomainReport& report) {
  const auto& domain = report.domain;
  Json json = {{"host", domain.host()}, {"service", domain.service}, {"state", report.state}};
  if (!domain.binding.empty()) json["binding"] = domain.binding;
  if (domain.certificate) {
    json["certificate"] = {{"id", domain.certificate->id}, {"state", domain.certificate->state}};
    if (!domain.certificate->error.empty()) json["certificate"]["error"] = domain.certificate->error;
  }
  if (report.served) {
    json["validUntil"] = time_text(report.served->valid_until);
    json["issuer"] = report.served->issuer;
  }
  if (!report.trouble.empty()) json["trouble"] = report.trouble;
  return json;
}

int secure_after_up(const compose::Project& project, Session& session, const Arguments& arguments, Context& context) {
  const auto wanted = wanted_hosts(project);
  if (wanted.empty()) return exit_done;
  auto domains = deploy::list_custom_domains(*session.arm, scope_of(project, session.stack()), wanted, context.stop);
  if (!domains) {
    print(domains.error(), arguments, context);
    return exit_code_of(domains.error());
  }
  std::erase_if(*domains, [](const auto& domain) { return domain.is_bound() || !domain.is_wanted; });
  if (domains->empty()) return exit_done;
  const auto zones = deploy::list_azure_zones(*session.arm, session.stack().subscription_id, context.stop);
  const auto has_zone = [&](const CustomDomain& domain) {
    return zones && deploy::find_azure_zone(*zones, domain.host()) != nullptr;
  };
  const auto elsewhere = std::ranges::stable_partition(*domains, has_zone).begin();
  std::vector<CustomDomain> later(elsewhere, domains->end());
  domains->erase(elsewhere, domains->end());
  int code = exit_done;
  if (!domains->empty() && wants_domains_now(*domains, arguments, context)) {
    Arguments agreed = arguments;
    agreed.yes = true;
    code = generate(std::move(*domains), session, agreed, context);
  } else {
    later.insert(later.begin(), domains->begin(), domains->end());
  }
  if (!later.empty() && !arguments.json && !arguments.quiet)
    context.err.write(
        fmt::format("next: `defang cert generate` makes {} answer, with a certificate\n", hosts_of(later)));
  return code;
}

// --- commands

int run_cert_generate(const Arguments& arguments, Context& context) {
  auto opened = open(arguments, context);
  if (!opened) return opened.error();
  auto& domains = opened->domains;
  if (!select(domains, arguments.words, arguments, context)) return exit_input_wrong;
  if (domains.empty()) {
    if (arguments.json)
      context.out.write(
          Json{{"type", "certificates"}, {"time", time_text(context.clock.now())}, {"domains", Json::array()}}.dump() +
          "\n");
    else
      context.err.write("no service of the project has a `domainname`\n");
    return exit_done;
  }
  if (!are_deployed(domains, arguments, context)) return exit_world_refused;
  return generate(std::move(domains), opened->session, arguments, context);
}

int run_cert_status(const Arguments& arguments, Context& context) {
  auto opened = open(arguments, context);
  if (!opened) return opened.error();
  if (!select(opened->domains, arguments.words, arguments, context)) return exit_input_wrong;
  auto reports = report_domains(opened->project, opened->session, context);
  const auto probes = reports ? make_probes(opened->session) : std::unexpected(reports.error());
  if (!probes) {
    print(probes.error(), arguments, context);
    return exit_code_of(probes.error());
  }
  std::erase_if(*reports, [&](const auto& report) {
    return std::ranges::find(opened->domains, report.domain.host(), &CustomDomain::host) == opened->domains.end();
  });
  struct Row {
    DomainReport report;
    std::vector<deploy::WantedRecord> records;
    std::vector<deploy::Finding> findings;
  };
  std::vector<Row> rows;
  for (auto& report : *reports) rows.push_back({.report = std::move(report), .records = {}, .findings = {}});
  // The records must stay for renewals (CA-121), so they are looked at even where all is well.
  each_at_once(rows, [&](Row& row) {
    const auto& target = row.report.domain.target;
    if (row.report.domain.app.empty()) return;
    const auto sight = deploy::look_at_domain(*probes->dns, target, context.stop);
    if (!sight) return;
    row.records = deploy::records_for(target, sight->is_apex(target));
    row.findings = deploy::judge_domain(target, *sight);
  });
  if (arguments.json) {
    Json list = Json::array();
    for (const auto& row : rows) {
      list.push_back(to_json(row.report));
      list.back()["records"] = to_json(row.records);
      list.back()["findings"] = to_json(row.findings);
    }
    context.out.write(
        Json{{"project", opened->project.name}, {"stack", opened->session.stack().name}, {"domains", list}}.dump() +
        "\n");
    return exit_done;
  }
  if (rows.empty()) {
    context.err.write("no service of the project has a `domainname`\n");
    return exit_done;
  }
  std::vector<DomainReport> shown;
  for (const auto& row : rows) shown.push_back(row.report);
  context.out.write(domains_table(shown));
  for (const auto& row : rows) {
    if (!row.report.trouble.empty())
      context.err.write(fmt::format("  {}: {}\n", row.report.domain.host(), row.report.trouble));
    if (row.report.domain.certificate && !row.report.domain.certificate->error.empty())
      context.err.write(fmt::format("  {}: {}\n", row.report.domain.host(), row.report.domain.certificate->error));
    for (const auto& finding : row.findings) {
      context.err.write(fmt::format("  {}: {}\n", row.report.domain.host(), finding.message));
      if (!finding.help.empty()) context.err.write("    help: " + finding.help + "\n");
    }
  }
  return exit_done;
}

int run_cert_rm(const Arguments& arguments, Context& context) {
  if (arguments.words.empty()) {
    Diagnostics diagnostics;
    diagnostics.error("usage", "which domain is to be removed?", {}, "`defang cert status` shows them");
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto opened = open(arguments, context);
  if (!opened) return opened.error();
  if (!select(opened->domains, arguments.words, arguments, context)) return exit_input_wrong;
  return remove(opened->domains, opened->session, arguments, context);
}

}  // namespace defang::cli
