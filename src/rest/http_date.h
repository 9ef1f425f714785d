#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace defang::rest {

/// "Wed, 21 Oct 2015 07:28:00 GMT" (RFC 9110 5.6.7, the form that is sent today), since 1970; nothing for anything
/// else.
std::optional<std::chrono::seconds> from_http_date(std::string_view text);

}  // namespace defang::rest
