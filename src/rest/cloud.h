#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "rest/credential.h"
#include "rest/pipeline.h"
#include "support/result.h"

namespace defang::rest {

/// Where an Azure cloud's services are. Addresses without a slash at the end.
struct Cloud {
  std::string name;              // "AzureCloud"
  std::string resource_manager;  // "https://management.azure.com"
  std::string authority;         // "https://login.microsoftonline.com"
  std::string audience;          // of tokens for Resource Manager
  std::string vault_audience, storage_audience, logs_audience;
  std::string vault_suffix, storage_suffix, registry_suffix;  // "vault.azure.net", "core.windows.net", "azurecr.io"
  std::string prices;  // "https://prices.azure.com"; empty where there is no public list
  // Of the emulator, empty elsewhere: its list of plain loopback ports, and what stands in for all public registries.
  std::string emulator_ingress, emulator_registries;
  bool is_emulator() const { return name == "defang-emulator"; }
};

/// AzureCloud, AzureUSGovernment, AzureChinaCloud; without case. Nothing for any other name.
std::optional<Cloud> find_cloud(std::string_view name);
std::vector<std::string> cloud_names();

/// What `/metadata/endpoints` answers: one cloud as an object, or several in a list. Pure.
Result<Cloud> parse_metadata(const std::string& body, const std::string& resource_manager);

/// By AZURE_RESOURCE_MANAGER_ENDPOINT (asked for its metadata), else AZURE_CLOUD, else the public cloud.
/// AZURE_AUTHORITY_HOST replaces the authority.
Result<Cloud> find_cloud(const Environment& environment, Pipeline& unsigned_pipeline, std::stop_token stop);

/// Whether a URL is the cloud's Resource Manager, a regional one of it included: only these see its tokens.
bool is_resource_manager(const Cloud& cloud, std::string_view url);

}  // namespace defang::rest
