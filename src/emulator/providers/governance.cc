// Microsoft.Authorization: locks (enforced by verbs.cc), policy assignments and definitions (kept, not evaluated).
#include <fmt/format.h>

#include "emulator/providers/all.h"
#include "emulator/providers/resource_identity.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

using Kind = BodyCheck::Kind;
using Location = TypeBehaviour::Location;

constexpr std::string_view kLocks = "Microsoft.Authorization/locks";
constexpr std::string_view kAssignments = "Microsoft.Authorization/policyAssignments";
constexpr std::string_view kDefinitions = "Microsoft.Authorization/policyDefinitions";

Answer lock_not_found(const Context& context) {
  return arm_error(404, "LockNotFound", fmt::format("The lock '{}' could not be found.", context.path.name()));
}

std::optional<Answer> write_lock(Write& write) {
  const Json sent = write.next.properties();
  Json properties = {{"level", text_at(sent, "level")}};
  for (const char* name : {"notes", "owners"})
    if (const Json* value = find_member(sent, name)) properties[name] = *value;
  write.next.body = {
      {"properties", std::move(properties)}, {"id", write.next.id}, {"type", kLocks}, {"name", write.path.name()}};
  return std::nullopt;
}

/// Who made and who changed it, as policies keep it in their metadata.
Json authorship(const Write& write) {
  const std::string caller = write.request.caller.object_id, now = write.core.now_text();
  const Json* before = write.existing == nullptr ? nullptr : find_path(write.existing->body, "properties.metadata");
  if (before == nullptr)
    return {{"createdBy", caller}, {"createdOn", now}, {"updatedBy", nullptr}, {"updatedOn", nullptr}};
  return {{"createdBy", text_at(*before, "createdBy")},
          {"createdOn", text_at(*before, "createdOn")},
          {"updatedBy", caller},
          {"updatedOn", now}};
}

void complete_metadata(Write& write, Json& properties) {
  Json metadata = Json::object();
  if (const Json* sent = find_member(properties, "metadata"); sent != nullptr && sent->is_object()) metadata = *sent;
  metadata.update(authorship(write));
  properties["metadata"] = std::move(metadata);
}

std::optional<Answer> write_assignment(Write& write) {
  if (auto refusal = complete_identity(write, IdentitySpelling::upper_camel)) return refusal;
  Json& properties = write.next.properties();
  const std::string definition = text_at(properties, "policyDefinitionId");
  // Built-in definitions are not held here; one of the subscription's own must be there.
  if (definition.starts_with("/subscriptions/") && write.core.store().find(definition) == nullptr)
    return arm_error(
        404, "PolicyDefinitionNotFound",
        fmt::format("The policy definition '{}' could not be found.", definition.substr(definition.rfind('/') + 1)));
  properties["scope"] = write.path.scope;
  complete_metadata(write, properties);
  fill(properties, {{"enforcementMode", "Default"}});
  return std::nullopt;
}

Answer assignment_not_found(const Context& context) {
  return arm_error(404, "PolicyAssignmentNotFound",
                   fmt::format("The policy assignment '{}' is not found.", context.path.name()));
}

std::optional<Answer> write_definition(Write& write) {
  Json& properties = write.next.properties();
  complete_metadata(write, properties);
  properties["policyType"] = "Custom";
  fill(properties, {{"mode", "Indexed"}, {"version", "1.0.0"}, {"versions", Json::array({"1.0.0"})}});
  return std::nullopt;
}

Answer definition_not_found(const Context& context) {
  return arm_error(404, "PolicyDefinitionNotFound",
                   fmt::format("The policy definition '{}' could not be found.", context.path.name()));
}

}  // namespace

void add_governance(Core& core) {
  for (const char* built_in : {"", "/{name}"})
    core.add_route({"GET", std::string("/providers/Microsoft.Authorization/policyDefinitions") + built_in,
                    Route::Access::signed_in,
                    [](Core&, const Request&) { return not_implemented("built-in policy definitions"); }});
  core.add_type({.type = std::string(kLocks),
                 .location = Location::none,
                 .no_state = true,
                 .checks = {{.path = "properties", .kind = Kind::object, .required = true, .rule = "ARM-55"},
                            {.path = "properties.level",
                             .kind = Kind::text,
                             .required = true,
                             .values = "CanNotDelete|ReadOnly",
                             .rule = "ARM-55"}},
                 .write = write_lock,
                 .not_found = lock_not_found});
  core.add_type(
      {.type = std::string(kAssignments),
       .location = Location::optional,
       .system_data = true,
       .no_state = true,
       .checks =
           {{.path = "properties", .kind = Kind::object, .required = true, .rule = "policyAssignments, REST reference"},
            {.path = "properties.policyDefinitionId",
             .kind = Kind::text,
             .required = true,
             .rule = "policyAssignments, REST reference"}},
       .write = write_assignment,
       .not_found = assignment_not_found});
  core.add_type({.type = std::string(kDefinitions),
                 .location = Location::none,
                 .system_data = true,
                 .no_state = true,
                 .checks = {{.path = "properties.policyRule",
                             .kind = Kind::object,
                             .required = true,
                             .rule = "policyDefinitions, REST reference"}},
                 .write = write_definition,
                 .not_found = definition_not_found});
}

}  // namespace defang::emulator
