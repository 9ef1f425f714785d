#include "emulator/providers/container_app_bodies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/providers/container_app_rules.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

Json member(const Json& object, std::string_view name) {
  const Json* found = find_member(object, name);
  return found ? *found : Json();
}

Json or_default(Json value, Json otherwise) { return value.is_null() ? std::move(otherwise) : value; }

/// The member as sent; null when it was not.
void put_member(Json& to, const Json& from, std::string_view name) { to[std::string(name)] = member(from, name); }

void put_if_sent(Json& to, const Json& from, std::string_view name) {
  if (const Json* found = find_member(from, name); found && !found->is_null()) to[std::string(name)] = *found;
}

/// Enums come back in Azure's own casing (wire facts 1.11).
Json spelled(const Json& value, std::initializer_list<std::string_view> known) {
  if (!value.is_string()) return value;
  for (std::string_view word : known)
    if (equals_ignoring_case(word, value.get<std::string>())) return word;
  return value;
}

/// "1.0Gi" becomes "1Gi".
Json normal_memory(const Json& memory) {
  if (!memory.is_string()) return memory;
  std::string text = memory.get<std::string>();
  if (!text.ends_with("Gi") || text.find('.') == std::string::npos) return memory;
  text.resize(text.size() - 2);
  while (text.ends_with('0')) text.pop_back();
  if (text.ends_with('.')) text.pop_back();
  return text + "Gi";
}

Json without_nulls(const Json& value) {
  if (value.is_array()) {
    Json kept = Json::array();
    for (const Json& element : value) kept.push_back(without_nulls(element));
    return kept;
  }
  if (!value.is_object()) return value;
  Json kept = Json::object();
  for (const auto& [name, inner] : value.items())
    if (!inner.is_null()) kept[name] = without_nulls(inner);
  return kept;
}

// ---------------------------------------------------------------------------------------------------- template

enum class Resources { as_sent, filled };

Json normal_resources(const Json& sent, Resources how) {
  if (!sent.is_object() && how == Resources::as_sent) return {};
  const Json cpu = or_default(member(sent, "cpu"), 0.5);
  Json memory = or_default(member(sent, "memory"), "1Gi");
  if (how == Resources::filled) memory = normal_memory(memory);
  return {{"cpu", cpu},
          {"memory", memory},
          {"ephemeralStorage", ephemeral_storage(cpu.is_number() ? cpu.get<double>() : 0.5)}};
}

Json normal_containers(const Json& sent, Resources how) {
  if (!sent.is_array()) return {};
  Json containers = Json::array();
  for (const Json& container : sent) {
    Json normal = without_nulls(container);
    if (Json resources = normal_resources(member(container, "resources"), how); !resources.is_null())
      normal["resources"] = std::move(resources);
    containers.push_back(std::move(normal));
  }
  return containers;
}

Json normal_rules(const Json& rules) { return rules.is_array() ? without_nulls(rules) : rules; }

Json first_scale(const Json& scale) {
  if (!scale.is_object()) return {};
  Json shown = Json::object();
  put_member(shown, scale, "minReplicas");
  put_member(shown, scale, "maxReplicas");
  put_if_sent(shown, scale, "cooldownPeriod");
  put_if_sent(shown, scale, "pollingInterval");
  shown["rules"] = normal_rules(member(scale, "rules"));
  return shown;
}

Json filled_scale(const Json& scale) {
  Json rules = normal_rules(member(scale, "rules"));
  if (rules.is_array() && rules.empty()) rules = {};
  return {{"minReplicas", member(scale, "minReplicas")},
          {"maxReplicas", or_default(member(scale, "maxReplicas"), 10)},
          {"cooldownPeriod", or_default(member(scale, "cooldownPeriod"), 300)},
          {"pollingInterval", or_default(member(scale, "pollingInterval"), 30)},
          {"rules", std::move(rules)}};
}

Json normal_volumes(const Json& volumes) {
  if (!volumes.is_array()) return {};
  Json shown = Json::array();
  for (const Json& volume : volumes) {
    Json normal = without_nulls(volume);
    normal["storageType"] = spelled(or_default(member(volume, "storageType"), "EmptyDir"),
                                    {"AzureFile", "EmptyDir", "NfsAzureFile", "Secret"});
    shown.push_back(std::move(normal));
  }
  return shown;
}

