#include "rest/registry_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>

#include "rest/azure_error.h"
#include "rest/credential.h"
#include "rest/operation.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = ArmClient::Json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// The one version that was recorded for runs.
constexpr const char* kRunsApiVersion = "2019-06-01-preview";
constexpr std::string_view kStorageVersion = "2022-11-02";
constexpr milliseconds kBetweenLooks = seconds(1);
constexpr std::size_t kLastLines = 40;
constexpr std::uint64_t kLargestPiece = std::uint64_t{4} * 1024 * 1024;
// The run is asked this often too, in case that its log stays away or never gets its end marker.
constexpr int kLooksBetweenRuns = 10;
constexpr int kLooksAfterTheEnd = 15;

constexpr auto kEnded =
    std::to_array<std::string_view>({"Succeeded", "Failed", "Canceled", "Error", "Timeout"});  // ACR-29

std::string text_of(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : "";
}

Json part(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) ? object[name] : Json();
}

bool has_ended(const std::string& status) {
  return std::ranges::any_of(kEnded, [&](std::string_view one) { return equals_ignoring_case(one, status); });
}

/// Whole lines out of pieces; \n, \r\n and a lone \r end one (a log mixes all three).
class Lines {
 public:
  explicit Lines(const RegistryTasks::OnLine& on_line) : on_line_(on_line) {}

  void add(std::string_view piece) {
    for (const char c : piece) {
      if (c == '\n' && after_return_) {
        after_return_ = false;
        continue;
      }
      after_return_ = c == '\r';
      if (c == '\r' || c == '\n') {
        finish();
      } else {
        line_ += c;
      }
    }
  }
  void end() {
    if (!line_.empty()) finish();
  }
  std::vector<std::string> last() const { return {last_.begin(), last_.end()}; }

 private:
  void finish() {
    if (on_line_) on_line_(line_);
    last_.push_back(std::move(line_));
    if (last_.size() > kLastLines) last_.pop_front();
    line_.clear();
  }

  const RegistryTasks::OnLine& on_line_;
  std::string line_;
  bool after_return_ = false;
  std::deque<std::string> last_;
};

/// A log that grows as an append blob.
class Log {
 public:
  Log(std::string url, Pipeline& pipeline) : url_(std::move(url)), pipeline_(pipeline) {}

  struct Look {
    bool complete = false;
    bool forbidden = false;  // the signature ran out
    std::optional<milliseconds> wished;
  };

  Result<Look> look(Lines& lines, std::stop_token stop) {
    TRY_ASSIGN(const HttpResponse head, send("HEAD", "", stop));
    Look look{.wished = retry_after(head.headers)};
    look.forbidden = head.status == 401 || head.status == 403;
    if (head.status >= 400) return look;  // 404 for its first seconds (ACR-30)
    const std::uint64_t size = to_number(head.headers.get("Content-Length")).value_or(0);
    while (read_ < size) {
      const std::uint64_t to = std::min(size, read_ + kLargestPiece);
      TRY_ASSIGN(const HttpResponse piece, send("GET", fmt::format("bytes={}-{}", read_, to - 1), stop));
      if (piece.status >= 400 || piece.body.empty()) return look;
      // 200 instead of 206: the whole of it, though only the rest was asked for.
      const std::string_view body = piece.body;
      lines.add(piece.status == 200 ? body.substr(std::min<std::size_t>(read_, body.size())) : body);
      read_ = piece.status == 200 ? std::max<std::uint64_t>(to, body.size()) : read_ + body.size();
    }
    look.complete = head.headers.has("x-ms-meta-complete");
    return look;
  }

  void renew(std::string url) { url_ = std::move(url); }

 private:
  Result<HttpResponse> send(const char* method, const std::string& range, std::stop_token stop) {
    HttpRequest request{.method = method, .url = url_, .headers = {{"x-ms-version", std::string(kStorageVersion)}}};
    if (!range.empty()) request.headers.set("x-ms-range", range);
    return pipeline_.send(std::move(request), {}, stop);
  }

