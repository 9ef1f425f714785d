#include "deploy/custom_domains.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <nlohmann/json.hpp>
#include <semaphore>
#include <thread>

#include "azure/resource_types.h"
#include "deploy/known_errors.h"
#include "rest/azure_error.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr std::string_view kEnvironmentType = "Microsoft.App/managedEnvironments";
constexpr std::string_view kCertificateType = "Microsoft.App/managedEnvironments/managedCertificates";
constexpr const char* kDomains = "/properties/configuration/ingress/customDomains";
constexpr std::ptrdiff_t kAtOnce = 8;
constexpr milliseconds kFirstLook = 1s, kLongestPause = 15s;
// A name that was just registered may not be seen at once by what issues certificates.
constexpr milliseconds kRegistrationSpreads = 2min;

struct StepRow {
  DomainStep::Step step;
  std::string_view name;
};
constexpr auto kSteps = std::to_array<StepRow>({{DomainStep::Step::registered, "registered"},
                                                {DomainStep::Step::requested, "certificate-requested"},
                                                {DomainStep::Step::issued, "certificate-issued"},
                                                {DomainStep::Step::bound, "bound"}});

std::string version_of(std::string_view type) { return std::string(azure::find_resource_type(type)->api_version); }

std::string text_at(const Json& json, const std::string& pointer) {
  const Json::json_pointer where(pointer);
  return json.contains(where) && json[where].is_string() ? json[where].get<std::string>() : "";
}

Json domains_of(const Json& app) {
  const Json::json_pointer where(kDomains);
  return app.contains(where) && app[where].is_array() ? app[where] : Json::array();
}

Json::iterator find_domain(Json& domains, const std::string& host) {
  return std::ranges::find_if(domains,
                              [&](const Json& one) { return equals_ignoring_case(one.value("name", ""), host); });
}

Result<azure::ResourceId> parse_id(const std::string& text) {
  if (auto id = azure::ResourceId::parse(text)) return std::move(*id);
  return fail(Error::Kind::invalid, "resource-id", fmt::format("`{}` is no resource id", text));
}

/// Reads the app, lets `edit` change its host names, and sends all of them back: what is not sent is unbound (CA-130).
/// `edit` says whether there is anything to send.
Result<bool> change_domains(rest::ArmClient& arm, Clock& clock, const std::string& app,
                            const std::function<bool(Json& domains)>& edit, std::stop_token stop) {
  TRY_ASSIGN(const auto id, parse_id(app));
  const auto begin = clock.elapsed();
  for (milliseconds pause = kFirstLook;; pause = std::min(pause * 2, kLongestPause)) {
    TRY_ASSIGN(const auto live, arm.get(id, version_of(kAppType), stop));
    if (!live)
      return fail(Error::Kind::refused, "ResourceNotFound", fmt::format("the app `{}` is gone", id.last_name()));
    Json domains = domains_of(*live);
    if (!edit(domains)) return false;
    Json body;
    body[Json::json_pointer(kDomains)] = std::move(domains);
    auto written = arm.patch(id, version_of(kAppType), body, {}, stop);
    if (written) return true;
    if (clock.elapsed() - begin + pause > worth_repeating(written.error(), false))
      return fail(std::move(written.error().during(fmt::format("changing the host names of `{}`", id.last_name()))));
    if (!clock.sleep_for(pause, stop)) return stopped();
  }
}

// --- listing

Result<std::vector<Json>> list_if_there(rest::ArmClient& arm, const std::string& path, std::string_view type,
                                        std::stop_token stop) {
  auto items = arm.list(path, version_of(type), stop);
  if (!items && (items.error().http_status == 404 || rest::means_absent(items.error()))) return std::vector<Json>{};
  return items;
}

struct Environment {
  Json body;
  std::vector<Json> certificates;
};

/// What is there, asked once each.
class Listing {
 public:
  Listing(rest::ArmClient& arm, std::stop_token stop) : arm_(arm), stop_(std::move(stop)) {}

