#include "deploy/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <set>
#include <thread>

#include "arm/template.h"
#include "azure/resource_types.h"
#include "deploy/decide.h"
#include "deploy/diagnostics.h"
#include "deploy/json_path.h"
#include "deploy/known_errors.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using namespace std::chrono_literals;

constexpr std::string_view kGroupType = "Microsoft.Resources/resourceGroups";
constexpr std::string_view kIdentityType = "Microsoft.ManagedIdentity/userAssignedIdentities";
constexpr std::string_view kAppType = "Microsoft.App/containerApps";
constexpr std::string_view kScale = "properties.template.scale";
constexpr std::string_view kRoleAssignmentType = "Microsoft.Authorization/roleAssignments";
/// In a group that this run has made these need not wait for the gate: writing them twice does no harm, and the way to
/// a running app leads over them.
constexpr std::string_view kBeforeTheGate[] = {"Microsoft.Network/virtualNetworks",
                                               "Microsoft.Network/virtualNetworks/subnets",
                                               "Microsoft.OperationalInsights/workspaces", kIdentityType};
constexpr milliseconds kFreshRights = 10min;  // ARM-45

/// Properties that other writers own and that a PUT without them would take away: subnets are child resources of their
/// own (PG-8), host names are bound by `cert generate` (CA-130). They say nothing about the wish.
struct KeptProperty {
  std::string_view type;
  const char* holder;  // the object that has it
  const char* property;
};
constexpr KeptProperty kKeptProperties[] = {
    {"Microsoft.Network/virtualNetworks", "/properties", "subnets"},
    {"Microsoft.App/containerApps", "/properties/configuration/ingress", "customDomains"}};

/// What stands there now goes into the body, whatever was planned; nothing where nothing stands there. An ingress that
/// is not public HTTP any more can have no host names (CA-121).
void keep_properties(const std::string& type, const Json& existing, Json& body) {
  for (const auto& kept : kKeptProperties) {
    const Json::json_pointer holder(kept.holder);
    if (!equals_ignoring_case(type, kept.type) || !body.contains(holder) || !body[holder].is_object()) continue;
    Json& into = body[holder];
    if (into.contains("transport") && (into["transport"] == "tcp" || into["external"] != true)) continue;
    into.erase(kept.property);
    const auto place = holder / kept.property;
    if (existing.contains(place) && !existing[place].is_null()) into[kept.property] = existing[place];
  }
}

struct Task {
  const graph::Node* node = nullptr;
  std::set<std::string> needs;  // not done yet
  std::vector<std::string> wanted_by;
  std::chrono::seconds path{0};  // of the longest chain that starts here
  std::string serial;            // key of serial_key
  std::vector<std::string> identities;
  enum class State { waiting, running, done, failed, skipped } state = State::waiting;
  bool writing = false;  // a request that Azure goes on with is under way
};

/// Tags of others: a PUT without them would take them away.
void keep_what_others_added(const Json& existing, Json& body) {
  const auto tags = existing.find("tags");
  if (tags == existing.end() || !tags->is_object() || !body.contains("tags")) return;
  for (const auto& [name, value] : tags->items())
    if (!to_lower(name).starts_with("defang-") && !body["tags"].contains(name)) body["tags"][name] = value;
}

bool is_tagged(const Json& body, const std::string& hash) {
  const Found found = look_at(body, Json::object());
  const auto tag = found.tags.find(std::string(kHashTag));
  return tag != found.tags.end() && tag->second == hash;
}

/// Whether a container's image is in a registry that knows the app by its identity. Elsewhere its rights have no say,
/// and a pull that fails fails for good.
bool pulls_as_its_identity(const Json& body) {
  const Json* registries = at_path(body, "properties.configuration.registries");
  const Json* containers = at_path(body, "properties.template.containers");
  if (registries == nullptr || containers == nullptr) return false;
  return std::ranges::any_of(*registries, [&](const Json& registry) {
    return !text_at(registry, "identity").empty() && std::ranges::any_of(*containers, [&](const Json& container) {
      return text_at(container, "image").starts_with(text_at(registry, "server") + "/");
    });
  });
}

class Run {
 public:
  Run(const graph::ResourceGraph& graph, rest::ArmClient& arm, Actions& actions, Clock& clock, const EventSink& sink,
      const EngineOptions& options, std::stop_token stop)
      : graph_(graph),
        arm_(arm),
        actions_(actions),
        clock_(clock),
        sink_(sink),
        options_(options),
        stop_(stop),
        gave_rights_(options.gave_rights) {}

