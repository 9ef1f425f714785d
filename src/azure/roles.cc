#include "azure/roles.h"

#include <algorithm>
#include <array>

namespace defang::azure {
namespace {

struct Row {
  Role role;
  std::string_view name;
  std::string_view guid;
};
// ARM-46; Reader, Owner, the reader of repositories (ACR-6; in no recording) and the administrator of role assignments
// as documented under "Azure built-in roles".
constexpr auto kRoles = std::to_array<Row>({
    {Role::acr_pull, "AcrPull", "7f951dda-4ed3-4680-a7ca-43fe172d538d"},
    {Role::acr_push, "AcrPush", "8311e382-0749-4cb8-b61a-304f252e45ec"},
    {Role::container_registry_repository_reader, "Container Registry Repository Reader",
     "b93aa761-3e63-49ed-ac28-beffa264f7ac"},
    {Role::contributor, "Contributor", "b24988ac-6180-42a0-ab88-20f7382dd24c"},
    {Role::key_vault_secrets_officer, "Key Vault Secrets Officer", "b86a8fe4-44ce-4948-aee5-eccb2c155cd7"},
    {Role::key_vault_secrets_user, "Key Vault Secrets User", "4633458b-17de-408a-b874-0445c86b69e6"},
    {Role::owner, "Owner", "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"},
    {Role::reader, "Reader", "acdd72a7-3385-48ef-bd42-f606fba81ae7"},
    {Role::role_based_access_control_administrator, "Role Based Access Control Administrator",
     "f58310d9-a9f6-439a-9e8d-f62e7b41a168"},
    {Role::storage_blob_data_contributor, "Storage Blob Data Contributor", "ba92f5b4-2d11-453d-a403-e96b0029c9fe"},
});

const Row& row_of(Role role) { return *std::ranges::find(kRoles, role, &Row::role); }

}  // namespace

std::string_view name_of(Role role) { return row_of(role).name; }
std::string_view guid_of(Role role) { return row_of(role).guid; }

std::string role_definition_id(std::string_view subscription, Role role) {
  return "/subscriptions/" + std::string(subscription) + "/providers/Microsoft.Authorization/roleDefinitions/" +
         std::string(guid_of(role));
}

}  // namespace defang::azure
