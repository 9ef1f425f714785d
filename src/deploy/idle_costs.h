#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "graph/graph.h"
#include "rest/retail_prices.h"
#include "support/result.h"

/// What a plan costs while nobody uses it, by Azure's own price list (azure-rules.md J).
namespace defang::deploy {

struct IdleCost {
  std::string resource;  // its name
  std::string what;      // "0.5 CPUs kept", "B1MS", "32 GB"
  double usd_a_month = 0;
};
struct IdleCosts {
  std::vector<IdleCost> priced;
  std::vector<std::string> unpriced;  // names of resources that cost something and have no row here or in the list
};

/// The rows of a service of the price list.
using Prices = std::function<Result<std::vector<rest::PriceRow>>(const std::string& service)>;

/// Asks for each service's prices once. Free grants and what is paid by use are left out.
Result<IdleCosts> idle_costs(const graph::ResourceGraph& graph, const Prices& prices);

}  // namespace defang::deploy
