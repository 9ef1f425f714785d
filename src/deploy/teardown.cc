#include "deploy/teardown.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "azure/resource_types.h"
#include "deploy/decide.h"
#include "deploy/diagnostics.h"
#include "deploy/json_path.h"
#include "deploy/known_errors.h"
#include "rest/azure_error.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using namespace std::chrono_literals;

constexpr std::string_view kResourcesVersion = "2024-03-01";
constexpr std::string_view kIdentityType = "Microsoft.ManagedIdentity/userAssignedIdentities";
constexpr std::string_view kJobType = "Microsoft.App/jobs";
constexpr std::string_view kRoleType = "Microsoft.Authorization/roleAssignments";
constexpr std::string_view kVaultType = "Microsoft.KeyVault/vaults";
constexpr std::string_view kZoneType = "Microsoft.Network/privateDnsZones";

/// What uses something goes before it: apps, their environment, then the network that the environment is in; what is
/// not listed needs nothing and is needed by apps only. The vault is last: it holds what a new `up` needs.
struct Phase {
  std::string_view type;
  std::size_t phase;
};
constexpr std::size_t kOtherPhase = 2;
constexpr std::size_t kPhases = 4;
constexpr auto kPhaseOf = std::to_array<Phase>({
    {"Microsoft.App/containerApps", 0},
    {"Microsoft.App/jobs", 0},
    {"Microsoft.App/managedEnvironments", 1},
    {kZoneType, 3},  // NET-8: their links go first
    {"Microsoft.Network/virtualNetworks", 3},
    {"Microsoft.KeyVault/vaults", 3},
});

std::size_t phase_of(const std::string& type) {
  const auto row = std::ranges::find_if(kPhaseOf, [&](const Phase& p) { return equals_ignoring_case(p.type, type); });
  return row == kPhaseOf.end() ? kOtherPhase : row->phase;
}

bool is_ours(const Json& resource, const StackScope& scope) {
  const Found found = look_at(resource, Json::object());
  const auto tag = [&](std::string_view name) {
    const auto at = found.tags.find(std::string(name));
    return at == found.tags.end() ? std::string() : at->second;
  };
  return tag(kProjectTag) == scope.project && tag(kStackTag) == scope.stack;
}

/// The plan marks what holds the user's data: nothing else tells an account of volumes from the stack's own.
bool holds_data(const Json& resource) {
  const Json* tag = at_path(resource, "tags.defang-retention");
  return tag != nullptr && tag->is_string() && tag->get<std::string>() == "data";
}

/// PG-7: a server stays in its subnet and zone for ever, so these stay with it.
bool holds_databases(std::string_view type) {
  return equals_ignoring_case(type, "Microsoft.Network/virtualNetworks") || equals_ignoring_case(type, kZoneType) ||
         equals_ignoring_case(type, "Microsoft.Network/privateDnsZones/virtualNetworkLinks");
}

/// Ids, in lower case, of what stays when data stays.
std::set<std::string> kept_data(const std::vector<Json>& resources, const StackScope& scope) {
  std::set<std::string> keep;
  bool databases = false;
  for (const auto& resource : resources) {
    if (!is_ours(resource, scope) || !holds_data(resource)) continue;
    keep.insert(to_lower(text_at(resource, "id")));
    const auto type = text_at(resource, "type");
    databases = databases || equals_ignoring_case(type, "Microsoft.DBforPostgreSQL/flexibleServers") ||
                equals_ignoring_case(type, "Microsoft.DBforMySQL/flexibleServers");
  }
  if (databases)
    for (const auto& resource : resources)
      if (is_ours(resource, scope) && holds_databases(text_at(resource, "type")))
        keep.insert(to_lower(text_at(resource, "id")));
  return keep;
}

Result<std::vector<Json>> resources_of(rest::ArmClient& arm, const StackScope& scope, std::stop_token stop) {
  const auto group = azure::ResourceId::group(scope.subscription, scope.group);
  auto list = arm.list(group.text() + "/resources", std::string(kResourcesVersion), stop);
  if (!list && list.error().http_status == 404) return std::vector<Json>();
  return list;
}

