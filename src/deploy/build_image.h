#pragma once

#include <nlohmann/json.hpp>
#include <stop_token>
#include <string>

#include "deploy/azure_access.h"
#include "deploy/engine.h"

namespace defang::deploy {

/// Action BuildImage: by a registry task, or where the subscription may not run any, by docker, podman or buildah here.
/// An image that was built from the same things is not built again. Output image, by digest.
Result<Outputs> run_build_image(const graph::Action& action, const AzureAccess& access, NodeScope& scope,
                                std::stop_token stop);

/// What a registry is asked to run (ACR-22). `source` is a URL or an upload slot's relative path. Pure.
nlohmann::json build_request(const graph::BuildImage& build, const std::string& dockerfile, const std::string& image,
                             const std::string& source);

/// A repository is named after its service (ACR-7).
std::string repository_of(const std::string& service);

}  // namespace defang::deploy
