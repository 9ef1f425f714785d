#include "rest/registry_sign_in.h"

#include <fmt/format.h>

#include "rest/url.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

std::string parameter(const std::string& challenge, std::string_view name) {
  const auto wanted = fmt::format("{}=\"", name);
  const auto at = challenge.find(wanted);
  if (at == std::string::npos) return "";
  const auto begin = at + wanted.size();
  return challenge.substr(begin, challenge.find('"', begin) - begin);
}

Error refused(const std::string& server, const std::string& user) {
  return {.kind = Error::Kind::refused,
          .code = "registry-refuses",
          .message = fmt::format("the registry `{}` does not know `{}` by this password", server, user),
          .help = "many registries want an access token instead of the password, with the right to read packages"};
}

Error answers_with(const std::string& server, int status) {
  return {.kind = Error::Kind::unreachable,
          .code = "registry-answers",
          .message = fmt::format("`{}` answers with status {}, as no registry does", server, status)};
}

}  // namespace

std::string registry_host(const std::string& server) { return server == "docker.io" ? "registry-1.docker.io" : server; }

std::optional<std::string> token_url(const std::string& challenge) {
  if (!to_lower(challenge).starts_with("bearer ")) return std::nullopt;
  auto url = parameter(challenge, "realm");
  if (!url.starts_with("https://")) return std::nullopt;  // a password never goes out in clear
  if (const auto service = parameter(challenge, "service"); !service.empty()) url = with_query(url, "service", service);
  return url;
}

Result<void> check_sign_in(const std::string& server, const std::string& user, const Secret& password,
                           Pipeline& pipeline, std::stop_token stop) {
  HttpRequest request{.url = fmt::format("https://{}/v2/", registry_host(server))};
  TRY_ASSIGN(auto response, pipeline.send(request, {}, stop));
  if (response.status < 300) return {};  // it lets everybody in
  if (response.status != 401) return fail(answers_with(server, response.status));
  if (const auto url = token_url(response.headers.get("WWW-Authenticate")))
    request.url = with_query(*url, "account", user);
  request.headers.set("Authorization", "Basic " + base64(user + ":" + password.reveal()));
  TRY_ASSIGN(response, pipeline.send(request, {}, stop));
  if (response.status == 401 || response.status == 403) return fail(refused(server, user));
  if (response.status >= 300) return fail(answers_with(server, response.status));
  return {};
}

}  // namespace defang::rest
