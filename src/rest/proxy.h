#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rest/url.h"
#include "support/result.h"
#include "support/secret.h"

namespace defang::rest {

/// An HTTP proxy that tunnels TLS (CONNECT, RFC 9110 9.3.6), as HTTPS_PROXY names it.
struct Proxy {
  std::string host;
  std::uint16_t port = 0;
  Secret authorization;  // the value of Proxy-Authorization; empty: none

  /// "http://[user:password@]host[:port]"; the scheme may be left out. Port 8080 where none is given.
  static std::optional<Proxy> parse(std::string_view text);
};

/// Whether NO_PROXY exempts a place: a list of "*", "host", ".domain", "domain" (its hosts too) and "host:port".
/// Loopback is always exempt. Pure.
bool goes_around_proxy(const Url& url, std::string_view no_proxy);

/// What is sent to the proxy for a tunnel to `url`. Pure.
std::string connect_request(const Url& url, const Proxy& proxy);

}  // namespace defang::rest
