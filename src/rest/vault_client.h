#pragma once

#include <stop_token>
#include <string>

#include "rest/cloud.h"
#include "rest/pipeline.h"
#include "support/result.h"
#include "support/secret.h"

namespace defang::rest {

/// The value behind "https://vault/secrets/name/version", from the vault itself: Resource Manager writes values, and
/// shows none. Where the vault's challenge names another resource of its own cloud than ours, the token is for that
/// (KV-15). `pipeline` signs in.
Result<Secret> read_secret(const std::string& pinned_uri, const Cloud& cloud, Pipeline& pipeline, std::stop_token stop);

/// The resource that a 401 of a vault names: "https://vault.azure.net" (KV-15). Empty where it names none. Pure.
std::string challenged_resource(const std::string& www_authenticate);

}  // namespace defang::rest
