// Azure Resource Graph: queries over groups and resources that the caller may read.
#include <fmt/format.h>

#include "emulator/kusto.h"
#include "emulator/providers/all.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::size_t kMostRows = 1000;  // "Resources - Resources", Azure REST API reference

/// Both tables write types in lower case.
const std::vector<KustoTable::Column>& columns() {
  static const std::vector<KustoTable::Column> all = {
      {"id", "string"},        {"name", "string"},          {"type", "string"},     {"location", "string"},
      {"kind", "string"},      {"resourceGroup", "string"}, {"tags", "dynamic"},    {"properties", "dynamic"},
      {"identity", "dynamic"}, {"sku", "dynamic"},          {"tenantId", "string"}, {"subscriptionId", "string"}};
  return all;
}

std::string part_after(const std::string& id, std::string_view name) {
  const auto parts = split(id, '/');
  for (std::size_t i = 0; i + 1 < parts.size(); ++i)
    if (equals_ignoring_case(parts[i], name)) return parts[i + 1];
  return "";
}

std::optional<KustoTable> table(Core& core, const Request& request, const Json& subscriptions, std::string_view name) {
  const bool is_containers = equals_ignoring_case(name, "ResourceContainers");
  if (!is_containers && !equals_ignoring_case(name, "Resources")) return std::nullopt;
  KustoTable made{.columns = columns(), .rows = {}};
  for (const Resource* resource : core.store().resources_below("/subscriptions/" + core.subscription())) {
    const bool is_group = equals_ignoring_case(resource->type, "Microsoft.Resources/resourceGroups");
    if (is_group != is_containers) continue;
    // Child resources are not listed.
    if (!is_group && std::ranges::count(resource->type, '/') != 1) continue;
    if (!core.may(request.caller.object_id, resource->type + "/read", resource->id)) continue;
    const std::string subscription = part_after(resource->id, "subscriptions");
    if (subscriptions.is_array() && std::ranges::find(subscriptions, Json(subscription)) == subscriptions.end())
      continue;
    Json row = {{"id", resource->id},
                {"name", resource->name()},
                {"type", is_group ? "microsoft.resources/subscriptions/resourcegroups" : to_lower(resource->type)},
                {"resourceGroup", to_lower(part_after(resource->id, "resourceGroups"))},
                {"tenantId", core.tenant()},
                {"subscriptionId", subscription}};
    for (const char* member : {"location", "kind", "tags", "properties", "identity", "sku"})
      if (const Json* value = find_member(resource->body, member)) row[member] = *value;
    made.rows.push_back(std::move(row));
  }
  return made;
}

Answer query(Core& core, const Request& request) {
  const auto body = request.json();
  if (!body || text_at(*body, "query").empty())
    return arm_error(400, "BadRequest", "Please provide below info when asking for support");  // UNV
  const Json* subscriptions = find_member(*body, "subscriptions");
  const auto found = run_kusto(text_at(*body, "query"), [&](std::string_view name) {
    return table(core, request, subscriptions == nullptr ? Json() : *subscriptions, name);
  });
  if (!found) {
    if (found.error().code == "EmulatorNotImplemented") return not_implemented(found.error().message);
    return arm_error(400, "InvalidQuery", found.error().message);  // UNV
  }
  const auto first = static_cast<std::size_t>(to_number(text_at(*body, "options.$skipToken")).value_or(0));
  const auto wanted = static_cast<std::size_t>(integer_at(*body, "options.$top", static_cast<int>(kMostRows)));
  const auto last = std::min(found->rows.size(), first + std::min(std::max<std::size_t>(wanted, 1), kMostRows));
  Json data = Json::array();
  for (auto i = first; i < last; ++i) data.push_back(found->rows[i]);
  Json answer = {{"totalRecords", found->rows.size()},
                 {"count", data.size()},
                 {"data", std::move(data)},
                 {"facets", Json::array()},
                 {"resultTruncated", "false"}};
  if (last < found->rows.size()) answer["$skipToken"] = fmt::format("{}", last);
  return json_answer(200, answer);
}

}  // namespace

void add_resource_graph(Core& core) {
  core.add_route({.method = "POST", .pattern = "/providers/Microsoft.ResourceGraph/resources", .answer = query});
}

}  // namespace defang::emulator
