#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>

#include "rest/credential.h"

/// A person's own sign-in, in a browser anywhere. "OAuth 2.0 device authorization grant", Microsoft Learn.
namespace defang::rest {

/// Where it is kept, readable by its owner only: $XDG_CONFIG_HOME/defang/azure-login.json, else below ~/.config.
std::filesystem::path login_file(const Environment& environment);

struct DeviceLogin {
  std::string authority;  // "https://login.microsoftonline.com"
  std::string tenant;     // an id, or "organizations" for the one that the person is at home in
  std::string audience;   // of the first token
};
/// Shows Entra's message (an address, and a code to type there), waits for the person, and keeps the result in `file`.
/// Error codes: authorization_declined, expired_token, what else Entra says.
Result<void> log_in(const DeviceLogin& login, const std::filesystem::path& file, Disk& disk,
                    Pipeline& unsigned_pipeline, Clock& clock,
                    const std::function<void(const std::string& message)>& show, std::stop_token stop);

/// Tokens of whoever logged in; not applicable where nobody has. The file stays as it is: Entra lets the same token ask
/// for others for 90 days.
std::unique_ptr<Credential> make_login_credential(std::filesystem::path file, const Disk& disk,
                                                  Pipeline& unsigned_pipeline, Clock& clock);

/// The tenant that Resource Manager's 401 names, an id: authorization_uri="https://login.windows.net/{tenant}". Empty
/// where it names none. Pure.
std::string challenged_tenant(const std::string& www_authenticate);

}  // namespace defang::rest
