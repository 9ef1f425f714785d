#include "rest/credential.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "rest/azure_error.h"
#include "rest/pipeline.h"
#include "rest/url.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr auto kRefreshAhead = minutes(5);
constexpr auto kUnknownLifetime = minutes(10);
constexpr auto kLongestAz = std::chrono::seconds(90);  // ARM-5

std::optional<std::int64_t> number_of(const Json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return std::nullopt;
  const Json& value = object[name];
  if (value.is_number()) return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;  // the v1 endpoint and az spell numbers as text
  const auto number = to_number(value.get<std::string>());
  return number ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

std::string text_of(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : "";
}

// ---- service principal ------------------------------------------------------------------------------------------

/// What Entra's codes mean for whoever set the variables. "Microsoft Entra authentication error codes", Microsoft
/// Learn.
struct EntraCode {
  std::string_view code, help;
};
constexpr auto kEntraCodes = std::to_array<EntraCode>({
    {"AADSTS700016", "AZURE_CLIENT_ID names no application of the tenant in AZURE_TENANT_ID"},
    {"AADSTS7000215",
     "AZURE_CLIENT_SECRET is not the secret's value; Azure shows it only once, beside an id that looks alike"},
    {"AADSTS7000222", "the client secret has expired: create a new one for the application"},
    {"AADSTS7000229", "the application has no service principal in this tenant: `az ad sp create --id <client id>`"},
    {"AADSTS90002", "AZURE_TENANT_ID names no tenant"},
    {"AADSTS900023", "AZURE_TENANT_ID is neither a tenant's id nor its domain"},
});

std::string help_for(const std::string& message) {
  const auto found = std::ranges::find_if(kEntraCodes, [&](const EntraCode& entry) {
    return message.find(std::string(entry.code) + ":") != std::string::npos;
  });
  return found == kEntraCodes.end() ? "check AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"
                                    : std::string(found->help);
}

class ServicePrincipalCredential : public Credential {
 public:
  ServicePrincipalCredential(ServicePrincipal principal, std::string authority, Pipeline& pipeline, Clock& clock)
      : principal_(std::move(principal)), authority_(std::move(authority)), pipeline_(pipeline), clock_(clock) {}

  std::string name() const override { return "service principal"; }

  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
    HttpRequest post{.method = "POST",
                     .url = fmt::format("{}/{}/oauth2/v2.0/token", authority_, percent_encode(principal_.tenant)),
                     .headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}},
                     .body = form_of(request)};
    const auto begin = clock_.now();
    auto response = pipeline_.send(std::move(post), {.audience = "", .repeat = Call::Repeat::always}, stop);
    if (!response) return fail(std::move(response.error().during("signing in as a service principal")));
    if (response->status != 200) return fail(refused(*response));
    const Json body = Json::parse(response->body, nullptr, false);
    const std::string token = text_of(body, "access_token");
    if (token.empty()) {
      return fail(Error::Kind::invalid, "token-invalid", fmt::format("`{}` answered without a token", authority_));
    }
    return AccessToken{Secret(token), begin + seconds(number_of(body, "expires_in").value_or(600))};
  }

 private:
  std::string form_of(const TokenRequest& request) const {
    std::vector<std::pair<std::string, std::string>> fields = {{"client_id", principal_.client_id},
                                                               {"client_secret", principal_.client_secret.reveal()},
                                                               {"grant_type", "client_credentials"},
                                                               {"scope", request.audience + "/.default"}};
    if (!request.claims.empty()) fields.emplace_back("claims", request.claims);
    return form_body(fields);
  }

  Error refused(const HttpResponse& response) const {
    Error error = error_of(response);
    error.help = help_for(error.message);
    return error.during(
        fmt::format("signing in as service principal `{}` of tenant `{}`", principal_.client_id, principal_.tenant));
  }

  ServicePrincipal principal_;
  std::string authority_;
  Pipeline& pipeline_;
  Clock& clock_;
};

// ---- Azure CLI --------------------------------------------------------------------------------------------------

class AzureCliCredential : public Credential {
 public:
  AzureCliCredential(Processes& processes, Clock& clock, std::string tenant)
      : processes_(processes), clock_(clock), tenant_(std::move(tenant)) {}

