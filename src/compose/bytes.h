#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace defang::compose {

/// "512m", "1.5 gb", "100" (CS-151): always powers of 1024. Nothing for anything else.
std::optional<std::int64_t> parse_bytes(std::string_view text);

}  // namespace defang::compose
