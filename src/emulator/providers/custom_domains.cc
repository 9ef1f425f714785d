#include "emulator/providers/custom_domains.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/certificates.h"
#include "emulator/providers/container_apps.h"
#include "emulator/providers/public_names.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr std::string_view kManagedType = "Microsoft.App/managedEnvironments/managedCertificates";
constexpr std::string_view kStep = "managed-certificate-step";
constexpr std::string_view kIssuer = "digicert.com";  // CA-121
constexpr double kLookSeconds = 5;                    // between two looks at the records
constexpr double kShortestSeconds = 65;  // recorded, with the records in place: still pending after 65 s, not after 70
constexpr double kLongestSeconds = 300;  // CA-123, CA-124
constexpr double kUntilServedSeconds = 20;  // CA-124: some time after the binding
constexpr std::int64_t kValidDays = 180;
constexpr std::size_t kLongestSubject = 64;  // CA-125

const Json& domains_of(const Json& app_body) {
  static const Json kNone = Json::array();
  const Json* domains = find_path(app_body, "properties.configuration.ingress.customDomains");
  return domains != nullptr && domains->is_array() ? *domains : kNone;
}

const Json* binding_of(const Json& app_body, std::string_view host) {
  for (const Json& domain : domains_of(app_body))
    if (equals_ignoring_case(text_at(domain, "name"), host)) return &domain;
  return nullptr;
}

/// The app of an environment that has the host.
const Resource* app_with(Core& core, std::string_view environment_id, std::string_view host) {
  for (const Resource* app : core.store().resources_of_type(kAppType))
    if (equals_ignoring_case(text_at(app->body, "properties.environmentId"), environment_id) &&
        binding_of(app->body, host) != nullptr)
      return app;
  return nullptr;
}

std::string missing_proof(Core& core, const std::string& host) {
  const auto texts = public_texts(core, "asuid." + host);
  const std::string wanted = verification_id(core);
  const bool there = std::ranges::any_of(texts, [&](const auto& text) { return equals_ignoring_case(text, wanted); });
  return there ? "" : fmt::format("A TXT record pointing from asuid.{} to {} was not found.", host, wanted);
}

}  // namespace

std::optional<Answer> check_custom_domains(Write& write, const Resource& environment) {
  static const Json kNobody = Json::object();
  const Json& before = write.existing != nullptr ? write.existing->body : kNobody;
  for (const Json& domain : domains_of(write.next.body)) {
    const std::string host = to_lower(text_at(domain, "name")), certificate = text_at(domain, "certificateId");
    const Json* known = binding_of(before, host);
    if (const Resource* other = app_with(write.core, environment.id, host);
        other != nullptr && !equals_ignoring_case(other->id, write.next.id))
      return arm_error(400, "CustomHostnameConflict",  // the code is nobody's record
                       fmt::format("Hostname '{}' is already used by container app '{}'.", host, other->name()));
    if (known == nullptr)
      if (const std::string missing = missing_proof(write.core, host); !missing.empty())
        return arm_error(400, "InvalidCustomHostNameValidation", missing);
    const bool secured = equals_ignoring_case(text_at(domain, "bindingType"), "SniEnabled");
    if (secured && (certificate.empty() || write.core.store().find(certificate) == nullptr))
      return arm_error(400, "CertificateNotFound",
                       fmt::format("The certificate '{}' of custom domain '{}' was not found.", certificate, host));
    const bool as_before = known != nullptr && equals_ignoring_case(text_at(*known, "certificateId"), certificate) &&
                           equals_ignoring_case(text_at(*known, "bindingType"), "SniEnabled");
    if (secured && !as_before)
      write.next.hidden["served_from"][host] = write.core.now_ms() + write.core.scaled_ms(kUntilServedSeconds);
  }
  return std::nullopt;
}

