// Microsoft.Authorization: role definitions and assignments, the caller's permissions.
#include <fmt/format.h>

#include <regex>

#include "emulator/providers/all.h"
#include "emulator/roles.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

// Roles are read from caches: "several minutes" are documented (ARM-45); measured for vaults: up to a minute.
constexpr double kPropagationSeconds = 60;

constexpr std::string_view kDefinitions = "Microsoft.Authorization/roleDefinitions";
/// Of a principal whose type nobody has told.
constexpr std::string_view kUsualType = "ServicePrincipal";

Json list_of(std::string_view blank_separated) {
  Json values = Json::array();
  for (const auto& part : split(blank_separated, ' '))
    if (!part.empty()) values.push_back(part);
  return values;
}

Json definition_body(Core& core, const Role& role) {
  return {{"properties",
           {{"roleName", role.name},
            {"type", "BuiltInRole"},
            {"description", role.description},
            {"assignableScopes", Json::array({"/"})},
            {"permissions", Json::array({{{"actions", list_of(role.actions)},
                                          {"notActions", list_of(role.not_actions)},
                                          {"dataActions", list_of(role.data_actions)},
                                          {"notDataActions", Json::array()}}})},
            {"createdOn", "2015-02-02T21:55:09.8800000Z"},
            {"updatedOn", "2021-11-11T20:13:45.8900000Z"},
            {"createdBy", nullptr},
            {"updatedBy", nullptr}}},
          {"id", fmt::format("/subscriptions/{}/providers/Microsoft.Authorization/roleDefinitions/{}",
                             core.subscription(), role.id)},
          {"type", "Microsoft.Authorization/roleDefinitions"},
          {"name", role.id}};
}

Answer list_definitions(Core& core, const Request& request) {
  static const std::regex kByName(R"(roleName\s+eq\s+'([^']*)')", std::regex::icase);
  const std::string filter = request.query_value("$filter");
  std::smatch found;
  const bool by_name = std::regex_search(filter, found, kByName);
  Json values = Json::array();
  for (const auto& role : built_in_roles())
    if (!by_name || equals_ignoring_case(role.name, found[1].str())) values.push_back(definition_body(core, role));
  for (const Resource* custom : core.store().resources_of_type(kDefinitions))
    if (!by_name || equals_ignoring_case(text_at(custom->body, "properties.roleName"), found[1].str()))
      values.push_back(custom->body);
  return json_answer(200, {{"value", values}});
}

Answer get_definition(Core& core, const std::string& name) {
  if (const Role* role = find_role(name)) return json_answer(200, definition_body(core, *role));
  for (const Resource* custom : core.store().resources_of_type(kDefinitions))
    if (equals_ignoring_case(custom->name(), name)) return json_answer(200, custom->body);
  return arm_error(404, "RoleDefinitionDoesNotExist",
                   fmt::format("The specified role definition with ID '{}' does not exist.", name));
}

/// A custom role. Names are unique in the directory ("Azure custom roles").
std::optional<Answer> write_definition(Write& write) {
  Core& core = write.core;
  const Json sent = write.next.properties();
  const std::string name = text_at(sent, "roleName");
  if (find_role(write.path.name()) != nullptr)
    return arm_error(403, "AuthorizationFailed", "Built-in roles cannot be changed.");
  for (const Resource* other : core.store().resources_of_type(kDefinitions))
    if (!equals_ignoring_case(other->id, write.next.id) &&
        equals_ignoring_case(text_at(other->body, "properties.roleName"), name))
      return arm_error(409, "RoleDefinitionWithSameNameExists",
                       fmt::format("A custom role with the same name already exists in this directory: '{}'.", name));
  const std::string now = core.now_text();
  const Json* before = write.existing == nullptr ? nullptr : &write.existing->properties();
  const Json* description = find_member(sent, "description");
  Json permissions = *find_member(sent, "permissions");
  for (Json& permission : permissions)
    fill(permission, {{"actions", Json::array()},
                      {"notActions", Json::array()},
                      {"dataActions", Json::array()},
                      {"notDataActions", Json::array()}});
  write.next.body = {{"properties",
                      {{"roleName", name},
                       {"type", "CustomRole"},
                       {"description", description == nullptr ? Json("") : *description},
                       {"assignableScopes", *find_member(sent, "assignableScopes")},
                       {"permissions", std::move(permissions)},
                       {"createdOn", before == nullptr ? now : text_at(*before, "createdOn")},
                       {"updatedOn", now},
                       {"createdBy", before == nullptr ? Json() : (*before)["createdBy"]},
                       {"updatedBy", write.request.caller.object_id}}},
                     {"id", write.next.id},
                     {"type", kDefinitions},
                     {"name", write.path.name()}};
  return std::nullopt;
}

