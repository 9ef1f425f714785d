#pragma once

#include <optional>

#include "plan/planning.h"
#include "providers/network.h"

/// Services that become managed ones on Azure, and what others say of them.
namespace defang::plan {

/// Takes the managed services out of the others.
void find_stores(Planning& plan);
void add_stores(Planning& plan);
/// Several database numbers of one Redis cannot be kept apart (RD-10).
void check_redis_databases(Planning& plan);

/// The variable of the app where it names a store or belongs to what names one; nothing for others.
std::optional<graph::Value> store_variable(Planning& plan, PlannedService& planned,
                                           const compose::EnvironmentVariable& variable);
/// Variables that clients of stores need and nobody set.
void add_store_variables(Planning& plan, PlannedService& planned);
/// A word of `command`; nothing where it names no store.
std::optional<graph::Value> store_word(Planning& plan, const PlannedService& planned, const std::string& word,
                                       const SourceSpan& span);
/// What must stand before the service starts.
std::vector<graph::Edge> needs_of_stores(const Planning& plan, const compose::Service& service);

/// Which of these the project's stores need.
providers::NetworkNeeds network_needs(const Planning& plan);

}  // namespace defang::plan
