// ARM's verbs on resources: the checks in ARM's order, then the type's behaviour, then the shape of the answer.
#include <fmt/format.h>

#include <algorithm>

#include "emulator/changes.h"
#include "emulator/locks.h"
#include "emulator/regions.h"
#include "emulator/router.h"
#include "emulator/versions.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

bool is_group(const ArmPath& path) {
  return path.provider == "Microsoft.Resources" && path.types.size() == 1 && path.types[0] == "resourceGroups";
}

std::string short_type(const ArmPath& path) {
  std::string text = path.provider;
  for (const auto& type : path.types) text += "/" + type;
  return text;
}

Answer group_not_found(const std::string& group) {
  return gateway_error(404, "ResourceGroupNotFound", fmt::format("Resource group '{}' could not be found.", group));
}

Answer resource_not_found(const Context& context) {
  std::string name;
  for (const auto& part : context.path.names) name += (name.empty() ? "" : "/") + part;
  return gateway_error(
      404, "ResourceNotFound",
      fmt::format("The Resource '{}/{}' under resource group '{}' was not found. For more details please go to "
                  "https://aka.ms/ARMResourceNotFoundFix",
                  short_type(context.path), name, context.path.group.empty() ? "<null>" : context.path.group));
}

/// As the client's api-version knows it.
Json shown(const Context& context, const Resource& resource, View view) {
  Json body = context.core.show(resource, view);
  fit_to_version(body, resource.type, context.request.query_value("api-version"));
  return body;
}

Answer not_found(const TypeBehaviour& type, const Context& context) {
  return type.not_found ? type.not_found(context) : resource_not_found(context);
}

const Shape* shape_of(const TypeBehaviour& type, std::string_view method, bool exists) {
  const Shape* own = find_shape(type.type, method, exists);
  return own != nullptr || type.shapes.empty() ? own : find_shape(type.shapes, method, exists);
}

std::string_view verb_of(const std::string& method) {
  if (method == "GET" || method == "HEAD") return "read";
  if (method == "DELETE") return "delete";
  if (method == "POST") return "action";
  return "write";
}

std::optional<Answer> refuse_without_right(Core& core, const Request& request, const std::string& action,
                                           const std::string& scope, const ConditionAttributes& attributes = {}) {
  if (core.may(request.caller.object_id, action, scope, /*data=*/false, attributes)) return std::nullopt;
  return arm_error(403, "AuthorizationFailed",
                   fmt::format("The client '{0}' with object id '{0}' does not have authorization to perform action "
                               "'{1}' over scope '{2}' or "
                               "the scope is invalid. If access was recently granted, please refresh your credentials.",
                               request.caller.object_id, action, scope));
}

std::optional<Answer> refuse_unauthorised(const Context& context, const TypeBehaviour& type,
                                          const std::string& action_name) {
  std::string action = fmt::format("{}/{}", type.type, verb_of(context.request.method));
  if (equals_ignoring_case(type.type, "Microsoft.Resources/resourceGroups"))
    action = fmt::format("Microsoft.Resources/subscriptions/resourceGroups/{}", verb_of(context.request.method));
  if (!action_name.empty()) action = fmt::format("{}/{}/action", type.type, action_name);
  return refuse_without_right(context.core, context.request, action, context.path.id(),
                              type.attributes ? type.attributes(context) : ConditionAttributes());
}

std::optional<Answer> check_scope(Core& core, const ArmPath& path, bool write) {
  if (!path.subscription.empty() && !equals_ignoring_case(path.subscription, core.subscription()))
    return gateway_error(404, "SubscriptionNotFound",
                         fmt::format("The subscription '{}' could not be found.", path.subscription));
  if (write && path.provider != "Microsoft.Resources" && !path.subscription.empty()) {
    const Json* registration = core.store().find_document("registrations", path.provider);
    if (registration != nullptr && text_at(*registration, "state") != "Registered")
      return gateway_error(409, "MissingSubscriptionRegistration",
                           fmt::format("The subscription is not registered to use namespace '{}'. See "
                                       "https://aka.ms/rps-not-found for how to register subscriptions.",
                                       path.provider));
  }
  if (path.group.empty() || is_group(path)) return std::nullopt;
  const Resource* group =
      core.store().find(fmt::format("/subscriptions/{}/resourceGroups/{}", path.subscription, path.group));
  if (group == nullptr) return group_not_found(path.group);
  if (write && group->state() == "Deleting")
    return gateway_error(
        409, "ResourceGroupBeingDeleted",
        fmt::format("The resource group '{}' is in deprovisioning state and cannot perform this operation.",
                    path.group));
  return std::nullopt;
}