Json app_template(const Json& sent, Resources how) {
  Json shown = Json::object();
  put_member(shown, sent, "revisionSuffix");
  if (how == Resources::filled && shown["revisionSuffix"].is_null()) shown["revisionSuffix"] = "";
  put_member(shown, sent, "terminationGracePeriodSeconds");
  shown["containers"] = normal_containers(member(sent, "containers"), how);
  shown["initContainers"] = normal_containers(member(sent, "initContainers"), how);
  const Json scale = member(sent, "scale");
  shown["scale"] = how == Resources::filled ? filled_scale(scale) : first_scale(scale);
  shown["volumes"] = normal_volumes(member(sent, "volumes"));
  put_member(shown, sent, "serviceBinds");
  return shown;
}

// ---------------------------------------------------------------------------------------------------- configuration

constexpr auto kIngressMembers =
    std::to_array<std::string_view>({"customDomains", "allowInsecure", "ipSecurityRestrictions", "corsPolicy",
                                     "clientCertificateMode", "stickySessions", "additionalPortMappings"});

Json normal_custom_domains(const Json& domains) {
  if (!domains.is_array()) return {};
  Json shown = Json::array();
  for (const Json& domain : domains) {
    Json normal = without_nulls(domain);
    normal["bindingType"] =
        spelled(or_default(member(domain, "bindingType"), "Disabled"), {"Disabled", "SniEnabled", "Auto"});
    shown.push_back(std::move(normal));
  }
  return shown;
}

Json normal_ingress(const Json& sent, const AppFacts& facts, Resources how) {
  if (!sent.is_object()) return {};
  const bool filled = how == Resources::filled;
  Json shown = Json::object();
  shown["fqdn"] = filled ? Json(facts.fqdn) : member(sent, "fqdn");
  shown["external"] = or_default(member(sent, "external"), false);
  shown["targetPort"] = filled ? or_default(member(sent, "targetPort"), 0) : member(sent, "targetPort");
  shown["exposedPort"] = filled ? or_default(member(sent, "exposedPort"), 0) : member(sent, "exposedPort");
  shown["transport"] = spelled(or_default(member(sent, "transport"), "Auto"), {"Auto", "Http", "Http2", "Tcp"});
  Json traffic = without_nulls(member(sent, "traffic"));
  if (filled && (!traffic.is_array() || traffic.empty()))
    traffic = Json::array({{{"weight", 100}, {"latestRevision", true}}});
  shown["traffic"] = std::move(traffic);
  for (std::string_view name : kIngressMembers) put_member(shown, sent, name);
  shown["customDomains"] = normal_custom_domains(member(sent, "customDomains"));
  shown["allowInsecure"] = or_default(shown["allowInsecure"], false);
  shown["clientCertificateMode"] = spelled(shown["clientCertificateMode"], {"Accept", "Ignore", "Require"});
  return shown;
}

Json normal_registries(const Json& registries) {
  if (!registries.is_array() || registries.empty()) return {};
  Json shown = Json::array();
  for (const Json& registry : registries)
    shown.push_back({{"server", text_at(registry, "server")},
                     {"username", text_at(registry, "username")},
                     {"passwordSecretRef", text_at(registry, "passwordSecretRef")},
                     {"identity", text_at(registry, "identity")}});
  return shown;
}

Json app_configuration(const Json& sent, const AppFacts& facts, Resources how) {
  Json shown = Json::object();
  shown["secrets"] = shown_secrets(member(sent, "secrets"));
  if (how == Resources::filled && shown["secrets"].is_array() && shown["secrets"].empty()) shown["secrets"] = nullptr;
  shown["activeRevisionsMode"] =
      spelled(or_default(member(sent, "activeRevisionsMode"), "Single"), {"Labels", "Multiple", "Single"});
  shown["ingress"] = normal_ingress(member(sent, "ingress"), facts, how);
  shown["registries"] = normal_registries(member(sent, "registries"));
  put_member(shown, sent, "dapr");
  put_member(shown, sent, "runtime");
  // 100 when the app is made; a later write that does not say it leaves null (recorded).
  shown["maxInactiveRevisions"] = or_default(member(sent, "maxInactiveRevisions"), facts.is_new ? Json(100) : Json());
  put_member(shown, sent, "service");
  shown["identitySettings"] = or_default(member(sent, "identitySettings"), Json::array());
  return shown;
}

