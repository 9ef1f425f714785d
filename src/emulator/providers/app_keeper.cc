#include "emulator/providers/app_keeper.h"

#include <fmt/format.h>

#include <algorithm>
#include <expected>
#include <set>
#include <thread>

#include "emulator/engines/image_name.h"
#include "emulator/providers/all.h"
#include "emulator/providers/blob_store.h"
#include "emulator/providers/container_app_rules.h"
#include "emulator/providers/container_registry.h"
#include "emulator/providers/custom_domains.h"
#include "emulator/providers/identity_endpoint.h"
#include "emulator/transport.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

using Phase = ContainerState::Phase;

constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr std::string_view kRevisionType = "Microsoft.App/containerapps/revisions";
constexpr std::string_view kAppReplicaType = "Microsoft.App/containerapps/revisions/replicas";
constexpr std::string_view kExecutionType = "Microsoft.App/jobs/executions";
constexpr std::string_view kJobReplicaType = "Microsoft.App/jobs/executions/replicas";

// A PUT whose image cannot be pulled was recorded as InProgress for as long as this.
constexpr double kGiveUpSeconds = 1200;
constexpr long long kGraceSeconds = 30;         // CA-36
constexpr double kStabilisationSeconds = 300;   // Kubernetes, "Horizontal Pod Autoscaling"
constexpr double kLoadSeconds = 15;             // CA-42
constexpr std::int64_t kShortestLoadMs = 1000;  // a rate over less is a guess, however fast Azure's time runs
constexpr std::size_t kEventsKept = 300;
// Real time: containers do not run on the scaled clock.
constexpr std::int64_t kEagerProbeMs = 200;
constexpr std::int64_t kSettleMs = 1000;
constexpr std::int64_t kFreshMs = 100;
constexpr auto kTurn = std::chrono::milliseconds(200);

const Json& member(const Json& object, std::string_view name) {
  static const Json kNull;
  const Json* found = find_member(object, name);
  return found ? *found : kNull;
}

const Json& list(const Json& object, std::string_view name) {
  static const Json kEmpty = Json::array();
  const Json& value = member(object, name);
  return value.is_array() ? value : kEmpty;
}

long long whole(const Json& value, long long otherwise) {
  return value.is_number_integer() ? value.get<long long>() : otherwise;
}

std::string parent_of(std::string_view id) {
  const std::size_t name = id.rfind('/');
  const std::size_t type = id.rfind('/', name - 1);
  return std::string(id.substr(0, type));
}

std::vector<const Resource*> below(const Store& store, std::string_view id, std::string_view type) {
  std::vector<const Resource*> found = store.resources_below(id);
  std::erase_if(found, [&](const Resource* resource) { return !equals_ignoring_case(resource->type, type); });
  return found;
}

std::string environment_of(const Resource& owner) { return text_at(owner.body, "properties.environmentId"); }

// ---------------------------------------------------------------------------------------------------- probes

/// One probe of a container, as said in the template or by the platform's default (CA-101).
struct ProbePlan {
  Probe probe;
  std::string type;
  std::int64_t delay_ms = 0;
  std::int64_t period_ms = 10000;
  int failures = 3;
};

ProbePlan read_probe(const Json& said) {
  ProbePlan plan;
  plan.type = text_at(said, "type");
  const Json& http = member(said, "httpGet");
  const Json& target = http.is_object() ? http : member(said, "tcpSocket");
  plan.probe.port = static_cast<std::uint16_t>(whole(member(target, "port"), 0));
  if (http.is_object()) {
    plan.probe.kind = equals_ignoring_case(text_at(http, "scheme"), "https") ? Probe::Kind::https : Probe::Kind::http;
    if (const std::string path = text_at(http, "path"); !path.empty()) plan.probe.path = path;
    for (const Json& header : list(http, "httpHeaders"))
      plan.probe.headers.emplace_back(text_at(header, "name"), text_at(header, "value"));
  }
  plan.probe.limit = std::chrono::seconds(whole(member(said, "timeoutSeconds"), 1));
  plan.delay_ms = whole(member(said, "initialDelaySeconds"), 0) * 1000;
  plan.period_ms = whole(member(said, "periodSeconds"), 10) * 1000;
  plan.failures = static_cast<int>(whole(member(said, "failureThreshold"), 3));
  return plan;
}

struct PlatformProbe {
  std::string_view type;
  int timeout_seconds, period_seconds, delay_seconds, failures;
};
constexpr PlatformProbe kPlatformProbes[] = {{"Startup", 3, 1, 1, 240}, {"Readiness", 5, 5, 3, 48}};  // CA-101

