#include "azure/costs.h"

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::azure {
namespace {

struct CostRow {
  std::string_view type, idle;
};
// Prices are of lists that were found for other regions or dates: an order of magnitude, and said to be one. What is
// marked `UNV` or `inf` has no source but the way such services are sold.
constexpr auto kCosts = std::to_array<CostRow>({
    {"Microsoft.App/containerApps",
     "its CPU and memory by the second for each replica that is kept, at a lower rate while that is idle"},  // CO-7 UNV
    {"Microsoft.App/managedEnvironments", "a load balancer and public addresses by the hour"},               // CO-6
    {"Microsoft.Cache/redisEnterprise", "each of its nodes by the hour, two with high availability"},        // CO-3, 6
    {"Microsoft.ContainerRegistry/registries", "about 0.17 USD a day (Basic)"},                              // CO-5 UNV
    {"Microsoft.DBforMySQL/flexibleServers", "its server by the hour and each GB of its disk"},              // inf
    {"Microsoft.DBforPostgreSQL/flexibleServers",
     "its server by the hour, about 0.02 USD for the smallest, and each GB of its disk"},        // CO-5, CO-6
    {"Microsoft.DocumentDB/mongoClusters", "its nodes by the hour and each GB of their disks"},  // inf
    {"Microsoft.Network/privateEndpoints", "its address by the hour and each GB that passes"},   // CO-6
    {"Microsoft.OperationalInsights/workspaces", "each GB of logs that it takes in"},            // CO-6
    {"Microsoft.Storage/storageAccounts", "each GB that it keeps"},                              // UNV
    {"Microsoft.Storage/storageAccounts/fileServices/shares", "each GB that it keeps"},          // UNV
    {"Microsoft.Storage/storageAccounts/blobServices/containers", "each GB that it keeps"},      // UNV
});

}  // namespace

std::string_view idle_cost_of(std::string_view type) {
  const auto row = std::ranges::find_if(kCosts, [&](const CostRow& r) { return equals_ignoring_case(r.type, type); });
  return row == kCosts.end() ? std::string_view() : row->idle;
}

}  // namespace defang::azure
