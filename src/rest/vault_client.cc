#include "rest/vault_client.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <set>

#include "rest/azure_error.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kApiVersion = "7.4";  // KV-8

std::string without_slash(std::string text) {
  while (text.ends_with('/')) text.pop_back();
  return text;
}

std::string text_of(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : "";
}

std::string last_part(const std::string& id) { return id.substr(id.rfind('/') + 1); }

Result<VaultClient::Stored> stored_in(const HttpResponse& response) {
  const Json body = Json::parse(response.body, nullptr, false);
  if (text_of(body, "id").empty())
    return fail(Error::Kind::invalid, "answer-invalid", "the vault's answer holds no secret");
  VaultClient::Stored stored{Secret(text_of(body, "value")), text_of(body, "id"), last_part(text_of(body, "id")), {}};
  if (body.contains("tags") && body["tags"].is_object()) {
    for (const auto& tag : body["tags"].items()) {
      if (tag.value().is_string()) stored.tags[tag.key()] = tag.value().get<std::string>();
    }
  }
  return stored;
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

VaultClient::VaultClient(const Cloud& cloud, std::string vault_uri, Pipeline& pipeline)
    : uri_(without_slash(std::move(vault_uri))), audience_(cloud.vault_audience), pipeline_(pipeline) {}

Result<HttpResponse> VaultClient::send(const std::string& method, const std::string& path_or_url,
                                       const std::string& body, std::stop_token stop) {
  HttpRequest request{
      .method = method,
      .url = path_or_url.starts_with('/') ? with_query(uri_ + path_or_url, "api-version", kApiVersion) : path_or_url,
      .headers = {{"Accept", "application/json"}},
      .body = body};
  if (!body.empty()) request.headers.set("Content-Type", "application/json");
  TRY_ASSIGN(HttpResponse response, pipeline_.send(request, {.audience = audience_}, stop));
  if (response.status != 401) return response;
  const std::string wanted = challenged_resource(response.headers.get("WWW-Authenticate"));
  if (wanted.empty() || wanted == audience_ || !is_plausible(wanted, uri_)) return response;
  return pipeline_.send(std::move(request), {.audience = wanted}, stop);
}

Result<std::optional<VaultClient::Stored>> VaultClient::get(const std::string& name, const std::string& version,
                                                            std::stop_token stop) {
  const std::string path = version.empty() ? "/secrets/" + percent_encode(name)
                                           : fmt::format("/secrets/{}/{}", percent_encode(name), version);
  TRY_ASSIGN(const HttpResponse response, send("GET", path, "", stop));
  if (response.status == 404) return std::optional<Stored>();
  if (response.status >= 400)
    return fail(error_of(response).during(fmt::format("reading the secret `{}` of `{}`", name, uri_)));
  TRY_ASSIGN(Stored stored, stored_in(response));
  return std::optional<Stored>(std::move(stored));
}

Result<VaultClient::Stored> VaultClient::set(const std::string& name, const Secret& value,
                                             const std::map<std::string, std::string>& tags, std::stop_token stop) {
  Json body{{"value", value.reveal()}};
  if (!tags.empty()) body["tags"] = tags;
  TRY_ASSIGN(const HttpResponse response, send("PUT", "/secrets/" + percent_encode(name),
                                               body.dump(-1, ' ', false, Json::error_handler_t::replace), stop));
  if (response.status >= 400)
    return fail(error_of(response).during(fmt::format("writing the secret `{}` of `{}`", name, uri_)));
  return stored_in(response);
}

Result<std::vector<std::string>> VaultClient::list_names(std::stop_token stop) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  std::string next = "/secrets";
  while (!next.empty() && seen.insert(next).second) {
    TRY_ASSIGN(const HttpResponse response, send("GET", next, "", stop));
    if (response.status >= 400)
      return fail(error_of(response).during(fmt::format("listing the secrets of `{}`", uri_)));
    const Json page = Json::parse(response.body, nullptr, false);
    if (page.is_object() && page.contains("value") && page["value"].is_array()) {
      for (const Json& item : page["value"]) names.push_back(last_part(text_of(item, "id")));
    }
    next = text_of(page, "nextLink");                           // null on the last page (wire facts 1.15)
    if (!next.empty() && !next.starts_with(uri_ + "/")) break;  // a token for the vault goes to the vault only
  }
  return names;
}

Result<void> VaultClient::recover(const std::string& name, std::stop_token stop) {
  TRY_ASSIGN(const HttpResponse response,
             send("POST", fmt::format("/deletedsecrets/{}/recover", percent_encode(name)), "", stop));
  if (response.status >= 400)
    return fail(error_of(response).during(fmt::format("recovering the secret `{}` of `{}`", name, uri_)));
  return {};
}

}  // namespace defang::rest