std::optional<ProbePlan> find_probe(const Json& container, std::string_view type, std::optional<std::uint16_t> port) {
  for (const Json& said : list(container, "probes"))
    if (equals_ignoring_case(text_at(said, "type"), type)) return read_probe(said);
  if (!port || *port == 0) return std::nullopt;
  for (const PlatformProbe& row : kPlatformProbes) {
    if (row.type != type) continue;
    ProbePlan plan{.type = std::string(type)};
    plan.probe.port = *port;
    plan.probe.limit = std::chrono::seconds(row.timeout_seconds);
    plan.delay_ms = row.delay_seconds * 1000;
    plan.period_ms = row.period_seconds * 1000;
    plan.failures = row.failures;
    return plan;
  }
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- specs

std::map<std::string, Secret> environment_of_container(const Json& container,
                                                       const std::map<std::string, Secret>& secrets,
                                                       const std::map<std::string, Secret>& injected) {
  std::map<std::string, Secret> values = injected;
  for (const Json& variable : list(container, "env")) {
    const auto secret = secrets.find(text_at(variable, "secretRef"));
    values[text_at(variable, "name")] = secret != secrets.end() ? secret->second : Secret(text_at(variable, "value"));
  }
  return values;
}

std::vector<std::string> texts(const Json& values) {
  std::vector<std::string> found;
  for (const Json& value : values)
    if (value.is_string()) found.push_back(value.get<std::string>());
  return found;
}

Mount secret_mount(const Json& volume, const std::map<std::string, Secret>& secrets) {
  Mount mount{.kind = Mount::Kind::files, .read_only = true};
  const Json& items = list(volume, "secrets");
  if (items.empty()) mount.files = secrets;  // CA-97: all of them
  for (const Json& item : items) {
    const auto secret = secrets.find(text_at(item, "secretRef"));
    const std::string path = text_at(item, "path");
    if (secret != secrets.end()) mount.files[path.empty() ? secret->first : path] = secret->second;
  }
  return mount;
}

/// The object id of an identity: of the resource itself, or of a user-assigned one.
std::string principal_of(Core& core, const Resource& owner, std::string_view identity) {
  if (equals_ignoring_case(identity, "system")) return text_at(owner.body, "identity.principalId");
  const Resource* user = core.store().find(identity);
  return user == nullptr ? std::string() : text_at(user->body, "properties.principalId");
}

using Failed = std::string;

/// What a vault gives to an identity of the resource.
std::expected<Secret, Failed> read_vault(Core& core, const Resource& owner, std::string_view identity,
                                         const std::string& url) {
  rest::HttpRequest request{.method = "GET", .url = url + "?api-version=7.4"};
  request.headers.set("Authorization",
                      "Bearer " + core.issue_token(principal_of(core, owner, identity), "https://vault.azure.net"));
  EmulatorTransport transport(core);
  const auto answered = transport.send(request, {});
  if (!answered) return std::unexpected(answered.error().message);
  const auto body = answered->status == 200 ? parse_json(answered->body) : std::nullopt;
  if (!body) return std::unexpected(fmt::format("the vault answered {} for {}", answered->status, url));
  return Secret(text_at(*body, "value"));
}

/// A share with its account, as the environment's storage names them.
struct FoundShare {
  const Resource* account = nullptr;
  const Resource* share = nullptr;
};
FoundShare find_share(const Store& store, const std::string& account, const std::string& share) {
  for (const Resource* owner : store.resources_of_type("Microsoft.Storage/storageAccounts"))
    if (equals_ignoring_case(owner->name(), account))
      return {owner, store.find(fmt::format("{}/fileServices/default/shares/{}", owner->id, share))};
  return {};
}

/// SMB wants a key of the account (CA-111): one that was given, or that the environment's identity reads in a vault.
std::expected<void, Failed> check_account_key(Core& core, const std::string& environment_id, const Resource& storage,
                                              const Resource& account) {
  Secret key(text_at(storage.hidden, "account_key"));
  const Json* vault = find_path(storage.body, "properties.azureFile.accountKeyVaultProperties");
  const Resource* environment = core.store().find(environment_id);
  if (vault != nullptr && environment != nullptr) {
    auto read = read_vault(core, *environment, text_at(*vault, "identity"), text_at(*vault, "keyVaultUrl"));
    if (!read) return std::unexpected(fmt::format("the account key could not be read: {}", read.error()));
    key = std::move(*read);
  }
  const Json& keys = blobs::open_account(core, account.id, account.name());
  if (!true_at(keys, "sharedKey"))
    return std::unexpected("mount error(13): Permission denied: the account allows no shared key");
  if (key.reveal() == text_at(keys, "key1") || key.reveal() == text_at(keys, "key2")) return {};
  return std::unexpected("mount error(13): Permission denied: the key is none of the account's");
}

/// Where the files of an Azure Files volume are: the folder of the share that the environment's storage names.
std::expected<Mount, Failed> share_mount(Core& core, const std::string& environment, const Json& volume) {
  const Resource* storage =
      core.store().find(fmt::format("{}/storages/{}", environment, text_at(volume, "storageName")));
  if (storage == nullptr) return std::unexpected("the environment has no such storage");
  const bool nfs = find_path(storage->body, "properties.nfsAzureFile.shareName") != nullptr;
  const std::string kind = nfs ? "nfsAzureFile" : "azureFile";
  std::string account = text_at(storage->body, "properties.azureFile.accountName");
  std::string share = text_at(storage->body, "properties." + kind + ".shareName");
  if (const auto parts = split(share, '/'); nfs && parts.size() == 3) {  // "/account/share"
    account = parts[1];
    share = parts[2];
  }
  const auto found = find_share(core.store(), account, share);
  if (found.share == nullptr)
    return std::unexpected(fmt::format("mount error(2): No such file or directory: there is no share `{}`", share));
  if (!nfs)
    if (const auto allowed = check_account_key(core, environment, *storage, *found.account); !allowed)
      return std::unexpected(allowed.error());
  return Mount{.kind = Mount::Kind::share,
               .source = text_at(found.share->hidden, "folder"),
               .read_only = text_at(storage->body, "properties." + kind + ".accessMode") == "ReadOnly"};
}

std::expected<std::vector<Mount>, Failed> mounts_of(Core& core, const std::string& environment, const Json& container,
                                                    const Json& tmpl, const std::map<std::string, Secret>& secrets) {
  std::vector<Mount> mounts;
  for (const Json& said : list(container, "volumeMounts")) {
    for (const Json& volume : list(tmpl, "volumes")) {
      if (text_at(volume, "name") != text_at(said, "volumeName")) continue;
      Mount mount;
      if (equals_ignoring_case(text_at(volume, "storageType"), "Secret")) mount = secret_mount(volume, secrets);
      if (contains_ignoring_case(text_at(volume, "storageType"), "AzureFile")) {
        auto share = share_mount(core, environment, volume);
        if (!share)
          return std::unexpected(
              fmt::format("MountVolume.SetUp failed for volume \"{}\": {}", text_at(volume, "name"), share.error()));
        mount = std::move(*share);
      }
      mount.name = text_at(volume, "name");
      mount.path = text_at(said, "mountPath");
      mount.sub_path = text_at(said, "subPath");
      if (!mount.path.starts_with('/')) mount.path.insert(0, "/");
      mounts.push_back(std::move(mount));
    }
  }
  return mounts;
}

/// The template's containers without the suffix: what decides on a new revision (CA-37).
Json comparable(Json tmpl) {
  if (text_at(tmpl, "revisionSuffix").empty()) tmpl.erase("revisionSuffix");
  return tmpl;
}

}  // namespace

std::string random_name(Random& random, std::size_t length) {
  static constexpr std::string_view kLetters = "0123456789abcdefghijklmnopqrstuvwxyz";
  std::string name;
  while (name.size() < length) name += kLetters[random.below(kLetters.size())];
  return name;
}

std::optional<std::uint16_t> target_port_of(const Resource& app) {
  const Json* ingress = find_path(app.body, "properties.configuration.ingress");
  if (ingress == nullptr || !ingress->is_object()) return std::nullopt;
  return static_cast<std::uint16_t>(whole(member(*ingress, "targetPort"), 0));
}

std::vector<const Resource*> revisions_of(const Store& store, std::string_view app_id) {
  std::vector<const Resource*> revisions = below(store, app_id, kRevisionType);
  std::ranges::stable_sort(revisions, {}, [](const Resource* r) { return whole(member(r->hidden, "number"), 0); });
  return revisions;
}

AppKeeper::AppKeeper(Core& core, Runtime& runtime, Registries& registries)
    : core_(core), runtime_(runtime), registries_(registries) {}

// ---------------------------------------------------------------------------------------------------- events

void AppKeeper::note(const std::string& scope_id, SystemEvent event) {
  event.time = core_.now_text();
  auto& kept = events_[to_lower(scope_id)];
  kept.push_back(std::move(event));
  if (kept.size() > kEventsKept) kept.pop_front();
}

std::vector<SystemEvent> AppKeeper::events_of(const std::string& scope_id, std::size_t from) const {
  const auto found = events_.find(to_lower(scope_id));
  if (found == events_.end() || from >= found->second.size()) return {};
  return {found->second.begin() + static_cast<std::ptrdiff_t>(from), found->second.end()};
}

// ---------------------------------------------------------------------------------------------------- views

std::vector<const Resource*> AppKeeper::replicas_of(std::string_view owner_id) const {
  std::vector<const Resource*> replicas = core_.store().resources_below(owner_id);
  std::erase_if(replicas, [](const Resource* resource) {
    return !equals_ignoring_case(resource->type, kAppReplicaType) &&
           !equals_ignoring_case(resource->type, kJobReplicaType);
  });
  return replicas;
}

