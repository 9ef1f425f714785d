#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "rest/cloud.h"
#include "rest/pipeline.h"
#include "support/result.h"

namespace defang::rest {

/// The first table that a query gives.
struct LogsTable {
  std::vector<std::string> columns;
  std::vector<std::vector<nlohmann::json>> rows;

  /// Empty where there is no such column, or no text in it.
  std::string text(std::size_t row, std::string_view column) const;
};

/// Asks a Log Analytics workspace in its query language (CA-154; shape as recorded in "loganalytics.query").
/// `workspace` is the customer id of it. A table that does not exist is refused with the code "SemanticError" (CA-155).
/// A partial answer, which comes as a 200 with an error beside the rows, is a refusal too. `pipeline` signs in.
Result<LogsTable> query_logs(const Cloud& cloud, Pipeline& pipeline, const std::string& workspace,
                             const std::string& query, std::stop_token stop);

}  // namespace defang::rest
