#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/answer.h"
#include "emulator/arm_path.h"
#include "emulator/body_check.h"
#include "emulator/request.h"
#include "emulator/role_condition.h"
#include "emulator/shapes.h"
#include "emulator/store.h"

/// What a resource provider tells the core about its types. A provider's file has one function `void add_x(Core&)` that
/// calls Core::add_type for each type and Core::add_route for what is no resource; list it in providers/all.cc.
namespace defang::emulator {

class Core;

/// One request for a resource (or a collection or an action of one), under the core's lock.
struct Context {
  Core& core;
  const Request& request;
  ArmPath path;
  const Resource* existing = nullptr;  // the one that the path names; for an action or a collection: the parent
};

/// A PUT or PATCH about to happen. `next.body` holds id, name, type and what was sent (PATCH: merged into what was
/// there); the provider completes it.
struct Write : Context {
  bool patch = false;
  Json sent;                       // the body as it came, checked
  Resource next;                   // will be stored
  double seconds = -1;             // of the operation, in Azure's time; -1: the shape's median
  bool held = false;               // the operation does not end by time: the provider calls Core::finish_operation
  Json failure;                    // {"code", "message"}: the write is accepted, its operation fails, nothing is stored
  std::vector<std::string> notes;  // on what nobody has verified and is therefore not enforced; for the request log
  std::string shape_method;  // another row of shapes.cc than the request's method: "PATCH identity"; empty: as asked
  std::string operation;     // id of the operation that this write starts, known before it is stored
};

enum class View { first_answer, get, list };

struct TypeBehaviour {
  std::string type;         // Azure's casing; "Microsoft.App/containerApps"
  std::string id_type;      // where ids show another casing ("Microsoft.App/containerapps"); empty: as `type`
  std::string_view shapes;  // the family whose rows of shapes.cc it uses where it has none of its own
  enum class Location { required, global, optional, none } location = Location::required;
  bool system_data = false;  // shows systemData
  bool no_state = false;     // the type has no provisioningState
  bool read_only = false;    // PUT, PATCH and DELETE answer 405
  std::vector<BodyCheck> checks;
  std::string default_code = "InvalidRequestContent";  // of body errors

  // Every function may be empty. An Answer refuses.
  std::function<ConditionAttributes(const Context&)> attributes;    // what conditions of role assignments ask about
  std::function<std::optional<Answer>(const Context&)> check_name;  // before anything else of a PUT
  std::function<std::optional<Answer>(Write&)> write;
  std::function<std::string(Core&, const Resource&)> fails;       // a write's operation ends: why it fails, if so
  std::function<void(Core&, Resource&)> finished;                 // the write's operation has succeeded
  std::function<std::optional<Answer>(const Context&)> remove;    // may refuse
  std::function<void(Core&, const Resource&)> removed;            // it is gone from the store
  std::function<Json(Core&, const Resource&, View)> show;         // default: the body
  std::function<Answer(const Context&)> not_found;                // default: ResourceNotFound
  std::function<double(Core&, const Resource&)> removal_seconds;  // default: the shape's

  /// "POST listKeys", "GET keys": what follows the resource's id and is no child type. Without case.
  std::map<std::string, std::function<Answer(const Context&)>> actions;
};

/// A path that is no resource:
/// "/subscriptions/{subscription}/providers/Microsoft.KeyVault/locations/{location}/deletedVaults/{name}". Matched
/// without case before the types; captures are in Request::captures.
struct Route {
  enum class Access { signed_in, everyone };
  std::string method;  // "*": any
  std::string pattern;
  Access access = Access::signed_in;
  std::function<Answer(Core&, const Request&)> answer;
  bool locked = true;  // false: the route takes Core::lock() itself, where it needs it
};

}  // namespace defang::emulator
