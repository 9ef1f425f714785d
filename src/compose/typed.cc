#include "compose/typed.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "compose/attributes.h"
#include "compose/durations.h"
#include "compose/interpolate.h"
#include "compose/paths.h"

namespace defang::compose {
namespace {

std::string text_of(const Node* node) { return node && node->is_text() ? without_marks(node->text) : ""; }

bool is_true(const Node* node) { return node && node->kind == Node::Kind::boolean && node->boolean; }

std::optional<Spanned<std::string>> spanned_text(const Node* node) {
  if (!node || !node->is_text()) return std::nullopt;
  return Spanned<std::string>{without_marks(node->text), node->span};
}

std::vector<Spanned<std::string>> spanned_texts(const Node* node) {
  std::vector<Spanned<std::string>> texts;
  if (node && node->is_text()) texts.push_back({without_marks(node->text), node->span});
  if (node)
    for (const Node& item : node->items) texts.push_back({without_marks(item.text), item.span});
  return texts;
}

std::vector<std::string> texts_of(const Node* node) {
  std::vector<std::string> texts;
  if (node)
    for (const Node& item : node->items) texts.push_back(without_marks(item.text));
  return texts;
}

std::optional<Spanned<std::vector<std::string>>> words_of(const Node* node) {
  if (!node || !node->is_list()) return std::nullopt;
  return Spanned<std::vector<std::string>>{texts_of(node), node->span};
}

std::optional<std::chrono::nanoseconds> duration_of(const Node* node) {
  return node && node->is_text() ? parse_duration(node->text) : std::nullopt;
}

/// Sizes in bytes are decimal texts in the canonical form.
std::optional<Spanned<std::int64_t>> bytes_of(const Node* node) {
  if (!node || !node->is_text()) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(node->text.data(), node->text.data() + node->text.size(), value);
  if (error != std::errc{} || end != node->text.data() + node->text.size()) return std::nullopt;
  return Spanned<std::int64_t>{value, node->span};
}

std::optional<Spanned<std::int64_t>> integer_of(const Node* node) {
  if (!node || node->kind != Node::Kind::integer) return std::nullopt;
  return Spanned<std::int64_t>{node->integer, node->span};
}

std::optional<Spanned<double>> number_of(const Node* node) {
  if (!node) return std::nullopt;
  if (node->kind == Node::Kind::integer) return Spanned<double>{static_cast<double>(node->integer), node->span};
  if (node->kind == Node::Kind::number) return Spanned<double>{node->number, node->span};
  return std::nullopt;
}

std::vector<EnvironmentVariable> variables_of(const Node* node) {
  std::vector<EnvironmentVariable> variables;
  if (!node) return variables;
  for (const Node::Entry& entry : node->entries) {
    EnvironmentVariable variable{entry.key, std::nullopt, entry.key_span};
    if (entry.value.is_text()) variable.value = pieces_of(entry.value.text);
    variables.push_back(std::move(variable));
  }
  return variables;
}

std::vector<FileReference> references_of(const Node* node) {
  std::vector<FileReference> references;
  if (!node) return references;
  for (const Node& item : node->items)
    references.push_back({text_of(item.find("source")), text_of(item.find("target")), item.span});
  return references;
}

std::optional<Build> build_of(const Node* node) {
  if (!node || !node->is_mapping()) return std::nullopt;
  Build build;
  const Node* context = node->find("context");
  const Node* dockerfile = node->find("dockerfile");
  const Node* target = node->find("target");
  build.context = text_of(context);
  build.is_remote = is_remote_context(text_of(context));
  if (dockerfile) build.dockerfile = text_of(dockerfile);
  if (const Node* text = node->find("dockerfile_inline")) build.dockerfile_inline = text_of(text);
  build.target = text_of(target);
  build.args = variables_of(node->find("args"));
  build.platforms = spanned_texts(node->find("platforms"));
  if (const Node* contexts = node->find("additional_contexts"))
    for (const Node::Entry& entry : contexts->entries) build.additional_contexts[entry.key] = text_of(&entry.value);
  build.secrets = references_of(node->find("secrets"));
  build.span = node->span;
  build.context_span = context ? context->span : node->span;
  build.dockerfile_span = dockerfile && !dockerfile->implied ? dockerfile->span : node->span;
  if (target) build.target_span = target->span;
  return build;
}

std::vector<Port> ports_of(const Node* node) {
  std::vector<Port> ports;
  if (!node) return ports;
  for (const Node& item : node->items) {
    Port port;
    if (const auto target = integer_of(item.find("target"))) port.target = static_cast<int>(target->value);
    port.published = text_of(item.find("published"));
    port.protocol = text_of(item.find("protocol"));
    port.host_ip = text_of(item.find("host_ip"));
    port.name = text_of(item.find("name"));
    port.app_protocol = text_of(item.find("app_protocol"));
    port.mode = text_of(item.find("mode")) == "host" ? Port::Mode::host : Port::Mode::ingress;
    port.span = item.span;
    ports.push_back(std::move(port));
  }
  return ports;
}

std::optional<Healthcheck> healthcheck_of(const Node::Entry* entry) {
  if (!entry || !entry->value.is_mapping()) return std::nullopt;
  const Node& node = entry->value;
  Healthcheck check;
  check.test = texts_of(node.find("test"));
  check.disabled = is_true(node.find("disable")) || (!check.test.empty() && check.test.front() == "NONE");
  check.interval = duration_of(node.find("interval"));
  check.timeout = duration_of(node.find("timeout"));
  check.start_period = duration_of(node.find("start_period"));
  check.start_interval = duration_of(node.find("start_interval"));
  if (const auto retries = integer_of(node.find("retries"))) check.retries = static_cast<std::uint64_t>(retries->value);
  check.span = entry->key_span;
  if (const Node* test = node.find("test")) check.test_span = test->span;
  return check;
}

std::vector<Dependency> dependencies_of(const Node* node) {
  std::vector<Dependency> dependencies;
  if (!node) return dependencies;
  for (const Node::Entry& entry : node->entries) {
    Dependency dependency;
    dependency.service = entry.key;
    const std::string condition = text_of(entry.value.find("condition"));
    if (condition == "service_healthy") dependency.condition = Dependency::Condition::service_healthy;
    if (condition == "service_completed_successfully")
      dependency.condition = Dependency::Condition::service_completed_successfully;
    dependency.required = is_true(entry.value.find("required"));
    dependency.span = entry.key_span;
    dependencies.push_back(std::move(dependency));
  }
  return dependencies;
}

std::vector<Mount> mounts_of(const Node* node) {
  std::vector<Mount> mounts;
  if (!node) return mounts;
  for (const Node& item : node->items) {
    const Node* volume = item.find("volume");
    mounts.push_back({text_of(item.find("type")), text_of(item.find("source")), text_of(item.find("target")),
                      is_true(item.find("read_only")), text_of(volume ? volume->find("subpath") : nullptr), item.span});
  }
  return mounts;
}

std::vector<ServiceNetwork> networks_of(const Node* node) {
  std::vector<ServiceNetwork> networks;
  if (!node) return networks;
  for (const Node::Entry& entry : node->entries)
    networks.push_back({entry.key, spanned_texts(entry.value.find("aliases")), entry.key_span});
  return networks;
}

Amounts amounts_of(const Node* deploy, std::string_view section) {
  Amounts amounts;
  const Node* resources = deploy ? deploy->find("resources") : nullptr;
  const Node* node = resources ? resources->find(section) : nullptr;
  if (!node) return amounts;
  amounts.cpus = number_of(node->find("cpus"));
  amounts.memory_bytes = bytes_of(node->find("memory"));
  if (const Node::Entry* devices = node->find_entry("devices")) {
    amounts.has_devices = true;
    amounts.devices_span = devices->key_span;
  }
  return amounts;
}

void read_amounts(const Node& node, Service& service) {
  const Node* deploy = node.find("deploy");
  service.reservations = amounts_of(deploy, "reservations");
  service.limits = amounts_of(deploy, "limits");
  // The attributes of older files, where `deploy` does not say it.
  if (!service.limits.cpus) service.limits.cpus = number_of(node.find("cpus"));
  if (!service.limits.memory_bytes) service.limits.memory_bytes = bytes_of(node.find("mem_limit"));
  if (!service.reservations.memory_bytes) service.reservations.memory_bytes = bytes_of(node.find("mem_reservation"));
  if (const Node::Entry* gpus = node.find_entry("gpus")) {
    service.reservations.has_devices = true;
    service.reservations.devices_span = gpus->key_span;
  }
  service.replicas = integer_of(deploy ? deploy->find("replicas") : nullptr);
  if (!service.replicas) service.replicas = integer_of(node.find("scale"));
}

void read_provider(const Node& node, Service& service) {
  const Node* provider = node.find("provider");
  if (!provider) return;
  service.provider_type = spanned_text(provider->find("type"));
  if (const Node* options = provider->find("options"))
    for (const Node::Entry& entry : options->entries) service.provider_options[entry.key] = texts_of(&entry.value);
}

/// Everything below the service that somebody wrote, by path; of the items of a list the first that has it.
class WrittenAttributes {
 public:
  void visit(const Node& node, const Shape& shape, const std::string& path) {
    for (const Node& item : node.items)
      if (shape.each) visit(item, *shape.each, path + "[]");
    if (shape.type() != Type::object) return;
    for (const Node::Entry& entry : node.entries) {
      if (entry.value.implied) continue;
      const std::string inner_path = path.empty() ? entry.key : path + "." + entry.key;
      spans_.emplace(inner_path, entry.key_span);
      if (const Shape* inner = shape.key(entry.key)) visit(entry.value, *inner, inner_path);
    }
  }
  std::vector<Attribute> take() const {
    std::vector<Attribute> attributes;
    for (const auto& [path, span] : spans_) attributes.push_back({path, span});
    return attributes;
  }

