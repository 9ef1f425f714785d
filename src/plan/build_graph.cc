#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <functional>

#include "azure/location.h"
#include "azure/names.h"
#include "azure/resource_types.h"
#include "plan/addresses.h"
#include "plan/attributes.h"
#include "plan/diagnostics.h"
#include "plan/domains.h"
#include "plan/images.h"
#include "plan/mounts.h"
#include "plan/plan.h"
#include "plan/planning.h"
#include "plan/registries.h"
#include "plan/scope.h"
#include "plan/secrets.h"
#include "plan/stores.h"
#include "plan/web_assembly.h"
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

// --- what each service becomes ---

/// `host` and `none` lose what they say, which seldom matters; a container from elsewhere cannot be joined.
void check_network_mode(const Service& service, Diagnostics& diagnostics) {
  if (!service.network_mode) return;
  const auto& mode = service.network_mode->value;
  if (mode == "host") diagnostics.add(host_network(service));
  if (mode == "none") diagnostics.add(no_network(service));
  if (mode.starts_with("container:")) diagnostics.add(network_of_a_container(service));
}

void check_services(Planning& plan) {
  if (!azure::Location::parse(plan.scope.location)) plan.diagnostics.add(no_region(plan.scope.location));
  if (plan.project.services.empty()) plan.diagnostics.add(no_services(plan.project));
  for (const auto& [name, service] : plan.project.services) {
    plan.services[name].service = &service;
    check_attributes(plan.project, service, plan.diagnostics);
    check_network_mode(service, plan.diagnostics);
  }
}

void choose_sizes(Planning& plan) {
  for (auto& [name, planned] : plan.services) {
    planned.workload.size = providers::container_size(*planned.service, plan.diagnostics);
    for (auto& sidecar : planned.sidecars)
      sidecar.workload.size = providers::container_size(*sidecar.service, plan.diagnostics);
    // CA-30: it is the sum that has to be one of the pairs, and pairs add up to pairs.
    auto sum = planned.workload.size.quarter_cpus;
    for (const auto& sidecar : planned.sidecars) sum += sidecar.workload.size.quarter_cpus;
    if (!planned.sidecars.empty() && sum > 16) plan.diagnostics.add(replica_too_large(*planned.service));
  }
}

/// `network_mode: service:x`; of a chain its end. Empty for services with a network of their own.
std::string network_owner(const compose::Project& project, const Service& service) {
  constexpr std::string_view kPrefix = "service:";
  std::string owner;
  const Service* at = &service;
  for (std::size_t steps = 0; steps <= project.services.size(); ++steps) {
    if (!at->network_mode || !at->network_mode->value.starts_with(kPrefix)) return owner;
    owner = at->network_mode->value.substr(kPrefix.size());
    const auto next = project.services.find(owner);
    if (next == project.services.end()) return owner;
    at = &next->second;
  }
  return service.name;  // round in a circle
}

/// Services that share the network of another become containers of its replicas: `localhost` is one for them all.
void find_sidecars(Planning& plan) {
  for (const auto& [name, service] : plan.project.services) {
    const auto owner = network_owner(plan.project, service);
    if (owner.empty() || !plan.services.contains(name)) continue;
    const auto found = plan.services.find(owner);
    if (owner == name || found == plan.services.end() || found->second.is_job) {
      plan.diagnostics.add(network_of_nobody(service, owner));
      continue;
    }
    PlannedService sidecar{.service = &service, .is_sidecar = true};
    sidecar.workload.service = &service;
    sidecar.workload.name = azure::legal_name(*azure::find_resource_type("Microsoft.App/containerApps"), name, name);
    found->second.sidecars.push_back(std::move(sidecar));
    plan.services.erase(name);
    plan.sidecars.emplace(name, owner);
    std::erase_if(plan.hosts, [&](const auto& host) { return host.second == name; });
  }
}

