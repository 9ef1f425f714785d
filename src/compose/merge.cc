#include "compose/merge.h"

#include <algorithm>
#include <map>
#include <set>

#include "compose/attributes.h"
#include "compose/diagnostics.h"
#include "compose/scalars.h"
#include "compose/volumes.h"

namespace defang::compose {
namespace {

std::string key_path(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

Node text_at(std::string text, const Node& origin, const SourceSpan& span) {
  Node node = Node::of(std::move(text));
  node.span = span;
  node.from_variable = origin.from_variable;
  return node;
}

/// A mapping becomes a list of "KEY=VALUE", one text a list of itself. What has no text stays for check_structure.
Node as_sequence(Node node) {
  if (node.is_list()) return node;
  Node list = Node::of_list();
  list.span = node.span;
  if (node.is_text()) {
    list.items.push_back(std::move(node));
    return list;
  }
  std::ranges::sort(node.entries, {}, &Node::Entry::key);  // as the reference does
  for (Node::Entry& entry : node.entries) {
    const auto add = [&](const Node& value) {
      if (value.is_list() || value.is_mapping()) return list.items.push_back(value);
      list.items.push_back(text_at(entry.key + "=" + reprint(value), value, entry.key_span));
    };
    if (entry.value.is_null()) {
      list.items.push_back(text_at(entry.key, entry.value, entry.key_span));
    } else if (entry.value.is_list()) {
      std::ranges::for_each(entry.value.items, add);
    } else {
      add(entry.value);
    }
  }
  return list;
}

Node dependency(const SourceSpan& span) {
  Node node = Node::of_mapping();
  node.span = span;
  Node condition = Node::of("service_started");
  condition.span = span;
  node.set("condition", std::move(condition));
  node.set("required", Node::of_boolean(true));
  return node;
}

/// List items become keys.
template <class Value>
Node as_names(Node node, Value value) {
  if (!node.is_list()) return node;
  Node mapping = Node::of_mapping();
  mapping.span = node.span;
  KeyIndex keys;
  for (const Node& item : node.items)
    if (!keys.find(mapping, item.text)) mapping.entries.push_back({item.text, item.span, value(item.span)});
  return mapping;
}

class Merger {
 public:
  explicit Merger(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  Node run(Node earlier, Node later, const Shape* shape, const std::string& path) {
    if (later.is_lost()) return earlier;
    if (earlier.is_lost()) return later;
    switch (shape ? shape->attribute->merge : Merge::generic) {
      case Merge::replace:
        return later;
      case Merge::sequence:
        return appended(as_sequence(std::move(earlier)), as_sequence(std::move(later)));
      case Merge::dependencies:
        return mappings(as_names(std::move(earlier), dependency), as_names(std::move(later), dependency), shape, path);
      case Merge::names:
        return mappings(as_names(std::move(earlier), empty), as_names(std::move(later), empty), shape, path);
      case Merge::build:
        return mappings(as_build(std::move(earlier)), as_build(std::move(later)), shape, path);
      case Merge::extra_hosts:
        return extra_hosts(as_sequence(std::move(earlier)), as_sequence(std::move(later)));
      case Merge::logging:
        return logging(std::move(earlier), std::move(later), shape, path);
      case Merge::ipam_config:
        return ipam_config(std::move(earlier), std::move(later), shape, path);
      case Merge::generic:
        break;
    }
    return generic(std::move(earlier), std::move(later), shape, path);
  }

 private:
  static Node empty(const SourceSpan& span) {
    Node node;
    node.span = span;
    return node;
  }

  static Node as_build(Node node) {
    if (!node.is_text()) return node;
    Node build = Node::of_mapping();
    build.span = node.span;
    build.set("context", std::move(node));
    return build;
  }

  Node generic(Node earlier, Node later, const Shape* shape, const std::string& path) {
    if (later.is_null()) return earlier;
    if (earlier.is_mapping()) return mappings(std::move(earlier), std::move(later), shape, path);
    if (earlier.is_list()) {
      if (!later.is_list()) return conflict(std::move(earlier), later, path);
      return appended(std::move(earlier), std::move(later));
    }
    return later;
  }

  Node mappings(Node earlier, Node later, const Shape* shape, const std::string& path) {
    if (later.is_null()) return earlier;
    if (earlier.is_null()) return later;
    if (!earlier.is_mapping() || !later.is_mapping()) return conflict(std::move(earlier), later, path);
    earlier.damaged |= later.damaged;
    KeyIndex keys;
    for (Node::Entry& entry : later.entries) {
      Node* present = keys.find(earlier, entry.key);
      if (!present) {
        earlier.entries.push_back(std::move(entry));
        continue;
      }
      *present = run(std::move(*present), std::move(entry.value), shape ? shape->key(entry.key) : nullptr,
                     key_path(path, entry.key));
    }
    return earlier;
  }

  Node conflict(Node earlier, const Node& later, const std::string& path) {
    diagnostics_.add(cannot_override(path, earlier, later));
    return earlier;
  }

  static Node appended(Node earlier, Node later) {
    std::ranges::move(later.items, std::back_inserter(earlier.items));
    return earlier;
  }

  static Node extra_hosts(Node earlier, Node later) {
    std::set<std::string> known;
    for (const Node& item : earlier.items) known.insert(item.text);
    for (Node& item : later.items)
      if (known.insert(item.text).second) earlier.items.push_back(std::move(item));
    return earlier;
  }

  /// Options of one driver mean nothing to another (CS-78).
  Node logging(Node earlier, Node later, const Shape* shape, const std::string& path) {
    const Node* before = earlier.find("driver");
    const Node* after = later.find("driver");
    if (before && after && before->text != after->text) return later;
    return mappings(std::move(earlier), std::move(later), shape, path);
  }

  /// By subnet (CS-78): what the later file says of a subnet comes on top of what the earlier said.
  Node ipam_config(Node earlier, Node later, const Shape* shape, const std::string& path) {
    if (!earlier.is_list() || !later.is_list()) return generic(std::move(earlier), std::move(later), shape, path);
    const auto subnet = [](const Node& item) {
      const Node* node = item.find("subnet");
      return node ? node->text : std::string();
    };
    std::map<std::string, const Node*> over;  // the first of each subnet
    for (const Node& item : later.items) over.emplace(subnet(item), &item);
    Node merged = Node::of_list();
    merged.span = earlier.span;
    std::map<std::string, std::size_t> places;
    const auto put = [&](const std::string& name, Node item) {
      const auto [place, is_new] = places.emplace(name, merged.items.size());
      if (is_new) {
        merged.items.push_back(std::move(item));
      } else {
        merged.items[place->second] = std::move(item);
      }
    };
    std::set<std::string> original;
    for (const Node& item : earlier.items) {
      const std::string name = subnet(item);
      original.insert(name);
      if (const auto found = over.find(name); found != over.end())
        put(name, mappings(item, *found->second, shape->each, path));
    }
    for (const Node& item : later.items)
      if (const std::string name = subnet(item); !original.contains(name)) put(name, item);
    return merged;
  }

  Diagnostics& diagnostics_;
};

std::string field(const Node& node, std::string_view key, std::string otherwise = "") {
  const Node* value = node.find(key);
  return value && !value->is_null() ? reprint(*value) : otherwise;
}

/// What a list item is about; nothing where it cannot be told yet.
std::optional<std::string> identity(const Node& item, Unique unique) {
  switch (unique) {
    case Unique::key:
      if (!item.is_text()) return std::nullopt;
      return item.text.substr(0, item.text.find('='));
    case Unique::text:
      return reprint(item);
    case Unique::port:
      if (!item.is_mapping()) return reprint(item);
      return field(item, "host_ip", "0.0.0.0") + ":" + field(item, "published") + ":" + field(item, "target") + "/" +
             field(item, "protocol", "tcp");
    case Unique::target:
      if (item.is_mapping()) return item.find("target") ? std::optional(field(item, "target")) : std::nullopt;
      return mount_target(item.text);
    case Unique::secret:
    case Unique::config: {
      const std::string prefix = unique == Unique::secret ? "/run/secrets/" : "/";
      if (!item.is_mapping()) return prefix + item.text;
      return field(item, "target", prefix + field(item, "source"));
    }
    case Unique::path:
      return item.is_mapping() ? field(item, "path") : item.text;
    default:
      return std::nullopt;
  }
}

void drop_repeated_items(Node& list, Unique unique) {
  std::map<std::string, std::size_t> places;
  std::vector<Node> kept;
  for (Node& item : list.items) {
    const auto about = identity(item, unique);
    if (!about) {
      kept.push_back(std::move(item));
      continue;
    }
    const auto [place, is_new] = places.emplace(*about, kept.size());
    if (is_new) {
      kept.push_back(std::move(item));
    } else {
      kept[place->second] = std::move(item);
    }
  }
  list.items = std::move(kept);
}

void visit_unique(Node& node, const Shape& shape) {
  if (node.is_mapping()) {
    for (Node::Entry& entry : node.entries)
      if (const Shape* inner = shape.key(entry.key)) visit_unique(entry.value, *inner);
  } else if (node.is_list() && shape.attribute->unique != Unique::no && shape.attribute->unique != Unique::checked) {
    drop_repeated_items(node, shape.attribute->unique);
  }
}

}  // namespace

Node merge(Node earlier, Node later, const Shape* shape, const std::string& path, Diagnostics& diagnostics) {
  return Merger(diagnostics).run(std::move(earlier), std::move(later), shape, path);
}

Node merge_projects(Node earlier, Node later, Diagnostics& diagnostics) {
  if (earlier.is_null()) return later;
  return merge(std::move(earlier), std::move(later), &compose_file(), "", diagnostics);
}

void drop_repeated(Node& project) { visit_unique(project, compose_file()); }

}  // namespace defang::compose
