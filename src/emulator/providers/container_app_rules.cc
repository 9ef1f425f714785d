#include "emulator/providers/container_app_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "emulator/providers/cron.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

using Refused = std::optional<Refusal>;

Refusal bad(std::string code, std::string message) { return Refusal{400, std::move(code), std::move(message)}; }

Refusal bad_field(std::string_view field, std::string_view details) {
  return bad(
      "InvalidParameterValueInContainerTemplate",
      fmt::format("The following field(s) are either invalid or missing. Field '{}' is invalid with details: '{}'.",
                  field, details));
}

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  const Json* found = find_member(object, name);
  return found ? *found : kNull;
}

/// The elements of a list that may be absent or null.
const Json& list(const Json& object, std::string_view name) {
  static const Json kEmpty = Json::array();
  const Json& value = member(object, name);
  return value.is_array() ? value : kEmpty;
}

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

/// Lower-case letters, digits and `others`; begins and ends with a letter or digit.
bool is_label(std::string_view text, std::size_t most, std::string_view others) {
  if (text.empty() || text.size() > most) return false;
  const bool characters = std::ranges::all_of(
      text, [&](char c) { return is_lower_or_digit(c) || others.find(c) != std::string_view::npos; });
  return characters && is_lower_or_digit(text.front()) && is_lower_or_digit(text.back());
}

struct NamedPlace {
  std::string name;
  std::string field;  // "template.containers.web"
};

// CA-30: Consumption; up to 2 cores everywhere, up to 4 on workload-profile environments.
constexpr double kLargestConsumptionCpu = 4.0;
constexpr std::uint64_t kGi = 1ull << 30;

