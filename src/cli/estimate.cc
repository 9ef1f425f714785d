// `estimate`: what the plan costs while nobody uses it, by Azure's own price list. Nobody signs in.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "azure/location.h"
#include "cli/commands.h"
#include "cli/planned.h"
#include "cli/signed_out.h"
#include "cli/views/view.h"
#include "deploy/idle_costs.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

double sum_of(const deploy::IdleCosts& costs) {
  double sum = 0;
  for (const auto& one : costs.priced) sum += one.usd_a_month;
  return sum;
}

std::string costs_text(const deploy::IdleCosts& costs, const std::string& region) {
  std::vector<std::vector<std::string>> cells;
  for (const auto& one : costs.priced)
    cells.push_back({one.resource, one.what, fmt::format("{:.2f}", one.usd_a_month)});
  cells.push_back({"together", "", fmt::format("{:.2f}", sum_of(costs))});
  std::string text = table({"resource", "what", "USD a month"}, cells);
  if (!costs.unpriced.empty())
    text +=
        fmt::format("not in this sum: {} (`defang plan` says what they are billed by)\n", join(costs.unpriced, ", "));
  return text + fmt::format(
                    "List prices of {} for what is there while nobody uses it, without free grants, discounts and what "
                    "is paid by use.\n",
                    region);
}

std::string costs_json(const deploy::IdleCosts& costs, const std::string& region) {
  Json resources = Json::array();
  for (const auto& one : costs.priced)
    resources.push_back({{"resource", one.resource}, {"what", one.what}, {"usdPerMonth", one.usd_a_month}});
  return Json{{"region", region},
              {"usdPerMonth", sum_of(costs)},
              {"resources", std::move(resources)},
              {"unpriced", costs.unpriced}}
             .dump() +
         "\n";
}

}  // namespace

int run_estimate(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto settings = find_stack(arguments, context, diagnostics);
  if (!settings) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  Arguments asks_nobody = arguments;
  asks_nobody.offline = true;
  int exit_code = exit_done;
  const auto planned = make_plan(asks_nobody, context, exit_code);
  if (!planned) return exit_code;
  const std::string& region = planned->stack.location;
  const auto cloud = reach_cloud(*settings, nullptr, arguments, context);
  const auto costs =
      !cloud ? std::unexpected(cloud.error()) : deploy::idle_costs(planned->graph, [&](const std::string& service) {
        return rest::read_prices(cloud->cloud, *cloud->pipeline, service, region, context.stop);
      });
  if (!costs) {
    print(costs.error(), arguments, context);
    return exit_code_of(costs.error());
  }
  context.out.write(arguments.json ? costs_json(*costs, region) : costs_text(*costs, region));
  return exit_done;
}

}  // namespace defang::cli
