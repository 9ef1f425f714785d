#pragma once

#include <string>
#include <string_view>

#include "compose/node.h"

namespace defang::compose {

enum class ScalarStyle { plain, quoted };

/// The value that a YAML scalar stands for: YAML 1.2's core schema, and of YAML 1.1 the octals `0755` and the
/// underscores `1_000`, which Compose keeps (CS-25..CS-28). `tag` is empty, "!!str" and its kin, or a tag of the
/// user's.
Node resolve_scalar(std::string_view text, ScalarStyle style, std::string_view tag);

/// How Compose prints a scalar where it wants a text (CS-28): 1.50 is "1.5", 0x10 is "16", null is "".
std::string reprint(const Node& scalar);

/// Shortest decimal form that reads back as the same number, without exponent below 1e21.
std::string format_number(double value);

}  // namespace defang::compose