std::optional<ReplicaState> AppKeeper::state_of(const Resource& replica) {
  if (quick()) return runtime_.replica_state(replica.name());
  Seen& seen = seen_[replica.name()];
  if (const std::int64_t now = core_.now_ms(); now - seen.at_ms >= kFreshMs) {
    seen.state = runtime_.replica_state(replica.name());
    seen.at_ms = now;
  }
  return seen.state;
}

ReplicaView AppKeeper::view_of(const Resource& replica) {
  ReplicaView view;
  const auto state = state_of(replica);
  if (!state) return view;
  view.listening = state->listening;
  for (const ContainerState& container : state->init_containers)
    view.init_containers.push_back({.state = container, .is_init = true});
  const auto watch = watches_.find(to_lower(replica.id));
  for (const ContainerState& container : state->containers) {
    ContainerView seen{.state = container};
    if (watch != watches_.end())
      if (const auto known = watch->second.containers.find(container.name); known != watch->second.containers.end()) {
        seen.started = known->second.started;
        seen.ready = known->second.ready && container.phase == Phase::running;
        seen.startup_exhausted = known->second.startup_exhausted;
      }
    view.containers.push_back(std::move(seen));
  }
  return view;
}

namespace {

/// A new revision starts with one replica, also where it may go down to none later.
std::size_t first_replicas(const Resource& revision) {
  const Json* least = find_path(revision.hidden, "template.scale.minReplicas");
  return static_cast<std::size_t>(std::max<long long>(1, least ? whole(*least, 1) : 1));
}

bool is_active(const Resource& revision) { return true_at(revision.body, "properties.active"); }

bool is_ready(const RevisionStatus& status) { return status.health_state == "Healthy"; }

}  // namespace

std::size_t AppKeeper::wanted_replicas(const Resource& revision) const {
  const auto found = scales_.find(to_lower(revision.id));
  return found == scales_.end() ? first_replicas(revision) : found->second.count.count();
}

RevisionStatus AppKeeper::status_of(const Resource& revision) {
  if (!is_active(revision)) return inactive_revision();
  if (wanted_replicas(revision) == 0) return sleeping_revision();
  if (const auto blocked = blocked_.find(to_lower(revision.id)); blocked != blocked_.end())
    return {"Provisioning", "Unhealthy", "Activating",
            fmt::format("{}: {}", blocked->second.reason, blocked->second.message),
            fmt::format("0/{} replicas ready. {}: {}", wanted_replicas(revision), blocked->second.reason,
                        blocked->second.message)};
  std::vector<ReplicaView> views;
  for (const Resource* replica : replicas_of(revision.id)) views.push_back(view_of(*replica));
  const Resource* app = core_.store().find(parent_of(revision.id));
  return judge_revision(views, wanted_replicas(revision), app ? target_port_of(*app) : std::nullopt);
}

// ---------------------------------------------------------------------------------------------------- secrets, logins

namespace {

std::uint16_t local_port(std::string_view server) {
  if (!server.starts_with("localhost:")) return 0;
  return static_cast<std::uint16_t>(to_number(server.substr(10)).value_or(0));
}

}  // namespace

Result<std::map<std::string, Secret>> AppKeeper::secrets_of(const Resource& owner) {
  std::map<std::string, Secret> values;
  for (const Json& secret : list(owner.hidden, "secrets")) {
    const std::string name = text_at(secret, "name");
    const std::string url = text_at(secret, "keyVaultUrl");
    if (url.empty()) {
      values[name] = Secret(text_at(secret, "value"));
      continue;
    }
    const std::string identity = text_at(secret, "identity");
    auto read = read_vault(core_, owner, identity, url);
    if (!read)
      return fail(Error::Kind::refused, "ContainerAppSecretInvalid",
                  fmt::format("Invalid Request: Container app secret(s) with name(s) '{}' are invalid: Unable to get "
                              "value using Managed identity {} for secret {}. Error: {}",
                              name, identity, name, read.error()));
    values[name] = std::move(*read);
  }
  return values;
}

std::optional<AppKeeper::Blocked> AppKeeper::find_login(const Resource& owner, const std::string& image,
                                                        std::map<std::string, Secret>& secrets,
                                                        std::optional<RegistryLogin>& login) {
  const auto parsed = parse_image_name(image);
  if (!parsed) return Blocked{"InvalidImageName", fmt::format("could not parse reference: {}", image)};
  const ImageName& name = *parsed;
  const std::string server = name.server.empty() ? "docker.io" : name.server;
  const auto endpoint = core_.endpoint_of(local_port(server));
  const Json* registries = find_path(owner.body, "properties.configuration.registries");
  if (registries == nullptr || !registries->is_array()) return std::nullopt;
  for (const Json& registry : *registries) {
    if (!equals_ignoring_case(text_at(registry, "server"), server)) continue;
    if (const std::string identity = text_at(registry, "identity"); !identity.empty()) {
      const std::string principal = principal_of(core_, owner, identity);
      if (!endpoint) return Blocked{"ErrImagePull", fmt::format("{} is no registry of the emulator", server)};
      login = registries_.login_of(principal, to_lower(endpoint->second), server);
      const Resource* resource = find_registry(core_.store(), endpoint->second);
      if (resource != nullptr && !may_pull(core_, principal, *resource))
        return Blocked{
            "ErrImagePull",
            fmt::format("GET https://{}/oauth2/token: UNAUTHORIZED: authentication required for repository:{}:pull",
                        server, name.repository)};
      return std::nullopt;
    }
    login = RegistryLogin{server, text_at(registry, "username"), secrets[text_at(registry, "passwordSecretRef")]};
    return std::nullopt;
  }
  return std::nullopt;
}

std::optional<AppKeeper::Blocked> AppKeeper::fill_spec(const Resource& owner, const Json& tmpl,
                                                       std::map<std::string, Secret> injected, ReplicaSpec& spec) {
  auto secrets = secrets_of(owner);
  if (!secrets) return Blocked{secrets.error().code, secrets.error().message};
  spec.environment = to_lower(environment_of(owner));
  for (const Json& container : list(tmpl, "initContainers"))
    if (auto blocked = fill_container(owner, tmpl, container, *secrets, injected, spec.init_containers)) return blocked;
  for (const Json& container : list(tmpl, "containers"))
    if (auto blocked = fill_container(owner, tmpl, container, *secrets, injected, spec.containers)) return blocked;
  return std::nullopt;
}

std::optional<AppKeeper::Blocked> AppKeeper::fill_container(const Resource& owner, const Json& tmpl,
                                                            const Json& container,
                                                            std::map<std::string, Secret>& secrets,
                                                            const std::map<std::string, Secret>& injected,
                                                            std::vector<ContainerSpec>& made) {
  ContainerSpec spec{.name = text_at(container, "name"), .image = text_at(container, "image")};
  if (auto blocked = find_login(owner, spec.image, secrets, spec.login)) return blocked;
  spec.command = texts(list(container, "command"));
  spec.args = texts(list(container, "args"));
  spec.environment = environment_of_container(container, secrets, injected);
  const Json& resources = member(container, "resources");
  spec.cpu = member(resources, "cpu").is_number() ? member(resources, "cpu").get<double>() : 0.5;
  spec.memory_bytes = memory_bytes(text_at(resources, "memory")).value_or(1ull << 30);
  auto mounts = mounts_of(core_, environment_of(owner), container, tmpl, secrets);
  if (!mounts) return Blocked{"FailedMount", mounts.error()};
  spec.mounts = std::move(*mounts);
  made.push_back(std::move(spec));
  return std::nullopt;
}

