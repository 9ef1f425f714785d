#include "rest/url.h"

#include <algorithm>

#include "support/text.h"

namespace defang::rest {
namespace {

std::uint16_t own_port(std::string_view scheme) { return scheme == "https" ? 443 : 80; }

bool is_visible(char c) { return c > ' ' && c != '\x7f'; }

}  // namespace

std::optional<Url> Url::parse(std::string_view text) {
  const auto colon = text.find("://");
  if (colon == std::string_view::npos || !std::ranges::all_of(text, is_visible)) return std::nullopt;
  Url url;
  url.scheme = to_lower(text.substr(0, colon));
  if (url.scheme != "http" && url.scheme != "https") return std::nullopt;
  std::string_view rest = text.substr(colon + 3);
  rest = rest.substr(0, rest.find('#'));
  const auto end = std::min(rest.find_first_of("/?"), rest.size());
  std::string_view authority = rest.substr(0, end);
  url.target = rest.substr(end);
  if (!url.target.starts_with('/')) url.target.insert(0, "/");
  if (authority.find('@') != std::string_view::npos) return std::nullopt;  // we never send a password in a URL

  std::string_view port;
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    url.host = to_lower(authority.substr(1, close - 1));
    port = authority.substr(close + 1);
  } else {
    const auto separator = std::min(authority.find(':'), authority.size());
    url.host = to_lower(authority.substr(0, separator));
    port = authority.substr(separator);
  }
  if (url.host.empty() || (!port.empty() && port[0] != ':')) return std::nullopt;
  if (port.size() > 1) {
    const auto number = to_number(port.substr(1));
    if (!number || *number == 0 || *number > 65535) return std::nullopt;
    url.port = static_cast<std::uint16_t>(*number);
  } else {
    url.port = own_port(url.scheme);
  }
  return url;
}

std::string Url::path() const { return target.substr(0, target.find('?')); }

std::string Url::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? "" : target.substr(mark + 1);
}

std::string Url::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == own_port(scheme) ? name : name + ":" + std::to_string(port);
}

std::string Url::origin() const { return scheme + "://" + authority(); }

std::string sendable(std::string link) { return replace_all(std::move(link), " ", "%20"); }

std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const std::string& part : split(query, '&')) {
    if (part.empty()) continue;
    const auto equals = std::min(part.find('='), part.size());
    pairs.emplace_back(percent_decode(part.substr(0, equals)),
                       equals < part.size() ? percent_decode(part.substr(equals + 1)) : "");
  }
  return pairs;
}

std::string with_query(std::string url, std::string_view name, std::string_view value) {
  url += url.find('?') == std::string::npos ? '?' : '&';
  url += name;
  url += '=';
  url += percent_encode(value);
  return url;
}

std::string form_body(const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string body;
  for (const auto& [name, value] : fields) {
    if (!body.empty()) body += '&';
    body += percent_encode(name) + '=' + percent_encode(value);
  }
  return body;
}

}  // namespace defang::rest
