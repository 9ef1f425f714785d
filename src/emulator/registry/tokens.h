#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace defang::emulator {

/// What a registry's own tokens say. Both kinds are signed JSON web tokens, as ACR's are: clients read `exp`.
struct RegistryToken {
  struct Access {
    std::string repository;
    std::vector<std::string> actions;  // pull, push, delete, metadata_read
  };
  std::string subject;  // an object id, `admin` or `run`
  std::string service;  // the registry's name
  bool refresh = false;
  std::int64_t expires = 0;  // seconds since 1970
  std::vector<Access> access;
};

std::string sign_registry_token(const RegistryToken& token, std::string_view key);
/// Nothing: not ours, changed, or too old.
std::optional<RegistryToken> verify_registry_token(std::string_view text, std::string_view key, std::int64_t now);

/// `repository:a/b:pull,push repository:c:pull`; what is no repository scope is left out.
std::vector<RegistryToken::Access> parse_scopes(std::string_view scopes);

}  // namespace defang::emulator