std::optional<double> number(const Json& value) {
  if (value.is_number()) return value.get<double>();
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- containers

Refused check_resources(const Json& container, const NamedPlace& place) {
  const Json& resources = member(container, "resources");
  if (!resources.is_object()) return std::nullopt;
  const Json& cpu = member(resources, "cpu");
  if (!cpu.is_null() && (!number(cpu) || *number(cpu) <= 0))
    return bad_field(place.field + ".resources.cpu", "Cpu must be a number greater than 0");
  if (number(cpu) && std::abs(*number(cpu) * 100 - std::round(*number(cpu) * 100)) > 1e-6)
    return bad_field(place.field + ".resources.cpu", "Cpu can have at most two decimal places");
  const Json& memory = member(resources, "memory");
  if (!memory.is_null() && (!memory.is_string() || !memory_bytes(memory.get<std::string>())))
    return bad_field(place.field + ".resources.memory",
                     "Memory must be an amount of Gi with at most two decimal places, such as 0.5Gi");
  return std::nullopt;
}

Refused check_resource_total(const Json& containers) {
  double cpu = 0;
  std::uint64_t memory = 0;
  bool stated = false;
  for (const Json& container : containers) {
    const Json& resources = member(container, "resources");
    stated = stated || resources.is_object();
    cpu += number(member(resources, "cpu")).value_or(0.5);
    memory += memory_bytes(text_at(resources, "memory")).value_or(kGi);
  }
  if (!stated) return std::nullopt;
  const double steps = cpu / 0.25;
  const bool in_steps = std::abs(steps - std::round(steps)) < 1e-6;
  const bool paired = std::abs(static_cast<double>(memory) - cpu * 2 * static_cast<double>(kGi)) < 1e6;
  if (in_steps && paired && cpu <= kLargestConsumptionCpu) return std::nullopt;
  std::string pairs;
  for (int quarter = 1; quarter <= 16; ++quarter)
    pairs += fmt::format("{}[cpu: {}, memory: {}Gi]", quarter == 1 ? "" : "; ", quarter * 0.25, quarter * 0.5);
  return bad("ContainerAppInvalidResourceTotal",
             fmt::format("The total requested CPU and memory resources for this application (CPU: {}, memory: {}Gi) is "
                         "invalid. Total CPU and memory for all containers defined in a Container App must add up to "
                         "one of the following CPU - Memory combinations: {}.",
                         cpu, static_cast<double>(memory) / static_cast<double>(kGi), pairs));
}

Refused check_environment_variables(const Json& container, const NamedPlace& place,
                                    const std::set<std::string>& secrets, std::vector<std::string>& notes) {
  std::set<std::string> names;
  for (const Json& variable : list(container, "env")) {
    const std::string name = text_at(variable, "name");
    if (name.empty()) return bad_field(place.field + ".env.name", "Environment variable name is required");
    if (!names.insert(name).second)
      notes.push_back(fmt::format("CA-34: variable `{}` occurs twice in container `{}`", name, place.name));
    const std::string secret = text_at(variable, "secretRef");
    if (!secret.empty() && !secrets.contains(secret))
      return bad("ContainerAppSecretRefNotFound",
                 fmt::format("SecretRef '{}' defined for container '{}' not found.", secret, place.name));
  }
  return std::nullopt;
}

// CA-102: what users may say is 1-10, but the platform's own defaults go beyond, so that is where the emulator ends.
struct ProbeLimits {
  std::string_view type;
  int most_failures;
  bool one_success;
};
constexpr auto kProbeLimits =
    std::to_array<ProbeLimits>({{"Liveness", 30, true}, {"Readiness", 48, false}, {"Startup", 240, true}});
struct ProbeRange {
  std::string_view member;
  int least;
  int most;
};
constexpr auto kProbeRanges = std::to_array<ProbeRange>({{"initialDelaySeconds", 0, 60},
                                                         {"periodSeconds", 1, 240},
                                                         {"successThreshold", 1, 10},
                                                         {"timeoutSeconds", 1, 240}});

bool is_port(const Json& value) {
  return value.is_number_integer() && value.get<long long>() >= 1 && value.get<long long>() <= 65535;
}

Refused check_probe(const Json& probe, const std::string& field) {
  const Json& http = member(probe, "httpGet");
  const Json& tcp = member(probe, "tcpSocket");
  if (http.is_object() == tcp.is_object())
    return bad_field(field, "A probe must have exactly one of httpGet and tcpSocket");  // CA-100
  const Json& target = http.is_object() ? http : tcp;
  if (!is_port(member(target, "port"))) return bad_field(field + ".port", "Port must be a number from 1 to 65535");
  for (const ProbeRange& range : kProbeRanges) {
    const Json& value = member(probe, range.member);
    if (value.is_null()) continue;
    if (!value.is_number_integer() || value.get<long long>() < range.least || value.get<long long>() > range.most)
      return bad_field(fmt::format("{}.{}", field, range.member),
                       fmt::format("Value must be from {} to {}", range.least, range.most));
  }
  const std::string type = text_at(probe, "type");
  const auto limits =
      std::ranges::find_if(kProbeLimits, [&](const ProbeLimits& row) { return equals_ignoring_case(row.type, type); });
  if (limits == kProbeLimits.end()) return bad_field(field + ".type", "Type must be Liveness, Readiness or Startup");
  const Json& failures = member(probe, "failureThreshold");
  if (failures.is_number_integer() &&
      (failures.get<long long>() < 1 || failures.get<long long>() > limits->most_failures))
    return bad_field(field + ".failureThreshold", fmt::format("Value must be from 1 to {}", limits->most_failures));
  const Json& successes = member(probe, "successThreshold");
  if (limits->one_success && successes.is_number_integer() && successes.get<long long>() != 1)
    return bad_field(field + ".successThreshold", fmt::format("Value must be 1 for {} probes", limits->type));
  return std::nullopt;
}

Refused check_probes(const Json& container, const NamedPlace& place) {
  std::set<std::string> types;
  for (const Json& probe : list(container, "probes")) {
    const std::string field = place.field + ".probes";
    if (auto refusal = check_probe(probe, field)) return refusal;
    if (!types.insert(to_lower(text_at(probe, "type"))).second)
      return bad_field(field, fmt::format("There can be one {} probe only", text_at(probe, "type")));
  }
  return std::nullopt;
}

Refused check_mounts(const Json& container, const NamedPlace& place, const std::set<std::string>& volumes) {
  for (const Json& mount : list(container, "volumeMounts")) {
    const std::string volume = text_at(mount, "volumeName");
    if (!volumes.contains(volume))
      return bad_field(place.field + ".volumeMounts",
                       fmt::format("Volume '{}' is not defined in template.volumes", volume));
    const std::string path = text_at(mount, "mountPath");
    if (path.empty() || path.find(':') != std::string::npos)  // CA-113
      return bad_field(place.field + ".volumeMounts.mountPath", "MountPath is required and cannot contain ':'");
  }
  return std::nullopt;
}

Refused check_container(const Json& container, std::string_view kind, const std::set<std::string>& secrets,
                        const std::set<std::string>& volumes, std::vector<std::string>& notes) {
  const std::string name = text_at(container, "name");
  const NamedPlace place{name, fmt::format("template.{}.{}", kind, name)};
  if (!is_label(name, 46, "-."))  // ARM-64
    return bad_field(
        fmt::format("template.{}.name", kind),
        fmt::format("Invalid value: '{}'. A container name has 1 to 46 lower case alphanumeric characters, "
                    "'-' or '.', and begins and ends with an alphanumeric character",
                    name));
  const std::string image = text_at(container, "image");
  if (trim(image).empty()) return bad_field(place.field + ".image", "Image is required");
  if (image.find_first_of(" \t\n") != std::string::npos ||
      to_lower(image.substr(0, image.find_first_of(":@"))) != image.substr(0, image.find_first_of(":@")))
    return bad_field(place.field + ".image", fmt::format("Invalid value: \"{}\": could not parse reference", image));
  if (auto refusal = check_resources(container, place)) return refusal;
  if (auto refusal = check_environment_variables(container, place, secrets, notes)) return refusal;
  if (kind == "initContainers" && !list(container, "probes").empty())
    return bad_field(place.field + ".probes", "An init container has no probes");  // CA-35
  if (auto refusal = check_probes(container, place)) return refusal;
  return check_mounts(container, place, volumes);
}

Refused check_containers(const Json& tmpl, const std::set<std::string>& secrets, const std::set<std::string>& volumes,
                         bool any_size, std::vector<std::string>& notes) {
  const Json& containers = list(tmpl, "containers");
  if (containers.empty())
    return bad("ContainerAppContainersRequired", "At least one container is required in template.containers.");
  std::set<std::string> names;
  for (std::string_view kind : {"containers", "initContainers"}) {
    for (const Json& container : list(tmpl, kind)) {
      if (auto refusal = check_container(container, kind, secrets, volumes, notes)) return refusal;
      if (!names.insert(text_at(container, "name")).second)
        return bad_field(fmt::format("template.{}", kind),
                         fmt::format("Container name '{}' is not unique", text_at(container, "name")));
    }
  }
  return any_size ? std::nullopt : check_resource_total(containers);
}

Refused check_volumes(const Json& tmpl, const std::set<std::string>& secrets, const AppSurroundings& around) {
  static constexpr auto kKinds = std::to_array<std::string_view>({"AzureFile", "EmptyDir", "NfsAzureFile", "Secret"});
  for (const Json& volume : list(tmpl, "volumes")) {
    const std::string name = text_at(volume, "name");
    if (!is_label(name, 63, "-"))  // CA-113
      return bad_field("template.volumes.name", fmt::format("Invalid value: '{}'", name));
    const std::string kind = text_at(volume, "storageType").empty() ? "EmptyDir" : text_at(volume, "storageType");
    if (std::ranges::none_of(kKinds, [&](std::string_view known) { return equals_ignoring_case(known, kind); }))
      return bad_field("template.volumes.storageType", fmt::format("Invalid value: '{}'", kind));  // CA-110
    const std::string storage = text_at(volume, "storageName");
    if (contains_ignoring_case(kind, "AzureFile") && !around.storages.contains(to_lower(storage)))
      return bad("ManagedEnvironmentStorageNotFound",
                 fmt::format("The managed environment storage '{}' was not found.", storage));
    for (const Json& item : list(volume, "secrets"))
      if (!secrets.contains(text_at(item, "secretRef")))
        return bad("ContainerAppSecretRefNotFound",
                   fmt::format("SecretRef '{}' defined for volume '{}' not found.", text_at(item, "secretRef"), name));
  }
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- scale

Refused check_rule(const Json& rule, bool is_job) {
  const std::string name = text_at(rule, "name");
  if (name.empty()) return bad_field("template.scale.rules.name", "Name is required");
  int kinds = 0;
  for (std::string_view kind : {"http", "tcp", "custom", "azureQueue"}) kinds += member(rule, kind).is_object() ? 1 : 0;
  if (!is_job && kinds != 1)
    return bad_field(fmt::format("template.scale.rules.{}", name),
                     "A scale rule has exactly one of http, tcp, custom and azureQueue");
  const Json& custom = member(rule, "custom");
  if (custom.is_object() && text_at(custom, "type").empty())
    return bad_field(fmt::format("template.scale.rules.{}.custom.type", name), "Type is required");
  // Secrets of a rule's auth are not looked up: references to nothing were recorded as accepted.
  return std::nullopt;
}

Refused check_scale(const Json& tmpl) {
  const Json& scale = member(tmpl, "scale");
  if (!scale.is_object()) return std::nullopt;
  const Json& least = member(scale, "minReplicas");
  const Json& most = member(scale, "maxReplicas");
  const auto whole = [](const Json& value, long long from, long long to) {
    return value.is_null() ||
           (value.is_number_integer() && value.get<long long>() >= from && value.get<long long>() <= to);
  };
  if (!whole(least, 0, 1000)) return bad_field("template.scale.minReplicas", "Value must be from 0 to 1000");  // CA-40
  if (!whole(most, 1, 1000)) return bad_field("template.scale.maxReplicas", "Value must be from 1 to 1000");
  const long long smallest = least.is_null() ? 0 : least.get<long long>();
  if (smallest > (most.is_null() ? 10 : most.get<long long>()))
    return bad_field("template.scale.minReplicas", "minReplicas cannot be greater than maxReplicas");
  for (const Json& rule : list(scale, "rules"))
    if (auto refusal = check_rule(rule, false)) return refusal;
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- configuration

bool has_user_identity(const Json& identity, std::string_view id) {
  const Json& attached = member(identity, "userAssignedIdentities");
  if (!attached.is_object()) return false;
  return std::ranges::any_of(attached.items(), [&](const auto& item) { return equals_ignoring_case(item.key(), id); });
}

bool is_attached(const Json& identity, std::string_view id) {
  if (equals_ignoring_case(id, "system")) return contains_ignoring_case(text_at(identity, "type"), "SystemAssigned");
  return has_user_identity(identity, id);
}

bool is_secret_name(std::string_view name) { return is_label(name, 253, "-."); }  // ARM-65

Refused check_secret(const Json& secret, const Json& identity) {
  const std::string name = text_at(secret, "name");
  if (!is_secret_name(name))
    return bad(
        "ContainerAppSecretNameInvalid",
        fmt::format("Invalid secret name '{}': a name consists of lower case alphanumeric characters, '-' or '.', "
                    "and begins and ends with an alphanumeric character.",
                    name));
  const std::string url = text_at(secret, "keyVaultUrl");
  if (url.empty()) {
    if (member(secret, "value").is_null())
      return bad("ContainerAppSecretInvalid",
                 fmt::format("Invalid Request: Container app secret(s) with name(s) '{}' are invalid: value or "
                             "keyVaultUrl and identity should be provided.",
                             name));
    return std::nullopt;
  }
  const std::string with = text_at(secret, "identity");
  if (!url.starts_with("https://") || url.find("/secrets/") == std::string::npos)
    return bad("ContainerAppSecretKeyVaultUrlInvalid",
               fmt::format("The KeyVaultUrl '{}' of secret '{}' is invalid.", url, name));
  if (with.empty() || !is_attached(identity, with))  // CA-90
    return bad(
        "ContainerAppSecretInvalid",
        fmt::format("Invalid Request: Container app secret(s) with name(s) '{}' are invalid: the identity '{}' is "
                    "not assigned to the resource.",
                    name, with));
  return std::nullopt;
}

Refused check_secrets(const Json& configuration, const Json& identity, std::set<std::string>& names) {
  for (const Json& secret : list(configuration, "secrets")) {
    if (auto refusal = check_secret(secret, identity)) return refusal;
    if (!names.insert(text_at(secret, "name")).second)
      return bad("ContainerAppSecretNameInvalid",
                 fmt::format("Secret name '{}' is not unique.", text_at(secret, "name")));
  }
  return std::nullopt;
}

Refused check_registry(const Json& registry, const std::set<std::string>& secrets, const Json& identity) {
  const std::string server = text_at(registry, "server");
  if (server.empty()) return bad("ContainerAppRegistriesServerRequired", "Server is required for a registry.");
  const std::string with = text_at(registry, "identity");
  const std::string password = text_at(registry, "passwordSecretRef");
  if (!with.empty() && (!password.empty() || !text_at(registry, "username").empty()))  // CA-95
    return bad("ContainerAppRegistriesInvalid",
               fmt::format("Registry server '{}' cannot have both an identity and a username.", server));
  if (!with.empty() && !is_attached(identity, with))
    return bad(
        "ContainerAppRegistriesIdentityNotFound",
        fmt::format("The identity '{}' for registry server '{}' is not assigned to the resource.", with, server));
  if (!password.empty() && !secrets.contains(password))
    return bad("ContainerAppRegistriesPasswordSecretRefNotFound",
               fmt::format("PasswordSecretRef '{}' defined for registry server '{}' not found.", password, server));
  return std::nullopt;
}

Refused check_registries(const Json& configuration, const std::set<std::string>& secrets, const Json& identity) {
  std::set<std::string> servers;
  for (const Json& registry : list(configuration, "registries")) {
    if (auto refusal = check_registry(registry, secrets, identity)) return refusal;
    if (!servers.insert(to_lower(text_at(registry, "server"))).second)
      return bad("ContainerAppRegistriesInvalid",
                 fmt::format("Registry server '{}' occurs more than once.", text_at(registry, "server")));
  }
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- ingress

Refusal bad_ingress(std::string message) { return bad("ContainerAppInvalidIngress", std::move(message)); }

bool is_tcp(const Json& ingress) { return equals_ignoring_case(text_at(ingress, "transport"), "tcp"); }

/// CA-63: external TCP ports are not 80 or 443 and unique in the environment. The reserved 36985 is unverified.
Refused check_external_port(std::uint16_t port, const AppSurroundings& around, std::vector<std::string>& notes) {
  if (port == 80 || port == 443)
    return bad_ingress(fmt::format("ExposedPort {} cannot be used for external TCP ingress.", port));
  if (around.external_tcp_ports.contains(port))
    return bad_ingress(
        fmt::format("ExposedPort {} is already used by another container app of the environment.", port));
  if (port == 36985) notes.push_back("CA-63: port 36985 is said to be reserved by the platform");
  return std::nullopt;
}

std::uint16_t port_of(const Json& value) { return is_port(value) ? static_cast<std::uint16_t>(value.get<int>()) : 0; }

Refused check_port_mappings(const Json& ingress, const AppSurroundings& around, std::vector<std::string>& notes) {
  const Json& mappings = list(ingress, "additionalPortMappings");
  if (mappings.size() > 5) return bad_ingress("At most 5 additional port mappings are allowed.");  // CA-64
  std::set<std::uint16_t> targets{port_of(member(ingress, "targetPort"))};
  std::set<std::uint16_t> exposed{port_of(member(ingress, "exposedPort"))};
  for (const Json& mapping : mappings) {
    const std::uint16_t target = port_of(member(mapping, "targetPort"));
    if (target == 0) return bad_ingress("TargetPort of an additional port mapping must be from 1 to 65535.");
    if (!targets.insert(target).second)
      return bad_ingress(fmt::format("TargetPort {} occurs more than once in the ingress.", target));
    const Json& stated = member(mapping, "exposedPort");
    if (!stated.is_null() && stated != 0 && port_of(stated) == 0)
      return bad_ingress("ExposedPort of an additional port mapping must be from 1 to 65535.");
    const std::uint16_t outer = port_of(stated) ? port_of(stated) : target;
    if (!exposed.insert(outer).second)
      return bad_ingress(fmt::format("ExposedPort {} occurs more than once in the ingress.", outer));
    if (!true_at(mapping, "external")) continue;
    if (!true_at(ingress, "external"))
      return bad_ingress("An additional port mapping can be external only if the ingress is external.");
    if (!around.environment_has_network)
      return bad_ingress("External additional port mappings need an environment with a custom virtual network.");
    if (auto refusal = check_external_port(outer, around, notes)) return refusal;
  }
  return std::nullopt;
}

Refused check_tcp(const Json& ingress, const AppSurroundings& around, std::vector<std::string>& notes) {
  for (std::string_view http_only : {"corsPolicy", "stickySessions", "customDomains"})
    if (const Json& value = member(ingress, http_only); !value.is_null() && !value.empty())
      return bad_ingress(fmt::format("{} is not supported with TCP ingress.", http_only));
  if (!true_at(ingress, "external")) return std::nullopt;
  if (!around.environment_has_network)  // CA-62
    return bad("ContainerAppTcpRequiresVnet",
               "Applications with external TCP ingress can only be deployed to Container App Environments that have a "
               "custom VNET. Set ingress traffic to 'Limited to Container Apps Environment' if you want to deploy to a "
               "Container App Environment without a custom VNET.");
  const std::uint16_t exposed = port_of(member(ingress, "exposedPort"));
  return check_external_port(exposed ? exposed : port_of(member(ingress, "targetPort")), around, notes);
}

Refused check_traffic(const Json& ingress) {
  const Json& traffic = list(ingress, "traffic");
  if (traffic.empty()) return std::nullopt;
  long long total = 0;
  for (const Json& share : traffic) {
    const Json& weight = member(share, "weight");
    total += weight.is_number_integer() ? weight.get<long long>() : 0;
    if (!true_at(share, "latestRevision") && text_at(share, "revisionName").empty())
      return bad("ContainerAppInvalidTraffic", "Each traffic weight needs latestRevision or revisionName.");
  }
  if (total != 100)  // CA-39
    return bad("ContainerAppInvalidTraffic", fmt::format("The traffic weights must add up to 100, not {}.", total));
  return std::nullopt;
}

Refused check_restrictions(const Json& ingress) {
  std::set<std::string> actions;
  for (const Json& restriction : list(ingress, "ipSecurityRestrictions")) {
    if (text_at(restriction, "name").empty() || text_at(restriction, "ipAddressRange").empty())
      return bad_ingress("IpSecurityRestrictions need a name and an ipAddressRange.");
    actions.insert(to_lower(text_at(restriction, "action")));
  }
  if (actions.size() > 1) return bad_ingress("IpSecurityRestrictions must be all Allow or all Deny.");  // CA-67
  return std::nullopt;
}

Refused check_ingress(const Json& configuration, const AppSurroundings& around, std::vector<std::string>& notes) {
  const Json& ingress = member(configuration, "ingress");
  if (!ingress.is_object()) return std::nullopt;
  static constexpr auto kTransports = std::to_array<std::string_view>({"auto", "http", "http2", "tcp"});
  const std::string transport = text_at(ingress, "transport");
  if (!transport.empty() &&
      std::ranges::none_of(kTransports, [&](std::string_view known) { return equals_ignoring_case(known, transport); }))
    return bad_ingress(fmt::format("Transport '{}' is not one of auto, http, http2, tcp.", transport));
  const Json& target = member(ingress, "targetPort");
  if (!target.is_null() && target != 0 && !is_port(target)) return bad_ingress("TargetPort must be from 1 to 65535.");
  const Json& exposed = member(ingress, "exposedPort");
  const bool exposes = !exposed.is_null() && exposed != 0;
  if (exposes && !is_port(exposed)) return bad_ingress("ExposedPort must be from 1 to 65535.");
  if (exposes && !is_tcp(ingress)) return bad_ingress("ExposedPort can only be set for TCP ingress.");  // CA-60
  if (is_tcp(ingress) && !is_port(target)) return bad_ingress("TargetPort is required for TCP ingress.");
  if (is_tcp(ingress))
    if (auto refusal = check_tcp(ingress, around, notes)) return refusal;
  const Json& cors = member(ingress, "corsPolicy");
  if (cors.is_object() && list(cors, "allowedOrigins").empty())  // CA-68
    return bad_ingress("CorsPolicy needs allowedOrigins.");
  if (equals_ignoring_case(text_at(ingress, "stickySessions.affinity"), "sticky") &&
      equals_ignoring_case(text_at(configuration, "activeRevisionsMode"), "multiple"))  // CA-66
    return bad_ingress("Sticky sessions are supported in single revision mode only.");
  if (auto refusal = check_port_mappings(ingress, around, notes)) return refusal;
  if (auto refusal = check_restrictions(ingress)) return refusal;
  return check_traffic(ingress);
}

// ---------------------------------------------------------------------------------------------------- the whole

Refused check_inactive_revisions(const Json& configuration) {
  const Json& most = member(configuration, "maxInactiveRevisions");
  if (most.is_null() || (most.is_number_integer() && most.get<long long>() >= 0 && most.get<long long>() <= 100))
    return std::nullopt;
  return bad("ContainerAppInvalidMaxInactiveRevisions", "MaxInactiveRevisions must be from 0 to 100.");  // CA-39
}

Refused check_revision_suffix(const Json& tmpl, const AppSurroundings& around) {
  const std::string suffix = text_at(tmpl, "revisionSuffix");
  if (suffix.empty()) return std::nullopt;
  if (!is_label(suffix, 64, "-"))  // ARM-69
    return bad("ContainerAppRevisionSuffixInvalid",
               fmt::format("Invalid revisionSuffix '{}': it consists of lower case alphanumeric characters or '-', and "
                           "begins and ends with an alphanumeric character.",
                           suffix));
  if (around.used_revision_suffixes.contains(suffix))  // CA-38
    return bad("ContainerAppRevisionAlreadyExists",
               fmt::format("The revision suffix '{}' is already used by a revision of this container app.", suffix));
  return std::nullopt;
}

Refused check_workload_profile(const Json& properties, const AppSurroundings& around) {
  const std::string profile = text_at(properties, "workloadProfileName");
  if (profile.empty() || around.workload_profiles.empty() || around.workload_profiles.contains(to_lower(profile)))
    return std::nullopt;
  return bad("WorkloadProfileNameNotFound",
             fmt::format("The workload profile '{}' was not found in the managed environment.", profile));
}

Refused check_grace(const Json& tmpl) {
  const Json& grace = member(tmpl, "terminationGracePeriodSeconds");
  if (grace.is_null()) return std::nullopt;
  if (grace.is_number_integer() && grace.get<long long>() >= 0 && grace.get<long long>() <= 600) return std::nullopt;
  return bad_field("template.terminationGracePeriodSeconds", "Value must be from 0 to 600");  // CA-36
}

std::set<std::string> volume_names(const Json& tmpl) {
  std::set<std::string> names;
  for (const Json& volume : list(tmpl, "volumes")) names.insert(text_at(volume, "name"));
  return names;
}

/// What apps and jobs have in common.
Refused check_common(const Json& properties, const AppSurroundings& around, std::set<std::string>& secrets,
                     std::vector<std::string>& notes) {
  const Json& configuration = member(properties, "configuration");
  const Json& tmpl = member(properties, "template");
  if (auto refusal = check_workload_profile(properties, around)) return refusal;
  if (auto refusal = check_secrets(configuration, around.identity, secrets)) return refusal;
  if (auto refusal = check_registries(configuration, secrets, around.identity)) return refusal;
  if (auto refusal = check_volumes(tmpl, secrets, around)) return refusal;
  const bool any_size = around.dedicated_profiles.contains(to_lower(text_at(properties, "workloadProfileName")));
  return check_containers(tmpl, secrets, volume_names(tmpl), any_size, notes);
}

Refused check_trigger(const Json& configuration) {
  struct Trigger {
    std::string_view type;
    std::string_view config;
  };
  static constexpr auto kTriggers = std::to_array<Trigger>(
      {{"Event", "eventTriggerConfig"}, {"Manual", "manualTriggerConfig"}, {"Schedule", "scheduleTriggerConfig"}});
  const std::string type = text_at(configuration, "triggerType");
  const auto trigger =
      std::ranges::find_if(kTriggers, [&](const Trigger& row) { return equals_ignoring_case(row.type, type); });
  if (trigger == kTriggers.end())
    return bad("JobInvalidTriggerType", fmt::format("TriggerType '{}' is not one of Schedule, Event, Manual.", type));
  const Json& config = member(configuration, trigger->config);
  const long long parallelism =
      member(config, "parallelism").is_number() ? member(config, "parallelism").get<int>() : 1;
  const long long completions =
      member(config, "replicaCompletionCount").is_number() ? member(config, "replicaCompletionCount").get<int>() : 1;
  if (parallelism < 1 || completions < 1 || completions > parallelism)  // CA-140
    return bad("JobInvalidTriggerConfig", "replicaCompletionCount must be from 1 to parallelism.");
  if (trigger->type == "Schedule") {
    if (!CronExpression::parse(text_at(config, "cronExpression")))  // CA-141
      return bad("JobInvalidCronExpression", fmt::format("CronExpression '{}' is not a cron expression of five fields.",
                                                         text_at(config, "cronExpression")));
  }
  return std::nullopt;
}

}  // namespace

std::optional<Refusal> check_app_name(std::string_view name) {
  const bool letter_first = !name.empty() && name.front() >= 'a' && name.front() <= 'z';
  if (name.size() >= 2 && is_label(name, 32, "-") && letter_first && name.find("--") == std::string_view::npos)
    return std::nullopt;
  return bad("ContainerAppInvalidName",
             fmt::format("Invalid ContainerApp name '{}'. A name must consist of lower case alphanumeric characters or "
                         "'-', start with an alphabetic character, and end with an alphanumeric character and cannot "
                         "have '--'. The length must not be more than 32 characters.",
                         name));
}

std::optional<Refusal> check_job_name(std::string_view name) {
  if (name.size() >= 2 && is_label(name, 32, "-") && name.find("--") == std::string_view::npos) return std::nullopt;
  return bad(
      "JobInvalidName",
      fmt::format("Invalid Job name '{}'. A name must consist of lower case alphanumeric characters or '-', start "
                  "and end with an alphanumeric character and cannot have '--'. The length must not be more than "
                  "32 characters.",
                  name));
}

std::optional<Refusal> check_environment_name(std::string_view name) {
  if (name.size() >= 2 && is_label(to_lower(name), 60, "-")) return std::nullopt;
  return bad(
      "ManagedEnvironmentInvalidName",
      fmt::format("Invalid managed environment name '{}'. A name has 2 to 60 alphanumeric characters or '-', and "
                  "begins and ends with an alphanumeric character.",
                  name));
}

Verdict check_app(const Json& properties, const AppSurroundings& around) {
  Verdict verdict;
  const Json& configuration = member(properties, "configuration");
  const Json& tmpl = member(properties, "template");
  std::set<std::string> secrets;
  const auto first_refusal = [&]() -> Refused {
    if (auto refusal = check_common(properties, around, secrets, verdict.notes)) return refusal;
    if (auto refusal = check_inactive_revisions(configuration)) return refusal;
    if (auto refusal = check_grace(tmpl)) return refusal;
    if (auto refusal = check_scale(tmpl)) return refusal;
    if (auto refusal = check_revision_suffix(tmpl, around)) return refusal;
    return check_ingress(configuration, around, verdict.notes);
  };
  verdict.refusal = first_refusal();
  return verdict;
}

Verdict check_job(const Json& properties, const AppSurroundings& around) {
  Verdict verdict;
  const Json& configuration = member(properties, "configuration");
  std::set<std::string> secrets;
  const auto first_refusal = [&]() -> Refused {
    const Json& timeout = member(configuration, "replicaTimeout");
    if (!timeout.is_number_integer() || timeout.get<long long>() < 1)  // CA-140
      return bad("JobInvalidReplicaTimeout", "ReplicaTimeout is required and must be at least 1.");
    if (auto refusal = check_trigger(configuration)) return refusal;
    for (const Json& rule : list(member(member(configuration, "eventTriggerConfig"), "scale"), "rules"))
      if (auto refusal = check_rule(rule, true)) return refusal;
    return check_common(properties, around, secrets, verdict.notes);
  };
  verdict.refusal = first_refusal();
  return verdict;
}

std::optional<std::uint64_t> memory_bytes(std::string_view text) {
  if (!text.ends_with("Gi")) return std::nullopt;
  text.remove_suffix(2);
  const std::size_t dot = text.find('.');
  const std::string_view decimals = dot == std::string_view::npos ? "" : text.substr(dot + 1);
  const auto whole = to_number(text.substr(0, dot));
  if (!whole || *whole > 1024 || decimals.size() > 2 || (dot != std::string_view::npos && decimals.empty()))
    return std::nullopt;
  std::uint64_t hundredths = *whole * 100;
  if (!decimals.empty()) {
    const auto part = to_number(decimals);
    if (!part) return std::nullopt;
    hundredths += *part * (decimals.size() == 1 ? 10 : 1);
  }
  return kGi * hundredths / 100;
}

std::string ephemeral_storage(double cpu) {
  if (cpu <= 0.25) return "1Gi";
  if (cpu <= 0.5) return "2Gi";
  return cpu <= 1.0 ? "4Gi" : "8Gi";
}

}  // namespace defang::emulator
