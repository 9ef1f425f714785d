// Where containers get tokens of the identities that their app or job offers them. Azure's answers plain HTTP at a port
// of the replica's own; this one is at Resource Manager's, over TLS, and reached in the replica under the same name.
#include "emulator/providers/identity_endpoint.h"

#include <fmt/format.h>

#include "support/text.h"

namespace defang::emulator {
namespace {

constexpr std::string_view kPath = "/emulator/identity/token";
/// The header says whose containers ask: a token that nothing else takes.
constexpr std::string_view kHeaderAudience = "identity endpoint";
constexpr double kHeaderSeconds = 10.0 * 365 * 24 * 3600;
constexpr std::string_view kSystem = "system";

struct Offered {
  std::string id;  // of the resource, or "system"
  std::string client_id, principal_id;
};

/// "identitySettings", `lifecycle`: Init, Main, None, All (the default).
bool is_kept_back(const Resource& owner, std::string_view identity) {
  const Json* settings = find_path(owner.body, "properties.configuration.identitySettings");
  if (settings == nullptr || !settings->is_array()) return false;
  for (const Json& setting : *settings)
    if (equals_ignoring_case(text_at(setting, "identity"), identity))
      return equals_ignoring_case(text_at(setting, "lifecycle"), "None");
  return false;
}

std::vector<Offered> offered(Core& core, const Resource& owner) {
  std::vector<Offered> all;
  if (const auto principal = text_at(owner.body, "identity.principalId");
      !principal.empty() && !is_kept_back(owner, kSystem)) {
    const Json* known = core.store().find_document("principals", principal);
    all.push_back({std::string(kSystem), known == nullptr ? "" : text_at(*known, "clientId"), principal});
  }
  const Json* assigned = find_path(owner.body, "identity.userAssignedIdentities");
  if (assigned == nullptr || !assigned->is_object()) return all;
  for (const auto& [id, shown] : assigned->items())
    if (!is_kept_back(owner, id)) all.push_back({id, text_at(shown, "clientId"), text_at(shown, "principalId")});
  return all;
}

Answer refusal(int status, std::string_view message) {
  return json_answer(status, {{"statusCode", status}, {"message", message}});
}

/// The one that the request names; without a name the app's own, or the only one there is.
const Offered* wanted(const Request& request, const std::vector<Offered>& all) {
  const auto client = request.query_value("client_id"), principal = request.query_value("principal_id"),
             resource = request.query_value("mi_res_id");
  const bool names_one = !client.empty() || !principal.empty() || !resource.empty();
  for (const Offered& one : all) {
    if (!names_one && (one.id == kSystem || all.size() == 1)) return &one;
    if (names_one && (equals_ignoring_case(one.client_id, client) ||
                      equals_ignoring_case(one.principal_id, principal) || equals_ignoring_case(one.id, resource)))
      return &one;
  }
  return nullptr;
}

Answer give_token(Core& core, const Request& request) {
  const auto asking = core.check_token(request.headers.get("X-IDENTITY-HEADER"));
  const Resource* owner =
      asking && asking->audience == kHeaderAudience ? core.store().find(asking->object_id) : nullptr;
  if (owner == nullptr) return refusal(401, "The X-IDENTITY-HEADER is missing or wrong.");
  const auto audience = request.query_value("resource");
  if (audience.empty() || request.query_value("api-version").empty())
    return refusal(400, "The parameters 'resource' and 'api-version' are required.");
  const auto all = offered(core, *owner);
  const Offered* identity = wanted(request, all);
  if (identity == nullptr)
    return refusal(
        400, "No User Assigned or Delegated Managed Identity found for specified ClientId/ResourceId/PrincipalId.");
  return json_answer(200, {{"access_token", core.issue_token(identity->principal_id, audience)},
                           {"client_id", identity->client_id},
                           {"expires_on", fmt::format("{}", core.now_ms() / 1000 + 3600)},
                           {"resource", audience},
                           {"token_type", "Bearer"}});
}

}  // namespace

std::map<std::string, Secret> identity_variables(Core& core, const Resource& owner) {
  if (offered(core, owner).empty()) return {};
  return {{"IDENTITY_ENDPOINT", Secret(core.arm_base_url() + std::string(kPath))},
          {"IDENTITY_HEADER", Secret(core.issue_token(owner.id, kHeaderAudience, kHeaderSeconds))}};
}

void add_identity_endpoint(Core& core) {
  core.add_route({"GET", std::string(kPath), Route::Access::everyone, give_token});
}

}  // namespace defang::emulator
