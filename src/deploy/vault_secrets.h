#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "azure/resource_id.h"
#include "deploy/azure_access.h"
#include "deploy/engine.h"
#include "support/secret.h"

/// Secrets of the stack's vault, by Resource Manager's own `vaults/secrets`: who may deploy may set them, and no
/// command needs to grant itself a role. Values go in and never come out that way (KV-19).
namespace defang::deploy {

/// The vault secret keeps the name that the user knows (KV-12).
inline constexpr std::string_view kConfigTag = "defang-config";
/// Of a password: the registry's server, and whom it knows.
inline constexpr std::string_view kRegistryTag = "defang-registry";
inline constexpr std::string_view kRegistryUserTag = "defang-registry-user";

struct VaultSecret {
  std::string name;                     // in the vault
  std::string config;                   // the user's name for it, of kConfigTag; empty for what we derived
  std::string registry, registry_user;  // of kRegistryTag and kRegistryUserTag; empty: no registry's password
  std::string pinned_uri;               // "https://v.vault.azure.net/secrets/n/<32 hex digits>"
  std::string version;                  // the 32 hex digits
  bool enabled = true;                  // false: removed by `config rm`
  std::int64_t updated = 0;             // Unix seconds
  std::map<std::string, std::string> tags;
};

azure::ResourceId vault_id(const StackScope& stack, const std::string& vault);

Result<std::optional<VaultSecret>> read_secret(rest::ArmClient& arm, const azure::ResourceId& vault,
                                               const std::string& name, std::stop_token stop);
/// A new version.
Result<VaultSecret> write_secret(rest::ArmClient& arm, const azure::ResourceId& vault, const std::string& name,
                                 const Secret& value, const std::map<std::string, std::string>& tags,
                                 std::stop_token stop);
/// All that are not removed, sorted by name.
Result<std::vector<VaultSecret>> list_secrets(rest::ArmClient& arm, const azure::ResourceId& vault,
                                              std::stop_token stop);
/// Takes the secret out of use: a disabled, empty version on top. Running revisions keep the version that they were
/// started with. Resource Manager cannot delete secrets, and a deleted one would block its name (KV-13, KV-19).
Result<void> remove_secret(rest::ArmClient& arm, const azure::ResourceId& vault, const VaultSecret& secret,
                           std::stop_token stop);

/// Brings back the stack's vault with all its secrets where it was deleted: its name is taken until then (KV-5).
Result<void> recover_vault(const AzureAccess& access, const StackScope& stack, const std::string& vault,
                           std::stop_token stop);

/// Deletes a deleted vault for good, with its secrets. An absent one is fine.
Result<void> purge_vault(const AzureAccess& access, const StackScope& stack, const std::string& vault,
                         std::stop_token stop);

/// Action WriteSecret. Outputs secretUri, version, and where something is composed of it, value.
Result<Outputs> run_write_secret(const graph::Action& action, const AzureAccess& access, NodeScope& scope,
                                 std::stop_token stop);

}  // namespace defang::deploy
