// Azure's public price list, with the rows that azure-rules.md J found; everywhere the same.
#include <fmt/format.h>

#include <array>

#include "emulator/providers/all.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

// Azure's pages hold 1000 rows (CO-1); short ones here, so that clients turn them.
constexpr std::size_t kRowsAPage = 3;

struct Row {
  std::string_view service, product, sku, meter, unit;
  double from_units, price;
};
// CO-3, CO-4, CO-5: found for other regions and dates, and only as large as real ones.
constexpr auto kRows = std::to_array<Row>({
    {"Azure Container Apps", "Azure Container Apps", "Standard", "Standard vCPU Idle Usage", "1 Second", 0, 0},
    {"Azure Container Apps", "Azure Container Apps", "Standard", "Standard vCPU Idle Usage", "1 Second", 180000,
     0.000003},  // UNV: only the active rate was found
    {"Azure Container Apps", "Azure Container Apps", "Standard", "Standard Memory Idle Usage", "1 GiB Second", 0, 0},
    {"Azure Container Apps", "Azure Container Apps", "Standard", "Standard Memory Idle Usage", "1 GiB Second", 360000,
     0.000003},
    {"Azure Container Apps", "Azure Container Apps", "Standard", "Standard vCPU Active Usage", "1 Second", 180000,
     0.000024},
    {"Azure Container Apps", "Azure Container Apps", "Standard", "Standard Memory Active Usage", "1 GiB Second", 360000,
     0.000003},
    {"Azure Container Apps", "Azure Container Apps", "Standard", "Standard Requests", "1M", 2, 0.4},
    {"Container Registry", "Container Registry", "Basic", "Basic Registry Unit", "1/Day", 0, 0.1666},
    {"Azure Database for PostgreSQL", "Azure Database for PostgreSQL Flexible Server Burstable BS Series Compute",
     "B1MS", "B1MS", "1 Hour", 0, 0.022},
    {"Azure Database for PostgreSQL", "Azure Database for PostgreSQL Flexible Server Burstable BS Series Compute",
     "B2S", "B2S", "1 Hour", 0, 0.041},
    {"Redis Cache", "Azure Managed Redis - Balanced", "B0", "B0 Cache Instance", "1 Hour", 0, 0.0136},
    {"Redis Cache", "Azure Managed Redis - Balanced", "B20", "B20 Cache Instance", "1 Hour", 0, 0.692},
});

/// "a eq 'b' and c eq 'd'": the values by name.
std::map<std::string, std::string> filter_of(const Request& request) {
  std::map<std::string, std::string> wanted;
  std::string rest = request.query_value("$filter");
  while (!rest.empty()) {
    const auto end = rest.find(" and ");
    const std::string term = rest.substr(0, end);
    rest = end == std::string::npos ? "" : rest.substr(end + 5);
    if (const auto at = term.find(" eq '"); at != std::string::npos && term.ends_with('\''))
      wanted[term.substr(0, at)] = term.substr(at + 5, term.size() - at - 6);
  }
  return wanted;
}

Answer prices(Core&, const Request& request) {
  const auto filter = filter_of(request);
  const auto value = [&](const char* name) {
    const auto found = filter.find(name);
    return found == filter.end() ? std::string() : found->second;
  };
  const auto first = static_cast<std::size_t>(to_number(request.query_value("$skip")).value_or(0));
  std::size_t seen = 0;
  Json items = Json::array();
  bool goes_on = false;
  for (const Row& row : kRows) {
    if (const auto service = value("serviceName"); !service.empty() && service != row.service) continue;  // CO-2: case
    if (seen++ < first) continue;
    if ((goes_on = items.size() == kRowsAPage)) break;
    items.push_back({{"currencyCode", "USD"},
                     {"tierMinimumUnits", row.from_units},
                     {"retailPrice", row.price},
                     {"unitPrice", row.price},
                     {"armRegionName", value("armRegionName")},
                     {"meterName", row.meter},
                     {"productName", row.product},
                     {"skuName", row.sku},
                     {"serviceName", row.service},
                     {"unitOfMeasure", row.unit},
                     {"type", "Consumption"},
                     {"isPrimaryMeterRegion", true}});
  }
  Json next;
  if (goes_on) {
    next = request.base_url + "/api/retail/prices?$skip=" + std::to_string(first + kRowsAPage);
    next = next.get<std::string>() + "&$filter=" + percent_encode(request.query_value("$filter"));
  }
  const auto count = items.size();
  return json_answer(200, {{"BillingCurrency", "USD"},
                           {"CustomerEntityId", "Default"},
                           {"CustomerEntityType", "Retail"},
                           {"Items", std::move(items)},
                           {"NextPageLink", next},
                           {"Count", count}});
}

}  // namespace

void add_retail_prices(Core& core) {
  core.add_route(
      {.method = "GET", .pattern = "/api/retail/prices", .access = Route::Access::everyone, .answer = prices});
}

}  // namespace defang::emulator
