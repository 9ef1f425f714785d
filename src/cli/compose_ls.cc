// `compose ls`: the stacks of the subscription, or of all, by the tags of their groups.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "azure/resource_types.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/views/view.h"
#include "rest/resource_graph.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

struct StackRow {
  std::string project, stack, location, group, state, subscription;
  auto operator<=>(const StackRow&) const = default;
};

constexpr const char* kEveryGroup =
    "ResourceContainers | where type =~ 'microsoft.resources/subscriptions/resourcegroups' "
    "| where isnotempty(tags['defang-project']) | project id, name, location, tags, properties, subscriptionId";

Result<std::vector<nlohmann::json>> groups_of(Session& session, bool of_all, Context& context) {
  if (of_all) return rest::query_resources(*session.arm, kEveryGroup, {}, context.stop);
  const auto* type = azure::find_resource_type("Microsoft.Resources/resourceGroups");
  return session.arm->list("/subscriptions/" + session.stack().subscription_id + "/resourcegroups",
                           std::string(type->api_version), context.stop);
}

Result<std::vector<StackRow>> stacks_of(Session& session, bool of_all, Context& context) {
  TRY_ASSIGN(const auto groups, groups_of(session, of_all, context));
  std::vector<StackRow> rows;
  for (const auto& group : groups) {
    const auto tags = group.value("tags", nlohmann::json::object());
    if (!tags.is_object() || !tags.contains("defang-project")) continue;
    rows.push_back({tags.value("defang-project", ""), tags.value("defang-stack", ""), group.value("location", ""),
                    group.value("name", ""), group.value("/properties/provisioningState"_json_pointer, std::string()),
                    of_all ? group.value("subscriptionId", "") : session.stack().subscription_id});
  }
  std::ranges::sort(rows);
  return rows;
}

}  // namespace

int run_compose_ls(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  if (!settings) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  const auto rows =
      session ? stacks_of(*session, arguments.all_subscriptions, context) : std::unexpected(session.error());
  if (!rows) {
    print(rows.error(), arguments, context);
    return exit_code_of(rows.error());
  }
  if (arguments.json) {
    Json stacks = Json::array();
    for (const auto& row : *rows)
      stacks.push_back({{"project", row.project},
                        {"stack", row.stack},
                        {"location", row.location},
                        {"group", row.group},
                        {"state", row.state},
                        {"subscription", row.subscription}});
    context.out.write(Json{{"stacks", std::move(stacks)}}.dump() + "\n");
    return exit_done;
  }
  std::vector<std::string> head = {"project", "stack", "location", "group", "state"};
  if (arguments.all_subscriptions) head.push_back("subscription");
  std::vector<std::vector<std::string>> cells;
  for (const auto& row : *rows) {
    cells.push_back({row.project, row.stack, row.location, row.group, row.state});
    if (arguments.all_subscriptions) cells.back().push_back(row.subscription);
  }
  if (cells.empty())
    context.err.write(arguments.all_subscriptions ? "no stack is deployed in any subscription that you may see\n"
                                                  : "no stack is deployed in this subscription\n");
  else
    context.out.write(table(head, cells));
  return exit_done;
}

}  // namespace defang::cli
