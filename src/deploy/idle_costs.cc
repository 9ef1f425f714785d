#include "deploy/idle_costs.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>

#include "azure/costs.h"
#include "azure/meters.h"
#include "support/text.h"

namespace defang::deploy {
namespace {

using graph::Resource;
using graph::Value;

const Value* at(const Value& value, std::initializer_list<std::string_view> keys) {
  const Value* found = &value;
  for (const auto key : keys)
    if ((found = found->find(key)) == nullptr) return nullptr;
  return found;
}

std::string text_of(const Value* value) {
  const auto* text = value == nullptr ? nullptr : value->get_if<Value::Text>();
  const auto* piece = text == nullptr || text->size() != 1 ? nullptr : std::get_if<std::string>(&text->front());
  return piece == nullptr ? "" : *piece;
}

/// Of a number, or of the number that a text begins with: "0.5Gi".
double number_of(const Value* value) {
  if (value == nullptr) return 0;
  if (const auto* whole = value->get_if<std::int64_t>()) return static_cast<double>(*whole);
  if (const auto* number = value->get_if<double>()) return *number;
  const std::string text = text_of(value);
  double number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

/// Of all containers of all replicas that are kept.
double kept(const Resource& app, std::string_view what) {
  double sum = 0;
  const auto* containers = at(app.body, {"properties", "template", "containers"});
  if (containers == nullptr || !containers->get_if<Value::List>()) return 0;
  for (const auto& container : *containers->get_if<Value::List>()) sum += number_of(at(container, {"resources", what}));
  return sum * number_of(at(app.body, {"properties", "template", "scale", "minReplicas"}));
}

struct Amount {
  double count = 0;
  std::string what;
};

Amount amount_of(const Resource& resource, azure::Measure measure, const std::string& sku) {
  switch (measure) {
    case azure::Measure::kept_cpus: {
      const double cpus = kept(resource, "cpu");
      return {cpus, fmt::format("{:g} CPUs kept", cpus)};
    }
    case azure::Measure::kept_gib: {
      const double gib = kept(resource, "memory");
      return {gib, fmt::format("{:g} GiB of memory kept", gib)};
    }
    case azure::Measure::time:
      return {1, sku};
    case azure::Measure::nodes: {  // CO-3: the price is of one node, and a standby is a second
      const bool has_standby = text_of(at(resource.body, {"properties", "highAvailability"})) != "Disabled";
      return {has_standby ? 2.0 : 1.0, has_standby ? "2 x " + sku : sku};
    }
    case azure::Measure::stored_gb: {
      const double gb = number_of(at(resource.body, {"properties", "storage", "storageSizeGB"}));
      return {gb, fmt::format("{:g} GB", gb)};
    }
  }
  return {};
}

/// The price after what is free (CO-4), with how often its unit fits into a month.
std::optional<double> usd_a_month(const std::vector<rest::PriceRow>& rows, const azure::MeterRow& meter,
                                  const std::string& name) {
  const rest::PriceRow* found = nullptr;
  for (const auto& row : rows)
    if (equals_ignoring_case(row.meter, name) && row.product.ends_with(meter.product) && row.price > 0 &&
        (found == nullptr || row.from_units < found->from_units))
      found = &row;
  const auto units = found == nullptr ? std::nullopt : azure::units_a_month(found->unit);
  return units ? std::optional(*units * found->price) : std::nullopt;
}

bool runs_on_dedicated_machines(const Resource& resource) {
  const std::string profile = text_of(at(resource.body, {"properties", "workloadProfileName"}));
  return !profile.empty() && profile != "Consumption";
}

}  // namespace

Result<IdleCosts> idle_costs(const graph::ResourceGraph& graph, const Prices& prices) {
  IdleCosts costs;
  std::map<std::string_view, std::vector<rest::PriceRow>> lists;
  for (const auto& [id, node] : graph.nodes()) {
    const auto* resource = std::get_if<Resource>(&node);
    if (resource == nullptr || azure::idle_cost_of(resource->type).empty()) continue;
    if (resource->name.find('/') != std::string::npos) continue;  // billed with its parent
    bool is_priced = false, is_free = false;
    for (const auto& meter : azure::meters()) {
      if (!equals_ignoring_case(meter.type, resource->type) || runs_on_dedicated_machines(*resource)) continue;
      const auto sku = azure::listed_sku(text_of(at(resource->body, {"sku", "name"})));
      const auto amount = amount_of(*resource, meter.measure, sku.value_or(""));
      if (amount.count == 0) {
        is_free = true;  // scales to zero
        continue;
      }
      if (!sku && meter.meter.find("{sku}") != std::string_view::npos) continue;
      if (!lists.contains(meter.service)) {
        TRY_ASSIGN(lists[meter.service], prices(std::string(meter.service)));
      }
      const auto usd =
          usd_a_month(lists[meter.service], meter, replace_all(std::string(meter.meter), "{sku}", sku.value_or("")));
      if (!usd) continue;
      costs.priced.push_back({resource->name, amount.what, *usd * amount.count});
      is_priced = true;
    }
    if (!is_priced && !is_free) costs.unpriced.push_back(resource->name);
  }
  return costs;
}

}  // namespace defang::deploy