  std::string name() const override { return "Azure CLI"; }

  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
    Processes::Command command{
        .arguments = {"az", "account", "get-access-token", "--resource", request.audience, "-o", "json"},
        .limit = kLongestAz};
    if (!tenant_.empty()) command.arguments.insert(command.arguments.end(), {"--tenant", tenant_});
    auto ended = [&] {
      const std::scoped_lock lock(one_at_a_time_);  // several `az` at once slow each other down past any limit (ARM-5)
      return processes_.run(command, stop);
    }();
    if (!ended) return fail(cannot_run(std::move(ended).error()));
    if (ended->exit_code != 0) return fail(refused(*ended));
    const Json body = Json::parse(ended->output, nullptr, false);
    const std::string token = text_of(body, "accessToken");
    if (token.empty())
      return fail(Error::Kind::invalid, "token-invalid", "`az account get-access-token` printed no token");
    return AccessToken{Secret(token), expiry(body, token)};
  }

 private:
  /// `expiresOn` is local time without a zone, so it is not used: the newer `expires_on`, else the token's own word.
  system_clock::time_point expiry(const Json& body, const std::string& token) const {
    const auto number = number_of(body, "expires_on");
    if (number) return system_clock::time_point(seconds(*number));
    const Json claims = Json::parse(token_claims(Secret(token)), nullptr, false);
    if (const auto own = number_of(claims, "exp")) return system_clock::time_point(seconds(*own));
    return clock_.now() + kUnknownLifetime;
  }

  static Error cannot_run(Error error) {
    if (error.code == "program-not-found") {
      return {.kind = Error::Kind::refused,
              .code = "credential-not-applicable",
              .message = "the Azure CLI (`az`) is not installed"};
    }
    if (error.code == "process-too-slow")
      error.help = "run `az account get-access-token` by hand to see what it waits for";
    return error.during("asking the Azure CLI for a token");
  }

  static Error refused(const Processes::Ended& ended) {
    const std::string said(trim(ended.error_output));
    if (said.find("az login") != std::string::npos && said.find("AADSTS") == std::string::npos) {
      return {.kind = Error::Kind::refused,
              .code = "credential-not-applicable",
              .message = "the Azure CLI is not signed in (`az login`)"};
    }
    Error error{.kind = Error::Kind::refused,
                .code = "azure-cli-failed",
                .message = fmt::format("`az account get-access-token` failed: {}",
                                       said.empty() ? "it said nothing" : said.substr(0, 1000)),
                .help = "sign in again with `az login`"};
    return error.during("asking the Azure CLI for a token");
  }

  Processes& processes_;
  Clock& clock_;
  std::string tenant_;
  std::mutex one_at_a_time_;
};

// ---- chain ------------------------------------------------------------------------------------------------------

/// Stands in a chain for what is not configured, so that the explanation is complete.
class NotConfigured : public Credential {
 public:
  NotConfigured(std::string name, std::string why) : name_(std::move(name)), why_(std::move(why)) {}
  std::string name() const override { return name_; }
  std::optional<std::string> not_applicable() const override { return why_; }
  Result<AccessToken> get_token(const TokenRequest&, std::stop_token) override {
    return fail(Error::Kind::refused, "credential-not-applicable", why_);
  }

 private:
  std::string name_, why_;
};

class Chain : public Credential {
 public:
  explicit Chain(std::vector<std::unique_ptr<Credential>> credentials) : credentials_(std::move(credentials)) {}

  std::string name() const override { return "default credentials"; }

  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
    if (Credential* chosen = chosen_.load()) return chosen->get_token(request, stop);
    std::vector<std::string> reasons;
    for (const auto& credential : credentials_) {
      auto token = credential->get_token(request, stop);
      if (!token && token.error().code == "credential-not-applicable") {
        reasons.push_back(fmt::format("{}: {}", credential->name(), token.error().message));
        continue;
      }
      // One that applies and fails is not passed over: whoever set a secret wants to hear that it is wrong.
      if (token) chosen_ = credential.get();
      return token;
    }
    return fail(Error{.kind = Error::Kind::refused,
                      .code = "not-signed-in",
                      .message = fmt::format("not signed in to Azure ({})", join(reasons, "; ")),
                      .help = "run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"});
  }

 private:
  std::vector<std::unique_ptr<Credential>> credentials_;
  std::atomic<Credential*> chosen_ = nullptr;
};

std::unique_ptr<Credential> from_environment(const Environment& environment, const std::string& authority,
                                             Pipeline& pipeline, Clock& clock) {
  std::map<std::string, std::string> values;
  std::vector<std::string> missing;
  for (const char* name : {"AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"}) {
    values[name] = environment(name).value_or("");
    if (values[name].empty()) missing.push_back(name);
  }
  if (!missing.empty()) {
    return std::make_unique<NotConfigured>(
        "environment", fmt::format("{} {} not set", join(missing, ", "), missing.size() > 1 ? "are" : "is"));
  }
  return make_service_principal_credential(
      {values["AZURE_TENANT_ID"], values["AZURE_CLIENT_ID"], Secret(values["AZURE_CLIENT_SECRET"])}, authority,
      pipeline, clock);
}

}  // namespace