  Result<void> fill(CustomDomain& domain, const Json& app) {
    domain.app = app.value("id", "");
    domain.target.app_host = to_lower(text_at(app, "/properties/configuration/ingress/fqdn"));
    domain.target.verification_id = text_at(app, "/properties/customDomainVerificationId");
    domain.environment = text_at(app, "/properties/environmentId");
    if (domain.environment.empty()) domain.environment = text_at(app, "/properties/managedEnvironmentId");
    Json bindings = domains_of(app);
    if (const auto found = find_domain(bindings, domain.host()); found != bindings.end()) {
      domain.binding = found->value("bindingType", "Disabled");
      if (found->contains("certificateId") && (*found)["certificateId"].is_string())
        domain.certificate_id = (*found)["certificateId"];
    }
    TRY_ASSIGN(const auto* environment, environment_of(domain.environment));
    domain.location = environment->body.value("location", "");
    domain.target.address = text_at(environment->body, "/properties/staticIp");
    if (domain.target.verification_id.empty())
      domain.target.verification_id =
          text_at(environment->body, "/properties/customDomainConfiguration/customDomainVerificationId");
    for (const auto& certificate : environment->certificates)
      if (equals_ignoring_case(text_at(certificate, "/properties/subjectName"), domain.host()))
        domain.certificate = CustomDomain::Certificate{
            certificate.value("id", ""), text_at(certificate, "/properties/provisioningState"),
            text_at(certificate, "/properties/domainControlValidation"), text_at(certificate, "/properties/error")};
    return {};
  }

 private:
  Result<const Environment*> environment_of(const std::string& id) {
    if (const auto found = environments_.find(to_lower(id)); found != environments_.end()) return &found->second;
    TRY_ASSIGN(const auto parsed, parse_id(id));
    TRY_ASSIGN(auto body, arm_.get(parsed, version_of(kEnvironmentType), stop_));
    Environment environment{.body = body ? std::move(*body) : Json::object(), .certificates = {}};
    TRY_ASSIGN(environment.certificates,
               list_if_there(arm_, parsed.text() + "/managedCertificates", kCertificateType, stop_));
    return &(environments_[to_lower(id)] = std::move(environment));
  }

  rest::ArmClient& arm_;
  std::stop_token stop_;
  std::map<std::string, Environment> environments_;
};

// --- one host on its way

/// Changes of one app go one after another.
class AppLocks {
 public:
  std::mutex& of(const std::string& app) {
    const std::lock_guard lock(mutex_);
    return locks_[to_lower(app)];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::mutex> locks_;
};

class Way {
 public:
  Way(const DomainWorld& world, CustomDomain domain, const DomainOptions& options, AppLocks& locks,
      const DomainSink& sink, std::stop_token stop)
      : world_(world),
        domain_(std::move(domain)),
        options_(options),
        locks_(locks),
        sink_(sink),
        stop_(std::move(stop)) {}

  Result<void> go() {
    const bool was_bound = domain_.is_bound();
    if (!was_bound) {
      TRY(await_records());
      TRY(enroll());
      TRY(obtain_certificate());
      TRY(bind());
    }
    TRY_ASSIGN(auto certificate, prove());
    tell(DomainSecured{std::move(certificate), was_bound});
    return {};
  }

 private:
  void tell(decltype(DomainEvent::what) what) { sink_({domain_.host(), std::move(what)}); }

  /// Only what is new.
  void tell_waiting(std::vector<Finding> findings, std::string message = {}) {
    std::string shown = message;
    for (const auto& finding : findings)
      // Seconds count down at every look.
      shown += finding.kind == Finding::Kind::cached ? finding.name + finding.type : finding.message;
    if (shown == last_told_) return;
    last_told_ = shown;
    tell(DomainWaiting{std::move(findings), std::move(message)});
  }