class Teardown {
 public:
  Teardown(rest::ArmClient& arm, Clock& clock, const EventSink& sink, std::stop_token stop)
      : arm_(arm), clock_(clock), sink_(sink), stop_(stop), started_(clock.elapsed()) {}

  void begin(const StackScope& scope, std::size_t nodes) {
    emit(RunStarted{scope.project, scope.stack, scope.group, scope.subscription, scope.location, nodes});
  }

  void remove_phases(const std::vector<std::vector<Removal>>& phases) {
    for (const auto& phase : phases) {
      if (stop_.stop_requested()) break;
      {
        std::vector<std::jthread> threads;
        for (const auto& removal : phase) {
          clock_.add_worker();
          threads.emplace_back([this, &removal] {
            remove(removal);
            clock_.remove_worker();
          });
        }
      }
      if (finished_.failed > 0) break;  // what comes next is needed by what could not be removed
    }
  }

  void remove(const Removal& removal) {
    const auto begun = clock_.elapsed();
    emit(NodeStarted{removal.id, "", NodeStarted::Doing::remove, removal.type, removal.name, {}});
    rest::ArmClient::WaitOptions wait;
    wait.on_progress = [&](const std::string& state) { emit(NodeWaiting{removal.id, state}); };
    const auto* row = azure::find_resource_type(removal.type);
    const auto id = azure::ResourceId::parse(removal.id);
    auto removed = id && row != nullptr ? remove_with_links(*id, std::string(row->api_version), wait)
                                        : fail(Error::Kind::refused, "unknown-type",
                                               fmt::format("`{}` is of a type that is not known here", removal.id));
    const auto took = clock_.elapsed() - begun;
    if (removed) {
      emit(NodeFinished{removal.id, "", NodeFinished::How::removed, took, ""});
      const std::lock_guard lock(mutex_);
      ++finished_.removed;
      removed_.insert(to_lower(removal.id));
    } else if (removed.error().kind != Error::Kind::stopped) {
      emit(NodeFailed{removal.id, "", explained(std::move(removed.error())), took});
      const std::lock_guard lock(mutex_);
      ++finished_.failed;
    }
  }

  /// What a stack can go without: a refusal is told, and the rest goes all the same.
  void take_back(const Removal& role) {
    const auto* row = azure::find_resource_type(role.type);
    const auto begun = clock_.elapsed();
    const auto removed = arm_.remove(*azure::ResourceId::parse(role.id), std::string(row->api_version), {}, stop_);
    if (!removed) return tell(role_stays(role.id, removed.error()));
    emit(NodeStarted{role.id, "", NodeStarted::Doing::remove, role.type, role.name, {}});
    emit(NodeFinished{role.id, "", NodeFinished::How::removed, clock_.elapsed() - begun, ""});
    ++finished_.removed;
  }

  /// The request only; Azure goes on by itself.
  void order_removal(const Removal& removal) {
    emit(NodeStarted{removal.id, "", NodeStarted::Doing::remove, removal.type, removal.name, {}});
    const auto* row = azure::find_resource_type(removal.type);
    const auto answer = arm_.raw("DELETE", fmt::format("{}?api-version={}", removal.id, row->api_version), "", stop_);
    if (answer && (answer->status < 300 || answer->status == 404)) {
      tell(fmt::format("Azure deletes `{}` by itself from here; that takes some minutes", removal.name));
      removed_.insert(to_lower(removal.id));
      return;
    }
    emit(NodeFailed{removal.id, "", explained(answer ? rest::error_of(*answer) : answer.error()), {}});
    ++finished_.failed;
  }
  const std::set<std::string>& removed() const { return removed_; }

  RunFinished finish() {
    finished_.took = clock_.elapsed() - started_;
    if (finished_.failed > 0) finished_.how = RunFinished::How::failed;
    if (stop_.stop_requested()) finished_.how = RunFinished::How::stopped;
    emit(finished_);
    return finished_;
  }
  RunFinished fail_with(Error error) {
    finished_.failed = 1;
    if (error.kind != Error::Kind::stopped) emit(NodeFailed{"group", "", explained(std::move(error)), {}});
    return finish();
  }
  void tell(std::string message) { emit(Notice{std::move(message)}); }