// ---------------------------------------------------------------------------------------------------- replicas

namespace {

// CA-6 names them; the emulator injects what an app can find out about itself.
std::map<std::string, Secret> injected_into_app(const Resource& app, const Resource& revision,
                                                const std::string& replica, const std::string& default_domain) {
  std::map<std::string, Secret> values;
  values["CONTAINER_APP_NAME"] = Secret(app.name());
  values["CONTAINER_APP_REVISION"] = Secret(revision.name());
  values["CONTAINER_APP_REPLICA_NAME"] = Secret(replica);
  values["CONTAINER_APP_ENV_DNS_SUFFIX"] = Secret(default_domain);
  const std::string host = text_at(app.body, "properties.configuration.ingress.fqdn");
  if (!host.empty()) values["CONTAINER_APP_HOSTNAME"] = Secret(revision.name() + "." + default_domain);
  if (const auto port = target_port_of(app); port && *port != 0)
    values["CONTAINER_APP_PORT"] = Secret(fmt::format("{}", *port));
  return values;
}

std::map<std::string, Secret> injected_into_job(const Resource& job, const Resource& execution,
                                                const std::string& replica) {
  std::map<std::string, Secret> values;
  values["CONTAINER_APP_JOB_NAME"] = Secret(job.name());
  values["CONTAINER_APP_JOB_EXECUTION_NAME"] = Secret(execution.name());
  values["CONTAINER_APP_REPLICA_NAME"] = Secret(replica);
  return values;
}

/// Where an app is expected to listen: its ingress's ports and its probes'.
std::vector<std::uint16_t> expected_ports(const Resource& app, const Json& tmpl) {
  std::set<std::uint16_t> ports;
  const auto add = [&](const Json* value) {
    if (value != nullptr && value->is_number_integer() && *value > 0 && *value < 65536)
      ports.insert(value->get<std::uint16_t>());
  };
  add(find_path(app.body, "properties.configuration.ingress.targetPort"));
  const Json* mappings = find_path(app.body, "properties.configuration.ingress.additionalPortMappings");
  if (mappings != nullptr && mappings->is_array())
    for (const Json& mapping : *mappings) add(find_path(mapping, "targetPort"));
  for (const Json& container : list(tmpl, "containers"))
    for (const Json& probe : list(container, "probes"))
      for (const char* port : {"httpGet.port", "tcpSocket.port"}) add(find_path(probe, port));
  return {ports.begin(), ports.end()};
}

}  // namespace

bool AppKeeper::start_replica(const Resource& owner, const Resource& parent, const Json& tmpl,
                              const std::string& replica_type) {
  const std::string key = to_lower(parent.id);
  if (const auto wait = next_attempt_ms_.find(key); wait != next_attempt_ms_.end() && core_.now_ms() < wait->second)
    return false;
  const bool is_job = equals_ignoring_case(replica_type, kJobReplicaType);
  const std::string name =
      is_job ? fmt::format("{}-{}", parent.name(), random_name(core_.random(), 5))
             : fmt::format("{}-{}-{}", parent.name(), hex(core_.random().bytes(5)), random_name(core_.random(), 5));
  const Resource* environment = core_.store().find(environment_of(owner));
  const std::string domain = environment ? text_at(environment->body, "properties.defaultDomain") : "";
  ReplicaSpec spec{.id = name};
  if (!is_job) spec.ports = expected_ports(owner, tmpl);
  auto injected = is_job ? injected_into_job(owner, parent, name) : injected_into_app(owner, parent, name, domain);
  injected.merge(identity_variables(core_, owner));
  auto blocked = fill_spec(owner, tmpl, std::move(injected), spec);
  if (!blocked)
    if (const auto started = runtime_.start_replica(spec); !started)
      blocked = Blocked{"CreateContainerError", started.error().message};
  if (blocked) {
    // 10, 20, 40 ... seconds, as Kubernetes backs off.
    const std::int64_t wait =
        std::max(kEagerProbeMs, core_.scaled_ms(static_cast<double>(restart_delay_seconds(1 + attempts_[key]++))));
    next_attempt_ms_[key] = core_.now_ms() + wait;
    note(owner.id, {.type = "Warning",
                    .app = owner.name(),
                    .revision = parent.name(),
                    .message = blocked->message,
                    .reason = blocked->reason});
    blocked_[key] = std::move(*blocked);
    return false;
  }
  blocked_.erase(key);
  next_attempt_ms_.erase(key);
  attempts_.erase(key);
  const std::string type = replica_type;
  Resource replica{.id = fmt::format("{}/replicas/{}", parent.id, name), .type = type};
  replica.body = {
      {"id", replica.id}, {"name", name}, {"type", type}, {"properties", {{"createdTime", core_.now_text()}}}};
  core_.store().put(std::move(replica));
  if (environment) {
    Json containers = Json::array();
    for (const auto* made : {&spec.init_containers, &spec.containers})
      for (const ContainerSpec& container : *made) containers.push_back(container.name);
    core_.store().edit_document(kLoggedReplicas, name) = {
        {"replica", name},
        {"owner", owner.name()},
        {"job", is_job},
        {"revision", parent.name()},
        {"environment", environment->name()},
        {"workspace",
         text_at(environment->body, "properties.appLogsConfiguration.logAnalyticsConfiguration.customerId")},
        {"containers", std::move(containers)}};
  }
  note(owner.id, {.app = owner.name(),
                  .revision = parent.name(),
                  .replica = name,
                  .message = fmt::format("Replica '{}' has been scheduled to run on a node.", name),
                  .reason = "AssigningReplica"});
  return true;
}

void AppKeeper::forget_replica(const Resource& replica) {
  runtime_.stop_replica(replica.name(), grace_of(replica.id));
  watches_.erase(to_lower(replica.id));
  seen_.erase(replica.name());
}

void AppKeeper::forget_app(const std::string& app_id) {
  runtime_.remove_app(app_id);
  declared_.erase(to_lower(app_id));
  routed_.erase(to_lower(app_id));
  std::erase_if(scales_, [&](const auto& watch) { return watch.first.starts_with(to_lower(app_id) + "/"); });
}

void AppKeeper::step_replica(const Resource& replica, const Json& tmpl) {
  const auto state = state_of(replica);
  if (!state) return;
  ReplicaWatch& watch = watches_[to_lower(replica.id)];
  const auto step = [&](const std::vector<ContainerState>& states, std::string_view kind, Role role) {
    for (const ContainerState& container : states) {
      for (const Json& said : list(tmpl, kind))
        if (text_at(said, "name") == container.name)
          step_container(replica, said, container, watch.containers[container.name], role);
      if (role == Role::first) role = Role::further;
    }
  };
  step(state->init_containers, "initContainers", Role::init);
  step(state->containers, "containers", Role::first);
}

namespace {

/// The app or job of a replica.
std::string owner_of(const std::string& replica_id) { return parent_of(parent_of(replica_id)); }

}  // namespace

