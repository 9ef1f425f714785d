#include "rest/image_lookup.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "rest/registry_sign_in.h"
#include "rest/url.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;
using Is = FoundImage::Is;

/// Somebody waits, and can do without: a registry behind a firewall may not even refuse.
constexpr auto kAnswerLimit = std::chrono::seconds(15);
constexpr Call kOnce{.audience = "", .repeat = Call::Repeat::never};

class Lookup {
 public:
  Lookup(const ImageName& image, const RegistryQuery& query, Pipeline& pipeline, std::stop_token stop)
      : image_(image), query_(query), pipeline_(pipeline), stop_(stop) {}

  FoundImage find() {
    auto response = ask("");
    if (response && response->status == 401) {
      const auto credentials = credentials_for(response->headers.get("WWW-Authenticate"));
      if (!credentials) return unknown(credentials.error().message);
      if (!credentials->empty()) response = ask(*credentials);
    }
    if (response && is_refusal(response->status) && query_.azure != nullptr) {
      const auto token = query_.azure->access_token(pull_scope(), stop_);
      if (token) response = ask("Bearer " + token->reveal());
    }
    return response ? answer_of(*response) : unknown(response.error().message);
  }

 private:
  static bool is_refusal(int status) { return status == 401 || status == 403; }
  static FoundImage unknown(std::string why) { return {.is = Is::unknown, .digest = {}, .why = std::move(why)}; }

  std::string pull_scope() const { return fmt::format("repository:{}:pull", image_.repository); }

  Result<HttpResponse> ask(const std::string& authorization) {
    const auto base = query_.mirror.empty() ? "https://" + registry_host(image_.server) : query_.mirror;
    auto request = manifest_request(base, image_.repository, image_.tag, authorization);
    if (!query_.mirror.empty()) request.url = with_query(request.url, "ns", image_.server);
    request.total_limit = kAnswerLimit;
    return pipeline_.send(std::move(request), kOnce, stop_);
  }

  std::string basic() const { return "Basic " + base64(query_.login->user + ":" + query_.login->password.reveal()); }

  /// What the challenge of a 401 asks for; empty where that cannot be had.
  Result<std::string> credentials_for(const std::string& challenge) {
    auto url = token_url(challenge);
    if (!url) return query_.login ? basic() : "";
    HttpRequest request{.url = with_query(*url, "scope", pull_scope()), .total_limit = kAnswerLimit};
    if (query_.login) {
      request.url = with_query(request.url, "account", query_.login->user);
      request.headers.set("Authorization", basic());
    }
    TRY_ASSIGN(const auto response, pipeline_.send(request, kOnce, stop_));
    if (is_refusal(response.status)) return "";
    const auto json = Json::parse(response.body, nullptr, false);
    for (const auto* member : {"token", "access_token"})
      if (json.is_object() && json.contains(member) && json[member].is_string())
        return "Bearer " + json[member].get<std::string>();
    return fail(Error::Kind::unreachable, "registry-answers",
                fmt::format("`{}` gave no token (status {})", image_.server, response.status));
  }

  FoundImage answer_of(const HttpResponse& response) const {
    if (response.status == 404) return {.is = Is::missing, .digest = {}, .why = {}};
    if (response.status == 401) return {.is = Is::closed, .digest = {}, .why = {}};
    const auto digest = response.headers.get("Docker-Content-Digest");
    if (response.status != 200)
      return unknown(fmt::format("`{}` answers with status {}", image_.server, response.status));
    if (!digest.starts_with("sha256:")) return unknown(fmt::format("`{}` does not say the digest", image_.server));
    return {.is = Is::there, .digest = digest, .why = {}};
  }

  const ImageName& image_;
  const RegistryQuery& query_;
  Pipeline& pipeline_;
  std::stop_token stop_;
};

}  // namespace

FoundImage look_up_image(const ImageName& image, const RegistryQuery& query, Pipeline& pipeline, std::stop_token stop) {
  return Lookup(image, query, pipeline, stop).find();
}

}  // namespace defang::rest