 private:
  std::map<std::string, SourceSpan> spans_;
};

void remove_marks(Node& node) {
  if (node.is_text()) node.text = without_marks(node.text);
  for (Node& item : node.items) remove_marks(item);
  for (Node::Entry& entry : node.entries) remove_marks(entry.value);
}

Service service_of(const Node::Entry& entry) {
  const Node& node = entry.value;
  Service service;
  service.name = entry.key;
  service.span = entry.key_span;
  service.image = spanned_text(node.find("image"));
  service.build = build_of(node.find("build"));
  service.command = words_of(node.find("command"));
  service.entrypoint = words_of(node.find("entrypoint"));
  service.environment = variables_of(node.find("environment"));
  service.ports = ports_of(node.find("ports"));
  service.expose = spanned_texts(node.find("expose"));
  service.healthcheck = healthcheck_of(node.find_entry("healthcheck"));
  service.depends_on = dependencies_of(node.find("depends_on"));
  service.volumes = mounts_of(node.find("volumes"));
  service.volumes_from = spanned_texts(node.find("volumes_from"));
  service.tmpfs = spanned_texts(node.find("tmpfs"));
  service.secrets = references_of(node.find("secrets"));
  service.configs = references_of(node.find("configs"));
  service.networks = networks_of(node.find("networks"));
  service.network_mode = spanned_text(node.find("network_mode"));
  service.restart = spanned_text(node.find("restart"));
  service.platform = spanned_text(node.find("platform"));
  service.domainname = spanned_text(node.find("domainname"));
  service.working_dir = spanned_text(node.find("working_dir"));
  service.user = spanned_text(node.find("user"));
  if (const Node* period = node.find("stop_grace_period"))
    if (const auto duration = duration_of(period)) service.stop_grace_period = {*duration, period->span};
  read_amounts(node, service);
  read_provider(node, service);
  if (const Node* labels = node.find("labels"))
    for (const Node::Entry& label : labels->entries)
      service.labels[label.key] = {text_of(&label.value), label.key_span};
  if (const Node* models = node.find("models"))
    for (const Node::Entry& model : models->entries) service.models.push_back({model.key, model.key_span});
  for (const Node::Entry& extension : node.entries)
    if (extension.key.starts_with("x-")) {
      Node value = extension.value;
      remove_marks(value);
      service.extensions[extension.key] = std::move(value);
    }
  WrittenAttributes written;
  written.visit(node, *compose_file().key("services")->each, "");
  service.attributes = written.take();
  return service;
}

template <class Read>
void each(const Node& project, std::string_view section, Read read) {
  if (const Node* resources = project.find(section))
    for (const Node::Entry& entry : resources->entries) read(entry);
}

FileSource file_source_of(const Node::Entry& entry) {
  FileSource source;
  source.name = entry.key;
  source.file = text_of(entry.value.find("file"));
  source.environment = text_of(entry.value.find("environment"));
  if (const Node* content = entry.value.find("content"); content && content->is_text())
    source.content = pieces_of(content->text);
  source.external = is_true(entry.value.find("external"));
  source.span = entry.key_span;
  return source;
}

}  // namespace

Project to_project(Node canonical) {
  Project project;
  each(canonical, "services", [&](const auto& entry) { project.services[entry.key] = service_of(entry); });
  each(canonical, "networks", [&](const auto& entry) {
    project.networks[entry.key] = {text_of(entry.value.find("name")), is_true(entry.value.find("internal")),
                                   is_true(entry.value.find("external")), entry.key_span};
  });
  each(canonical, "volumes", [&](const auto& entry) {
    project.volumes[entry.key] = {text_of(entry.value.find("name")), is_true(entry.value.find("external")),
                                  text_of(entry.value.find("driver")), entry.value.find("driver_opts") != nullptr,
                                  entry.key_span};
  });
  each(canonical, "secrets", [&](const auto& entry) { project.secrets[entry.key] = file_source_of(entry); });
  each(canonical, "configs", [&](const auto& entry) { project.configs[entry.key] = file_source_of(entry); });
  each(canonical, "models", [&](const auto& entry) {
    project.models[entry.key] = {entry.key, text_of(entry.value.find("model")), entry.key_span};
  });
  remove_marks(canonical);
  project.canonical = std::move(canonical);
  return project;
}

}  // namespace defang::compose
