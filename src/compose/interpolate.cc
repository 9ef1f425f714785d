#include "compose/interpolate.h"

#include <algorithm>
#include <charconv>

#include "compose/attributes.h"
#include "compose/diagnostics.h"
#include "compose/limits.h"
#include "compose/scalars.h"
#include "support/text.h"

namespace defang::compose {
namespace {

bool starts_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool continues_name(char c) { return starts_name(c) || (c >= '0' && c <= '9'); }

std::string_view name_at(std::string_view text) {
  if (text.empty() || !starts_name(text[0])) return "";
  std::size_t end = 1;
  while (end < text.size() && continues_name(text[end])) ++end;
  return text.substr(0, end);
}

/// Where the brace that was opened before `text` closes.
std::size_t closing_brace(std::string_view text) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '{') ++depth;
    if (text[at] == '}' && depth-- == 0) return at;
  }
  return std::string_view::npos;
}

struct Operator {
  std::string_view text;
  char kind;  // '-' default, '?' required, '+' alternative
  bool empty_is_unset;
};
// Compose specification, "Interpolation". The longer first.
constexpr Operator kOperators[] = {
    {":-", '-', true}, {":?", '?', true}, {":+", '+', true}, {"-", '-', false}, {"?", '?', false}, {"+", '+', false},
};

class Substitution {
 public:
  Substitution(const Lookup& lookup, Unset unset, int depth = 0) : lookup_(lookup), unset_(unset), depth_(depth) {}

  std::expected<Substituted, SubstitutionError> run(std::string_view text) {
    std::string out;
    const std::size_t most = std::max(text.size(), kMostTextBytes);
    if (depth_ > kDeepestDefault) return std::unexpected(SubstitutionError{SubstitutionError::Kind::too_long, "", ""});
    while (!text.empty()) {
      if (out.size() > most) return std::unexpected(SubstitutionError{SubstitutionError::Kind::too_long, "", ""});
      const std::size_t dollar = text.find('$');
      out += text.substr(0, dollar);
      if (dollar == std::string_view::npos) break;
      text.remove_prefix(dollar + 1);
      if (text.starts_with('$')) {
        out += '$';
        text.remove_prefix(1);
      } else if (text.starts_with('{')) {
        const std::size_t end = closing_brace(text.substr(1));
        if (end == std::string_view::npos) return std::unexpected(SubstitutionError{});
        auto value = braced(text.substr(1, end));
        if (!value) return std::unexpected(value.error());
        out += *value;
        text.remove_prefix(end + 2);
      } else if (const std::string_view name = name_at(text); !name.empty()) {
        out += plain(name);
        text.remove_prefix(name.size());
      } else {
        out += '$';
      }
    }
    if (out.size() > most) return std::unexpected(SubstitutionError{SubstitutionError::Kind::too_long, "", ""});
    result_.text = std::move(out);
    return std::move(result_);
  }

 private:
  std::string plain(std::string_view name) {
    if (auto value = lookup_(name)) {
      result_.from_variable = true;
      return *value;
    }
    result_.unset.emplace_back(name);
    if (unset_ == Unset::blank) return "";
    return std::string(kConfigStart) + std::string(name) + std::string(kConfigEnd);
  }

  std::expected<std::string, SubstitutionError> braced(std::string_view body) {
    const std::string_view name = name_at(body);
    const std::string_view rest = body.substr(name.size());
    if (name.empty()) return std::unexpected(SubstitutionError{});
    if (rest.empty()) return plain(name);
    for (const Operator& op : kOperators)
      if (rest.starts_with(op.text)) return apply(op, name, rest.substr(op.text.size()));
    return std::unexpected(SubstitutionError{});
  }

  std::expected<std::string, SubstitutionError> apply(const Operator& op, std::string_view name,
                                                      std::string_view argument) {
    const auto value = lookup_(name);
    const bool is_set = value && !(op.empty_is_unset && value->empty());
    if (op.kind == '+') return is_set ? nested(argument) : "";
    if (is_set) {
      result_.from_variable = true;
      return *value;
    }
    if (op.kind == '-') return nested(argument);
    return std::unexpected(
        SubstitutionError{SubstitutionError::Kind::required, std::string(name), std::string(argument)});
  }