 private:
  /// A private zone with links is not deleted (NET-8), and the list of a group need not hold them.
  Result<void> remove_with_links(const azure::ResourceId& id, const std::string& version,
                                 const rest::ArmClient::WaitOptions& wait) {
    if (equals_ignoring_case(id.type(), kZoneType)) {
      const auto links = arm_.list(id.text() + "/virtualNetworkLinks", version, stop_);
      if (!links && links.error().http_status != 404) return fail(links.error());
      for (const auto& link : links.value_or(std::vector<Json>()))
        if (const auto link_id = azure::ResourceId::parse(text_at(link, "id")))
          TRY(remove_repeatedly(*link_id, version, wait));
    }
    return remove_repeatedly(id, version, wait);
  }

  Result<void> remove_repeatedly(const azure::ResourceId& id, const std::string& version,
                                 const rest::ArmClient::WaitOptions& wait) {
    const auto begun = clock_.elapsed();
    for (Clock::Duration pause = 1s;; pause = std::min<Clock::Duration>(pause * 2, 15s)) {
      auto removed = arm_.remove(id, version, wait, stop_);
      if (removed || clock_.elapsed() - begun + pause > worth_repeating(removed.error(), false)) return removed;
      if (!clock_.sleep_for(pause, stop_)) return stopped();
    }
  }

  void emit(decltype(Event::what) what) {
    const std::lock_guard lock(event_mutex_);
    sink_(Event{++seq_, clock_.now(), std::move(what)});
  }

  rest::ArmClient& arm_;
  Clock& clock_;
  const EventSink& sink_;
  std::stop_token stop_;
  Clock::Duration started_;
  std::mutex mutex_, event_mutex_;
  std::uint64_t seq_ = 0;
  RunFinished finished_;
  std::set<std::string> removed_;  // ids in lower case
};

bool is_vault(const Json& resource) { return equals_ignoring_case(text_at(resource, "type"), kVaultType); }

/// `removed`: ids in lower case; the group's own stands for all in it.
std::vector<Remaining> remaining_of(const std::vector<Json>& resources, const StackScope& scope,
                                    const std::set<std::string>& keep, const std::set<std::string>& data,
                                    const std::set<std::string>& removed) {
  const bool group_is_gone =
      removed.contains(to_lower(azure::ResourceId::group(scope.subscription, scope.group).text()));
  std::vector<Remaining> remaining;
  for (const auto& resource : resources) {
    const std::string id = to_lower(text_at(resource, "id"));
    Remaining one{text_at(resource, "type"), text_at(resource, "name"), Remaining::Why::not_removed};
    if (group_is_gone || removed.contains(id)) {
      if (!is_vault(resource)) continue;
      one.why = Remaining::Why::soft_deleted;
    } else if (data.contains(id)) {
      one.why = Remaining::Why::data;
    } else if (keep.contains(id)) {
      one.why = Remaining::Why::config;
    } else if (!is_ours(resource, scope)) {
      one.why = Remaining::Why::foreign;
    }
    remaining.push_back(std::move(one));
  }
  std::ranges::sort(remaining, {}, [](const Remaining& one) { return std::pair(one.type, one.name); });
  return remaining;
}

std::string service_of(const Json& resource) {
  const Json* tag = at_path(resource, "tags.defang-service");
  return tag != nullptr && tag->is_string() ? tag->get<std::string>() : "";
}

/// A store that nobody asks for any more is not deleted, and costs what it did.
std::string kept_note(const Json& resource) {
  const auto service = service_of(resource);
  const auto of = service.empty() ? "" : fmt::format(" of service `{}`", service);
  const auto how = service.empty()
                       ? "`defang compose down --delete-data` deletes the stack with all its data"
                       : fmt::format("`defang compose up --delete-data {}` deletes it with all its data", service);
  return fmt::format(
      "`{}` ({}) holds data{} that the project does not use any more: it stays, and costs what it did, until it is "
      "used again; {}",
      text_at(resource, "name"), text_at(resource, "type"), of, how);
}