void AppKeeper::step_container(const Resource& replica, const Json& container, const ContainerState& state,
                               ContainerWatch& watch, Role role) {
  const std::int64_t now = core_.now_ms();
  const bool is_job = equals_ignoring_case(replica.type, kJobReplicaType);
  const bool is_init = role == Role::init;
  const std::string owner_id = owner_of(replica.id);
  const Resource* owner = core_.store().find(owner_id);
  const auto say = [&](std::string type, std::string reason, std::string message) {
    note(owner_id, {.type = std::move(type),
                    .app = owner ? owner->name() : "",
                    .revision = "",
                    .replica = replica.name(),
                    .message = std::move(message),
                    .reason = std::move(reason)});
  };
  const bool changed = state.phase != watch.phase_seen || state.restarts != watch.restarts_seen;
  if (changed) {
    watch.phase_seen = state.phase;
    watch.restarts_seen = state.restarts;
    watch.phase_since_ms = now;
    watch.started = watch.ready = false;
    watch.failures = 0;
    watch.last_probe_ms = 0;
    watch.restart_at_ms = 0;
    if (state.phase == Phase::running)
      say("Normal", "ContainerStarted", fmt::format("Started container '{}'", state.name));
    if (state.phase == Phase::exited)
      say(is_init && state.exit_code == 0 ? "Normal" : "Warning", "ContainerTerminated",
          fmt::format("Container '{}' was terminated with exit code '{}' and reason '{}'", state.name, state.exit_code,
                      state.reason));
    if (state.phase == Phase::waiting) say("Warning", state.reason, fmt::format("{}: {}", state.name, state.message));
    const bool is_done = state.phase == Phase::exited && is_init && state.exit_code == 0;
    const bool again = state.phase == Phase::waiting || (state.phase == Phase::exited && !is_job && !is_done);
    const std::int64_t delay = state.phase == Phase::waiting
                                   ? std::max<std::int64_t>(10, restart_delay_seconds(state.restarts))
                                   : restart_delay_seconds(state.restarts);
    if (again) watch.restart_at_ms = now + std::max(kEagerProbeMs, core_.scaled_ms(static_cast<double>(delay)));
  }
  if (watch.restart_at_ms != 0 && now >= watch.restart_at_ms) {
    watch.restart_at_ms = 0;
    runtime_.restart_container(replica.name(), state.name, std::chrono::milliseconds(0));
    return;
  }
  if (state.phase != Phase::running || is_job || is_init) return;
  // Without a probe, a container is ready once it has run for a while; longer where it ended before.
  const auto port = owner && role == Role::first ? target_port_of(*owner) : std::nullopt;
  const bool has_startup = find_probe(container, "Startup", port).has_value();
  const bool has_readiness = find_probe(container, "Readiness", port).has_value();
  const std::int64_t settle = quick() ? 0 : kSettleMs << std::min(state.restarts, 5);
  if (!has_startup) watch.started = true;
  if (watch.started && !has_readiness && now - watch.phase_since_ms >= settle) watch.ready = true;
}

// ---------------------------------------------------------------------------------------------------- probing

std::vector<AppKeeper::DueProbe> AppKeeper::due_probes() {
  std::vector<DueProbe> due;
  const std::int64_t now = core_.now_ms();
  for (const Resource* replica : core_.store().resources_of_type(kAppReplicaType)) {
    const Resource* revision = core_.store().find(parent_of(replica->id));
    const Resource* app = core_.store().find(owner_of(replica->id));
    const auto watch = watches_.find(to_lower(replica->id));
    if (revision == nullptr || app == nullptr || watch == watches_.end()) continue;
    bool first = true;
    for (const Json& container : list(member(revision->hidden, "template"), "containers")) {
      const auto port = first ? target_port_of(*app) : std::nullopt;
      first = false;
      const auto known = watch->second.containers.find(text_at(container, "name"));
      if (known == watch->second.containers.end() || known->second.phase_seen != Phase::running) continue;
      const ContainerWatch& seen = known->second;
      const auto startup = find_probe(container, "Startup", port);
      auto plan = !seen.started && startup ? startup : find_probe(container, "Readiness", port);
      if (const auto alive = find_probe(container, "Liveness", std::nullopt); alive && seen.ready)
        if (now - seen.last_live_ms >= std::max(alive->period_ms, kEagerProbeMs))
          due.push_back({.replica_id = replica->id,
                         .replica = replica->name(),
                         .container = known->first,
                         .probe = alive->probe,
                         .type = alive->type,
                         .failures_allowed = alive->failures});
      if (!plan) continue;
      const std::int64_t interval = seen.ready ? std::max(plan->period_ms, kEagerProbeMs) : kEagerProbeMs;
      if (!quick() && now - seen.last_probe_ms < interval) continue;
      due.push_back({.replica_id = replica->id,
                     .replica = replica->name(),
                     .container = known->first,
                     .probe = plan->probe,
                     .type = plan->type,
                     .failures_allowed = plan->failures,
                     .give_up_ms = plan->delay_ms + plan->period_ms * plan->failures});
    }
  }
  return due;
}

void AppKeeper::take(const DueProbe& asked) {
  const auto watch = watches_.find(to_lower(asked.replica_id));
  if (watch == watches_.end()) return;
  ContainerWatch& seen = watch->second.containers[asked.container];
  if (asked.type == "Liveness") return take_liveness(asked, seen);
  seen.last_probe_ms = core_.now_ms();
  if (asked.result.success) {
    seen.failures = 0;
    seen.startup_exhausted = false;
    if (asked.type == "Startup")
      seen.started = true;
    else
      seen.started = seen.ready = true;
    return;
  }
  ++seen.failures;
  if (!seen.ready) {
    // Asked more often than it says, so that success is seen at once; failing takes as long as it says.
    if (core_.now_ms() - seen.phase_since_ms >= asked.give_up_ms) seen.startup_exhausted = true;
  } else if (seen.failures >= asked.failures_allowed) {
    seen.ready = false;
  }
  if (seen.failures == asked.failures_allowed || seen.failures == 1) {
    const std::string owner = owner_of(asked.replica_id);
    note(owner, {.type = "Warning",
                 .replica = asked.replica,
                 .message = fmt::format("Probe of {} failed for container '{}': {}", asked.type, asked.container,
                                        asked.result.detail),
                 .reason = "ProbeFailed"});
  }
}

void AppKeeper::take_liveness(const DueProbe& asked, ContainerWatch& seen) {
  seen.last_live_ms = core_.now_ms();
  seen.live_failures = asked.result.success ? 0 : seen.live_failures + 1;
  if (seen.live_failures < asked.failures_allowed) return;
  seen.live_failures = 0;
  note(owner_of(asked.replica_id),
       {.type = "Warning",
        .replica = asked.replica,
        .message = fmt::format("Container '{}' failed liveness probe, will be restarted: {}", asked.container,
                               asked.result.detail),
        .reason = "ContainerTerminated"});
  runtime_.restart_container(asked.replica, asked.container, grace_of(asked.replica_id));
}

std::chrono::milliseconds AppKeeper::grace_of(std::string_view replica_id) const {
  const Resource* revision = core_.store().find(parent_of(replica_id));
  const Json* seconds = revision ? find_path(revision->hidden, "template.terminationGracePeriodSeconds") : nullptr;
  return std::chrono::seconds(seconds ? whole(*seconds, kGraceSeconds) : kGraceSeconds);
}

