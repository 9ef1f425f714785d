#pragma once

#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "azure/resource_id.h"
#include "deploy/event.h"
#include "graph/graph.h"
#include "rest/arm_client.h"
#include "support/clock.h"
#include "support/result.h"
#include "support/secret.h"

/// Walks a ResourceGraph through Azure, as parallel as its edges allow.
namespace defang::deploy {

/// Where a stack lives.
struct StackScope {
  std::string project, stack;
  std::string subscription, group, location;
};

/// The id of a node's resource in Azure.
azure::ResourceId resource_id(const graph::ResourceGraph& graph, const graph::Resource& resource,
                              const StackScope& scope);

/// What an action leaves behind for the nodes that refer to it.
struct Outputs {
  std::map<std::string, std::string> texts;
  std::map<std::string, Secret> secrets;
  bool unchanged = false;  // there was nothing to do
  std::string detail;      // "https://web.example", for the event
};

/// What a node that is being worked on may ask of the run.
class NodeScope {
 public:
  virtual ~NodeScope() = default;
  virtual const StackScope& stack() const = 0;
  virtual const graph::ResourceGraph& graph() const = 0;
  /// Of a node that is done.
  virtual Result<nlohmann::ordered_json> resolve(const graph::Reference& reference) = 0;
  virtual std::optional<nlohmann::json> body_of(const std::string& node) const = 0;
  virtual void waiting(const std::string& state) = 0;
  virtual void log(const std::string& line) = 0;
  virtual bool rights_are_fresh() const = 0;
  virtual bool force() const = 0;    // do again what is done already
  virtual bool rebuild() const = 0;  // build again what is built already
  /// How long a container of the service may run without passing its check; 0: nobody has said.
  virtual std::chrono::seconds patience_with(const std::string& service) const = 0;
};

/// Carries out what ARM has no resource for (deploy/actions.h).
class Actions {
 public:
  virtual ~Actions() = default;
  virtual Result<Outputs> run(const graph::Action& action, NodeScope& scope, std::stop_token stop) = 0;
  /// Asked at every poll while the resource is written; an error ends the wait. May be empty.
  virtual std::function<std::optional<Error>()> watchdog(const graph::Resource& resource,
                                                         const std::optional<nlohmann::json>& before, NodeScope& scope,
                                                         std::stop_token stop) = 0;
  /// The body to send when nothing is there yet: a deleted vault is recovered instead of created.
  virtual Result<void> before_create(const graph::Resource& resource, NodeScope& scope, std::stop_token stop) = 0;
};

struct EngineOptions {
  StackScope scope;
  std::size_t at_once = 24;                              // threads
  bool force = false;                                    // write even what is as wished for
  bool rebuild = false;                                  // build even what was built from the same things
  std::map<std::string, std::chrono::seconds> patience;  // by service (NodeScope)
  std::set<std::string> may_stop;                        // services whose stores may be down for a change
  std::set<std::string> may_lose;                        // services whose stores may lose their data by one
  /// Node that comes first, with all it needs: the storage account, whose blob holds the lease. Empty: none.
  std::string gate;
  std::function<Result<void>(NodeScope&, std::stop_token)> when_gate_is_done;
  /// Of an id in lower case: others may have changed it though our hash is on it, so it is compared. Empty: nobody has.
  std::function<bool(const std::string& id)> may_have_changed;
  std::map<std::string, nlohmann::json> scales;  // that earlier runs gave apps, by id in lower case
  bool gave_rights = false;                      // just before, by who handed this run over
};

struct RunResult {
  RunFinished finished;
  std::vector<NodeFailed> failures;
  std::vector<std::string> still_going_on;  // nodes whose operation Azure goes on with after a stop
  std::map<std::string, nlohmann::json> bodies;
  std::map<std::string, Outputs> outputs;
  std::set<std::string> written;                 // ids in lower case
  std::set<std::string> new_services;            // whose app or job was created
  std::map<std::string, nlohmann::json> scales;  // of all apps, as the plan has them
};

/// Events arrive one at a time. Returns when nothing is in flight any more.
RunResult run(const graph::ResourceGraph& graph, rest::ArmClient& arm, Actions& actions, Clock& clock,
              const EventSink& sink, const EngineOptions& options, std::stop_token stop);

}  // namespace defang::deploy
