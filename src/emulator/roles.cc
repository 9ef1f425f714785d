#include "emulator/roles.h"

#include <array>

#include "support/text.h"

namespace defang::emulator {

namespace {

// ARM-46 and "Azure built-in roles", learn.microsoft.com/azure/role-based-access-control/built-in-roles.
constexpr auto kRoles = std::to_array<Role>({
    {"8e3af657-a8ff-443c-a75c-2fe8c4bcb635", "Owner",
     "Grants full access to manage all resources, including the ability to assign roles in Azure RBAC.", "*", "", ""},
    {"b24988ac-6180-42a0-ab88-20f7382dd24c", "Contributor",
     "Grants full access to manage all resources, but does not allow you to assign roles in Azure RBAC, manage "
     "assignments in Azure Blueprints, "
     "or share image galleries.",
     "*",
     "Microsoft.Authorization/*/Delete Microsoft.Authorization/*/Write Microsoft.Authorization/elevateAccess/Action "
     "Microsoft.Blueprint/blueprintAssignments/write Microsoft.Blueprint/blueprintAssignments/delete "
     "Microsoft.Compute/galleries/share/action "
     "Microsoft.Purview/consents/write Microsoft.Purview/consents/delete",
     ""},
    {"acdd72a7-3385-48ef-bd42-f606fba81ae7", "Reader",
     "View all resources, but does not allow you to make any changes.", "*/read", "", ""},
    {"18d7d88d-d35e-4fb5-a5c3-7773c20a72d9", "User Access Administrator",
     "Lets you manage user access to Azure resources.", "*/read Microsoft.Authorization/* Microsoft.Support/*", "", ""},
    {"f58310d9-a9f6-439a-9e8d-f62e7b41a168", "Role Based Access Control Administrator",
     "Manage access to Azure resources by assigning roles using Azure RBAC.",
     "Microsoft.Authorization/roleAssignments/write Microsoft.Authorization/roleAssignments/delete */read "
     "Microsoft.Support/*",
     "", ""},
    {"7f951dda-4ed3-4680-a7ca-43fe172d538d", "AcrPull", "acr pull", "Microsoft.ContainerRegistry/registries/pull/read",
     "", ""},
    {"8311e382-0749-4cb8-b61a-304f252e45ec", "AcrPush", "acr push",
     "Microsoft.ContainerRegistry/registries/pull/read Microsoft.ContainerRegistry/registries/push/write", "", ""},
    {"b93aa761-3e63-49ed-ac28-beffa264f7ac", "Container Registry Repository Reader",
     "Allows for read access to Azure Container Registry repositories, but excluding catalog listing.", "", "",
     "Microsoft.ContainerRegistry/registries/repositories/metadata/read "
     "Microsoft.ContainerRegistry/registries/repositories/content/read"},
    {"00482a5a-887f-4fb3-b363-3b7fe8e74483", "Key Vault Administrator",
     "Perform all data plane operations on a key vault and all objects in it, including certificates, keys, and "
     "secrets. Cannot manage key vault "
     "resources or manage role assignments. Only works for key vaults that use the 'Azure role-based access control' "
     "permission model.",
     "Microsoft.Authorization/*/read Microsoft.Insights/alertRules/* Microsoft.Resources/deployments/* "
     "Microsoft.Resources/subscriptions/resourceGroups/read Microsoft.Support/* "
     "Microsoft.KeyVault/checkNameAvailability/read "
     "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read Microsoft.KeyVault/vaults/*/read "
     "Microsoft.KeyVault/operations/read",
     "", "Microsoft.KeyVault/vaults/*"},
    {"b86a8fe4-44ce-4948-aee5-eccb2c155cd7", "Key Vault Secrets Officer",
     "Perform any action on the secrets of a key vault, except manage permissions. Only works for key vaults that use "
     "the 'Azure role-based access "
     "control' permission model.",
     "Microsoft.Authorization/*/read Microsoft.Resources/subscriptions/resourceGroups/read "
     "Microsoft.KeyVault/checkNameAvailability/read "
     "Microsoft.KeyVault/deletedVaults/read Microsoft.KeyVault/locations/*/read Microsoft.KeyVault/vaults/*/read "
     "Microsoft.KeyVault/operations/read",
     "", "Microsoft.KeyVault/vaults/secrets/*"},
    {"4633458b-17de-408a-b874-0445c86b69e6", "Key Vault Secrets User",
     "Read secret contents. Only works for key vaults that use the 'Azure role-based access control' permission model.",
     "", "",
     "Microsoft.KeyVault/vaults/secrets/getSecret/action Microsoft.KeyVault/vaults/secrets/readMetadata/action"},
    {"21090545-7ca7-4776-b22c-e363652d74d2", "Key Vault Reader",
     "Read metadata of key vaults and its certificates, keys, and secrets. Cannot read sensitive values such as secret "
     "contents or key material.",
     "Microsoft.Authorization/*/read Microsoft.KeyVault/checkNameAvailability/read "
     "Microsoft.KeyVault/deletedVaults/read "
     "Microsoft.KeyVault/locations/*/read Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/operations/read",
     "", "Microsoft.KeyVault/vaults/*/read Microsoft.KeyVault/vaults/secrets/readMetadata/action"},
    {"a68e7c17-0ab2-4c09-9a58-125dae29748c", "Key Vault Purge Operator",
     "Allows permanent deletion of soft-deleted vaults.",
     "Microsoft.KeyVault/locations/deletedVaults/read Microsoft.KeyVault/locations/deletedVaults/purge/action", "", ""},
    {"a4417e6f-fecd-4de8-b567-7b0420556985", "Key Vault Certificates Officer",
     "Perform any action on the certificates of a key vault, except manage permissions.",
     "Microsoft.KeyVault/vaults/*/read", "",
     "Microsoft.KeyVault/vaults/certificatecas/* Microsoft.KeyVault/vaults/certificates/*"},
    {"ba92f5b4-2d11-453d-a403-e96b0029c9fe", "Storage Blob Data Contributor",
     "Allows for read, write and delete access to Azure Storage blob containers and data",
     "Microsoft.Storage/storageAccounts/blobServices/containers/delete "
     "Microsoft.Storage/storageAccounts/blobServices/containers/read "
     "Microsoft.Storage/storageAccounts/blobServices/containers/write "
     "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
     "",
     "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/delete "
     "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read "
     "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/move/action "
     "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/write "
     "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/add/action"},
    {"b7e6dc6d-f1e8-4753-8033-0f276bb0955b", "Storage Blob Data Owner",
     "Allows for full access to Azure Storage blob containers and data, including assigning POSIX access control.",
     "Microsoft.Storage/storageAccounts/blobServices/containers/* "
     "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
     "", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/*"},
    {"2a2b9908-6ea1-4ae2-8e65-a410df84e7d1", "Storage Blob Data Reader",
     "Allows for read access to Azure Storage blob containers and data",
     "Microsoft.Storage/storageAccounts/blobServices/containers/read "
     "Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action",
     "", "Microsoft.Storage/storageAccounts/blobServices/containers/blobs/read"},
    {"5e0bd9bd-7b93-4f28-af87-19fc36ad61bd", "Cognitive Services OpenAI User",
     "Ability to view files, models, deployments and to create completions.", "Microsoft.CognitiveServices/*/read", "",
     "Microsoft.CognitiveServices/accounts/OpenAI/*"},
});

bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip)
      if (fits(pattern.substr(1), text.substr(skip))) return true;
    return false;
  }
  return !text.empty() && equals_ignoring_case(pattern.substr(0, 1), text.substr(0, 1)) &&
         fits(pattern.substr(1), text.substr(1));
}

}  // namespace

std::span<const Role> built_in_roles() { return kRoles; }

const Role* find_role(std::string_view id) {
  for (const auto& role : kRoles)
    if (equals_ignoring_case(role.id, id.substr(id.rfind('/') + 1))) return &role;
  return nullptr;
}

bool fits_any(std::string_view patterns, std::string_view action) {
  for (const auto& pattern : split(patterns, ' '))
    if (!pattern.empty() && fits(pattern, action)) return true;
  return false;
}

}  // namespace defang::emulator
