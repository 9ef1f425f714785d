#pragma once

#include "rest/credential.h"

namespace defang::rest {

/// Tokens that say what they are for, for tests.
class FixedCredential : public Credential {
 public:
  std::string name() const override { return "fixed"; }
  Result<AccessToken> get_token(const TokenRequest& request, std::stop_token) override {
    return AccessToken{Secret("for " + request.audience), std::chrono::sys_days{std::chrono::year{2100} / 1 / 1}};
  }
};

}  // namespace defang::rest
