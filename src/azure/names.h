#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "azure/resource_types.h"

/// Names that Azure accepts, made from names that people gave.
namespace defang::azure {

/// Why Azure would refuse `name` for this type ("is longer than 32 characters"); nothing where it would not. `name` is
/// the last part of a child's name.
std::optional<std::string> name_fault(const ResourceType& type, std::string_view name);

/// ARM-101: words that Azure keeps for itself ("access", everything that starts with "login").
bool is_reserved_name(std::string_view name);

/// `wanted` itself where it is legal; otherwise the nearest legal name. What had to be shortened, or differs from
/// `wanted` by more than case, dots and underscores, ends in a hash of `seed`, so that two wishes never meet.
std::string legal_name(const ResourceType& type, std::string_view wanted, std::string_view seed);

/// `wanted` as a name of a globally unique type: always ends in a hash of `seed`.
std::string unique_name(const ResourceType& type, std::string_view wanted, std::string_view seed);

/// `length` characters of lower-case letters and digits, the first a letter.
std::string short_hash(std::string_view seed, std::size_t length);

}  // namespace defang::azure
