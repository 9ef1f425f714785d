#include "rest/cloud.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "rest/azure_error.h"
#include "rest/host_names.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;

/// "Compare Azure Government and global Azure", "Azure services in China", Microsoft Learn.
std::vector<Cloud> known_clouds() {
  return {
      {.name = "AzureCloud",
       .resource_manager = "https://management.azure.com",
       .authority = "https://login.microsoftonline.com",
       .audience = "https://management.azure.com",
       .vault_audience = "https://vault.azure.net",
       .storage_audience = "https://storage.azure.com",
       .logs_audience = "https://api.loganalytics.io",
       .vault_suffix = "vault.azure.net",
       .storage_suffix = "core.windows.net",
       .registry_suffix = "azurecr.io",
       .prices = "https://prices.azure.com"},  // CO-1; the list tells nothing of the other clouds
      {.name = "AzureUSGovernment",
       .resource_manager = "https://management.usgovcloudapi.net",
       .authority = "https://login.microsoftonline.us",
       .audience = "https://management.usgovcloudapi.net",
       .vault_audience = "https://vault.usgovcloudapi.net",
       .storage_audience = "https://storage.azure.com",
       .logs_audience = "https://api.loganalytics.us",
       .vault_suffix = "vault.usgovcloudapi.net",
       .storage_suffix = "core.usgovcloudapi.net",
       .registry_suffix = "azurecr.us"},
      {.name = "AzureChinaCloud",
       .resource_manager = "https://management.chinacloudapi.cn",
       .authority = "https://login.chinacloudapi.cn",
       .audience = "https://management.chinacloudapi.cn",
       .vault_audience = "https://vault.azure.cn",
       .storage_audience = "https://storage.azure.com",
       .logs_audience = "https://api.loganalytics.azure.cn",
       .vault_suffix = "vault.azure.cn",
       .storage_suffix = "core.chinacloudapi.cn",
       .registry_suffix = "azurecr.cn"},
  };
}

std::string without_slash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

std::string text_of(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : "";
}

const Json& part(const Json& object, const char* name) {
  static const Json kNothing;
  return object.is_object() && object.contains(name) ? object[name] : kNothing;
}

bool same_place(const std::string& a, const std::string& b) {
  const auto x = Url::parse(a), y = Url::parse(b);
  return x && y && x->origin() == y->origin();
}

/// The cloud of a list that the endpoint itself belongs to; a list names all clouds of the world.
const Json& choose(const Json& metadata, const std::string& resource_manager) {
  if (!metadata.is_array()) return metadata;
  for (const Json& cloud : metadata) {
    if (same_place(text_of(cloud, "resourceManager"), resource_manager)) return cloud;
  }
  static const Json kNothing;
  return metadata.empty() ? kNothing : metadata.front();
}

std::string suffix(const Json& suffixes, const char* name) {
  std::string text = text_of(suffixes, name);
  if (text.starts_with('.')) text.erase(0, 1);
  return text;
}

void set_if_given(std::string& member, std::string value) {
  if (!value.empty()) member = without_slash(std::move(value));
}

std::string audience_of(const Json& authentication, const std::string& resource_manager) {
  const Json& audiences = part(authentication, "audiences");
  if (!audiences.is_array() || audiences.empty()) return resource_manager;
  // The classic audience stands first in Azure's own lists; the one that names Resource Manager itself is the newer.
  for (const Json& audience : audiences) {
    if (audience.is_string() && same_place(audience.get<std::string>(), resource_manager))
      return audience.get<std::string>();
  }
  return audiences.front().is_string() ? audiences.front().get<std::string>() : resource_manager;
}

}  // namespace

std::optional<Cloud> find_cloud(std::string_view name) {
  for (Cloud& cloud : known_clouds()) {
    if (equals_ignoring_case(cloud.name, name)) return std::move(cloud);
  }
  return std::nullopt;
}

std::vector<std::string> cloud_names() {
  std::vector<std::string> names;
  for (const Cloud& cloud : known_clouds()) names.push_back(cloud.name);
  return names;
}

