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

}  // namespace defang::providers
