#include "rest/vault_client.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "rest/azure_error.h"
#include "rest/url.h"

namespace defang::rest {
namespace {

constexpr std::string_view kApiVersion = "7.5";  // KV-8

std::string without_slash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

/// A vault's challenge may only lead to a token for the cloud that the vault's own host belongs to.
bool is_plausible(const std::string& resource, const std::string& vault_uri) {
  const auto wanted = Url::parse(resource), vault = Url::parse(vault_uri);
  return wanted && vault && wanted->scheme == "https" &&
         (vault->host == wanted->host || vault->host.ends_with("." + wanted->host));
}

}  // namespace

std::string challenged_resource(const std::string& www_authenticate) {
  for (const std::string_view name : {"resource=\"", "scope=\""}) {
    const auto at = www_authenticate.find(name);
    if (at == std::string::npos) continue;
    const auto begin = at + name.size();
    std::string value = www_authenticate.substr(begin, www_authenticate.find('"', begin) - begin);
    constexpr std::string_view kDefault = "/.default";
    if (value.ends_with(kDefault)) value.resize(value.size() - kDefault.size());
    return without_slash(std::move(value));
  }
  return "";
}

Result<Secret> read_secret(const std::string& pinned_uri, const Cloud& cloud, Pipeline& pipeline,
                           std::stop_token stop) {
  const HttpRequest request{.url = with_query(pinned_uri, "api-version", kApiVersion),
                            .headers = {{"Accept", "application/json"}}};
  TRY_ASSIGN(HttpResponse response, pipeline.send(request, {.audience = cloud.vault_audience}, stop));
  const std::string wanted = challenged_resource(response.headers.get("WWW-Authenticate"));
  if (response.status == 401 && wanted != cloud.vault_audience && is_plausible(wanted, pinned_uri)) {
    TRY_ASSIGN(response, pipeline.send(request, {.audience = wanted}, stop));
  }
  if (response.status != 200) return fail(error_of(response).during("reading a secret's value from the vault"));
  const auto body = nlohmann::json::parse(response.body, nullptr, false);
  if (!body.is_object() || !body.contains("value") || !body["value"].is_string())
    return fail(Error::Kind::invalid, "no-secret-value", "the vault's answer holds no value");
  return Secret(body["value"].get<std::string>());
}

}  // namespace defang::rest
