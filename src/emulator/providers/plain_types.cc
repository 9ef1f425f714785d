#include "emulator/providers/plain_types.h"

#include <fmt/format.h>

#include <algorithm>

#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

std::vector<std::string> words(std::string_view blank_separated) {
  auto list = split(blank_separated, ' ');
  std::erase(list, "");
  return list;
}

void drop_nulls(Json& value) {
  if (value.is_array())
    for (Json& element : value) drop_nulls(element);
  if (!value.is_object()) return;
  for (auto member = value.begin(); member != value.end();)
    if (member->is_null()) {
      member = value.erase(member);
    } else {
      drop_nulls(*member);
      ++member;
    }
}

/// An element of a list that is a resource of its own.
Json part_of(const Resource& owner, std::string_view list, const Json& sent, const Json& etag) {
  const std::string name = text_at(sent, "name");
  Json part = {{"name", name}, {"id", fmt::format("{}/{}/{}", owner.id, list, name)}};
  if (!etag.is_null()) part["etag"] = etag;
  part["properties"] = sent.contains("properties") ? sent["properties"] : Json::object();
  part["properties"]["provisioningState"] = "Succeeded";
  part["type"] = fmt::format("{}/{}", owner.type, list);
  return part;
}

/// Elements that are resources in the store are put there; the lists of the body hold the others.
void place_parts(Write& write, const PlainType& row) {
  Json& properties = write.next.properties();
  for (const auto& list : words(row.parts)) {
    const Json* sent = find_member(properties, list);
    if (sent == nullptr || !sent->is_array()) continue;
    Json parts = Json::array();
    for (const Json& element : *sent)
      parts.push_back(part_of(write.next, list, element, write.next.body.value("etag", Json())));
    const std::string type = fmt::format("{}/{}", row.type, list);
    if (write.core.find_type(type) == nullptr) {
      properties[list] = std::move(parts);
      continue;
    }
    for (const Resource* below : write.core.store().resources_below(write.next.id))
      if (equals_ignoring_case(below->type, type)) write.core.store().erase(below->id);
    for (const Json& part : parts) put_resource(write.core, text_at(part, "id"), type, part);
    properties.erase(list);
  }
}

Json show_plain(Core& core, const Resource& resource, const PlainType& row) {
  Json body = resource.body;
  for (const auto& list : words(row.parts)) {
    const std::string type = fmt::format("{}/{}", row.type, list);
    if (core.find_type(type) == nullptr) continue;
    Json parts = Json::array();
    for (const Resource* below : core.store().resources_below(resource.id))
      if (equals_ignoring_case(below->type, type)) parts.push_back(below->body);
    body["properties"][list] = std::move(parts);
  }
  return body;
}

std::optional<Answer> write_plain(Write& write, const PlainType& row) {
  Json& body = write.next.body;
  drop_nulls(body);
  if (const std::string location = text_at(body, "location"); !location.empty())
    body["location"] = to_lower(replace_all(location, " ", ""));
  if (!row.defaults.empty()) fill(body, *parse_json(row.defaults));
  if (!body.contains("properties")) body["properties"] = Json::object();
  if (row.etag == PlainType::Etag::weak) body["etag"] = fmt::format("W/\"{}\"", write.core.random().uuid());
  if (row.guid == PlainType::Guid::resource_guid) {
    const std::string known = write.existing == nullptr ? "" : text_at(write.existing->body, "properties.resourceGuid");
    body["properties"]["resourceGuid"] = known.empty() ? write.core.random().uuid() : known;
  }
  if (row.shapes == kNetworkShapes)
    if (auto refusal = check_references(write.core, write.next.id, body)) return refusal;
  place_parts(write, row);
  return std::nullopt;
}

/// The properties without what every write changes.
std::string meaning_of(Json properties) {
  const auto strip = [](Json& value, const auto& self) -> void {
    if (value.is_object()) {
      value.erase("etag");
      value.erase("provisioningState");
    }
    if (value.is_structured())
      for (Json& member : value) self(member, self);
  };
  strip(properties, strip);
  return dump(properties);
}

std::optional<Answer> refuse_in_use(const Context& context, std::string_view code) {
  const auto users = users_of(context.core, context.existing->id);
  if (users.empty()) return std::nullopt;
  return json_answer(400, {{"error",
                            {{"code", code},
                             {"message", fmt::format("{} cannot be deleted because it is in use by {}.",
                                                     context.existing->id, users.front())},
                             {"details", Json::array()}}}});
}

