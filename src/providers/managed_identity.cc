#include "providers/managed_identity.h"

namespace defang::providers {
namespace {

constexpr std::string_view kType = "Microsoft.ManagedIdentity/userAssignedIdentities";

graph::Resource identity(const StackScope& scope, std::string_view node, std::string_view purpose,
                         std::string because) {
  auto identity = make_resource(scope, node, kType, scope.name_for(kType, purpose), {});
  identity.because = std::move(because);
  identity.retention = graph::Retention::shared;
  return identity;
}

}  // namespace

graph::Resource pull_identity(const StackScope& scope) {
  return identity(scope, kPullIdentity, "pull", "apps pull the images that are built with it");
}

graph::Resource secrets_identity(const StackScope& scope) {
  return identity(scope, kSecretsIdentity, "secrets", "apps read their secrets with it");
}

graph::Resource data_identity(const StackScope& scope) {
  return identity(scope, kDataIdentity, "data", "containers sign in to managed services with it");
}

std::string identity_id(const StackScope& scope, const graph::Resource& identity) {
  return scope.id_of(kType, identity.name).text();
}

}  // namespace defang::providers
