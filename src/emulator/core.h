#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/emulator.h"
#include "emulator/engines/network_namespace.h"
#include "emulator/provider.h"
#include "emulator/runtime.h"
#include "emulator/store.h"

namespace defang::emulator {

class CertificateAuthority;

/// Opens ports on loopback. The socket server is one; tests hand out numbers.
class Listeners {
 public:
  virtual ~Listeners() = default;
  /// `wanted` 0: any free one.
  virtual Result<std::uint16_t> open(std::uint16_t wanted) = 0;
  virtual void close(std::uint16_t port) = 0;
  /// What arrives there counts as a private connection to that port.
  virtual void adopt(Descriptor listener, std::uint16_t port) = 0;
};

/// Numbers only, for EmulatorTransport.
class NumberedListeners : public Listeners {
 public:
  Result<std::uint16_t> open(std::uint16_t wanted) override { return wanted != 0 ? wanted : next_++; }
  void close(std::uint16_t) override {}
  void adopt(Descriptor, std::uint16_t) override {}

 private:
  std::uint16_t next_ = 40000;
};

/// What all of the emulator's parts share: the store, time, randomness, types, operations, endpoints, rights.
/// Everything but the registrations (made once, before the first request) needs the lock; ARM handlers are called with
/// it.
class Core {
 public:
  Core(Options options, Clock& clock, Disk& disk, Random& random, Listeners& listeners);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  /// Loads the state; on a new one makes tenant, subscription and the default principal. Opens the endpoints again.
  Result<void> start();

  /// Held while the state is used; may be taken again by the same thread. What was changed is written when the
  /// outermost is let go.
  class Lock {
   public:
    explicit Lock(Core& core);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    Core& core_;
  };
  Lock lock() { return Lock(*this); }

  Store& store() { return store_; }
  Random& random() { return random_; }
  Disk& disk() { return disk_; }
  Clock& clock() { return clock_; }
  const Options& options() const { return options_; }
  /// What runs containers; attached once, before the first request.
  void attach(Runtime& runtime) { runtime_ = &runtime; }
  Runtime& runtime() { return *runtime_; }
  /// What issues certificates; attached once. nullptr: nothing does.
  void attach(const CertificateAuthority& authority) { authority_ = &authority; }
  const CertificateAuthority* authority() const { return authority_; }
  const std::filesystem::path& folder() const { return options_.state_folder; }

  // --- time -----------------------------------------------------------------------------------------------------
  std::int64_t now_ms() const;  // Unix milliseconds
  std::string now_text() const;
  /// Azure's seconds in ours.
  std::int64_t scaled_ms(double azure_seconds) const;

  // --- registrations --------------------------------------------------------------------------------------------
  void add_type(TypeBehaviour type);
  void add_route(Route route) { routes_.push_back(std::move(route)); }
  /// Requests to an endpoint of that kind; called without the lock. `key` is what open_endpoint was given.
  using DataPlane = std::function<Answer(Core&, Request& request, const std::string& key)>;
  void add_data_plane(std::string kind, DataPlane plane) { planes_[std::move(kind)] = std::move(plane); }
  using EventHandler = std::function<void(Core&, const Json& payload)>;
  void add_event(std::string kind, EventHandler handler) { events_[std::move(kind)] = std::move(handler); }
  const TypeBehaviour* find_type(std::string_view type) const;
  const std::map<std::string, TypeBehaviour>& types() const { return types_; }
  const std::vector<Route>& routes() const { return routes_; }

  // --- timed transitions ----------------------------------------------------------------------------------------
  /// The handler of `kind` runs once that much of Azure's time has passed, with the lock; it survives a restart.
  void schedule(std::string_view kind, double azure_seconds, Json payload);
  /// Runs what is due, in order of time. Every request does so first, and the server does in between.
  void run_due();
  std::optional<std::int64_t> next_due_ms();

