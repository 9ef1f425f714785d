#pragma once

#include <chrono>
#include <string>

#include "rest/credential.h"

namespace defang::rest {

/// A token in JSON, as every issuer spells it: `access_token`, `accessToken` or `token`, with `expires_on` (seconds
/// since 1970, a number or text) or `expires_in`; where neither is there, the token's own word counts. Error:
/// token-invalid. `issuer` is for the message.
Result<AccessToken> token_in(const std::string& body, std::chrono::system_clock::time_point asked,
                             const std::string& issuer);

}  // namespace defang::rest
