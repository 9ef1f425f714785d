// Entra ID's token endpoints and ARM's metadata: all that a client needs to find its way and sign in.
#include <fmt/format.h>

#include "emulator/providers/all.h"
#include "emulator/registry/public_registries.h"
#include "support/text.h"

namespace defang::emulator {

namespace {

struct Grant {
  std::string principal;
  std::string audience;
};

Answer entra_error(Core& core, int status, std::string_view error, int code, std::string_view text) {
  const std::string trace = core.random().uuid(), correlation = core.random().uuid(), now = core.now_text();
  return json_answer(
      status, {{"error", error},
               {"error_description", fmt::format("AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}", code,
                                                 text, trace, correlation, now)},
               {"error_codes", Json::array({code})},
               {"timestamp", now},
               {"trace_id", trace},
               {"correlation_id", correlation},
               {"error_uri", fmt::format("{}/error?code={}", core.arm_base_url(), code)}});
}

/// The default principal, or any whose secret was stored.
std::optional<std::string> principal_of(Core& core, const std::string& client_id) {
  for (const auto& [object_id, principal] : core.store().documents("principals"))
    if (equals_ignoring_case(text_at(principal, "clientId"), client_id) && principal.contains("secret"))
      return object_id;
  return std::nullopt;
}

/// `scope` "https://vault.azure.net/.default" (v2) or `resource` "https://vault.azure.net" (v1).
std::string audience_of(const std::map<std::string, std::string>& form) {
  const auto resource = form.find("resource");
  if (resource != form.end()) return resource->second;
  const auto scope = form.find("scope");
  if (scope == form.end()) return "";
  for (const auto& part : split(scope->second, ' '))
    if (part.ends_with("/.default")) return part.substr(0, part.size() - std::string_view("/.default").size());
  return scope->second;
}

std::string field(const std::map<std::string, std::string>& form, const char* name) {
  const auto found = form.find(name);
  return found == form.end() ? std::string() : found->second;
}

std::expected<Grant, Answer> grant(Core& core, const Request& request) {
  const auto form = parse_form(request.content());
  const std::string tenant = request.captures.at("tenant");
  const auto refuse = [&](int status, std::string_view error, int code, std::string text) {
    return std::unexpected(entra_error(core, status, error, code, text));
  };
  if (!equals_ignoring_case(tenant, core.tenant()) && tenant != "common" && tenant != "organizations" &&
      tenant != "adfs")
    return refuse(400, "invalid_request", 90002,
                  fmt::format("Tenant '{}' not found. Check to make sure you have the correct tenant ID.", tenant));
  if (field(form, "grant_type") != "client_credentials")
    return refuse(400, "unsupported_grant_type", 70003,
                  fmt::format("The app requested an unsupported grant type '{}'.", field(form, "grant_type")));
  const std::string client_id = field(form, "client_id");
  const auto principal = principal_of(core, client_id);
  if (!principal)
    return refuse(
        400, "unauthorized_client", 700016,
        fmt::format("Application with identifier '{}' was not found in the directory '{}'.", client_id, core.tenant()));
  const Json* known = core.store().find_document("principals", *principal);
  if (text_at(*known, "secret") != field(form, "client_secret"))
    return refuse(401, "invalid_client", 7000215,
                  fmt::format("Invalid client secret provided. Ensure the secret being sent in the request is the "
                              "client secret value, not the client "
                              "secret ID, for a secret added to app '{}'.",
                              client_id));
  const std::string audience = audience_of(form);
  if (audience.empty())
    return refuse(400, "invalid_request", 900144, "The request body must contain the following parameter: 'scope'.");
  return Grant{*principal, audience};
}

Answer token_v2(Core& core, const Request& request) {
  const auto granted = grant(core, request);
  if (!granted) return granted.error();
  Answer answer = json_answer(200, {{"token_type", "Bearer"},
                                    {"expires_in", 3599},
                                    {"ext_expires_in", 3599},
                                    {"access_token", core.issue_token(granted->principal, granted->audience)}});
  answer.headers.set("Cache-Control", "no-store, no-cache");
  return answer;
}

// In v1 numbers are texts (wire facts, Entra token).
Answer token_v1(Core& core, const Request& request) {
  const auto granted = grant(core, request);
  if (!granted) return granted.error();
  const std::int64_t now = core.now_ms() / 1000;
  Answer answer = json_answer(200, {{"token_type", "Bearer"},
                                    {"expires_in", "3599"},
                                    {"ext_expires_in", "3599"},
                                    {"expires_on", fmt::format("{}", now + 3599)},
                                    {"not_before", fmt::format("{}", now)},
                                    {"resource", granted->audience},
                                    {"access_token", core.issue_token(granted->principal, granted->audience)}});
  answer.headers.set("Cache-Control", "no-store, no-cache");
  return answer;
}

Answer openid_configuration(Core& core, const Request& request) {
  const std::string tenant = request.captures.at("tenant");
  const std::string base = request.base_url;
  const std::string issued_for =
      tenant == "adfs" || tenant == "common" || tenant == "organizations" ? core.tenant() : tenant;
  return json_answer(
      200, {{"token_endpoint", fmt::format("{}/{}/oauth2/v2.0/token", base, issued_for)},
            {"token_endpoint_auth_methods_supported", {"client_secret_post", "private_key_jwt", "client_secret_basic"}},
            {"jwks_uri", fmt::format("{}/{}/discovery/v2.0/keys", base, issued_for)},
            {"response_modes_supported", {"query", "fragment", "form_post"}},
            {"subject_types_supported", {"pairwise"}},
            {"id_token_signing_alg_values_supported", {"RS256"}},
            {"response_types_supported", {"code", "id_token", "code id_token", "id_token token"}},
            {"scopes_supported", {"openid", "profile", "email", "offline_access"}},
            {"issuer", fmt::format("{}/{}/v2.0", base, issued_for)},
            {"authorization_endpoint", fmt::format("{}/{}/oauth2/v2.0/authorize", base, issued_for)},
            {"device_authorization_endpoint", fmt::format("{}/{}/oauth2/v2.0/devicecode", base, issued_for)},
            {"end_session_endpoint", fmt::format("{}/{}/oauth2/v2.0/logout", base, issued_for)},
            {"tenant_region_scope", nullptr}});
}

Answer instance_discovery(Core& core, const Request& request) {
  return json_answer(200, {{"tenant_discovery_endpoint", fmt::format("{}/{}/v2.0/.well-known/openid-configuration",
                                                                     request.base_url, core.tenant())},
                           {"api-version", "1.1"},
                           {"metadata", Json::array()}});
}

Answer keys(Core&, const Request&) { return json_answer(200, {{"keys", Json::array()}}); }

// "2022-09-01" is one object here; older versions have other members, newer ones a list of clouds. Clients of ours ask
// for this one.
Answer metadata(Core& core, const Request& request) {
  const std::string base = request.base_url;
  const std::string host = base.substr(std::string_view("https://").size());
  Json cloud = {{"name", "defang-emulator"},
                {"portal", base},
                {"authentication",
                 {{"loginEndpoint", base},
                  {"audiences", {"https://management.core.windows.net/", "https://management.azure.com/"}},
                  {"tenant", core.tenant()},
                  {"identityProvider", "AAD"}}},
                {"resourceManager", base},
                {"graphAudience", base},
                {"graph", base},
                {"microsoftGraphResourceId", base},
                {"activeDirectoryDataLake", base},
                {"batch", base},
                {"media", base},
                {"sqlManagement", base},
                {"suffixes",
                 {{"keyVaultDns", "localhost"},
                  {"storage", "localhost"},
                  {"acrLoginServer", "localhost"},
                  {"sqlServerHostname", "localhost"},
                  {"mysqlServerEndpoint", "localhost"},
                  {"postgresqlServerEndpoint", "localhost"}}},
                {"logAnalyticsResourceId", base},
                {"emulator", {{"ingress", base + "/emulator/ingress"}, {"prices", base}}}};
  if (core.find_data_plane(std::string(kPublicRegistries)) != nullptr)
    cloud["emulator"]["registries"] = "https://" + core.open_endpoint(kPublicRegistries, "");
  // The oldest form, which SDKs of 2018 read.
  if (request.query_value("api-version") == "2015-01-01")
    return json_answer(200,
                       {{"galleryEndpoint", base},
                        {"graphEndpoint", base},
                        {"portalEndpoint", base},
                        {"authentication",
                         {{"loginEndpoint", base + "/"},
                          {"audiences", {"https://management.core.windows.net/", "https://management.azure.com/"}}}}});
  if (request.query_value("api-version") < "2022-09-01" && request.query_value("api-version") >= "2019-05-01")
    return json_answer(200, Json::array({cloud}));
  return json_answer(200, cloud);
}

}  // namespace

void add_entra(Core& core) {
  const auto open = Route::Access::everyone;
  core.add_route({"POST", "/{tenant}/oauth2/v2.0/token", open, token_v2});
  core.add_route({"POST", "/{tenant}/oauth2/token", open, token_v1});
  core.add_route({"GET", "/{tenant}/v2.0/.well-known/openid-configuration", open, openid_configuration});
  core.add_route({"GET", "/{tenant}/.well-known/openid-configuration", open, openid_configuration});
  core.add_route({"GET", "/common/discovery/instance", open, instance_discovery});
  core.add_route({"GET", "/{tenant}/discovery/v2.0/keys", open, keys});
  core.add_route({"GET", "/metadata/endpoints", open, metadata});
}

}  // namespace defang::emulator
