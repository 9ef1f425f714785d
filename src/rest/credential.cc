#include "rest/credential.h"

#include <fmt/format.h>

#include <condition_variable>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "rest/credential_kinds.h"
#include "rest/device_login.h"
#include "rest/pipeline.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr auto kRefreshAhead = minutes(5);

// ---- chain ------------------------------------------------------------------------------------------------------

/// Stands in a chain for what is not configured, so that the explanation is complete.
class NotConfigured : public Credential {
 public:
  NotConfigured(std::string name, std::string why) : name_(std::move(name)), why_(std::move(why)) {}
  std::string name() const override { return name_; }
  Result<AccessToken> get_token(const TokenRequest&, std::stop_token) override {
    return fail(Error::Kind::refused, "credential-not-applicable", why_);
  }

 private:
  std::string name_, why_;
};

std::unique_ptr<Credential> not_configured(std::string name, std::string why) {
  return std::make_unique<NotConfigured>(std::move(name), std::move(why));
}

/// One whose settings are wrong: it applies, and says so when it is asked.
class Broken : public Credential {
 public:
  Broken(std::string name, Error error) : name_(std::move(name)), error_(std::move(error)) {}
  std::string name() const override { return name_; }
  Result<AccessToken> get_token(const TokenRequest&, std::stop_token) override { return fail(error_); }

 private:
  std::string name_;
  Error error_;
};

class Chain : public Credential {
 public:
  explicit Chain(std::vector<std::unique_ptr<Credential>> credentials) : credentials_(std::move(credentials)) {}

  std::string name() const override {
    const std::scoped_lock lock(mutex_);
    return chosen_ ? chosen_->name() : "default credentials";
  }

  std::vector<Link> links() const override {
    const std::scoped_lock lock(mutex_);
    return links_;
  }

  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) override {
    if (Credential* chosen = already_chosen()) return chosen->get_token(request, stop);
    std::vector<Link> links;
    for (const auto& credential : credentials_) {
      auto token = credential->get_token(request, stop);
      if (!token && token.error().code == "credential-not-applicable") {
        links.push_back({credential->name(), token.error().message});
        continue;
      }
      // One that applies and fails is not passed over: whoever set a secret wants to hear that it is wrong.
      links.push_back({credential->name(), ""});
      const std::scoped_lock lock(mutex_);
      links_ = std::move(links);
      if (token) chosen_ = credential.get();
      return token;
    }
    std::vector<std::string> reasons;
    for (const Link& link : links) reasons.push_back(fmt::format("{}: {}", link.name, link.why_not));
    const std::scoped_lock lock(mutex_);
    links_ = std::move(links);
    return fail(Error{.kind = Error::Kind::refused,
                      .code = "not-signed-in",
                      .message = fmt::format("not signed in to Azure ({})", join(reasons, "; ")),
                      .help = "run `az login` or `defang login --provider=azure`, or set AZURE_TENANT_ID, "
                              "AZURE_CLIENT_ID and AZURE_CLIENT_SECRET"});
  }

 private:
  Credential* already_chosen() const {
    const std::scoped_lock lock(mutex_);
    return chosen_;
  }

  const std::vector<std::unique_ptr<Credential>> credentials_;
  mutable std::mutex mutex_;
  Credential* chosen_ = nullptr;
  std::vector<Link> links_;
};

// ---- what the chain is made of ----------------------------------------------------------------------------------

constexpr auto kFederationAudience = "api://AzureADTokenExchange";  // ARM-9
constexpr auto kMachineIdentityHost = "http://169.254.169.254";     // ARM-7
/// Every virtual machine of Azure has this asset tag, and no other machine: how cloud-init knows that it is there.
constexpr auto kAssetTagFile = "/sys/class/dmi/id/chassis_asset_tag";
constexpr auto kAzureAssetTag = "7783-7084-3265-9085-8269-3286-77";

/// Variables by name; `missing` collects those that are not set.
struct Variables {
  const Environment& environment;
  std::vector<std::string> missing = {};
  std::string operator()(const char* name) {
    auto value = environment(name).value_or("");
    if (value.empty()) missing.emplace_back(name);
    return value;
  }
  std::string why() const {
    return fmt::format("{} {} not set", join(missing, ", "), missing.size() > 1 ? "are" : "is");
  }
};