  std::expected<std::string, SubstitutionError> nested(std::string_view text) {
    auto inner = Substitution(lookup_, unset_, depth_ + 1).run(text);
    if (!inner) return std::unexpected(inner.error());
    result_.from_variable |= inner->from_variable;
    result_.unset.insert(result_.unset.end(), inner->unset.begin(), inner->unset.end());
    return std::move(inner->text);
  }

  const Lookup& lookup_;
  Unset unset_;
  int depth_;
  Substituted result_;
};

enum class Conversion { none, integer, number, boolean };

/// Attributes whose texts become numbers and booleans right after interpolation (CS-45).
Conversion conversion_of(const Shape* shape) {
  if (!shape || shape->has(unconverted)) return Conversion::none;
  const std::string_view path = shape->attribute->path;
  switch (shape->type()) {
    case Type::integer:
      return Conversion::integer;
    case Type::number:
      return Conversion::number;
    case Type::boolean:
      return Conversion::boolean;
    default:
      if (path.ends_with(".external")) return Conversion::boolean;
      return path == "services.*.ulimits.*" ? Conversion::integer : Conversion::none;
  }
}

/// y, yes, on and their opposites are what YAML 1.1 took for booleans.
std::optional<bool> parse_boolean(std::string_view text, bool& is_old) {
  const std::string lower = to_lower(text);
  is_old = lower != "true" && lower != "false";
  if (lower == "true" || lower == "y" || lower == "yes" || lower == "on") return true;
  if (lower == "false" || lower == "n" || lower == "no" || lower == "off") return false;
  return std::nullopt;
}

template <class T>
std::optional<T> parse_whole(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

class Walk {
 public:
  Walk(const Lookup* lookup, Unset unset, const OnUnset& on_unset, Diagnostics& diagnostics)
      : lookup_(lookup), unset_(unset), on_unset_(on_unset), diagnostics_(diagnostics) {}

  void visit(Node& node, const Shape* shape, const std::string& path) {
    if (node.is_mapping()) {
      for (Node::Entry& entry : node.entries) {
        const Shape* inner = shape ? shape->key(entry.key) : nullptr;
        visit(entry.value, inner, path.empty() ? entry.key : path + "." + entry.key);
      }
    } else if (node.is_list()) {
      const Shape* inner = shape ? shape->each : nullptr;
      for (std::size_t i = 0; i < node.items.size(); ++i)
        visit(node.items[i], inner, path + "[" + std::to_string(i) + "]");
    } else if (node.is_text()) {
      const bool is_good = (!lookup_ || substitute_text(node, path)) && convert(node, conversion_of(shape), path);
      if (!is_good) node.lose();
    }
  }

 private:
  bool substitute_text(Node& node, const std::string& path) {
    if (!node.text.contains('$')) return true;
    auto result = substitute(node.text, *lookup_, unset_);
    if (result) filled_ += result->text.size();
    if (filled_ > kMostFilledBytes || (!result && result.error().kind == SubstitutionError::Kind::too_long)) {
      if (!is_full_) diagnostics_.add(variables_too_long(path, node.span));
      is_full_ |= filled_ > kMostFilledBytes;
      return false;
    }
    if (!result) {
      if (result.error().kind == SubstitutionError::Kind::required) {
        diagnostics_.add(required_variable(path, result.error().variable, result.error().message, node.span));
      } else {
        diagnostics_.add(malformed_interpolation(path, node.text, node.span));
      }
      return false;
    }
    for (const std::string& name : result->unset) on_unset_(name, node.span);
    node.text = std::move(result->text);
    node.from_variable |= result->from_variable;
    return true;
  }

  bool convert(Node& node, Conversion conversion, const std::string& path) {
    if (!lookup_ && node.text.contains('$')) return true;  // not known yet
    Node converted;
    switch (conversion) {
      case Conversion::none:
        return true;
      case Conversion::integer: {
        const auto value = parse_whole<std::int64_t>(node.text);
        if (!value) return fail(cannot_convert(path, "a whole number", node));
        converted = Node::of_integer(*value);
        break;
      }
      case Conversion::number: {
        const auto value = parse_whole<double>(node.text);
        if (!value) return fail(cannot_convert(path, "a number", node));
        converted = Node::of_number(*value);
        break;
      }
      case Conversion::boolean: {
        bool is_old = false;
        const auto value = parse_boolean(node.text, is_old);
        if (!value) return fail(cannot_convert(path, "`true` or `false`", node));
        if (is_old) diagnostics_.add(old_boolean(path, node, *value));
        converted = Node::of_boolean(*value);
        break;
      }
    }
    converted.span = node.span;
    converted.from_variable = node.from_variable;
    converted.tag = node.tag;
    node = std::move(converted);
    return true;
  }

  bool fail(Diagnostic diagnostic) {
    diagnostics_.add(std::move(diagnostic));
    return false;
  }

  const Lookup* lookup_;  // nullptr: no interpolation
  Unset unset_;
  std::size_t filled_ = 0;  // bytes of all texts so far
  bool is_full_ = false;    // more than there may be, which was reported
  const OnUnset& on_unset_;
  Diagnostics& diagnostics_;
};

}  // namespace