  RunResult go();

 private:
  friend class Scope;

  void prepare();
  void add_gate();
  void open_gate_early();  // with mutex_ held
  std::chrono::seconds longest_path(const std::string& id);
  void start_ready();  // with mutex_ held
  bool may_start(const Task& task) const;
  void launch(const std::string& id);
  void work(const std::string& id);
  void finish(const std::string& id, std::optional<Error> error);
  void skip_dependents(const std::string& id, const std::string& because_of);

  Result<NodeFinished> perform(const std::string& id, const graph::Node& node);
  Result<NodeFinished> perform(const std::string& id, const graph::Resource& resource);
  Result<NodeFinished> perform(const std::string& id, const graph::Action& action);
  Result<std::optional<Json>> look_up(const graph::Resource& resource, const azure::ResourceId& id);
  Result<Json> write(const graph::Resource& resource, const azure::ResourceId& id, const std::optional<Json>& existing,
                     const std::string& hash, NodeScope& scope);
  Result<Json> write_once(const graph::Resource& resource, const azure::ResourceId& id,
                          const std::optional<Json>& existing, const Json& body, NodeScope& scope);
  Result<std::optional<Json>> wait_until_gone(const graph::Resource& resource, const azure::ResourceId& id);
  Result<Json> wait_until_ready(const graph::Resource& resource, const azure::ResourceId& id, Json body);
  Result<Json> stable_body(const graph::Resource& resource);
  Result<bool> must_repair(const graph::Resource& resource, const std::string& id, const Json& existing);
  void keep_scale(const graph::Resource& resource, const std::string& id, const Json& existing, Json& body);
  Result<Json> wished_body(const graph::Resource& resource);
  rest::ArmClient::WaitOptions wait_options(const std::string& node);

  Result<nlohmann::ordered_json> resolve(const graph::Reference& reference);
  Result<nlohmann::ordered_json> resolve_plain(const graph::Reference& reference);
  Result<nlohmann::ordered_json> resolve_property(const graph::Reference& reference);
  Result<nlohmann::ordered_json> resolve_list(const graph::Reference& reference);
  Result<nlohmann::ordered_json> resolve_output(const graph::Reference& reference);
  bool rights_are_fresh() const;
  bool needs_a_right(const graph::Resource& resource) const;

  void emit(decltype(Event::what) what);
  void waiting(const std::string& node, const std::string& state);

  const graph::ResourceGraph& graph_;
  rest::ArmClient& arm_;
  Actions& actions_;
  Clock& clock_;
  const EventSink& sink_;
  const EngineOptions& options_;
  std::stop_token stop_;

  mutable std::mutex mutex_;
  std::condition_variable all_done_;
  std::map<std::string, Task> tasks_;
  std::size_t running_ = 0;
  std::set<std::string> busy_;    // serial keys in use
  std::set<std::string> proven_;  // identities that an app has already started with
  std::set<std::string> proving_;
  std::vector<std::thread> threads_;
  bool group_is_new_ = false;
  bool gave_rights_;
  std::map<std::pair<std::string, std::string>, Json> lists_;
  RunResult result_;

  std::mutex event_mutex_;
  std::uint64_t seq_ = 0;
  std::map<std::string, std::string> last_state_;
};

class Scope : public NodeScope {
 public:
  Scope(Run& run, std::string node) : run_(run), node_(std::move(node)) {}
  const StackScope& stack() const override { return run_.options_.scope; }
  const graph::ResourceGraph& graph() const override { return run_.graph_; }
  Result<nlohmann::ordered_json> resolve(const graph::Reference& reference) override { return run_.resolve(reference); }
  std::optional<Json> body_of(const std::string& node) const override {
    const std::lock_guard lock(run_.mutex_);
    const auto found = run_.result_.bodies.find(node);
    return found == run_.result_.bodies.end() ? std::nullopt : std::optional(found->second);
  }
  void waiting(const std::string& state) override { run_.waiting(node_, state); }
  void log(const std::string& line) override { run_.emit(NodeLog{node_, line}); }
  bool rights_are_fresh() const override { return run_.rights_are_fresh(); }
  bool force() const override { return run_.options_.force; }
  bool rebuild() const override { return run_.options_.force || run_.options_.rebuild; }
  std::chrono::seconds patience_with(const std::string& service) const override {
    const auto row = run_.options_.patience.find(service);
    return row == run_.options_.patience.end() ? 0s : row->second;
  }