std::optional<Answer> keep_assigned(const Context& context) {
  for (const Resource* assignment : context.core.store().resources_of_type("Microsoft.Authorization/roleAssignments"))
    if (text_at(assignment->body, "properties.roleDefinitionId").ends_with("/" + context.path.name()))
      return arm_error(400, "RoleDefinitionHasAssignments",
                       "There are existing role assignments referencing role (code: RoleDefinitionHasAssignments).");
  return std::nullopt;
}

std::string without_dashes(std::string text) { return replace_all(std::move(text), "-", ""); }

std::optional<Answer> check_principal(const Write& write, const Json& properties) {
  static const std::regex kGuid("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}");
  Core& core = write.core;
  const std::string principal = text_at(properties, "principalId");
  if (!std::regex_match(principal, kGuid))
    return arm_error(400, "InvalidPrincipalId",
                     fmt::format("The Principal ID '{}' is not valid. Principal ID must be a GUID.", principal));
  // With the type given, the directory is not asked (ARM-42).
  if (!text_at(properties, "principalType").empty()) return std::nullopt;
  const Json* known = core.store().find_document("principals", principal);
  if (known != nullptr && integer_at(*known, "visible") <= core.now_ms()) return std::nullopt;
  return arm_error(
      400, "PrincipalNotFound",
      fmt::format("Principal {} does not exist in the directory {}. Check that you have the correct principal ID. If "
                  "you are creating this principal "
                  "and then immediately assigning a role, this error might be related to a replication delay. In this "
                  "case, set the role "
                  "assignment principalType property to a value, such as ServicePrincipal, User, or Group.  See "
                  "https://aka.ms/docs-principaltype",
                  without_dashes(principal), core.tenant()));
}

std::optional<Answer> check_unique(const Write& write, const Json& properties, const std::string& scope) {
  const auto same = [&](const Resource& other, const char* name) {
    return equals_ignoring_case(text_at(other.properties(), name), text_at(properties, name));
  };
  for (const Resource* other : write.core.store().resources_of_type("Microsoft.Authorization/roleAssignments")) {
    const bool all = same(*other, "principalId") && same(*other, "roleDefinitionId") &&
                     equals_ignoring_case(text_at(other->properties(), "scope"), scope);
    const bool same_name = equals_ignoring_case(other->name(), write.path.name());  // unique in the tenant (ARM-43)
    if (same_name && !all)
      return arm_error(400, "RoleAssignmentUpdateNotPermitted",
                       "Tenant ID, application ID, principal ID, and scope are not allowed to be updated.");
    if (!same_name && all) return arm_error(409, "RoleAssignmentExists", "The role assignment already exists.");
    if (same_name && all && write.existing == nullptr)
      return arm_error(409, "RoleAssignmentExists", "The role assignment already exists.");
  }
  return std::nullopt;
}

/// "Currently the only accepted value is '2.0'" (REST reference, Role Assignments - Create). How Azure words the
/// refusal of a condition, and its code, is not documented.
std::optional<Answer> check_condition(const Json& properties) {
  const std::string text = text_at(properties, "condition");
  const std::string version = text_at(properties, "conditionVersion");
  if (text.empty()) return std::nullopt;
  if (version != "2.0")
    return arm_error(
        400, "InvalidConditionVersion",
        fmt::format("The condition version '{}' is not valid. The only accepted value is '2.0'.", version));
  const auto condition = RoleCondition::parse(text);
  if (condition) return std::nullopt;
  return arm_error(400, "InvalidCondition",
                   fmt::format("The given role assignment condition is invalid: {}.", condition.error()));
}

