#include "plan/registries.h"

#include <algorithm>

#include "plan/diagnostics.h"
#include "plan/images.h"
#include "plan/scope.h"
#include "plan/secrets.h"
#include "providers/authorization.h"
#include "providers/key_vault.h"
#include "providers/managed_identity.h"
#include "support/text.h"

namespace defang::plan {

using graph::Value;

namespace {

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

void add_entry(providers::Workload& workload, Value entry) {
  if (std::ranges::find(workload.registries, entry) == workload.registries.end())
    workload.registries.push_back(std::move(entry));
}

void use_login(Planning& plan, providers::Workload& workload, const std::string& server, const RegistryUser& user,
               const SourceSpan& span) {
  const auto password = use_secret(plan, workload, login_node(plan, server, user, span));
  add_entry(workload, Value::Map{{"server", server}, {"username", user.name}, {"passwordSecretRef", password}});
}

/// CA-95: as the identity that also pulls what the stack builds.
void use_identity(Planning& plan, providers::Workload& workload, const std::string& server,
                  const SharedRegistry& registry, const SourceSpan& span) {
  auto identity = providers::pull_identity(plan.scope);
  add_entry(workload, Value::Map{{"server", server}, {"identity", providers::id_of(identity.id)}});
  if (registry.pull == SharedRegistry::Pull::can_be_granted) {
    const auto id = node(providers::kPullRole, server);
    auto role =
        providers::outside_role(plan.scope, id, *azure::ResourceId::parse(registry.id), identity, pull_role(registry));
    role.origin = span;
    if (!plan.graph.find(id)) plan.graph.add(std::move(role));
    workload.pull_roles.insert(id);
  }
  if (!plan.graph.find(identity.id)) plan.graph.add(std::move(identity));
}

bool is_the_stacks(const Planning& plan, const SharedRegistry& registry) {
  constexpr std::string_view kType = "Microsoft.ContainerRegistry/registries";
  return equals_ignoring_case(registry.id, plan.scope.id_of(kType, plan.scope.global_name_for(kType)).text());
}

}  // namespace

bool is_azure_registry(std::string_view server, std::string_view suffix) {
  const auto host = server.substr(0, server.find(':'));
  return host == suffix || host.ends_with("." + std::string(suffix));
}

std::set<std::string> own_servers(const compose::Project& project, const Facts& facts, std::string_view suffix) {
  std::set<std::string> servers;
  for (const auto& [name, service] : project.services)
    for (const auto& image : images_of(project, service))
      if (const auto server = registry_of(image.name);
          is_azure_registry(server, suffix) && !facts.registry_users.contains(server))
        servers.insert(server);
  return servers;
}

azure::Role pull_role(const SharedRegistry& registry) {
  return registry.by_repository ? azure::Role::container_registry_repository_reader : azure::Role::acr_pull;
}

azure::ResourceId pull_grant_id(const std::string& project, const Stack& stack, const SharedRegistry& registry) {
  const auto scope = scope_of(project, stack);
  return providers::outside_role_id(scope, *azure::ResourceId::parse(registry.id), providers::pull_identity(scope),
                                    pull_role(registry));
}

azure::ResourceId pull_identity_id(const std::string& project, const Stack& stack) {
  const auto scope = scope_of(project, stack);
  const auto identity = providers::pull_identity(scope);
  return scope.id_of(identity.type, identity.name);
}

std::string_view server_in(std::string_view image) {
  const auto slash = image.find('/');
  if (slash == std::string_view::npos) return "";
  // distribution/reference: the first part is a registry if it cannot be a repository of Docker Hub.
  const auto first = image.substr(0, slash);
  const bool is_server =
      first == "localhost" || first.find_first_of(".:") != std::string_view::npos || to_lower(first) != first;
  return is_server ? first : "";
}

std::string registry_of(std::string_view image) {
  const auto server = server_in(image);
  return server.empty() ? std::string(kDockerHub) : registry_server(server);
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

void let_pull(Planning& plan, providers::Workload& workload, std::string_view image, const SourceSpan& span) {
  const auto server = registry_of(image);
  const auto user = plan.facts.registry_users.find(server);
  if (user != plan.facts.registry_users.end()) return use_login(plan, workload, server, user->second, span);
  const auto found = plan.facts.registries.find(server);
  if (found == plan.facts.registries.end()) return;
  const auto& registry = found->second;
  const auto& service = *workload.service;
  if (!registry) return plan.diagnostics.add(registry_elsewhere(service, server, span));
  if (is_the_stacks(plan, *registry)) return;
  if (registry->pull == SharedRegistry::Pull::refused)
    return plan.diagnostics.add(registry_gives_no_role(service, server, *registry, plan.facts.pull_principal_id, span));
  use_identity(plan, workload, server, *registry, span);
}

void check_base_image(Planning& plan, const compose::Service& service) {
  const auto server = registry_of(service.image->value);
  const auto found = plan.facts.registries.find(server);
  if (found == plan.facts.registries.end() || !found->second || is_the_stacks(plan, *found->second)) return;
  plan.diagnostics.add(base_image_needs_login(service, server));
}

std::vector<graph::RegistryLogin> logins_of_builds(Planning& plan) {
  std::vector<graph::RegistryLogin> logins;
  for (const auto& [server, user] : plan.facts.registry_users)
    logins.push_back({server, user.name, providers::output_of(login_node(plan, server, user, {}), "value")});
  return logins;
}

}  // namespace defang::plan