 private:
  Run& run_;
  std::string node_;
};

// --- the walk

RunResult Run::go() {
  const auto started = clock_.elapsed();
  prepare();
  emit(RunStarted{options_.scope.project, options_.scope.stack, options_.scope.group, options_.scope.subscription,
                  options_.scope.location, tasks_.size()});
  {
    std::unique_lock lock(mutex_);
    start_ready();
    all_done_.wait(lock, [&] { return running_ == 0; });
  }
  for (auto& thread : threads_) thread.join();
  auto& finished = result_.finished;
  finished.took = clock_.elapsed() - started;
  finished.failed = result_.failures.size();
  if (finished.failed > 0) finished.how = RunFinished::How::failed;
  const bool left = std::ranges::any_of(tasks_, [](const auto& t) { return t.second.state == Task::State::waiting; });
  if (stop_.stop_requested() && (left || !result_.still_going_on.empty())) finished.how = RunFinished::How::stopped;
  emit(finished);
  return std::move(result_);
}

void Run::prepare() {
  for (const auto& [id, node] : graph_.nodes()) {
    Task& task = tasks_[id];
    task.node = &node;
    for (const auto& edge : graph_.edges_of(id)) {
      task.needs.insert(edge.node);
      const auto* needed = graph_.resource(edge.node);
      if (needed != nullptr && equals_ignoring_case(needed->type, kIdentityType)) task.identities.push_back(edge.node);
    }
    if (const auto* resource = std::get_if<graph::Resource>(&node)) {
      task.serial = serial_key(*resource);
      if (!equals_ignoring_case(resource->type, "Microsoft.App/containerApps") &&
          !equals_ignoring_case(resource->type, "Microsoft.App/jobs"))
        task.identities.clear();
    } else {
      task.identities.clear();
    }
  }
  add_gate();
  for (const auto& [id, task] : tasks_)
    for (const auto& need : task.needs) tasks_.at(need).wanted_by.push_back(id);
  for (const auto& [id, task] : tasks_) longest_path(id);
}

/// Whatever the gate does not need waits for it.
void Run::add_gate() {
  if (options_.gate.empty() || !tasks_.contains(options_.gate)) return;
  std::set<std::string> before{options_.gate};
  std::vector<std::string> open{options_.gate};
  while (!open.empty()) {
    const std::string id = std::move(open.back());
    open.pop_back();
    for (const auto& need : tasks_.at(id).needs)
      if (before.insert(need).second) open.push_back(need);
  }
  for (auto& [id, task] : tasks_)
    if (!before.contains(id)) task.needs.insert(options_.gate);
}

std::chrono::seconds Run::longest_path(const std::string& id) {
  Task& task = tasks_.at(id);
  if (task.path.count() > 0) return task.path;
  std::chrono::seconds longest{0};
  for (const auto& next : task.wanted_by) longest = std::max(longest, longest_path(next));
  return task.path = longest + usual_time(*task.node);
}

bool Run::may_start(const Task& task) const {
  if (!task.serial.empty() && busy_.contains(task.serial)) return false;
  return std::ranges::none_of(task.identities,
                              [&](const auto& id) { return !proven_.contains(id) && proving_.contains(id); });
}

void Run::start_ready() {
  if (stop_.stop_requested()) return;
  std::vector<std::string> ready;
  for (const auto& [id, task] : tasks_)
    if (task.state == Task::State::waiting && task.needs.empty()) ready.push_back(id);
  std::ranges::stable_sort(ready, std::greater{}, [&](const auto& id) { return tasks_.at(id).path; });
  for (const auto& id : ready) {
    if (running_ >= options_.at_once) return;
    if (may_start(tasks_.at(id))) launch(id);
  }
}

void Run::launch(const std::string& id) {
  Task& task = tasks_.at(id);
  task.state = Task::State::running;
  ++running_;
  if (!task.serial.empty()) busy_.insert(task.serial);
  for (const auto& identity : task.identities)
    if (!proven_.contains(identity)) proving_.insert(identity);
  clock_.add_worker();  // here and not in the thread: a fake clock must not jump before the thread has begun
  threads_.emplace_back([this, id] {
    work(id);
    clock_.remove_worker();
  });
}

