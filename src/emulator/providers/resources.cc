// Microsoft.Resources: subscriptions, provider registration, resource groups, tags.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <regex>

#include "emulator/changes.h"
#include "emulator/providers/all.h"
#include "emulator/regions.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

Json subscription_body(Core& core) {
  return {
      {"id", "/subscriptions/" + core.subscription()},
      {"authorizationSource", "RoleBased"},
      {"managedByTenants", Json::array()},
      {"subscriptionId", core.subscription()},
      {"tenantId", core.tenant()},
      {"displayName", "defang emulator"},
      {"state", "Enabled"},
      {"subscriptionPolicies",
       {{"locationPlacementId", "Public_2014-09-01"}, {"quotaId", "PayAsYouGo_2014-09-01"}, {"spendingLimit", "Off"}}}};
}

std::optional<Answer> refuse_other(Core& core, const Request& request) {
  const std::string wanted = request.captures.at("subscription");
  if (equals_ignoring_case(wanted, core.subscription())) return std::nullopt;
  return gateway_error(404, "SubscriptionNotFound", fmt::format("The subscription '{}' could not be found.", wanted));
}

Answer get_subscription(Core& core, const Request& request) {
  if (auto refusal = refuse_other(core, request)) return *refusal;
  return json_answer(200, subscription_body(core));
}

Answer list_subscriptions(Core& core, const Request&) {
  return json_answer(200,
                     {{"value", Json::array({subscription_body(core)})}, {"count", {{"type", "Total"}, {"value", 1}}}});
}

Answer list_tenants(Core& core, const Request&) {
  return json_answer(200, {{"value", Json::array({{{"id", "/tenants/" + core.tenant()},
                                                   {"tenantId", core.tenant()},
                                                   {"countryCode", "US"},
                                                   {"displayName", "defang emulator"},
                                                   {"domains", Json::array({"defang.example"})},
                                                   {"tenantCategory", "Home"},
                                                   {"defaultDomain", "defang.example"},
                                                   {"tenantType", "AAD"}}})}});
}

Answer list_locations(Core& core, const Request& request) {
  if (auto refusal = refuse_other(core, request)) return *refusal;
  Json values = Json::array();
  for (const auto& name : region_names())
    values.push_back({{"id", fmt::format("/subscriptions/{}/locations/{}", core.subscription(), name)},
                      {"name", name},
                      {"type", "Region"},
                      {"displayName", display_name(name)},
                      {"regionalDisplayName", display_name(name)},
                      {"metadata", {{"regionType", "Physical"}, {"regionCategory", "Recommended"}}}});
  return json_answer(200, {{"value", values}});
}

// --- provider registration ------------------------------------------------------------------------------------------

std::string registration_state(Core& core, const std::string& name_space) {
  const Json* known = core.store().find_document("registrations", name_space);
  return known == nullptr ? "Registered" : text_at(*known, "state");
}

/// Every namespace of which a type is served.
std::map<std::string, std::string> namespaces(Core& core) {
  std::map<std::string, std::string> names;
  for (const auto& [key, type] : core.types()) {
    const std::string name = type.type.substr(0, type.type.find('/'));
    names[to_lower(name)] = name;
  }
  return names;
}

Json provider_body(Core& core, const std::string& name_space) {
  Json types = Json::array();
  Json locations = Json::array();
  for (const auto& region : region_names()) locations.push_back(display_name(region));
  for (const auto& [key, type] : core.types()) {
    const auto slash = type.type.find('/');
    if (!equals_ignoring_case(type.type.substr(0, slash), name_space)) continue;
    types.push_back({{"resourceType", type.type.substr(slash + 1)},
                     {"locations", locations},
                     {"apiVersions", Json::array({"2025-01-01", "2024-03-01"})},
                     {"capabilities",
                      "CrossResourceGroupResourceMove, CrossSubscriptionResourceMove, SystemAssignedResourceIdentity, "
                      "SupportsTags, SupportsLocation"}});
  }
  return {{"id", fmt::format("/subscriptions/{}/providers/{}", core.subscription(), name_space)},
          {"namespace", name_space},
          {"authorizations", Json::array()},
          {"resourceTypes", types},
          {"registrationState", registration_state(core, name_space)},
          {"registrationPolicy", "RegistrationRequired"}};
}

