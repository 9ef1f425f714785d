#pragma once

#include <stop_token>
#include <string>

#include "deploy/azure_access.h"
#include "deploy/engine.h"
#include "rest/blob_client.h"

namespace defang::deploy {

/// Containers of the stack's own storage account.
inline constexpr const char* kStateContainer = "state";
inline constexpr const char* kUploadsContainer = "uploads";

/// The stack's own storage account, opened with its key. Error no-such-stack where there is none.
Result<rest::BlobClient> open_storage(const AzureAccess& access, const StackScope& scope, const std::string& account,
                                      std::stop_token stop);

}  // namespace defang::deploy