void Run::work(const std::string& id) {
  const auto started = clock_.elapsed();
  const graph::Node& node = *tasks_.at(id).node;
  auto done = perform(id, node);
  const milliseconds took = clock_.elapsed() - started;
  if (done) {
    done->node = id;
    done->service = graph::service_of(node);
    done->took = took;
    emit(*done);
    finish(id, std::nullopt);
    return;
  }
  Error error = explained(std::move(done.error()));
  if (!error.origin) error.origin = graph::origin_of(node);
  if (error.kind != Error::Kind::stopped) emit(NodeFailed{id, graph::service_of(node), error, took});
  finish(id, std::move(error));
}

void Run::open_gate_early() {
  for (auto& [id, task] : tasks_) {
    const auto* resource = graph_.resource(id);
    if (resource != nullptr && std::ranges::any_of(kBeforeTheGate, [&](std::string_view type) {
          return equals_ignoring_case(type, resource->type);
        }))
      task.needs.erase(options_.gate);
  }
}

void Run::finish(const std::string& id, std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  if (group_is_new_ && !error) open_gate_early();
  Task& task = tasks_.at(id);
  if (!task.serial.empty()) busy_.erase(task.serial);
  for (const auto& identity : task.identities) {
    proving_.erase(identity);
    if (!error) proven_.insert(identity);
  }
  if (!error) {
    task.state = Task::State::done;
    for (const auto& next : task.wanted_by) tasks_.at(next).needs.erase(id);
  } else if (error->kind == Error::Kind::stopped) {
    task.state = Task::State::failed;
    if (task.writing) result_.still_going_on.push_back(id);
  } else {
    task.state = Task::State::failed;
    result_.failures.push_back({id, graph::service_of(*task.node), std::move(*error), {}});
    skip_dependents(id, id);
  }
  start_ready();
  if (--running_ == 0) all_done_.notify_all();
}

void Run::skip_dependents(const std::string& id, const std::string& because_of) {
  for (const auto& next : tasks_.at(id).wanted_by) {
    Task& task = tasks_.at(next);
    if (task.state != Task::State::waiting) continue;
    task.state = Task::State::skipped;
    ++result_.finished.skipped;
    emit(NodeSkipped{next, graph::service_of(*task.node), because_of});
    skip_dependents(next, because_of);
  }
}

// --- one node

Result<NodeFinished> Run::perform(const std::string& id, const graph::Node& node) {
  return std::visit([&](const auto& one) { return perform(id, one); }, node);
}

Result<NodeFinished> Run::perform(const std::string& id, const graph::Action& action) {
  Scope scope(*this, id);
  emit(NodeStarted{id, action.service, NodeStarted::Doing::run, "action", id, usual_time(action)});
  TRY_ASSIGN(Outputs outputs, actions_.run(action, scope, stop_));
  NodeFinished finished{.how = outputs.unchanged ? NodeFinished::How::unchanged : NodeFinished::How::ran,
                        .detail = outputs.detail};
  const std::lock_guard lock(mutex_);
  if (outputs.unchanged) ++result_.finished.unchanged;
  result_.outputs[id] = std::move(outputs);
  return finished;
}

