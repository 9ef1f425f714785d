#include "deploy/log_history.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "azure/resource_types.h"
#include "deploy/json_path.h"
#include "rest/azure_error.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

constexpr std::string_view kWorkspaces = "Microsoft.OperationalInsights/workspaces";
// Less than what one answer may hold ("Log Analytics limits": 500,000 rows, 64 MB).
constexpr int kMostLines = 30000;

/// How many of the last lines of `history` are the first ones of `stream`: the longest border, by the prefix function
/// of "stream, nothing, history".
std::size_t overlap(const std::vector<LogLine>& history, const std::vector<LogLine>& stream) {
  const auto line = [&](std::size_t i) -> const std::string* {
    if (i < stream.size()) return &stream[i].text;
    return i == stream.size() ? nullptr : &history[i - stream.size() - 1].text;
  };
  const auto same = [&](std::size_t a, std::size_t b) {
    const auto *left = line(a), *right = line(b);
    return left != nullptr && right != nullptr && *left == *right;
  };
  std::vector<std::size_t> border(stream.size() + 1 + history.size(), 0);
  for (std::size_t i = 1; i < border.size(); ++i) {
    std::size_t length = border[i - 1];
    while (length > 0 && !same(i, length)) length = border[length - 1];
    border[i] = same(i, length) ? length + 1 : length;
  }
  return history.empty() ? 0 : border.back();
}

}  // namespace

std::string history_query(const std::string& since) {
  // The second table is that of environments which log by another way (CA-153, 154). A workspace has neither before its
  // first line (CA-155), and a fuzzy union needs one that exists ("union operator", Microsoft Learn): the empty one
  // always does. UNV here: were it refused, the user would be told, and see what the replicas show.
  return "union isfuzzy=true (datatable(TimeGenerated:datetime)[]), ContainerAppConsoleLogs_CL, "
         "ContainerAppConsoleLogs" +
         (since.empty() ? std::string() : fmt::format(" | where TimeGenerated >= datetime({}Z)", since)) +
         fmt::format(" | order by TimeGenerated desc | take {}", kMostLines);
}

std::vector<LogLine> history_lines(const rest::LogsTable& table, const std::vector<ServiceStatus>& services) {
  std::vector<LogLine> lines;
  for (std::size_t row = 0; row < table.rows.size(); ++row) {
    const auto either = [&](const char* name) {
      const std::string legacy = table.text(row, std::string(name) + "_s");
      return legacy.empty() ? table.text(row, name) : legacy;
    };
    const std::string app = either("ContainerAppName");
    const auto service =
        std::ranges::find_if(services, [&](const auto& one) { return equals_ignoring_case(one.app_name, app); });
    if (app.empty() || service == services.end()) continue;
    lines.push_back({.time = log_time(table.text(row, "TimeGenerated")),
                     .service = service->service,
                     .replica = either("ContainerGroupName"),
                     .container = either("ContainerName"),
                     .text = either("Log"),
                     .kind = LogKind::run});
  }
  std::ranges::stable_sort(lines, {}, &LogLine::time);  // the answer begins with the newest
  return lines;
}

std::vector<LogLine> joined(std::vector<LogLine> history, std::vector<LogLine> stream) {
  history.resize(history.size() - overlap(history, stream));
  history.insert(history.end(), std::make_move_iterator(stream.begin()), std::make_move_iterator(stream.end()));
  return history;
}

Result<std::vector<LogLine>> read_history(rest::ArmClient& arm, rest::Pipeline& pipeline, const rest::Cloud& cloud,
                                          const std::string& group, const std::vector<ServiceStatus>& services,
                                          const std::string& since, std::stop_token stop) {
  auto workspaces = arm.list(group + "/providers/" + std::string(kWorkspaces),
                             std::string(azure::find_resource_type(kWorkspaces)->api_version), stop);
  if (!workspaces && (workspaces.error().http_status == 404 || rest::means_absent(workspaces.error())))
    return std::vector<LogLine>();
  if (!workspaces) return fail(std::move(workspaces.error()));
  std::vector<LogLine> lines;
  for (const auto& workspace : *workspaces) {
    const auto id = text_at(workspace, "properties.customerId");
    if (id.empty()) continue;
    TRY_ASSIGN(const auto table, rest::query_logs(cloud, pipeline, id, history_query(since), stop));
    auto found = history_lines(table, services);
    lines.insert(lines.end(), std::make_move_iterator(found.begin()), std::make_move_iterator(found.end()));
  }
  return lines;
}

}  // namespace defang::deploy