/// `x-defang-schedule: "0 3 * * *"`: five fields (CA-141).
std::string schedule_of(const Service& service, Diagnostics& diagnostics) {
  const auto found = service.extensions.find("x-defang-schedule");
  if (found == service.extensions.end()) return {};
  auto fields = split(found->second.text, ' ');
  std::erase(fields, "");
  if (!found->second.is_text() || fields.size() != 5) {
    diagnostics.add(schedule_wrong(service, found->second.span));
    return "0 0 * * *";
  }
  return join(fields, " ");
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
    planned.workload.schedule = schedule_of(service, plan.diagnostics);
    const bool is_scheduled = !planned.workload.schedule.empty();
    if ((says_no || is_scheduled) && has_ports) plan.diagnostics.add(job_with_ports(service));
    planned.is_job = !has_ports && (says_no || is_scheduled || is_awaited_to_complete(plan, name));
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

// --- what every stack has ---

void add_group(Planning& plan) {
  auto group = providers::make_resource(plan.scope, providers::kGroup, "Microsoft.Resources/resourceGroups",
                                        plan.scope.group, {});
  group.because = "one group holds the whole stack";
  group.retention = graph::Retention::shared;
  plan.graph.add(std::move(group));
}

bool has_shares(const Planning& plan, providers::ShareProtocol protocol) {
  return std::ranges::any_of(plan.shares, [&](const auto& share) { return share.second.protocol == protocol; });
}

void add_network(Planning& plan) {
  auto needs = network_needs(plan);
  needs.storage_from_apps = has_shares(plan, providers::ShareProtocol::nfs);
  for (auto& resource : providers::network(plan.scope, needs)) plan.graph.add(std::move(resource));
}

void add_storage(Planning& plan) {
  for (auto& resource : providers::stack_storage(plan.scope)) plan.graph.add(std::move(resource));
}

void add_environment(Planning& plan) {
  plan.graph.add(providers::workspace(plan.scope));
  providers::EnvironmentNeeds needs{.mounts_shares = has_shares(plan, providers::ShareProtocol::smb), .profiles = {}};
  for (const auto& [name, planned] : plan.services) {
    const auto& replicas = planned.service->replicas;
    if (const auto* profile = planned.workload.size.profile) {
      auto& use = needs.profiles[profile->name];
      use.first = profile;
      use.second += replicas ? static_cast<int>(std::clamp<std::int64_t>(replicas->value, 1, 1000)) : 1;
    }
  }
  plan.graph.add(providers::environment(plan.scope, needs));
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

bool builds_anything(const Planning& plan) {
  const auto is_one = [](const PlannedService& planned) { return is_built(*planned.service); };
  return std::ranges::any_of(plan.services, [&](const auto& entry) {
    return is_one(entry.second) || std::ranges::any_of(entry.second.sidecars, is_one);
  });
}

void add_registry(Planning& plan) {
  if (!builds_anything(plan)) return;
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

// --- environment ---

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
  if (auto of_store = store_variable(plan, planned, variable)) return std::move(*of_store);
  if (!variable.value) return as_secret(config_node(plan, variable.name, service.name, variable.span));
  if (const auto text = literal_of(*variable.value))
    return Value::Map{{"name", variable.name},
                      {"value", with_addresses(plan, service.name, *text, "`" + variable.name + "`", variable.span)}};
  if (variable.value->size() == 1)
    return as_secret(config_node(plan, variable.value->front().text, service.name, variable.span));
  return as_secret(composed_node(plan,
                                 {.what = service.name + "/" + variable.name,
                                  .where = "`" + variable.name + "`",
                                  .because = "`" + variable.name + "` of service `" + service.name + "` holds config",
                                  .service = service.name,
                                  .span = variable.span},
                                 *variable.value));
}

// --- images ---

bool is_linux_amd64(std::string_view platform) {
  return platform == "linux/amd64" || platform == "linux" || platform.starts_with("linux/amd64/");
}

void check_platform(Planning& plan, const Service& service) {
  check_runtime(plan, service);
  if (is_module(plan.project, service.name)) return;
  if (service.platform && !is_linux_amd64(service.platform->value))
    plan.diagnostics.add(service.build ? platform_built_as_amd64(service, *service.platform)
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
      if (const auto named = rewrite({*text}, plan.endpoints))
        plan.diagnostics.add(store_in_build(service, arg, named->connections.front().host));
      args.emplace_back(arg.name, *text);
      continue;
    }
    for (const auto& piece : *arg.value)
      if (piece.is_config) plan.diagnostics.add(config_in_build(service, arg, piece.text));
  }
  return args;
}

std::vector<graph::BuildSecret> build_secrets(Planning& plan, const Service& service) {
  std::vector<graph::BuildSecret> secrets;
  for (const auto& use : service.build->secrets) {
    const auto source = plan.project.secrets.find(use.source);
    if (source == plan.project.secrets.end()) {
      plan.diagnostics.add(file_source_unknown(service, use, "secret"));
      continue;
    }
    if (const auto content = content_node(plan, service, source->second, use, "secret"))
      secrets.push_back({use.target.empty() ? use.source : use.target, providers::output_of(*content, "value")});
  }
  return secrets;
}

/// What is known when an image is built; variables that stay for config are not.
bool is_known(const std::optional<Spanned<std::string>>& text) {
  return text && !text->value.empty() && text->value.find_first_of("\n$") == std::string::npos;
}

void check_image_settings(Planning& plan, const Service& service, bool buildpacks) {
  for (const auto* setting : {&service.working_dir, &service.user}) {
    if (!*setting || (*setting)->value.empty() || (is_known(*setting) && !buildpacks)) continue;
    plan.diagnostics.add(image_setting_unknown(service, setting == &service.user ? "user" : "working_dir", **setting));
  }
}

/// Without a build of its own, a service that says where it starts and as whom gets an image on top of the one it
/// names.
Value add_derived_image(Planning& plan, const Service& service) {
  const auto id = node("build", service.name);
  const auto& span = is_known(service.working_dir) ? service.working_dir->span : service.user->span;
  plan.diagnostics.add(derived_image(service, span));
  check_base_image(plan, service);
  graph::BuildImage build{.service = service.name,
                          .registry = std::string(providers::kRegistry),
                          .storage = std::string(providers::kStorage),
                          .context = {},
                          .dockerfile = {},
                          .inline_dockerfile = "FROM " + pinned(plan, service.image->value),
                          .appended = image_instructions(service),
                          .target = {},
                          .args = {},
                          .secrets = {},
                          .logins = logins_of_builds(plan)};
  plan.graph.add(
      graph::Action{.id = id,
                    .what = std::move(build),
                    .origin = span,
                    .because = "service `" + service.name + "` says where its container starts, or as whom",
                    .service = service.name,
                    .after = {{std::string(providers::kUploadsContainer), "the context is uploaded there"}}});
  return providers::output_of(id, "image");
}

Value add_build(Planning& plan, const Service& service) {
  const auto& build = *service.build;
  if (build.is_remote) plan.diagnostics.add(remote_context(service));
  if (service.image) plan.diagnostics.add(image_and_build(service));
  const bool buildpacks = plan.facts.without_dockerfile.contains(service.name);
  if (buildpacks) plan.diagnostics.add(built_with_buildpacks(service));
  auto appended = buildpacks ? std::string() : module_instructions(plan, service) + image_instructions(service);
  // A stage of its own after the wanted one: what is appended would belong to the file's last.
  const bool has_stage = !appended.empty() && !build.target.empty();
  if (has_stage && !appended.starts_with("FROM ")) appended = "FROM " + build.target + "\n" + appended;
  const auto id = node("build", service.name);
  plan.graph.add(
      graph::Action{.id = id,
                    .what = graph::BuildImage{.service = service.name,
                                              .registry = std::string(providers::kRegistry),
                                              .storage = std::string(providers::kStorage),
                                              .context = build.context.string(),
                                              .dockerfile = buildpacks ? "" : build.dockerfile,
                                              .inline_dockerfile = build.dockerfile_inline.value_or(""),
                                              .appended = std::move(appended),
                                              .buildpacks = buildpacks,
                                              .target = has_stage ? "" : build.target,
                                              .platform = "linux/amd64",
                                              .args = build_args(plan, service),
                                              .secrets = build_secrets(plan, service),
                                              .logins = logins_of_builds(plan)},
                    .origin = build.span,
                    .because = "service `" + service.name + "` is built from `" +
                               build.context.lexically_relative(plan.project.folder).string() + "`",
                    .service = service.name,
                    .after = {{std::string(providers::kUploadsContainer), "the context is uploaded there"}}});
  return providers::output_of(id, "image");
}

Value image_of(Planning& plan, PlannedService& planned) {
  const auto& service = *planned.service;
  check_image_settings(plan, service, plan.facts.without_dockerfile.contains(service.name));
  if (service.build) return add_build(plan, service);
  if (!service.image) {
    plan.diagnostics.add(service.provider_type ? provider_unknown(service) : no_image(service));
    return "";
  }
  if (service.image->value.find("${") != std::string::npos)
    plan.diagnostics.add(image_from_config(service));
  else
    check_image_name(plan, service, service.image->value, service.image->span);
  check_pull_policy(plan, service);
  const auto& mounts = planned.mounts;
  const bool keeps_data = std::ranges::find(mounts, PlannedMount::Kind::share, &PlannedMount::kind) != mounts.end();
  if (providers::well_known_port(service.image->value) && !keeps_data) plan.diagnostics.add(stateful_image(service));
  if (is_built(service)) return add_derived_image(plan, service);
  let_pull(plan, planned.workload, service.image->value, service.image->span);
  return pinned(plan, service.image->value);
}

// --- apps and jobs ---

Value::List words_of(Planning& plan, const PlannedService& planned,
                     const std::optional<Spanned<std::vector<std::string>>>& words, std::string_view attribute) {
  Value::List result;
  if (!words) return result;
  for (const auto& word : words->value) {
    if (auto of_store = store_word(plan, planned, word, words->span))
      result.push_back(std::move(*of_store));
    else
      result.push_back(
          with_addresses(plan, planned.service->name, word, "`" + std::string(attribute) + "`", words->span));
  }
  return result;
}

// --- containers that run before ---

Value::List hook_command(Planning& plan, const Service& service, const compose::Node& hook) {
  Value::List words;
  const auto* command = hook.find("command");
  if (!command) return words;
  for (const auto& word : command->items)
    words.push_back(with_addresses(plan, service.name, word.text, "`pre_start.command`", command->span));
  return words;
}

/// The service's variables, and those of the hook.
Value::List hook_environment(Planning& plan, const providers::Workload& workload, const compose::Node& hook) {
  auto variables = workload.environment;
  const auto* own = hook.find("environment");
  if (!own) return variables;
  for (const auto& entry : own->entries) {
    std::erase_if(variables, [&](const Value& one) { return *one.find("name") == Value(entry.key); });
    variables.push_back(Value::Map{{"name", entry.key},
                                   {"value", with_addresses(plan, workload.service->name, entry.value.text,
                                                            "`" + entry.key + "`", entry.value.span)}});
  }
  return variables;
}

/// `pre_start`: containers with the service's volumes and variables that run to their ends before its own starts.
void add_init_containers(Planning& plan, PlannedService& planned) {
  const auto& service = *planned.service;
  const auto* hooks = value_at(plan.project, service.name, "pre_start");
  if (!hooks || hooks->items.empty()) return;
  auto& workload = planned.workload;
  plan.diagnostics.add(runs_before_each_replica(service, hooks->span));
  for (const auto& hook : hooks->items) {
    const auto name = fmt::format("{}-init-{}", workload.name, workload.init_containers.size() + 1);
    const auto* image = hook.find("image");
    const bool is_own = !image || (service.image && image->text == service.image->value);
    providers::Workload init{.service = &service, .name = name};
    init.image = is_own ? workload.image : Value(pinned(plan, image->text));
    if (!is_own) {
      check_image_name(plan, service, image->text, image->span);
      let_pull(plan, workload, image->text, image->span);
    }
    init.size = workload.size;
    init.arguments = hook_command(plan, service, hook);
    init.environment = hook_environment(plan, workload, hook);
    init.mounts = workload.mounts;
    workload.init_containers.push_back(std::move(init));
  }
}

void fill_workload(Planning& plan, PlannedService& planned) {
  const auto& service = *planned.service;
  auto& workload = planned.workload;
  check_platform(plan, service);
  workload.is_built = is_built(service);
  workload.image = image_of(plan, planned);
  if (!planned.is_job) workload.probes = providers::probes(service, workload.ingress, plan.diagnostics);
  workload.entrypoint = words_of(plan, planned, service.entrypoint, "entrypoint");
  workload.arguments = words_of(plan, planned, service.command, "command");
  // An empty entry point clears the image's: then the command is the whole of it.
  if (service.entrypoint && workload.entrypoint.empty()) workload.entrypoint.swap(workload.arguments);
  if (!workload.entrypoint.empty() && is_module(plan.project, service.name))
    workload.entrypoint.insert(workload.entrypoint.begin(), kModuleLauncher);
  for (const auto& variable : service.environment)
    workload.environment.push_back(environment_variable(plan, planned, variable));
  add_store_variables(plan, planned);
  add_volumes(plan, planned);
  add_init_containers(plan, planned);
  const auto domains = plan.facts.live_custom_domains.find(workload.name);
  if (domains != plan.facts.live_custom_domains.end()) workload.custom_domains = domains->second;
  note_split_addresses(plan, service);
}

void add_services(Planning& plan) {
  for (auto& [name, planned] : plan.services) {
    fill_workload(plan, planned);
    for (auto& sidecar : planned.sidecars) {
      fill_workload(plan, sidecar);
      planned.workload.sidecars.push_back(sidecar.workload);
    }
    plan.graph.add(planned.is_job ? providers::job(plan.scope, planned.workload, plan.diagnostics)
                                  : providers::container_app(plan.scope, planned.workload, plan.diagnostics));
    auto& after = plan.graph.resource(planned.workload.node)->after;
    for (auto& edge : needs_of_mounts(plan, planned)) after.push_back(std::move(edge));
    for (auto& edge : needs_of_stores(plan, *planned.service)) after.push_back(std::move(edge));
    for (const auto& sidecar : planned.sidecars) {
      for (auto& edge : needs_of_mounts(plan, sidecar)) after.push_back(std::move(edge));
      for (auto& edge : needs_of_stores(plan, *sidecar.service)) after.push_back(std::move(edge));
    }
    if (!planned.workload.schedule.empty()) continue;  // the clock starts it
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
    // Nobody waits for what the clock starts.
    if (!sibling.workload.schedule.empty()) return {sibling.workload.node, "depends_on " + name};
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
  const auto owner = plan.sidecars.find(dependency.service);
  const auto sibling = plan.services.find(owner == plan.sidecars.end() ? dependency.service : owner->second);
  if (sibling != plan.services.end() && &sibling->second == &planned) return;  // they start together
  if (sibling == plan.services.end()) {
    if (dependency.required && !plan.stores.contains(dependency.service))
      plan.diagnostics.add(dependency_unknown(*planned.service, dependency));
    return;
  }
  if (dependency.condition == Dependency::Condition::service_completed_successfully && !sibling->second.is_job)
    return plan.diagnostics.add(dependency_completes_never(*planned.service, dependency));
  // A job itself may stand ready early; it is its run that waits.
  auto edge = edge_to(sibling->second, dependency.condition);
  if (!planned.is_job || !planned.workload.schedule.empty()) {
    plan.graph.resource(planned.workload.node)->after.push_back(std::move(edge));
    return;
  }
  plan.graph.action(node("run", planned.service->name))->after.push_back(std::move(edge));
}

void connect_dependencies(Planning& plan) {
  check_cycles(plan);
  if (plan.has_cycle) return;
  for (auto& [name, planned] : plan.services) {
    for (const auto& dependency : planned.service->depends_on) connect(plan, planned, dependency);
    for (const auto& sidecar : planned.sidecars)
      for (const auto& dependency : sidecar.service->depends_on) connect(plan, planned, dependency);
  }
}

using GraphStep = void (*)(Planning&);
// Order matters: stores before what the other services are asked, names and ingress of all services before the texts
// that mention them, the vault before its secrets.
constexpr GraphStep kSteps[] = {
    check_services,
    find_stores,
    find_jobs,
    find_sidecars,
    choose_sizes,
    choose_names,
    imply_ports,
    choose_ingress,
    check_domains,
    note_hidden_addresses,
    decide_mounts,
    add_group,
    add_network,
    add_storage,
    add_vault,
    add_registry,
    add_environment,
    add_file_storage,
    add_stores,
    add_services,
    check_redis_databases,
    connect_dependencies,
    order_reads_of_values,
};

/// `down` sees no plan: what holds the user's data says so itself.
void mark_data(graph::ResourceGraph& graph) {
  for (const auto& [id, node] : graph.nodes()) {
    const auto* seen = std::get_if<graph::Resource>(&node);
    if (!seen || seen->retention != graph::Retention::data || !seen->body.find("tags")) continue;
    auto tags = *seen->body.find("tags");
    tags.set("defang-retention", "data");
    graph.resource(id)->body.set("tags", std::move(tags));
  }
}

/// The config that a top-level secret or config takes its content from.
std::vector<std::string> config_of(const compose::FileSource& source) {
  if (!source.file.empty()) return {};
  if (!source.content) return {source.environment.empty() ? source.name : source.environment};
  std::vector<std::string> names;
  for (const auto& piece : *source.content)
    if (piece.is_config) names.push_back(piece.text);
  return names;
}

}  // namespace

std::string image_instructions(const Service& service) {
  std::string text;
  if (is_known(service.working_dir)) text += "WORKDIR " + service.working_dir->value + "\n";
  if (is_known(service.user)) text += "USER " + service.user->value + "\n";
  return text;
}

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
    const auto add_sources = [&](const auto& uses, const auto& sources) {
      for (const auto& use : uses)
        if (const auto source = sources.find(use.source); source != sources.end())
          for (const auto& config : config_of(source->second)) add(config, use.span);
    };
    add_sources(service.secrets, project.secrets);
    add_sources(service.configs, project.configs);
    if (service.build) add_sources(service.build->secrets, project.secrets);
  }
  return needed;
}

