#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>

#include "compose/load.h"
#include "compose/scalars.h"

namespace defang::compose {
namespace {

// Sections of a project, in the order in which people read them; the rest follows by name.
constexpr auto kSections =
    std::to_array<std::string_view>({"name", "services", "networks", "volumes", "secrets", "configs", "models"});

std::vector<const Node::Entry*> sorted(const Node& mapping, bool is_project) {
  std::vector<const Node::Entry*> entries;
  for (const Node::Entry& entry : mapping.entries) entries.push_back(&entry);
  std::ranges::sort(entries, {}, [&](const Node::Entry* entry) {
    const auto section = is_project ? std::ranges::find(kSections, entry->key) : kSections.end();
    return std::pair<std::ptrdiff_t, std::string_view>(section - kSections.begin(), entry->key);
  });
  return entries;
}

/// Beyond ASCII, what YAML does not allow in a text as it is, or takes for a line end or a byte order mark: the other
/// control characters, U+2028, U+2029, U+FEFF, U+FFFE, U+FFFF. All of them in three bytes of UTF-8 or less.
std::optional<char32_t> special_character(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (text.size() >= 2 && byte(0) == 0xC2 && byte(1) < 0xA0) return byte(1);
  if (text.size() < 3 || (byte(0) != 0xE2 && byte(0) != 0xEF)) return std::nullopt;
  const char32_t c = (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
  if (c == 0x2028 || c == 0x2029 || c == 0xFEFF || c == 0xFFFE || c == 0xFFFF) return c;
  return std::nullopt;
}

bool has_special(std::string_view text) {
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto c = static_cast<unsigned char>(text[at]);
    if (c == 0x7F || (c < 0x20 && c != '\n') || special_character(text.substr(at))) return true;
  }
  return false;
}

std::string in_quotes(std::string_view text) {
  static const std::map<char, std::string_view> kShort = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"},
                                                          {'\t', "\\t"}, {'\b', "\\b"},  {'\f', "\\f"}};
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (const auto found = kShort.find(c); found != kShort.end()) {
      out += found->second;
    } else if (const auto special = special_character(text.substr(at))) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(*special));
      at += *special < 0x100 ? 1 : 2;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string plain_scalar(const Node& node) {
  if (node.is_null()) return "null";
  return reprint(node);
}

void write_json(const Node& node, int depth, std::string& out) {
  const std::string indent(static_cast<std::size_t>(depth) * 2, ' ');
  if (node.is_list()) {
    if (node.items.empty()) return void(out += "[]");
    out += "[\n";
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      out += indent + "  ";
      write_json(node.items[i], depth + 1, out);
      out += i + 1 < node.items.size() ? ",\n" : "\n";
    }
    out += indent + "]";
  } else if (node.is_mapping()) {
    if (node.entries.empty()) return void(out += "{}");
    out += "{\n";
    const auto entries = sorted(node, depth == 0);
    for (std::size_t i = 0; i < entries.size(); ++i) {
      out += indent + "  " + in_quotes(entries[i]->key) + ": ";
      write_json(entries[i]->value, depth + 1, out);
      out += i + 1 < entries.size() ? ",\n" : "\n";
    }
    out += indent + "}";
  } else {
    out += node.is_text() ? in_quotes(node.text) : plain_scalar(node);
  }
}

bool is_old_boolean(std::string_view text) {  // YAML 1.1, "Boolean Language-Independent Type"
  constexpr auto kWords = std::to_array<std::string_view>(
      {"y", "Y", "yes", "Yes", "YES", "n", "N", "no", "No", "NO", "on", "On", "ON", "off", "Off", "OFF"});
  return std::ranges::find(kWords, text) != kWords.end();
}

/// What some reader of YAML might take for a number, such as 65e1234, 1_000 or 22:22.
bool looks_like_number(std::string_view text) {
  if (text.find_first_not_of("0123456789abcdefABCDEFxXoO_.:+-eE") != std::string_view::npos) return false;
  const std::size_t first = text.find_first_not_of("+-.");
  return first != std::string_view::npos && text[first] >= '0' && text[first] <= '9';
}

bool needs_quotes(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.back() == ' ' || text.back() == ':') return true;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`=<~").contains(text.front())) return true;
  if (text.contains(": ") || text.contains(" #")) return true;
  if (text.contains('\n') || has_special(text) || is_old_boolean(text) || looks_like_number(text)) return true;
  const Node read = resolve_scalar(text, ScalarStyle::plain, "");
  return !read.is_text() || !read.tag.empty();
}

/// Lines of a text that can stand in a literal block as they are.
bool fits_block(std::string_view text) {
  if (!text.contains('\n') || text.front() == ' ' || text.front() == '\n' || text.front() == '\t') return false;
  if (text.contains(" \n") || text.ends_with("\n\n")) return false;
  return !has_special(text);
}

void write_yaml_text(std::string_view text, const std::string& indent, std::string& out) {
  if (!fits_block(text)) return void(out += needs_quotes(text) ? in_quotes(text) : std::string(text));
  out += text.ends_with('\n') ? "|" : "|-";
  if (text.ends_with('\n')) text.remove_suffix(1);
  while (true) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    out += line.empty() ? "\n" : "\n" + indent + std::string(line);
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

/// YAML 1.2, 7.4.2: a key without a sign of its own ends within 1,024 characters.
constexpr std::size_t kLongestKey = 1000;

/// Writes a value behind "key:" or "-"; `indent` is that of what it holds.
void write_yaml(const Node& node, const std::string& indent, bool in_list, bool is_project, std::string& out) {
  if (node.is_list()) {
    if (node.items.empty()) return void(out += " []\n");
    if (!in_list) out += '\n';
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      out += (in_list && i == 0 ? " -" : indent + "-");
      write_yaml(node.items[i], indent + "  ", true, false, out);
    }
  } else if (node.is_mapping()) {
    if (node.entries.empty()) return void(out += " {}\n");
    if (!in_list && !is_project) out += '\n';
    bool is_first = true;
    for (const Node::Entry* entry : sorted(node, is_project)) {
      out += in_list && is_first ? " " : indent;
      const std::string key = needs_quotes(entry->key) ? in_quotes(entry->key) : entry->key;
      out += key.size() > kLongestKey ? "? " + key + "\n" + indent + ":" : key + ":";
      write_yaml(entry->value, indent + "  ", false, false, out);
      is_first = false;
    }
  } else {
    out += ' ';
    if (node.is_text()) {
      write_yaml_text(node.text, indent, out);
    } else {
      out += plain_scalar(node);
    }
    out += '\n';
  }
}

}  // namespace

std::string to_json(const Node& canonical) {
  std::string out;
  write_json(canonical, 0, out);
  return out + "\n";
}

std::string to_yaml(const Node& canonical) {
  std::string out;
  write_yaml(canonical, "", false, true, out);
  return out;
}

}  // namespace defang::compose
