#include "compose/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "compose/attributes.h"
#include "compose/bytes.h"
#include "compose/diagnostics.h"
#include "compose/durations.h"
#include "compose/scalars.h"
#include "compose/shell_words.h"
#include "support/text.h"

namespace defang::compose {
namespace {

/// Nothing more is said of a value that was reported.
void lose(Node& node, Diagnostics& diagnostics, Diagnostic diagnostic) {
  diagnostics.add(std::move(diagnostic));
  node.lose();
}

void become(Node& node, Node value) {
  value.span = node.span;
  value.from_variable = node.from_variable;
  value.implied = node.implied;
  node = std::move(value);
}

void become_text(Node& node) {
  if (!node.is_null()) become(node, Node::of(reprint(node)));
}

bool is_empty(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return true;
    case Node::Kind::boolean:
      return !node.boolean;
    case Node::Kind::integer:
      return node.integer == 0;
    case Node::Kind::number:
      return node.number == 0;
    case Node::Kind::text:
      return node.text.empty();
    case Node::Kind::list:
      return node.items.empty();
    case Node::Kind::mapping:
      return node.entries.empty();
  }
  return false;
}

class Canonical {
 public:
  explicit Canonical(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  void visit(Node& node, const Shape& shape, const std::string& path) {
    switch (shape.type()) {
      case Type::any:
        extension(node);
        break;
      case Type::object:
      case Type::names:
        if (node.is_mapping()) mapping(node, shape, path);
        break;
      case Type::list:
        for (std::size_t i = 0; i < node.items.size(); ++i)
          visit(node.items[i], *shape.each, path + "[" + std::to_string(i) + "]");
        break;
      case Type::text:
        become_text(node);
        break;
      case Type::integer:
        integer(node);
        break;
      case Type::number:
        number(node);
        break;
      case Type::boolean:
        break;
      case Type::duration:
        duration(node, path);
        break;
      case Type::bytes:
        bytes(node, path);
        break;
      case Type::texts:
        texts(node);
        break;
      case Type::words:
        words(node, path);
        break;
      case Type::key_values:
        key_values(node, shape, path);
        break;
      case Type::scalars:
        for (Node::Entry& entry : node.entries) {
          become(entry.value, Node::of(reprint(entry.value)));
        }
        break;
      case Type::health_test:
        if (node.is_text()) {
          Node list = Node::of_list();
          list.items = {Node::of("CMD-SHELL"), Node::of(node.text)};
          become(node, std::move(list));
        }
        texts(node);
        break;
      case Type::file_mode:
        file_mode(node, path);
        break;
      case Type::count:
        count(node, path);
        break;
      case Type::hosts:
        hosts(node, path);
        break;
      case Type::ssh_keys:
        ssh_keys(node);
        break;
      case Type::option_lists:
        for (Node::Entry& entry : node.entries) texts(entry.value);
        break;
    }
  }

 private:
  void mapping(Node& node, const Shape& shape, const std::string& path) {
    for (Node::Entry& entry : node.entries) {
      const Shape* inner = shape.key(entry.key);
      if (inner) {
        visit(entry.value, *inner, path.empty() ? entry.key : path + "." + entry.key);
      } else {
        extension(entry.value);
      }
    }
    node.damaged |= std::ranges::any_of(node.entries, [](const Node::Entry& entry) { return entry.value.is_lost(); });
    std::erase_if(node.entries, [&](const Node::Entry& entry) {
      const Shape* inner = shape.key(entry.key);
      return inner && is_dropped(entry.value, *inner);
    });
  }

  static bool is_dropped(const Node& value, const Shape& shape) {
    // A network or model that a service uses without saying more is null, not absent.
    const std::string_view path = shape.attribute->path;
    if (value.is_null()) return path != "services.*.networks.*" && path != "services.*.models.*";
    if (value.damaged) return false;                // it was not empty when it was written
    if (shape.type() == Type::words) return false;  // an empty command clears the image's
    return is_empty(value) && !shape.has(keep_empty);
  }

  /// Extensions keep their types; only what JSON cannot say becomes a text.
  void extension(Node& node) {
    if (node.tag == "!!timestamp") become_text(node);
    for (Node& item : node.items) extension(item);
    for (Node::Entry& entry : node.entries) extension(entry.value);
  }

  void integer(Node& node) {
    if (node.kind == Node::Kind::number && std::fabs(node.number) < 0x1p63)
      become(node, Node::of_integer(static_cast<std::int64_t>(node.number)));  // without its fraction
    if (!node.is_text()) return;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
    if (error == std::errc{} && end == node.text.data() + node.text.size()) become(node, Node::of_integer(value));
  }

  void number(Node& node) {
    if (!node.is_text()) return;
    double value = 0;
    const auto [end, error] = std::from_chars(node.text.data(), node.text.data() + node.text.size(), value);
    if (error == std::errc{} && end == node.text.data() + node.text.size()) become(node, Node::of_number(value));
  }

  void duration(Node& node, const std::string& path) {
    if (!node.is_text()) return;
    const auto value = parse_duration(node.text);
    if (!value) return lose(node, diagnostics_, bad_duration(path, node));
    // Zero is printed where it says something else than "not given".
    become(node, Node::of(format_duration(*value)));
  }

  void bytes(Node& node, const std::string& path) {
    if (node.kind == Node::Kind::integer && node.integer == 0) return become(node, Node());
    if (node.kind == Node::Kind::integer) return become_text(node);
    if (node.kind == Node::Kind::number) {
      if (std::fabs(node.number) >= 0x1p63) {
        lose(node, diagnostics_, bad_size(path, node));
      } else if (node.number == std::floor(node.number)) {
        become(node, Node::of(std::to_string(static_cast<std::int64_t>(node.number))));
      } else {
        diagnostics_.add(size_with_fraction(path, node));
        become(node, Node());
      }
      return;
    }
    if (!node.is_text()) return;
    const auto value = parse_bytes(node.text);
    if (!value) return lose(node, diagnostics_, bad_size(path, node));
    become(node, *value == 0 ? Node() : Node::of(std::to_string(*value)));
  }

  void texts(Node& node) {
    if (node.is_null()) return;
    if (node.is_list()) {
      std::ranges::for_each(node.items, become_text);
      return;
    }
    Node list = Node::of_list();
    list.span = node.span;
    become_text(node);
    list.items.push_back(std::move(node));
    node = std::move(list);
  }

  void words(Node& node, const std::string& path) {
    if (!node.is_text()) return;
    const auto words = split_shell_words(node.text);
    if (!words) return diagnostics_.add(bad_command_line(path, node));
    Node list = Node::of_list();
    for (const std::string& word : *words) {
      list.items.push_back(Node::of(word));
      list.items.back().span = node.span;
      list.items.back().from_variable = node.from_variable;
    }
    become(node, std::move(list));
  }

  void key_values(Node& node, const Shape& shape, const std::string& path) {
    if (node.is_list()) {
      Node mapping = Node::of_mapping();
      KeyIndex keys;
      for (const Node& item : node.items) add_key_value(mapping, keys, item, path);
      become(node, std::move(mapping));
    }
    for (Node::Entry& entry : node.entries) {
      if (entry.value.is_null() && shape.attribute->valueless == Valueless::blank) become(entry.value, Node::of(""));
      become_text(entry.value);
    }
    if (shape.attribute->valueless == Valueless::dropped)
      std::erase_if(node.entries, [](const Node::Entry& entry) { return entry.value.is_null(); });
  }

  void add_key_value(Node& mapping, KeyIndex& keys, const Node& item, const std::string& path) {
    const std::string text = reprint(item);
    const std::size_t equals = text.find('=');
    const std::string key = text.substr(0, equals);
    if (key.ends_with(' ')) return diagnostics_.add(trailing_space_in_name(path, item));
    Node value;
    if (equals != std::string::npos) value = Node::of(text.substr(equals + 1));
    value.span = item.span;
    value.from_variable = item.from_variable;
    keys.set(mapping, key, std::move(value));
  }

  void file_mode(Node& node, const std::string& path) {
    if (node.kind == Node::Kind::number) return diagnostics_.add(bad_file_mode(path, node));
    std::int64_t mode = node.integer;
    if (node.is_text()) {
      std::string_view digits = node.text;
      if (digits.starts_with("0o")) digits.remove_prefix(2);
      const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), mode, 8);
      if (error != std::errc{} || end != digits.data() + digits.size())
        return diagnostics_.add(bad_file_mode(path, node));
    }
    become(node, Node::of(fmt::format("0{:o}", mode)));
  }