Answer analyse_host_name(const Context& context) {
  Core& core = context.core;
  const std::string host = to_lower(context.request.query_value("customhostname"));
  const std::string environment = text_at(context.existing->body, "properties.environmentId");
  const Resource* holder = app_with(core, environment, host);
  const bool conflict = holder != nullptr && !equals_ignoring_case(holder->id, context.existing->id);
  const std::string missing = missing_proof(core, host);
  Json aliases = Json::array(), addresses = Json::array();
  for (const DnsRecord& record : resolve_public(core, host, "A"))
    (record.type == "CNAME" ? aliases : addresses).push_back(record.data.at(0));
  Json body = {{"isHostnameAlreadyVerified", holder != nullptr && !conflict},
               {"customDomainVerificationTest", missing.empty() ? "Passed" : "Failed"},
               {"hasConflictOnManagedEnvironment", conflict},
               {"conflictWithEnvironmentCustomDomain", false},
               {"cNameRecords", std::move(aliases)},
               {"txtRecords", public_texts(core, host)},
               {"aRecords", std::move(addresses)},
               {"alternateTxtRecords", public_texts(core, "asuid." + host)}};
  if (!missing.empty())
    body["customDomainVerificationFailureInfo"] = {{"code", "InvalidCustomHostNameValidation"}, {"message", missing}};
  if (conflict) body["conflictingContainerAppResourceId"] = holder->id;
  return json_answer(200, body);
}

std::optional<HostCertificate> served_certificate(Core& core, const Resource& app, const Json& binding) {
  if (!equals_ignoring_case(text_at(binding, "bindingType"), "SniEnabled")) return std::nullopt;
  const Resource* certificate = core.store().find(text_at(binding, "certificateId"));
  if (certificate == nullptr || text_at(certificate->hidden, "chain").empty()) return std::nullopt;
  const Json* times = find_member(app.hidden, "served_from");
  if (times != nullptr && core.now_ms() < integer_at(*times, to_lower(text_at(binding, "name")))) return std::nullopt;
  return HostCertificate{text_at(certificate->hidden, "key"), text_at(certificate->hidden, "chain")};
}