/// What clients that read, change and write send back comes back in the 201, although the service decides it.
constexpr auto kEchoed = std::to_array<std::string_view>(
    {"runningStatus", "latestRevisionName", "latestReadyRevisionName", "latestRevisionFqdn", "eventStreamEndpoint"});

Json app_head(const Json& sent, const AppFacts& facts) {
  Json shown = Json::object();
  shown["provisioningState"] = "InProgress";
  shown["managedEnvironmentId"] = facts.environment_id;
  shown["environmentId"] = facts.environment_id;
  shown["workloadProfileName"] = or_default(member(sent, "workloadProfileName"), "Consumption");
  shown["outboundIpAddresses"] = facts.outbound_addresses;
  shown["customDomainVerificationId"] = facts.verification_id;
  return shown;
}

constexpr auto kNumbers = std::to_array<std::string_view>({"cooldownPeriod",
                                                           "cpu",
                                                           "exposedPort",
                                                           "failureThreshold",
                                                           "initialDelaySeconds",
                                                           "maxInactiveRevisions",
                                                           "maxReplicas",
                                                           "minReplicas",
                                                           "parallelism",
                                                           "periodSeconds",
                                                           "pollingInterval",
                                                           "port",
                                                           "replicaCompletionCount",
                                                           "replicaRetryLimit",
                                                           "replicaTimeout",
                                                           "successThreshold",
                                                           "targetPort",
                                                           "terminationGracePeriodSeconds",
                                                           "timeoutSeconds",
                                                           "weight"});
static_assert(std::ranges::is_sorted(kNumbers));

}  // namespace

Json environment_properties(const Json& sent, const EnvironmentFacts& facts) {
  Json shown = Json::object();
  shown["provisioningState"] = or_default(member(sent, "provisioningState"), "Waiting");
  shown["daprAIInstrumentationKey"] = nullptr;
  shown["daprAIConnectionString"] = nullptr;
  shown["vnetConfiguration"] = nullptr;
  if (const Json network = member(sent, "vnetConfiguration"); network.is_object()) {
    Json& to = shown["vnetConfiguration"] = {{"internal", or_default(member(network, "internal"), false)}};
    for (std::string_view name :
         {"infrastructureSubnetId", "dockerBridgeCidr", "platformReservedCidr", "platformReservedDnsIP"})
      put_member(to, network, name);
  }
  shown["defaultDomain"] = facts.default_domain;
  shown["staticIp"] = facts.static_ip;
  const Json logs = member(sent, "appLogsConfiguration");
  const Json analytics = member(logs, "logAnalyticsConfiguration");
  shown["appLogsConfiguration"] = {{"destination", member(logs, "destination")},
                                   {"logAnalyticsConfiguration", nullptr}};
  if (analytics.is_object())  // the key is write-only
    shown["appLogsConfiguration"]["logAnalyticsConfiguration"] = {{"customerId", member(analytics, "customerId")},
                                                                  {"sharedKey", nullptr}};
  shown["zoneRedundant"] = or_default(member(sent, "zoneRedundant"), false);
  shown["kedaConfiguration"] = {{"version", "2.17.2"}};
  shown["daprConfiguration"] = {{"version", "1.13.6"}};
  shown["eventStreamEndpoint"] = facts.event_stream;
  const Json domain = member(sent, "customDomainConfiguration");
  shown["customDomainConfiguration"] = {{"customDomainVerificationId", facts.verification_id},
                                        {"dnsSuffix", member(domain, "dnsSuffix")},
                                        {"certificateValue", nullptr},
                                        {"certificatePassword", nullptr},
                                        {"thumbprint", member(domain, "thumbprint")},
                                        {"subjectName", member(domain, "subjectName")},
                                        {"expirationDate", member(domain, "expirationDate")}};
  shown["workloadProfiles"] = Json::array();
  const Json profiles = member(sent, "workloadProfiles");
  for (const Json& profile : profiles.is_array() ? profiles : Json::array()) {
    Json row = {{"workloadProfileType", member(profile, "workloadProfileType")}, {"name", member(profile, "name")}};
    put_if_sent(row, profile, "minimumCount");
    put_if_sent(row, profile, "maximumCount");
    shown["workloadProfiles"].push_back(std::move(row));
  }
  shown["infrastructureResourceGroup"] = facts.infrastructure_group.empty() ? Json() : Json(facts.infrastructure_group);
  const auto switched = [&](std::string_view outer, std::string_view inner) {
    const Json value = member(member(member(sent, outer), inner), "enabled");
    return Json{{std::string(inner), {{"enabled", or_default(value, false)}}}};
  };
  shown["peerAuthentication"] = switched("peerAuthentication", "mtls");
  shown["peerTrafficConfiguration"] = switched("peerTrafficConfiguration", "encryption");
  put_if_sent(shown, sent, "publicNetworkAccess");
  put_if_sent(shown, sent, "ingressConfiguration");
  put_if_sent(shown, sent, "openTelemetryConfiguration");
  return shown;
}

