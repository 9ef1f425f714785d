#include "compose/short_forms.h"

#include "compose/diagnostics.h"
#include "compose/ports.h"
#include "compose/scalars.h"
#include "compose/volumes.h"
#include "support/text.h"

namespace defang::compose {
namespace {

/// Builds long forms whose every value points at the short form it came from.
class LongForm {
 public:
  explicit LongForm(const Node& origin) : origin_(origin) {
    node_.kind = Node::Kind::mapping;
    node_.span = origin.span;
    node_.from_variable = origin.from_variable;
  }
  LongForm& set(std::string_view key, Node value) {
    value.span = origin_.span;
    value.from_variable = origin_.from_variable;
    node_.set(key, std::move(value));
    return *this;
  }
  LongForm& imply(std::string_view key, Node value) {
    value.implied = true;
    return set(key, std::move(value));
  }
  LongForm& set_text(std::string_view key, const std::string& text) {
    if (!text.empty()) set(key, Node::of(text));
    return *this;
  }
  Node take() { return std::move(node_); }

 private:
  const Node& origin_;
  Node node_;
};

class Expansion {
 public:
  Expansion(const ShortFormOptions& options, Diagnostics& diagnostics) : options_(options), diagnostics_(diagnostics) {}

  void service(Node& service, const std::string& path) {
    if (!service.is_mapping()) return;
    const auto at = [&](std::string_view key, void (Expansion::*expand)(Node&, const std::string&)) {
      if (Node* node = service.find(key)) (this->*expand)(*node, path + "." + std::string(key));
    };
    at("build", &Expansion::build);
    at("configs", &Expansion::file_references);
    at("depends_on", &Expansion::depends_on);
    at("develop", &Expansion::develop);
    at("devices", &Expansion::devices);
    at("dns", &Expansion::text_or_list);
    at("env_file", &Expansion::env_file);
    at("extends", &Expansion::extends);
    at("gpus", &Expansion::gpus);
    at("label_file", &Expansion::text_or_list);
    at("models", &Expansion::names);
    at("networks", &Expansion::names);
    at("ports", &Expansion::ports);
    at("secrets", &Expansion::file_references);
    at("ulimits", &Expansion::ulimits);
    at("volumes", &Expansion::volumes);
  }

  /// `external: {name: x}` is the older form of `external: true` with `name: x` (CS-181).
  void external(Node& resource, const std::string& path) {
    Node* external = resource.find("external");
    if (!external || !external->is_mapping()) return;
    Node name;
    if (const Node* found = external->find("name")) name = *found;
    Node yes = Node::of_boolean(true);
    yes.span = external->span;
    const SourceSpan span = external->span;
    *external = std::move(yes);
    if (name.is_null()) return;
    diagnostics_.add(external_name_is_old(path, name.span));
    const Node* own = resource.find("name");
    if (own && own->text != name.text) {
      diagnostics_.add(external_name_conflict(path, own->span, name.span));
    } else {
      resource.set("name", std::move(name));
    }
  }

 private:
  /// A text that cannot be understood before its variables are known (`--no-interpolate`).
  bool is_open(const Node& node) const { return !options_.interpolated && node.text.contains('$'); }

  void build(Node& node, const std::string& path) {
    if (node.is_text()) {
      node = LongForm(node).set("context", Node::of(node.text)).take();
      return;
    }
    if (Node* secrets = node.find("secrets")) file_references(*secrets, path + ".secrets");
    if (Node* ssh = node.find("ssh")) ssh_keys(*ssh, path + ".ssh");
    if (Node* limits = node.find("ulimits")) ulimits(*limits, path + ".ulimits");
    if (Node* contexts = node.find("additional_contexts"))
      additional_contexts(*contexts, path + ".additional_contexts");
  }

  void key_values(Node& node, const std::string&) {
    if (!node.is_list()) return;
    Node mapping = Node::of_mapping();
    mapping.span = node.span;
    KeyIndex keys;
    for (const Node& item : node.items) {
      const std::size_t equals = item.text.find('=');
      Node value;
      if (equals != std::string::npos) value = Node::of(item.text.substr(equals + 1));
      value.span = item.span;
      value.from_variable = item.from_variable;
      keys.set(mapping, std::string_view(item.text).substr(0, equals), std::move(value));
    }
    node = std::move(mapping);
  }

  void additional_contexts(Node& node, const std::string& path) {
    for (const Node& item : node.items)
      if (item.is_text() && !item.text.contains('=') && options_.interpolated)
        diagnostics_.add(context_without_path(path, item));
    key_values(node, path);
  }

  void ssh_keys(Node& node, const std::string& path) {
    for (const Node& item : node.items)
      if (item.is_text() && !item.text.contains('=') && item.text != "default")
        diagnostics_.add(bad_ssh_key(path, item));
    key_values(node, path);
  }

  void depends_on(Node& node, const std::string&) {
    if (!node.is_list()) return;
    Node mapping = Node::of_mapping();
    mapping.span = node.span;
    KeyIndex keys;
    for (const Node& item : node.items)
      keys.set(mapping, item.text,
               LongForm(item)
                   .imply("condition", Node::of("service_started"))
                   .imply("required", Node::of_boolean(true))
                   .take());
    node = std::move(mapping);
  }

  void names(Node& node, const std::string&) {
    if (!node.is_list()) return;
    Node mapping = Node::of_mapping();
    mapping.span = node.span;
    KeyIndex keys;
    for (const Node& item : node.items) {
      Node nothing;
      nothing.span = item.span;
      keys.set(mapping, item.text, std::move(nothing));
    }
    node = std::move(mapping);
  }

