#include "emulator/engines/probe.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>

#include "support/text.h"

namespace defang::emulator {
namespace {

using Clock = std::chrono::steady_clock;  // what a probe measures is real time, whatever the emulator's clock says

struct FreeContext {
  void operator()(SSL_CTX* one) const { SSL_CTX_free(one); }
};
struct FreeConnection {
  void operator()(SSL* one) const { SSL_free(one); }
};

ProbeResult too_slow(const Probe& probe) { return {false, fmt::format("no answer within {} ms", probe.limit.count())}; }

/// Waits until the socket can be read or written; false: the time was up, or a stop was asked for.
bool wait_for(int socket, short what, Clock::time_point end, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    pollfd one{socket, what, 0};
    if (::poll(&one, 1, static_cast<int>(std::min<std::int64_t>(left, 200))) > 0) return true;
  }
  return false;
}

ProbeResult connect_to(int socket, std::uint32_t address, const Probe& probe, Clock::time_point end,
                       const std::stop_token& stop) {
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_port = htons(probe.port);
  place.sin_addr.s_addr = htonl(address);
  if (::connect(socket, reinterpret_cast<const sockaddr*>(&place), sizeof place) == 0) return {true, "connected"};
  if (errno != EINPROGRESS) return {false, to_lower(std::strerror(errno))};
  if (!wait_for(socket, POLLOUT, end, stop)) return too_slow(probe);
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return {false, to_lower(std::strerror(error))};
  return {true, "connected"};
}

std::string request_text(std::uint32_t address, const Probe& probe) {
  std::string text = fmt::format("GET {} HTTP/1.1\r\n", probe.path.empty() ? "/" : probe.path);
  bool has_host = false;
  for (const auto& [name, value] : probe.headers) {
    has_host = has_host || equals_ignoring_case(name, "host");
    text += fmt::format("{}: {}\r\n", name, value);
  }
  if (!has_host) text += fmt::format("Host: {}:{}\r\n", address_text(address), probe.port);
  return text + "User-Agent: kube-probe/1.0\r\nAccept: */*\r\nConnection: close\r\n\r\n";
}

ProbeResult judge(std::string_view answer) {
  // HTTP/1.1 200 OK
  const auto space = answer.find(' ');
  const auto status = space == std::string_view::npos ? std::nullopt : to_number(answer.substr(space + 1, 3));
  if (!answer.starts_with("HTTP/") || !status) return {false, "the answer is not HTTP"};
  return {*status >= 200 && *status < 400, fmt::format("HTTP {}", *status)};
}

ProbeResult ask_plainly(int socket, const std::string& text, const Probe& probe, Clock::time_point end,
                        const std::stop_token& stop) {
  if (::send(socket, text.data(), text.size(), MSG_NOSIGNAL) < 0) return {false, to_lower(std::strerror(errno))};
  std::string answer;
  while (answer.find("\r\n") == std::string::npos) {
    if (!wait_for(socket, POLLIN, end, stop)) return too_slow(probe);
    char buffer[1024];
    const auto size = ::recv(socket, buffer, sizeof buffer, 0);
    if (size <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(size));
  }
  return judge(answer);
}

ProbeResult ask_with_tls(int socket, const std::string& text, const Probe& probe) {
  ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) & ~O_NONBLOCK);
  const timeval limit{probe.limit.count() / 1000, probe.limit.count() % 1000 * 1000};
  ::setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(socket, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  const std::unique_ptr<SSL_CTX, FreeContext> context(SSL_CTX_new(TLS_client_method()));
  const std::unique_ptr<SSL, FreeConnection> connection(SSL_new(context.get()));
  SSL_set_fd(connection.get(), socket);
  if (SSL_connect(connection.get()) != 1) return {false, "the TLS handshake failed"};
  SSL_write(connection.get(), text.data(), static_cast<int>(text.size()));
  char buffer[1024];
  const int size = SSL_read(connection.get(), buffer, sizeof buffer);
  return size <= 0 ? too_slow(probe) : judge(std::string_view(buffer, static_cast<std::size_t>(size)));
}

std::uint32_t hexadecimal(std::string_view text) {
  std::uint32_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return value;
}

/// 0100007F, and the last word of IPv6's ::1 and ::ffff:127.0.0.1 (words in host byte order, each little-endian).
bool is_loopback(std::string_view address) {
  if (address.size() == 8) return address.ends_with("7F");
  return address == "00000000000000000000000001000000" ||
         (address.starts_with("0000000000000000FFFF0000") && address.ends_with("7F"));
}

}  // namespace

ProbeResult run_probe(const NetworkNamespace& from, std::uint32_t address, const Probe& probe, std::stop_token stop) {
  const auto end = Clock::now() + probe.limit;
  const auto socket = from.stream_socket();
  if (!socket) return {false, socket.error().message};
  auto connected = connect_to(socket->number(), address, probe, end, stop);
  if (!connected.success || probe.kind == Probe::Kind::tcp) return connected;
  const auto text = request_text(address, probe);
  return probe.kind == Probe::Kind::http ? ask_plainly(socket->number(), text, probe, end, stop)
                                         : ask_with_tls(socket->number(), text, probe);
}

std::vector<std::uint16_t> listening_ports(std::string_view table) {
  constexpr std::string_view kListening = "0A";
  std::vector<std::uint16_t> ports;
  for (const auto& line : split(table, '\n')) {
    std::vector<std::string> fields;
    for (auto& field : split(line, ' ')) {
      if (!field.empty()) fields.push_back(std::move(field));
    }
    if (fields.size() < 4 || fields[3] != kListening) continue;
    const auto colon = fields[1].find(':');
    if (colon == std::string::npos || is_loopback(fields[1].substr(0, colon))) continue;
    ports.push_back(static_cast<std::uint16_t>(hexadecimal(fields[1].substr(colon + 1))));
  }
  return ports;
}

}  // namespace defang::emulator
