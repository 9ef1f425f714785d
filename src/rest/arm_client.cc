#include "rest/arm_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "rest/azure_error.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = ArmClient::Json;
using std::chrono::milliseconds;

// "Succeeded" is no proof that GET works already: a recorded server stayed away for as long as it takes to make one
// (wire facts, PostgreSQL).
constexpr milliseconds kLongestUnseen = std::chrono::minutes(15);

/// What was being done, for messages: "PUT of Microsoft.App/containerApps `web`".
std::string doing(std::string_view method, const azure::ResourceId& id) {
  return fmt::format("{} of {} `{}`", method, id.type(), id.last_name());
}

Result<Json> json_of(const HttpResponse& response) {
  if (trim(response.body).empty()) return Json();
  Json body = Json::parse(response.body, nullptr, false);
  if (!body.is_discarded()) return body;
  return fail(Error{.kind = Error::Kind::invalid,
                    .code = "answer-invalid",
                    .message = fmt::format("the answer is not JSON: {}", response.body.substr(0, 200)),
                    .http_status = response.status});
}

/// Ids hold what Azure allows in names; anything else of a URL's own syntax is encoded.
std::string path_of(const azure::ResourceId& id) {
  std::string path;
  for (const char c : id.text()) {
    if (c == ' ' || c == '?' || c == '#' || c == '%') {
      path += percent_encode(std::string_view(&c, 1));
    } else {
      path += c;
    }
  }
  return path;
}

class PipelineArmClient : public ArmClient {
 public:
  PipelineArmClient(Cloud cloud, Pipeline& pipeline, Clock& clock)
      : cloud_(std::move(cloud)), pipeline_(pipeline), clock_(clock) {}

  Result<std::optional<Json>> get(const azure::ResourceId& id, const std::string& api_version,
                                  std::stop_token stop) override {
    return told(doing("GET", id), get_url(url_of(id, api_version), stop));
  }

  Result<Json> put(const azure::ResourceId& id, const std::string& api_version, const Json& body,
                   const WaitOptions& wait, std::stop_token stop) override {
    return told(doing("PUT", id), write("PUT", id, api_version, body, wait, stop));
  }

  Result<Json> patch(const azure::ResourceId& id, const std::string& api_version, const Json& body,
                     const WaitOptions& wait, std::stop_token stop) override {
    return told(doing("PATCH", id), write("PATCH", id, api_version, body, wait, stop));
  }

  Result<void> remove(const azure::ResourceId& id, const std::string& api_version, const WaitOptions& wait,
                      std::stop_token stop) override {
    return told(doing("DELETE", id), remove_url(url_of(id, api_version), wait, stop));
  }

  Result<Json> post(const azure::ResourceId& id, const std::string& function, const std::string& api_version,
                    const Json& body, const WaitOptions& wait, std::stop_token stop) override {
    const std::string url =
        with_query(cloud_.resource_manager + path_of(id) + "/" + function, "api-version", api_version);
    // Functions that begin with "list" or "get" only read, so a lost answer may be asked for again.
    const std::string name = to_lower(function);
    const bool reads = name.starts_with("list") || name.starts_with("get") || name.starts_with("check");
    return told(fmt::format("{} of {}", function, doing("POST", id)),
                post_url(url, body, reads ? Call::Repeat::always : Call::Repeat::when_safe, wait, stop));
  }

  Result<std::vector<Json>> list(const std::string& path, const std::string& api_version,
                                 std::stop_token stop) override {
    return told("listing " + path.substr(0, path.find('?')),
                list_url(with_query(cloud_.resource_manager + path, "api-version", api_version), stop));
  }

  Result<HttpResponse> raw(const std::string& method, const std::string& path_or_url, const std::string& body,
                           std::stop_token stop) override {
    const std::string url = path_or_url.starts_with('/') ? cloud_.resource_manager + path_or_url : path_or_url;
    return send(method, url, body, {}, stop);
  }

  Result<Json> adopt(const azure::ResourceId& id, const std::string& api_version, const WaitOptions& wait,
                     std::stop_token stop) override {
    return told("waiting for " + doing("PUT", id), adopt_url(url_of(id, api_version), wait, stop));
  }

 private:
  template <class T>
  static Result<T> told(const std::string& what, Result<T> result) {
    if (!result) result.error().during(what);
    return result;
  }

  std::string url_of(const azure::ResourceId& id, const std::string& api_version) const {
    return with_query(cloud_.resource_manager + path_of(id), "api-version", api_version);
  }

  Result<HttpResponse> send(const std::string& method, const std::string& url, const std::string& body, Call call,
                            std::stop_token stop) {
    // A service may name any URL to poll; only Resource Manager itself gets to see the token.
    if (is_resource_manager(cloud_, url)) call.audience = cloud_.audience;
    HttpRequest request{.method = method, .url = url, .headers = {{"Accept", "application/json"}}, .body = body};
    if (!body.empty()) request.headers.set("Content-Type", "application/json");
    return pipeline_.send(std::move(request), call, std::move(stop));
  }