std::optional<std::string> known_namespace(Core& core, const Request& request) {
  const auto all = namespaces(core);
  const auto found = all.find(to_lower(request.captures.at("namespace")));
  if (found == all.end()) return std::nullopt;
  return found->second;
}

Answer unknown_namespace(const Request& request) {
  return gateway_error(404, "InvalidResourceNamespace",
                       fmt::format("The resource namespace '{}' is invalid.", request.captures.at("namespace")));
}

Answer get_provider(Core& core, const Request& request) {
  if (auto refusal = refuse_other(core, request)) return *refusal;
  const auto name = known_namespace(core, request);
  return name ? json_answer(200, provider_body(core, *name)) : unknown_namespace(request);
}

Answer list_providers(Core& core, const Request& request) {
  if (auto refusal = refuse_other(core, request)) return *refusal;
  Json values = Json::array();
  for (const auto& [key, name] : namespaces(core)) values.push_back(provider_body(core, name));
  return json_answer(200, {{"value", values}});
}

Answer register_provider(Core& core, const Request& request) {
  if (auto refusal = refuse_other(core, request)) return *refusal;
  const auto name = known_namespace(core, request);
  if (!name) return unknown_namespace(request);
  if (!core.may(request.caller.object_id, *name + "/register/action", "/subscriptions/" + core.subscription()))
    return arm_error(403, "AuthorizationFailed",
                     fmt::format("The client '{0}' with object id '{0}' does not have authorization to perform action "
                                 "'{1}/register/action' over scope "
                                 "'/subscriptions/{2}' or the scope is invalid. If access was recently granted, please "
                                 "refresh your credentials.",
                                 request.caller.object_id, *name, core.subscription()));
  if (registration_state(core, *name) == "NotRegistered" || registration_state(core, *name) == "Unregistered") {
    core.store().edit_document("registrations", *name) = {{"state", "Registering"}};
    core.schedule("provider-registered", 60,
                  {{"namespace", *name}});  // "a few minutes" in practice; no recording shows the end
  }
  return json_answer(200, provider_body(core, *name));
}

Answer unregister_provider(Core& core, const Request& request) {
  if (auto refusal = refuse_other(core, request)) return *refusal;
  const auto name = known_namespace(core, request);
  if (!name) return unknown_namespace(request);
  core.store().edit_document("registrations", *name) = {{"state", "Unregistered"}};
  return json_answer(200, provider_body(core, *name));
}

// --- groups
// -----------------------------------------------------------------------------------------------------------

std::optional<Answer> check_group_name(const Context& context) {
  static const std::regex kName(R"([\w._()-]{1,90})");  // ARM-60
  const std::string name = context.path.name();
  if (std::regex_match(name, kName) && !name.ends_with('.')) return std::nullopt;
  return gateway_error(400, "InvalidResourceGroup",
                       fmt::format("The provided resource group name '{}' has these invalid characters or length. The "
                                   "name can only be a letter, digit, '-', "
                                   "'.', '(', ')' or '_'.",
                                   name));
}

std::optional<Answer> write_group(Write& write) {
  const std::string location = to_lower(replace_all(text_at(write.next.body, "location"), " ", ""));
  if (location.empty())
    return gateway_error(400, "LocationRequired", "The location property is required for this definition.");
  if (write.existing != nullptr && write.existing->location() != location)
    return gateway_error(
        409, "InvalidResourceGroupLocation",
        fmt::format("Invalid resource group location '{}'. The Resource group already exists in location '{}'.",
                    location, write.existing->location()));
  if (!is_region(location))
    return gateway_error(
        400, "LocationNotAvailableForResourceGroup",
        fmt::format(
            "The provided location '{}' is not available for resource group. List of available regions is '{}'.",
            text_at(write.next.body, "location"), join(region_names(), ",")));
  Json body = {{"id", write.next.id},
               {"name", write.next.name()},
               {"type", "Microsoft.Resources/resourceGroups"},
               {"location", location}};
  if (const Json* managed_by = find_member(write.next.body, "managedBy")) body["managedBy"] = *managed_by;
  if (const Json* tags = find_member(write.next.body, "tags")) body["tags"] = *tags;
  body["properties"] = {{"provisioningState", "Succeeded"}};
  write.next.body = std::move(body);
  return std::nullopt;
}

