#pragma once

#include <stop_token>
#include <string>

#include "deploy/azure_access.h"
#include "deploy/build_context.h"
#include "deploy/engine.h"

namespace defang::deploy {

/// Builds and pushes with the first of docker, podman and buildah that is installed. The registry's token goes in by
/// standard input, build arguments and secrets (of BuildImage::secrets, in their order) by environment: nothing secret
/// stands in a command line.
Result<void> build_locally(const graph::BuildImage& build, const BuildContext& context,
                           const std::vector<Secret>& secrets, const std::string& image, const std::string& server,
                           const AzureAccess& access, NodeScope& scope, std::stop_token stop);

}  // namespace defang::deploy
