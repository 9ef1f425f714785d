#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "rest/pipeline.h"
#include "rest/registry_client.h"
#include "support/secret.h"

namespace defang::rest {

/// "ghcr.io", "team/web", "1.2"
struct ImageName {
  std::string server, repository, tag;
};

/// What a registry says of an image.
struct FoundImage {
  enum class Is {
    there,
    missing,  // the registry has no such image
    closed,   // it does not show the image to whoever asked, or there is none
    unknown,  // it could not be asked
  } is = Is::unknown;
  std::string digest;  // "sha256:..." of what is there
  std::string why;     // of `unknown`
};

struct RegistryPassword {
  std::string user;
  Secret password;
};

/// How a registry is asked.
struct RegistryQuery {
  std::string mirror;                     // asked instead of the registry itself, with `?ns=`; empty: none
  std::optional<RegistryPassword> login;  // whom the registry knows
  RegistryClient* azure = nullptr;        // of a registry of Azure's, which knows who signed in there
};

/// Asks once for the digest behind a tag, by HEAD, which Docker Hub does not count as a pull
/// (docs.docker.com/docker-hub/usage/pulls). `pipeline` does not sign in.
FoundImage look_up_image(const ImageName& image, const RegistryQuery& query, Pipeline& pipeline, std::stop_token stop);

}  // namespace defang::rest