Result<Cloud> parse_metadata(const std::string& body, const std::string& resource_manager) {
  const Json metadata = Json::parse(body, nullptr, false);
  const Json& found = choose(metadata, resource_manager);
  const Json& authentication = part(found, "authentication");
  if (text_of(authentication, "loginEndpoint").empty()) {
    return fail(
        Error{.kind = Error::Kind::invalid,
              .code = "metadata-invalid",
              .message = fmt::format("`{}/metadata/endpoints` does not describe an Azure cloud", resource_manager),
              .help = "AZURE_RESOURCE_MANAGER_ENDPOINT must be the address of an Azure Resource Manager"});
  }
  // What the answer leaves out is as in the cloud of that name, or else as in the public one.
  Cloud cloud = find_cloud(text_of(found, "name")).value_or(*find_cloud("AzureCloud"));
  cloud.name = text_of(found, "name").empty() ? "private cloud" : text_of(found, "name");
  cloud.resource_manager = without_slash(resource_manager);
  cloud.authority = without_slash(text_of(authentication, "loginEndpoint"));
  cloud.audience = without_slash(audience_of(authentication, resource_manager));
  const Json& suffixes = part(found, "suffixes");
  set_if_given(cloud.vault_suffix, suffix(suffixes, "keyVaultDns"));
  set_if_given(cloud.storage_suffix, suffix(suffixes, "storage"));
  set_if_given(cloud.registry_suffix, suffix(suffixes, "acrLoginServer"));
  // The emulator's vaults are at loopback names, which say nothing of who the tokens are for: as in the public cloud.
  const bool has_own_vaults = !suffix(suffixes, "keyVaultDns").empty() && !is_loopback_name(cloud.vault_suffix);
  if (has_own_vaults) cloud.vault_audience = "https://" + cloud.vault_suffix;
  set_if_given(cloud.logs_audience, without_slash(text_of(found, "logAnalyticsResourceId")));
  cloud.emulator_ingress = text_of(part(found, "emulator"), "ingress");
  cloud.emulator_registries = text_of(part(found, "emulator"), "registries");
  if (!equals_ignoring_case(cloud.name, "AzureCloud")) cloud.prices = text_of(part(found, "emulator"), "prices");
  return cloud;
}

Result<Cloud> find_cloud(const Environment& environment, Pipeline& unsigned_pipeline, std::stop_token stop) {
  Cloud cloud;
  if (const auto endpoint = environment("AZURE_RESOURCE_MANAGER_ENDPOINT"); endpoint && !endpoint->empty()) {
    const std::string place = without_slash(*endpoint);
    if (!Url::parse(place)) {
      return fail(
          Error{.kind = Error::Kind::invalid,
                .code = "endpoint-invalid",
                .message = fmt::format("AZURE_RESOURCE_MANAGER_ENDPOINT is `{}`, which is not a URL", *endpoint),
                .help = "it looks like `https://management.azure.com`"});
    }
    auto response = unsigned_pipeline.send(
        {.url = place + "/metadata/endpoints?api-version=2022-09-01", .headers = {{"Accept", "application/json"}}}, {},
        stop);
    if (!response)
      return fail(std::move(response.error().during("asking AZURE_RESOURCE_MANAGER_ENDPOINT where its services are")));
    if (response->status != 200)
      return fail(error_of(*response).during("asking AZURE_RESOURCE_MANAGER_ENDPOINT where its services are"));
    TRY_ASSIGN(cloud, parse_metadata(response->body, place));
  } else {
    const std::string name = environment("AZURE_CLOUD").value_or("AzureCloud");
    const auto known = find_cloud(name.empty() ? "AzureCloud" : name);
    if (!known) {
      const auto near = did_you_mean(name, cloud_names());
      return fail(
          Error{.kind = Error::Kind::invalid,
                .code = "cloud-unknown",
                .message = fmt::format("AZURE_CLOUD is `{}`, which is no Azure cloud", name),
                .help = near ? fmt::format("did you mean `{}`?", *near) : "one of " + join(cloud_names(), ", ")});
    }
    cloud = *known;
  }
  if (const auto authority = environment("AZURE_AUTHORITY_HOST"); authority && !authority->empty()) {
    cloud.authority = without_slash(authority->find("://") == std::string::npos ? "https://" + *authority : *authority);
  }
  return cloud;
}

bool is_resource_manager(const Cloud& cloud, std::string_view text) {
  const auto url = Url::parse(text), own = Url::parse(cloud.resource_manager);
  if (!url || !own || url->scheme != own->scheme || url->port != own->port) return false;
  return url->host == own->host || url->host.ends_with("." + own->host);
}

}  // namespace defang::rest
