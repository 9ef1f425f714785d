#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "emulator/providers/container_app_bodies.h"
#include "emulator/providers/container_apps.h"
#include "emulator/providers/custom_domains.h"
#include "emulator/providers/resource_identity.h"
#include "emulator/regions.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kEnvironmentType = "Microsoft.App/managedEnvironments";
constexpr std::string_view kAppType = "Microsoft.App/containerApps";

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  const Json* found = find_member(object, name);
  return found ? *found : kNull;
}

// ---------------------------------------------------------------------------------------------------- what Azure
// chooses

constexpr auto kFirstWords =
    std::to_array<std::string_view>({"amber", "brisk", "calm", "dusty", "early", "gentle", "humble", "ivory", "jolly",
                                     "lucky", "mild", "noble", "plain", "quiet", "rapid", "silent"});
constexpr auto kSecondWords =
    std::to_array<std::string_view>({"bay", "brook", "cliff", "dune", "fern", "grove", "harbor", "island", "lake",
                                     "meadow", "orchard", "pond", "reef", "stone", "valley", "willow"});

std::string choose_domain(Core& core, const std::string& region) {
  Random& random = core.random();
  return fmt::format("{}{}-{}.{}.azurecontainerapps.io", kFirstWords[random.below(kFirstWords.size())],
                     kSecondWords[random.below(kSecondWords.size())], hex(random.bytes(4)), region);
}

/// Of the documentation ranges (RFC 5737): nobody is reached there by mistake. Internal ones are of the subnet.
std::string choose_address(Core& core, const Json& network) {
  if (true_at(network, "internal")) {
    const Resource* subnet = core.store().find(text_at(network, "infrastructureSubnetId"));
    const std::string prefix = subnet ? text_at(subnet->body, "properties.addressPrefix") : "";
    const std::vector<std::string> bytes = split(prefix.substr(0, prefix.find('/')), '.');
    if (bytes.size() == 4)
      return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], 11 + core.random().below(200));
  }
  return fmt::format("203.0.113.{}", 1 + core.random().below(254));
}

// ---------------------------------------------------------------------------------------------------- checks

/// CA-2: the subnet of a workload-profiles environment is delegated and at least a /27; that of a legacy one is
/// neither.
std::optional<Answer> check_subnet(Core& core, const Json& properties) {
  const Json& network = member(properties, "vnetConfiguration");
  const std::string id = text_at(network, "infrastructureSubnetId");
  if (id.empty()) {
    if (true_at(network, "internal"))  // CA-5
      return arm_error(400, "ManagedEnvironmentInfrastructureSubnetRequired",
                       "An internal managed environment needs vnetConfiguration.infrastructureSubnetId.");
    return std::nullopt;
  }
  const Resource* subnet = core.store().find(id);
  if (subnet == nullptr)
    return arm_error(400, "InvalidInfrastructureSubnetId",
                     fmt::format("The subnet '{}' of the managed environment was not found.", id));
  bool delegated = false;
  for (const Json& delegation : member(member(subnet->body, "properties"), "delegations"))
    delegated =
        delegated || equals_ignoring_case(text_at(delegation, "properties.serviceName"), "Microsoft.App/environments");
  const Json& profiles = member(properties, "workloadProfiles");
  const bool with_profiles = profiles.is_array() && !profiles.empty();
  if (with_profiles && !delegated)
    return arm_error(400, "ManagedEnvironmentSubnetDelegationError",
                     fmt::format("The subnet of the environment must be delegated to the service "
                                 "'Microsoft.App/environments'. Subnet: {}",
                                 id));
  if (!with_profiles && delegated)
    return arm_error(
        400, "ManagedEnvironmentV1SubnetDelegationNotAllowed",
        fmt::format("The subnet of an environment without workload profiles cannot be delegated. Subnet: {}", id));
  const std::string prefix = text_at(subnet->body, "properties.addressPrefix");
  const std::size_t slash = prefix.find('/');
  const auto length = slash == std::string::npos ? std::nullopt : to_number(prefix.substr(slash + 1));
  const std::uint64_t longest = with_profiles ? 27 : 23;
  if (length && *length > longest)
    return arm_error(
        400, "ManagedEnvironmentInvalidNetworkConfiguration",
        fmt::format("The subnet '{}' with prefix {} is too small: at least /{} is needed.", id, prefix, longest));
  return std::nullopt;
}

