#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>
#include <vector>

#include "rest/arm_client.h"
#include "support/result.h"

namespace defang::rest {

/// Rows that a query of Azure Resource Graph gives, all pages of them ("Resources - Resources", Azure REST API
/// reference, 2022-10-01; no recording). What was written within the last seconds may not be there yet. Without
/// `subscriptions` all that the caller may see are asked.
Result<std::vector<nlohmann::json>> query_resources(ArmClient& arm, const std::string& query,
                                                    const std::vector<std::string>& subscriptions,
                                                    std::stop_token stop);

}  // namespace defang::rest
