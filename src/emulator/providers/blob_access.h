#pragma once

#include <map>
#include <optional>
#include <string>

#include "emulator/core.h"

/// Who may touch blobs: SharedKey, shared access signatures (service, account, user delegation), or a bearer token with
/// a role.
namespace defang::emulator::blobs {

/// What a request wants to do, in both models: letters of a SAS, a data action of roles.
struct Need {
  std::string_view sas;  // any one of these letters is enough: "cw"
  std::string_view action;
};

struct Place {
  std::string key;  // of the account
  std::string container, blob;
};

/// nullopt: allowed.
std::optional<Answer> refuse(Core& core, const Request& request, const Place& place, const Need& need);

/// The error body of the blob service: XML with a byte order mark, and x-ms-error-code.
Answer blob_error(int status, std::string_view code, std::string_view message);

/// "Create a service SAS", REST reference: string-to-sign of the version in `fields`, signed with the account's key.
std::string service_signature(const std::string& account_key, const std::string& account, const std::string& container,
                              const std::string& blob, const std::map<std::string, std::string>& fields);
/// The value of a user delegation key, which the service can work out again from what stands in the SAS.
std::string delegation_key(Core& core, const std::string& key, const std::string& object_id, const std::string& start,
                           const std::string& expiry);
/// "Authorize with Shared Key", REST reference.
std::string shared_key_string(const Request& request, const std::string& account);

}  // namespace defang::emulator::blobs