  bool sleep(milliseconds& pause) {
    const bool slept = world_.clock.sleep_for(pause, stop_);
    pause = std::min(pause * 3 / 2, kLongestPause);
    return slept;
  }

  std::unexpected<Error> timed_out(const std::vector<Finding>& findings, const std::string& message) {
    Error error{.kind = Error::Kind::unreachable, .code = "domain-not-ready"};
    error.message = findings.empty() ? message : findings.front().message;
    error.help = (findings.empty() || findings.front().help.empty() ? "" : findings.front().help + "; then ") +
                 "run `defang cert generate` again, it goes on from here";
    return fail(std::move(error));
  }

  Result<void> await_records() {
    const auto begin = world_.clock.elapsed();
    for (milliseconds pause = kFirstLook;;) {
      TRY_ASSIGN(const auto sight, look_at_domain(world_.dns, domain_.target, stop_));
      auto findings = judge_domain(domain_.target, sight);
      const bool ready = is_ready(findings);
      if (ready) method_ = validation_method(domain_.target, sight);
      if (!ready || !findings.empty()) tell_waiting(findings);
      if (ready) return {};
      if (world_.clock.elapsed() - begin + pause > options_.dns_limit) return timed_out(findings, {});
      if (!sleep(pause)) return stopped();
    }
  }

  /// The name is registered without a certificate first (CA-122). Azure looks at the proof with resolvers of its own,
  /// which may keep for a while that it was not there.
  Result<void> enroll() {
    if (!domain_.binding.empty()) return {};
    if (domain_.holder)
      return fail(
          {.kind = Error::Kind::refused,
           .code = "domain-held",
           .message = fmt::format("`{}` is still a name of service `{}`", domain_.host(), domain_.holder->service),
           .help =
               fmt::format("`defang cert rm {}` takes it off; then run `defang cert generate` again", domain_.host())});
    const auto begin = world_.clock.elapsed();
    for (milliseconds pause = kFirstLook;;) {
      auto written = change([&](Json& domains) {
        if (find_domain(domains, domain_.host()) != domains.end()) return false;
        domains.push_back({{"name", domain_.host()}, {"bindingType", "Disabled"}});
        return true;
      });
      if (written) {
        tell(DomainStep{DomainStep::Step::registered, {}});
        return {};
      }
      TRY_ASSIGN(const std::string unseen, not_seen_yet(written.error()));
      tell_waiting({}, fmt::format("Azure does not see the records yet: {}", unseen));
      if (world_.clock.elapsed() - begin + pause > options_.dns_limit) return std::unexpected(written.error());
      if (!sleep(pause)) return stopped();
    }
  }

  /// What Azure misses in the DNS, where a refusal means that it looks again later; otherwise what the refusal means.
  Result<std::string> not_seen_yet(Error error) {
    if (error.kind != Error::Kind::refused || error.http_status >= 500) return std::unexpected(std::move(error));
    const auto answer = world_.arm.raw("POST",
                                       fmt::format("{}/listCustomHostNameAnalysis?api-version={}&customHostname={}",
                                                   domain_.app, version_of(kAppType), domain_.host()),
                                       "", stop_);
    const Json analysis = answer ? Json::parse(answer->body, nullptr, false) : Json();
    if (analysis.is_object() && analysis.value("hasConflictOnManagedEnvironment", false)) {
      const auto other = text_at(analysis, "/conflictingContainerAppResourceId");
      error.message = fmt::format("`{}` belongs to another app of the environment{}", domain_.host(),
                                  other.empty() ? "" : fmt::format(": `{}`", other.substr(other.rfind('/') + 1)));
      error.help = "take the name off that app first";
      return std::unexpected(std::move(error));
    }
    const bool failed = analysis.is_object() && text_at(analysis, "/customDomainVerificationTest") == "Failed";
    if (!failed && error.code != "InvalidCustomHostNameValidation") return std::unexpected(std::move(error));
    const auto reason = analysis.is_object() ? text_at(analysis, "/customDomainVerificationFailureInfo/message") : "";
    return reason.empty() ? error.message : reason;
  }

