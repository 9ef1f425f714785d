#include "emulator/versions.h"

#include <algorithm>
#include <array>

#include "support/text.h"

namespace defang::emulator {

namespace {

/// A member that bodies show from a version on. `shown`: what it is where nobody set it; empty: then it is absent.
struct Member {
  std::string_view type, path, since, shown;
  enum class In { all, previews } in = In::all;
};

// From recorded answers of several versions of the same type: the first version with the member, or the oldest after
// the last one without.
constexpr auto kMembers = std::to_array<Member>({
    {"Microsoft.App/containerApps", "properties.configuration.identitySettings", "2024-10-02", "[]"},
    {"Microsoft.App/containerApps", "properties.configuration.revisionTransitionThreshold", "2024-10-02", "null",
     Member::In::previews},
    {"Microsoft.App/containerApps", "properties.configuration.runtime", "2024-10-02", "null"},
    {"Microsoft.App/containerApps", "properties.configuration.targetLabel", "2024-10-02", R"("")",
     Member::In::previews},
    {"Microsoft.App/containerApps", "properties.patchingMode", "2024-10-02", R"("Automatic")", Member::In::previews},
    {"Microsoft.App/managedEnvironments", "properties.appInsightsConfiguration", "2023-08-01", "null",
     Member::In::previews},
    {"Microsoft.App/managedEnvironments", "properties.availabilityZones", "2025-02-02", "null"},
    {"Microsoft.App/managedEnvironments", "properties.customDomainConfiguration.certificateKeyVaultProperties",
     "2025-01-01", "null"},
    {"Microsoft.App/managedEnvironments", "properties.diskEncryptionConfiguration", "2025-02-02", "null"},
    {"Microsoft.App/managedEnvironments", "properties.ingressConfiguration", "2025-02-02", "null"},
    {"Microsoft.App/managedEnvironments", "properties.openTelemetryConfiguration", "2023-08-01", "null",
     Member::In::previews},
    {"Microsoft.App/managedEnvironments", "properties.peerTrafficConfiguration", "2024-03-01", ""},
    {"Microsoft.App/managedEnvironments", "properties.publicNetworkAccess", "2025-02-02", R"("Enabled")"},
    {"Microsoft.ContainerRegistry/registries", "properties.metadataSearch", "2023-11-01", R"("Disabled")",
     Member::In::previews},
    {"Microsoft.ContainerRegistry/registries", "properties.policies.azureADAuthenticationAsArmPolicy", "2022-02-01",
     ""},
    {"Microsoft.ContainerRegistry/registries", "properties.policies.softDeletePolicy", "2022-02-01", ""},
    {"Microsoft.KeyVault/vaults", "properties.publicNetworkAccess", "2021-06-01", ""},
    {"Microsoft.KeyVault/vaults", "systemData", "2021-04-01", ""},
});

bool knows(const Member& member, std::string_view api_version) {
  const bool preview = contains_ignoring_case(api_version, "preview");
  return api_version.substr(0, member.since.size()) >= member.since && (member.in == Member::In::all || preview);
}

/// The object that holds the last step of a path; nullptr where it is not there.
Json* holder_of(Json& body, std::string_view path) {
  const auto dot = path.rfind('.');
  if (dot == std::string_view::npos) return &body;
  return const_cast<Json*>(find_path(body, path.substr(0, dot)));  // `body` is ours to change
}

}  // namespace

void fit_to_version(Json& body, std::string_view type, std::string_view api_version) {
  for (const auto& member : kMembers) {
    if (!equals_ignoring_case(member.type, type)) continue;
    Json* holder = holder_of(body, member.path);
    if (holder == nullptr || !holder->is_object()) continue;
    const std::string name(member.path.substr(member.path.rfind('.') + 1));
    const Json otherwise = member.shown.empty() ? Json() : *parse_json(member.shown);
    // What the client set itself stays.
    const bool ours = member.shown.empty() || holder->value(name, otherwise) == otherwise;
    if (!knows(member, api_version) && ours)
      holder->erase(name);
    else if (knows(member, api_version) && !member.shown.empty() && !holder->contains(name))
      (*holder)[name] = otherwise;
  }
}

}  // namespace defang::emulator
