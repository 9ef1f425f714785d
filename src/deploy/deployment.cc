#include "deploy/deployment.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>

#include "azure/resource_types.h"
#include "deploy/actions.h"
#include "deploy/diagnostics.h"
#include "deploy/stack_lease.h"
#include "deploy/survey.h"
#include "deploy/teardown.h"
#include "plan/narrow.h"
#include "rest/blob_client.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

constexpr std::size_t kKeptBytes = 4u << 20;  // of events; a build's log may be long

/// The stack's own storage account: the only one of the graph (design.md section 4).
const graph::Resource* storage_of(const graph::ResourceGraph& graph) {
  for (const auto& [id, node] : graph.nodes())
    if (const auto* resource = std::get_if<graph::Resource>(&node);
        resource != nullptr && resource->retention == graph::Retention::shared &&
        equals_ignoring_case(resource->type, "Microsoft.Storage/storageAccounts"))
      return resource;
  return nullptr;
}

/// Several streams made one: numbered anew, and with one beginning and one end.
class OneStream {
 public:
  OneStream(const EventSink& sink, Clock& clock) : sink_(sink), clock_(clock) {}

  void tell(decltype(Event::what) what) { pass(Event{0, clock_.now(), std::move(what)}); }
  void pass(Event event) {
    const std::lock_guard lock(mutex_);
    event.seq = ++seq_;
    if (kept_.size() < kKeptBytes || std::holds_alternative<RunFinished>(event.what))
      kept_ += to_json_line(event) + "\n";
    sink_(event);
  }
  /// For a part of the run: its end is held back; its beginning, too, where it is not the first.
  EventSink part(bool is_first) {
    return [this, is_first](const Event& event) {
      if (std::holds_alternative<RunFinished>(event.what)) return;
      if (std::holds_alternative<RunStarted>(event.what) && !is_first) return;
      pass(event);
    };
  }
  std::string kept() const {
    const std::lock_guard lock(mutex_);
    return kept_;
  }

 private:
  const EventSink& sink_;
  Clock& clock_;
  mutable std::mutex mutex_;
  std::uint64_t seq_ = 0;
  std::string kept_;
};

/// What each service's own check forgives before Docker calls the container unhealthy (compose-spec, "healthcheck").
std::map<std::string, std::chrono::seconds> patience_of(const compose::Project& project) {
  constexpr std::chrono::nanoseconds kInterval = std::chrono::seconds(30);
  constexpr std::uint64_t kRetries = 3, kMostRetries = 100;
  std::map<std::string, std::chrono::seconds> patience;
  for (const auto& [name, service] : project.services) {
    const auto& check = service.healthcheck;
    if (!check || check->disabled || check->test.empty()) continue;
    const auto tries = static_cast<int>(std::min(check->retries.value_or(kRetries), kMostRetries));
    patience[name] = std::chrono::ceil<std::chrono::seconds>(check->start_period.value_or(std::chrono::nanoseconds(0)) +
                                                             check->interval.value_or(kInterval) * tries);
  }
  return patience;
}

/// Services whose managed store may be down while it is changed.
std::set<std::string> may_stop(const compose::Project& project) {
  std::set<std::string> names;
  for (const auto& [name, service] : project.services)
    for (const auto& [extension, options] : service.extensions) {
      const auto* allowed = options.find("allow-downtime");
      if (allowed != nullptr && allowed->kind == compose::Node::Kind::boolean && allowed->boolean) names.insert(name);
    }
  return names;
}

/// Whether earlier runs gave roles on registries that the project does not use any more.
bool has_roles_to_spare(const Prepared& prepared, const std::set<std::string>& servers) {
  return std::ranges::any_of(prepared.registries, [&](const auto& one) {
    return !servers.contains(one.first) && !grants_on({one}, prepared.scope).empty();
  });
}