/// The longest of what is in it: resources go at the same time, as far as they do not need each other.
double group_removal_seconds(Core& core, const Resource& group) {
  double seconds = 10;
  for (const Resource* resource : core.store().resources_below(group.id))
    if (const Shape* shape = find_shape(resource->type, "DELETE", true))
      seconds = std::max(seconds, shape->seconds + 10);
  return seconds;
}

bool has_tag(const Resource& resource, const std::string& name, const std::optional<std::string>& value) {
  const Json* tags = find_member(resource.body, "tags");
  const Json* found = tags == nullptr ? nullptr : find_member(*tags, name);
  return found != nullptr && (!value || (found->is_string() && found->get<std::string>() == *value));
}

/// "tagName eq 'a' and tagValue eq 'b'"; "resourceType eq 'X'"; without case.
std::map<std::string, std::string> parse_filter(const std::string& filter) {
  static const std::regex kTerm(R"((\w+)\s+eq\s+'([^']*)')", std::regex::icase);
  std::map<std::string, std::string> terms;
  for (std::sregex_iterator at(filter.begin(), filter.end(), kTerm), end; at != end; ++at)
    terms[to_lower((*at)[1].str())] = (*at)[2].str();
  return terms;
}

bool passes(const Resource& resource, const std::map<std::string, std::string>& filter) {
  const auto tag = filter.find("tagname");
  if (tag != filter.end()) {
    const auto value = filter.find("tagvalue");
    if (!has_tag(resource, tag->second, value == filter.end() ? std::nullopt : std::optional(value->second)))
      return false;
  }
  const auto type = filter.find("resourcetype");
  return type == filter.end() || equals_ignoring_case(resource.type, type->second);
}

Answer list_groups(Core& core, const Request& request) {
  if (auto refusal = refuse_other(core, request)) return *refusal;
  const auto filter = parse_filter(request.query_value("$filter"));
  Json values = Json::array();
  for (const Resource* group : core.store().resources_of_type("Microsoft.Resources/resourceGroups"))
    if (passes(*group, filter)) values.push_back(core.show(*group, View::list));
  return json_answer(200, {{"value", values}});
}

/// `$expand=createdTime,changedTime,provisioningState`: the recordings of deployment stacks show all three.
void expand(Json& view, const Resource& resource, const std::string& wanted) {
  for (const auto& name : split(wanted, ',')) {
    if (equals_ignoring_case(name, "provisioningState")) view["provisioningState"] = resource.state();
    for (const char* time : {"createdTime", "changedTime"})
      if (equals_ignoring_case(name, time) && resource.hidden.contains(time)) view[time] = resource.hidden[time];
  }
}

Json generic_view(const Resource& resource) {
  Json view = Json::object();
  for (const char* name :
       {"id", "name", "type", "location", "kind", "managedBy", "sku", "identity", "tags", "plan", "zones"})
    if (const Json* value = find_member(resource.body, name)) view[name] = *value;
  return view;
}

/// Top-level resources only, as the resources list has them.
Answer list_resources(Core& core, const Request& request) {
  if (auto refusal = refuse_other(core, request)) return *refusal;
  const auto filter = parse_filter(request.query_value("$filter"));
  std::string scope = "/subscriptions/" + core.subscription();
  const auto group = request.captures.find("group");
  if (group != request.captures.end()) {
    scope += "/resourceGroups/" + group->second;
    if (core.store().find(scope) == nullptr)
      return gateway_error(404, "ResourceGroupNotFound",
                           fmt::format("Resource group '{}' could not be found.", group->second));
  }
  Json values = Json::array();
  for (const Resource* resource : core.store().resources_below(scope)) {
    const auto path = parse_arm_id(resource->id);
    if (!path || path->names.size() != 1 || path->group.empty() || !resource->body.contains("location")) continue;
    if (resource->type != "Microsoft.Resources/resourceGroups" && passes(*resource, filter))
      expand(values.emplace_back(generic_view(*resource)), *resource, request.query_value("$expand"));
  }
  return json_answer(200, {{"value", values}});
}

// --- tags
// -------------------------------------------------------------------------------------------------------------