std::optional<Answer> check_immutable(const Resource& existing, const Json& properties) {
  const Json& before = member(existing.properties(), "vnetConfiguration");
  const Json& now = member(properties, "vnetConfiguration");
  if (!now.is_object()) return std::nullopt;
  const bool same =
      equals_ignoring_case(text_at(before, "infrastructureSubnetId"), text_at(now, "infrastructureSubnetId")) &&
      true_at(before, "internal") == true_at(now, "internal");
  if (same) return std::nullopt;
  return arm_error(400, "ManagedEnvironmentCannotUpdateVnetConfiguration",
                   "The vnetConfiguration of a managed environment cannot be changed after it is created.");  // CA-4
}

std::optional<Answer> check_profiles(const Json& properties) {
  int consumption = 0;
  for (const Json& profile : member(properties, "workloadProfiles")) {
    const bool is_consumption = equals_ignoring_case(text_at(profile, "workloadProfileType"), "Consumption");
    consumption += is_consumption ? 1 : 0;
    if (is_consumption && !equals_ignoring_case(text_at(profile, "name"), "Consumption"))
      return arm_error(400, "WorkloadProfileInvalidName",
                       "The Consumption workload profile must be named 'Consumption'.");
  }
  if (consumption > 1)
    return arm_error(400, "WorkloadProfileDuplicate", "There can be only one Consumption workload profile.");  // CA-1
  return std::nullopt;
}

std::optional<Answer> check_logs(const Json& sent) {
  const Json* logs = find_path(sent, "properties.appLogsConfiguration");
  if (logs == nullptr || !equals_ignoring_case(text_at(*logs, "destination"), "log-analytics")) return std::nullopt;
  const Json& analytics = member(*logs, "logAnalyticsConfiguration");
  if (!text_at(analytics, "customerId").empty() && !text_at(analytics, "sharedKey").empty()) return std::nullopt;
  return arm_error(400, "LogAnalyticsConfigurationInvalid",
                   "Log Analytics Configuration is invalid: both customerId and sharedKey are required.");  // CA-12
}

// ---------------------------------------------------------------------------------------------------- writes

EnvironmentFacts facts_of(Write& write) {
  Json& hidden = write.next.hidden;
  const std::string region = region_name(text_at(write.next.body, "location"));
  const Json& network = member(write.next.properties(), "vnetConfiguration");
  if (!hidden.contains("domain")) {
    hidden["domain"] = choose_domain(write.core, region);
    hidden["address"] = choose_address(write.core, network);
  }
  EnvironmentFacts facts{.default_domain = text_at(hidden, "domain"),
                         .static_ip = text_at(hidden, "address"),
                         .verification_id = verification_id(write.core),
                         .event_stream = event_stream(write.core, write.path, "managedEnvironments"),
                         .infrastructure_group = text_at(write.next.properties(), "infrastructureResourceGroup")};
  // CA-7: Azure makes a group of its own for an environment in a VNet of the user's.
  if (facts.infrastructure_group.empty() && network.is_object())
    facts.infrastructure_group = fmt::format("ME_{}_{}_{}", write.path.name(), write.path.group, region);
  return facts;
}

std::optional<Answer> write_environment(Write& write) {
  const Resource* existing = write.existing;
  if (existing != nullptr && write.core.operation_running(text_at(existing->hidden, "operation")))
    return arm_error(409, "ManagedEnvironmentOperationInProgress",
                     fmt::format("The managed environment '{}' has another operation in progress.", existing->name()));
  const auto properties = [&write]() -> Json& { return write.next.properties(); };
  if (properties().is_null()) properties() = Json::object();
  if (auto refusal = check_profiles(properties())) return refusal;
  if (auto refusal = check_logs(write.sent)) return refusal;
  if (auto refusal = check_subnet(write.core, properties())) return refusal;
  if (existing != nullptr)
    if (auto refusal = check_immutable(*existing, properties())) return refusal;
  if (auto refusal = complete_identity(write, IdentitySpelling::upper_camel)) return refusal;
  Json next = environment_properties(properties(), facts_of(write));
  next["provisioningState"] = existing ? "Updating" : "Waiting";
  properties() = std::move(next);
  write.next.body["location"] = display_name(region_name(text_at(write.next.body, "location")));
  if (!write.patch || existing == nullptr) return std::nullopt;
  // A PATCH that changes nothing is answered at once (recorded).
  Json before = existing->body, after = write.next.body;
  for (Json* body : {&before, &after}) {
    body->erase("systemData");
    (*body)["properties"].erase("provisioningState");
  }
  if (before == after) return json_answer(200, existing->body);
  return std::nullopt;
}