  // --- operations -----------------------------------------------------------------------------------------------
  std::string new_operation_id() { return random_.uuid(); }
  /// Starts an operation on a resource as the shape says, and gives its answer's headers.
  void start_operation(const std::string& operation, const Shape& shape, const Resource& resource, double azure_seconds,
                       bool held);
  rest::Headers operation_headers(const std::string& operation, const Request& request);
  struct Failure {
    std::string code, message;
    int status = 400;  // at a Location URL
  };
  void finish_operation(const std::string& operation, const std::optional<Failure>& failure);
  /// Its time is over: it succeeds, unless the type says otherwise.
  void end_operation(const std::string& operation);
  std::optional<Answer> answer_poll(const Request& request);  // nothing: the path is no operation's
  bool operation_running(const std::string& operation);

  // --- endpoints ------------------------------------------------------------------------------------------------
  /// "localhost:PORT" of a data plane; opened on first use and kept across restarts.
  std::string open_endpoint(std::string_view kind, std::string_view key);
  void close_endpoint(std::string_view kind, std::string_view key);
  /// A second way in, from a private network.
  void open_privately(std::string_view kind, std::string_view key, Descriptor listener);
  /// The kind and key of a port, or nothing: then it is ARM's.
  std::optional<std::pair<std::string, std::string>> endpoint_of(std::uint16_t port);
  const DataPlane* find_data_plane(const std::string& kind) const;
  std::string arm_base_url() const;  // "https://localhost:PORT"
  std::uint16_t arm_port() const { return arm_port_; }

  // --- resources ------------------------------------------------------------------------------------------------
  /// Erases the resource and everything below it, deepest first, telling their types.
  void remove_resource(std::string_view id);
  Json show(const Resource& resource, View view);
  /// The id with Azure's casing of the type and the group's own casing.
  std::string canonical_id(const ArmPath& path);
  Json system_data(const Resource* existing, const Caller& caller) const;

  // --- who and what (access.cc) ---------------------------------------------------------------------------------
  std::string tenant() const;
  std::string subscription() const;
  /// A principal of the directory; it becomes visible to other services a little later (ARM-42).
  struct Principal {
    std::string object_id, client_id;
  };
  Principal create_principal(std::string_view display_name, double visible_after_seconds);
  /// Does a role assignment in effect allow it? `data`: a data action. Scope: a resource id or anything below one.
  /// `attributes`: what the request says to the conditions of assignments.
  bool may(std::string_view principal, std::string_view action, std::string_view scope, bool data = false,
           const ConditionAttributes& attributes = {});
  /// What a role definition allows, built in or the subscription's own; nothing for an unknown one.
  struct Rights {
    std::string actions, not_actions, data_actions, not_data_actions;  // patterns, separated by blanks
  };
  std::optional<Rights> rights_of(std::string_view role_definition_id) const;
  /// A token for the principal, signed with our key.
  std::string issue_token(std::string_view principal, std::string_view audience, double lifetime_seconds = 3600);
  /// Whom a token was issued to; nothing for a foreign, changed or expired one.
  std::optional<Caller> check_token(std::string_view token);

 private:
  friend class Lock;
  void create_directory();
  void create_registrations();
  void open_endpoints();
  std::string signing_key() const;

  Options options_;
  Clock& clock_;
  Disk& disk_;
  Random& random_;
  Listeners& listeners_;
  Runtime* runtime_ = nullptr;
  const CertificateAuthority* authority_ = nullptr;
  Store store_;
  std::recursive_mutex mutex_;
  int depth_ = 0;
  bool running_due_ = false;
  std::map<std::string, TypeBehaviour> types_;  // by lower-case type
  std::vector<Route> routes_;
  std::map<std::string, DataPlane> planes_;
  std::map<std::string, EventHandler> events_;
  std::map<std::uint16_t, std::pair<std::string, std::string>> ports_;
  std::uint16_t arm_port_ = 0;
};

/// Registers every provider (providers/all.cc).
void add_all_providers(Core& core);

}  // namespace defang::emulator