  void count(Node& node, const std::string& path) {
    if (node.kind == Node::Kind::integer) return;
    if (node.text == "all") return become(node, Node::of_integer(-1));
    const auto value = to_number(node.text);
    if (!value) return diagnostics_.add(bad_device_count(path, node));
    become(node, Node::of_integer(static_cast<std::int64_t>(*value)));
  }

  /// The reference prints them as a list of "id: path".
  void ssh_keys(Node& node) {
    Node list = Node::of_list();
    for (const Node::Entry& entry : node.entries) {
      Node key = Node::of(entry.value.is_null() ? entry.key : entry.key + ": " + reprint(entry.value));
      key.span = entry.key_span;
      list.items.push_back(std::move(key));
    }
    become(node, std::move(list));
  }

  /// A sorted list of "host=address" (CS-155).
  void hosts(Node& node, const std::string& path) {
    std::vector<std::string> lines;
    const auto add = [&](const std::string& host, std::string address, const Node& at) {
      if (host.empty() || host.find_first_of(":=") != std::string::npos)
        return diagnostics_.add(bad_host_name(path, host, at.span));
      if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
      lines.push_back(host + "=" + address);
    };
    for (const Node& item : node.items) {
      std::size_t separator = item.text.find('=');
      if (separator == std::string::npos) separator = item.text.find(':');
      if (separator == std::string::npos || separator + 1 == item.text.size()) {
        diagnostics_.add(host_without_address(path, item));
        continue;
      }
      for (std::string& address : split(std::string_view(item.text).substr(separator + 1), ','))
        add(item.text.substr(0, separator), std::move(address), item);
    }
    for (const Node::Entry& entry : node.entries) {
      if (entry.value.is_text()) add(entry.key, entry.value.text, entry.value);
      for (const Node& address : entry.value.items) add(entry.key, address.text, address);
    }
    std::ranges::sort(lines);
    Node list = Node::of_list();
    for (std::string& line : lines) list.items.push_back(Node::of(std::move(line)));
    become(node, std::move(list));
  }

  Diagnostics& diagnostics_;
};

}  // namespace

void canonicalise_values(Node& project, Diagnostics& diagnostics) {
  Canonical(diagnostics).visit(project, compose_file(), "");
}

}  // namespace defang::compose
