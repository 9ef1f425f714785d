#pragma once

#include <string_view>

#include "emulator/json.h"

namespace defang::emulator {

/// Takes out of a shown body what the client's api-version does not know, and adds what it always shows.
void fit_to_version(Json& body, std::string_view type, std::string_view api_version);

}  // namespace defang::emulator
