#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "rest/pipeline.h"
#include "rest/registry_client.h"
#include "support/result.h"

namespace defang::rest {

/// An image as a registry keeps it (OCI image-spec): what the manifest names, and the manifest.
struct OciImage {
  struct Blob {
    std::string digest;  // "sha256:..."
    std::string content;
  };
  std::vector<Blob> blobs;
  std::string manifest;
  std::string manifest_digest;
};

/// By the registry's own API (OCI distribution-spec, "Pushing"), without any tool. What is there already is not sent
/// again; the tag comes last, so that it never points to half an image. `pipeline` does not sign in.
Result<void> push_image(const OciImage& image, RegistryClient& registry, const std::string& login_server,
                        const std::string& repository, const std::string& tag, Pipeline& pipeline,
                        std::stop_token stop);

}  // namespace defang::rest