  std::string url_;
  Pipeline& pipeline_;
  std::uint64_t read_ = 0;
};

RegistryTasks::RunEnd end_of(const Json& run, std::vector<std::string> last_lines) {
  const Json properties = part(run, "properties");
  RegistryTasks::RunEnd end{.status = text_of(properties, "status"),
                            .error_message = text_of(properties, "runErrorMessage"),
                            .images = {},
                            .last_lines = std::move(last_lines)};
  for (const Json& image : part(properties, "outputImages")) {
    end.images.push_back(
        {text_of(image, "registry"), text_of(image, "repository"), text_of(image, "tag"), text_of(image, "digest")});
  }
  return end;
}

}  // namespace

// ---- tasks ------------------------------------------------------------------------------------------------------

RegistryTasks::RegistryTasks(azure::ResourceId registry, ArmClient& arm, Pipeline& unsigned_pipeline, Clock& clock)
    : registry_(std::move(registry)), arm_(arm), unsigned_pipeline_(unsigned_pipeline), clock_(clock) {}

azure::ResourceId RegistryTasks::run_id_of(const std::string& run_id) const {
  return *azure::ResourceId::parse(registry_.text() + "/runs/" + run_id);
}

Result<RegistryTasks::UploadSlot> RegistryTasks::upload_slot(std::stop_token stop) {
  TRY_ASSIGN(const Json slot, arm_.post(registry_, "listBuildSourceUploadUrl", kRunsApiVersion, nullptr, {}, stop));
  UploadSlot found{text_of(slot, "uploadUrl"), text_of(slot, "relativePath")};
  if (found.upload_url.empty())
    return fail(Error::Kind::invalid, "answer-invalid", "the registry gave no place to upload to");
  return found;
}

Result<std::string> RegistryTasks::schedule(const Json& request, std::stop_token stop) {
  TRY_ASSIGN(const Json run, arm_.post(registry_, "scheduleRun", kRunsApiVersion, request, {}, stop));
  const std::string id = text_of(part(run, "properties"), "runId");
  const std::string name = id.empty() ? text_of(run, "name") : id;
  if (name.empty()) return fail(Error::Kind::invalid, "answer-invalid", "the registry gave no id for the run");
  return name;
}

Result<RegistryTasks::RunEnd> RegistryTasks::follow(const std::string& run_id, const OnLine& on_line,
                                                    std::stop_token stop) {
  const azure::ResourceId id = run_id_of(run_id);
  Lines lines(on_line);
  const auto log_url = [&]() -> Result<std::string> {
    TRY_ASSIGN(const Json answer, arm_.post(id, "listLogSasUrl", kRunsApiVersion, nullptr, {}, stop));
    return text_of(answer, "logLink");
  };
  TRY_ASSIGN(std::string url, log_url());
  Log log(std::move(url), unsigned_pipeline_);
  int looks_since_end = 0;
  for (int looks = 0;; ++looks) {
    auto look = log.look(lines, stop);
    if (!look && look.error().kind != Error::Kind::unreachable) return fail(std::move(look).error());
    const bool complete = look && look->complete;
    // A log that cannot be read must not hide how the run ends.
    if (complete || looks % kLooksBetweenRuns == kLooksBetweenRuns - 1 || looks_since_end > 0) {
      TRY_ASSIGN(const auto run, arm_.get(id, kRunsApiVersion, stop));
      if (!run) return fail(Error{.code = "run-not-found", .message = fmt::format("the run `{}` is gone", run_id)});
      if (has_ended(text_of(part(*run, "properties"), "status")) &&
          (complete || ++looks_since_end > kLooksAfterTheEnd)) {
        lines.end();
        return end_of(*run, lines.last());
      }
    }
    if (look && look->forbidden) {
      TRY_ASSIGN(std::string fresh, log_url());
      log.renew(std::move(fresh));
    }
    if (!clock_.sleep_for(look ? look->wished.value_or(kBetweenLooks) : kBetweenLooks, stop)) return stopped();
  }
}