std::optional<Answer> keep_bound_certificate(const Context& context) {
  for (const Resource* app : context.core.store().resources_of_type(kAppType))
    for (const Json& domain : domains_of(app->body))
      if (equals_ignoring_case(text_at(domain, "certificateId"), context.existing->id))
        return arm_error(400, "CertificateInUse",
                         fmt::format("Certificate '{}' is used by existing custom domains.", context.existing->name()));
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- issuing

namespace {

/// RFC 8659, 3: the CAA records of the nearest name that has any decide; without `issue` they forbid nothing here.
std::string forbidden_by_caa(Core& core, std::string name) {
  for (; !name.empty(); name = name.find('.') == std::string::npos ? "" : name.substr(name.find('.') + 1)) {
    bool any = false, restricted = false, allowed = false;
    for (const DnsRecord& record : resolve_public(core, name, "CAA")) {
      if (record.type != "CAA" || record.data.size() < 3) continue;
      any = true;
      if (!equals_ignoring_case(record.data[1], "issue")) continue;
      restricted = true;
      allowed |= trim(record.data[2].substr(0, record.data[2].find(';'))) == kIssuer;
    }
    if (any) return restricted && !allowed ? fmt::format("A CAA record of '{}' does not allow {}.", name, kIssuer) : "";
  }
  return "";
}

bool has(const std::vector<DnsRecord>& records, std::string_view type, std::string_view value) {
  return std::ranges::any_of(records, [&](const DnsRecord& record) {
    return record.type == type && !record.data.empty() && equals_ignoring_case(record.data[0], value);
  });
}

/// Why the domain's control is not proven; empty: it is. The texts are nobody's record.
std::string unproven(Core& core, const Resource& certificate) {
  const std::string environment_id = parse_arm_id(certificate.id)->parent_id();
  const Resource* environment = core.store().find(environment_id);
  const std::string host = text_at(certificate.body, "properties.subjectName");
  const std::string method = text_at(certificate.body, "properties.domainControlValidation");
  const Resource* app = app_with(core, environment_id, host);
  if (environment == nullptr || app == nullptr)
    return fmt::format("Hostname '{}' is no custom hostname of a container app in the environment.", host);
  if (auto forbidden = forbidden_by_caa(core, to_lower(host)); !forbidden.empty()) return forbidden;
  if (method == "CNAME") {
    const std::string target = text_at(app->body, "properties.configuration.ingress.fqdn");
    return has(resolve_public(core, host, "CNAME"), "CNAME", target)
               ? ""
               : fmt::format("A CNAME record pointing from {} to {} was not found.", host, target);
  }
  if (method == "HTTP") {
    const std::string address = text_at(environment->body, "properties.staticIp");
    return has(resolve_public(core, host, "A"), "A", address)
               ? ""
               : fmt::format("An A record pointing from {} to {} was not found.", host, address);
  }
  const auto texts = public_texts(core, "_dnsauth." + host);
  const std::string token = text_at(certificate.body, "properties.validationToken");
  return std::ranges::find(texts, token) != texts.end()
             ? ""
             : fmt::format("A TXT record pointing from _dnsauth.{} to {} was not found.", host, token);
}

void end_with(Core& core, const std::string& id, const std::string& operation, const std::string& error) {
  Resource& certificate = core.store().edit(id);
  if (!error.empty()) {
    certificate.properties()["error"] = error;
    core.finish_operation(operation, Core::Failure{.code = "ManagedCertificateValidationFailed", .message = error});
    return;
  }
  if (core.authority() != nullptr)
    if (const auto issued =
            core.authority()->issue({text_at(certificate.body, "properties.subjectName")}, kValidDays)) {
      certificate.hidden["chain"] = issued->certificate_pem;
      certificate.hidden["key"] = issued->key_pem;
    }
  core.finish_operation(operation, std::nullopt);
}

void step(Core& core, const Json& payload) {
  const std::string id = text_at(payload, "certificate"), operation = text_at(payload, "operation");
  const Resource* certificate = core.store().find(id);
  if (certificate == nullptr || text_at(certificate->hidden, "operation") != operation) return;
  const std::int64_t age = core.now_ms() - integer_at(payload, "since");
  const std::string missing = unproven(core, *certificate);
  if (missing.empty() && age >= core.scaled_ms(kShortestSeconds)) return end_with(core, id, operation, "");
  if (age >= core.scaled_ms(kLongestSeconds)) return end_with(core, id, operation, missing);
  core.schedule(kStep, kLookSeconds, payload);
}

std::optional<Answer> write_managed_certificate(Write& write) {
  Json& properties = write.next.properties();
  const std::string host = to_lower(text_at(properties, "subjectName"));
  const std::string method =
      to_upper(!text_at(properties, "validationMethod").empty() ? text_at(properties, "validationMethod")
                                                                : text_at(properties, "domainControlValidation"));
  if (host.empty()) return arm_error(400, "SubjectNameRequired", "The certificate needs a subjectName.");
  if (host.size() > kLongestSubject || host.starts_with("*."))
    return arm_error(400, "SubjectNameInvalid", "The subjectName must be a host name of at most 64 characters.");
  if (method != "CNAME" && method != "HTTP" && method != "TXT")
    return arm_error(400, "InvalidValidationMethod", fmt::format("The validation method '{}' is not valid.", method));
  if (method == "CNAME" && std::ranges::count(host, '.') < 2)  // CA-123
    return arm_error(400, "InvalidValidationMethod",
                     fmt::format("CNAME validation is not possible for apex domain '{}'.", host));
  const std::string environment = parse_arm_id(write.next.id)->parent_id();
  if (app_with(write.core, environment, host) == nullptr)  // CA-122
    return arm_error(400, "RequireCustomHostnameInEnvironment",
                     fmt::format("Creating managed certificate requires hostname '{}' added as a custom hostname to a "
                                 "container app in environment.",
                                 host));
  for (const Resource* below : write.core.store().resources_below(environment))
    if (equals_ignoring_case(below->type, kManagedType) && !equals_ignoring_case(below->id, write.next.id) &&
        equals_ignoring_case(text_at(below->body, "properties.subjectName"), host))
      write.notes.push_back("CA-126: the host has a managed certificate in this environment already");
  if (write.existing != nullptr && write.existing->state() != "Failed") return json_answer(200, write.existing->body);
  properties = {{"subjectName", host},
                {"provisioningState", "Pending"},
                {"domainControlValidation", method},
                {"validationMethod", method}};
  if (method == "TXT")
    properties["validationToken"] = fmt::format("_{}", sha256_hex(write.next.id + host).substr(0, 32));
  write.next.hidden = Json::object();
  write.held = true;
  write.core.schedule(kStep, kLookSeconds,
                      {{"certificate", write.next.id}, {"operation", write.operation}, {"since", write.core.now_ms()}});
  return std::nullopt;
}

}  // namespace

void add_managed_certificates(Core& core) {
  TypeBehaviour managed;
  managed.type = std::string(kManagedType);
  managed.system_data = true;
  managed.write = write_managed_certificate;
  managed.remove = keep_bound_certificate;
  core.add_type(std::move(managed));
  core.add_event(std::string(kStep), step);
}

}  // namespace defang::emulator