Planning begin_planning(const compose::Project& project, const Stack& stack, const Facts& facts,
                        Diagnostics& diagnostics) {
  return {.project = project,
          .facts = facts,
          .diagnostics = diagnostics,
          .scope = scope_of(project.name, stack, facts.can_assign_roles),
          .hosts = hosts_of(project),
          .all_hosts = hosts_of(project),
          .services = {},
          .shares = {},
          .stores = {},
          .sidecars = {},
          .endpoints = {},
          .redis_databases = {},
          .has_cycle = false,
          .graph = {}};
}

graph::ResourceGraph build_graph(const compose::Project& project, const Stack& stack, const Facts& facts,
                                 Diagnostics& diagnostics) {
  auto plan = begin_planning(project, stack, facts, diagnostics);
  for (const auto step : kSteps) step(plan);
  mark_data(plan.graph);
  assert(diagnostics.has_errors() || plan.graph.fault().empty());
  return std::move(plan.graph);
}

graph::ResourceGraph build_config_graph(const std::string& project_name, const Stack& stack, const Facts& facts) {
  compose::Project project;
  project.name = project_name;
  Diagnostics none;
  auto plan = begin_planning(project, stack, facts, none);
  for (const GraphStep step : {add_group, add_vault}) step(plan);
  assert(plan.graph.fault().empty());
  return std::move(plan.graph);
}

}  // namespace defang::plan