class Deployment {
 public:
  Deployment(const Prepared& prepared, const AzureAccess& access, DeploymentOptions wishes, const EventSink& sink,
             std::stop_token stop, const PackedContexts* packed)
      : prepared_(prepared),
        graph_(prepared.graph),
        access_(access),
        scope_(prepared.scope),
        wishes_(wishes),
        packed_(packed),
        registries_(prepared.registries),
        stream_(sink, access.clock),
        stop_(stop) {
    constexpr auto kByUs = plan::SharedRegistry::Pull::can_be_granted;
    // A role that an earlier run gave is ours, though who deploys now could not give it.
    for (auto& [server, registry] : registries_) {
      const auto old = old_registries().find(server);
      if (registry && old != old_registries().end() && old->second && old->second->pull == kByUs)
        registry->pull = kByUs;
    }
  }

  RunFinished go() {
    const auto started = access_.clock.elapsed();
    if (prepared_.is_as_left) return tell_that_nothing_has_changed(started);
    const auto actions = make_actions(access_, packed_);
    auto result = run(graph_, access_.arm, *actions, access_.clock, stream_.part(true), options(), stop_);
    RunFinished finished = result.finished;
    if (finished.how == RunFinished::How::done && !wishes_.is_part) {
      remove_what_is_left_over(finished, result.new_services);
      take_back_grants();
    } else {
      registries_.insert(old_registries().begin(), old_registries().end());
    }
    for (const auto& node : result.still_going_on)
      stream_.tell(
          Notice{fmt::format("`{}` is still being worked on in Azure; run the same command again to go on", node)});
    finished.took = access_.clock.elapsed() - started;
    stream_.tell(finished);
    keep_record(result, finished);
    keep_events();
    access_.fence.ask({});
    lease_.reset();
    return finished;
  }

 private:
  EngineOptions options() {
    EngineOptions options;
    options.scope = scope_;
    options.force = wishes_.force;
    options.rebuild = wishes_.rebuild;
    options.patience = prepared_.patience;
    options.may_have_changed = [this](const std::string& id) { return may_have_changed(id); };
    options.may_stop = prepared_.may_stop;
    options.may_lose = wishes_.delete_data;
    options.gave_rights = wishes_.gave_rights;
    if (prepared_.before.record) options.scales = prepared_.before.record->scales;
    if (const auto* storage = storage_of(graph_)) {
      options.gate = storage->id;
      options.when_gate_is_done = [this, id = storage->id](NodeScope& scope, std::stop_token stop) {
        return take_lease(id, scope, stop);
      };
    }
    return options;
  }

  RunFinished tell_that_nothing_has_changed(Clock::Duration started) {
    const auto& nodes = graph_.nodes();
    stream_.tell(
        RunStarted{scope_.project, scope_.stack, scope_.group, scope_.subscription, scope_.location, nodes.size()});
    for (const auto& [id, node] : nodes)
      stream_.tell(NodeFinished{id, graph::service_of(node), NodeFinished::How::unchanged, {}, ""});
    const RunFinished finished{.took = access_.clock.elapsed() - started, .unchanged = nodes.size()};
    stream_.tell(finished);
    return finished;
  }

  /// Since the last run ended, as far as is known; without a record, everything may.
  bool may_have_changed(const std::string& id) const {
    const auto& [exists, marks, apps, secrets, roles, record] = prepared_.before;
    if (!exists) return false;
    const auto now = marks.find(id);
    if (!record || now == marks.end()) return true;
    const auto then = record->marks.find(id);
    return then == record->marks.end() || then->second != now->second;
  }

  Result<void> take_lease(const std::string& storage, NodeScope& scope, std::stop_token stop) {
    using Kind = graph::Reference::Kind;
    TRY_ASSIGN(const auto endpoint, scope.resolve({storage, Kind::property, "properties.primaryEndpoints.blob", ""}));
    TRY_ASSIGN(const auto key, scope.resolve({storage, Kind::list, "keys[0].value", "listKeys"}));
    blobs_.emplace(rest::StorageAccount{graph_.resource(storage)->name, endpoint.get<std::string>(),
                                        Secret(key.get<std::string>())},
                   access_.unsigned_pipeline, access_.clock);
    const auto tell = [this](const std::string& message) { stream_.tell(Notice{message}); };
    TRY_ASSIGN(lease_, StackLease::take(*blobs_, access_.clock, access_.random, tell, stop));
    access_.fence.ask([this] { return lease_->may_write(); });
    return {};
  }