void AppKeeper::turn(std::stop_token stop) {
  std::vector<DueProbe> due;
  {
    const auto lock = core_.lock();
    due = due_probes();
  }
  {
    std::vector<std::jthread> asking;
    for (DueProbe& asked : due)
      asking.emplace_back([this, &asked, stop] { asked.result = runtime_.probe(asked.replica, asked.probe, stop); });
  }
  const auto lock = core_.lock();
  for (const DueProbe& asked : due) take(asked);
  std::vector<std::string> apps, executions;
  for (const Resource* app : core_.store().resources_of_type(kAppType)) apps.push_back(app->id);
  for (const Resource* execution : core_.store().resources_of_type(kExecutionType))
    if (text_at(execution->body, "properties.status") == "Running") executions.push_back(execution->id);
  for (const std::string& id : apps) step_app(id);
  for (const std::string& id : executions) step_execution(id);
}

void AppKeeper::watch(std::stop_token stop) {
  const Worker worker(core_.clock());
  while (!stop.stop_requested()) {
    turn(stop);
    if (!core_.clock().sleep_for(kTurn, stop)) return;
  }
}

void AppKeeper::resume() {
  const auto lock = core_.lock();
  for (const Resource* environment : core_.store().resources_of_type("Microsoft.App/managedEnvironments"))
    (void)runtime_.start_environment(to_lower(environment->id), text_at(environment->body, "properties.defaultDomain"));
  std::vector<std::string> stale, apps;
  for (std::string_view type : {kAppReplicaType, kJobReplicaType})
    for (const Resource* replica : core_.store().resources_of_type(type)) stale.push_back(replica->id);
  for (const std::string& id : stale) core_.store().erase(id);
  for (const Resource* app : core_.store().resources_of_type(kAppType)) apps.push_back(app->id);
  for (const std::string& id : apps) step_app(id);
}

// ---------------------------------------------------------------------------------------------------- revisions

void AppKeeper::ensure_revision(const std::string& app_id) {
  const Resource* app = core_.store().find(app_id);
  if (app == nullptr) return;
  const Json tmpl = *find_path(app->body, "properties.template");
  const auto revisions = revisions_of(core_.store(), app_id);
  const std::string latest = text_at(app->hidden, "latest_revision");
  for (const Resource* revision : revisions)
    if (revision->name() == latest &&
        same_template(comparable(member(revision->hidden, "template")), comparable(tmpl))) {
      if (!is_active(*revision)) set_active(revision->id, true);
      return;
    }
  const std::string suffix = text_at(tmpl, "revisionSuffix");
  const std::string name = fmt::format("{}--{}", app->name(), suffix.empty() ? random_name(core_.random(), 7) : suffix);
  const long long number = whole(member(app->hidden, "revisions"), 0) + 1;
  Resource revision;
  // Revisions show "containerApps" where their app shows "containerapps" (wire facts 1.9).
  revision.id = fmt::format("{}/revisions/{}", replace_all(app->id, "/containerapps/", "/containerApps/"), name);
  revision.type = std::string(kRevisionType);
  revision.body = {{"id", revision.id},
                   {"name", name},
                   {"type", kRevisionType},
                   {"properties", {{"createdTime", core_.now_text()}, {"active", true}}}};
  revision.hidden = {{"template", tmpl}, {"number", number}, {"started", core_.now_ms()}};
  const std::string revision_name = name;
  core_.store().put(std::move(revision));
  Resource& changed = core_.store().edit(app_id);
  changed.hidden["latest_revision"] = revision_name;
  changed.hidden["revisions"] = number;
  if (!suffix.empty()) changed.hidden["suffixes"][suffix] = true;
  note(app_id, {.app = changed.name(),
                .revision = revision_name,
                .message = fmt::format("Creating a new revision: {}", revision_name),
                .reason = "RevisionCreation"});
}

void AppKeeper::set_active(const std::string& revision_id, bool active) {
  const Resource* revision = core_.store().find(revision_id);
  if (revision == nullptr || is_active(*revision) == active) return;
  core_.store().edit(revision_id).properties()["active"] = active;
  blocked_.erase(to_lower(revision_id));
  scales_.erase(to_lower(revision_id));
  if (active) return;
  note(parent_of(revision_id), {.revision = revision->name(),
                                .message = fmt::format("Deactivating old revision '{}'", revision->name()),
                                .reason = "RevisionDeactivating"});
  std::vector<std::string> ids;
  for (const Resource* replica : replicas_of(revision_id)) ids.push_back(replica->id);
  for (const std::string& id : ids) core_.remove_resource(id);
}

void AppKeeper::restart_revision(const std::string& revision_id) {
  std::vector<std::string> ids;
  for (const Resource* replica : replicas_of(revision_id)) ids.push_back(replica->id);
  for (const std::string& id : ids) core_.remove_resource(id);
  blocked_.erase(to_lower(revision_id));
  next_attempt_ms_.erase(to_lower(revision_id));
  scales_.erase(to_lower(revision_id));
}

/// Where nothing really runs, probes answer at once: startup, then readiness.
void AppKeeper::probe_at_once(const std::string& app_id) {
  for (int probes = 0; probes < 2; ++probes) {
    for (DueProbe& asked : due_probes()) {
      if (!equals_ignoring_case(owner_of(asked.replica_id), app_id)) continue;
      asked.result = runtime_.probe(asked.replica, asked.probe, {});
      take(asked);
    }
  }
  for (const Resource* replica : replicas_of(app_id))
    if (const Resource* revision = core_.store().find(parent_of(replica->id)))
      step_replica(*replica, member(revision->hidden, "template"));
}

void AppKeeper::step_app(const std::string& app_id) {
  const Resource* app = core_.store().find(app_id);
  if (app == nullptr) return;
  declare(*app);
  const bool stopped = text_at(app->body, "properties.runningStatus") == "Stopped";
  for (const Resource* revision : revisions_of(core_.store(), app_id)) {
    if (!is_active(*revision) || stopped) continue;
    const Json& tmpl = member(revision->hidden, "template");
    scale(*app, *revision);
    const std::size_t wanted = wanted_replicas(*revision);
    std::vector<std::string> there;
    for (const Resource* replica : replicas_of(revision->id)) there.push_back(replica->id);
    for (; there.size() > wanted; there.pop_back()) core_.remove_resource(there.back());
    std::size_t count = there.size();
    while (count < wanted && start_replica(*app, *revision, tmpl, std::string(kAppReplicaType))) ++count;
    for (const Resource* replica : replicas_of(revision->id)) step_replica(*replica, tmpl);
  }
  if (quick()) probe_at_once(app_id);
  const auto revisions = revisions_of(core_.store(), app_id);
  retire_older(*app, revisions);
  route(*app, revisions);
  refresh_shown(app_id, revisions);
  const Resource* latest = nullptr;
  for (const Resource* revision : revisions)
    if (revision->name() == text_at(app->hidden, "latest_revision")) latest = revision;
  conclude(*app, latest);
}

