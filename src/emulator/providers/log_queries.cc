// Queries of a Log Analytics workspace: what the containers of its environments wrote (CA-153..155).
#include <fmt/format.h>

#include "emulator/kusto.h"
#include "emulator/providers/all.h"
#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

// CA-155: lines are found seconds to minutes after they were written.
constexpr double kIngestionSeconds = 30;
constexpr std::size_t kLinesAtOnce = 1000;

// The columns of `ContainerAppConsoleLogs_CL` (CA-153).
const std::vector<KustoTable::Column>& console_columns() {
  static const std::vector<KustoTable::Column> columns = {{"TimeGenerated", "datetime"},
                                                          {"ContainerAppName_s", "string"},
                                                          {"ContainerJobName_s", "string"},
                                                          {"RevisionName_s", "string"},
                                                          {"ContainerGroupName_s", "string"},
                                                          {"ContainerName_s", "string"},
                                                          {"EnvironmentName_s", "string"},
                                                          {"Stream_s", "string"},
                                                          {"Log_s", "string"},
                                                          {"Type", "string"}};
  return columns;
}

/// To the tenth of a microsecond, as the workspace keeps times.
std::string stamp(std::chrono::system_clock::time_point time) {
  const auto ticks = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count() / 100;
  std::string text = to_iso8601(ticks / 10000);
  text.pop_back();
  return text + fmt::format("{:04}Z", ticks % 10000);
}

void add_console(Runtime& runtime, const std::string& replica, const std::string& container, const Json& row,
                 std::int64_t until_ms, std::vector<Json>& rows) {
  for (std::uint64_t at = 0;;) {
    const LogPiece piece = runtime.console(replica, container, at, kLinesAtOnce);
    for (const LogLine& line : piece.lines) {
      const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(line.time.time_since_epoch()).count();
      if (ms > until_ms) return;
      Json made = row;
      made["TimeGenerated"] = stamp(line.time);
      made["ContainerName_s"] = container;
      made["Stream_s"] = line.error_stream ? "stderr" : "stdout";
      made["Log_s"] = line.text;
      rows.push_back(std::move(made));
    }
    if (piece.lines.empty()) return;
    at = piece.next;
  }
}

/// There is no table before its first row (CA-155).
std::optional<KustoTable> console_logs(Core& core, const std::string& workspace) {
  KustoTable table{.columns = console_columns(), .rows = {}};
  const std::int64_t until_ms = core.now_ms() - core.scaled_ms(kIngestionSeconds);
  for (const auto& [replica, source] : core.store().documents(kLoggedReplicas)) {
    if (!equals_ignoring_case(text_at(source, "workspace"), workspace)) continue;
    const std::string owner = text_at(source, "owner");
    const Json row = {{"ContainerAppName_s", true_at(source, "job") ? "" : owner},
                      {"ContainerJobName_s", true_at(source, "job") ? owner : ""},
                      {"RevisionName_s", text_at(source, "revision")},
                      {"ContainerGroupName_s", text_at(source, "replica")},
                      {"EnvironmentName_s", text_at(source, "environment")},
                      {"Type", "ContainerAppConsoleLogs_CL"}};
    for (const Json& container : source.at("containers"))
      add_console(core.runtime(), text_at(source, "replica"), container.get<std::string>(), row, until_ms, table.rows);
  }
  if (table.rows.empty()) return std::nullopt;
  return table;
}

/// As recorded in "loganalytics.query".
Json shown(const KustoTable& table) {
  Json columns = Json::array(), rows = Json::array();
  for (const auto& column : table.columns) columns.push_back({{"name", column.name}, {"type", column.type}});
  for (const Json& row : table.rows) {
    Json cells = Json::array();
    for (const auto& column : table.columns) cells.push_back(row.value(column.name, Json()));
    rows.push_back(std::move(cells));
  }
  return {{"tables", Json::array({{{"name", "PrimaryResult"}, {"columns", columns}, {"rows", rows}}})}};
}

Answer query(Core& core, const Request& request) {
  const Resource* workspace = nullptr;
  for (const Resource* one : core.store().resources_of_type("Microsoft.OperationalInsights/workspaces"))
    if (equals_ignoring_case(text_at(one->properties(), "customerId"), request.captures.at("workspace")))
      workspace = one;
  if (workspace == nullptr) return arm_error(404, "WorkspaceNotFoundError", "The workspace could not be found");  // UNV
  // ARM-2: a token for Resource Manager is none for this service.
  if (request.caller.audience != core.arm_base_url())
    return arm_error(401, "InvalidTokenError", "The provided authentication is not valid for this resource");  // UNV
  if (!core.may(request.caller.object_id, "Microsoft.OperationalInsights/workspaces/query/read", workspace->id))
    return arm_error(403, "InsufficientAccessError", "The provided credentials have insufficient access");  // UNV
  const auto body = request.json();
  if (!body || text_at(*body, "query").empty())
    return arm_error(400, "BadArgumentError", "The request had some invalid properties");  // UNV
  const std::string id = text_at(workspace->properties(), "customerId");
  const auto table = run_kusto(text_at(*body, "query"), [&](std::string_view name) {
    return name == "ContainerAppConsoleLogs_CL" ? console_logs(core, id) : std::nullopt;
  });
  if (table) return json_answer(200, shown(*table));
  if (table.error().code == "EmulatorNotImplemented") return not_implemented(table.error().message);
  // The inner error's name is UNV (CA-155).
  return json_answer(400, {{"error",
                            {{"code", "BadArgumentError"},
                             {"message", "The request had some invalid properties"},
                             {"innererror", {{"code", table.error().code}, {"message", table.error().message}}}}}});
}

}  // namespace

void add_log_queries(Core& core) {
  core.add_route({.method = "POST", .pattern = "/v1/workspaces/{workspace}/query", .answer = query});
}

}  // namespace defang::emulator