Result<NodeFinished> Run::perform(const std::string& node, const graph::Resource& resource) {
  Scope scope(*this, node);
  const auto id = resource_id(graph_, resource, options_.scope);
  const auto* row = azure::find_resource_type(resource.type);
  TRY_ASSIGN(const Json stable, stable_body(resource));
  const std::string hash = desired_hash(resource.type, stable);
  TRY_ASSIGN(std::optional<Json> existing, look_up(resource, id));
  // A role assignment says nothing that its name does not say (ARM-43), and who carries out a run may not write any.
  const bool force = options_.force && !equals_ignoring_case(resource.type, kRoleAssignmentType);
  const Wish wish{hash, options_.scope.project, options_.scope.stack, row == nullptr || row->taggable, force};
  auto started = NodeStarted::Doing::create;
  bool adopted = false;
  Step step = Step::create;
  while (existing) {
    Json wished;
    if (!wish.taggable) {
      TRY_ASSIGN(wished, wished_body(resource));
    }
    step = decide(wish, look_at(*existing, wished));
    if (step == Step::wait_until_gone) {
      TRY_ASSIGN(existing, wait_until_gone(resource, id));
      step = Step::create;
    } else if (step == Step::adopt) {
      emit(NodeStarted{node, resource.service, NodeStarted::Doing::adopt, resource.type, resource.name,
                       usual_time(resource)});
      auto wait = wait_options(node);
      wait.watchdog = actions_.watchdog(resource, std::nullopt, scope, stop_);
      auto ended = arm_.adopt(id, resource.api_version, wait, stop_);
      adopted = true;
      if (!ended && ended.error().kind == Error::Kind::stopped) return fail(std::move(ended.error()));
      if (!ended && ended.error().code.starts_with("revision-")) {
        // It cannot come up. Where that is still what is wished for, this is the answer; otherwise it is replaced.
        if (is_tagged(*existing, hash)) return fail(std::move(ended.error()));
        step = Step::update;
        break;
      }
      TRY_ASSIGN(existing, arm_.get(id, resource.api_version, stop_));
      if (!existing) step = Step::create;
    } else {
      break;
    }
  }
  if (step == Step::skip && !adopted) {
    TRY_ASSIGN(const bool repair, must_repair(resource, to_lower(id.text()), *existing));
    if (repair) step = Step::update;
  }
  NodeFinished finished{.how = NodeFinished::How::created};
  if (step == Step::refuse) return fail(somebody_elses(id, options_.scope.project, options_.scope.stack));
  Json body;
  if (step == Step::skip) {
    body = std::move(*existing);
    finished.how = adopted ? NodeFinished::How::adopted : NodeFinished::How::unchanged;
  } else {
    if (step == Step::update) {
      started = NodeStarted::Doing::update;
      finished.how = NodeFinished::How::updated;
    }
    emit(NodeStarted{node, resource.service, started, resource.type, resource.name, usual_time(resource)});
    if (step == Step::create) TRY(actions_.before_create(resource, scope, stop_));
    TRY_ASSIGN(body, write(resource, id, existing, hash, scope));
  }
  TRY_ASSIGN(body, wait_until_ready(resource, id, std::move(body)));
  {
    const std::lock_guard lock(mutex_);
    if (step != Step::skip) result_.written.insert(to_lower(id.text()));
    if (finished.how == NodeFinished::How::created && !resource.service.empty())
      result_.new_services.insert(resource.service);
    if (const Json* scale = at_path(stable, kScale)) result_.scales[to_lower(id.text())] = *scale;
    result_.bodies[node] = std::move(body);
    auto& counts = result_.finished;
    ++(finished.how == NodeFinished::How::created   ? counts.created
       : finished.how == NodeFinished::How::updated ? counts.updated
                                                    : counts.unchanged);
    if (equals_ignoring_case(resource.type, kGroupType)) group_is_new_ = finished.how == NodeFinished::How::created;
    if (equals_ignoring_case(resource.type, kRoleAssignmentType) && finished.how != NodeFinished::How::unchanged)
      gave_rights_ = true;
  }
  if (node == options_.gate && options_.when_gate_is_done) TRY(options_.when_gate_is_done(scope, stop_));
  return finished;
}

/// Whether others have changed what our hash stands on. How many replicas an app has is theirs to change.
Result<bool> Run::must_repair(const graph::Resource& resource, const std::string& id, const Json& existing) {
  if (!options_.may_have_changed || !options_.may_have_changed(id)) return false;
  TRY_ASSIGN(Json wished, wished_body(resource));
  keep_properties(resource.type, existing, wished);
  keep_what_has_grown(resource.type, existing, wished);
  auto changed = differences(existing, wished);
  std::erase(changed, "location");  // for ever the same, and often shown by its display name (ARM-130)
  const auto of_scale =
      std::ranges::stable_partition(changed, [](const auto& place) { return !place.starts_with(kScale); });
  if (!of_scale.empty() && of_scale.size() == changed.size())
    emit(
        Notice{fmt::format("`{}` keeps the scale that somebody has set outside of this program; `up --force` sets the "
                           "project's",
                           resource.name)});
  changed.erase(of_scale.begin(), of_scale.end());
  if (changed.empty()) return false;
  emit(Notice{fmt::format("`{}` was changed outside of this program ({}): it is set back", resource.name,
                          join(changed, ", "))});
  return true;
}

