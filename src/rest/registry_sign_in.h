#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "rest/pipeline.h"
#include "support/result.h"
#include "support/secret.h"

namespace defang::rest {

/// Asks any registry ("ghcr.io") whether it knows a user by a password, as `docker login` does: at its `/v2/`, or where
/// that sends one for a token (distribution specification, "Token Authentication"). `pipeline` does not sign in.
/// An error of kind refused: it does not; of kind unreachable: nobody could be asked.
Result<void> check_sign_in(const std::string& server, const std::string& user, const Secret& password,
                           Pipeline& pipeline, std::stop_token stop);

/// Docker Hub's registry does not answer at the name that images have it by.
std::string registry_host(const std::string& server);

/// `Bearer realm="https://auth.docker.io/token",service="registry.docker.io"` -> the URL with its parameters. Nothing
/// for what is no such challenge. Pure.
std::optional<std::string> token_url(const std::string& challenge);

}  // namespace defang::rest