void add_attributes(ConditionAttributes& attributes, std::string_view source, const Json& properties) {
  const auto add = [&](std::string_view name, std::string value) {
    attributes[fmt::format("@{}[microsoft.authorization/roleassignments:{}]", source, name)] = {std::move(value)};
  };
  const std::string role = text_at(properties, "roleDefinitionId"), type = text_at(properties, "principalType");
  add("roledefinitionid", role.substr(role.rfind('/') + 1));
  add("principalid", text_at(properties, "principalId"));
  add("principaltype", type.empty() ? std::string(kUsualType) : type);
}

/// What is asked for, and what is there: "Authorization: attributes", Microsoft Learn.
ConditionAttributes attributes_of(const Context& context) {
  ConditionAttributes attributes;
  // The very member that is stored if the write is allowed.
  if (const auto sent = context.request.json(); sent && sent->is_object() && sent->contains("properties"))
    add_attributes(attributes, "request", (*sent)["properties"]);
  if (const Resource* there = context.core.store().find(context.path.id()))
    add_attributes(attributes, "resource", there->properties());
  return attributes;
}

std::string scope_of(const Write& write) {
  const Resource* known = write.core.store().find(write.path.scope);
  return known == nullptr ? write.path.scope : known->id;
}

std::optional<Answer> write_assignment(Write& write) {
  Core& core = write.core;
  const std::string scope = scope_of(write);
  Json properties = write.next.properties();
  if (!core.rights_of(text_at(properties, "roleDefinitionId")))
    return arm_error(400, "RoleDefinitionDoesNotExist",
                     fmt::format("The specified role definition with ID '{}' does not exist.",
                                 text_at(properties, "roleDefinitionId")));
  if (auto refusal = check_principal(write, properties)) return refusal;
  if (auto refusal = check_condition(properties)) return refusal;
  if (auto refusal = check_unique(write, properties, scope)) return refusal;
  const std::string now = core.now_text();
  const std::string type = text_at(properties, "principalType");
  const auto or_null = [&](const char* name) {
    const Json* value = find_member(properties, name);
    return value == nullptr ? Json() : *value;
  };
  write.next.body = {{"properties",
                      {{"roleDefinitionId", text_at(properties, "roleDefinitionId")},
                       {"principalId", text_at(properties, "principalId")},
                       {"principalType", type.empty() ? kUsualType : type},
                       {"scope", scope},
                       {"condition", or_null("condition")},
                       {"conditionVersion", or_null("conditionVersion")},
                       {"createdOn", now},
                       {"updatedOn", now},
                       {"createdBy", nullptr},
                       {"updatedBy", write.request.caller.object_id},
                       {"delegatedManagedIdentityResourceId", nullptr},
                       {"description", or_null("description")}}},
                     {"id", write.next.id},
                     {"type", "Microsoft.Authorization/roleAssignments"},
                     {"name", write.path.name()}};
  if (write.existing == nullptr) write.next.hidden["effective"] = core.now_ms() + core.scaled_ms(kPropagationSeconds);
  return std::nullopt;
}

Answer assignment_not_found(const Context& context) {
  return arm_error(404, "RoleAssignmentNotFound",
                   fmt::format("The role assignment '{}' is not found.", context.path.name()));
}

bool is_above(const std::string& scope, const std::string& id) {
  const std::string upper = to_lower(scope), lower = to_lower(id);
  return upper == lower || lower.starts_with(upper + "/");
}