std::expected<Substituted, SubstitutionError> substitute(std::string_view text, const Lookup& lookup, Unset unset) {
  return Substitution(lookup, unset).run(text);
}

namespace {

/// Defaults within defaults are followed as far as they are when variables are filled in.
std::vector<VariableUse> uses_in(std::string_view text, int depth) {
  std::vector<VariableUse> uses;
  for (std::size_t dollar = text.find('$'); dollar != std::string_view::npos; dollar = text.find('$')) {
    text.remove_prefix(dollar + 1);
    if (text.starts_with('$')) {
      text.remove_prefix(1);
      continue;
    }
    const bool is_braced = text.starts_with('{');
    const std::size_t end = is_braced ? closing_brace(text.substr(1)) : std::string_view::npos;
    if (is_braced && end == std::string_view::npos) return uses;
    const std::string_view body = is_braced ? text.substr(1, end) : text;
    VariableUse use{.name = std::string(name_at(body))};
    text.remove_prefix(is_braced ? end + 2 : use.name.size());
    if (use.name.empty()) continue;
    std::string_view argument;
    if (is_braced)
      for (const Operator& op : kOperators) {
        if (!body.substr(use.name.size()).starts_with(op.text)) continue;
        argument = body.substr(use.name.size() + op.text.size());
        use.required = op.kind == '?';
        if (op.kind == '-') use.default_value = argument;
        if (op.kind == '+') use.alternate_value = argument;
        break;
      }
    uses.push_back(std::move(use));
    if (depth < kDeepestDefault)
      for (VariableUse& inner : uses_in(argument, depth + 1)) uses.push_back(std::move(inner));
  }
  return uses;
}

}  // namespace

std::vector<VariableUse> variable_uses(std::string_view text) { return uses_in(text, 0); }

bool has_marks(std::string_view text) { return text.contains(kConfigStart); }

std::vector<TextPiece> pieces_of(std::string_view text) {
  std::vector<TextPiece> pieces;
  while (!text.empty()) {
    const std::size_t start = text.find(kConfigStart);
    if (start != 0) pieces.push_back({false, std::string(text.substr(0, start))});
    if (start == std::string_view::npos) break;
    text.remove_prefix(start + kConfigStart.size());
    const std::size_t end = text.find(kConfigEnd);
    pieces.push_back({true, std::string(text.substr(0, end))});
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + kConfigEnd.size());
  }
  return pieces;
}

std::string without_marks(std::string_view text) {
  if (!has_marks(text)) return std::string(text);
  std::string out;
  for (const TextPiece& piece : pieces_of(text)) out += piece.is_config ? "${" + piece.text + "}" : piece.text;
  return out;
}

void interpolate(Node& document, const Lookup& lookup, Unset unset, const OnUnset& on_unset, Diagnostics& diagnostics) {
  Walk(&lookup, unset, on_unset, diagnostics).visit(document, &compose_file(), "");
}

void convert_types(Node& document, Diagnostics& diagnostics) {
  static const OnUnset nobody = [](const std::string&, const SourceSpan&) {};
  Walk(nullptr, Unset::blank, nobody, diagnostics).visit(document, &compose_file(), "");
}

}  // namespace defang::compose