std::set<std::string> ids_in(const graph::ResourceGraph& graph, const StackScope& scope) {
  std::set<std::string> ids;
  for (const auto& [id, node] : graph.nodes())
    if (const auto* resource = std::get_if<graph::Resource>(&node))
      ids.insert(to_lower(resource_id(graph, *resource, scope).text()));
  return ids;
}

std::size_t count(const std::vector<std::vector<Removal>>& phases) {
  std::size_t sum = 0;
  for (const auto& phase : phases) sum += phase.size();
  return sum;
}

azure::ResourceId group_of(const StackScope& scope) {
  return azure::ResourceId::group(scope.subscription, scope.group);
}

/// What is there of a stack, and what of it stays. Ids are in lower case.
struct Stock {
  std::vector<Json> resources;
  bool is_gone = false;      // the group
  bool whole_group = false;  // goes at once
  std::set<std::string> data, config;
  std::set<std::string> run;  // what the job that takes the rest away runs in

  std::set<std::string> all_that_stays() const {
    auto all = data;
    all.insert(config.begin(), config.end());
    all.insert(run.begin(), run.end());
    return all;
  }
};

/// The job and its identity, the environment with its network and logs, and the storage that keeps what the run tells.
bool is_needed_by_run(const Json& resource, const RunJobNames& names) {
  constexpr std::string_view kTypes[] = {"Microsoft.App/managedEnvironments", "Microsoft.Network/virtualNetworks",
                                         "Microsoft.OperationalInsights/workspaces",
                                         "Microsoft.Storage/storageAccounts"};
  const auto type = text_at(resource, "type"), name = text_at(resource, "name");
  if (equals_ignoring_case(type, kJobType)) return name == names.job;
  if (equals_ignoring_case(type, kIdentityType)) return name == names.identity;
  return !holds_data(resource) &&
         std::ranges::any_of(kTypes, [&](auto one) { return equals_ignoring_case(type, one); });
}

Result<Stock> take_stock(rest::ArmClient& arm, const TeardownOptions& options, std::stop_token stop) {
  const auto& scope = options.scope;
  const auto* group_type = azure::find_resource_type("Microsoft.Resources/resourceGroups");
  Stock stock;
  TRY_ASSIGN(const auto group, arm.get(group_of(scope), std::string(group_type->api_version), stop));
  stock.is_gone = !group.has_value();
  if (stock.is_gone) return stock;
  TRY_ASSIGN(stock.resources, resources_of(arm, scope, stop));
  if (options.keep_data) stock.data = kept_data(stock.resources, scope);
  for (const auto& resource : stock.resources)
    if (options.keep_vault && is_vault(resource)) stock.config.insert(to_lower(text_at(resource, "id")));
  stock.whole_group = is_ours(*group, scope) &&
                      count(removal_phases(stock.resources, scope, stock.all_that_stays())) == stock.resources.size();
  if (!stock.whole_group && options.carried_out_by)
    for (const auto& resource : stock.resources)
      if (is_needed_by_run(resource, *options.carried_out_by)) stock.run.insert(to_lower(text_at(resource, "id")));
  return stock;
}

std::string stays_for_the_run(const Stock& stock) {
  std::vector<std::string> names;
  for (const auto& resource : stock.resources)
    if (stock.run.contains(to_lower(text_at(resource, "id"))))
      names.push_back(fmt::format("`{}` ({})", text_at(resource, "name"), text_at(resource, "type")));
  return fmt::format("this run goes on in {}; the next `defang compose down` removes them", join(names, ", "));
}

