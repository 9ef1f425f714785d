#include "deploy/known_errors.h"

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::deploy {
namespace {

using std::chrono::minutes;
constexpr bool kFresh = true;

constexpr auto kRows = std::to_array<KnownError>({
    // Rights that are still spreading. ARM-42, ARM-45; wire facts, "Identity and RBAC": up to 10 minutes documented.
    {"PrincipalNotFound", "", "the new identity is not known everywhere yet", "", minutes(10)},
    {"ContainerAppSecretInvalid", "was not found in this key vault", "the vault does not have the secret",
     "run `defang config set` for what is missing (`defang config resolve` tells), then `up` again"},
    {"ForbiddenByRbac", "", "the right to read the vault has not spread yet", "", minutes(10), kFresh},
    {"ContainerAppSecretInvalid", "", "the app's identity cannot read the vault", "", minutes(10), kFresh},
    {"", "unable to fetch secret", "the app's identity cannot read the vault", "", minutes(10), kFresh},
    {"", "Failed to pull image using managed identity", "the app's identity cannot pull from the registry", "",
     minutes(10), kFresh},
    {"", "unable to pull image using Managed identity", "the app's identity cannot pull from the registry", "",
     minutes(10), kFresh},
    {"", "UNAUTHORIZED: authentication required", "the app's identity cannot pull from the registry", "", minutes(10),
     kFresh},
    {"revision-image-pull", "", "the app's identity cannot pull from the registry yet", "", minutes(10), kFresh},

    // Another write is going on. CA-48; wire facts, "Private endpoints, DNS, VNet"; ARM-25.
    {"ContainerAppOperationInProgress", "", "another change of this app is still going on", "", minutes(10)},
    {"ContainerAppLockConflict", "", "another change of this app is still going on", "", minutes(10)},
    {"", "active provisioning operation", "another change of this resource is still going on", "", minutes(10)},
    {"AnotherOperationInProgress", "", "another change of this network is still going on", "", minutes(10)},
    {"RetryableError", "", "something that this needs is still being changed", "", minutes(10)},
    {"RetryableErrorDueToAnotherOperation", "", "something that this needs is still being changed", "", minutes(10)},
    {"ObjectIsBeingDeleted", "", "the old one is still being deleted", "", minutes(5)},

    // Rights that are missing. ARM-40, ARM-41, ACR-31.
    {"AuthorizationFailed", "roleAssignments/write", "you may not assign roles",
     "ask for the role `Owner` or `Role Based Access Control Administrator` on the resource group"},
    {"AuthorizationFailed", "", "you may not do this",
     "ask for the role `Contributor` on the subscription or the resource group"},
    {"LinkedAuthorizationFailed", "", "you may not use a resource that this one refers to",
     "ask for the role `Contributor` on the resource that the message names"},
    {"RequestDisallowedByPolicy", "", "a policy of your organisation forbids this",
     "the message names the policy; ask its owner for an exemption"},
    {"MissingSubscriptionRegistration", "", "the resource provider is not registered in the subscription",
     "run `az provider register --namespace` with the namespace that the message names"},
    {"NoRegisteredProviderFound", "", "the location does not offer this",
     "choose another location with AZURE_LOCATION"},
    {"LocationNotAvailableForResourceType", "", "the location does not offer this",
     "choose another location with AZURE_LOCATION"},
    {"LocationNotAvailableForResourceGroup", "", "there is no such location",
     "set AZURE_LOCATION to one that the message lists, such as `westus3`"},
    {"InvalidResourceGroupLocation", "", "the resource group exists in another location",
     "set AZURE_LOCATION to where it is, or use another stack"},
    {"TasksOperationsNotAllowed", "",
     "the subscription may not build images in Azure (free, trial and student ones may not)",
     "install docker, podman or buildah, so that images are built here"},
    {"SkuNotAvailable", "", "the location has no room for this size", "choose another location with AZURE_LOCATION"},
    {"QuotaExceeded", "", "a quota of the subscription is used up",
     "ask for more in the Azure portal, or remove what is not needed"},
    {"MaxNumberOfRegionalEnvironmentsInSubExceeded", "",
     "the subscription has all Container Apps environments that it may have here",
     "remove one, choose another location with AZURE_LOCATION, or ask for more"},
    {"ScopeLocked", "", "a lock forbids this change", "remove the lock in the Azure portal"},
    {"SubscriptionNotFound", "", "the subscription does not exist, or you cannot see it",
     "check AZURE_SUBSCRIPTION_ID"},
    {"InvalidSubscriptionId", "", "the subscription id is not one", "check AZURE_SUBSCRIPTION_ID"},
    {"VaultAlreadyExists", "", "the name of the vault is taken, perhaps by a deleted one",
     "purge it with `az keyvault purge --name`, or use another stack name"},
    {"StorageAccountAlreadyTaken", "", "the name of the storage account is taken", "use another stack name"},
    {"AlreadyInUse", "", "the name is taken", "use another stack name"},

    // Containers that do not come up (judge_revision's codes).
    {"revision-image-pull", "", "the image cannot be pulled",
     "check the name and tag of `image:`, and that the registry is public"},
    {"revision-port", "", "nothing listens on the declared port",
     "declare the port that the program listens on, and listen on 0.0.0.0"},
    {"revision-crash", "exit code '137'", "the container was killed, as for using more memory than it may",
     "raise `deploy.resources.limits.memory`, or find out what takes so much"},
    {"revision-crash", "", "the container ends by itself", "its last lines are shown above; `defang logs` shows more"},
    {"revision-unhealthy", "", "the health check does not pass",
     "check that its path and port answer within the time-out"},
});

bool matches(const KnownError& row, const Error& error) {
  return (row.code.empty() || equals_ignoring_case(row.code, error.code)) &&
         (row.pattern.empty() || contains_ignoring_case(error.message, row.pattern));
}

}  // namespace

const KnownError* find_known_error(const Error& error, bool rights_are_fresh) {
  if (error.kind == Error::Kind::stopped) return nullptr;
  const auto row = std::ranges::find_if(kRows, [&](const KnownError& known) {
    return (rights_are_fresh || !known.needs_fresh_rights) && matches(known, error);
  });
  return row == kRows.end() ? nullptr : row;
}

Error explained(Error error) {
  const KnownError* known = find_known_error(error, false);
  if (known == nullptr) return error;
  if (error.help.empty()) error.help = known->help;
  return error;
}

std::chrono::minutes worth_repeating(const Error& error, bool rights_are_fresh) {
  const KnownError* known = find_known_error(error, rights_are_fresh);
  return known == nullptr ? minutes(0) : known->again_for;
}

}  // namespace defang::deploy