  Result<bool> change(const std::function<bool(Json&)>& edit) {
    const std::lock_guard lock(locks_.of(domain_.app));
    return change_domains(world_.arm, world_.clock, domain_.app, edit, stop_);
  }

  /// An alias proves itself. An address is proven by HTTP, or else by a token in the DNS (CA-123).
  Result<void> obtain_certificate() {
    if (domain_.certificate && domain_.certificate->state == "Succeeded") {
      domain_.certificate_id = domain_.certificate->id;
      return {};
    }
    TRY_ASSIGN(const auto id, certificate_id());
    if (domain_.certificate && domain_.certificate->state == "Pending") {
      tell(DomainStep{DomainStep::Step::requested, domain_.certificate->method});
      method_ = domain_.certificate->method;
      auto waited = world_.arm.adopt(id, version_of(kCertificateType), wait_for(id), stop_);
      if (waited && text_at(*waited, "/properties/provisioningState") == "Succeeded") return keep(id.text());
      if (!waited && waited.error().kind == Error::Kind::stopped) return std::unexpected(waited.error());
    }
    const auto begin = world_.clock.elapsed();
    while (true) {
      if (domain_.certificate) TRY(world_.arm.remove(id, version_of(kCertificateType), {}, stop_));
      auto issued = request(id);
      if (issued) return keep(id.text());
      domain_.certificate =
          CustomDomain::Certificate{.id = id.text(), .state = "Failed", .method = method_, .error = {}};
      Error error = std::move(issued.error());
      if (error.kind == Error::Kind::stopped) return fail(std::move(error));
      const bool has_another_way = method_ != "TXT" && (error.code == "InvalidValidationMethod" || method_ == "HTTP");
      // Azure gives up before people have found their provider's page.
      const bool waits_for_people = method_ == "TXT" && !token_was_seen_ && !domain_.target.token.empty();
      if (!has_another_way && !(waits_for_people && world_.clock.elapsed() - begin < options_.dns_limit)) {
        if (error.help.empty()) error.help = "run `defang cert generate` again, it goes on from here";
        return fail(std::move(error.during(fmt::format("issuing the certificate of `{}`", domain_.host()))));
      }
      if (has_another_way) method_ = method_ == "CNAME" ? "HTTP" : "TXT";
    }
  }

  Result<azure::ResourceId> certificate_id() {
    if (domain_.certificate) return parse_id(domain_.certificate->id);
    const auto environment = domain_.environment.substr(domain_.environment.rfind('/') + 1);
    return parse_id(fmt::format("{}/managedCertificates/{}", domain_.environment,
                                managed_certificate_name(environment, domain_.host())));
  }

  Result<void> request(const azure::ResourceId& id) {
    const Json body = {{"location", domain_.location},
                       {"properties", {{"subjectName", domain_.host()}, {"domainControlValidation", method_}}}};
    const auto begin = world_.clock.elapsed();
    for (milliseconds pause = kFirstLook;;) {
      tell(DomainStep{DomainStep::Step::requested, method_});
      auto issued = world_.arm.put(id, version_of(kCertificateType), body, wait_for(id), stop_);
      if (issued) return {};
      if (issued.error().code != "RequireCustomHostnameInEnvironment" ||
          world_.clock.elapsed() - begin + pause > kRegistrationSpreads)
        return std::unexpected(with_reason(id, std::move(issued.error())));
      if (!sleep(pause)) return stopped();
    }
  }

  /// What the certificate itself says of its failure is more than the operation says.
  Error with_reason(const azure::ResourceId& id, Error error) {
    const auto body = world_.arm.get(id, version_of(kCertificateType), stop_);
    const auto reason = body && *body ? text_at(**body, "/properties/error") : "";
    if (!reason.empty() && !contains_ignoring_case(error.message, reason)) error.message = reason;
    return error;
  }

