#include "rest/logs_query.h"

#include <fmt/format.h>

#include <algorithm>

#include "rest/azure_error.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;

/// The innermost code is the one that says something: "BadArgumentError" stands for any query that cannot be run.
void name_by_inner(Error& error, const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object() || !json.contains("error")) return;
  const Json* inner = &json["error"];
  while (inner->is_object() && inner->contains("innererror")) inner = &(*inner)["innererror"];
  if (!inner->is_object()) return;
  if (inner->contains("code") && (*inner)["code"].is_string()) error.code = (*inner)["code"].get<std::string>();
  if (inner->contains("message") && (*inner)["message"].is_string())
    error.message = (*inner)["message"].get<std::string>();
}

}  // namespace

std::string LogsTable::text(std::size_t row, std::string_view column) const {
  const auto at = static_cast<std::size_t>(std::ranges::find(columns, column) - columns.begin());
  const auto& cells = rows[row];
  return at < cells.size() && cells[at].is_string() ? cells[at].get<std::string>() : "";
}

Result<LogsTable> query_logs(const Cloud& cloud, Pipeline& pipeline, const std::string& workspace,
                             const std::string& query, std::stop_token stop) {
  HttpRequest request{.method = "POST",
                      .url = fmt::format("{}/v1/workspaces/{}/query", cloud.logs_audience, workspace),
                      .headers = {{"Accept", "application/json"}, {"Content-Type", "application/json"}},
                      .body = Json{{"query", query}}.dump()};
  TRY_ASSIGN(
      const auto answer,
      pipeline.send(std::move(request),
                    {.audience = cloud.logs_audience, .repeat = Call::Repeat::always, .fence = Call::Fence::nothing},
                    stop));
  const Json body = Json::parse(answer.body, nullptr, false);
  if (answer.status != 200 || (body.is_object() && body.contains("error"))) {
    Error error = error_of(answer);
    name_by_inner(error, answer.body);
    return fail(std::move(error.during("asking the logs' workspace")));
  }
  LogsTable table;
  const Json::json_pointer columns("/tables/0/columns"), rows("/tables/0/rows");
  if (!body.is_object() || !body.contains(columns) || !body.contains(rows) || !body[rows].is_array())
    return fail(Error::Kind::invalid, "no-table", "the answer of the logs' workspace holds no table");
  for (const Json& column : body[columns]) table.columns.push_back(column.is_object() ? column.value("name", "") : "");
  for (const Json& row : body[rows])
    if (row.is_array()) table.rows.emplace_back(row.begin(), row.end());
  return table;
}

}  // namespace defang::rest