Json app_first_answer(const Json& sent, const AppFacts& facts) {
  Json shown = app_head(sent, facts);
  for (std::string_view name : kEchoed) put_if_sent(shown, sent, name);
  shown["configuration"] = app_configuration(member(sent, "configuration"), facts, Resources::as_sent);
  shown["template"] = app_template(member(sent, "template"), Resources::as_sent);
  shown["delegatedIdentities"] = Json::array();
  return shown;
}

Json app_properties(const Json& sent, const AppFacts& facts) {
  Json shown = app_head(sent, facts);
  shown["configuration"] = app_configuration(member(sent, "configuration"), facts, Resources::filled);
  shown["template"] = app_template(member(sent, "template"), Resources::filled);
  shown["eventStreamEndpoint"] = facts.event_stream;
  shown["delegatedIdentities"] = Json::array();
  return shown;
}

Json revision_template(const Json& from) {
  Json shown = from;
  shown["revisionSuffix"] = nullptr;
  for (Json& container : shown["containers"]) {
    if (container.contains("resources")) container["resources"].erase("ephemeralStorage");
    if (!container.contains("probes")) container["probes"] = Json::array();
  }
  return shown;
}

Json job_properties(const Json& sent, const AppFacts& facts) {
  Json shown = Json::object();
  shown["provisioningState"] = "InProgress";
  shown["environmentId"] = facts.environment_id;
  shown["workloadProfileName"] = or_default(member(sent, "workloadProfileName"), "Consumption");
  const Json configuration = member(sent, "configuration");
  Json& to = shown["configuration"] = Json::object();
  to["secrets"] = shown_secrets(member(configuration, "secrets"));
  to["triggerType"] = spelled(member(configuration, "triggerType"), {"Event", "Manual", "Schedule"});
  to["replicaTimeout"] = member(configuration, "replicaTimeout");
  to["replicaRetryLimit"] = or_default(member(configuration, "replicaRetryLimit"), 0);
  for (std::string_view name : {"manualTriggerConfig", "scheduleTriggerConfig", "eventTriggerConfig"})
    to[std::string(name)] = without_nulls(member(configuration, name));
  to["registries"] = normal_registries(member(configuration, "registries"));
  put_member(to, configuration, "dapr");
  const Json tmpl = member(sent, "template");
  Json containers = normal_containers(member(tmpl, "containers"), Resources::filled);
  for (Json& container : containers) container["resources"]["ephemeralStorage"] = "";
  shown["template"] = {{"containers", std::move(containers)},
                       {"initContainers", normal_containers(member(tmpl, "initContainers"), Resources::filled)},
                       {"volumes", normal_volumes(member(tmpl, "volumes"))}};
  shown["eventStreamEndpoint"] = facts.event_stream;
  return shown;
}

void read_numbers(Json& properties) {
  if (properties.is_array())
    for (Json& element : properties) read_numbers(element);
  if (!properties.is_object()) return;
  for (auto& [name, value] : properties.items()) {
    if (value.is_structured() && name != "metadata") read_numbers(value);
    if (!value.is_string() || std::ranges::find(kNumbers, name) == kNumbers.end()) continue;
    const Json number = Json::parse(value.get<std::string>(), nullptr, false);
    if (number.is_number()) value = number;
  }
}

Json shown_secrets(const Json& secrets) {
  if (!secrets.is_array()) return {};
  Json shown = Json::array();
  for (const Json& secret : secrets) {
    Json entry = {{"name", text_at(secret, "name")}};
    if (!text_at(secret, "keyVaultUrl").empty()) {
      entry["keyVaultUrl"] = text_at(secret, "keyVaultUrl");
      entry["identity"] = text_at(secret, "identity");
    }
    shown.push_back(std::move(entry));
  }
  return shown;
}

}  // namespace defang::emulator
