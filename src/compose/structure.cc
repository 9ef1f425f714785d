#include "compose/structure.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "compose/attributes.h"
#include "compose/diagnostics.h"
#include "compose/interpolate.h"
#include "compose/limits.h"
#include "compose/scalars.h"
#include "support/text.h"

namespace defang::compose {
namespace {

bool is_extension(std::string_view key) { return key.starts_with("x-"); }

// Schema of the specification: names of services, networks, volumes and their kin.
bool is_name(std::string_view name) {
  return !name.empty() && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-';
  });
}

std::uint16_t form_of(const Node& node) {
  switch (node.kind) {
    case Node::Kind::null:
      return form_null;
    case Node::Kind::boolean:
      return form_boolean;
    case Node::Kind::integer:
      return form_integer;
    case Node::Kind::number:
      return node.number == std::floor(node.number) && std::fabs(node.number) < 0x1p63 ? form_integer | form_number
                                                                                       : form_number;
    case Node::Kind::text:
      return form_text;
    case Node::Kind::list:
      return form_list;
    case Node::Kind::mapping:
      return form_mapping;
  }
  return 0;
}

constexpr std::uint16_t kNumberForms = form_integer | form_number;
constexpr std::uint16_t kScalarForms = form_text | kNumberForms | form_boolean;

/// Where below a mapping a key has its place: "deploy.replicas". Empty: nowhere.
std::string place_below(const Shape& shape, const std::string& key) {
  for (const auto& [name, inner] : shape.keys) {
    if (inner->type() != Type::object) continue;
    if (inner->keys.contains(key)) return std::string(name) + "." + key;
    if (const std::string place = place_below(*inner, key); !place.empty()) return std::string(name) + "." + place;
  }
  return "";
}

class Check {
 public:
  explicit Check(Diagnostics& diagnostics) : diagnostics_(diagnostics) {}

  /// False: the node is of no use, and that has been said.
  bool visit(Node& node, const Shape& shape, const std::string& path, const SourceSpan& key_span) {
    if (diagnostics_.error_count() >= kMostMistakes) return true;
    if (!has_form(node, accepted_forms(*shape.attribute), path, node.is_null() ? key_span : node.span)) return false;
    if (node.is_text() && !check_value(node, shape, path)) return false;
    if (shape.has(not_negative) && (node.integer < 0 || node.number < 0)) {
      diagnostics_.add(negative_number(path, node.span));
      return false;
    }
    switch (shape.type()) {
      case Type::object:
        if (node.is_mapping()) check_object(node, shape, path, key_span);
        break;
      case Type::names:
        if (node.is_mapping()) check_names(node, shape, path);
        if (node.is_list()) check_texts(node, shape, path);
        break;
      case Type::list:
        check_list(node, shape, path);
        break;
      case Type::texts:
      case Type::words:
      case Type::health_test:
        if (node.is_list()) check_texts(node, shape, path);
        break;
      case Type::key_values:
      case Type::ssh_keys:
        check_key_values(node, path);
        break;
      case Type::scalars:
        check_entries(
            node, path,
            form_text | (shape.has(text_values) ? 0 : kNumberForms) | (shape.has(null_values) ? form_null : 0));
        break;
      case Type::hosts:
        if (node.is_list()) check_texts(node, shape, path);
        if (node.is_list()) check_unique(node, path);
        check_entries_or_lists(node, path, form_text);
        break;
      case Type::option_lists:
        check_entries_or_lists(node, path, kScalarForms);
        break;
      default:
        break;
    }
    return true;
  }

  /// Numbers that no JSON can hold (CS-29).
  void check_numbers(const Node& node, const std::string& path) {
    if (node.kind == Node::Kind::number && !std::isfinite(node.number))
      diagnostics_.add(not_a_finite_number(path, node.span));
    for (std::size_t i = 0; i < node.items.size(); ++i) check_numbers(node.items[i], item_path(path, i));
    for (const Node::Entry& entry : node.entries) check_numbers(entry.value, key_path(path, entry.key));
  }

 private:
  bool has_form(const Node& node, std::uint16_t accepted, const std::string& path, const SourceSpan& span) {
    if (node.is_lost()) return false;
    if ((form_of(node) & accepted) != 0) return true;
    diagnostics_.add(wrong_type(path, accepted, node, span));
    return false;
  }

  /// Keeps the entries or items of a node that are good.
  template <class Parts, class IsGood>
  static void keep(Node& node, Parts& parts, IsGood is_good) {
    const auto removed = std::erase_if(parts, [&](auto& part) { return !is_good(part); });
    node.damaged |= removed > 0;
  }
  template <class IsGood>
  static void keep_items(Node& node, const std::string& path, IsGood is_good) {
    std::size_t index = 0;
    keep(node, node.items, [&](Node& item) { return is_good(item, item_path(path, index++)); });
  }

  static std::string key_path(const std::string& path, const std::string& key) {
    return path.empty() ? key : path + "." + key;
  }
  static std::string item_path(const std::string& path, std::size_t index) {
    return path + "[" + std::to_string(index) + "]";
  }

