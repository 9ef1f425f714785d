#pragma once

#include <string>
#include <string_view>

namespace defang::azure {

/// Built-in roles (ARM-46).
enum class Role {
  acr_pull,
  acr_push,
  container_registry_repository_reader,
  contributor,
  key_vault_secrets_officer,
  key_vault_secrets_user,
  owner,
  reader,
  role_based_access_control_administrator,
  storage_blob_data_contributor,
};
std::string_view name_of(Role role);  // "AcrPull", as Azure writes it
std::string_view guid_of(Role role);
/// "/subscriptions/{s}/providers/Microsoft.Authorization/roleDefinitions/{guid}": the whole id, or Azure refuses
/// (ARM-47).
std::string role_definition_id(std::string_view subscription, Role role);

}  // namespace defang::azure
