#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "deploy/domain_check.h"
#include "rest/arm_client.h"
#include "support/result.h"

/// DNS zones that the subscription holds itself: records for a custom domain can be written there.
namespace defang::deploy {

struct AzureZone {
  std::string id, name;
  std::vector<std::string> servers;  // without the last dot
};

/// None where the caller may not see any.
Result<std::vector<AzureZone>> list_azure_zones(rest::ArmClient& arm, const std::string& subscription,
                                                std::stop_token stop);
/// The deepest that the host lies in; nullptr: none. Pure.
const AzureZone* find_azure_zone(const std::vector<AzureZone>& zones, const std::string& host);
/// The world asks this zone: it is the one that was found, and its servers are those. Pure.
bool is_delegated_to(const AzureZone& zone, const DomainSight& sight);

/// Replaces alias or address; adds to texts, which may be others' too.
Result<void> write_records(rest::ArmClient& arm, const AzureZone& zone, const std::vector<WantedRecord>& records,
                           std::stop_token stop);

}  // namespace defang::deploy
