#include "azure/meters.h"

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::azure {
namespace {

// CO-3. Which product and meter a larger database server or a dedicated machine has is not known: these have no row.
constexpr auto kMeters = std::to_array<MeterRow>({
    {"Microsoft.App/containerApps", "Azure Container Apps", "", "Standard vCPU Idle Usage", Measure::kept_cpus},
    {"Microsoft.App/containerApps", "Azure Container Apps", "", "Standard Memory Idle Usage", Measure::kept_gib},
    {"Microsoft.Cache/redisEnterprise", "Redis Cache", "Azure Managed Redis - Balanced", "{sku} Cache Instance",
     Measure::nodes},
    {"Microsoft.ContainerRegistry/registries", "Container Registry", "", "{sku} Registry Unit", Measure::time},
    {"Microsoft.DBforPostgreSQL/flexibleServers", "Azure Database for PostgreSQL",
     "Flexible Server Burstable BS Series Compute", "{sku}", Measure::time},
    {"Microsoft.DBforPostgreSQL/flexibleServers", "Azure Database for PostgreSQL", "Flex Server Storage",
     "Storage Data Stored", Measure::stored_gb},  // the meter's name: UNV
});

struct UnitRow {
  std::string_view unit;
  double a_month;
};
constexpr double kHours = 730;
constexpr auto kUnits = std::to_array<UnitRow>({
    {"1 Second", kHours * 3600},
    {"1 GiB Second", kHours * 3600},
    {"1 Hour", kHours},
    {"1/Hour", kHours},
    {"1/Day", kHours / 24},
    {"1 GB/Month", 1},
    {"1/Month", 1},
});

}  // namespace

std::span<const MeterRow> meters() { return kMeters; }

std::optional<std::string> listed_sku(std::string_view sku) {
  if (sku == "Basic" || sku == "Standard" || sku == "Premium") return std::string(sku);  // of a registry
  for (const std::string_view begin : {"Standard_B", "Balanced_B"})
    if (sku.starts_with(begin)) return to_upper(sku.substr(begin.size() - 1));
  return std::nullopt;
}

std::optional<double> units_a_month(std::string_view unit) {
  const auto row = std::ranges::find(kUnits, unit, &UnitRow::unit);
  return row == kUnits.end() ? std::nullopt : std::optional(row->a_month);
}

}  // namespace defang::azure