void environment_finished(Core&, Resource& environment, AppKeeper& keeper) {
  (void)keeper.runtime().start_environment(to_lower(environment.id),
                                           text_at(environment.body, "properties.defaultDomain"));
}

std::optional<Answer> remove_environment(const Context& context) {
  for (std::string_view type : {"Microsoft.App/containerApps", "Microsoft.App/jobs"})
    for (const Resource* app : context.core.store().resources_of_type(type))
      if (equals_ignoring_case(text_at(app->body, "properties.environmentId"), context.existing->id) &&
          app->state() != "Deleting")
        return arm_error(
            409, "ManagedEnvironmentHasContainerApps",
            fmt::format("The managed environment '{}' cannot be deleted while it has container apps or jobs, "
                        "such as '{}'.",
                        context.existing->name(), app->name()));
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- actions

Answer check_name_availability(const Context& context) {
  const auto body = context.request.json();
  const std::string name = body ? text_at(*body, "name") : "";
  const std::string type = body ? text_at(*body, "type") : "";
  for (const Resource* resource : context.core.store().resources_below(context.existing->id))
    if (equals_ignoring_case(resource->type, type) && equals_ignoring_case(resource->name(), name))
      return json_answer(200, {{"nameAvailable", false},
                               {"reason", "AlreadyExists"},
                               {"message", fmt::format("The name '{}' is already in use.", name)}});
  return json_answer(200, {{"nameAvailable", true}});
}

Answer usages(const Context& context) {
  double cores = 0;
  for (const Resource* app : context.core.store().resources_of_type(kAppType))
    if (equals_ignoring_case(text_at(app->body, "properties.environmentId"), context.existing->id))
      for (const Json& container : member(member(app->properties(), "template"), "containers"))
        if (const Json* cpu = find_path(container, "resources.cpu"); cpu && cpu->is_number())
          cores += cpu->get<double>();
  return json_answer(200,
                     {{"value", Json::array({{{"unit", "Count"},
                                              {"currentValue", cores},
                                              {"limit", 100},
                                              {"name",
                                               {{"value", "ManagedEnvironmentConsumptionCores"},
                                                {"localizedValue", "Managed Environment Consumption Cores"}}}}})}});
}

// ---------------------------------------------------------------------------------------------------- certificates

/// The emulator's TLS is its own, so uploaded certificates are kept, not opened.
std::optional<Answer> write_certificate(Write& write) {
  Json& properties = write.next.properties();
  const std::string value =
      text_at(properties, "value") + text_at(properties, "certificateKeyVaultProperties.keyVaultUrl");
  if (value.empty() && write.existing == nullptr)
    return arm_error(400, "CertificateValueRequired", "The certificate needs a value.");
  if (write.existing != nullptr && value.empty()) {
    properties = write.existing->properties();
    return std::nullopt;
  }
  std::string print = to_upper(sha256_hex(value).substr(0, 40));
  const Json vault = member(properties, "certificateKeyVaultProperties");
  properties = {{"subjectName", fmt::format("CN={}", write.path.name())},
                {"subjectAlternativeNames", Json::array()},
                {"issuer", "CN=unknown"},
                {"issueDate", to_iso8601(write.core.now_ms())},
                {"expirationDate", to_iso8601(write.core.now_ms() + 365ll * 86400 * 1000)},
                {"thumbprint", print},
                {"valid", true},
                {"publicKeyHash", base64(sha256_hex(print).substr(0, 32))}};
  if (vault.is_object()) properties["certificateKeyVaultProperties"] = vault;
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- storages

std::optional<Answer> check_storage_name(const Context& context) {
  const std::string name = context.path.name();
  const bool fits =
      !name.empty() && name.size() <= 32 && name.front() >= 'a' && name.front() <= 'z' && name.back() != '-' &&
      name.find("--") == std::string::npos &&
      std::ranges::all_of(name, [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; });
  if (fits) return std::nullopt;  // ARM-66
  return arm_error(400, "ManagedEnvironmentStorageInvalidName", fmt::format("The storage name '{}' is invalid.", name));
}

std::optional<Answer> write_storage(Write& write) {
  Json& properties = write.next.properties();
  const Json& file = member(properties, "azureFile");
  const Json& nfs = member(properties, "nfsAzureFile");
  if (file.is_object() == nfs.is_object())
    return arm_error(400, "ManagedEnvironmentStorageInvalid",
                     "A storage has exactly one of azureFile and nfsAzureFile.");
  if (!file.is_object()) return std::nullopt;
  if (text_at(file, "accountKey").empty() && !member(file, "accountKeyVaultProperties").is_object())  // CA-111
    return arm_error(400, "ManagedEnvironmentStorageInvalid", "azureFile needs an accountKey.");
  write.next.hidden["account_key"] = text_at(file, "accountKey");
  properties["azureFile"].erase("accountKey");
  return std::nullopt;
}

TypeBehaviour environment_type(AppKeeper& keeper) {
  TypeBehaviour type;
  type.type = std::string(kEnvironmentType);
  type.system_data = true;
  type.checks = {
      {.path = "properties.zoneRedundant", .kind = BodyCheck::Kind::boolean},
      {.path = "properties.vnetConfiguration", .kind = BodyCheck::Kind::object},
      {.path = "properties.vnetConfiguration.internal", .kind = BodyCheck::Kind::boolean},
      {.path = "properties.vnetConfiguration.infrastructureSubnetId", .kind = BodyCheck::Kind::text},
      {.path = "properties.workloadProfiles", .kind = BodyCheck::Kind::list},
      {.path = "properties.workloadProfiles[].name", .kind = BodyCheck::Kind::text, .required = true},
      {.path = "properties.workloadProfiles[].workloadProfileType", .kind = BodyCheck::Kind::text, .required = true},
      {.path = "properties.appLogsConfiguration.destination",
       .kind = BodyCheck::Kind::text,
       .values = "log-analytics|azure-monitor|none"},
      {.path = "properties.publicNetworkAccess", .kind = BodyCheck::Kind::text, .values = "Enabled|Disabled"},
  };
  type.check_name = [](const Context& context) { return refuse(check_environment_name(context.path.name())); };
  type.write = write_environment;
  type.finished = [&keeper](Core& core, Resource& environment) { environment_finished(core, environment, keeper); };
  type.remove = remove_environment;
  type.removed = [&keeper](Core&, const Resource& environment) {
    keeper.runtime().stop_environment(to_lower(environment.id));
  };
  type.actions["POST getAuthToken"] = [](const Context& context) {
    return auth_token(context, "Microsoft.App/environments/accesstoken");
  };
  type.actions["POST checkNameAvailability"] = check_name_availability;
  type.actions["GET usages"] = usages;
  return type;
}

}  // namespace

std::string verification_id(Core& core) { return to_upper(sha256_hex("custom domains of " + core.subscription())); }

void add_managed_environments(Core& core, AppKeeper& keeper) {
  core.add_type(environment_type(keeper));

  TypeBehaviour certificates;
  certificates.type = "Microsoft.App/managedEnvironments/certificates";
  certificates.system_data = true;
  certificates.write = write_certificate;
  certificates.remove = keep_bound_certificate;
  core.add_type(std::move(certificates));

  add_managed_certificates(core);

  TypeBehaviour storages;
  storages.type = "Microsoft.App/managedEnvironments/storages";
  storages.location = TypeBehaviour::Location::none;
  storages.no_state = true;
  storages.check_name = check_storage_name;
  storages.write = write_storage;
  core.add_type(std::move(storages));
}

}  // namespace defang::emulator