/// What the identity may do outside of the group, as far as the caller may know: who may not look in the subscription
/// could give no role there either.
Result<std::vector<Removal>> roles_outside(rest::ArmClient& arm, const TeardownOptions& options, std::stop_token stop) {
  std::vector<Removal> roles;
  if (!options.pulls_with) return roles;
  TRY_ASSIGN(const auto identity,
             arm.get(*options.pulls_with, std::string(azure::find_resource_type(kIdentityType)->api_version), stop));
  if (!identity || !is_ours(*identity, options.scope)) return roles;
  const auto principal = text_at(*identity, "properties.principalId");
  const auto list = arm.list(fmt::format("/subscriptions/{}/providers/{}?$filter=principalId%20eq%20'{}'",
                                         options.scope.subscription, kRoleType, principal),
                             std::string(azure::find_resource_type(kRoleType)->api_version), stop);
  if (!list && list.error().kind != Error::Kind::refused) return fail(list.error());
  const auto group = to_lower(group_of(options.scope).text()) + "/";
  for (const auto& role : list.value_or(std::vector<Json>()))
    if (text_at(role, "properties.principalId") == principal && !to_lower(text_at(role, "id")).starts_with(group))
      roles.push_back({text_at(role, "id"), std::string(kRoleType), text_at(role, "name")});
  return roles;
}

/// Why apps go, and what a rename comes to.
std::string farewell(const std::vector<Removal>& gone, const std::set<std::string>& new_services) {
  const auto quoted = [](const auto& names) {
    std::vector<std::string> out;
    for (const auto& name : names) out.push_back(fmt::format("`{}`", name));
    return join(out, ", ");
  };
  std::vector<std::string> names;
  for (const auto& removal : gone) names.push_back(removal.name);
  std::string text = fmt::format("not in the project any more, so removed: {}", quoted(names));
  if (!new_services.empty())
    text += fmt::format(" (new: {}; a service that was renamed is a new app with an address of its own)",
                        quoted(new_services));
  return text;
}

}  // namespace

std::vector<std::vector<Removal>> removal_phases(const std::vector<Json>& resources, const StackScope& scope,
                                                 const std::set<std::string>& keep) {
  std::vector<std::vector<Removal>> phases(kPhases);
  for (const auto& resource : resources) {
    Removal removal{text_at(resource, "id"), text_at(resource, "type"), text_at(resource, "name")};
    if (keep.contains(to_lower(removal.id)) || !is_ours(resource, scope)) continue;
    phases[phase_of(removal.type)].push_back(std::move(removal));
  }
  return phases;
}

Result<bool> takes_whole_group(rest::ArmClient& arm, const TeardownOptions& options, std::stop_token stop) {
  TRY_ASSIGN(const auto stock, take_stock(arm, options, stop));
  return stock.whole_group || stock.is_gone;
}

TeardownResult tear_down(rest::ArmClient& arm, Clock& clock, const EventSink& sink, const TeardownOptions& options,
                         std::stop_token stop) {
  Teardown teardown(arm, clock, sink, stop);
  const StackScope& scope = options.scope;
  const auto stock = take_stock(arm, options, stop);
  if (!stock) return {teardown.fail_with(stock.error()), {}};
  const auto roles = roles_outside(arm, options, stop);
  if (!roles) return {teardown.fail_with(roles.error()), {}};
  const auto begin = [&](std::size_t nodes) {
    teardown.begin(scope, nodes + roles->size());
    for (const auto& role : *roles) teardown.take_back(role);
  };
  if (stock->whole_group) {
    begin(1);
    const Removal removal{group_of(scope).text(), "Microsoft.Resources/resourceGroups", scope.group};
    if (options.no_wait || options.carried_out_by)
      teardown.order_removal(removal);
    else
      teardown.remove(removal);
  } else {
    const auto phases = removal_phases(stock->resources, scope, stock->all_that_stays());
    begin(count(phases));
    if (options.no_wait && !stock->is_gone)
      teardown.tell("parts of a group go one after another, so `--no-wait` waits for them");
    if (!stock->run.empty()) teardown.tell(stays_for_the_run(*stock));
    teardown.remove_phases(phases);
  }
  auto finished = teardown.finish();
  return {finished, remaining_of(stock->resources, scope, stock->config, stock->data, teardown.removed())};
}

RunFinished take_roles_back(rest::ArmClient& arm, Clock& clock, const EventSink& sink, const TeardownOptions& options,
                            std::stop_token stop) {
  Teardown teardown(arm, clock, sink, stop);
  const auto roles = roles_outside(arm, options, stop);
  if (!roles) return teardown.fail_with(roles.error());
  if (roles->empty()) return {};
  teardown.begin(options.scope, roles->size());
  for (const auto& role : *roles) teardown.take_back(role);
  return teardown.finish();
}