/// At, above and below the scope; `atScope()` without what is below; `principalId eq 'x'` and `assignedTo('x')`.
Answer list_assignments(Core& core, const Request& request) {
  static const std::regex kPrincipal(R"((?:principalId\s+eq\s+'|assignedTo\(')([^']+)')", std::regex::icase);
  const auto path = parse_arm_path(request.segments);
  const std::string filter = request.query_value("$filter");
  const bool not_below = contains_ignoring_case(filter, "atScope()");
  std::smatch found;
  const bool by_principal = std::regex_search(filter, found, kPrincipal);
  Json values = Json::array();
  for (const Resource* assignment : core.store().resources_of_type("Microsoft.Authorization/roleAssignments")) {
    const std::string scope = text_at(assignment->properties(), "scope");
    if (!is_above(scope, path->scope) && (not_below || !is_above(path->scope, scope))) continue;
    if (by_principal && !equals_ignoring_case(text_at(assignment->properties(), "principalId"), found[1].str()))
      continue;
    values.push_back(assignment->body);
  }
  return json_answer(200, {{"value", values}});
}

/// What the caller may do at a scope, one entry for each role.
Answer list_permissions(Core& core, const Request& request) {
  const auto path = parse_arm_path(request.segments);
  Json values = Json::array();
  for (const Resource* assignment : core.store().resources_of_type("Microsoft.Authorization/roleAssignments")) {
    const Json& properties = assignment->properties();
    if (!equals_ignoring_case(text_at(properties, "principalId"), request.caller.object_id)) continue;
    if (!is_above(text_at(properties, "scope"), path->scope) ||
        integer_at(assignment->hidden, "effective") > core.now_ms())
      continue;
    if (const auto rights = core.rights_of(text_at(properties, "roleDefinitionId")))
      values.push_back({{"actions", list_of(rights->actions)},
                        {"notActions", list_of(rights->not_actions)},
                        {"dataActions", list_of(rights->data_actions)},
                        {"notDataActions", list_of(rights->not_data_actions)}});
  }
  return json_answer(200, {{"value", values}});
}

}  // namespace

void add_authorization(Core& core) {
  constexpr std::string_view kCustomRoles = "Azure custom roles";
  core.add_type(
      {.type = std::string(kDefinitions),
       .location = TypeBehaviour::Location::none,
       .no_state = true,
       .checks =
           {{.path = "properties.roleName", .kind = BodyCheck::Kind::text, .required = true, .rule = kCustomRoles},
            {.path = "properties.permissions", .kind = BodyCheck::Kind::list, .required = true, .rule = kCustomRoles},
            {.path = "properties.assignableScopes",
             .kind = BodyCheck::Kind::list,
             .required = true,
             .rule = kCustomRoles}},
       .default_code = "RoleDefinitionInvalid",
       .write = write_definition,
       .remove = keep_assigned});
  const auto signed_in = Route::Access::signed_in;
  for (const char* scope :
       {"", "/subscriptions/{subscription}", "/subscriptions/{subscription}/resourceGroups/{group}",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{type}/{name}",
        "/subscriptions/{subscription}/resourceGroups/{group}/providers/{namespace}/{type}/{name}/{type2}/{name2}"}) {
    const std::string base = std::string(scope) + "/providers/Microsoft.Authorization";
    core.add_route({"GET", base + "/roleDefinitions", signed_in, list_definitions});
    core.add_route({"GET", base + "/roleDefinitions/{role}", signed_in,
                    [](Core& at, const Request& request) { return get_definition(at, request.captures.at("role")); }});
    core.add_route({"GET", base + "/roleAssignments", signed_in, list_assignments});
    core.add_route({"GET", base + "/permissions", signed_in, list_permissions});
  }
  core.add_type(
      {.type = "Microsoft.Authorization/roleAssignments",
       .location = TypeBehaviour::Location::none,
       .no_state = true,
       .checks =
           {{.path = "properties", .kind = BodyCheck::Kind::object, .required = true, .rule = "ARM-47"},
            {.path = "properties.roleDefinitionId", .kind = BodyCheck::Kind::text, .required = true, .rule = "ARM-47"},
            {.path = "properties.principalId", .kind = BodyCheck::Kind::text, .required = true, .rule = "ARM-42"},
            {.path = "properties.principalType",
             .kind = BodyCheck::Kind::text,
             .values = "User|Group|ServicePrincipal|ForeignGroup|Device",
             .rule = "ARM-42"}},
       .attributes = attributes_of,
       .write = write_assignment,
       .not_found = assignment_not_found});
}

}  // namespace defang::emulator