/// An app that somebody has scaled stays so while the project goes on saying what it said before.
void Run::keep_scale(const graph::Resource& resource, const std::string& id, const Json& existing, Json& body) {
  const auto last = options_.scales.find(id);
  const Json* live = at_path(existing, kScale);
  const Json* wished = at_path(body, kScale);
  if (last == options_.scales.end() || live == nullptr || wished == nullptr || differences(*live, last->second).empty())
    return;
  const bool keeps = *wished == last->second && !options_.force;
  emit(Notice{fmt::format("somebody has set the scale of `{}` outside of this program: {}", resource.name,
                          keeps ? "it stays; `up --force` sets the project's" : "the project's replaces it")});
  if (keeps) body["properties"]["template"]["scale"] = *live;
}

/// In a group that this run has made there is nothing yet: one request less per node.
Result<std::optional<Json>> Run::look_up(const graph::Resource& resource, const azure::ResourceId& id) {
  {
    const std::lock_guard lock(mutex_);
    if (group_is_new_) return std::optional<Json>();
  }
  return arm_.get(id, resource.api_version, stop_);
}

Result<std::optional<Json>> Run::wait_until_gone(const graph::Resource& resource, const azure::ResourceId& id) {
  const auto until = clock_.elapsed() + 30min;
  waiting(resource.id, "Deleting");
  for (milliseconds pause = 500ms; clock_.elapsed() < until; pause = std::min<milliseconds>(pause * 2, 15s)) {
    if (!clock_.sleep_for(pause, stop_)) return stopped();
    TRY_ASSIGN(auto existing, arm_.get(id, resource.api_version, stop_));
    if (!existing) return existing;
  }
  return fail(Error::Kind::unreachable, "operation-stuck", fmt::format("`{}` is still being deleted", id.text()));
}

/// Some types can be used later than their operation says (RD-5, which also has the limit).
Result<Json> Run::wait_until_ready(const graph::Resource& resource, const azure::ResourceId& id, Json body) {
  constexpr auto kReadyLimit = 45min;
  const auto until = clock_.elapsed() + kReadyLimit;
  for (milliseconds pause = 500ms;; pause = std::min<milliseconds>(pause * 2, 15s)) {
    const auto [is, state] = readiness_of(resource.type, body);
    if (is == Readiness::Is::ready) return body;
    if (is == Readiness::Is::failed || clock_.elapsed() >= until) return fail(never_ready(resource.name, state));
    waiting(resource.id, state);
    if (!clock_.sleep_for(pause, stop_)) return stopped();
    TRY_ASSIGN(auto now, arm_.get(id, resource.api_version, stop_));
    if (now) body = std::move(*now);
  }
}

/// One PUT, repeated while the answer means "not yet" (deploy/known_errors.h).
Result<Json> Run::write(const graph::Resource& resource, const azure::ResourceId& id,
                        const std::optional<Json>& existing, const std::string& hash, NodeScope& scope) {
  TRY_ASSIGN(Json body, wished_body(resource));
  const auto* row = azure::find_resource_type(resource.type);
  if (row == nullptr || row->taggable) body["tags"][std::string(kHashTag)] = hash;
  if (existing) {
    keep_what_others_added(*existing, body);
    keep_what_has_grown(resource.type, *existing, body);
    if (const auto change = change_of_what_is_fixed(resource.type, *existing, body))
      return fail(never_changes(resource.name, *change));
    if (const auto change = costly_change(resource.type, *existing, body)) {
      const auto& allowed = change->cost == CostlyChange::Cost::data ? options_.may_lose : options_.may_stop;
      if (!allowed.contains(resource.service)) return fail(costs_too_much(resource.name, resource.service, *change));
    }
  }
  if (existing && equals_ignoring_case(resource.type, kAppType))
    keep_scale(resource, to_lower(id.text()), *existing, body);
  const auto started = clock_.elapsed();
  std::optional<Json> now = existing;
  for (milliseconds pause = 500ms;; pause = std::min<milliseconds>(pause * 2, 15s)) {
    if (now) keep_properties(resource.type, *now, body);
    auto written = write_once(resource, id, existing, body, scope);
    if (written) return written;
    const bool fresh = rights_are_fresh() &&
                       (written.error().code != "revision-image-pull" || pulls_as_its_identity(body)) &&
                       (!equals_ignoring_case(resource.type, kRoleAssignmentType) || needs_a_right(resource));
    const auto window = worth_repeating(written.error(), fresh);
    if (clock_.elapsed() - started + pause > window)
      return fail(std::move(written.error().during(fmt::format("writing {} `{}`", resource.type, resource.name))));
    const auto* known = find_known_error(written.error(), fresh);
    scope.waiting(fmt::format("{}; trying again", known->meaning));
    if (!clock_.sleep_for(pause, stop_)) return stopped();
    if (existing) {
      TRY_ASSIGN(now, arm_.get(id, resource.api_version, stop_));
    }
  }
}