std::unique_ptr<Credential> make_service_principal_credential(ServicePrincipal principal, std::string authority,
                                                              Pipeline& unsigned_pipeline, Clock& clock) {
  return std::make_unique<ServicePrincipalCredential>(std::move(principal), std::move(authority), unsigned_pipeline,
                                                      clock);
}

std::unique_ptr<Credential> make_azure_cli_credential(Processes& processes, Clock& clock, std::string tenant) {
  return std::make_unique<AzureCliCredential>(processes, clock, std::move(tenant));
}

std::unique_ptr<Credential> make_credential_chain(std::vector<std::unique_ptr<Credential>> credentials) {
  return std::make_unique<Chain>(std::move(credentials));
}

std::unique_ptr<Credential> make_default_credential(const Environment& environment, const std::string& authority,
                                                    Pipeline& unsigned_pipeline, Processes& processes, Clock& clock) {
  std::vector<std::unique_ptr<Credential>> credentials;
  credentials.push_back(from_environment(environment, authority, unsigned_pipeline, clock));
  credentials.push_back(make_azure_cli_credential(processes, clock, environment("AZURE_TENANT_ID").value_or("")));
  return make_credential_chain(std::move(credentials));
}

std::string token_claims(const Secret& token) {
  const auto parts = split(token.reveal(), '.');
  return parts.size() == 3 ? from_base64(parts[1]) : "";
}

// ---- cache ------------------------------------------------------------------------------------------------------

struct TokenCache::State {
  struct Slot {
    std::optional<AccessToken> token;
    bool fetching = false;
    int fetched = 0;  // how often
    Error failure;    // of the last time, if it failed
  };
  Credential& credential;
  Clock& clock;
  std::mutex mutex;
  std::condition_variable_any changed;
  std::map<std::string, Slot> slots = {};

  /// Fetches without the lock; everybody else waits, or goes on with the old token while that is good.
  Result<AccessToken> fetch(const TokenRequest& request, std::stop_token stop) {
    auto token = credential.get_token(request, stop);
    const std::scoped_lock lock(mutex);
    Slot& slot = slots[request.audience];
    slot.fetching = false;
    ++slot.fetched;
    if (token) {
      slot.token = *token;
    } else {
      slot.failure = token.error();
    }
    changed.notify_all();
    return token;
  }

  bool is_good(const Slot& slot, system_clock::duration margin) const {
    return slot.token && slot.token->expires - margin > clock.now();
  }
};

TokenCache::TokenCache(Credential& credential, Clock& clock) : state_(new State{credential, clock, {}, {}}) {}
TokenCache::~TokenCache() = default;

Result<AccessToken> TokenCache::get(const std::string& audience, std::stop_token stop) {
  {
    std::unique_lock lock(state_->mutex);
    State::Slot& slot = state_->slots[audience];
    while (true) {
      if (state_->is_good(slot, kRefreshAhead)) return *slot.token;
      if (!slot.fetching) break;
      if (state_->is_good(slot, seconds(0))) return *slot.token;
      const int before = slot.fetched;
      state_->changed.wait(lock, stop, [&] { return !slot.fetching; });
      if (stop.stop_requested()) return stopped();
      // All who waited share a failure, instead of running into it one after another.
      const bool failed = slot.fetched != before && !state_->is_good(slot, seconds(0));
      if (failed && slot.failure.kind != Error::Kind::stopped) return fail(slot.failure);
    }
    slot.fetching = true;
  }
  auto token = state_->fetch({audience, ""}, stop);
  if (token) return token;
  // Refreshing ahead failed: the old token still serves.
  const std::scoped_lock lock(state_->mutex);
  const State::Slot& slot = state_->slots[audience];
  if (state_->is_good(slot, seconds(0))) return *slot.token;
  return token;
}

Result<AccessToken> TokenCache::renew(const TokenRequest& request, const AccessToken& rejected, std::stop_token stop) {
  {
    std::unique_lock lock(state_->mutex);
    State::Slot& slot = state_->slots[request.audience];
    state_->changed.wait(lock, stop, [&] { return !slot.fetching; });
    if (stop.stop_requested()) return stopped();
    if (slot.token && slot.token->value.reveal() != rejected.value.reveal()) return *slot.token;
    slot.fetching = true;
  }
  return state_->fetch(request, stop);
}

}  // namespace defang::rest
