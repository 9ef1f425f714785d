#pragma once

#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "rest/cloud.h"
#include "rest/pipeline.h"
#include "support/result.h"

namespace defang::rest {

/// A row of Azure's public price list (CO-2).
struct PriceRow {
  std::string product, sku, meter, unit;  // unit "1 Hour", "1/Day", "1 GB/Month"
  double from_units = 0;                  // the price holds from this many units on; free grants are rows of their own
  double price = 0;                       // per unit, in US dollars
};

/// Every row of pay-as-you-go prices that a service has in a region, all pages (CO-1, CO-4). `service` is the list's
/// own name, such as "Azure Container Apps"; `region` "westus3". Nobody signs in.
Result<std::vector<PriceRow>> read_prices(const Cloud& cloud, Pipeline& unsigned_pipeline, const std::string& service,
                                          const std::string& region, std::stop_token stop);

}  // namespace defang::rest