std::optional<Answer> check_parent(const Context& context) {
  if (context.path.names.size() <= 1) return std::nullopt;
  const std::string parent = context.path.parent_id();
  if (context.core.store().find(parent) != nullptr) return std::nullopt;
  ArmPath below = context.path;
  const std::string verb(verb_of(context.request.method));
  return gateway_error(
      404, "ParentResourceNotFound",
      fmt::format(
          "Failed to perform '{}' on resource(s) of type '{}', because the parent resource '{}' could not be found.",
          verb, join(below.types, "/"), parent));
}

std::optional<Answer> check_location(const TypeBehaviour& type, const Write& write) {
  using Location = TypeBehaviour::Location;
  const std::string sent = text_at(write.sent, "location");
  if (type.location == Location::none) return std::nullopt;
  if (sent.empty()) {
    if (type.location == Location::optional || write.patch) return std::nullopt;
    return gateway_error(400, "LocationRequired", "The location property is required for this definition.");
  }
  const std::string location = region_name(sent);
  const bool known =
      type.location == Location::global ? location == "global" : is_region(location) || location == "global";
  if (!known)
    return gateway_error(
        400, "LocationNotAvailableForResourceType",
        fmt::format("The provided location '{}' is not available for resource type '{}'. List of available regions for "
                    "the resource type is "
                    "'{}'.",
                    sent, type.type, type.location == Location::global ? "global" : join(region_names(), ",")));
  if (write.existing != nullptr && !write.existing->location().empty() && write.existing->location() != location)
    return gateway_error(409, "InvalidResourceLocation",
                         fmt::format("The resource '{}' already exists in location '{}' in resource group '{}'. A "
                                     "resource with the same name cannot be "
                                     "created in location '{}'. Please select a new resource name.",
                                     write.path.name(), write.existing->location(), write.path.group, location));
  return std::nullopt;
}

Json envelope(const TypeBehaviour& type, const std::string& id, const Json& sent) {
  Json body = {{"id", id}, {"name", id.substr(id.rfind('/') + 1)}, {"type", type.type}};
  for (const auto& [name, value] : sent.items()) {
    const std::string lower = to_lower(name);
    if (lower == "id" || lower == "name" || lower == "type" || lower == "systemdata" || lower == "etag" ||
        value.is_null())
      continue;
    body[name] = value;
  }
  return body;
}

Answer first_answer(Write& write, const TypeBehaviour& type, const Shape* shape, Resource& stored) {
  const bool existed = write.existing != nullptr;
  if (shape == nullptr) {
    Answer answer = json_answer(existed ? 200 : 201, shown(write, stored, View::first_answer));
    // Complete already, and still a Location: the resource itself (wire facts 1.6).
    if (!existed && type.type == "Microsoft.ManagedIdentity/userAssignedIdentities")
      answer.headers.set("Location", fmt::format("{}{}?api-version={}", write.request.base_url, stored.id,
                                                 write.request.query_value("api-version")));
    return answer;
  }
  const double seconds = write.seconds >= 0 ? write.seconds : shape->seconds;
  const bool timed = shape->headers != Shape::Headers::none || seconds > 0 || write.held;
  if (!type.no_state && !shape->state.empty() && write.seconds != 0)
    stored.properties()["provisioningState"] = shape->state;
  rest::Headers headers;
  if (timed) {
    stored.hidden["operation"] = write.operation;
    write.core.start_operation(write.operation, *shape, stored, seconds, write.held);
    headers = write.core.operation_headers(write.operation, write.request);
  }
  Answer answer = empty_answer(shape->status);
  if (shape->body == Shape::Body::resource)
    answer = json_answer(shape->status, shown(write, stored, View::first_answer));
  if (shape->body == Shape::Body::text_plain) answer.headers.set("Content-Type", "text/plain; charset=utf-8");
  for (const auto& [name, value] : headers.fields()) answer.headers.set(name, value);
  return answer;
}

Answer accept_failure(Write& write, const Shape& shape) {
  write.core.start_operation(write.operation, shape, write.next, shape.seconds, false);
  write.core.store().edit_document("operations", write.operation)["fails"] = write.failure;
  Answer answer = empty_answer(shape.status);
  answer.headers = write.core.operation_headers(write.operation, write.request);
  return answer;
}

