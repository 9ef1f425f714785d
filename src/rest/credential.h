#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "support/clock.h"
#include "support/process.h"
#include "support/result.h"
#include "support/secret.h"

namespace defang::rest {

class Pipeline;

struct AccessToken {
  Secret value;
  std::chrono::system_clock::time_point expires;
};

struct TokenRequest {
  std::string audience;  // "https://management.azure.com", without a slash at the end
  std::string claims;    // of a challenge: what the last token lacked; usually empty
};

/// Somebody who can sign in. Tokens are cached above it (TokenCache).
class Credential {
 public:
  virtual ~Credential() = default;
  virtual std::string name() const = 0;  // "Azure CLI"
  /// Why this one has nothing to offer here; nothing when it applies.
  virtual std::optional<std::string> not_applicable() const { return std::nullopt; }
  /// Error code "credential-not-applicable": the next one in a chain is asked.
  virtual Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) = 0;
};

struct ServicePrincipal {
  std::string tenant, client_id;
  Secret client_secret;
};
/// OAuth 2.0 client credentials at Entra's v2 endpoint (ARM-1). `authority` is "https://login.microsoftonline.com".
std::unique_ptr<Credential> make_service_principal_credential(ServicePrincipal principal, std::string authority,
                                                              Pipeline& unsigned_pipeline, Clock& clock);

/// What `az login` left: runs `az account get-access-token` (ARM-4). `tenant` may be empty.
std::unique_ptr<Credential> make_azure_cli_credential(Processes& processes, Clock& clock, std::string tenant = "");

/// Looks a variable up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// The order of the Azure SDKs as far as we go: service principal from AZURE_TENANT_ID, AZURE_CLIENT_ID and
/// AZURE_CLIENT_SECRET, then Azure CLI. The first that applies stays; when none does, the error says why of each.
std::unique_ptr<Credential> make_default_credential(const Environment& environment, const std::string& authority,
                                                    Pipeline& unsigned_pipeline, Processes& processes, Clock& clock);
std::unique_ptr<Credential> make_credential_chain(std::vector<std::unique_ptr<Credential>> credentials);

/// One token an audience: fetched once however many threads ask, fetched again some minutes before it expires.
class TokenCache {
 public:
  TokenCache(Credential& credential, Clock& clock);
  ~TokenCache();
  Result<AccessToken> get(const std::string& audience, std::stop_token stop);
  /// The service did not accept `rejected`: fetches another, unless somebody has already.
  Result<AccessToken> renew(const TokenRequest& request, const AccessToken& rejected, std::stop_token stop);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// The claims of a token, undecoded JSON; empty when it is not a JWT. For `oid`, `tid` and `exp` (ARM-12).
std::string token_claims(const Secret& token);

}  // namespace defang::rest