RunFinished remove_left_over(rest::ArmClient& arm, Clock& clock, const EventSink& sink,
                             const graph::ResourceGraph& graph, const StackScope& scope, const LeftOver& left_over,
                             std::stop_token stop) {
  const auto wanted = ids_in(graph, scope);
  auto keep = wanted;
  Teardown teardown(arm, clock, sink, stop);
  const auto resources = resources_of(arm, scope, stop);
  if (!resources) return teardown.fail_with(resources.error());
  // The job that carries runs out is of no service.
  for (const auto& resource : *resources)
    if (text_at(resource, "tags.defang-service").empty()) keep.insert(to_lower(text_at(resource, "id")));
  const auto apps = removal_phases(*resources, scope, keep).front();
  // Whatever else a project no longer needs may hold data.
  for (const auto& resource : *resources)
    if (phase_of(text_at(resource, "type")) != 0 && !left_over.delete_data.contains(service_of(resource)))
      keep.insert(to_lower(text_at(resource, "id")));
  const auto phases = removal_phases(*resources, scope, keep);
  if (count(phases) > 0) teardown.begin(scope, count(phases));
  if (!apps.empty()) teardown.tell(farewell(apps, left_over.new_services));
  teardown.remove_phases(phases);
  for (const auto& resource : *resources) {
    const auto id = to_lower(text_at(resource, "id"));
    if (is_ours(resource, scope) && holds_data(resource) && !wanted.contains(id) && !teardown.removed().contains(id))
      teardown.tell(kept_note(resource));
  }
  return count(phases) > 0 ? teardown.finish() : RunFinished{};
}

Result<std::vector<KeptStore>> kept_stores(rest::ArmClient& arm, const graph::ResourceGraph& graph,
                                           const StackScope& scope, std::stop_token stop) {
  TRY_ASSIGN(const auto resources, resources_of(arm, scope, stop));
  const auto wanted = ids_in(graph, scope);
  std::vector<KeptStore> kept;
  for (const auto& resource : resources)
    if (is_ours(resource, scope) && holds_data(resource) && !wanted.contains(to_lower(text_at(resource, "id"))))
      kept.push_back({text_at(resource, "type"), text_at(resource, "name"), service_of(resource)});
  std::ranges::sort(kept, {}, [](const KeptStore& one) { return std::pair(one.type, one.name); });
  return kept;
}

RunFinished remove_run_job(rest::ArmClient& arm, Clock& clock, const EventSink& sink, const StackScope& scope,
                           const RunJobNames& names, std::stop_token stop) {
  Teardown teardown(arm, clock, sink, stop);
  const auto version_of = [](std::string_view type) {
    return std::string(azure::find_resource_type(type)->api_version);
  };
  std::vector<std::vector<Removal>> phases;
  std::string principal;
  for (const auto& [type, name] : {std::pair(kJobType, names.job), std::pair(kIdentityType, names.identity)}) {
    const auto id = azure::ResourceId::resource(scope.subscription, scope.group, std::string(type), name);
    const auto found = arm.get(id, version_of(type), stop);
    if (!found) return teardown.fail_with(found.error());
    if (!*found) continue;
    phases.push_back({Removal{id.text(), std::string(type), name}});
    if (type == kIdentityType) principal = text_at(**found, "properties.principalId");
  }
  if (!principal.empty()) {
    const auto group = azure::ResourceId::group(scope.subscription, scope.group).text();
    const auto roles = arm.list(fmt::format("{}/providers/{}", group, kRoleType), version_of(kRoleType), stop);
    if (!roles) return teardown.fail_with(roles.error());
    std::vector<Removal> given;
    for (const auto& role : *roles)
      if (text_at(role, "properties.principalId") == principal)
        given.push_back({text_at(role, "id"), std::string(kRoleType), text_at(role, "name")});
    phases.insert(phases.end() - 1, std::move(given));  // no role outlives who holds it
  }
  teardown.begin(scope, count(phases));
  teardown.remove_phases(phases);
  return teardown.finish();
}

}  // namespace defang::deploy
