#include "rest/device_login.h"

#include <fmt/format.h>

#include <atomic>
#include <nlohmann/json.hpp>

#include "rest/azure_error.h"
#include "rest/pipeline.h"
#include "rest/token_answer.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;
using std::chrono::seconds;

/// Azure CLI's, which every tenant knows: a public client may ask for tokens of Resource Manager, vaults and storage.
constexpr auto kClientId = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";
constexpr auto kDeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";
constexpr auto kUsualInterval = seconds(5);
constexpr auto kSlower = seconds(5);  // RFC 8628 3.5
constexpr auto kAgeLimit = std::chrono::minutes(5);
constexpr auto kAgain = "run `defang login --provider=azure` again";

using Fields = std::vector<std::pair<std::string, std::string>>;

std::string text_at(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : "";
}
std::chrono::seconds seconds_at(const Json& object, const char* name, std::chrono::seconds otherwise) {
  return object.is_object() && object.contains(name) && object[name].is_number_unsigned()
             ? seconds(object[name].get<std::int64_t>())
             : otherwise;
}

Result<HttpResponse> post(const std::string& url, const Fields& fields, Pipeline& pipeline, std::stop_token stop) {
  return pipeline.send({.method = "POST",
                        .url = url,
                        .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                        .body = form_body(fields)},
                       {.repeat = Call::Repeat::always}, stop);
}

std::string scope_of(const std::string& audience) {
  return audience + "/.default offline_access openid profile";  // offline_access: a token that asks for others
}

/// The kept form: {"authority", "tenant", "refreshToken", "audience", "token": {"access_token", "expires_on"}}.
Result<void> keep(const std::filesystem::path& file, const DeviceLogin& login, const HttpResponse& answer,
                  const AccessToken& token, Disk& disk) {
  const auto expires = std::chrono::duration_cast<seconds>(token.expires.time_since_epoch()).count();
  const Json kept = {{"authority", login.authority},
                     {"tenant", login.tenant},
                     {"refreshToken", text_at(Json::parse(answer.body, nullptr, false), "refresh_token")},
                     {"audience", login.audience},
                     {"token", {{"access_token", token.value.reveal()}, {"expires_on", expires}}}};
  auto written = disk.write(file, kept.dump(2) + "\n", Disk::Access::owner_only);
  if (!written) written.error().during("keeping the sign-in");
  return written;
}

class LoginCredential : public Credential {
 public:
  LoginCredential(std::filesystem::path file, const Disk& disk, Pipeline& pipeline, Clock& clock)
      : file_(std::move(file)), disk_(disk), pipeline_(pipeline), clock_(clock) {}

  std::string name() const override { return "defang login"; }

  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
    const auto text = disk_.read(file_);
    if (!text && text.error().code == "file-not-found")
      return fail(Error::Kind::refused, "credential-not-applicable", "nobody has run `defang login --provider=azure`");
    if (!text) return fail(text.error());
    Json login = Json::parse(*text, nullptr, false);
    if (text_at(login, "refreshToken").empty()) {
      Error error{.kind = Error::Kind::invalid,
                  .code = "login-invalid",
                  .message = fmt::format("`{}` holds no sign-in that can be used", file_.string()),
                  .help = kAgain};
      return fail(std::move(error));
    }
    // Who asks a second time has seen the kept one fail.
    const bool is_first = !asked_.exchange(true);
    if (auto kept = kept_token(login, request.audience); kept && is_first && request.claims.empty()) return *kept;
    return refresh(login, request, stop);
  }

 private:
  std::optional<AccessToken> kept_token(const Json& login, const std::string& audience) const {
    if (text_at(login, "audience") != audience || !login.contains("token")) return std::nullopt;
    auto token = token_in(login["token"].dump(), clock_.now(), file_.string());
    return token && token->expires - kAgeLimit > clock_.now() ? std::optional(*token) : std::nullopt;
  }

  Result<AccessToken> refresh(const Json& login, const TokenRequest& request, std::stop_token stop) {
    Fields fields = {{"grant_type", "refresh_token"},
                     {"client_id", kClientId},
                     {"refresh_token", text_at(login, "refreshToken")},
                     {"scope", scope_of(request.audience)}};
    if (!request.claims.empty()) fields.emplace_back("claims", request.claims);
    const auto asked = clock_.now();
    TRY_ASSIGN(const HttpResponse response,
               post(fmt::format("{}/{}/oauth2/v2.0/token", text_at(login, "authority"), text_at(login, "tenant")),
                    fields, pipeline_, stop));
    if (response.status != 200) {
      Error error = error_of(response);
      error.help = kAgain;  // used too long ago, revoked, or more is asked for than was given
      return fail(error.during("signing in with what `defang login` kept"));
    }
    return token_in(response.body, asked, "Entra");
  }

  std::filesystem::path file_;
  const Disk& disk_;
  Pipeline& pipeline_;
  Clock& clock_;
  std::atomic<bool> asked_ = false;
};

}  // namespace

