#pragma once

#include <map>
#include <string>

#include "emulator/core.h"

namespace defang::emulator {

/// What a container finds in its environment where its app or job offers it an identity: IDENTITY_ENDPOINT and
/// IDENTITY_HEADER (ARM-8). Empty where none is offered: there is none, or `identitySettings` keep it to the platform.
std::map<std::string, Secret> identity_variables(Core& core, const Resource& owner);

void add_identity_endpoint(Core& core);

}  // namespace defang::emulator
