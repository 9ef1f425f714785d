#include "providers/storage.h"

#include "azure/names.h"
#include "azure/resource_types.h"
#include "providers/authorization.h"
#include "providers/managed_identity.h"

namespace defang::providers {

using graph::Value;

namespace {

constexpr std::string_view kType = "Microsoft.Storage/storageAccounts";
constexpr std::string_view kShareType = "Microsoft.Storage/storageAccounts/fileServices/shares";
constexpr int kSmbQuotaGb = 1024;  // a ceiling: what is stored is billed
constexpr int kNfsQuotaGb = 100;   // the least that premium shares have: what is reserved is billed
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

std::string_view file_account_node(ShareProtocol protocol) {
  return protocol == ShareProtocol::nfs ? kNfsFiles : kFiles;
}

graph::Resource file_account(const StackScope& scope, ShareProtocol protocol) {
  const bool nfs = protocol == ShareProtocol::nfs;
  Value::Map properties = {{"allowBlobPublicAccess", false},
                           // CA-111: SMB shares are mounted with the account's key.
                           {"allowSharedKeyAccess", true},
                           {"minimumTlsVersion", "TLS1_2"},
                           {"publicNetworkAccess", "Enabled"},
                           // CA-112: NFS has no transport security of its own; the network is its wall.
                           {"supportsHttpsTrafficOnly", !nfs}};
  if (nfs)
    properties.emplace_back(
        "networkAcls",
        Value::Map{{"defaultAction", "Deny"},
                   {"bypass", "None"},
                   {"virtualNetworkRules", Value::List{Value::Map{{"id", id_of(kAppsSubnet)}, {"action", "Allow"}}}}});
  auto account =
      make_resource(scope, file_account_node(protocol), kType, scope.global_name_for(kType, nfs ? "nfs" : "files"),
                    Value::Map{{"kind", nfs ? "FileStorage" : "StorageV2"},
                               {"sku", Value::Map{{"name", nfs ? "Premium_LRS" : "Standard_LRS"}}},
                               {"properties", std::move(properties)}});
  account.because = "volumes of the project are kept there";
  account.retention = graph::Retention::data;
  return account;
}

graph::Resource file_share(const StackScope& scope, std::string_view node, const std::string& name,
                           ShareProtocol protocol) {
  const bool nfs = protocol == ShareProtocol::nfs;
  Value::Map properties = {{"shareQuota", nfs ? kNfsQuotaGb : kSmbQuotaGb}};
  if (nfs) {
    properties.emplace_back("enabledProtocols", "NFS");
    properties.emplace_back("rootSquash", "NoRootSquash");  // images change the owner of their folders as root
  }
  auto share =
      make_resource(scope, node, kShareType, scope.global_name_for(kType, nfs ? "nfs" : "files") + "/default/" + name,
                    Value::Map{{"properties", std::move(properties)}});
  share.retention = graph::Retention::data;
  share.after.push_back({std::string(file_account_node(protocol)), ""});
  return share;
}

std::string object_store_node(const std::string& service) { return "objects/" + service; }
std::string object_store_role_node(const std::string& service) { return "role/objects/" + service; }

std::string bucket_fault(const std::string& name) {
  return azure::name_fault(*azure::find_resource_type(kContainerType), name).value_or("");
}

std::vector<graph::Resource> object_store(const StackScope& scope, const ObjectStore& store) {
  const auto node = object_store_node(store.service);
  const auto name = scope.global_name_for(kType, store.service);
  // ST-3: who may assign roles needs no keys, and nothing else has any use for them. NET-7: a private zone for blobs
  // would hide all other accounts from the stack's network, so the door stays public; who has no role finds it locked.
  auto account = make_resource(
      scope, node, kType, name,
      Value::Map{{"kind", "StorageV2"},
                 {"sku", Value::Map{{"name", scope.mode == Mode::high_availability ? "Standard_ZRS" : "Standard_LRS"}}},
                 {"properties", Value::Map{{"accessTier", "Hot"},
                                           {"allowBlobPublicAccess", false},
                                           {"allowSharedKeyAccess", !scope.can_assign_roles},
                                           {"minimumTlsVersion", "TLS1_2"},
                                           {"publicNetworkAccess", "Enabled"},
                                           {"supportsHttpsTrafficOnly", true}}}},
      store.service);
  account.because = "service `" + store.service + "` is managed object storage";
  account.origin = store.origin;
  account.retention = graph::Retention::data;
  std::vector<graph::Resource> resources;
  if (scope.can_assign_roles) {
    resources.push_back(data_identity(scope));
    resources.push_back(identity_role(scope, object_store_role_node(store.service), account, resources.front(),
                                      azure::Role::storage_blob_data_contributor));
  }
  resources.push_back(std::move(account));
  for (const auto& bucket : store.buckets) {
    auto made = make_resource(scope, node + "/" + bucket, kContainerType, name + "/default/" + bucket,
                              Value::Map{{"properties", Value::Map{{"publicAccess", "None"}}}});
    made.because = "a bucket of service `" + store.service + "`";
    made.origin = store.origin;
    made.retention = graph::Retention::data;
    made.after.push_back({node, ""});
    resources.push_back(std::move(made));
  }
  return resources;
}

}  // namespace defang::providers
