#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <functional>

#include "azure/location.h"
#include "azure/names.h"
#include "azure/resource_types.h"
#include "plan/attributes.h"
#include "plan/diagnostics.h"
#include "plan/plan.h"
#include "plan/scope.h"
#include "plan/siblings.h"
#include "providers/authorization.h"
#include "providers/container_apps.h"
#include "providers/container_apps_probes.h"
#include "providers/container_registry.h"
#include "providers/key_vault.h"
#include "providers/managed_identity.h"
#include "providers/network.h"
#include "providers/operational_insights.h"
#include "providers/storage.h"
#include "support/text.h"

namespace defang::plan {
namespace {

using compose::Dependency;
using compose::Service;
using graph::Value;
using providers::Ingress;
using providers::Workload;

/// A service on its way to becoming an app or a job.
struct PlannedService {
  const Service* service = nullptr;
  bool is_job = false;
  std::set<int> implied_ports;  // siblings use them, the service does not name them
  Workload workload;
};

/// What the steps work on, each leaving more of it decided.
struct Planning {
  const compose::Project& project;
  const Facts& facts;
  Diagnostics& diagnostics;
  providers::StackScope scope;
  Hosts hosts;
  std::map<std::string, PlannedService> services;
  bool has_cycle = false;
  graph::ResourceGraph graph;
};

bool is_built(const Service& service) { return service.build.has_value(); }

std::string node(std::string_view kind, std::string_view name) { return std::string(kind) + "/" + std::string(name); }

// --- what each service becomes ---

void check_services(Planning& plan) {
  if (!azure::Location::parse(plan.scope.location)) plan.diagnostics.add(no_region(plan.scope.location));
  if (plan.project.services.empty()) plan.diagnostics.add(no_services(plan.project));
  for (const auto& [name, service] : plan.project.services) {
    plan.services[name].service = &service;
    check_attributes(plan.project, service, plan.diagnostics);
    for (const auto& mount : service.volumes)
      if (mount.type != "volume" || !mount.source.empty()) plan.diagnostics.add(volume_unsupported(service, mount));
    if (service.domainname) plan.diagnostics.add(domain_unsupported(service));
  }
}

/// Someone waits for it to complete.
bool is_awaited_to_complete(const Planning& plan, const std::string& name) {
  return std::ranges::any_of(plan.project.services, [&](const auto& entry) {
    return std::ranges::any_of(entry.second.depends_on, [&](const Dependency& dependency) {
      return dependency.service == name &&
             dependency.condition == Dependency::Condition::service_completed_successfully;
    });
  });
}

/// Container Apps restarts what ends. What is meant to end is a job, and jobs have no ports (CA-142).
void find_jobs(Planning& plan) {
  for (auto& [name, planned] : plan.services) {
    const auto& service = *planned.service;
    const bool says_no = service.restart && service.restart->value == "no";
    const bool has_ports = !service.ports.empty() || !service.expose.empty();
    if (says_no && has_ports) plan.diagnostics.add(job_with_ports(service));
    planned.is_job = !has_ports && (says_no || is_awaited_to_complete(plan, name));
  }
}

void choose_names(Planning& plan) {
  std::set<std::string> taken;
  for (auto& [name, planned] : plan.services) {
    const auto& type =
        *azure::find_resource_type(planned.is_job ? "Microsoft.App/jobs" : "Microsoft.App/containerApps");
    auto legal = azure::legal_name(type, name, name);
    // `a_b` and `a-b` are different services.
    if (!taken.insert(legal).second) {
      legal = azure::legal_name(type, name + "-" + azure::short_hash(name, 6), name);
      taken.insert(legal);
    }
    planned.workload.service = planned.service;
    planned.workload.name = legal;
    planned.workload.node = node(planned.is_job ? "job" : "app", name);
    if (legal != name) plan.diagnostics.add(renamed(*planned.service, legal));
  }
}

// --- addresses ---

/// The port of `sibling` that is published as `port` while its container listens on another.
std::optional<int> target_published_as(const Service& sibling, int port) {
  for (const auto& published : sibling.ports)
    if (published.published == std::to_string(port) && published.target != port) return published.target;
  return std::nullopt;
}

void imply_ports_of(Planning& plan, const std::string& user, std::string_view text, const SourceSpan& span) {
  for (const auto& mention : mentions_in(text, plan.hosts)) {
    auto& sibling = plan.services.at(mention.service);
    const auto port = mention.meant_port();
    if (!port || mention.service == user || providers::declared_ports(*sibling.service).contains(*port)) continue;
    if (const auto target = mention.port ? target_published_as(*sibling.service, *port) : std::nullopt) {
      plan.diagnostics.add(sibling_port_is_published(user, mention.service, *port, *target, span));
      continue;
    }
    if (!sibling.is_job) sibling.implied_ports.insert(*port);
  }
}

/// In Compose every port of a service is open for its siblings, named or not. What they visibly use is opened.
void imply_ports(Planning& plan) {
  for (const auto& [name, service] : plan.project.services)
    for (const auto text : texts_of(service)) imply_ports_of(plan, name, text, service.span);
}

void choose_ingress(Planning& plan) {
  std::map<int, std::string> public_tcp;  // CA-63: once an environment
  for (auto& [name, planned] : plan.services) {
    if (planned.is_job) continue;
    auto& ingress = planned.workload.ingress;
    ingress = providers::ingress_of(plan.project, *planned.service, planned.implied_ports, plan.diagnostics);
    std::vector<int> ports;
    if (ingress.kind == Ingress::Kind::tcp && ingress.external) ports.push_back(ingress.target_port);
    for (const auto& mapping : ingress.additional)
      if (mapping.external) ports.push_back(mapping.target);
    for (const int port : ports)
      if (const auto [first, is_new] = public_tcp.emplace(port, name); !is_new)
        plan.diagnostics.add(public_port_twice(port, first->second, name, ingress.origin));
  }
}

/// What stands for a mention on Azure; the mention itself where nothing changes.
std::string address_of(const Workload& sibling, const Mention& mention, std::string_view text) {
  const auto written = std::string(text.substr(mention.begin, mention.end - mention.begin));
  const auto with_port = [&] { return sibling.name + (mention.port ? ":" + std::to_string(*mention.port) : ""); };
  if (!mention.port || !sibling.ingress.is_public_http() || sibling.ingress.answers_on(*mention.port) ||
      *mention.port != sibling.ingress.target_port)
    return mention.service == written && sibling.name == mention.service ? written : with_port();
  // Its public HTTP port: Azure answers on 80 (CA-81).
  const bool is_web = mention.scheme == "http" || mention.scheme == "ws";
  return sibling.name + (is_web ? "" : ":80");
}

/// `text` with the addresses of siblings as they are on Azure; `where` names the place for the notes.
std::string with_addresses(Planning& plan, const std::string& user, std::string_view text, const std::string& where,
                           const SourceSpan& span) {
  std::string result;
  std::size_t at = 0;
  for (const auto& mention : mentions_in(text, plan.hosts)) {
    const auto& sibling = plan.services.at(mention.service);
    const auto written = std::string(text.substr(mention.begin, mention.end - mention.begin));
    const auto address = address_of(sibling.workload, mention, text);
    if (sibling.is_job && mention.service != user && !mention.is_whole)
      plan.diagnostics.add(sibling_has_no_address(user, mention.service, span));
    if (address != written) plan.diagnostics.add(sibling_address_rewritten(user, where, written, address, span));
    result += text.substr(at, mention.begin - at);
    result += address;
    at = mention.end;
  }
  return result + std::string(text.substr(at));
}

/// `API_HOST=api` beside `API_PORT=3000`: the host can be rewritten, the number cannot be guessed.
void note_split_addresses(Planning& plan, const Service& service) {
  for (const auto& variable : service.environment) {
    if (!variable.value || variable.value->size() != 1 || variable.value->front().is_config) continue;
    const auto& text = variable.value->front().text;
    const auto host = plan.hosts.find(text);
    if (host == plan.hosts.end() || host->second == service.name) continue;
    const auto& ingress = plan.services.at(host->second).workload.ingress;
    const auto port = std::to_string(ingress.target_port);
    const bool names_port = std::ranges::any_of(service.environment, [&](const auto& other) {
      return other.value && other.value->size() == 1 && other.value->front().text == port;
    });
    if (ingress.is_public_http() && ingress.target_port != 80 && names_port)
      plan.diagnostics.add(sibling_on_http_port(service.name, text, ingress.target_port, variable.span));
  }
}

bool mentions(const Planning& plan, const Service& user, const std::string& sibling) {
  return std::ranges::any_of(texts_of(user), [&](std::string_view text) {
    const auto found = mentions_in(text, plan.hosts);
    return std::ranges::find(found, sibling, &Mention::service) != found.end();
  });
}

/// What stands in an image (an nginx.conf, a default of the program) cannot be read or rewritten. A service that
/// depends on another and names it nowhere here may name it there.
void note_hidden_addresses(Planning& plan) {
  for (const auto& [name, service] : plan.project.services)
    for (const auto& dependency : service.depends_on) {
      const auto sibling = plan.services.find(dependency.service);
      if (sibling == plan.services.end() || sibling->second.is_job || mentions(plan, service, dependency.service))
        continue;
      const auto& ingress = sibling->second.workload.ingress;
      if (ingress.kind == Ingress::Kind::none)
        plan.diagnostics.add(hidden_address_without_port(name, dependency.service, dependency.span));
      else if (ingress.is_public_http() && ingress.target_port != 80)
        plan.diagnostics.add(hidden_http_address(name, dependency.service, sibling->second.workload.name,
                                                 ingress.target_port, dependency.span));
    }
}

// --- what every stack has ---

void add_group(Planning& plan) {
  auto group = providers::make_resource(plan.scope, providers::kGroup, "Microsoft.Resources/resourceGroups",
                                        plan.scope.group, {});
  group.because = "one group holds the whole stack";
  group.retention = graph::Retention::shared;
  plan.graph.add(std::move(group));
}

void add_network(Planning& plan) {
  for (auto& resource : providers::network(plan.scope)) plan.graph.add(std::move(resource));
}

void add_storage(Planning& plan) {
  for (auto& resource : providers::stack_storage(plan.scope)) plan.graph.add(std::move(resource));
}

void add_environment(Planning& plan) {
  plan.graph.add(providers::workspace(plan.scope));
  plan.graph.add(providers::environment(plan.scope));
}

/// The vault is there before any config is, because `config set` finds it by its name.
void add_vault(Planning& plan) {
  const auto identity = providers::secrets_identity(plan.scope);
  plan.graph.add(identity);
  auto vault = providers::vault(plan.scope, plan.facts.principal_id);
  if (plan.scope.can_assign_roles)
    plan.graph.add(providers::identity_role(plan.scope, providers::kSecretsRole, vault, identity,
                                            azure::Role::key_vault_secrets_user));
  plan.graph.add(std::move(vault));
}

void add_registry(Planning& plan) {
  if (std::ranges::none_of(plan.project.services, [](const auto& entry) { return is_built(entry.second); })) return;
  auto registry = providers::registry(plan.scope);
  if (plan.scope.can_assign_roles) {
    const auto identity = providers::pull_identity(plan.scope);
    plan.graph.add(identity);
    plan.graph.add(
        providers::identity_role(plan.scope, providers::kPullRole, registry, identity, azure::Role::acr_pull));
  } else {
    // The admin user's password goes through the vault, so that no Reader of the app sees it.
    plan.graph.add(graph::Action{
        .id = std::string(providers::kRegistryPassword),
        .what = graph::WriteSecret{std::string(providers::kVault), providers::derived_secret_name("registry"),
                                   graph::ComposedRecipe{{providers::list_of(providers::kRegistry, "listCredentials",
                                                                             "passwords[0].value")}}},
        .origin = {},
        .because = "apps pull their images with it",
        .service = {},
        .after = {}});
  }
  plan.graph.add(std::move(registry));
}

// --- config ---

/// The action that reads a config's current version, made when first asked for.
std::string config_node(Planning& plan, const std::string& name, const std::string& service, const SourceSpan& span) {
  const auto id = node("config", name);
  if (!plan.graph.find(id))
    plan.graph.add(graph::Action{
        .id = id,
        .what = graph::WriteSecret{std::string(providers::kVault), config_secret_name(name), graph::ConfigRecipe{name}},
        .origin = span,
        .because = "service `" + service + "` needs config `" + name + "`",
        .service = {},
        .after = {}});
  return id;
}

/// Values of config are read from the vault's data plane, for which owning the vault does not suffice (KV-9).
std::vector<graph::Edge> needs_to_read_values(Planning& plan) {
  if (!plan.scope.can_assign_roles || plan.facts.principal_id.empty()) return {};
  if (!plan.graph.find(providers::kDeployerRole))
    plan.graph.add(providers::principal_role(plan.scope, providers::kDeployerRole,
                                             *plan.graph.resource(providers::kVault), plan.facts.principal_id,
                                             plan.facts.principal_type, azure::Role::key_vault_secrets_user));
  return {{std::string(providers::kDeployerRole), "who deploys must be allowed to read config"}};
}

/// Adds the app's secret for what `secret_node` writes, and returns its name there. It ends in the version, so that a
/// new value is exactly one new revision (CA-92).
Value::Text use_secret(Planning& plan, Workload& workload, const std::string& secret_node) {
  const auto& secret = std::get<graph::WriteSecret>(plan.graph.action(secret_node)->what);
  const Value::Text name = {to_lower(secret.name) + "-", providers::output_of(secret_node, "version")};
  const Value entry = Value::Map{{"name", name},
                                 {"keyVaultUrl", providers::output_of(secret_node, "secretUri")},
                                 {"identity", providers::id_of(providers::kSecretsIdentity)}};
  if (std::ranges::find(workload.secrets, entry) == workload.secrets.end()) workload.secrets.push_back(entry);
  return name;
}

/// Text with config in it is a secret of its own: the app's template would show the rest in clear.
std::string composed_node(Planning& plan, const Service& service, const compose::EnvironmentVariable& variable) {
  const auto what = service.name + "/" + variable.name;
  graph::ComposedRecipe recipe;
  for (const auto& piece : *variable.value) {
    if (piece.is_config)
      recipe.pieces.emplace_back(
          providers::output_of(config_node(plan, piece.text, service.name, variable.span), "value"));
    else
      recipe.pieces.emplace_back(
          with_addresses(plan, service.name, piece.text, "`" + variable.name + "`", variable.span));
  }
  const auto id = node("secret", what);
  plan.graph.add(graph::Action{.id = id,
                               .what = graph::WriteSecret{std::string(providers::kVault),
                                                          providers::derived_secret_name(what), std::move(recipe)},
                               .origin = variable.span,
                               .because = "`" + variable.name + "` of service `" + service.name + "` holds config",
                               .service = service.name,
                               .after = needs_to_read_values(plan)});
  return id;
}

/// Joins pieces of literal text; nothing when one is config.
std::optional<std::string> literal_of(const std::vector<compose::TextPiece>& pieces) {
  std::string text;
  for (const auto& piece : pieces) {
    if (piece.is_config) return std::nullopt;
    text += piece.text;
  }
  return text;
}

Value environment_variable(Planning& plan, PlannedService& planned, const compose::EnvironmentVariable& variable) {
  const auto& service = *planned.service;
  const auto as_secret = [&](const std::string& secret_node) -> Value {
    return Value::Map{{"name", variable.name}, {"secretRef", use_secret(plan, planned.workload, secret_node)}};
  };
  if (!variable.value) return as_secret(config_node(plan, variable.name, service.name, variable.span));
  if (const auto text = literal_of(*variable.value))
    return Value::Map{{"name", variable.name},
                      {"value", with_addresses(plan, service.name, *text, "`" + variable.name + "`", variable.span)}};
  if (variable.value->size() == 1)
    return as_secret(config_node(plan, variable.value->front().text, service.name, variable.span));
  return as_secret(composed_node(plan, service, variable));
}

/// A secret of Compose is a file below /run/secrets; its value is a config of the same name (CA-97).
void add_secret_file(Planning& plan, PlannedService& planned, const compose::FileReference& use) {
  const auto& service = *planned.service;
  const auto source = plan.project.secrets.find(use.source);
  if (source == plan.project.secrets.end()) return plan.diagnostics.add(secret_unknown(service, use));
  if (!source->second.file.empty() || source->second.content)
    return plan.diagnostics.add(secret_from_file(service, use));
  auto path = use.target.empty() ? use.source : use.target;
  constexpr std::string_view kFolder = "/run/secrets/";
  if (path.starts_with(kFolder)) path.erase(0, kFolder.size());
  if (path.find('/') != std::string::npos) return plan.diagnostics.add(secret_elsewhere(service, use));
  const auto config = source->second.environment.empty() ? use.source : source->second.environment;
  const auto name = use_secret(plan, planned.workload, config_node(plan, config, service.name, use.span));
  planned.workload.secret_files.push_back(Value::Map{{"secretRef", name}, {"path", path}});
}

// --- images ---

bool is_linux_amd64(std::string_view platform) {
  return platform == "linux/amd64" || platform == "linux" || platform.starts_with("linux/amd64/");
}

void check_platform(Planning& plan, const Service& service) {
  if (service.platform && !is_linux_amd64(service.platform->value))
    plan.diagnostics.add(is_built(service) ? platform_built_as_amd64(service, *service.platform)
                                           : wrong_platform(service, *service.platform));
  if (!service.build || service.build->platforms.empty()) return;
  const auto& platforms = service.build->platforms;
  if (std::ranges::none_of(platforms, [](const auto& platform) { return is_linux_amd64(*platform); }))
    plan.diagnostics.add(platform_built_as_amd64(service, platforms.front()));
}

std::vector<std::pair<std::string, std::string>> build_args(Planning& plan, const Service& service) {
  std::vector<std::pair<std::string, std::string>> args;
  for (const auto& arg : service.build->args) {
    if (!arg.value) {
      plan.diagnostics.add(build_arg_without_value(service, arg));
      continue;
    }
    if (const auto text = literal_of(*arg.value)) {
      args.emplace_back(arg.name, *text);
      continue;
    }
    for (const auto& piece : *arg.value)
      if (piece.is_config) plan.diagnostics.add(config_in_build(service, arg, piece.text));
  }
  return args;
}

Value add_build(Planning& plan, const Service& service) {
  const auto& build = *service.build;
  if (build.is_remote) plan.diagnostics.add(remote_context(service));
  if (service.image) plan.diagnostics.add(image_and_build(service));
  const bool buildpacks = plan.facts.without_dockerfile.contains(service.name);
  if (buildpacks) plan.diagnostics.add(built_with_buildpacks(service));
  const auto id = node("build", service.name);
  plan.graph.add(
      graph::Action{.id = id,
                    .what = graph::BuildImage{.service = service.name,
                                              .registry = std::string(providers::kRegistry),
                                              .storage = std::string(providers::kStorage),
                                              .context = build.context.string(),
                                              .dockerfile = buildpacks ? "" : build.dockerfile,
                                              .inline_dockerfile = build.dockerfile_inline.value_or(""),
                                              .buildpacks = buildpacks,
                                              .target = build.target,
                                              .platform = "linux/amd64",
                                              .args = build_args(plan, service)},
                    .origin = build.span,
                    .because = "service `" + service.name + "` is built from `" +
                               build.context.lexically_relative(plan.project.folder).string() + "`",
                    .service = service.name,
                    .after = {{std::string(providers::kUploadsContainer), "the context is uploaded there"}}});
  return providers::output_of(id, "image");
}

Value image_of(Planning& plan, const Service& service) {
  if (is_built(service)) return add_build(plan, service);
  if (!service.image) {
    // Services of a provider, and those with managed stores, are refused by their own attribute.
    if (!service.provider_type) plan.diagnostics.add(no_image(service));
    return "";
  }
  if (service.image->value.find("${") != std::string::npos) plan.diagnostics.add(image_from_config(service));
  if (providers::well_known_port(service.image->value)) plan.diagnostics.add(stateful_image(service));
  return service.image->value;
}

// --- apps and jobs ---

std::vector<std::string> words_of(Planning& plan, const Service& service,
                                  const std::optional<Spanned<std::vector<std::string>>>& words,
                                  std::string_view attribute) {
  std::vector<std::string> result;
  if (!words) return result;
  for (const auto& word : words->value)
    result.push_back(with_addresses(plan, service.name, word, "`" + std::string(attribute) + "`", words->span));
  return result;
}

void fill_workload(Planning& plan, PlannedService& planned) {
  const auto& service = *planned.service;
  auto& workload = planned.workload;
  check_platform(plan, service);
  workload.is_built = is_built(service);
  workload.image = image_of(plan, service);
  workload.size = providers::container_size(service, plan.diagnostics);
  if (!planned.is_job) workload.probes = providers::probes(service, workload.ingress, plan.diagnostics);
  workload.entrypoint = words_of(plan, service, service.entrypoint, "entrypoint");
  workload.arguments = words_of(plan, service, service.command, "command");
  // An empty entry point clears the image's: then the command is the whole of it.
  if (service.entrypoint && workload.entrypoint.empty()) workload.entrypoint.swap(workload.arguments);
  for (const auto& variable : service.environment)
    workload.environment.push_back(environment_variable(plan, planned, variable));
  for (const auto& use : service.secrets) add_secret_file(plan, planned, use);
  for (const auto& mount : service.volumes)
    if (mount.type == "volume" && mount.source.empty()) workload.scratch_folders.push_back(mount.target);
  const auto domains = plan.facts.live_custom_domains.find(workload.name);
  if (domains != plan.facts.live_custom_domains.end()) workload.custom_domains = domains->second;
  note_split_addresses(plan, service);
}

void add_services(Planning& plan) {
  for (auto& [name, planned] : plan.services) {
    fill_workload(plan, planned);
    plan.graph.add(planned.is_job ? providers::job(plan.scope, planned.workload, plan.diagnostics)
                                  : providers::container_app(plan.scope, planned.workload, plan.diagnostics));
    graph::Action end{
        .id = node(planned.is_job ? "run" : "healthy", name),
        .what = graph::AwaitRevision{planned.workload.node},
        .origin = planned.service->span,
        .because = "service `" + name + "` must " + (planned.is_job ? "run to its end" : "become healthy"),
        .service = name,
        .after = {}};
    if (planned.is_job) end.what = graph::RunJob{planned.workload.node};
    plan.graph.add(std::move(end));
  }
}

// --- order ---

/// The services of a cycle of `depends_on`, from its first to its first again.
std::vector<std::string> find_cycle(const Planning& plan) {
  std::vector<std::string> path;
  std::set<std::string> done;
  std::function<std::vector<std::string>(const std::string&)> visit = [&](const std::string& name) {
    if (done.contains(name) || !plan.services.contains(name)) return std::vector<std::string>();
    if (const auto back = std::ranges::find(path, name); back != path.end()) {
      std::vector<std::string> cycle(back, path.end());
      cycle.push_back(name);
      return cycle;
    }
    path.push_back(name);
    for (const auto& dependency : plan.services.at(name).service->depends_on)
      if (auto cycle = visit(dependency.service); !cycle.empty()) return cycle;
    path.pop_back();
    done.insert(name);
    return std::vector<std::string>();
  };
  for (const auto& [name, planned] : plan.services)
    if (auto cycle = visit(name); !cycle.empty()) return cycle;
  return {};
}

void check_cycles(Planning& plan) {
  const auto cycle = find_cycle(plan);
  if (cycle.empty()) return;
  plan.has_cycle = true;
  const auto& first = *plan.services.at(cycle[0]).service;
  const auto dependency = std::ranges::find(first.depends_on, cycle[1], &Dependency::service);
  plan.diagnostics.add(dependency_cycle(cycle, dependency->span));
}

/// What must be done before a service that depends on `sibling` starts.
graph::Edge edge_to(const PlannedService& sibling, Dependency::Condition condition) {
  const auto& name = sibling.service->name;
  if (sibling.is_job) {
    // A job has no health: whoever waits for it to be healthy waits for its end.
    if (condition == Dependency::Condition::service_started) return {sibling.workload.node, "depends_on " + name};
    return {node("run", name), "depends_on " + name + ": it must have completed"};
  }
  if (condition == Dependency::Condition::service_healthy)
    return {node("healthy", name), "depends_on " + name + ": it must be healthy"};
  // Its name must resolve before this one starts: nginx and others look once and give up.
  return {sibling.workload.node, "depends_on " + name + ": its name must resolve"};
}

void connect(Planning& plan, PlannedService& planned, const Dependency& dependency) {
  const auto sibling = plan.services.find(dependency.service);
  if (sibling == plan.services.end()) {
    if (dependency.required) plan.diagnostics.add(dependency_unknown(*planned.service, dependency));
    return;
  }
  if (dependency.condition == Dependency::Condition::service_completed_successfully && !sibling->second.is_job)
    return plan.diagnostics.add(dependency_completes_never(*planned.service, dependency));
  // A job itself may stand ready early; it is its run that waits.
  auto edge = edge_to(sibling->second, dependency.condition);
  if (!planned.is_job) {
    plan.graph.resource(planned.workload.node)->after.push_back(std::move(edge));
    return;
  }
  plan.graph.action(node("run", planned.service->name))->after.push_back(std::move(edge));
}

void connect_dependencies(Planning& plan) {
  check_cycles(plan);
  if (plan.has_cycle) return;
  for (auto& [name, planned] : plan.services)
    for (const auto& dependency : planned.service->depends_on) connect(plan, planned, dependency);
}

using GraphStep = void (*)(Planning&);
// Order matters: names and ingress of all services before the texts that mention them, the vault before its secrets.
constexpr GraphStep kSteps[] = {
    check_services,        find_jobs,       choose_names, imply_ports,          choose_ingress,
    note_hidden_addresses, add_group,       add_network,  add_storage,          add_vault,
    add_registry,          add_environment, add_services, connect_dependencies,
};

}  // namespace

std::map<std::string, std::vector<ConfigUse>> config_needed(const compose::Project& project) {
  std::map<std::string, std::vector<ConfigUse>> needed;
  for (const auto& [name, service] : project.services) {
    const auto add = [&](const std::string& config, const SourceSpan& span) { needed[config].push_back({name, span}); };
    for (const auto& variable : service.environment) {
      if (!variable.value) add(variable.name, variable.span);
      if (variable.value)
        for (const auto& piece : *variable.value)
          if (piece.is_config) add(piece.text, variable.span);
    }
    for (const auto& use : service.secrets) {
      const auto source = project.secrets.find(use.source);
      if (source == project.secrets.end() || !source->second.file.empty() || source->second.content) continue;
      add(source->second.environment.empty() ? use.source : source->second.environment, use.span);
    }
  }
  return needed;
}

graph::ResourceGraph build_graph(const compose::Project& project, const Stack& stack, const Facts& facts,
                                 Diagnostics& diagnostics) {
  Planning plan{.project = project,
                .facts = facts,
                .diagnostics = diagnostics,
                .scope = scope_of(project.name, stack, facts.can_assign_roles),
                .hosts = hosts_of(project),
                .services = {},
                .has_cycle = false,
                .graph = {}};
  for (const auto step : kSteps) step(plan);
  assert(diagnostics.has_errors() || plan.graph.fault().empty());
  return std::move(plan.graph);
}

graph::ResourceGraph build_config_graph(const std::string& project_name, const Stack& stack, const Facts& facts) {
  compose::Project project;
  project.name = project_name;
  Diagnostics none;
  Planning plan{.project = project,
                .facts = facts,
                .diagnostics = none,
                .scope = scope_of(project_name, stack, facts.can_assign_roles),
                .hosts = {},
                .services = {},
                .has_cycle = false,
                .graph = {}};
  for (const GraphStep step : {add_group, add_vault}) step(plan);
  assert(plan.graph.fault().empty());
  return std::move(plan.graph);
}

}  // namespace defang::plan
