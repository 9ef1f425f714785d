#include "emulator/router.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::emulator {

std::optional<std::map<std::string, std::string>> match(const Route& route, const Request& request) {
  if (route.method != "*" && route.method != request.method) return std::nullopt;
  std::map<std::string, std::string> captures;
  std::size_t at = 0;
  for (const auto& part : split(route.pattern, '/')) {
    if (part.empty()) continue;
    if (part == "{rest*}") {
      captures["rest"] =
          join({request.segments.begin() + static_cast<std::ptrdiff_t>(std::min(at, request.segments.size())),
                request.segments.end()},
               "/");
      return captures;
    }
    if (at == request.segments.size()) return std::nullopt;
    if (part.starts_with('{'))
      captures[part.substr(1, part.size() - 2)] = request.segments[at];
    else if (!equals_ignoring_case(part, request.segments[at]))
      return std::nullopt;
    ++at;
  }
  if (at != request.segments.size()) return std::nullopt;
  return captures;
}

namespace {

Answer unauthorised(Core& core, std::string_view code, std::string_view message) {
  Answer answer = arm_error(401, code, message);
  // How clients learn the tenant (ARM-10).
  answer.headers.set(
      "WWW-Authenticate",
      fmt::format("Bearer authorization_uri=\"{}/{}\", error=\"invalid_token\", error_description=\"{}\"",
                  core.arm_base_url(), core.tenant(), message));
  return answer;
}

std::optional<Answer> sign_in(Core& core, Request& request) {
  const std::string authorization = request.headers.get("Authorization");
  if (authorization.empty())
    return unauthorised(core, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.");
  const auto caller = equals_ignoring_case(authorization.substr(0, 7), "Bearer ")
                          ? core.check_token(authorization.substr(7))
                          : std::nullopt;
  if (!caller) return unauthorised(core, "InvalidAuthenticationToken", "The access token is invalid.");
  if (caller->tenant != core.tenant())
    return unauthorised(core, "InvalidAuthenticationTokenTenant",
                        "The access token is from the wrong issuer.");  // ARM-11
  request.caller = *caller;
  return std::nullopt;
}

void finish(Core& core, const Request& request, Answer& answer) {
  answer.headers.set("Date", http_date(core.now_ms()));
  if (!answer.headers.has("x-ms-request-id")) answer.headers.set("x-ms-request-id", core.random().uuid());
  answer.headers.set("x-ms-correlation-request-id", answer.headers.get("x-ms-request-id"));
  const std::string client_id = request.headers.get("x-ms-client-request-id");
  if (!client_id.empty()) answer.headers.set("x-ms-client-request-id", client_id);
}

Answer answer_arm(Core& core, Request& request) {
  for (const Route& route : core.routes()) {
    auto captures = match(route, request);
    if (!captures) continue;
    request.captures = std::move(*captures);
    if (!route.locked) return route.answer(core, request);
    const Core::Lock guard(core);
    if (route.access == Route::Access::signed_in)
      if (auto refusal = sign_in(core, request)) return *refusal;
    return route.answer(core, request);
  }
  const Core::Lock guard(core);
  if (auto refusal = sign_in(core, request)) return *refusal;
  if (auto poll = core.answer_poll(request)) return *poll;
  return answer_resource(core, request);
}

/// A body whose members have other kinds than any check expected shows as an exception of the JSON library.
Answer dispatch(Core& core, Request& request) try {
  const auto endpoint = core.endpoint_of(request.port);
  if (!endpoint) return answer_arm(core, request);
  const Core::DataPlane* plane = core.find_data_plane(endpoint->first);
  return plane == nullptr ? not_implemented("the data plane " + endpoint->first)
                          : (*plane)(core, request, endpoint->second);
} catch (const Json::exception& error) {
  return gateway_error(
      400, "InvalidRequestContent",
      fmt::format("The request content was invalid and could not be deserialized: '{}'.", error.what()));
}

}  // namespace

Answer answer(Core& core, Request& request) {
  parse_target(request);
  core.run_due();
  Answer answer = dispatch(core, request);
  const Core::Lock guard(core);
  finish(core, request, answer);
  if (request.method == "HEAD" && !answer.file) answer.body.clear();
  return answer;
}
Resource& put_resource(Core& core, std::string id, std::string type, Json body) {
  const Resource* existing = core.store().find(id);
  Resource resource{.id = std::move(id),
                    .type = std::move(type),
                    .body = std::move(body),
                    .hidden = existing == nullptr ? Json::object() : existing->hidden};
  return core.store().put(std::move(resource));
}

}  // namespace defang::emulator