Answer write_resource(Context context, const TypeBehaviour& type) {
  Core& core = context.core;
  if (type.read_only) return arm_error(405, "MethodNotAllowed", "The request method is not allowed on this resource.");
  auto sent = context.request.json();
  if (!sent || !sent->is_object())
    return gateway_error(400, "InvalidRequestContent",
                         "The request content was invalid and could not be deserialized: 'Unexpected character "
                         "encountered while parsing value.'");
  Write write{context};
  write.patch = context.request.method == "PATCH";
  if (write.patch && context.existing == nullptr) return not_found(type, context);
  if (type.check_name && !write.patch)
    if (auto refusal = type.check_name(context)) return *refusal;
  if (auto refusal = check_parent(context)) return *refusal;
  write.sent = *sent;
  if (auto refusal = check_location(type, write)) return *refusal;

  Json wanted = write.sent;
  if (write.patch) {
    wanted = context.existing->body;
    merge_patch(wanted, write.sent);
  }
  if (auto refusal = check_body(wanted, type.checks, type.default_code)) return *refusal;
  const std::string id = context.existing != nullptr ? context.existing->id : core.canonical_id(context.path);
  write.next.id = id;
  write.next.type = type.type;
  write.next.body = envelope(type, id, wanted);
  write.next.hidden = context.existing != nullptr ? context.existing->hidden : Json::object();
  write.operation = core.new_operation_id();
  if (type.write)
    if (auto refusal = type.write(write)) return *refusal;
  if (type.system_data) write.next.body["systemData"] = core.system_data(context.existing, context.request.caller);
  mark_change(core, write.next);

  const Shape* shape = shape_of(type, write.shape_method.empty() ? context.request.method : write.shape_method,
                                context.existing != nullptr);
  if (!type.no_state && (shape == nullptr || shape->state == "Succeeded"))
    write.next.properties()["provisioningState"] = "Succeeded";
  if (!write.failure.is_null() && shape != nullptr) return accept_failure(write, *shape);
  // `existing` points into the store: whether there was one must be known after it is replaced.
  Resource& stored = core.store().put(write.next);
  Answer answer = first_answer(write, type, shape, stored);
  if (!core.operation_running(write.operation) && type.finished) type.finished(core, stored);
  if (!write.notes.empty()) answer.headers.set("x-emulator-note", join(write.notes, "; "));
  return answer;
}

Answer remove(const Context& context, const TypeBehaviour& type) {
  Core& core = context.core;
  if (type.read_only) return arm_error(405, "MethodNotAllowed", "The request method is not allowed on this resource.");
  if (context.existing == nullptr)
    return is_group(context.path) ? group_not_found(context.path.group) : empty_answer(204);
  if (auto refusal = refuse_locked(core, context.path.id(), LockedVerb::remove)) return *refusal;
  if (type.remove)
    if (auto refusal = type.remove(context)) return *refusal;
  const Shape* shape = shape_of(type, "DELETE", true);
  if (shape == nullptr || shape->headers == Shape::Headers::none) {
    Answer answer = empty_answer(shape == nullptr ? 200 : shape->status);
    if (shape != nullptr && shape->body == Shape::Body::resource)
      answer = json_answer(200, shown(context, *context.existing, View::get));
    core.remove_resource(context.path.id());
    return answer;
  }
  const std::string operation = core.new_operation_id();
  const double seconds = type.removal_seconds ? type.removal_seconds(core, *context.existing) : shape->seconds;
  Resource& going = core.store().edit(context.path.id());
  if (!type.no_state)
    going.properties()["provisioningState"] = shape->state == "Succeeded" ? "Deleting" : std::string(shape->state);
  going.hidden["operation"] = operation;
  core.start_operation(operation, *shape, going, seconds, false);
  Answer answer = shape->body == Shape::Body::resource ? json_answer(shape->status, shown(context, going, View::get))
                                                       : empty_answer(shape->status);
  const rest::Headers headers = core.operation_headers(operation, context.request);
  for (const auto& [name, value] : headers.fields()) answer.headers.set(name, value);
  return answer;
}

Answer list(const Context& context, const TypeBehaviour& type) {
  const std::string below = context.path.id();
  auto found = context.core.store().resources_below(context.path.names.empty() ? context.path.scope : below);
  std::erase_if(found, [&](const Resource* resource) { return !equals_ignoring_case(resource->type, type.type); });
  std::ranges::stable_sort(found, {}, [](const Resource* r) { return text_at(r->body, "systemData.createdAt"); });
  Json values = Json::array();
  for (const Resource* resource : found) values.push_back(shown(context, *resource, View::list));
  return json_answer(200, {{"value", values}});
}