  void remove_what_is_left_over(RunFinished& finished, const std::set<std::string>& new_services) {
    const auto removed = remove_left_over(access_.arm, access_.clock, stream_.part(false), graph_, scope_,
                                          {new_services, wishes_.delete_data}, stop_);
    finished.removed += removed.removed;
    finished.failed += removed.failed;
    if (removed.how != RunFinished::How::done) finished.how = removed.how;
  }

  const plan::SharedRegistries& old_registries() const {
    static const plan::SharedRegistries kNone;
    return prepared_.before.record ? prepared_.before.record->registries : kNone;
  }

  /// Of registries that the project does not use any more, or signs in to. What cannot be taken back is not forgotten.
  void take_back_grants() {
    for (const auto& old : old_registries()) {
      if (registries_.contains(old.first)) continue;
      for (const auto& grant : grants_on({old}, scope_)) {
        const auto version = std::string(azure::find_resource_type(grant.type())->api_version);
        const auto taken = access_.arm.remove(grant, version, {}, stop_);
        if (taken) continue;
        stream_.tell(Notice{role_stays(grant.text(), taken.error())});
        registries_.insert(old);
      }
    }
  }

  /// A secret that somebody has set anew while the run went on is news to the next one.
  bool has_used(const std::vector<VaultSecret>& secrets, const RunResult& result) const {
    for (const auto& [id, node] : graph_.nodes()) {
      const auto* action = std::get_if<graph::Action>(&node);
      const auto* write = action != nullptr ? std::get_if<graph::WriteSecret>(&action->what) : nullptr;
      if (write == nullptr) continue;
      const auto secret = std::ranges::find(secrets, write->name, &VaultSecret::name);
      const auto outputs = result.outputs.find(id);
      if (secret == secrets.end() || outputs == result.outputs.end()) return false;
      const auto version = outputs->second.texts.find("version");
      if (version == outputs->second.texts.end() || version->second != secret->version) return false;
    }
    return true;
  }

  /// The next run is not wrong for lacking it, only slower.
  void keep_record(const RunResult& result, const RunFinished& finished) {
    if (!lease_ || !blobs_) return;
    const auto after = look_again(access_, scope_, prepared_.names, registries_, stop_);
    if (!after) return;
    StackRecord record{.plan = "",
                       .can_assign_roles = prepared_.can_assign_roles,
                       .marks = marks_to_keep(prepared_.before, *after, result.written),
                       .scales = result.scales,
                       .secrets = digest_of(after->secrets),
                       .roles = after->roles,
                       .images = prepared_.images,
                       .registries = registries_};
    if (prepared_.before.record && wishes_.is_part)
      record.images.insert(prepared_.before.record->images.begin(), prepared_.before.record->images.end());
    if (prepared_.before.record)  // of apps that this run did not come to
      record.scales.insert(prepared_.before.record->scales.begin(), prepared_.before.record->scales.end());
    // A part of the project says nothing of the rest.
    if (finished.how == RunFinished::How::done && !wishes_.is_part && has_used(after->secrets, result))
      record.plan = prepared_.fingerprint;
    (void)deploy::keep_record(*blobs_, record, stop_);
  }

  /// History is a convenience: a run is not worse for lacking it.
  void keep_events() {
    if (!lease_ || !blobs_ || !wishes_.keeps_events) return;
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(access_.clock.now().time_since_epoch());
    const std::string name = fmt::format("runs/{}.jsonl", to_iso8601(since.count()));
    (void)blobs_->put("state", name, rest::text_source(stream_.kept()), {.content_type = "application/x-ndjson"},
                      stop_);
  }

  const Prepared& prepared_;
  const graph::ResourceGraph& graph_;
  const AzureAccess& access_;
  const StackScope& scope_;
  DeploymentOptions wishes_;
  const PackedContexts* packed_;
  plan::SharedRegistries registries_;  // with those whose grants stay
  OneStream stream_;
  std::stop_token stop_;
  std::optional<rest::BlobClient> blobs_;
  std::unique_ptr<StackLease> lease_;
};

}  // namespace

