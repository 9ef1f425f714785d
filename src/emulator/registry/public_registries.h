#pragma once

#include <string_view>

#include "emulator/core.h"

namespace defang::emulator {

/// The endpoint that stands in for all public registries, as mirrors do: `HEAD
/// /v2/library/nginx/manifests/1.27?ns=docker.io` (containerd, docs/hosts.md). What is behind a name is for the runtime
/// to say.
inline constexpr std::string_view kPublicRegistries = "public-registries";

void add_public_registries(Core& core, Runtime& runtime);

}  // namespace defang::emulator
