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
#include "support/disk.h"
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
  /// Of a chain that was asked: each link in order, and why it did not apply; an empty reason: it signs in.
  struct Link {
    std::string name, why_not;
  };
  virtual std::vector<Link> links() const { return {}; }
  /// Error code "credential-not-applicable": the next one in a chain is asked.
  virtual Result<AccessToken> get_token(const TokenRequest& request, std::stop_token stop) = 0;
};

/// Looks a variable up; nothing when it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

struct CredentialWorld {
  const Environment& environment;  // asked while the chain is made only
  const Disk& disk;
  Processes& processes;
  Clock& clock;
};
/// Who signs in, in this order: the application of AZURE_TENANT_ID and AZURE_CLIENT_ID with AZURE_CLIENT_SECRET or
/// AZURE_CLIENT_CERTIFICATE_PATH; the same with a federated token (GitHub Actions, AZURE_FEDERATED_TOKEN_FILE; ARM-9);
/// the managed identity of this app or machine (ARM-7, ARM-8); Azure CLI; Azure Developer CLI. The first that applies
/// stays, also when it is refused; when none does, the error says why of each.
std::unique_ptr<Credential> make_default_credential(const CredentialWorld& world, const std::string& authority,
                                                    Pipeline& unsigned_pipeline);

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