Result<void> RegistryTasks::cancel(const std::string& run_id, std::stop_token stop) {
  TRY(arm_.post(run_id_of(run_id), "cancel", kRunsApiVersion, nullptr, {}, stop));
  return {};
}

// ---- tokens -----------------------------------------------------------------------------------------------------

RegistryClient::RegistryClient(const Cloud& cloud, std::string login_server, std::string tenant, TokenCache& tokens,
                               Pipeline& unsigned_pipeline)
    : audience_(cloud.audience),
      login_server_(std::move(login_server)),
      tenant_(std::move(tenant)),
      tokens_(tokens),
      pipeline_(unsigned_pipeline) {}

namespace {

Result<Secret> token_from(Pipeline& pipeline, const std::string& url,
                          const std::vector<std::pair<std::string, std::string>>& fields, const char* member,
                          std::stop_token stop) {
  HttpRequest request{.method = "POST",
                      .url = url,
                      .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                      .body = form_body(fields)};
  TRY_ASSIGN(const HttpResponse response,
             pipeline.send(std::move(request), {.audience = "", .repeat = Call::Repeat::always}, stop));
  if (response.status >= 400) return fail(error_of(response).during("signing in to the registry at " + url));
  const std::string token = text_of(Json::parse(response.body, nullptr, false), member);
  if (token.empty())
    return fail(Error::Kind::invalid, "token-invalid", fmt::format("`{}` answered without a token", url));
  return Secret(token);
}

}  // namespace

HttpRequest manifest_request(const std::string& base, const std::string& repository, const std::string& tag,
                             const std::string& authorization) {
  constexpr const char* kTypes =
      "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
      "application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.docker.distribution.manifest.v2+json";
  HttpRequest request{.method = "HEAD",
                      .url = fmt::format("{}/v2/{}/manifests/{}", base, repository, tag),
                      .headers = {{"Accept", kTypes}}};
  if (!authorization.empty()) request.headers.set("Authorization", authorization);
  return request;
}

Result<Secret> RegistryClient::refresh_token(std::stop_token stop) {
  TRY_ASSIGN(const AccessToken token, tokens_.get(audience_, stop));
  std::vector<std::pair<std::string, std::string>> fields = {{"grant_type", "access_token"},
                                                             {"service", login_server_}};
  if (!tenant_.empty()) fields.emplace_back("tenant", tenant_);
  fields.emplace_back("access_token", token.value.reveal());
  return token_from(pipeline_, fmt::format("https://{}/oauth2/exchange", login_server_), fields, "refresh_token", stop);
}

Result<Secret> RegistryClient::access_token(const std::string& scope, std::stop_token stop) {
  TRY_ASSIGN(const Secret refresh, refresh_token(stop));
  return token_from(pipeline_, fmt::format("https://{}/oauth2/token", login_server_),
                    {{"grant_type", "refresh_token"},
                     {"service", login_server_},
                     {"scope", scope},
                     {"refresh_token", refresh.reveal()}},
                    "access_token", stop);
}

Result<std::optional<std::string>> RegistryClient::digest_of(const std::string& repository, const std::string& tag,
                                                             std::stop_token stop) {
  TRY_ASSIGN(const Secret token, access_token(fmt::format("repository:{}:pull", repository), stop));
  auto request = manifest_request("https://" + login_server_, repository, tag, "Bearer " + token.reveal());
  TRY_ASSIGN(const HttpResponse response, pipeline_.send(std::move(request), {}, stop));
  if (response.status == 404) return std::optional<std::string>();
  if (response.status >= 400)
    return fail(error_of(response).during(fmt::format("looking for `{}/{}:{}`", login_server_, repository, tag)));
  return std::optional<std::string>(response.headers.get("Docker-Content-Digest"));
}

}  // namespace defang::rest
