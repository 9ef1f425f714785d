#include "providers/storage.h"

namespace defang::providers {

using graph::Value;

namespace {

constexpr std::string_view kType = "Microsoft.Storage/storageAccounts";
constexpr std::string_view kContainerType = "Microsoft.Storage/storageAccounts/blobServices/containers";

graph::Resource container(const StackScope& scope, std::string_view node, const std::string& account,
                          std::string_view name, std::string because) {
  auto container = make_resource(scope, node, kContainerType, account + "/default/" + std::string(name),
                                 Value::Map{{"properties", Value::Map{{"publicAccess", "None"}}}});
  container.because = std::move(because);
  container.retention = graph::Retention::shared;
  container.after.push_back({std::string(kStorage), ""});
  return container;
}

}  // namespace

std::vector<graph::Resource> stack_storage(const StackScope& scope) {
  const auto name = scope.global_name_for(kType);
  // ST-2: what is not sent gets defaults of another decade. Shared keys stay: uploads are signed with them, so that
  // Contributors can deploy (ST-7).
  auto account = make_resource(scope, kStorage, kType, name,
                               Value::Map{{"kind", "StorageV2"},
                                          {"sku", Value::Map{{"name", "Standard_LRS"}}},
                                          {"properties", Value::Map{{"accessTier", "Hot"},
                                                                    {"allowBlobPublicAccess", false},
                                                                    {"allowSharedKeyAccess", true},
                                                                    {"minimumTlsVersion", "TLS1_2"},
                                                                    {"publicNetworkAccess", "Enabled"},
                                                                    {"supportsHttpsTrafficOnly", true}}}});
  account.because = "state and uploads of the stack are kept there";
  account.retention = graph::Retention::shared;
  return {std::move(account), container(scope, kStateContainer, name, "state", "what was deployed is remembered there"),
          container(scope, kUploadsContainer, name, "uploads", "build contexts are uploaded there")};
}

}  // namespace defang::providers
