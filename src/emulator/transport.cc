#include "emulator/transport.h"

#include <fmt/format.h>

#include "emulator/router.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

Result<std::string> whole_body(const rest::HttpRequest& request) {
  if (!request.source) return request.body;
  TRY(request.source->rewind());
  std::string body;
  char buffer[65536];
  for (;;) {
    TRY_ASSIGN(const std::size_t count, request.source->read(buffer, sizeof buffer));
    if (count == 0) return body;
    body.append(buffer, count);
  }
}

Result<std::string> whole_answer(Core& core, const Answer& answer, std::stop_token stop) {
  if (answer.file) {
    TRY_ASSIGN(const std::string all, core.disk().read(answer.file->path));
    return all.substr(std::min<std::size_t>(answer.file->offset, all.size()), answer.file->size_bytes);
  }
  if (!answer.stream) return answer.body;
  std::string body;
  while (const auto piece = answer.stream(stop)) body += *piece;
  return body;
}

}  // namespace

Result<rest::HttpResponse> EmulatorTransport::send(const rest::HttpRequest& request, std::stop_token stop) {
  if (stop.stop_requested()) return stopped();
  const auto scheme = request.url.find("://");
  const auto slash = scheme == std::string::npos ? scheme : request.url.find('/', scheme + 3);
  if (scheme == std::string::npos) return fail(Error::Kind::unreachable, "name-not-found", "no host in " + request.url);
  const std::string host = request.url.substr(scheme + 3, slash == std::string::npos ? slash : slash - scheme - 3);
  const auto colon = host.find(':');
  const auto port = colon == std::string::npos ? std::optional<std::uint64_t>(443) : to_number(host.substr(colon + 1));
  if (!host.starts_with("localhost") || !port)
    return fail(Error::Kind::unreachable, "connect-failed", "cannot connect to " + host);

  Request inner{.method = request.method, .target = slash == std::string::npos ? "/" : request.url.substr(slash)};
  inner.port = static_cast<std::uint16_t>(*port);
  inner.headers = request.headers;
  inner.headers.set("Host", host);
  TRY_ASSIGN(inner.body, whole_body(request));
  if (!inner.body.empty()) inner.headers.set("Content-Length", fmt::format("{}", inner.body.size()));  // signed, too
  const Answer answered = door_ != nullptr ? door_->answer(std::move(inner)) : answer(core_, inner);
  if (answered.drop) return fail(Error::Kind::unreachable, "connection-lost", "the connection was lost");

  rest::HttpResponse response{.status = answered.status, .headers = answered.headers};
  TRY_ASSIGN(response.body, whole_answer(core_, answered, stop));
  if (request.method == "HEAD") response.body.clear();
  if (request.sink && response.status / 100 == 2) {
    TRY(request.sink(response.body));
    response.body.clear();
  }
  return response;
}

}  // namespace defang::emulator
