#pragma once

#include <optional>

#include "emulator/core.h"

namespace defang::emulator {

/// How a provider spells identity kinds in answers.
enum class IdentitySpelling { upper_camel, lower_camel };

/// Fills `identity` of what is about to be written: principal ids of the resource's own identity, made on first use,
/// and of the user-assigned ones, which must exist. `None` becomes {"type":"None"}; an absent one stays absent.
std::optional<Answer> complete_identity(Write& write, IdentitySpelling spelling);

}  // namespace defang::emulator
