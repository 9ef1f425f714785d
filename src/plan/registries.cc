#include "plan/registries.h"

#include <algorithm>

#include "plan/secrets.h"
#include "providers/key_vault.h"
#include "support/text.h"

namespace defang::plan {

using graph::Value;

namespace {

constexpr std::string_view kDockerHub = "docker.io";

/// The action that finds the registry's password in the vault, made when first asked for.
std::string login_node(Planning& plan, const std::string& server, const RegistryUser& user, const SourceSpan& span) {
  const auto id = node("login", server);
  if (!plan.graph.find(id))
    plan.graph.add(
        graph::Action{.id = id,
                      .what = graph::WriteSecret{std::string(providers::kVault), registry_secret_name(server),
                                                 graph::LoginRecipe{server, user.name}},
                      .origin = span,
                      .because = "images of `" + server + "` are pulled as `" + user.name + "`",
                      .service = {},
                      .after = {}});
  return id;
}

}  // namespace

std::string registry_of(std::string_view image) {
  const auto slash = image.find('/');
  if (slash == std::string_view::npos) return std::string(kDockerHub);
  // distribution/reference: the first part is a registry if it cannot be a repository of Docker Hub.
  const auto first = image.substr(0, slash);
  const bool is_server =
      first == "localhost" || first.find_first_of(".:") != std::string_view::npos || to_lower(first) != first;
  return is_server ? registry_server(first) : std::string(kDockerHub);
}

std::string registry_server(std::string_view text) {
  for (const std::string_view scheme : {"https://", "http://"})
    if (text.starts_with(scheme)) text.remove_prefix(scheme.size());
  const auto server = to_lower(text.substr(0, text.find('/')));
  // Docker's own names for the one: an image without a registry is of docker.io (CA-32). That Container Apps and
  // registry tasks want it by this name for a login, too, no recording shows.
  const bool is_hub = server == "index.docker.io" || server == "registry-1.docker.io" || server == "hub.docker.com";
  return is_hub ? std::string(kDockerHub) : server;
}

std::string registry_secret_name(const std::string& server) {
  return providers::derived_secret_name("login/" + server);
}

void use_login(Planning& plan, providers::Workload& workload, std::string_view image, const SourceSpan& span) {
  const auto server = registry_of(image);
  const auto user = plan.facts.registry_users.find(server);
  if (user == plan.facts.registry_users.end()) return;
  const auto password = use_secret(plan, workload, login_node(plan, server, user->second, span));
  const Value entry = Value::Map{{"server", server}, {"username", user->second.name}, {"passwordSecretRef", password}};
  if (std::ranges::find(workload.registries, entry) == workload.registries.end()) workload.registries.push_back(entry);
}

std::vector<graph::RegistryLogin> logins_of_builds(Planning& plan) {
  std::vector<graph::RegistryLogin> logins;
  for (const auto& [server, user] : plan.facts.registry_users)
    logins.push_back({server, user.name, providers::output_of(login_node(plan, server, user, {}), "value")});
  return logins;
}

}  // namespace defang::plan
