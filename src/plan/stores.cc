#include "plan/stores.h"

#include <algorithm>
#include <array>

#include "compose/bytes.h"
#include "plan/diagnostics.h"
#include "plan/secrets.h"
#include "providers/cognitive_services.h"
#include "providers/container_apps_ingress.h"
#include "providers/document_db.h"
#include "providers/key_vault.h"
#include "providers/managed_identity.h"
#include "providers/mysql.h"
#include "providers/network.h"
#include "providers/postgresql.h"
#include "providers/redis_enterprise.h"
#include "providers/storage.h"
#include "support/text.h"

namespace defang::plan {
namespace {

using compose::EnvironmentVariable;
using compose::Service;
using graph::Reference;
using graph::Value;
using Kind = ManagedStore::Kind;

struct StoreExtension {
  std::string_view name;
  Kind kind;
  std::string_view images;  // that it replaces, between blanks
};
constexpr auto kExtensions = std::to_array<StoreExtension>({
    {"x-defang-mongodb", Kind::mongodb, " mongo "},
    {"x-defang-mysql", Kind::mysql, " mariadb mysql mysql-server percona percona-server "},
    {"x-defang-object-storage", Kind::objects, " azurite garage minio rustfs s3mock seaweedfs "},
    {"x-defang-postgres", Kind::postgres, " pgvector postgis postgres postgresql timescaledb "},
    {"x-defang-redis", Kind::redis, " keydb redis redis-stack redis-stack-server valkey valkey-bundle "},
});
/// Images that only pass requests on to a model: the model stands for them.
constexpr auto kModelGateways = std::to_array<std::string_view>({"litellm", "openai-access-gateway"});

constexpr std::string_view kDefaultModel = "chat-default";
constexpr std::string_view kModelKeyVariable = "OPENAI_API_KEY";

bool is_on(const Service& service, std::string_view extension) {
  const auto found = service.extensions.find(std::string(extension));
  if (found == service.extensions.end()) return false;
  const auto& node = found->second;
  if (node.kind == compose::Node::Kind::boolean) return node.boolean;
  return !(node.is_text() && equals_ignoring_case(node.text, "false"));
}

/// "my-llm" -> "MY_LLM"
std::string upper_name(std::string_view name) { return replace_all(replace_all(to_upper(name), "-", "_"), ".", "_"); }

const EnvironmentVariable* find_variable(const Service& service, std::string_view name) {
  const auto found = std::ranges::find(service.environment, name, &EnvironmentVariable::name);
  return found == service.environment.end() ? nullptr : &*found;
}

/// A variable's value if all of it is known here.
std::optional<std::string> literal_of(const EnvironmentVariable* variable) {
  if (!variable || !variable->value) return std::nullopt;
  std::string text;
  for (const auto& piece : *variable->value) {
    if (piece.is_config) return std::nullopt;
    text += piece.text;
  }
  return text;
}

std::string literal_or(const Service& service, std::string_view name, std::string_view otherwise) {
  return literal_of(find_variable(service, name)).value_or(std::string(otherwise));
}

/// The value with config as references to it.
Value::Text text_of(const EnvironmentVariable& variable) {
  const auto config = [](const std::string& name) { return providers::output_of(node("config", name), "value"); };
  if (!variable.value) return {config(variable.name)};
  Value::Text text;
  for (const auto& piece : *variable.value) {
    if (piece.is_config)
      text.emplace_back(config(piece.text));
    else
      text.emplace_back(piece.text);
  }
  return text;
}

bool is_config_value(const Reference& reference) {
  return reference.kind == Reference::Kind::output && reference.path == "value";
}

bool is_secret(const Value::Text& text) {
  return std::ranges::any_of(text, [](const Value::Piece& piece) {
    const auto* reference = std::get_if<Reference>(&piece);
    return reference && (reference->kind == Reference::Kind::list || is_config_value(*reference));
  });
}

/// Makes the nodes of all config that the text holds.
void need_config(Planning& plan, const Value::Text& text, const std::string& service, const SourceSpan& span) {
  constexpr std::string_view kPrefix = "config/";
  for (const auto& piece : text)
    if (const auto* reference = std::get_if<Reference>(&piece); reference && reference->node.starts_with(kPrefix))
      config_node(plan, reference->node.substr(kPrefix.size()), service, span);
}

// --- which services are managed ---

/// What a service says of the model behind `store`: the name that it sends.
std::string model_name_said(const Planning& plan, const std::string& store) {
  const auto variable = upper_name(store) + "_MODEL";
  for (const auto& [name, service] : plan.project.services)
    if (const auto said = literal_of(find_variable(service, variable)); said && !said->empty()) return *said;
  return {};
}

std::string wanted_model(const Service& service) {
  const auto option = service.provider_options.find("model");
  return option == service.provider_options.end() || option->second.empty() ? "" : option->second.front();
}

bool is_model(const Service& service) {
  if (service.provider_type) return service.provider_type->value == "model";
  if (!is_on(service, "x-defang-llm") || service.build || !service.image) return false;
  const auto repository = providers::repository_of(service.image->value);
  return std::ranges::find(kModelGateways, repository) != kModelGateways.end();
}

std::optional<Kind> kind_of(Planning& plan, const Service& service) {
  if (is_model(service)) return Kind::model;
  for (const auto& row : kExtensions) {
    if (!is_on(service, row.name)) continue;
    const auto image = service.image ? std::string(providers::repository_of(service.image->value)) : "";
    const auto* downtime = service.extensions.at(std::string(row.name)).find("allow-downtime");
    if (downtime != nullptr && downtime->kind != compose::Node::Kind::boolean)
      plan.diagnostics.add(store_option_wrong(service, "allow-downtime", downtime->span));
    if (row.images.find(" " + image + " ") == std::string_view::npos || service.build)
      plan.diagnostics.add(store_replaces_image(service, row.name));
    return row.kind;
  }
  return std::nullopt;
}

void note_dropped_data(Planning& plan, const Service& service) {
  const auto mount = std::ranges::find_if(service.volumes, [](const auto& m) { return !m.source.empty(); });
  if (mount != service.volumes.end()) plan.diagnostics.add(store_ignores_volume(service, *mount));
}

/// Words of an option of the extension: `extensions: [pg_cron, vector]`.
std::vector<std::string> words_of_option(const compose::Node& options, std::string_view name) {
  std::vector<std::string> words;
  const auto* value = options.find(name);
  if (value && value->is_text()) words.push_back(value->text);
  if (value)
    for (const auto& item : value->items)
      if (item.is_text()) words.push_back(item.text);
  return words;
}

// --- PostgreSQL ---

void read_postgres_options(Planning& plan, const Service& service, providers::PostgresServer& server) {
  const auto& options = service.extensions.at("x-defang-postgres");
  constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  for (auto& extension : words_of_option(options, "extensions")) {
    if (extension.find_first_not_of(kNameCharacters) != std::string::npos)
      plan.diagnostics.add(postgres_extension_wrong(service, extension, options.span));
    server.extensions.push_back(std::move(extension));
  }
}

/// `storage_opt: {size: 120G}`
std::optional<std::int64_t> disk_bytes(const Planning& plan, const Service& service) {
  const auto* size = value_at(plan.project, service.name, "storage_opt.size");
  return size && size->is_text() ? compose::parse_bytes(size->text) : std::nullopt;
}

providers::PostgresServer postgres_server(Planning& plan, const Service& service) {
  providers::PostgresServer server{.service = service.name, .password = {}, .origin = service.span};
  const auto image = service.image ? service.image->value : std::string("postgres");
  const auto version = providers::postgres_version(image);
  if (!version) plan.diagnostics.add(postgres_version_gone(service));
  server.version = version.value_or("17");
  server.login = literal_or(service, "POSTGRES_USER", "postgres");
  server.database = literal_or(service, "POSTGRES_DB", server.login);
  const auto cpus = service.reservations.cpus ? service.reservations.cpus : service.limits.cpus;
  const auto memory =
      service.reservations.memory_bytes ? service.reservations.memory_bytes : service.limits.memory_bytes;
  const auto size = providers::postgres_size(cpus ? cpus->value : 0, memory ? memory->value : 0, plan.scope.mode);
  if (const auto bytes = disk_bytes(plan, service)) server.storage_gb = providers::postgres_storage_gb(*bytes);
  read_postgres_options(plan, service, server);
  if (const auto extension = providers::postgres_preloaded(image); !extension.empty())
    plan.diagnostics.add(postgres_preload_unsupported(service, std::string(extension)));
  server.sku = size.sku;
  server.tier = size.tier;
  if (const auto fault = providers::login_fault(server.login); !fault.empty())
    plan.diagnostics.add(postgres_login_refused(service, server.login, fault));
  const auto* password = find_variable(service, "POSTGRES_PASSWORD");
  if (!password) {
    plan.diagnostics.add(postgres_password_missing(service));
    return server;
  }
  if (const auto literal = literal_of(password))
    if (const auto fault = providers::password_fault(*literal, server.login); !fault.empty())
      plan.diagnostics.add(postgres_password_refused(service, password->span, fault));
  server.password = text_of(*password);
  return server;
}

void add_postgres(Planning& plan, ManagedStore& store) {
  const auto& service = *store.service;
  const auto server = postgres_server(plan, service);
  const auto* password = server.password.get_if<Value::Text>();
  if (password) need_config(plan, *password, service.name, service.span);
  auto resources = providers::postgres(plan.scope, server);
  for (auto& resource : resources) plan.graph.add(std::move(resource));
  store.ready = providers::postgres_ready(plan.scope, server);
}

// --- MySQL ---

/// The word of an option in the command: `--maxmemory-policy allkeys-lru`, `--collation-server=utf8mb4_bin`.
std::string option_of(const Service& service, std::string_view option) {
  if (!service.command) return {};
  const auto& words = service.command->value;
  for (const auto& word : words)
    if (word.starts_with(option) && word.size() > option.size() && word[option.size()] == '=')
      return word.substr(option.size() + 1);
  const auto found = std::ranges::find(words, option);
  return found == words.end() || found + 1 == words.end() ? "" : *(found + 1);
}

/// MYSQL_USER or MARIADB_USER: both images read both.
const EnvironmentVariable* mysql_variable(const Service& service, const std::string& end) {
  const auto* variable = find_variable(service, "MYSQL_" + end);
  return variable ? variable : find_variable(service, "MARIADB_" + end);
}

providers::MysqlServer mysql_server(Planning& plan, const Service& service) {
  providers::MysqlServer server{.service = service.name, .password = {}, .database = {}, .origin = service.span};
  const auto image = service.image ? service.image->value : std::string("mysql");
  const auto version = providers::mysql_version(image);
  if (!version) plan.diagnostics.add(mysql_version_gone(service));
  if (image.find("mariadb") != std::string::npos) plan.diagnostics.add(mysql_for_mariadb(service));
  server.version = version.value_or("8.4");
  const auto cpus = service.reservations.cpus ? service.reservations.cpus : service.limits.cpus;
  const auto memory =
      service.reservations.memory_bytes ? service.reservations.memory_bytes : service.limits.memory_bytes;
  const auto size = providers::mysql_size(cpus ? cpus->value : 0, memory ? memory->value : 0, plan.scope.mode);
  server.sku = size.sku;
  server.tier = size.tier;
  server.database = literal_of(mysql_variable(service, "DATABASE")).value_or("");
  if (const auto charset = option_of(service, "--character-set-server"); !charset.empty()) server.charset = charset;
  if (const auto collation = option_of(service, "--collation-server"); !collation.empty()) server.collation = collation;
  const auto* user = mysql_variable(service, "USER");
  const auto* password = mysql_variable(service, "PASSWORD");
  if (!user || !password) {
    plan.diagnostics.add(mysql_user_missing(service));
    return server;
  }
  server.login = literal_of(user).value_or("");
  if (const auto fault = providers::mysql_login_fault(server.login); !fault.empty())
    plan.diagnostics.add(mysql_login_refused(service, *user, fault));
  if (const auto literal = literal_of(password))
    if (const auto fault = providers::password_fault(*literal, server.login); !fault.empty())
      plan.diagnostics.add(postgres_password_refused(service, password->span, fault));
  server.password = text_of(*password);
  return server;
}

void add_mysql(Planning& plan, ManagedStore& store) {
  const auto& service = *store.service;
  const auto server = mysql_server(plan, service);
  const auto* password = server.password.get_if<Value::Text>();
  if (password) need_config(plan, *password, service.name, service.span);
  auto resources = providers::mysql(plan.scope, server);
  for (auto& resource : resources) plan.graph.add(std::move(resource));
  store.ready = providers::mysql_ready(plan.scope, server);
}

// --- objects ---

/// `x-defang-object-storage: {buckets: [a]}`, or what the image makes when it starts; else one of the service's name.
std::vector<std::string> buckets_of(Planning& plan, const Service& service) {
  auto buckets = words_of_option(service.extensions.at("x-defang-object-storage"), "buckets");
  if (buckets.empty()) buckets = split(replace_all(literal_or(service, "MINIO_DEFAULT_BUCKETS", ""), " ", ","), ',');
  std::erase(buckets, "");
  if (buckets.empty()) buckets = {replace_all(to_lower(service.name), "_", "-")};
  for (const auto& bucket : buckets)
    if (const auto fault = providers::bucket_fault(bucket); !fault.empty())
      plan.diagnostics.add(bucket_name_wrong(service, bucket, fault));
  return buckets;
}

/// An account whose keys are used: for who may not assign roles.
std::string objects_key_node(const std::string& service) { return node("secret", "objects/" + service); }

void add_objects(Planning& plan, ManagedStore& store) {
  const auto& service = *store.service;
  store.buckets = buckets_of(plan, service);
  const auto node_of_store = providers::object_store_node(service.name);
  for (auto& resource : providers::object_store(plan.scope, {service.name, store.buckets, service.span}))
    if (!plan.graph.find(resource.id)) plan.graph.add(std::move(resource));
  for (const auto& bucket : store.buckets) store.ready.push_back(node_of_store + "/" + bucket);
  if (plan.scope.can_assign_roles) {
    store.ready.push_back(providers::object_store_role_node(service.name));
    return;
  }
  plan.graph.add(graph::Action{
      .id = objects_key_node(service.name),
      .what =
          graph::WriteSecret{
              std::string(providers::kVault), providers::derived_secret_name("objects/" + service.name),
              graph::ComposedRecipe{{"DefaultEndpointsProtocol=https;EndpointSuffix=core.windows.net;"
                                     "AccountName=",
                                     Reference{node_of_store, Reference::Kind::name, "", ""},
                                     ";AccountKey=", providers::list_of(node_of_store, "listKeys", "keys[0].value")}}},
      .origin = service.span,
      .because = "services sign in to object storage with it",
      .service = service.name,
      .after = {}});
}

// --- Redis ---

/// Images that are taken for what they bring beside Redis.
bool is_search_image(std::string_view repository) { return repository.starts_with("redis-stack"); }

void add_redis(Planning& plan, ManagedStore& store) {
  const auto& service = *store.service;
  providers::RedisCluster cluster{.service = service.name, .origin = service.span};
  for (const auto& memory : {service.reservations.memory_bytes, service.limits.memory_bytes})
    if (memory) cluster.memory_bytes = std::max(cluster.memory_bytes, memory->value);
  cluster.keeps_data = option_of(service, "--appendonly") == "yes";
  const auto snapshots = option_of(service, "--save");
  cluster.keeps_snapshots = !snapshots.empty() && snapshots != "\"\"";
  cluster.searches = service.image && is_search_image(providers::repository_of(service.image->value));
  if (const auto policy = option_of(service, "--maxmemory-policy"); !policy.empty()) {
    cluster.eviction = providers::redis_eviction(policy);
    if (cluster.eviction.empty()) plan.diagnostics.add(redis_eviction_unknown(service, policy));
  }
  for (auto& resource : providers::redis(plan.scope, cluster)) plan.graph.add(std::move(resource));
  store.ready = providers::redis_ready(cluster);
}

// --- MongoDB ---

std::string mongo_password_node(const std::string& service) { return node("secret", "mongo/" + service); }

Value::Text mongo_user(const Service& service) {
  const auto* user = find_variable(service, "MONGO_INITDB_ROOT_USERNAME");
  return user ? text_of(*user) : Value::Text{"defang"};
}

Value::Text mongo_password(const Service& service) {
  if (const auto* password = find_variable(service, "MONGO_INITDB_ROOT_PASSWORD")) return text_of(*password);
  return {providers::output_of(mongo_password_node(service.name), "value")};
}

void add_mongo(Planning& plan, ManagedStore& store) {
  const auto& service = *store.service;
  const auto password = mongo_password(service);
  if (!find_variable(service, "MONGO_INITDB_ROOT_PASSWORD"))
    plan.graph.add(graph::Action{
        .id = mongo_password_node(service.name),
        .what = graph::WriteSecret{std::string(providers::kVault),
                                   providers::derived_secret_name("mongo/" + service.name), graph::GeneratedRecipe{}},
        .origin = service.span,
        .because = "managed MongoDB has a password, unlike its image",
        .service = service.name,
        .after = {}});
  need_config(plan, password, service.name, service.span);
  const providers::MongoCluster cluster{.service = service.name,
                                        .version = providers::mongo_version(service.image ? service.image->value : ""),
                                        .login = literal_or(service, "MONGO_INITDB_ROOT_USERNAME", "defang"),
                                        .password = password,
                                        .origin = service.span};
  for (auto& resource : providers::mongo(plan.scope, cluster)) plan.graph.add(std::move(resource));
  store.ready = providers::mongo_ready(cluster);
}

// --- models ---

/// Every model that somebody uses: gateways and providers, apps marked with `x-defang-llm`, and `models`.
struct WantedModel {
  std::string deployment, wanted, service;
  SourceSpan span;
};

bool calls_models(const Service& service) { return is_on(service, "x-defang-llm") && !is_model(service); }

/// The variable by which a service that calls models names the one it wants; nullptr for none.
const EnvironmentVariable* model_variable(const Service& service) {
  for (const auto* name : {"LLM_MODEL", "OPENAI_MODEL", "AZURE_OPENAI_DEPLOYMENT"})
    if (const auto* variable = find_variable(service, name)) return variable;
  return nullptr;
}

/// What such a service sends as `model`.
std::string deployment_called(const Service& service) {
  const auto said = literal_of(model_variable(service));
  return said && !said->empty() ? *said : std::string(kDefaultModel);
}

/// Azure's own clients read variables of their own (AI-16); a service that names one of them uses such a client.
bool speaks_azure_openai(const Service& service) {
  return std::ranges::any_of(service.environment, [](const EnvironmentVariable& variable) {
    return variable.name.starts_with("AZURE_OPENAI_") || variable.name == "OPENAI_API_VERSION";
  });
}

std::string_view key_variable(const Service& service) {
  return speaks_azure_openai(service) ? "AZURE_OPENAI_API_KEY" : kModelKeyVariable;
}

std::vector<WantedModel> wanted_models(const Planning& plan) {
  std::vector<WantedModel> wanted;
  const auto add = [&](WantedModel model) {
    if (std::ranges::find(wanted, model.deployment, &WantedModel::deployment) == wanted.end())
      wanted.push_back(std::move(model));
  };
  for (const auto& [name, store] : plan.stores)
    if (store.kind == Kind::model) add({store.deployment, wanted_model(*store.service), name, store.service->span});
  for (const auto& [name, service] : plan.project.services) {
    for (const auto& model : service.models) {
      const auto found = plan.project.models.find(*model);
      add({*model, found == plan.project.models.end() ? *model : found->second.model, name, model.span});
    }
    if (calls_models(service) && service.models.empty()) add({deployment_called(service), "", name, service.span});
  }
  return wanted;
}

void add_models(Planning& plan) {
  const auto wanted = wanted_models(plan);
  if (wanted.empty()) return;
  auto facts = plan.facts.models;
  for (auto& resource : providers::model_account(plan.scope, facts ? &*facts : nullptr))
    plan.graph.add(std::move(resource));
  std::string before = std::string(providers::kModels);
  for (const auto& one : wanted) {
    const auto name = one.wanted.empty() ? one.deployment : one.wanted;
    const auto model = providers::choose_model(one.deployment, name, facts ? &*facts : nullptr);
    plan.diagnostics.add(model.fault.empty()
                             ? model_chosen(one.service, one.deployment, model.name, model.reason, one.span)
                             : model_not_offered(one.service, name, plan.scope.location, model.fault, one.span));
    // Deployments of one model share its quota.
    if (facts)
      for (auto& offer : facts->offered)
        if (offer.name == model.name && offer.sku == model.sku) offer.free -= model.capacity;
    plan.graph.add(providers::model_deployment(
        plan.scope, {.name = one.deployment, .model = model, .service = one.service, .origin = one.span}, before));
    before = providers::model_node(one.deployment);
  }
  plan.graph.add(
      graph::Action{.id = std::string(providers::kModelsKey),
                    .what = graph::WriteSecret{std::string(providers::kVault), providers::derived_secret_name("models"),
                                               graph::ComposedRecipe{{providers::model_key()}}},
                    .origin = {},
                    .because = "services sign in to models with it",
                    .service = {},
                    .after = {{before, "its account must be ready"}}});
}

bool has_models(const Planning& plan) { return plan.graph.find(providers::kModelsKey) != nullptr; }

// --- endpoints ---

ManagedEndpoint endpoint_of(const Planning& plan, const ManagedStore& store) {
  const auto& service = *store.service;
  switch (store.kind) {
    case Kind::postgres:
      return {.kind = ManagedEndpoint::Kind::postgres,
              .host = {providers::property_of("postgres/" + service.name, "properties.fullyQualifiedDomainName")},
              .user = {},
              .password = {}};
    case Kind::redis:
      return {.kind = ManagedEndpoint::Kind::redis,
              .host = {providers::redis_host(service.name)},
              .port = providers::kRedisPort,
              .compose_port = 6379,
              .user = {},
              .password = {providers::redis_key(service.name)}};
    case Kind::mongodb: {
      auto password = mongo_password(service);
      for (auto& piece : password)
        if (auto* reference = std::get_if<Reference>(&piece)) reference->percent_encoded = true;
      return {.kind = ManagedEndpoint::Kind::mongodb,
              .host = providers::mongo_host(plan.scope, service.name),
              .port = 27017,
              .compose_port = 27017,
              .user = mongo_user(service),
              .password = std::move(password)};
    }
    case Kind::mysql:
      return {.kind = ManagedEndpoint::Kind::mysql,
              .host = {providers::mysql_host(service.name)},
              .port = 3306,
              .compose_port = 3306,
              .user = {},
              .password = {}};
    case Kind::objects:
      return {.kind = ManagedEndpoint::Kind::objects, .host = {}, .port = 443, .user = {}, .password = {}};
    case Kind::model:
      break;
  }
  return {.kind = ManagedEndpoint::Kind::model, .host = providers::model_base_url(), .user = {}, .password = {}};
}

Client client_of(const Service& service, std::string_view variable) {
  const auto says = [](const std::string& word) { return contains_ignoring_case(word, "celery"); };
  if (service.command && std::ranges::any_of(service.command->value, says)) return Client::celery;
  return client_of_variable(variable);
}

/// The variables with their literal texts; `${X}` stays out of what can be read.
std::vector<NamedText> texts_by_name(const Service& service) {
  std::vector<NamedText> texts;
  for (const auto& variable : service.environment) texts.push_back({variable.name, literal_of(&variable)});
  return texts;
}

const SplitAddress& split_of(const Planning& plan, PlannedService& planned) {
  if (!planned.split) planned.split = rewrite_split(texts_by_name(*planned.service), plan.endpoints);
  return *planned.split;
}

/// The variable's text led to the stores that it names; nothing where it names none.
std::optional<Rewritten> rewritten_variable(const Planning& plan, const Service& service,
                                            const EnvironmentVariable& variable) {
  const auto literal = literal_of(&variable);
  if (literal && plan.endpoints.contains(*literal) && !may_hold_host(variable.name, *literal)) return std::nullopt;
  return rewrite(text_of(variable), plan.endpoints, client_of(service, variable.name));
}

Value as_variable(Planning& plan, PlannedService& planned, const std::string& name, Value::Text text,
                  const SourceSpan& span) {
  const auto& service = *planned.service;
  if (!is_secret(text)) return Value::Map{{"name", name}, {"value", std::move(text)}};
  need_config(plan, text, service.name, span);
  const auto what = service.name + "/" + name;
  const auto id = node("secret", what);
  if (!plan.graph.find(id))
    plan.graph.add(
        graph::Action{.id = id,
                      .what = graph::WriteSecret{std::string(providers::kVault), providers::derived_secret_name(what),
                                                 graph::ComposedRecipe{std::move(text)}},
                      .origin = span,
                      .because = "`" + name + "` of service `" + service.name + "` holds a key or password",
                      .service = service.name,
                      .after = {}});
  return Value::Map{{"name", name}, {"secretRef", use_secret(plan, planned.workload, id)}};
}

/// Models that the service reaches by `models` or by depending on one, each with the names of its variables.
struct UsedModel {
  std::string deployment, url_variable, model_variable;
};
std::vector<UsedModel> models_of(const Planning& plan, const Service& service) {
  std::vector<UsedModel> used;
  const auto name_of = [&](const std::string& model, std::string_view key, const std::string& otherwise) {
    const auto* name = value_at(plan.project, service.name, "models." + model + "." + std::string(key));
    return name && name->is_text() ? name->text : otherwise;
  };
  for (const auto& model : service.models)
    used.push_back({providers::model_deployment_name(*model),
                    name_of(*model, "endpoint_var", upper_name(*model) + "_URL"),
                    name_of(*model, "model_var", upper_name(*model) + "_MODEL")});
  for (const auto& dependency : service.depends_on) {
    const auto store = plan.stores.find(dependency.service);
    if (store == plan.stores.end() || store->second.kind != Kind::model || !store->second.service->provider_type)
      continue;
    used.push_back({providers::model_deployment_name(store->second.deployment), upper_name(dependency.service) + "_URL",
                    upper_name(dependency.service) + "_MODEL"});
  }
  return used;
}

/// The service talks to a model of ours: its key is ours too.
bool uses_our_models(const Planning& plan, const Service& service) {
  if (!models_of(plan, service).empty()) return true;
  return std::ranges::any_of(service.environment, [&](const EnvironmentVariable& variable) {
    const auto found = rewritten_variable(plan, service, variable);
    return found && std::ranges::any_of(found->connections, [&](const Connection& connection) {
             return plan.endpoints.at(connection.host).kind == ManagedEndpoint::Kind::model;
           });
  });
}

/// Azure's clients find their account and sign in by these variables; each store that the service depends on has them,
/// and only one can.
template <class Add>
void add_objects_variables(Planning& plan, PlannedService& planned, Add&& add) {
  const ManagedStore* first = nullptr;
  for (const auto& dependency : planned.service->depends_on) {
    const auto found = plan.stores.find(dependency.service);
    if (found == plan.stores.end() || found->second.kind != Kind::objects) continue;
    if (first) return plan.diagnostics.add(objects_twice(*planned.service, first->service->name, dependency));
    first = &found->second;
    const auto account = providers::object_store_node(dependency.service);
    add("AZURE_STORAGE_ACCOUNT", Value::Text{Reference{account, Reference::Kind::name, "", ""}});
    add("AZURE_STORAGE_BLOB_ENDPOINT",
        Value::Text{providers::property_of(account, "properties.primaryEndpoints.blob")});
    add("AZURE_STORAGE_CONTAINER", Value::Text{first->buckets.front()});
    if (plan.scope.can_assign_roles) {
      planned.workload.signs_in = true;
      add("AZURE_CLIENT_ID", Value::Text{providers::property_of(providers::kDataIdentity, "properties.clientId")});
    } else if (!find_variable(*planned.service, "AZURE_STORAGE_CONNECTION_STRING")) {
      planned.workload.environment.push_back(
          Value::Map{{"name", "AZURE_STORAGE_CONNECTION_STRING"},
                     {"secretRef", use_secret(plan, planned.workload, objects_key_node(dependency.service))}});
    }
  }
}

/// One family of variables, never both: a base URL breaks Azure's clients (AI-16).
template <class Add>
void add_model_address(Planning& plan, const Service& service, Add&& add) {
  const auto deployment = providers::model_deployment_name(deployment_called(service));
  const auto* said = model_variable(service);
  if (said && !literal_of(said)) plan.diagnostics.add(model_name_from_config(service, *said, deployment));
  if (speaks_azure_openai(service)) {
    add("AZURE_OPENAI_ENDPOINT", providers::model_endpoint());
    add("OPENAI_API_VERSION", {std::string(providers::kModelApiVersion)});
    if (!said) add("AZURE_OPENAI_DEPLOYMENT", {deployment});
    return;
  }
  add("OPENAI_BASE_URL", providers::model_base_url());
  if (!said) add("OPENAI_MODEL", {deployment});
}

/// A gateway of the project's own stands between the service and any model.
bool asks_a_sibling(const Planning& plan, const Service& service) {
  for (const auto* name : {"OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT"})
    if (const auto address = literal_of(find_variable(service, name)))
      if (!mentions_in(*address, plan.hosts).empty()) return true;
  return false;
}

/// Who calls models with a client of its own is led to ours, whoever's it named: address and key go together.
bool is_led_to_our_models(const Planning& plan, const Service& service) {
  return (calls_models(service) && !asks_a_sibling(plan, service)) || uses_our_models(plan, service);
}

/// A name that no deployment can have ("ai/llama3.3") is sent in the form that it has on Azure; an endpoint of Azure's
/// clients is no base URL.
std::optional<Value> model_setting_rewritten(Planning& plan, PlannedService& planned,
                                             const EnvironmentVariable& variable) {
  const auto& service = *planned.service;
  const auto literal = literal_of(&variable);
  const auto led_to = [&](Value::Text address) {
    plan.diagnostics.add(store_address_rewritten(service, variable, std::string(providers::kModels)));
    return as_variable(plan, planned, variable.name, std::move(address), variable.span);
  };
  if (variable.name == "AZURE_OPENAI_ENDPOINT" && is_led_to_our_models(plan, service))
    return led_to(providers::model_endpoint());
  if (variable.name == "OPENAI_BASE_URL" && calls_models(service) && !asks_a_sibling(plan, service) &&
      !speaks_azure_openai(service) && !rewritten_variable(plan, service, variable))
    return led_to(providers::model_base_url());
  if (!literal || !variable.name.ends_with("_MODEL") || !plan.graph.find(providers::model_node(*literal)))
    return std::nullopt;
  const auto name = providers::model_deployment_name(*literal);
  if (name == *literal) return std::nullopt;
  plan.diagnostics.add(store_setting_replaced(service, variable));
  return as_variable(plan, planned, variable.name, {name}, variable.span);
}

void note_redis_database(Planning& plan, const std::string& host, int number) {
  plan.redis_databases[plan.all_hosts.at(host)].insert(number);
}

/// Images that take TLS by a variable of another family; `value` is set where the user sets none.
struct TlsVariable {
  std::string_view image, name, value;
};
constexpr auto kTlsVariables = std::to_array<TlsVariable>({
    // wp-config-docker.php of the image evaluates it; wpdb hands MYSQL_CLIENT_FLAGS to mysqli_real_connect().
    {"wordpress", "WORDPRESS_CONFIG_EXTRA", "define('MYSQL_CLIENT_FLAGS', MYSQLI_CLIENT_SSL);"},
});

/// What split settings leave open is said by a variable that the image knows, or else asked for.
template <class Add>
void check_split_addresses(Planning& plan, PlannedService& planned, Add&& add) {
  const auto& service = *planned.service;
  const auto repository = service.image ? std::string(providers::repository_of(service.image->value)) : "";
  const auto row = std::ranges::find(kTlsVariables, repository, &TlsVariable::image);
  for (const auto& fault : split_of(plan, planned).faults) {
    if (row != kTlsVariables.end() && fault.missing == "TLS") {
      add(std::string(row->name), Value::Text{std::string(row->value)});
      continue;
    }
    const auto variable = std::ranges::find(service.environment, fault.name, &EnvironmentVariable::name);
    plan.diagnostics.add(split_address_incomplete(service, *variable, fault));
  }
}

}  // namespace

std::map<std::string, StoreClient> store_clients(const compose::Project& project, const Stack& stack) {
  Diagnostics told_elsewhere;
  const Facts facts;
  auto plan = begin_planning(project, stack, facts, told_elsewhere);
  find_stores(plan);
  std::map<std::string, StoreClient> clients;
  for (const auto& [name, store] : plan.stores) {
    const auto text = [](const Value& value) {
      const auto* pieces = value.get_if<Value::Text>();
      return pieces ? *pieces : Value::Text();
    };
    const auto host = endpoint_of(plan, store).host;
    if (store.kind == Kind::postgres) {
      const auto server = postgres_server(plan, *store.service);
      clients[name] = {StoreClient::Kind::postgres, "postgres/" + name, host, 5432, server.login, server.database,
                       text(server.password)};
    } else if (store.kind == Kind::mysql) {
      const auto server = mysql_server(plan, *store.service);
      clients[name] = {StoreClient::Kind::mysql, "mysql/" + name,      host, 3306, server.login,
                       server.database,          text(server.password)};
    } else if (store.kind == Kind::redis) {
      auto key = providers::redis_key(name);
      key.percent_encoded = false;
      clients[name] = {StoreClient::Kind::redis, "redis/" + name, host, providers::kRedisPort, "", "", {key}};
    } else if (store.kind == Kind::mongodb) {
      const auto user = literal_or(*store.service, "MONGO_INITDB_ROOT_USERNAME", "defang");
      clients[name] = {StoreClient::Kind::mongodb, "mongo/" + name, host, 0, user, "", mongo_password(*store.service)};
    }
  }
  return clients;
}

bool uses_models(const compose::Project& project) {
  return std::ranges::any_of(project.services, [](const auto& entry) {
    return is_model(entry.second) || calls_models(entry.second) || !entry.second.models.empty();
  });
}

void find_stores(Planning& plan) {
  for (const auto& [name, service] : plan.project.services) {
    const auto kind = kind_of(plan, service);
    if (!kind) continue;
    ManagedStore store{.kind = *kind, .service = &service, .buckets = {}, .deployment = {}, .ready = {}};
    if (*kind == Kind::model) {
      store.deployment = model_name_said(plan, name);
      if (store.deployment.empty()) store.deployment = wanted_model(service);
      if (store.deployment.empty()) store.deployment = kDefaultModel;
      store.ready = {std::string(providers::kModelsKey), "endpoint/models/names"};
    } else {
      note_dropped_data(plan, service);
    }
    plan.stores.emplace(name, std::move(store));
    plan.services.erase(name);
  }
  std::erase_if(plan.hosts, [&](const auto& host) {
    const auto store = plan.stores.find(host.second);
    if (store == plan.stores.end()) return false;
    plan.endpoints.emplace(host.first, endpoint_of(plan, store->second));
    return true;
  });
}

providers::NetworkNeeds network_needs(const Planning& plan) {
  providers::NetworkNeeds needs;
  for (const auto& [name, store] : plan.stores) {
    if (store.kind == Kind::postgres) needs.postgres = true;
    if (store.kind == Kind::mysql) needs.mysql = true;
    if (store.kind == Kind::redis || store.kind == Kind::mongodb) needs.private_endpoints = true;
  }
  if (!wanted_models(plan).empty()) needs.private_endpoints = true;
  return needs;
}

void add_stores(Planning& plan) {
  std::set<std::string> zones;
  for (const auto& [name, store] : plan.stores) {
    if (store.kind == Kind::postgres) zones.insert(providers::postgres_zone(plan.scope));
    if (store.kind == Kind::mysql) zones.insert(providers::mysql_zone(plan.scope));
    if (store.kind == Kind::redis) zones.emplace(providers::kRedisZone);
    if (store.kind == Kind::mongodb) zones.emplace(providers::kMongoZone);
  }
  if (!wanted_models(plan).empty())
    for (auto& zone : providers::model_zones()) zones.insert(std::move(zone));
  for (const auto& zone : zones)
    for (auto& resource : providers::private_zone(plan.scope, zone)) plan.graph.add(std::move(resource));
  for (auto& [name, store] : plan.stores) {
    if (store.kind == Kind::postgres) add_postgres(plan, store);
    if (store.kind == Kind::mysql) add_mysql(plan, store);
    if (store.kind == Kind::objects) add_objects(plan, store);
    if (store.kind == Kind::redis) add_redis(plan, store);
    if (store.kind == Kind::mongodb) add_mongo(plan, store);
  }
  add_models(plan);
}

void check_redis_databases(Planning& plan) {
  for (const auto& [store, numbers] : plan.redis_databases)
    if (numbers.size() > 1) plan.diagnostics.add(redis_databases_mix(*plan.stores.at(store).service));
}

std::optional<Value> store_variable(Planning& plan, PlannedService& planned, const EnvironmentVariable& variable) {
  const auto& service = *planned.service;
  if (has_models(plan))
    if (auto value = model_setting_rewritten(plan, planned, variable)) return std::move(*value);
  // A key of anybody else's opens nothing where the address leads to our models.
  if (has_models(plan) && variable.name == key_variable(service) && is_led_to_our_models(plan, service))
    return Value::Map{{"name", variable.name},
                      {"secretRef", use_secret(plan, planned.workload, std::string(providers::kModelsKey))}};
  const auto& split = split_of(plan, planned);
  const auto setting = std::ranges::find(split.settings, variable.name, &SplitSetting::name);
  if (setting != split.settings.end()) {
    plan.diagnostics.add(store_setting_replaced(service, variable));
    if (setting->redis_database) note_redis_database(plan, setting->host, *setting->redis_database);
    return as_variable(plan, planned, variable.name, setting->value, variable.span);
  }
  auto rewritten = rewritten_variable(plan, service, variable);
  if (!rewritten) return std::nullopt;
  plan.diagnostics.add(store_address_rewritten(service, variable, rewritten->connections.front().host));
  for (const auto& connection : rewritten->connections) {
    if (!connection.fault.empty())
      plan.diagnostics.add(store_address_impossible(service, variable, connection.host, connection.fault));
    const bool is_redis = plan.endpoints.at(connection.host).kind == ManagedEndpoint::Kind::redis;
    if (is_redis && connection.tls == Connection::Tls::said)
      note_redis_database(plan, connection.host, connection.redis_database.value_or(0));
  }
  return as_variable(plan, planned, variable.name, std::move(rewritten->value), variable.span);
}

void add_store_variables(Planning& plan, PlannedService& planned) {
  const auto& service = *planned.service;
  auto& environment = planned.workload.environment;
  const auto add = [&](const std::string& name, Value::Text text) {
    if (!find_variable(service, name))
      environment.push_back(as_variable(plan, planned, name, std::move(text), service.span));
  };
  for (const auto& variable : service.environment) {
    const auto found = rewritten_variable(plan, service, variable);
    // libpq and the drivers that follow it speak TLS only when told to.
    if (found && std::ranges::any_of(found->connections, [&](const Connection& connection) {
          return plan.endpoints.at(connection.host).kind == ManagedEndpoint::Kind::postgres &&
                 connection.tls == Connection::Tls::unsaid;
        })) {
      add("PGSSLMODE", {"require"});
      break;
    }
  }
  check_split_addresses(plan, planned, add);
  add_objects_variables(plan, planned, add);
  for (const auto& model : models_of(plan, service)) {
    add(model.url_variable, providers::model_base_url());
    add(model.model_variable, {model.deployment});
  }
  const bool calls = calls_models(service);
  if (calls && service.models.empty()) add_model_address(plan, service, add);
  const auto key = key_variable(service);
  if (is_led_to_our_models(plan, service) && !find_variable(service, key))
    environment.push_back(Value::Map{
        {"name", key}, {"secretRef", use_secret(plan, planned.workload, std::string(providers::kModelsKey))}});
}

std::optional<Value> store_word(Planning& plan, const PlannedService& planned, const std::string& word,
                                const SourceSpan& span) {
  // A bare word of a command is as likely a name or a user.
  if (plan.endpoints.contains(word)) return std::nullopt;
  auto rewritten = rewrite({word}, plan.endpoints, client_of(*planned.service, ""));
  if (!rewritten) return std::nullopt;
  if (is_secret(rewritten->value)) plan.diagnostics.add(key_in_command(*planned.service, span));
  return Value(std::move(rewritten->value));
}

std::vector<graph::Edge> needs_of_stores(const Planning& plan, const Service& service) {
  std::set<std::string> names;
  for (const auto& dependency : service.depends_on)
    if (plan.stores.contains(dependency.service)) names.insert(dependency.service);
  for (const auto& variable : service.environment)
    if (const auto rewritten = rewritten_variable(plan, service, variable))
      for (const auto& connection : rewritten->connections) names.insert(plan.all_hosts.at(connection.host));
  std::vector<graph::Edge> edges;
  for (const auto& name : names)
    for (const auto& ready : plan.stores.at(name).ready)
      edges.push_back({ready, "service `" + name + "` must answer under its name"});
  if (calls_models(service) || !service.models.empty())
    edges.push_back({"endpoint/models/names", "models must answer"});
  return edges;
}

}  // namespace defang::plan
