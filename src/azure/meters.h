#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace defang::azure {

/// What of a resource a row of Azure's price list is about (azure-rules.md J).
enum class Measure {
  kept_cpus,  // vCPUs of replicas that are kept, by the second
  kept_gib,   // their memory, by the second
  time,       // the resource itself, by the hour or the day
  nodes,      // each of its nodes, by the hour
  stored_gb,  // each GB of its disk, by the month
};

struct MeterRow {
  std::string_view type;     // of the resource
  std::string_view service;  // the list's own name of it
  std::string_view product;  // how the name of the product ends; empty: any
  std::string_view meter;    // "{sku}" is the resource's own, as the list writes it
  Measure measure;
};
std::span<const MeterRow> meters();

/// "Standard_B1ms" of a database server as the list writes it: "B1MS". "Balanced_B0" of Redis: "B0". Nothing: the list
/// writes it in a way that no rule tells.
std::optional<std::string> listed_sku(std::string_view sku);

/// How often the unit of a price fits into a month of 730 hours: "1 Hour" 730, "1/Day" 730/24, "1 GB/Month" 1, "1
/// Second" or "1 GiB Second" 2,628,000. Nothing for other units.
std::optional<double> units_a_month(std::string_view unit);

}  // namespace defang::azure