std::filesystem::path login_file(const Environment& environment) {
  const std::filesystem::path name = "defang/azure-login.json";
  if (const auto folder = environment("XDG_CONFIG_HOME").value_or(""); !folder.empty())
    return std::filesystem::path(folder) / name;
  return std::filesystem::path(environment("HOME").value_or("")) / ".config" / name;
}

Result<void> log_in(const DeviceLogin& login, const std::filesystem::path& file, Disk& disk,
                    Pipeline& unsigned_pipeline, Clock& clock, const std::function<void(const std::string&)>& show,
                    std::stop_token stop) {
  const std::string base = fmt::format("{}/{}/oauth2/v2.0", login.authority, login.tenant);
  TRY_ASSIGN(const HttpResponse begun,
             post(base + "/devicecode", {{"client_id", kClientId}, {"scope", scope_of(login.audience)}},
                  unsigned_pipeline, stop));
  if (begun.status != 200) return fail(error_of(begun).during("asking Entra for a code"));
  const Json code = Json::parse(begun.body, nullptr, false);
  if (text_at(code, "device_code").empty())
    return fail(Error::Kind::invalid, "answer-invalid", "Entra's answer holds no code");
  show(text_at(code, "message"));
  auto interval = seconds_at(code, "interval", kUsualInterval);
  while (clock.sleep_for(interval, stop)) {
    const auto asked = clock.now();
    TRY_ASSIGN(
        const HttpResponse answer,
        post(base + "/token",
             {{"grant_type", kDeviceGrant}, {"client_id", kClientId}, {"device_code", text_at(code, "device_code")}},
             unsigned_pipeline, stop));
    if (answer.status == 200) {
      TRY_ASSIGN(const AccessToken token, token_in(answer.body, asked, "Entra"));
      return keep(file, login, answer, token, disk);
    }
    Error error = error_of(answer);
    if (error.code == "slow_down") interval += kSlower;
    if (error.code == "authorization_pending" || error.code == "slow_down") continue;
    if (error.code == "expired_token") error.help = kAgain;
    return fail(error.during("waiting for the sign-in"));
  }
  return stopped();
}

std::unique_ptr<Credential> make_login_credential(std::filesystem::path file, const Disk& disk,
                                                  Pipeline& unsigned_pipeline, Clock& clock) {
  return std::make_unique<LoginCredential>(std::move(file), disk, unsigned_pipeline, clock);
}

std::string challenged_tenant(const std::string& www_authenticate) {
  for (const std::string_view name : {"authorization_uri=\"", "authorization=\""}) {
    const auto at = www_authenticate.find(name);
    if (at == std::string::npos) continue;
    const auto begin = at + name.size();
    const std::string uri = www_authenticate.substr(begin, www_authenticate.find('"', begin) - begin);
    std::string tenant = uri.substr(uri.rfind('/') + 1);
    const bool is_id = tenant.size() == 36 && tenant.find_first_not_of("0123456789abcdefABCDEF-") == std::string::npos;
    if (is_id) return tenant;
  }
  return "";
}

}  // namespace defang::rest
