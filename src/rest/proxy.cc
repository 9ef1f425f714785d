#include "rest/proxy.h"

#include <fmt/format.h>

#include <algorithm>

#include "rest/host_names.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

constexpr std::uint16_t kUsualPort = 8080;

std::string tunnel_target(const Url& url) {
  return fmt::format("{}:{}", url.host.find(':') == std::string::npos ? url.host : "[" + url.host + "]", url.port);
}

}  // namespace

std::optional<Proxy> Proxy::parse(std::string_view text) {
  text = trim(text);
  Proxy proxy;
  if (const auto scheme = text.find("://"); scheme != std::string_view::npos) {
    if (!equals_ignoring_case(text.substr(0, scheme), "http")) return std::nullopt;
    text.remove_prefix(scheme + 3);
  }
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    proxy.authorization = Secret("Basic " + base64(percent_decode(text.substr(0, at))));
    text.remove_prefix(at + 1);
  }
  const auto url = Url::parse("http://" + std::string(text));
  if (!url) return std::nullopt;
  proxy.host = url->host;
  const std::string_view authority = text.substr(0, text.find('/'));
  const bool has_port = authority.rfind(':') != std::string_view::npos && !authority.ends_with(']');
  proxy.port = has_port ? url->port : kUsualPort;
  return proxy;
}

bool goes_around_proxy(const Url& url, std::string_view no_proxy) {
  if (is_loopback_name(url.host) || url.host.starts_with("127.") || url.host == "::1") return true;
  if (url.host.starts_with("169.254.")) return true;  // link-local: the identity of this machine (ARM-7)
  for (const std::string& part : split(no_proxy, ',')) {
    std::string entry = to_lower(trim(part));
    if (entry == "*") return true;
    if (const auto colon = entry.rfind(':'); colon != std::string::npos && entry.find(':') == colon) {
      if (entry.substr(colon + 1) != std::to_string(url.port)) continue;
      entry.resize(colon);
    }
    if (entry.starts_with('.')) entry.erase(0, 1);
    if (!entry.empty() && (url.host == entry || url.host.ends_with("." + entry))) return true;
  }
  return false;
}

std::string connect_request(const Url& url, const Proxy& proxy) {
  std::string text = fmt::format("CONNECT {0} HTTP/1.1\r\nHost: {0}\r\n", tunnel_target(url));
  if (!proxy.authorization.empty()) text += fmt::format("Proxy-Authorization: {}\r\n", proxy.authorization.reveal());
  return text + "\r\n";
}

}  // namespace defang::rest
