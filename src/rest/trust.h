#pragma once

#include <string>

#include "support/result.h"

namespace defang::rest {

/// The PEM file of the authorities that are trusted: `wanted` (SSL_CERT_FILE), or the first of the known places. None
/// is an error that names them.
Result<std::string> trusted_ca_file(const std::string& wanted);

}  // namespace defang::rest