  rest::ArmClient::WaitOptions wait_for(const azure::ResourceId& id) {
    rest::ArmClient::WaitOptions wait;
    wait.limit = options_.issue_limit;
    if (method_ == "TXT") wait.watchdog = [this, id]() -> std::optional<Error> { return look_for_token(id); };
    return wait;
  }

  std::optional<Error> look_for_token(const azure::ResourceId& id) {
    const auto body = world_.arm.get(id, version_of(kCertificateType), stop_);
    const auto token = body && *body ? text_at(**body, "/properties/validationToken") : "";
    if (token.empty()) return std::nullopt;
    if (token != domain_.target.token) {
      domain_.target.token = token;
      const WantedRecord record{"_dnsauth." + domain_.host(), "TXT", token};
      tell(DomainRecords{{record}});
      if (options_.write_records)
        if (auto written = options_.write_records(domain_.host(), {record}, stop_); !written) return written.error();
    }
    const auto sight = look_at_domain(world_.dns, domain_.target, stop_);
    if (!sight) return std::nullopt;
    auto findings = judge_domain(domain_.target, *sight);
    token_was_seen_ = is_ready(findings);
    if (!findings.empty()) tell_waiting(std::move(findings));
    return std::nullopt;
  }

  Result<void> keep(const std::string& certificate) {
    domain_.certificate_id = certificate;
    tell(DomainStep{DomainStep::Step::issued, {}});
    return {};
  }

  Result<void> bind() {
    auto written = change([&](Json& domains) {
      auto found = find_domain(domains, domain_.host());
      if (found == domains.end()) {
        domains.push_back({{"name", domain_.host()}});
        found = std::prev(domains.end());
      }
      if (found->value("bindingType", "") == "SniEnabled" &&
          equals_ignoring_case(text_at(*found, "/certificateId"), domain_.certificate_id))
        return false;
      (*found)["bindingType"] = "SniEnabled";
      (*found)["certificateId"] = domain_.certificate_id;
      return true;
    });
    if (!written) return std::unexpected(std::move(written.error()));
    tell(DomainStep{DomainStep::Step::bound, {}});
    return {};
  }

  /// CA-124: it takes a while until every front of the environment has the certificate.
  Result<rest::ServedCertificate> prove() {
    const auto begin = world_.clock.elapsed();
    for (milliseconds pause = kFirstLook;;) {
      auto served = world_.tls.shake(domain_.host(), handshake_address(domain_, options_.ingress), stop_);
      if (served || served.error().kind == Error::Kind::stopped) return served;
      tell_waiting({}, served.error().message);
      if (world_.clock.elapsed() - begin + pause > options_.tls_limit)
        return timed_out({}, fmt::format("the certificate is bound, and not served: {}", served.error().message));
      if (!sleep(pause)) return stopped();
    }
  }

  const DomainWorld& world_;
  CustomDomain domain_;
  const DomainOptions& options_;
  AppLocks& locks_;
  const DomainSink& sink_;
  std::stop_token stop_;
  std::string method_ = "CNAME";
  bool token_was_seen_ = false;
  std::string last_told_;
};

}  // namespace

bool CustomDomain::is_bound() const {
  if (binding != "SniEnabled" || certificate_id.empty()) return false;
  const bool managed = certificate && equals_ignoring_case(certificate->id, certificate_id);
  return managed ? certificate->state == "Succeeded" : !contains_ignoring_case(certificate_id, "/managedCertificates/");
}

std::string_view name_of(DomainStep::Step step) { return std::ranges::find(kSteps, step, &StepRow::step)->name; }

