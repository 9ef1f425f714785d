#include "deploy/known_errors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::deploy {
namespace {

using std::chrono::minutes;
constexpr bool kFresh = true;

constexpr std::string_view kArm =
    "https://learn.microsoft.com/azure/azure-resource-manager/troubleshooting/common-deployment-errors";
constexpr std::string_view kLimits =
    "https://learn.microsoft.com/azure/azure-resource-manager/management/request-limits-and-throttling";
constexpr std::string_view kNames =
    "https://learn.microsoft.com/azure/azure-resource-manager/management/resource-name-rules";
constexpr std::string_view kEntra = "https://learn.microsoft.com/entra/identity-platform/reference-error-codes";
constexpr std::string_view kRoles = "https://learn.microsoft.com/azure/role-based-access-control/troubleshooting";
constexpr std::string_view kVaults = "https://learn.microsoft.com/azure/key-vault/general/rest-error-codes";
constexpr std::string_view kStorage =
    "https://learn.microsoft.com/rest/api/storageservices/common-rest-api-error-codes";
constexpr std::string_view kApps = "https://learn.microsoft.com/azure/container-apps/troubleshooting";
constexpr std::string_view kAppQuotas = "https://learn.microsoft.com/azure/container-apps/quotas";
constexpr std::string_view kDomains =
    "https://learn.microsoft.com/azure/container-apps/custom-domains-managed-certificates";
constexpr std::string_view kTasks =
    "https://learn.microsoft.com/azure/container-registry/container-registry-tasks-overview";
constexpr std::string_view kNetworks =
    "https://learn.microsoft.com/azure/virtual-network/virtual-network-manage-subnet";
constexpr std::string_view kModels = "https://learn.microsoft.com/azure/ai-services/openai/quotas-limits";

constexpr auto kRows = std::to_array<KnownError>({
    // Rights that are still spreading. ARM-42, ARM-45; wire facts, "Identity and RBAC": up to 10 minutes documented.
    {"PrincipalNotFound", "", "the new identity is not known everywhere yet", "", kRoles, minutes(10)},
    {"ContainerAppSecretInvalid", "was not found in this key vault", "the vault does not have the secret",
     "run `defang config set` for what is missing (`defang config resolve` tells), then `up` again", kApps},
    {"ForbiddenByRbac", "", "the right to read the vault has not spread yet", "", kVaults, minutes(10), kFresh},
    {"ContainerAppSecretInvalid", "", "the app's identity cannot read the vault", "", kApps, minutes(10), kFresh},
    {"", "unable to fetch secret", "the app's identity cannot read the vault", "", kVaults, minutes(10), kFresh},
    {"", "Failed to pull image using managed identity", "the app's identity cannot pull from the registry", "", kApps,
     minutes(10), kFresh},
    {"", "unable to pull image using Managed identity", "the app's identity cannot pull from the registry", "", kApps,
     minutes(10), kFresh},
    {"", "UNAUTHORIZED: authentication required", "the app's identity cannot pull from the registry", "", kApps,
     minutes(10), kFresh},
    {"revision-image-pull", "", "the app's identity cannot pull from the registry yet", "", kApps, minutes(10), kFresh},
    {"AuthorizationFailed", "roleAssignments/write", "the right to assign roles has not spread yet", "", kRoles,
     minutes(10), kFresh},

    // Another write is going on. CA-48; AI-12; wire facts, "Private endpoints, DNS, VNet"; ARM-25.
    {"ContainerAppOperationInProgress", "", "another change of this app is still going on", "", kApps, minutes(10)},
    {"ContainerAppLockConflict", "", "another change of this app is still going on", "", kApps, minutes(10)},
    {"", "active provisioning operation", "another change of this resource is still going on", "", kArm, minutes(10)},
    {"RequestConflict", "parent resource", "another deployment of a model is still going on", "", kModels, minutes(10)},
    {"AnotherOperationInProgress", "", "another change of this network is still going on", "", kArm, minutes(10)},
    {"RetryableError", "", "something that this needs is still being changed", "", kArm, minutes(10)},
    {"RetryableErrorDueToAnotherOperation", "", "something that this needs is still being changed", "", kArm,
     minutes(10)},
    {"ObjectIsBeingDeleted", "", "the old one is still being deleted", "", kVaults, minutes(5)},

    // Rights that are missing. ARM-40, ARM-41, ACR-31.
    {"AuthorizationFailed", "roleAssignments/write", "you may not assign roles",
     "ask for the role `Owner` or `Role Based Access Control Administrator` on the resource group", kRoles},
    {"AuthorizationFailed", "", "you may not do this",
     "ask for the role `Contributor` on the subscription or the resource group", kRoles},
    {"LinkedAuthorizationFailed", "", "you may not use a resource that this one refers to",
     "ask for the role `Contributor` on the resource that the message names", kRoles},
    {"RequestDisallowedByPolicy", "", "a policy of your organisation forbids this",
     "the message names the policy; ask its owner for an exemption", kArm},
    {"MissingSubscriptionRegistration", "", "the resource provider is not registered in the subscription",
     "run `az provider register --namespace` with the namespace that the message names", kArm},
    {"NoRegisteredProviderFound", "", "the location does not offer this", "choose another location with AZURE_LOCATION",
     kArm},
    {"LocationNotAvailableForResourceType", "", "the location does not offer this",
     "choose another location with AZURE_LOCATION", kArm},
    {"LocationNotAvailableForResourceGroup", "", "there is no such location",
     "set AZURE_LOCATION to one that the message lists, such as `westus3`", kArm},
    {"InvalidResourceGroupLocation", "", "the resource group exists in another location",
     "set AZURE_LOCATION to where it is, or use another stack", kArm},
    {"TasksOperationsNotAllowed", "",
     "the subscription may not build images in Azure (free, trial and student ones may not)",
     "install docker, podman or buildah, so that images are built here", kTasks},
    {"SkuNotAvailable", "", "the location has no room for this size", "choose another location with AZURE_LOCATION",
     kArm},
    {"QuotaExceeded", "", "a quota of the subscription is used up",
     "ask for more in the Azure portal, or remove what is not needed", kArm},
    {"MaxNumberOfRegionalEnvironmentsInSubExceeded", "",
     "the subscription has all Container Apps environments that it may have here",
     "remove one, choose another location with AZURE_LOCATION, or ask for more", kAppQuotas},
    {"ScopeLocked", "", "a lock forbids this change", "remove the lock in the Azure portal", kArm},
    {"SubscriptionNotFound", "", "the subscription does not exist, or you cannot see it", "check AZURE_SUBSCRIPTION_ID",
     kArm},
    {"InvalidSubscriptionId", "", "the subscription id is not one", "check AZURE_SUBSCRIPTION_ID", kArm},
    {"VaultAlreadyExists", "", "the name of the vault is taken, perhaps by a deleted one",
     "purge it with `az keyvault purge --name`, or use another stack name", kVaults},
    {"StorageAccountAlreadyTaken", "", "the name of the storage account is taken", "use another stack name", kStorage},
    {"AlreadyInUse", "", "the name is taken", "use another stack name", kArm},

    // Containers that do not come up (judge_revision's codes).
    {"revision-image-pull", "", "the image cannot be pulled",
     "check the name and tag of `image:`, and that everybody may pull it or `defang registry login` was made there",
     kApps},
    {"revision-port", "", "nothing listens on the declared port",
     "declare the port that the program listens on, and listen on 0.0.0.0", kApps},
    {"revision-crash", "exit code '137'", "the container was killed, as for using more memory than it may",
     "raise `deploy.resources.limits.memory`, or find out what takes so much", kApps},
    {"revision-crash", "", "the container ends by itself", "its last lines are shown above; `defang logs` shows more",
     kApps},
    {"revision-unhealthy", "", "the health check does not pass",
     "check that its path and port answer within the time-out", kApps},

    // Sign-in. "Microsoft Entra authentication and authorization error codes", Microsoft Learn; RFC 8628 3.5.
    {"", "AADSTS7000215", "the client secret is wrong",
     "AZURE_CLIENT_SECRET is the secret's value, which the portal shows once, and not its ID", kEntra},
    {"", "AADSTS7000222", "the client secret has expired", "make another one for the application", kEntra},
    {"", "AADSTS700016", "the tenant does not know the application",
     "check AZURE_CLIENT_ID, and that AZURE_TENANT_ID is the tenant where it is registered", kEntra},
    {"", "AADSTS900023", "the tenant's id is not one", "check AZURE_TENANT_ID", kEntra},
    {"", "AADSTS90002", "there is no such tenant", "check AZURE_TENANT_ID", kEntra},
    {"", "AADSTS700027", "the certificate is not one of the application's",
     "upload the certificate of AZURE_CLIENT_CERTIFICATE_PATH to the application", kEntra},
    {"", "AADSTS700024", "the clock of this machine is wrong, or the federated token is too old",
     "set the clock; in a workflow get the identity token again", kEntra},
    {"", "AADSTS700213", "no federated credential of the application names this workflow",
     "compare its issuer, subject and audience with those in the message", kEntra},
    {"", "AADSTS70021", "no federated credential of the application names this workflow",
     "compare its issuer, subject and audience with those in the message", kEntra},
    {"", "AADSTS700082", "the sign-in was not used for too long", "sign in again", kEntra},
    {"", "AADSTS70043", "the sign-in has to be repeated, as your organisation's rules say", "sign in again", kEntra},
    {"", "AADSTS50173", "the sign-in was revoked, as by a new password", "sign in again", kEntra},
    {"", "AADSTS50076", "a second factor is needed", "sign in again, with `--tenant` of the subscription", kEntra},
    {"", "AADSTS50079", "a second factor has to be set up", "sign in again, with `--tenant` of the subscription",
     kEntra},
    {"", "AADSTS53003", "your organisation's conditional access forbids this sign-in",
     "ask whoever manages it, or use a service principal", kEntra},
    {"", "AADSTS50020", "the account is no member of the tenant", "sign in with another account, or be invited",
     kEntra},
    {"", "AADSTS65001", "nobody has allowed the application to do this", "an administrator has to consent", kEntra},
    {"", "AADSTS53000", "your organisation demands a device that it manages", "sign in on such a device", kEntra},
    {"authorization_declined", "", "the sign-in was declined in the browser", "run `defang login` again", kEntra},
    {"expired_token", "", "nobody signed in in time", "run `defang login` again", kEntra},
    // ARM-11, ARM-131, and "Troubleshoot common Azure deployment errors", Microsoft Learn.
    {"InvalidAuthenticationTokenTenant", "", "you are signed in to another tenant than the subscription's",
     "set AZURE_TENANT_ID, or sign in with `az login --tenant`", kArm},
    {"ExpiredAuthenticationToken", "", "the sign-in has run out, or the clock of this machine is wrong",
     "sign in again, and check the clock", kArm},
    {"InvalidAuthenticationToken", "", "the sign-in is not accepted", "sign in again", kArm},
    {"AuthenticationFailed", "Lifetime", "the clock of this machine is wrong", "set the clock", kStorage},

    // Places and quotas. ARM-131, CA-15; AI-11; "Resolve errors for SKU not available", Microsoft Learn.
    {"LocationIsOfferRestricted", "", "the subscription may not have this here, whatever the text says about later",
     "choose another location with AZURE_LOCATION, or ask support for access", kArm},
    {"InsufficientQuota", "", "a quota of the subscription is used up",
     "ask for more in the Azure portal, or remove what is not needed", kArm},
    {"SubscriptionIsOverQuotaForSku", "", "a quota of the subscription for this size is used up",
     "ask for more in the Azure portal, or choose another location with AZURE_LOCATION", kArm},
    {"MaxNumberOfEnvsExceeded", "", "the subscription has all Container Apps environments that it may have",
     "remove one, or ask for more", kAppQuotas},
    {"MaxNumberOfEnvironmentsInSubExceeded", "",
     "the subscription has all Container Apps environments that it may have", "remove one, or ask for more",
     kAppQuotas},
    {"", "Maximum Allowed Cores exceeded", "the environment has all the CPUs that it may have",
     "ask for less with `deploy.resources`, for fewer replicas, or for a higher quota", kAppQuotas},
    {"SpecialFeatureOrQuotaIdRequired", "", "the subscription's kind may not use this model",
     "use another model, or a pay-as-you-go subscription", kModels},
    {"ServiceModelDeprecating", "", "the model is being retired, and takes no new deployments", "use a newer model",
     kModels},
    {"DeploymentModelNotSupported", "", "the location does not offer this model",
     "use another model, or another location with AZURE_LOCATION", kModels},
    {"ReadOnlyDisabledSubscription", "", "the subscription is disabled", "enable it in the Azure portal", kArm},
    {"SubscriptionNotRegistered", "", "the resource provider is not registered in the subscription",
     "run `az provider register --namespace` with the namespace that the message names", kArm},
    // Wire facts, "Throttling".
    {"SubscriptionRequestsThrottled", "", "the subscription's requests are limited", "run the same command again later",
     kLimits},
    {"TooManyRequests", "", "the service's requests are limited", "run the same command again later", kLimits},
    {"NamespaceInTransition", "", "another change is still going on", "", kArm, minutes(10)},

    // Names. ARM-62, ARM-101, AI-3, AI-5; wire facts, "Storage".
    {"ReservedResourceName", "", "the name is a word that Azure reserves", "use another name", kNames},
    {"AccountNameInvalid", "", "the name of the storage account is not allowed", "use another stack or project name",
     kNames},
    {"ContainerAppInvalidName", "", "the service's name is no name for a container app",
     "2 to 32 lower-case letters, digits and single hyphens, a letter first", kNames},
    {"CustomDomainInUse", "", "the account's host name is taken, perhaps by a deleted one", "use another stack name",
     kModels},
    {"ServerNameAlreadyExists", "", "the server's host name is taken, perhaps in another subscription",
     "use another stack name", kNames},
    {"FlagMustBeSetForRestore", "", "an account of this name was deleted and is kept for 48 hours",
     "purge it with `az cognitiveservices account purge`, or use another stack name", kModels},
    {"InvalidResourceName", "", "the name is not allowed", "use another name", kNames},

    // Networks. CA-2, ARM-54; wire facts, "Private endpoints, DNS, VNet".
    {"InUseSubnetCannotBeDeleted", "", "something still uses the subnet", "delete what the message names first",
     kNetworks},
    {"ManagedEnvironmentSubnetDelegationError", "", "the subnet is not delegated to Container Apps",
     "delegate it to Microsoft.App/environments", kApps},
    {"ManagedEnvironmentSubnetIsDelegated", "", "the subnet is delegated, which this kind of environment forbids",
     "use a subnet without delegation", kApps},
    {"InvalidResourceReference", "", "something that this refers to does not exist", "run the same command again",
     kArm},
    {"ReferencedResourceNotProvisioned", "", "something that this needs is still being made", "", kArm, minutes(10)},
    {"NetcfgSubnetRangesOverlap", "", "the subnet's addresses belong to another one", "choose other addresses",
     kNetworks},
    {"NetcfgSubnetRangeOutsideVnet", "", "the subnet's addresses are not the network's", "choose other addresses",
     kNetworks},
    {"LinkedInvalidPropertyId", "", "an id in the request names nothing of its kind",
     "check the id that the message names", kArm},

    // Roles and keys. ARM-43, ST-5, ST-7; "Troubleshoot Azure RBAC", Microsoft Learn.
    {"RoleAssignmentExists", "", "somebody has given the same right already",
     "remove that role assignment, or leave it: the right is there", kRoles},
    {"RoleAssignmentUpdateNotPermitted", "", "a role assignment of this name exists for somebody else",
     "remove it in the Azure portal", kRoles},
    {"RoleAssignmentLimitExceeded", "", "the subscription has all role assignments that it may have",
     "remove those that name nobody any more", kRoles},
    {"InvalidPrincipalId", "", "the principal's id is not one", "check the id that the message names", kRoles},
    {"AuthorizationPermissionMismatch", "", "you may not read or write the data of the storage account",
     "ask for the role `Storage Blob Data Contributor`; a fresh one takes some minutes", kStorage},
    {"AuthorizationFailure", "", "the storage account's firewall does not let you in",
     "allow this address in the account's networking settings", kStorage},
    {"InvalidAuthenticationInfo", "", "two ways of signing in were used at once", "send either a signature or a token",
     kStorage},
    {"KeyBasedAuthenticationNotPermitted", "", "a policy forbids the keys of storage accounts",
     "ask for an exemption for the stack's account", kStorage},
    {"Md5Mismatch", "", "what arrived is not what was sent", "run the same command again", kStorage},

    // Vaults. KV-5, KV-14; "Azure Key Vault REST API error codes", Microsoft Learn.
    {"ForbiddenByFirewall", "", "the vault's firewall does not let you in",
     "allow this address in the vault's networking settings", kVaults},
    {"ForbiddenByConnection", "", "the vault is reached by private connections only",
     "allow public access in the vault's networking settings, or run this inside its network", kVaults},
    {"ForbiddenByPolicy", "", "the vault's access policies do not name you", "add yourself to them", kVaults},
    {"AccessDenied", "", "the vault's access policies do not name you", "add yourself to them", kVaults},
    {"SecretDisabled", "", "the secret is switched off", "run `defang config set` for it again", kVaults},
    {"ConflictError", "deleted but recoverable", "a vault of this name was deleted and is kept",
     "purge it with `az keyvault purge --name`, or use another stack name", kVaults},

    // Container Apps and images. CA-2, CA-120; wire facts, "Container app", "Custom domains and managed certificates".
    {"", "MANIFEST_UNKNOWN", "there is no such image", "check the name and tag of `image:`", kApps},
    {"", "toomanyrequests", "the registry limits how often images are pulled without an account",
     "use a copy of the image in a registry of your own", kApps},
    {"ContainerAppRegistriesPasswordSecretRefNotFound", "", "the registry's password is no secret of the app",
     "run `up` again; what changed the app besides?", kApps},
    {"AuthConfigSecretRefNotFound", "", "the sign-in's password is no secret of the app", "add the secret first",
     kApps},
    {"CertificateInUse", "", "an app is still bound to the certificate", "remove the domain from the app first",
     kDomains},
    {"InvalidValidationMethod", "", "this way of validation is not for a domain like this",
     "an apex domain needs HTTP or TXT, not CNAME", kDomains},
    {"ManagedEnvironmentNotReadyForAppCreation", "", "the environment is still being made", "", kApps, minutes(10)},
    {"AccountProvisioningStateInvalid", "", "the account is still being made", "", kModels, minutes(10)},
    // Wire facts, "PostgreSQL".
    {"ServerIsBusy", "", "another change of the server is still going on", "", kArm, minutes(10)},
    {"ProvisioningServerBusy", "", "another change of the server is still going on", "", kArm, minutes(10)},

    // Deployments and groups, which people send with `defang api`. Wire facts 1.13, "Deployments"; ARM-33.
    {"InvalidTemplate", "", "the template is not valid", "the message says where", kArm},
    {"InvalidTemplateDeployment", "", "the template was refused before anything was made", "the message says where",
     kArm},
    {"CannotDeleteResource", "", "something inside it still exists", "delete what the message names first", kArm},
    {"ParentResourceNotFound", "", "what it belongs to does not exist", "make that first", kArm},
    {"ResourceGroupNotFound", "", "there is no such resource group", "`defang compose up` makes it", kArm},
    {"ResourceGroupBeingDeleted", "", "the resource group is still being deleted", "", kArm, minutes(30)},
    {"MissingApiVersionParameter", "", "the address says no version", "add `?api-version=` to it", kArm},
    {"InvalidApiVersionParameter", "", "there is no such version", "use one that the message lists", kArm},
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

std::span<const KnownError> known_errors() { return kRows; }

Error explained(Error error) {
  const KnownError* known = find_known_error(error, false);
  if (known == nullptr) return error;
  if (error.help.empty() && !known->help.empty())
    error.help = fmt::format("{} ({}; see {})", known->help, known->meaning, known->link);
  return error;
}

std::chrono::minutes worth_repeating(const Error& error, bool rights_are_fresh) {
  const KnownError* known = find_known_error(error, rights_are_fresh);
  return known == nullptr ? minutes(0) : known->again_for;
}

}  // namespace defang::deploy