std::vector<BodyCheck> checks_of(const PlainType& row) {
  // The rows' texts live as long as the program, and so do those that a check points to.
  std::vector<BodyCheck> checks;
  const auto add = [&](std::string_view paths, bool read_only) {
    while (!paths.empty()) {
      const auto blank = paths.find(' ');
      checks.push_back(
          {.path = paths.substr(0, blank), .required = !read_only, .read_only = read_only, .rule = row.rule});
      paths = blank == std::string_view::npos ? "" : paths.substr(blank + 1);
    }
  };
  add(row.required, false);
  add(row.read_only, true);
  checks.push_back({.path = "properties", .kind = BodyCheck::Kind::object, .rule = row.rule});
  checks.push_back({.path = "tags", .kind = BodyCheck::Kind::object, .rule = "ARM-56"});
  return checks;
}

bool is_below(std::string_view id, std::string_view owner) {
  return id.size() > owner.size() && id[owner.size()] == '/' && equals_ignoring_case(id.substr(0, owner.size()), owner);
}

void collect_references(const Json& value, std::vector<std::string>& found) {
  if (value.is_array())
    for (const Json& element : value) collect_references(element, found);
  if (!value.is_object()) return;
  for (const auto& [name, member] : value.items())
    if (equals_ignoring_case(name, "id") && member.is_string())
      found.push_back(member.get<std::string>());
    else
      collect_references(member, found);
}

Answer network_error(int status, std::string_view code, std::string_view message, std::string_view detail_code,
                     std::string_view detail) {
  return json_answer(status, {{"error",
                               {{"code", code},
                                {"message", message},
                                {"details", Json::array({{{"code", detail_code}, {"message", detail}}})}}}});
}

}  // namespace

std::vector<std::string> users_of(Core& core, const std::string& id) {
  std::vector<std::string> users;
  const std::string quoted = "\"" + to_lower(id) + "\"";
  for (const Resource* other : core.store().resources_below("/subscriptions/" + core.subscription())) {
    if (equals_ignoring_case(other->id, id) || is_below(other->id, id)) continue;
    if (other->type == "Microsoft.Resources/resourceGroups" || other->type.starts_with("Microsoft.Authorization/"))
      continue;
    if (to_lower(dump(other->body)).find(quoted) != std::string::npos) users.push_back(other->id);
  }
  return users;
}

std::optional<Answer> check_references(Core& core, const std::string& owner, const Json& body) {
  std::vector<std::string> named;
  if (const Json* properties = find_member(body, "properties")) collect_references(*properties, named);
  for (const auto& id : named) {
    const auto path = parse_arm_id(id);
    if (!path || !equals_ignoring_case(path->provider, "Microsoft.Network") || !path->names_resource() ||
        is_below(id, owner))
      continue;
    // A part, such as a load balancer's front end, is looked for in its owner.
    const bool known_type = core.find_type(path->type()) != nullptr;
    const std::string wanted = known_type ? id : path->parent_id();
    if (!known_type && core.find_type(path->parent_type()) == nullptr) continue;
    const Resource* resource = core.store().find(wanted);
    if (resource == nullptr)
      return network_error(400, "InvalidResourceReference",
                           fmt::format("Resource {} referenced by resource {} was not found. Please make sure that the "
                                       "referenced resource exists, and that both resources are in the same region.",
                                       wanted, owner),
                           "NotFound", fmt::format("Resource {} not found.", wanted));
    if (resource->state() == "Updating" || resource->state() == "Deleting")
      return network_error(
          429, "RetryableError", "A retryable error occurred.", "ReferencedResourceNotProvisioned",
          fmt::format("Cannot proceed with operation because resource {} used by resource {} is not in Succeeded "
                      "state. Resource is in {} state.",
                      resource->id, owner, resource->state()));
  }
  return std::nullopt;
}

void add_plain_type(Core& core, const PlainType& row, PlainExtras extras) {
  TypeBehaviour type{.type = std::string(row.type),
                     .shapes = row.shapes,
                     .location = row.location,
                     .no_state = row.state == PlainType::State::none,
                     .checks = checks_of(row),
                     .default_code = row.shapes == kNetworkShapes ? "InvalidRequestFormat" : "InvalidRequestContent",
                     .finished = std::move(extras.finished),
                     .removed = std::move(extras.removed)};
  type.write = [row, more = std::move(extras.write)](Write& write) -> std::optional<Answer> {
    const auto shown = [&](const Resource& resource) {
      return meaning_of(show_plain(write.core, resource, row)["properties"]);
    };
    const std::string before = write.existing == nullptr ? "" : shown(*write.existing);
    if (auto refusal = write_plain(write, row)) return refusal;
    if (more)
      if (auto refusal = more(write)) return refusal;
    // What changes nothing but tags is done at once.
    const bool changes = write.existing != nullptr && !write.patch && before != shown(write.next);
    if (changes && row.shapes == kNetworkShapes) write.shape_method = "PUT change";
    return std::nullopt;
  };
  if (!row.parts.empty())
    type.show = [row](Core& at, const Resource& resource, View) { return show_plain(at, resource, row); };
  if (!row.in_use.empty()) type.remove = [row](const Context& context) { return refuse_in_use(context, row.in_use); };
  core.add_type(std::move(type));
}

}  // namespace defang::emulator