  void develop(Node& node, const std::string& path) {
    Node* watch = node.find("watch");
    if (!watch) return;
    for (Node& rule : watch->items) {
      if (Node* ignore = rule.find("ignore")) text_or_list(*ignore, path);
      if (Node* include = rule.find("include")) text_or_list(*include, path);
    }
  }

  void text_or_list(Node& node, const std::string&) {
    if (!node.is_text()) return;
    Node list = Node::of_list();
    list.span = node.span;
    list.items.push_back(std::move(node));
    node = std::move(list);
  }

  void devices(Node& node, const std::string& path) {
    for (Node& item : node.items) {
      if (!item.is_text()) continue;
      const std::vector<std::string> parts = split(item.text, ':');
      if (parts.size() > 3) {
        if (!is_open(item)) diagnostics_.add(bad_device(path, item));
        continue;
      }
      const std::string target = parts.size() > 1 && !parts[1].empty() ? parts[1] : parts[0];
      item = LongForm(item)
                 .set("source", Node::of(parts[0]))
                 .set("target", Node::of(target))
                 .set("permissions", Node::of(parts.size() > 2 ? parts[2] : "rwm"))
                 .take();
    }
  }

  void env_file(Node& node, const std::string& path) {
    text_or_list(node, path);
    for (Node& item : node.items)
      if (item.is_text()) item = LongForm(item).set("path", Node::of(item.text)).take();
  }

  void extends(Node& node, const std::string&) {
    if (node.is_text()) node = LongForm(node).set("service", Node::of(node.text)).take();
  }

  void gpus(Node& node, const std::string&) {
    if (!node.is_text()) return;
    Node list = Node::of_list();
    list.span = node.span;
    list.items.push_back(LongForm(node).set("count", Node::of("all")).take());
    node = std::move(list);
  }

  void file_references(Node& node, const std::string&) {
    for (Node& item : node.items)
      if (item.is_text()) item = LongForm(item).set("source", Node::of(item.text)).take();
  }

  void ports(Node& node, const std::string& path) {
    std::vector<Node> ports;
    for (Node& item : node.items) {
      if (item.is_mapping() || is_open(item)) {
        ports.push_back(std::move(item));
      } else if (item.kind == Node::Kind::number) {
        diagnostics_.add(port_with_fraction(path, item));
      } else {
        short_port(item, path, ports);
      }
    }
    node.items = std::move(ports);
  }

  void short_port(const Node& item, const std::string& path, std::vector<Node>& ports) {
    if (!options_.admit(0, item.span)) return;  // said already
    const auto parsed = parse_port(reprint(item));
    if (!parsed) {
      diagnostics_.add(bad_port(path, item, parsed.error()));
      return;
    }
    constexpr std::size_t kValuesOfPort = 5;
    if (!options_.admit(parsed->size() * kValuesOfPort, item.span)) return;
    for (const ShortPort& port : *parsed)
      ports.push_back(LongForm(item)
                          .imply("mode", Node::of("ingress"))
                          .set_text("host_ip", port.host_ip)
                          .set("target", Node::of_integer(port.target))
                          .set_text("published", port.published)
                          .set("protocol", Node::of(port.protocol))
                          .take());
  }

  void ulimits(Node& node, const std::string&) {
    for (Node::Entry& entry : node.entries) {
      Node& limit = entry.value;
      if (const auto value = limit.is_text() ? to_number(limit.text) : std::nullopt) {
        Node number = Node::of_integer(static_cast<std::int64_t>(*value));
        number.span = limit.span;
        limit = std::move(number);
      }
      if (limit.kind == Node::Kind::integer && limit.integer == 0)  // a single 0 is printed as both
        limit = LongForm(limit).set("soft", Node::of_integer(0)).set("hard", Node::of_integer(0)).take();
    }
  }

  void volumes(Node& node, const std::string& path) {
    for (Node& item : node.items)
      if (item.is_text()) short_mount(item, path);
  }

  void short_mount(Node& item, const std::string& path) {
    const auto mount = parse_mount(item.text);
    if (!mount) {
      if (!is_open(item)) diagnostics_.add(bad_mount(path, item, mount.error()));
      return;
    }
    const bool is_bind = mount->kind == ShortMount::Kind::bind;
    LongForm form(item);
    form.imply("type", Node::of(is_bind ? "bind" : "volume"));
    form.set_text("source", mount->source).set("target", Node::of(mount->target));
    if (mount->read_only) form.set("read_only", Node::of_boolean(true));
    Node details = Node::of_mapping();
    if (is_bind || !mount->propagation.empty() || !mount->selinux.empty()) {
      if (!mount->propagation.empty()) details.set("propagation", Node::of(mount->propagation));
      if (!mount->selinux.empty()) details.set("selinux", Node::of(mount->selinux));
      form.imply("bind", std::move(details));
    }
    // The reference loader tells nothing of an anonymous volume with a very short name.
    if ((!is_bind || mount->nocopy) && item.text.size() > 2) {
      Node volume = Node::of_mapping();
      if (mount->nocopy) volume.set("nocopy", Node::of_boolean(true));
      form.imply("volume", std::move(volume));
    }
    item = form.take();
  }

  const ShortFormOptions& options_;
  Diagnostics& diagnostics_;
};

}  // namespace

void expand_short_forms(Node& project, const ShortFormOptions& options, Diagnostics& diagnostics) {
  Expansion expansion(options, diagnostics);
  if (Node* services = project.find("services"))
    for (Node::Entry& entry : services->entries) expansion.service(entry.value, "services." + entry.key);
  for (const char* section : {"networks", "volumes", "secrets", "configs"})
    if (Node* resources = project.find(section))
      for (Node::Entry& entry : resources->entries)
        expansion.external(entry.value, std::string(section) + "." + entry.key);
}

}  // namespace defang::compose