Result<Json> Run::write_once(const graph::Resource& resource, const azure::ResourceId& id,
                             const std::optional<Json>& existing, const Json& body, NodeScope& scope) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.at(resource.id).writing = true;
  }
  auto options = wait_options(resource.id);
  options.watchdog = actions_.watchdog(resource, existing, scope, stop_);
  auto written = arm_.put(id, resource.api_version, body, options, stop_);
  // Of an identity that was deleted and made again: its old assignment bears the same name (ARM-44). Names are made of
  // ours alone, so nobody else's rights go.
  if (!written && written.error().code == "RoleAssignmentUpdateNotPermitted") {
    TRY(arm_.remove(id, resource.api_version, {}, stop_));
    written = arm_.put(id, resource.api_version, body, options, stop_);
  }
  // The same rights under another name: somebody gave them by hand (ARM-43).
  if (!written && written.error().code == "RoleAssignmentExists") written = body;
  if (written) {
    const std::lock_guard lock(mutex_);
    tasks_.at(resource.id).writing = false;
  }
  return written;
}

rest::ArmClient::WaitOptions Run::wait_options(const std::string& node) {
  rest::ArmClient::WaitOptions options;
  options.on_progress = [this, node](const std::string& state) { waiting(node, state); };
  return options;
}

Result<Json> Run::wished_body(const graph::Resource& resource) {
  const auto actual = [&](const graph::Reference& reference) { return resolve(reference); };
  TRY_ASSIGN(const auto body, arm::to_json(resource.body, actual));
  return Json(body);
}

/// What the hash is of. References to resources stay unresolved: what Azure made of them says nothing about the wish.
Result<Json> Run::stable_body(const graph::Resource& resource) {
  const auto stable = [&](const graph::Reference& r) -> Result<nlohmann::ordered_json> {
    if (r.kind == graph::Reference::Kind::output) return resolve(r);
    return fmt::format("<{}|{}|{}|{}>", r.node, static_cast<int>(r.kind), r.function, r.path);
  };
  TRY_ASSIGN(const auto ordered, arm::to_json(resource.body, stable));
  Json body(ordered);
  keep_properties(resource.type, Json::object(), body);
  return body;
}

// --- references

Result<nlohmann::ordered_json> Run::resolve(const graph::Reference& reference) {
  TRY_ASSIGN(auto value, resolve_plain(reference));
  if (reference.percent_encoded && value.is_string()) value = percent_encode(value.get<std::string>());
  return value;
}

Result<nlohmann::ordered_json> Run::resolve_plain(const graph::Reference& reference) {
  using Kind = graph::Reference::Kind;
  switch (reference.kind) {
    case Kind::id:
    case Kind::name: {
      const auto* resource = graph_.resource(reference.node);
      if (resource == nullptr) break;
      if (reference.kind == Kind::name) return resource->name;
      return resource_id(graph_, *resource, options_.scope).text();
    }
    case Kind::property:
      return resolve_property(reference);
    case Kind::list:
      return resolve_list(reference);
    case Kind::output:
      return resolve_output(reference);
  }
  return fail(no_such_output(reference.node, reference.path));
}

Result<nlohmann::ordered_json> Run::resolve_property(const graph::Reference& reference) {
  const auto* resource = graph_.resource(reference.node);
  if (resource == nullptr) return fail(no_such_output(reference.node, reference.path));
  const auto id = resource_id(graph_, *resource, options_.scope);
  // Some properties come a little after the operation's end (wire facts, "Container app").
  for (int attempt = 0; attempt < 6; ++attempt) {
    {
      const std::lock_guard lock(mutex_);
      const auto body = result_.bodies.find(reference.node);
      const Json* found = body == result_.bodies.end() ? nullptr : at_path(body->second, reference.path);
      if (found != nullptr && !found->is_null()) return nlohmann::ordered_json(*found);
    }
    if (attempt > 0 && !clock_.sleep_for(1s, stop_)) return stopped();
    TRY_ASSIGN(auto body, arm_.get(id, resource->api_version, stop_));
    const std::lock_guard lock(mutex_);
    if (body) result_.bodies[reference.node] = std::move(*body);
  }
  return fail(no_such_output(reference.node, reference.path));
}

