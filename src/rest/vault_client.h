#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "rest/cloud.h"
#include "rest/pipeline.h"
#include "support/result.h"
#include "support/secret.h"

namespace defang::rest {

/// Secrets of one Key Vault through its data plane. Names are compared without case there (KV-11).
class VaultClient {
 public:
  struct Stored {
    Secret value;
    std::string id;       // "https://vault/secrets/name/version"
    std::string version;  // the last part of it
    std::map<std::string, std::string> tags;
  };

  /// `pipeline` signs in. `vault_uri` may or may not end in a slash (wire facts, Key Vault).
  VaultClient(const Cloud& cloud, std::string vault_uri, Pipeline& pipeline);

  /// Nothing: no such secret, or a deleted one.
  Result<std::optional<Stored>> get(const std::string& name, const std::string& version, std::stop_token stop);
  /// A new version. ObjectIsDeletedButRecoverable: recover() it first.
  Result<Stored> set(const std::string& name, const Secret& value, const std::map<std::string, std::string>& tags,
                     std::stop_token stop);
  Result<std::vector<std::string>> list_names(std::stop_token stop);
  Result<void> recover(const std::string& name, std::stop_token stop);

 private:
  Result<HttpResponse> send(const std::string& method, const std::string& path_or_url, const std::string& body,
                            std::stop_token stop);

  std::string uri_;
  std::string audience_;
  Pipeline& pipeline_;
};

/// The resource that a 401 of a vault names: "https://vault.azure.net" (KV-15). Empty where it names none. Pure.
std::string challenged_resource(const std::string& www_authenticate);

}  // namespace defang::rest