Answer tags_at_scope(const Context& context) {
  Core& core = context.core;
  const std::string scope = context.path.scope;
  const bool at_subscription = equals_ignoring_case(scope, "/subscriptions/" + core.subscription());
  if (!at_subscription && core.store().find(scope) == nullptr)
    return gateway_error(404, "ResourceNotFound", fmt::format("The Resource '{}' was not found.", scope));
  const auto current = [&]() -> Json {
    if (at_subscription) return core.store().edit_document("emulator", "subscription-tags");
    const Json* tags = find_member(core.store().find(scope)->body, "tags");
    return tags == nullptr ? Json::object() : *tags;
  };
  const auto replace = [&](const Json& tags) {
    if (at_subscription)
      core.store().edit_document("emulator", "subscription-tags") = tags;
    else {
      Resource& resource = core.store().edit(scope);
      resource.body["tags"] = tags;
      mark_change(core, resource);
    }
  };
  const auto shown = [&](const Json& tags) {
    return Json{{"id", scope + "/providers/Microsoft.Resources/tags/default"},
                {"name", "default"},
                {"type", "Microsoft.Resources/tags"},
                {"properties", {{"tags", tags.is_null() ? Json::object() : tags}}}};
  };
  const std::string& method = context.request.method;
  if (method == "GET") return json_answer(200, shown(current()));
  if (method == "DELETE") {
    replace(Json::object());
    return empty_answer(200);
  }
  const auto body = context.request.json();
  const Json* sent = body ? find_path(*body, "properties.tags") : nullptr;
  if (sent == nullptr)
    return gateway_error(400, "InvalidRequestContent",
                         "The request content was invalid and could not be deserialized.");
  Json tags = method == "PUT" ? Json::object() : current();
  const std::string operation = method == "PUT" ? "merge" : to_lower(text_at(*body, "operation"));
  if (operation == "replace") tags = Json::object();
  for (const auto& [name, value] : sent->items()) {
    if (operation == "delete")
      tags.erase(name);
    else
      tags[name] = value;
  }
  replace(tags);
  return json_answer(200, shown(tags));
}

Answer tags_route(Core& core, const Request& request) {
  const auto path = parse_arm_path(request.segments);
  return tags_at_scope({core, request, *path});
}

}  // namespace

void add_resources(Core& core) {
  const auto signed_in = Route::Access::signed_in;
  core.add_route({"GET", "/subscriptions", signed_in, list_subscriptions});
  core.add_route({"GET", "/tenants", signed_in, list_tenants});
  core.add_route({"GET", "/subscriptions/{subscription}", signed_in, get_subscription});
  core.add_route({"GET", "/subscriptions/{subscription}/locations", signed_in, list_locations});
  core.add_route({"GET", "/subscriptions/{subscription}/providers", signed_in, list_providers});
  core.add_route({"GET", "/subscriptions/{subscription}/providers/{namespace}", signed_in, get_provider});
  core.add_route(
      {"POST", "/subscriptions/{subscription}/providers/{namespace}/register", signed_in, register_provider});
  core.add_route(
      {"POST", "/subscriptions/{subscription}/providers/{namespace}/unregister", signed_in, unregister_provider});
  core.add_route({"GET", "/subscriptions/{subscription}/resourceGroups", signed_in, list_groups});
  core.add_route({"GET", "/subscriptions/{subscription}/resourceGroups/{group}/resources", signed_in, list_resources});
  core.add_route({"GET", "/subscriptions/{subscription}/resources", signed_in, list_resources});
  core.add_route(
      {"*", "/subscriptions/{subscription}/providers/Microsoft.Resources/tags/default", signed_in, tags_route});
  core.add_route({"*",
                  "/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Resources/tags/default",
                  signed_in, tags_route});
  core.add_route({"*",
                  "/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{type}/{name}/providers/"
                  "Microsoft.Resources/tags/default",
                  signed_in, tags_route});
  core.add_event("provider-registered", [](Core& at, const Json& payload) {
    at.store().edit_document("registrations", text_at(payload, "namespace")) = {{"state", "Registered"}};
  });
  core.add_type({.type = "Microsoft.Resources/resourceGroups",
                 .location = TypeBehaviour::Location::none,  // write_group has codes of its own
                 .check_name = check_group_name,
                 .write = write_group,
                 .removal_seconds = group_removal_seconds});
}

}  // namespace defang::emulator
