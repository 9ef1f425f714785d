#include "compose/normalise.h"

#include <filesystem>

#include "support/text.h"

namespace defang::compose {
namespace {

template <class Visit>
void each_service(Node& project, Visit visit) {
  if (Node* services = project.find("services"))
    for (Node::Entry& entry : services->entries)
      if (entry.value.is_mapping()) visit(entry.value);
}

void set_default(Node& mapping, std::string_view key, Node value) {
  if (!mapping.is_mapping() || mapping.find(key)) return;
  value.span = mapping.span;
  value.implied = true;
  mapping.set(key, std::move(value));
}

void default_build(Node& service) {
  Node* build = service.find("build");
  if (!build || !build->is_mapping()) return;
  set_default(*build, "context", Node::of("."));
  if (!build->find("dockerfile_inline")) set_default(*build, "dockerfile", Node::of("Dockerfile"));
}

void default_dependencies(Node& service) {
  Node* depends_on = service.find("depends_on");
  if (!depends_on) return;
  for (Node::Entry& entry : depends_on->entries) set_default(entry.value, "required", Node::of_boolean(true));
}

void default_ports(Node& service) {
  Node* ports = service.find("ports");
  if (!ports) return;
  for (Node& port : ports->items) {
    set_default(port, "protocol", Node::of("tcp"));
    set_default(port, "mode", Node::of("ingress"));
  }
}

void default_secrets(Node& service) {
  Node* secrets = service.find("secrets");
  if (!secrets) return;
  for (Node& secret : secrets->items)
    if (const Node* source = secret.find("source"))
      set_default(secret, "target", Node::of("/run/secrets/" + source->text));
}

void default_device_counts(Node* devices) {
  if (!devices) return;
  for (Node& device : devices->items)
    if (!device.find("device_ids")) set_default(device, "count", Node::of("all"));
}

void default_devices(Node& service) {
  default_device_counts(service.find("gpus"));
  Node* node = service.find("deploy");
  for (const char* key : {"resources", "reservations", "devices"})
    if (node) node = node->find(key);
  default_device_counts(node);
}

void resolve(Node& node, const Lookup& lookup) {
  const auto found = [&](const std::string& name, const SourceSpan& span) -> std::optional<Node> {
    const auto value = lookup(name);
    if (!value) return std::nullopt;
    Node text = Node::of(*value);
    text.span = span;
    text.from_variable = true;
    return text;
  };
  for (Node::Entry& entry : node.entries)
    if (entry.value.is_null())
      if (auto value = found(entry.key, entry.key_span)) entry.value = std::move(*value);
  for (Node& item : node.items) {
    if (!item.is_text() || item.text.contains('=')) continue;
    if (auto value = found(item.text, item.span)) {
      value->text = item.text + "=" + value->text;
      item = std::move(*value);
    }
  }
}

void add_dependency(Node& service, KeyIndex& known, const std::string& name, bool restart, const SourceSpan& span) {
  Node* depends_on = service.find("depends_on");
  if (!depends_on) {
    Node mapping = Node::of_mapping();
    mapping.span = span;
    mapping.implied = true;
    depends_on = &service.set("depends_on", std::move(mapping));
  }
  if (known.find(*depends_on, name)) return;
  Node dependency = Node::of_mapping();
  dependency.span = span;
  dependency.implied = true;
  dependency.set("condition", Node::of("service_started"));
  dependency.set("restart", Node::of_boolean(restart));
  dependency.set("required", Node::of_boolean(true));
  for (Node::Entry& entry : dependency.entries) entry.value.span = span;
  known.set(*depends_on, name, std::move(dependency));
}

/// CS-131
void add_implied_dependencies(Node& service) {
  const Node original = service;
  KeyIndex known;
  if (const Node* links = original.find("links"))
    for (const Node& link : links->items) {
      const std::vector<std::string> parts = split(link.text, ':');
      add_dependency(service, known, parts.size() == 2 ? parts[0] : link.text, true, link.span);
    }
  for (const char* key : {"network_mode", "ipc", "pid", "uts", "cgroup"}) {
    const Node* mode = original.find(key);
    if (mode && mode->text.starts_with("service:"))
      add_dependency(service, known, mode->text.substr(8), true, mode->span);
  }
  if (const Node* sources = original.find("volumes_from"))
    for (const Node& source : sources->items)
      if (!source.text.starts_with("container:"))
        add_dependency(service, known, split(source.text, ':')[0], false, source.span);
}

void clean_mount_targets(Node& service) {
  Node* volumes = service.find("volumes");
  if (!volumes) return;
  for (Node& mount : volumes->items) {
    Node* target = mount.find("target");
    if (!target || target->text.empty()) continue;
    target->text = std::filesystem::path(target->text).lexically_normal().string();
    if (target->text.size() > 1 && target->text.ends_with('/')) target->text.pop_back();
  }
}

void name_hooks(Node& service) {
  const Node* image = service.find("image");
  Node* hooks = service.find("pre_start");
  if (!image || !hooks) return;
  for (Node& hook : hooks->items) set_default(hook, "image", Node::of(image->text));
}

void rename_pull_policy(Node& service) {
  Node* policy = service.find("pull_policy");
  if (policy && policy->text == "if_not_present") policy->text = "missing";
}

/// CS-180
void add_default_network(Node& project) {
  bool is_used = false;
  SourceSpan span;
  each_service(project, [&](Node& service) {
    if (service.find("provider") || service.find("network_mode")) return;
    const Node* networks = service.find("networks");
    if (!networks || networks->is_null() || (networks->entries.empty() && networks->items.empty())) {
      Node own = Node::of_mapping();
      own.span = service.span;
      own.implied = true;
      own.set("default", Node());
      own.entries[0].key_span = service.span;
      service.set("networks", std::move(own));
      is_used = true;
      span = service.span;
    } else if (networks->find("default")) {
      is_used = true;
      span = networks->span;
    }
  });
  if (!is_used) return;
  Node* networks = project.find("networks");
  if (!networks) networks = &project.set("networks", Node::of_mapping());
  if (networks->find("default")) return;
  networks->entries.push_back({"default", span, Node()});
}

/// CS-181
void name_resources(Node& project, const std::string& project_name) {
  for (const char* section : {"networks", "volumes", "secrets", "configs"}) {
    Node* resources = project.find(section);
    if (!resources) continue;
    for (Node::Entry& entry : resources->entries) {
      if (entry.value.is_null()) {
        const SourceSpan span = entry.value.span;
        entry.value = Node::of_mapping();
        entry.value.span = span;
      }
      const Node* own = entry.value.find("name");
      if (own && !own->is_null()) continue;
      const Node* external = entry.value.find("external");
      Node name = Node::of(external && external->boolean ? entry.key : project_name + "_" + entry.key);
      name.span = entry.key_span;
      entry.value.set("name", std::move(name));
    }
  }
}

}  // namespace

void add_defaults(Node& project) {
  each_service(project, [](Node& service) {
    default_build(service);
    default_dependencies(service);
    default_ports(service);
    default_secrets(service);
    default_devices(service);
  });
}

void resolve_valueless(Node& project, const Lookup& lookup) {
  each_service(project, [&](Node& service) {
    if (Node* environment = service.find("environment")) resolve(*environment, lookup);
    Node* build = service.find("build");
    if (Node* args = build ? build->find("args") : nullptr) resolve(*args, lookup);
  });
}

void normalise(Node& project, const std::string& project_name) {
  add_default_network(project);
  each_service(project, [](Node& service) {
    add_implied_dependencies(service);
    clean_mount_targets(service);
    name_hooks(service);
    rename_pull_policy(service);
  });
  name_resources(project, project_name);
}

}  // namespace defang::compose
