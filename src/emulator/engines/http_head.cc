#include "emulator/engines/http_head.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kHttp2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::size_t kLargestHead = 64 * 1024;

// RFC 9110, 7.6.1, and what the ingress sets itself.
constexpr auto kReplaced = std::to_array<std::string_view>({
    "connection",
    "keep-alive",
    "proxy-connection",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
});

struct Reason {
  int status;
  std::string_view text;
};
constexpr auto kReasons = std::to_array<Reason>({
    {301, "Moved Permanently"},
    {400, "Bad Request"},
    {404, "Not Found"},
    {431, "Request Header Fields Too Large"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
});

template <class Use>
void for_each_line(std::string_view head, Use use) {
  while (!head.empty()) {
    const auto end = head.find("\r\n");
    if (end == std::string_view::npos || end == 0) return;
    use(head.substr(0, end));
    head.remove_prefix(end + 2);
  }
}

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c));
  });
}

bool read_request_line(std::string_view line, RequestHead& head) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || last <= first + 1 || !line.substr(last + 1).starts_with("HTTP/1.")) {
    return false;
  }
  head.method = line.substr(0, first);
  head.target = line.substr(first + 1, last - first - 1);
  return is_token(head.method);
}

}  // namespace

std::string host_without_port(std::string_view host) {
  const auto colon = host.rfind(':');
  const auto bracket = host.rfind(']');
  if (colon != std::string_view::npos && (bracket == std::string_view::npos || colon > bracket)) {
    host = host.substr(0, colon);
  }
  return to_lower(host);
}

HeadProgress read_head(std::string_view bytes, RequestHead& head) {
  const auto common = std::min(bytes.size(), kHttp2Preface.size());
  if (common >= 3 && bytes.substr(0, common) == kHttp2Preface.substr(0, common)) {
    return common == kHttp2Preface.size() ? HeadProgress::http2 : HeadProgress::incomplete;
  }
  const auto end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) {
    return bytes.size() > kLargestHead ? HeadProgress::broken : HeadProgress::incomplete;
  }
  head.size = end + 4;
  bool first = true;
  bool sound = true;
  for_each_line(bytes.substr(0, head.size), [&](std::string_view line) {
    if (std::exchange(first, false)) {
      sound = read_request_line(line, head);
      return;
    }
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
      sound = false;
      return;
    }
    const auto name = line.substr(0, colon);
    const auto value = trim(line.substr(colon + 1));
    if (equals_ignoring_case(name, "host")) head.host = host_without_port(value);
    if (equals_ignoring_case(name, "upgrade")) head.wants_upgrade = true;
  });
  return sound && !first ? HeadProgress::complete : HeadProgress::broken;
}

std::string forwarded_head(std::string_view bytes, const RequestHead& head, const ForwardedFor& from) {
  std::string out;
  std::string earlier_client;
  std::string host;
  bool first = true;
  for_each_line(bytes.substr(0, head.size), [&](std::string_view line) {
    const auto name = to_lower(line.substr(0, line.find(':')));
    const bool is_header = !std::exchange(first, false);
    const auto value = is_header ? trim(line.substr(name.size() + 1)) : std::string_view();
    if (is_header && name == "x-forwarded-for") earlier_client = value;
    if (is_header && name == "host") host = value;
    if (is_header && std::ranges::find(kReplaced, name) != kReplaced.end()) return;
    out += line;
    out += "\r\n";
  });
  const auto clients = earlier_client.empty() ? from.client : earlier_client + ", " + from.client;
  out += fmt::format("X-Forwarded-For: {}\r\nX-Forwarded-Proto: {}\r\nX-Forwarded-Host: {}\r\nConnection: {}\r\n\r\n",
                     clients, from.protocol, host, head.wants_upgrade ? "Upgrade" : "close");
  return out;
}

std::string ingress_answer(int status, std::string_view text) {
  const auto* reason = std::ranges::find(kReasons, status, &Reason::status);
  return fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
      status, reason == kReasons.end() ? "" : reason->text, text.size(), text);
}

std::string redirect_to_https(const RequestHead& head) {
  return fmt::format(
      "HTTP/1.1 301 Moved Permanently\r\nLocation: https://{}{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
      head.host, head.target);
}

}  // namespace defang::emulator
