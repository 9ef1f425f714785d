#pragma once

#include <string>
#include <string_view>

#include "support/result.h"

namespace defang::emulator {

/// What the ingress needs of the first lines of a request.
struct RequestHead {
  std::string method;
  std::string target;
  std::string host;            // lower case, without the port
  bool wants_upgrade = false;  // WebSocket: the connection lives on after the answer
  std::size_t size = 0;        // bytes up to and with the empty line
};

enum class HeadProgress { incomplete, complete, broken, http2 };

/// http2: the client's preface of HTTP/2 without upgrade ("prior knowledge", RFC 9113, 3.3), as gRPC clients send it.
HeadProgress read_head(std::string_view bytes, RequestHead& head);

struct ForwardedFor {
  std::string client;    // address
  std::string protocol;  // http or https
};

/// The head as the replica gets it: X-Forwarded-For, -Proto and -Host as Container Apps sets them (CA-61), hop-by-hop
/// headers replaced by `Connection: close` (one request per connection keeps framing the business of the two ends),
/// except for an upgrade.
std::string forwarded_head(std::string_view bytes, const RequestHead& head, const ForwardedFor& from);

/// A whole answer of the ingress itself.
std::string ingress_answer(int status, std::string_view text);
std::string redirect_to_https(const RequestHead& head);

/// `example.org` of `Example.org:8080`; brackets of IPv6 stay.
std::string host_without_port(std::string_view host);

}  // namespace defang::emulator
