#pragma once

#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

/// Names to addresses without the C library: a static program must not call getaddrinfo, which loads whatever
/// nsswitch.conf names.
namespace defang::rest {

/// Addresses of `host` as text, in the order to try. Literal addresses are themselves; `localhost` and `*.localhost`
/// are loopback (RFC 6761); then the hosts file, then DNS. Error name-not-found.
Result<std::vector<std::string>> look_up(const std::string& host, std::stop_token stop);

/// The two families in turns, beginning with the first (RFC 8305 4): where one of them leads nowhere, the second try is
/// not lost to it. Pure.
std::vector<std::string> in_turns(const std::vector<std::string>& addresses);

bool is_loopback_name(std::string_view host);

/// What a hosts file says about a name, in its order. Pure.
std::vector<std::string> addresses_in_hosts_file(std::string_view text, std::string_view host);

}  // namespace defang::rest
