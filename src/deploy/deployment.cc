#include "deploy/deployment.h"

#include <fmt/format.h>

#include <memory>
#include <mutex>
#include <optional>

#include "deploy/actions.h"
#include "deploy/stack_lease.h"
#include "deploy/teardown.h"
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
    if (kept_.size() < kKeptBytes) kept_ += to_json_line(event) + "\n";
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

class Deployment {
 public:
  Deployment(const graph::ResourceGraph& graph, const AzureAccess& access, const StackScope& scope,
             DeploymentOptions wishes, const EventSink& sink, std::stop_token stop)
      : graph_(graph), access_(access), scope_(scope), wishes_(wishes), stream_(sink, access.clock), stop_(stop) {}

  RunFinished go() {
    const auto started = access_.clock.elapsed();
    const auto actions = make_actions(access_);
    auto result = run(graph_, access_.arm, *actions, access_.clock, stream_.part(true), options(), stop_);
    RunFinished finished = result.finished;
    if (finished.how == RunFinished::How::done && !wishes_.is_part) remove_what_is_left_over(finished);
    for (const auto& node : result.still_going_on)
      stream_.tell(
          Notice{fmt::format("`{}` is still being worked on in Azure; run the same command again to go on", node)});
    finished.took = access_.clock.elapsed() - started;
    stream_.tell(finished);
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
    if (const auto* storage = storage_of(graph_)) {
      options.gate = storage->id;
      options.when_gate_is_done = [this, id = storage->id](NodeScope& scope, std::stop_token stop) {
        return take_lease(id, scope, stop);
      };
    }
    return options;
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

  void remove_what_is_left_over(RunFinished& finished) {
    const auto removed = remove_left_over(access_.arm, access_.clock, stream_.part(false), graph_, scope_, stop_);
    finished.removed += removed.removed;
    finished.failed += removed.failed;
    if (removed.how != RunFinished::How::done) finished.how = removed.how;
  }

  /// History is a convenience: a run is not worse for lacking it.
  void keep_events() {
    if (!lease_ || !blobs_) return;
    const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(access_.clock.now().time_since_epoch());
    const std::string name = fmt::format("runs/{}.jsonl", to_iso8601(since.count()));
    (void)blobs_->put("state", name, rest::text_source(stream_.kept()), {.content_type = "application/x-ndjson"},
                      stop_);
  }

  const graph::ResourceGraph& graph_;
  const AzureAccess& access_;
  const StackScope& scope_;
  DeploymentOptions wishes_;
  OneStream stream_;
  std::stop_token stop_;
  std::optional<rest::BlobClient> blobs_;
  std::unique_ptr<StackLease> lease_;
};

}  // namespace

RunFinished deploy(const graph::ResourceGraph& graph, const AzureAccess& access, const StackScope& scope,
                   DeploymentOptions options, const EventSink& sink, std::stop_token stop) {
  return Deployment(graph, access, scope, options, sink, stop).go();
}

}  // namespace defang::deploy
