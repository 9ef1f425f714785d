#pragma once

#include <optional>
#include <string>

#include "emulator/core.h"

namespace defang::emulator {

/// What a service finds when it reads a secret with an identity, as Container Apps does.
struct SecretRead {
  std::optional<std::string> value;
  int status = 200;     // of the vault's answer where there is no value
  std::string code;     // "SecretNotFound", "Forbidden", "SecretDisabled"
  std::string message;  // of the vault
};
/// `uri`: https://localhost:PORT/secrets/name or .../name/version. Under the core's lock.
SecretRead read_secret(Core& core, const std::string& principal, const std::string& uri);

/// The vault's own bookkeeping, shared by ARM's half and the data plane.
namespace key_vault {

std::string secret_key(const std::string& vault_id, const std::string& name);
/// Adds a version; the answer's body with the value. Refuses when a deleted secret has the name.
Answer set_secret(Core& core, const Resource& vault, const std::string& name, const Json& sent);
Json attributes_of(const Resource& vault, const Json& version);
Answer answer(Core& core, Request& request, const std::string& vault_id);  // the data plane

}  // namespace key_vault

}  // namespace defang::emulator