Answer answer_one(Context& context, const TypeBehaviour& type) {
  const std::string& method = context.request.method;
  if (method == "PUT" || method == "PATCH") {
    if (auto refusal = refuse_locked(context.core, context.path.id(), LockedVerb::write)) return *refusal;
    return write_resource(context, type);
  }
  if (method == "DELETE") return remove(context, type);
  if (method == "HEAD") return context.existing == nullptr ? gateway_error(404, "NotFound", "") : empty_answer(204);
  if (method != "GET") return arm_error(405, "MethodNotAllowed", "The request method is not allowed on this resource.");
  if (context.existing == nullptr) {
    if (is_group(context.path)) return group_not_found(context.path.group);
    if (auto refusal = check_parent(context)) return resource_not_found(context);
    return not_found(type, context);
  }
  return json_answer(200, shown(context, *context.existing, View::get));
}

std::string lower_action(const Context& context) {
  return to_lower(fmt::format("{} {}", context.request.method, context.path.types.back()));
}

/// "POST {resource}/listKeys" or a collection such as "GET {resource}/subnets".
Answer answer_trailing(Context& context) {
  const TypeBehaviour* parent = context.core.find_type(context.path.parent_type());
  ArmPath owner = context.path;
  owner.types.pop_back();
  if (parent != nullptr) {
    for (const auto& [name, action] : parent->actions) {
      if (to_lower(name) != lower_action(context)) continue;
      context.existing = context.core.store().find(owner.id());
      Context at_owner{context.core, context.request, owner, context.existing};
      if (auto refusal =
              refuse_unauthorised(at_owner, *parent, context.request.method == "POST" ? context.path.types.back() : ""))
        return *refusal;
      if (context.existing == nullptr) return not_found(*parent, at_owner);
      if (context.request.method == "POST")
        if (auto refusal = refuse_locked(context.core, owner.id(), LockedVerb::write)) return *refusal;
      return action(context);
    }
  }
  const TypeBehaviour* listed = context.core.find_type(context.path.type());
  if (listed == nullptr) {
    if (parent == nullptr && !context.path.names.empty())
      return not_implemented("the resource type " + context.path.parent_type());
    return not_implemented(fmt::format("{} {}", context.request.method, context.path.type()));
  }
  if (context.request.method != "GET")
    return arm_error(405, "MethodNotAllowed", "The request method is not allowed on a collection.");
  if (auto refusal = refuse_unauthorised(context, *listed, "")) return *refusal;
  if (context.path.names.size() >= 1 && context.core.store().find(owner.id()) == nullptr)
    return resource_not_found({context.core, context.request, owner});
  return list(context, *listed);
}

}  // namespace

std::optional<Answer> check_request(Core& core, const Request& request, const ArmPath& path,
                                    const std::string& action) {
  if (request.query_value("api-version").empty())
    return gateway_error(400, "MissingApiVersionParameter",
                         "The api-version query parameter (?api-version=) is required for all requests.");
  if (auto refusal = check_scope(core, path, request.method == "PUT" || request.method == "PATCH")) return refusal;
  return refuse_without_right(core, request, action, path.id());
}

Answer answer_resource(Core& core, const Request& request) {
  if (request.query_value("api-version").empty())
    return gateway_error(400, "MissingApiVersionParameter",
                         "The api-version query parameter (?api-version=) is required for all requests.");
  const auto path = parse_arm_path(request.segments);
  if (!path) return not_implemented(fmt::format("{} {}", request.method, request.path));
  Context context{core, request, *path};
  const bool write = request.method == "PUT" || request.method == "PATCH";
  const TypeBehaviour* type = path->names_resource() ? core.find_type(path->type()) : nullptr;
  if (path->names_resource() && type == nullptr) return not_implemented("the resource type " + path->type());
  // The parent is looked for before the group when something nested is deleted
  // (Storage_StorageAccount_20230101_CRUD, after the group had gone).
  if (type != nullptr && request.method == "DELETE")
    if (auto refusal = check_parent(context)) return *refusal;
  if (auto refusal = check_scope(core, *path, write)) return *refusal;
  if (!path->names_resource()) return answer_trailing(context);
  if (auto refusal = refuse_unauthorised(context, *type, "")) return *refusal;
  context.existing = core.store().find(path->id());
  return answer_one(context, *type);
}

}  // namespace defang::emulator