std::unique_ptr<Credential> from_environment(const CredentialWorld& world, const std::string& authority,
                                             Pipeline& pipeline) {
  Variables variables{world.environment};
  const std::string kind = "service principal";
  const Application application{kind, variables("AZURE_TENANT_ID"), variables("AZURE_CLIENT_ID")};
  const auto certificate = world.environment("AZURE_CLIENT_CERTIFICATE_PATH").value_or("");
  const bool by_certificate = !certificate.empty() && world.environment("AZURE_CLIENT_SECRET").value_or("").empty();
  const std::string secret = by_certificate ? "" : variables("AZURE_CLIENT_SECRET");
  if (!variables.missing.empty()) return not_configured("environment", variables.why());
  if (!by_certificate)
    return make_application_credential(application, secret_proof(Secret(secret)), authority, pipeline, world.clock);
  auto proof = [&]() -> Result<Proof> {
    TRY_ASSIGN(const std::string pem, world.disk.read(certificate));
    return certificate_proof(pem, application, authority, world.clock);
  }();
  if (!proof) return std::make_unique<Broken>(kind, proof.error().during("signing in with a certificate"));
  return make_application_credential(application, *proof, authority, pipeline, world.clock);
}

/// The token that GitHub makes out for a workflow whose permissions say `id-token: write`.
Result<std::string> workflow_token(const std::string& url, const Secret& token, Pipeline& pipeline,
                                   std::stop_token stop) {
  HttpRequest get{.url = with_query(url, "audience", kFederationAudience),
                  .headers = {{"Authorization", "Bearer " + token.reveal()}, {"Accept", "application/json"}}};
  TRY_ASSIGN(const auto response, pipeline.send(std::move(get), {.audience = ""}, stop));
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  if (response.status == 200 && body.is_object() && body.contains("value") && body["value"].is_string())
    return body["value"].get<std::string>();
  return fail(Error{.kind = Error::Kind::refused,
                    .code = "workflow-token-refused",
                    .message = fmt::format("GitHub gave this workflow no identity token (status {})", response.status),
                    .help = "the job needs `permissions: id-token: write`"});
}

std::unique_ptr<Credential> from_federation(const CredentialWorld& world, const std::string& authority,
                                            Pipeline& pipeline) {
  const std::string kind = "workload identity";
  Variables variables{world.environment};
  const Application application{kind, variables("AZURE_TENANT_ID"), variables("AZURE_CLIENT_ID")};
  const auto file = world.environment("AZURE_FEDERATED_TOKEN_FILE").value_or("");
  const auto url = world.environment("ACTIONS_ID_TOKEN_REQUEST_URL").value_or("");
  const Secret token(world.environment("ACTIONS_ID_TOKEN_REQUEST_TOKEN").value_or(""));
  if (url.empty() && file.empty()) variables.missing.emplace_back("AZURE_FEDERATED_TOKEN_FILE");
  if (!variables.missing.empty()) return not_configured(kind, variables.why());
  auto proof = !url.empty() ? assertion_proof([url, token, &pipeline](std::stop_token stop) {
    return workflow_token(url, token, pipeline, stop);
  })
                            : assertion_proof([file, &disk = world.disk](std::stop_token) -> Result<std::string> {
                                TRY_ASSIGN(const std::string text, disk.read(file));
                                return std::string(trim(text));
                              });
  return make_application_credential(application, std::move(proof), authority, pipeline, world.clock);
}

std::unique_ptr<Credential> from_identity(const CredentialWorld& world, Pipeline& pipeline) {
  const auto variable = [&](const char* name) { return world.environment(name).value_or(""); };
  const std::string client_id = variable("AZURE_CLIENT_ID");
  if (const auto endpoint = variable("IDENTITY_ENDPOINT"); !endpoint.empty()) {
    return make_app_identity_credential(endpoint, Secret(variable("IDENTITY_HEADER")), client_id, pipeline,
                                        world.clock);
  }
  const auto host = variable("AZURE_POD_IDENTITY_AUTHORITY_HOST");  // the SDKs' variable for another address
  const auto tag = world.disk.read(kAssetTagFile);
  if (host.empty() && (!tag || trim(*tag) != kAzureAssetTag))
    return not_configured("managed identity", "this is no machine or app of Azure");
  return make_machine_identity_credential(host.empty() ? kMachineIdentityHost : host, client_id, pipeline, world.clock);
}

}  // namespace

std::unique_ptr<Credential> make_default_credential(const CredentialWorld& world, const std::string& authority,
                                                    Pipeline& unsigned_pipeline) {
  const std::string tenant = world.environment("AZURE_TENANT_ID").value_or("");
  std::vector<std::unique_ptr<Credential>> credentials;
  credentials.push_back(from_environment(world, authority, unsigned_pipeline));
  credentials.push_back(from_federation(world, authority, unsigned_pipeline));
  credentials.push_back(from_identity(world, unsigned_pipeline));
  credentials.push_back(make_azure_cli_credential(world.processes, world.clock, tenant));
  credentials.push_back(make_developer_cli_credential(world.processes, world.clock, tenant));
  credentials.push_back(
      make_login_credential(login_file(world.environment), world.disk, unsigned_pipeline, world.clock));
  return std::make_unique<Chain>(std::move(credentials));
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