  Fetch fetch(const std::stop_token& stop) {
    return [this, stop](const std::string& url) { return send("GET", url, "", {}, stop); };
  }

  Result<Finished> follow(std::string method, std::string url, HttpResponse answer, const WaitOptions& wait,
                          std::stop_token stop) {
    Operation operation{std::move(method), std::move(url), std::move(answer)};
    return wait_for(std::move(operation), fetch(stop), wait, clock_, stop);
  }

  Result<std::optional<Json>> get_url(const std::string& url, std::stop_token stop) {
    TRY_ASSIGN(const HttpResponse response, send("GET", url, "", {}, stop));
    if (response.status >= 400) {
      Error error = error_of(response);
      if (means_absent(error)) return std::optional<Json>();
      return fail(std::move(error));
    }
    TRY_ASSIGN(Json body, json_of(response));
    return std::optional<Json>(std::move(body));
  }

  Result<Json> get_once_more(const std::string& url, const WaitOptions& wait, std::stop_token stop) {
    const auto end = clock_.elapsed() + std::min(kLongestUnseen, wait.limit);
    for (int attempt = 0;; ++attempt) {
      TRY_ASSIGN(auto found, get_url(url, stop));
      if (found) return std::move(*found);
      if (clock_.elapsed() >= end) {
        return fail(Error{.kind = Error::Kind::unreachable,
                          .code = "resource-not-visible",
                          .message = "the operation succeeded, but the resource does not show",
                          .http_status = 404,
                          .help = "run the same command again"});
      }
      if (!clock_.sleep_for(poll_delay(attempt, std::nullopt), stop)) return stopped();
    }
  }

  Result<Json> write(const std::string& method, const azure::ResourceId& id, const std::string& api_version,
                     const Json& body, const WaitOptions& wait, std::stop_token stop) {
    const std::string url = url_of(id, api_version);
    TRY_ASSIGN(HttpResponse answer,
               send(method, url, body.dump(-1, ' ', false, Json::error_handler_t::replace), {}, stop));
    TRY_ASSIGN(const Finished finished, follow(method, url, std::move(answer), wait, stop));
    if (finished.how.body_is_resource) return json_of(finished.response);
    return get_once_more(url, wait, stop);
  }

  Result<void> remove_url(const std::string& url, const WaitOptions& wait, std::stop_token stop) {
    TRY_ASSIGN(HttpResponse answer, send("DELETE", url, "", {}, stop));
    if (answer.status >= 400 && means_absent(error_of(answer))) return {};
    TRY(follow("DELETE", url, std::move(answer), wait, stop));
    return {};
  }

  Result<Json> post_url(const std::string& url, const Json& body, Call::Repeat repeat, const WaitOptions& wait,
                        std::stop_token stop) {
    const std::string text = body.is_null() ? "" : body.dump(-1, ' ', false, Json::error_handler_t::replace);
    TRY_ASSIGN(HttpResponse answer, send("POST", url, text, {.repeat = repeat}, stop));
    TRY_ASSIGN(const Finished finished, follow("POST", url, std::move(answer), wait, stop));
    return json_of(finished.response);
  }

  Result<std::vector<Json>> list_url(std::string url, std::stop_token stop) {
    std::vector<Json> all;
    std::set<std::string> seen;
    while (!url.empty() && seen.insert(url).second) {  // a page that leads back to itself ends the list
      TRY_ASSIGN(const HttpResponse response, send("GET", url, "", {}, stop));
      if (response.status >= 400) return fail(error_of(response));
      TRY_ASSIGN(Json page, json_of(response));
      url.clear();
      if (!page.is_object()) break;
      if (auto value = page.find("value"); value != page.end() && value->is_array()) {
        for (Json& item : *value) all.push_back(std::move(item));
      }
      // An empty page with a link is not the last; the data plane writes a null link on the last (wire facts 1.15).
      if (const auto next = page.find("nextLink"); next != page.end() && next->is_string())
        url = sendable(next->get<std::string>());
    }
    return all;
  }

  Result<Json> adopt_url(const std::string& url, const WaitOptions& wait, std::stop_token stop) {
    TRY_ASSIGN(HttpResponse answer, send("GET", url, "", {}, stop));
    TRY_ASSIGN(const Finished finished, follow("PUT", url, std::move(answer), wait, stop));
    return json_of(finished.response);
  }

  Cloud cloud_;
  Pipeline& pipeline_;
  Clock& clock_;
};

}  // namespace

std::unique_ptr<ArmClient> make_arm_client(const Cloud& cloud, Pipeline& pipeline, Clock& clock) {
  return std::make_unique<PipelineArmClient>(cloud, pipeline, clock);
}

}  // namespace defang::rest