Result<nlohmann::ordered_json> Run::resolve_list(const graph::Reference& reference) {
  const auto* resource = graph_.resource(reference.node);
  if (resource == nullptr) return fail(no_such_output(reference.node, reference.path));
  const std::pair key(reference.node, reference.function);
  {
    const std::lock_guard lock(mutex_);
    if (const auto known = lists_.find(key); known != lists_.end())
      if (const Json* found = at_path(known->second, reference.path)) return nlohmann::ordered_json(*found);
  }
  const auto id = resource_id(graph_, *resource, options_.scope);
  auto answer = arm_.post(id, reference.function, resource->api_version, Json::object(), {}, stop_);
  if (!answer)
    return fail(std::move(answer.error().during(fmt::format("calling {} of `{}`", reference.function, id.text()))));
  const std::lock_guard lock(mutex_);
  const Json& kept = lists_[key] = std::move(*answer);
  if (const Json* found = at_path(kept, reference.path)) return nlohmann::ordered_json(*found);
  return fail(no_such_output(reference.node, reference.path));
}

Result<nlohmann::ordered_json> Run::resolve_output(const graph::Reference& reference) {
  const std::lock_guard lock(mutex_);
  if (const auto outputs = result_.outputs.find(reference.node); outputs != result_.outputs.end()) {
    const auto& [texts, secrets, unchanged, detail] = outputs->second;
    if (const auto text = texts.find(reference.path); text != texts.end()) return text->second;
    if (const auto secret = secrets.find(reference.path); secret != secrets.end()) return secret->second.reveal();
  }
  return fail(no_such_output(reference.node, reference.path));
}

bool Run::rights_are_fresh() const {
  const std::lock_guard lock(mutex_);
  if (gave_rights_) return true;
  const std::string since =
      to_iso8601(std::chrono::duration_cast<milliseconds>((clock_.now() - kFreshRights).time_since_epoch()).count());
  return std::ranges::any_of(result_.bodies, [&](const auto& row) {
    const auto* resource = graph_.resource(row.first);
    if (resource == nullptr || !equals_ignoring_case(resource->type, kRoleAssignmentType)) return false;
    return text_at(row.second, "properties.createdOn") > since || text_at(row.second, "properties.updatedOn") > since;
  });
}

/// Whether a right of the graph's own lets it be written. Without one, a refusal is for good.
bool Run::needs_a_right(const graph::Resource& resource) const {
  return std::ranges::any_of(resource.after, [&](const graph::Edge& edge) {
    const auto* right = graph_.resource(edge.node);
    return right != nullptr && equals_ignoring_case(right->type, kRoleAssignmentType);
  });
}

// --- events

void Run::emit(decltype(Event::what) what) {
  const std::lock_guard lock(event_mutex_);
  sink_(Event{++seq_, clock_.now(), std::move(what)});
}

void Run::waiting(const std::string& node, const std::string& state) {
  {
    const std::lock_guard lock(event_mutex_);
    auto& last = last_state_[node];
    if (equals_ignoring_case(last, state)) return;
    last = state;
  }
  emit(NodeWaiting{node, state});
}

}  // namespace

azure::ResourceId resource_id(const graph::ResourceGraph& graph, const graph::Resource& resource,
                              const StackScope& scope) {
  if (equals_ignoring_case(resource.type, kGroupType))
    return azure::ResourceId::group(scope.subscription, resource.name);
  if (resource.is_outside()) return azure::ResourceId::parse(resource.scope)->extension(resource.type, resource.name);
  if (!resource.scope.empty())
    if (const auto* about = graph.resource(resource.scope))
      return resource_id(graph, *about, scope).extension(resource.type, resource.name);
  return azure::ResourceId::resource(scope.subscription, scope.group, resource.type, resource.name);
}

RunResult run(const graph::ResourceGraph& graph, rest::ArmClient& arm, Actions& actions, Clock& clock,
              const EventSink& sink, const EngineOptions& options, std::stop_token stop) {
  return Run(graph, arm, actions, clock, sink, options, stop).go();
}

}  // namespace defang::deploy