Observed AppKeeper::observe(const Resource& app, const Resource& revision, const ScaleWatch& watch,
                            std::int64_t since_ms) {
  const double seconds = std::max(1e-3, static_cast<double>(core_.now_ms() - since_ms) / 1000);
  const IngressLoad load = runtime_.load(app.id);
  Observed seen{.arrivals_per_second = static_cast<double>(load.arrived - watch.arrived) / seconds,
                .is_busy = load.open > 0,
                .time = core_.now_ms() / 1000};
  double cpu = 0, memory = 0;  // given
  for (const Json& container : list(member(revision.hidden, "template"), "containers")) {
    const Json& resources = member(container, "resources");
    cpu += member(resources, "cpu").is_number() ? member(resources, "cpu").get<double>() : 0.5;
    memory += static_cast<double>(memory_bytes(text_at(resources, "memory")).value_or(1ull << 30));
  }
  double used_cpu = 0, used_memory = 0, count = 0;
  for (const Resource* replica : replicas_of(revision.id)) {
    const auto usage = runtime_.usage(replica->name());
    if (!usage) continue;
    double& before = watches_[to_lower(replica->id)].cpu_seconds;
    used_cpu += std::max(0.0, usage->cpu_seconds - before) / seconds;
    before = usage->cpu_seconds;
    used_memory += static_cast<double>(usage->memory_bytes);
    ++count;
  }
  if (count == 0) return seen;
  seen.cpu_percent = 100 * used_cpu / (cpu * count);
  seen.memory_percent = 100 * used_memory / (memory * count);
  return seen;
}

/// Asks the scale rules of a revision that is ready, as often as they say, and at once when someone knocks at one
/// without replicas.
void AppKeeper::scale(const Resource& app, const Resource& revision) {
  const Json& tmpl = member(revision.hidden, "template");
  const auto settings = read_scale(member(tmpl, "scale"), target_port_of(app).has_value());
  if (quick() || settings.least == settings.most) return;
  const auto now = core_.now_ms();
  const std::string key = to_lower(revision.id);
  auto found = scales_.find(key);
  if (found == scales_.end()) {
    if (!is_ready(status_of(revision))) return;
    const ReplicaCount count(first_replicas(revision), now);
    found = scales_.emplace(key, ScaleWatch{count, now, runtime_.load(app.id).arrived}).first;
    (void)observe(app, revision, found->second, now);  // what was used until now is no sign
  }
  ScaleWatch& watch = found->second;
  if (watch.is_waking &&
      std::ranges::any_of(replicas_of(revision.id), [&](const Resource* replica) { return view_of(*replica).ready(); }))
    watch.is_waking = false;
  const bool knocks = watch.count.count() == 0 && runtime_.load(app.id).open > 0;
  const auto pause =
      std::max({core_.scaled_ms(settings.polling_seconds), core_.scaled_ms(kLoadSeconds), kShortestLoadMs});
  if (!knocks && now - watch.asked_ms < pause) return;
  const std::size_t before = watch.count.count();
  const Observed seen = observe(app, revision, watch, watch.asked_ms);
  watch.asked_ms = now;
  watch.arrived = runtime_.load(app.id).arrived;
  watch.count.ask(settings, replicas_asked_for(settings, seen, before), now,
                  {.stabilisation_ms = core_.scaled_ms(kStabilisationSeconds),
                   .cooldown_ms = core_.scaled_ms(settings.cooldown_seconds)});
  const std::size_t after = watch.count.count();
  if (after == 0) watch.is_waking = true;
  if (after != before)
    note(app.id, {.app = app.name(),
                  .revision = revision.name(),
                  .message = fmt::format("Scaled apps/v1.Deployment {} from {} to {}", revision.name(), before, after),
                  .reason = "KEDAScaleTargetActivated"});
}

void AppKeeper::retire_older(const Resource& app, const std::vector<const Resource*>& revisions) {
  if (!equals_ignoring_case(text_at(app.body, "properties.configuration.activeRevisionsMode"), "Single")) return;
  const std::string latest = text_at(app.hidden, "latest_revision");
  const auto found = std::ranges::find(revisions, latest, [](const Resource* r) { return r->name(); });
  if (found == revisions.end() || !is_ready(status_of(**found))) return;
  std::vector<std::string> old;
  for (const Resource* revision : revisions)
    if (revision->name() != latest && is_active(*revision)) old.push_back(revision->id);
  for (const std::string& id : old) set_active(id, false);
}

void AppKeeper::refresh_shown(const std::string& app_id, const std::vector<const Resource*>& revisions) {
  const Resource* app = core_.store().find(app_id);
  const std::string latest = text_at(app->hidden, "latest_revision");
  if (latest.empty()) return;
  std::string ready = text_at(app->body, "properties.latestReadyRevisionName");
  for (const Resource* revision : revisions)
    if (is_active(*revision) && is_ready(status_of(*revision))) ready = revision->name();
  const Resource* environment = core_.store().find(environment_of(*app));
  const std::string domain = environment ? text_at(environment->body, "properties.defaultDomain") : "";
  const bool has_ingress = target_port_of(*app).has_value();
  const bool external = true_at(app->body, "properties.configuration.ingress.external");
  const std::string fqdn = has_ingress ? fmt::format("{}.{}{}", latest, external ? "" : "internal.", domain) : "";
  const auto differs = [&](std::string_view name, const std::string& value) {
    const Json* present = find_path(app->body, fmt::format("properties.{}", name));
    return present == nullptr ? !value.empty() : *present != value;
  };
  if (!differs("latestRevisionName", latest) && !differs("latestReadyRevisionName", ready) &&
      !differs("latestRevisionFqdn", fqdn))
    return;
  Json& shown = core_.store().edit(app_id).properties();
  if (!shown.contains("runningStatus")) shown["runningStatus"] = "Running";
  shown["latestRevisionName"] = latest;
  if (!ready.empty()) shown["latestReadyRevisionName"] = ready;
  shown["latestRevisionFqdn"] = fqdn;
}

void AppKeeper::conclude(const Resource& app, const Resource* latest) {
  const std::string operation = text_at(app.hidden, "operation");
  const Json& written = member(app.hidden, "write");
  if (latest == nullptr || !written.is_object() || operation.empty() || !core_.operation_running(operation)) return;
  const Json* under_way = core_.store().find_document("operations", operation);
  if (under_way != nullptr && text_at(*under_way, "method") == "DELETE") return;  // which needs nothing of its revision
  const std::int64_t elapsed = core_.now_ms() - whole(member(written, "at"), 0);
  if (elapsed < core_.scaled_ms(static_cast<double>(whole(member(written, "least"), 12)))) return;
  bool accepted = !blocked_.contains(to_lower(latest->id));
  for (const Resource* replica : replicas_of(latest->id))
    for (const ContainerView& container : view_of(*replica).containers)
      accepted = accepted && container.state.phase != Phase::pulling && container.state.phase != Phase::waiting;
  if (replicas_of(latest->id).empty() && is_active(*latest) && wanted_replicas(*latest) > 0) accepted = false;
  if (accepted) {
    core_.finish_operation(operation, std::nullopt);
    return;
  }
  if (elapsed < core_.scaled_ms(kGiveUpSeconds)) return;
  const RevisionStatus status = status_of(*latest);
  core_.finish_operation(operation, Core::Failure{"ContainerAppOperationError",
                                                  fmt::format("Failed to provision revision for container app '{}'. "
                                                              "Error details: {}",
                                                              app.name(), status.provisioning_error)});
}

// ---------------------------------------------------------------------------------------------------- names, traffic

