#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace defang::compose {

/// "1h30m", "1.5s", "2w", "0" (CS-150); nothing for anything else.
std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text);
/// "1m30s", "500ms", "0s".
std::string format_duration(std::chrono::nanoseconds duration);

}  // namespace defang::compose
