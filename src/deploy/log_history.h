#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "deploy/logs.h"
#include "deploy/services.h"
#include "rest/arm_client.h"
#include "rest/cloud.h"
#include "rest/logs_query.h"
#include "rest/pipeline.h"
#include "support/result.h"

/// What containers wrote longer ago than their replicas show, or in replicas that are gone: kept by the stack's Log
/// Analytics workspace (CA-153..155).
namespace defang::deploy {

/// The newest lines of all apps and jobs, from `since` on where it is not empty (as `log_time` writes it). Pure.
std::string history_query(const std::string& since);

/// The rows of the answer, oldest first. Apps that are none of the services are left out. Pure.
std::vector<LogLine> history_lines(const rest::LogsTable& table, const std::vector<ServiceStatus>& services);

/// Both of one container, each line once. What the workspace holds ends some minutes ago; what the replica shows begins
/// some lines ago; where they overlap the texts are the same. Pure.
std::vector<LogLine> joined(std::vector<LogLine> history, std::vector<LogLine> stream);

/// Nothing yet where the workspace has no table of logs, or the group no workspace.
Result<std::vector<LogLine>> read_history(rest::ArmClient& arm, rest::Pipeline& pipeline, const rest::Cloud& cloud,
                                          const std::string& group, const std::vector<ServiceStatus>& services,
                                          const std::string& since, std::stop_token stop);

}  // namespace defang::deploy