  bool check_value(const Node& node, const Shape& shape, const std::string& path) {
    const AttributeRow& attribute = *shape.attribute;
    const std::size_t errors = diagnostics_.error_count();
    if (!attribute.values.empty()) {
      const std::vector<std::string> values = split(attribute.values, '|');
      if (std::ranges::find(values, node.text) == values.end()) diagnostics_.add(not_one_of(path, node, values));
    }
    // Patterns of the schema, which are not anchored there {quirk of CS-173}.
    if (attribute.path == "services.*.container_name" && !has_container_name(node.text))
      diagnostics_.add(bad_container_name(path, node));
    if (attribute.path == "services.*.pull_policy" && !has_pull_policy(node.text))
      diagnostics_.add(bad_pull_policy(path, node));
    return diagnostics_.error_count() == errors;
  }

  static bool has_container_name(std::string_view text) {  // [a-zA-Z0-9][a-zA-Z0-9_.-]+
    const auto alphanumeric = [](char c) {
      return is_name(std::string_view(&c, 1)) && c != '.' && c != '_' && c != '-';
    };
    for (std::size_t at = 0; at + 1 < text.size(); ++at)
      if (alphanumeric(text[at]) && is_name(text.substr(at + 1, 1))) return true;
    return has_marks(text);  // what config will bring cannot be judged yet
  }

  static bool has_pull_policy(std::string_view text) {
    for (const std::string_view policy :
         {"always", "never", "build", "if_not_present", "missing", "refresh", "daily", "weekly"})
      if (text.contains(policy)) return true;
    const std::size_t every = text.find("every_");
    if (every == std::string_view::npos) return false;
    const std::string_view rest = text.substr(every + 6);
    const std::size_t unit = rest.find_first_not_of("0123456789");
    return unit != std::string_view::npos && unit > 0 && std::string_view("wdhms").contains(rest[unit]);
  }

  void check_object(Node& node, const Shape& shape, const std::string& path, const SourceSpan& key_span) {
    keep(node, node.entries, [&](Node::Entry& entry) {
      if (diagnostics_.error_count() >= kMostMistakes) return true;
      const Shape* inner = shape.key(entry.key);
      if (inner) return visit(entry.value, *inner, key_path(path, entry.key), entry.key_span);
      if ((is_extension(entry.key) && !shape.has(no_extensions)) || shape.has(any_name)) return true;
      diagnostics_.add(unknown_key(path, entry.key, entry.key_span, shape.key_names(), place_below(shape, entry.key)));
      return false;
    });
    if (node.damaged) return;  // what is missing may be what was removed
    for (const auto& [name, inner] : shape.keys)
      if (inner->has(required) && !node.find(name)) {
        diagnostics_.add(missing_key(path, std::string(name), key_span));
        node.damaged = true;
      }
  }

  void check_names(Node& node, const Shape& shape, const std::string& path) {
    keep(node, node.entries, [&](Node::Entry& entry) {
      if (is_name(entry.key))
        return !shape.each || visit(entry.value, *shape.each, key_path(path, entry.key), entry.key_span);
      if (shape.has(any_name)) return true;
      diagnostics_.add(bad_name(path, entry.key, entry.key_span));
      return false;
    });
  }

  void check_list(Node& node, const Shape& shape, const std::string& path) {
    keep_items(node, path, [&](Node& item, const std::string& at) { return visit(item, *shape.each, at, item.span); });
  }

  void check_texts(Node& node, const Shape& shape, const std::string& path) {
    const std::uint16_t numbers = shape.attribute->also & (form_integer | form_number);
    keep_items(node, path, [&](Node& item, const std::string& at) {
      const auto accepted = static_cast<std::uint16_t>(form_text | numbers);
      const bool has_fraction = item.kind == Node::Kind::number && (numbers & form_number) == 0;  // 1.0 too
      if (!has_fraction) return has_form(item, accepted, at, item.span);
      diagnostics_.add(wrong_type(at, accepted, item, item.span));
      return false;
    });
    if (shape.attribute->unique == Unique::checked || shape.type() == Type::names) check_unique(node, path);
  }

  /// Of scalars: 80 and "80" are two.
  void check_unique(const Node& node, const std::string& path) {
    std::map<std::pair<Node::Kind, std::string>, const Node*> known;
    for (const Node& item : node.items) {
      const auto [first, is_new] = known.emplace(std::pair(item.kind, reprint(item)), &item);
      if (!is_new) diagnostics_.add(repeated_item(path, item, first->second->span));
    }
  }

  void check_key_values(Node& node, const std::string& path) {
    check_entries(node, path, kScalarForms | form_null);
    keep_items(node, path, [&](Node& item, const std::string& at) { return has_form(item, form_text, at, item.span); });
    check_unique(node, path);
  }

  void check_entries(Node& node, const std::string& path, std::uint16_t accepted) {
    keep(node, node.entries, [&](Node::Entry& entry) {
      return has_form(entry.value, accepted, key_path(path, entry.key), entry.value.span);
    });
  }

  void check_entries_or_lists(Node& node, const std::string& path, std::uint16_t accepted) {
    check_entries(node, path, accepted | form_list);
    for (Node::Entry& entry : node.entries)
      keep_items(entry.value, key_path(path, entry.key),
                 [&](Node& item, const std::string& at) { return has_form(item, accepted, at, item.span); });
  }

  Diagnostics& diagnostics_;
};

}  // namespace

void check_structure(Node& project, Diagnostics& diagnostics) {
  Check check(diagnostics);
  check.check_numbers(project, "");
  check.visit(project, compose_file(), "", project.span);
}

}  // namespace defang::compose