Result<std::vector<CustomDomain>> list_custom_domains(rest::ArmClient& arm, const StackScope& scope,
                                                      const std::map<std::string, std::string>& wanted,
                                                      std::stop_token stop) {
  const auto group = azure::ResourceId::group(scope.subscription, scope.group);
  TRY_ASSIGN(const auto apps,
             list_if_there(arm, group.text() + "/providers/Microsoft.App/containerApps", kAppType, stop));
  Listing listing(arm, stop);
  std::map<std::string, CustomDomain> domains;
  for (const auto& [host, service] : wanted)
    domains[host] = {.service = service, .target = {.host = host}, .is_wanted = true};
  for (const auto& app : apps) {
    if (text_at(app, "/tags/defang-project") != scope.project || text_at(app, "/tags/defang-stack") != scope.stack)
      continue;
    const auto service = text_at(app, "/tags/defang-service");
    for (const auto& bound : domains_of(app)) {
      const auto host = to_lower(bound.value("name", ""));
      if (domains.contains(host) && domains[host].service != service) {
        domains[host].holder = {service, app.value("id", "")};
        continue;
      }
      auto& domain = domains[host];
      domain.service = service;
      domain.target.host = host;
    }
    for (auto& [host, domain] : domains)
      if (domain.service == service) TRY(listing.fill(domain, app));
  }
  std::vector<CustomDomain> sorted;
  for (auto& [host, domain] : domains) sorted.push_back(std::move(domain));
  return sorted;
}

std::vector<std::string> secure_domains(const DomainWorld& world, const std::vector<CustomDomain>& domains,
                                        const DomainOptions& options, const DomainSink& sink, std::stop_token stop) {
  AppLocks locks;
  std::mutex mutex;
  std::vector<std::string> unsecured;
  const DomainSink one_at_a_time = [&](const DomainEvent& event) {
    const std::lock_guard lock(mutex);
    sink(event);
  };
  std::counting_semaphore<kAtOnce> places(kAtOnce);
  std::vector<std::jthread> threads;
  for (const auto& domain : domains) {
    places.acquire();
    world.clock.add_worker();
    threads.emplace_back([&, domain] {
      auto done = Way(world, domain, options, locks, one_at_a_time, stop).go();
      if (!done && done.error().kind != Error::Kind::stopped)
        one_at_a_time({domain.host(), DomainFailed{explained(done.error())}});
      {
        const std::lock_guard lock(mutex);
        if (!done) unsecured.push_back(domain.host());
      }
      world.clock.remove_worker();
      places.release();
    });
  }
  threads.clear();  // joins
  std::ranges::sort(unsecured);
  return unsecured;
}

Result<bool> remove_domain(rest::ArmClient& arm, Clock& clock, const CustomDomain& domain, std::stop_token stop) {
  bool any = false;
  const std::string& app = domain.holder ? domain.holder->app : domain.app;
  if (!app.empty()) {
    TRY_ASSIGN(any, change_domains(
                        arm, clock, app,
                        [&](Json& domains) {
                          const auto found = find_domain(domains, domain.host());
                          if (found == domains.end()) return false;
                          domains.erase(found);
                          return true;
                        },
                        stop));
  }
  if (!domain.certificate) return any;
  TRY_ASSIGN(const auto id, parse_id(domain.certificate->id));
  auto removed = arm.remove(id, version_of(kCertificateType), {}, stop);
  if (!removed)
    return fail(std::move(removed.error().during(fmt::format("deleting certificate `{}`", id.last_name()))));
  return true;
}

std::string handshake_address(const CustomDomain& domain, const std::string& ingress) {
  return ingress.empty() ? domain.target.address + ":443" : ingress;
}

std::string managed_certificate_name(const std::string& environment, const std::string& host) {
  constexpr std::size_t kEnvironment = 15, kHost = 21, kHash = 8;
  const auto part = [](std::string text, std::size_t most) {
    text = replace_all(to_lower(text), ".", "-").substr(0, most);
    while (text.contains("--")) text = replace_all(text, "--", "-");
    while (text.ends_with('-')) text.pop_back();
    return text;
  };
  return fmt::format("mc-{}-{}-{}", part(environment, kEnvironment), part(host, kHost),
                     sha256_hex(host).substr(0, kHash));
}

}  // namespace defang::deploy