void AppKeeper::declare(const Resource& app) {
  const Json* ingress = find_path(app.body, "properties.configuration.ingress");
  const std::string key = to_lower(app.id);
  const bool running = text_at(app.body, "properties.runningStatus") != "Stopped";
  if (ingress == nullptr || !ingress->is_object() || !running) {
    if (declared_.erase(key) != 0) runtime_.remove_app(app.id);
    return;
  }
  std::string what = dump(*ingress);
  std::uint16_t target = *target_port_of(app);
  if (target == 0)  // to be found out: the first port that a replica listens on
    for (const Resource* replica : replicas_of(app.id))
      if (const auto ports = view_of(*replica).listening; !ports.empty()) target = ports.front();
  what += fmt::format(" {}", target);
  std::vector<CustomDomain> domains;
  for (const Json& domain : list(*ingress, "customDomains")) {
    domains.push_back({to_lower(text_at(domain, "name")), served_certificate(core_, app, domain)});
    if (domains.back().certificate) what += " " + domains.back().certificate->chain;
  }
  if (const auto known = declared_.find(key); known != declared_.end() && known->second == what) return;
  AppAddress address{.id = app.id, .environment = to_lower(environment_of(app)), .name = app.name()};
  address.external = true_at(*ingress, "external");
  address.allow_insecure = true_at(*ingress, "allowInsecure");
  address.custom_domains = std::move(domains);
  const auto port = [](const Json& value) { return static_cast<std::uint16_t>(whole(value, 0)); };
  if (equals_ignoring_case(text_at(*ingress, "transport"), "tcp")) {
    const std::uint16_t exposed = port(member(*ingress, "exposedPort"));
    address.tcp.push_back({exposed ? exposed : target, target, address.external});
  } else {
    address.http_target = target;
  }
  for (const Json& mapping : list(*ingress, "additionalPortMappings")) {
    const std::uint16_t inner = port(member(mapping, "targetPort"));
    const std::uint16_t exposed = port(member(mapping, "exposedPort"));
    address.tcp.push_back({exposed ? exposed : inner, inner, true_at(mapping, "external")});
  }
  if (runtime_.declare_app(address)) {
    declared_[key] = what;
    routed_.erase(key);
  }
}

namespace {

/// The share of each revision, by name (CA-39).
std::map<std::string, unsigned> shares(const Resource& app, const std::string& latest,
                                       const std::string& latest_ready) {
  std::map<std::string, unsigned> weights;
  const Json* traffic = find_path(app.body, "properties.configuration.ingress.traffic");
  if (traffic == nullptr || !traffic->is_array()) return weights;
  for (const Json& share : *traffic) {
    const auto weight = static_cast<unsigned>(std::max<long long>(0, whole(member(share, "weight"), 0)));
    const std::string name = text_at(share, "revisionName");
    weights[!name.empty() ? name : latest_ready.empty() ? latest : latest_ready] += weight;
  }
  return weights;
}

}  // namespace

void AppKeeper::route(const Resource& app, const std::vector<const Resource*>& revisions) {
  const std::string key = to_lower(app.id);
  if (!declared_.contains(key)) return;
  std::string ready;
  for (const Resource* revision : revisions)
    if (is_active(*revision) && is_ready(status_of(*revision))) ready = revision->name();
  const auto weights = shares(app, text_at(app.hidden, "latest_revision"), ready);
  std::vector<Backend> backends;
  std::string what;
  Meanwhile meanwhile = Meanwhile::refuse;
  for (const Resource* revision : revisions) {
    const auto asleep = scales_.find(to_lower(revision->id));
    if (asleep != scales_.end() && asleep->second.is_waking) meanwhile = Meanwhile::wait;
    const auto weight = weights.find(revision->name());
    if (weight == weights.end() || weight->second == 0 || !is_active(*revision)) continue;
    std::vector<const Resource*> able;
    for (const Resource* replica : replicas_of(revision->id))
      if (view_of(*replica).ready()) able.push_back(replica);
    for (const Resource* replica : able) {
      backends.push_back({replica->name(), std::max(1u, weight->second * 100 / static_cast<unsigned>(able.size()))});
      what += fmt::format("{}={} ", backends.back().replica, backends.back().weight);
    }
  }
  if (meanwhile == Meanwhile::wait) what += "wait";
  if (const auto known = routed_.find(key); known != routed_.end() && known->second == what) return;
  runtime_.route(app.id, backends, meanwhile);
  routed_[key] = what;
}

// ---------------------------------------------------------------------------------------------------- executions

namespace {

struct Completion {
  std::size_t running = 0, succeeded = 0, failed = 0;
};

Completion completion_of(const std::vector<ReplicaView>& replicas) {
  Completion found;
  for (const ReplicaView& replica : replicas) {
    const bool never = std::ranges::any_of(replica.init_containers, [](const ContainerView& c) {
      return c.state.phase == Phase::exited && c.state.exit_code != 0;
    });
    const bool ended =
        never || (!replica.containers.empty() && std::ranges::all_of(replica.containers, [](const ContainerView& c) {
          return c.state.phase == Phase::exited;
        }));
    const bool well = !never && std::ranges::all_of(replica.containers,
                                                    [](const ContainerView& c) { return c.state.exit_code == 0; });
    ++(!ended ? found.running : well ? found.succeeded : found.failed);
  }
  return found;
}

}  // namespace

void AppKeeper::step_execution(const std::string& execution_id) {
  const Resource* execution = core_.store().find(execution_id);
  if (execution == nullptr || text_at(execution->body, "properties.status") != "Running") return;
  const Resource* job = core_.store().find(parent_of(execution_id));
  if (job == nullptr) return;
  const Json& configuration = *find_path(job->body, "properties.configuration");
  const Json& tmpl = member(execution->hidden, "template");
  const auto parallelism = static_cast<std::size_t>(whole(member(execution->hidden, "parallelism"), 1));
  const auto completions = static_cast<std::size_t>(whole(member(execution->hidden, "completions"), 1));
  const auto retries = static_cast<std::size_t>(whole(member(configuration, "replicaRetryLimit"), 0));

  for (const Resource* replica : replicas_of(execution_id)) step_replica(*replica, tmpl);
  std::vector<ReplicaView> views;
  for (const Resource* replica : replicas_of(execution_id)) views.push_back(view_of(*replica));
  const Completion seen = completion_of(views);
  const auto end = [&](std::string_view status) {
    Json& shown = core_.store().edit(execution_id).properties();
    shown["status"] = status;
    shown["endTime"] = core_.now_text();
    for (const Resource* replica : replicas_of(execution_id))
      if (!std::ranges::all_of(view_of(*replica).containers,
                               [](const auto& c) { return c.state.phase == Phase::exited; }))
        runtime_.stop_replica(replica->name(), std::chrono::seconds(0));
  };
  if (seen.succeeded >= completions) return end("Succeeded");
  if (seen.failed > retries) return end("Failed");  // CA-149
  const std::int64_t limit = whole(member(configuration, "replicaTimeout"), 1800) * 1000;
  if (core_.now_ms() - whole(member(execution->hidden, "at"), 0) > limit) return end("Failed");
  std::size_t going = seen.running;
  const std::size_t wanted = std::min(parallelism, completions - seen.succeeded);
  while (going < wanted && start_replica(*job, *execution, tmpl, std::string(kJobReplicaType))) ++going;
}

}  // namespace defang::emulator
