#pragma once

#include <vector>

#include "providers/stack_scope.h"

namespace defang::providers {

/// The stack's own storage account with its blob containers: uploads of build contexts, and the state of deployments.
std::vector<graph::Resource> stack_storage(const StackScope& scope);

/// How containers mount a file share. SMB knows neither owners nor all locks (CA-114); NFS does, on an account of its
/// own kind, with a least size that costs.
enum class ShareProtocol { smb, nfs };

/// The account for shares of the user's data: not the stack's own, whose contents may go (design.md section 4).
graph::Resource file_account(const StackScope& scope, ShareProtocol protocol);
std::string_view file_account_node(ShareProtocol protocol);
graph::Resource file_share(const StackScope& scope, std::string_view node, const std::string& name,
                           ShareProtocol protocol);

/// A store of objects for services: an account of its own, with a container for each bucket. Its data is the user's.
struct ObjectStore {
  std::string service;
  std::vector<std::string> buckets;
  SourceSpan origin;
};
std::vector<graph::Resource> object_store(const StackScope& scope, const ObjectStore& store);
std::string object_store_node(const std::string& service);
std::string object_store_role_node(const std::string& service);
/// Why a bucket cannot have that name (ARM-87); empty where it can.
std::string bucket_fault(const std::string& name);

}  // namespace defang::providers