StackScope stack_scope(const std::string& project, const plan::Stack& stack) {
  return {.project = project,
          .stack = stack.name,
          .subscription = stack.subscription_id,
          .group = plan::resource_group_name(project, stack),
          .location = stack.location};
}

Result<std::optional<Prepared>> prepare(const compose::Project& project, const plan::Stack& stack,
                                        const Principal& principal, const AzureAccess& access,
                                        DeploymentOptions options, const Preparing& preparing, Diagnostics& diagnostics,
                                        std::stop_token stop) {
  Prepared prepared;
  prepared.scope = stack_scope(project.name, stack);
  prepared.patience = patience_of(project);
  prepared.may_stop = may_stop(project);
  prepared.names = {plan::vault_name(project.name, stack), plan::storage_name(project.name, stack)};
  const auto vault = vault_id(prepared.scope, prepared.names.vault);
  const auto images = images_to_pin(project, stack, preparing.services, options.pull);
  std::optional<Diagnostics> said_of_images;  // once asked, registries are not asked again
  const auto make_plan = [&](plan::Facts facts, Diagnostics& said) -> Result<bool> {
    facts.principal_type = principal.type;
    plan::look_at_disk(project, access.disk, facts);
    preparing.check(facts, said);
    if (!said_of_images) {
      TRY_ASSIGN(prepared.images, pin_images(images, prepared.images, facts.registry_users, vault, access,
                                             said_of_images.emplace(), stop));
    }
    for (const auto& one : said_of_images->all()) said.add(one);
    facts.image_digests = digests_of(prepared.images);
    prepared.graph = plan::build_graph(project, stack, facts, said);
    prepared.can_assign_roles = facts.can_assign_roles;
    prepared.registries = facts.registries;
    if (said.has_errors()) return false;
    if (const std::string fault = prepared.graph.fault(); !fault.empty())
      return fail(Error::Kind::invalid, "plan-fault", fmt::format("the plan is not sound: {}", fault));
    if (!preparing.services.empty()) prepared.graph = plan::narrowed(prepared.graph, project, preparing.services);
    // What cannot be read here is told by who needs it.
    prepared.fingerprint = fingerprint(prepared.graph, access.disk).value_or("");
    return true;
  };
  TRY_ASSIGN(prepared.before, look_at_stack(access, prepared.scope, prepared.names, stop));
  if (prepared.before.record) prepared.images = prepared.before.record->images;
  if (prepared.before.record && !options.force && !options.rebuild && !options.is_part && options.delete_data.empty()) {
    Diagnostics said;
    auto known = facts_of(prepared.before, principal.id);
    const auto servers = plan::own_servers(project, known, access.cloud.registry_suffix);
    TRY_ASSIGN(const bool sound, make_plan(std::move(known), said));
    if (sound && is_as_left(prepared.before, prepared.fingerprint) && !has_roles_to_spare(prepared, servers)) {
      for (const auto& one : said.all()) diagnostics.add(one);
      prepared.is_as_left = true;
      return std::optional(std::move(prepared));
    }
  }
  TRY_ASSIGN(auto facts, survey(access.arm, stack, prepared.scope.group, prepared.names.vault, principal.id, stop));
  if (plan::uses_models(project)) {
    TRY_ASSIGN(facts.models, survey_models(access.arm, stack, prepared.scope.group,
                                           plan::model_account_name(project.name, stack), stop));
  }
  TRY(survey_registries(access.arm, project.name, stack,
                        plan::own_servers(project, facts, access.cloud.registry_suffix), facts, stop));
  TRY_ASSIGN(const bool sound, make_plan(std::move(facts), diagnostics));
  if (!sound) return std::optional<Prepared>();
  TRY(register_providers(access.arm, access.clock, stack.subscription_id, namespaces_of(prepared.graph), preparing.tell,
                         stop));
  return std::optional(std::move(prepared));
}

RunFinished deploy(const Prepared& prepared, const AzureAccess& access, DeploymentOptions options,
                   const EventSink& sink, std::stop_token stop, const PackedContexts* packed) {
  return Deployment(prepared, access, options, sink, stop, packed).go();
}

}  // namespace defang::deploy
