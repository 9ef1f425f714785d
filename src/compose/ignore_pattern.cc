#include "compose/ignore_pattern.h"

#include <algorithm>
#include <array>

namespace defang::compose {
namespace {

constexpr char32_t kBroken = 0xFFFD;  // what stands for a byte that is not UTF-8
constexpr char32_t kLast = 0x10FFFF;

using Set = std::vector<std::pair<char32_t, char32_t>>;

// Regular expression syntax of Go (RE2): classes that a letter stands for, and named ones inside brackets.
const Set kDigits = {{'0', '9'}};
const Set kSpaces = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}};
const Set kWords = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};

struct NamedSet {
  std::string_view name;
  Set set;
};
const auto kNamedSets = std::to_array<NamedSet>({
    {"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
    {"alpha", {{'A', 'Z'}, {'a', 'z'}}},
    {"ascii", {{0, 0x7F}}},
    {"blank", {{'\t', '\t'}, {' ', ' '}}},
    {"cntrl", {{0, 0x1F}, {0x7F, 0x7F}}},
    {"digit", {{'0', '9'}}},
    {"graph", {{'!', '~'}}},
    {"lower", {{'a', 'z'}}},
    {"print", {{' ', '~'}}},
    {"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
    {"space", {{'\t', '\r'}, {' ', ' '}}},
    {"upper", {{'A', 'Z'}}},
    {"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}},
    {"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}},
});

bool holds(const Set& set, char32_t c) {
  return std::ranges::any_of(set, [c](const auto& range) { return range.first <= c && c <= range.second; });
}

Set all_but(Set set) {
  std::ranges::sort(set);
  Set out;
  char32_t next = 0;
  for (const auto& [first, last] : set) {
    if (first > next) out.emplace_back(next, first - 1);
    next = std::max<char32_t>(next, last + 1);
  }
  if (next <= kLast) out.emplace_back(next, kLast);
  return out;
}

/// Cuts one character off. A byte that begins none counts as one.
char32_t take_character(std::string_view& text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  const unsigned char first = byte(0);
  const std::size_t length = first < 0x80 ? 1 : first >= 0xC2 && first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t c = length == 1 ? first : first & (0xFF >> (length + 1));
  bool is_good = first < 0x80 || (first >= 0xC2 && first < 0xF5 && length <= text.size());
  for (std::size_t at = 1; is_good && at < length; ++at) {
    is_good = (byte(at) & 0xC0) == 0x80;
    c = c << 6 | (byte(at) & 0x3F);
  }
  constexpr std::array<char32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  is_good = is_good && c >= kSmallest[length] && c <= kLast && !(c >= 0xD800 && c <= 0xDFFF);
  text.remove_prefix(is_good ? length : 1);
  return is_good ? c : kBroken;
}

/// One end of a range in a class of filepath.Match.
bool skip_class_character(std::string_view& rest) {
  if (rest.empty() || rest.front() == '-' || rest.front() == ']') return false;
  if (rest.front() == '\\') rest.remove_prefix(1);
  if (rest.empty()) return false;
  const bool is_mark = rest.starts_with("\xEF\xBF\xBD");  // U+FFFD itself is a good character
  return take_character(rest) != kBroken || is_mark;
}

/// The syntax that filepath.Match asks for: classes are not empty and end, a range has two ends, an escape escapes.
bool is_good_for_match(std::string_view rest) {
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '\\') {
      if (rest.empty()) return false;
      rest.remove_prefix(1);
    } else if (c == '[') {
      if (rest.starts_with('^')) rest.remove_prefix(1);
      for (bool first = true; first || !rest.starts_with(']'); first = false) {
        if (!skip_class_character(rest)) return false;
        if (rest.starts_with('-')) {
          rest.remove_prefix(1);
          if (!skip_class_character(rest)) return false;
        }
        if (rest.empty()) return false;
      }
      rest.remove_prefix(1);
    }
  }
  return true;
}

}  // namespace

/// The regular expression as BuildKit writes it, and what it means. Only what a pattern can lead to is known here.
struct IgnorePattern::ExpressionReader {
  std::string expression;
  std::vector<Step> steps;

  /// How `pattern` is to be compared; its expression is written beside.
  Kind write(std::string_view rest) {
    constexpr std::string_view kEscaped = ".+()|{}$";
    Kind kind = Kind::whole;
    for (bool first = true; !rest.empty(); first = false) {
      const char c = rest.front();
      rest.remove_prefix(1);
      if (c == '*' && rest.starts_with('*')) {
        rest.remove_prefix(rest.starts_with("*/") ? 2 : 1);
        if (!rest.empty()) {
          expression += "(.*/)?";
          kind = Kind::expression;
        } else if (kind == Kind::whole) {
          kind = Kind::prefix;
        } else {
          expression += ".*";
          kind = Kind::expression;
        }
        if (first) kind = Kind::suffix;
      } else if (c == '*' || c == '?') {
        expression += c == '*' ? "[^/]*" : "[^/]";
        kind = Kind::expression;
      } else if (c == '\\' && !rest.empty()) {
        expression += c;
        std::string_view after = rest;
        take_character(after);
        expression += rest.substr(0, rest.size() - after.size());
        rest = after;
        kind = Kind::expression;
      } else {
        if (c == '[' || c == ']') kind = Kind::expression;
        if (kEscaped.find(c) != std::string_view::npos) expression += '\\';
        expression += c;
      }
    }
    return kind;
  }

  bool read() {
    std::string_view rest = expression;
    while (!rest.empty())
      if (!read_step(rest)) return false;
    return true;
  }

 private:
  static bool cut(std::string_view& rest, std::string_view what) {
    if (!rest.starts_with(what)) return false;
    rest.remove_prefix(what.size());
    return true;
  }

  bool read_step(std::string_view& rest) {
    if (cut(rest, "(.*/)?")) {
      steps.push_back({.kind = Step::Kind::folders, .set = {}});
      steps.push_back({.kind = Step::Kind::in_folders, .set = {}});
      return true;
    }
    if (cut(rest, "^")) {
      steps.push_back({.kind = Step::Kind::at_start, .set = {}});
      return !rest.starts_with('*');  // never written
    }
    Step step;
    if (cut(rest, ".")) {
      step.set = all_but({{'\n', '\n'}});
    } else if (cut(rest, "\\")) {
      if (!read_escape(rest, step.set)) return false;
    } else if (cut(rest, "[")) {
      if (!read_class(rest, step)) return false;
    } else {
      const char32_t c = take_character(rest);
      step.set = {{c, c}};
    }
    if (cut(rest, "*")) step.kind = Step::Kind::any_times;
    steps.push_back(std::move(step));
    return true;
  }

  static bool read_escape(std::string_view& rest, Set& set) {
    if (rest.empty()) return false;
    const char32_t c = take_character(rest);
    switch (c) {
      case 'd':
        set = kDigits;
        return true;
      case 'D':
        set = all_but(kDigits);
        return true;
      case 's':
        set = kSpaces;
        return true;
      case 'S':
        set = all_but(kSpaces);
        return true;
      case 'w':
        set = kWords;
        return true;
      case 'W':
        set = all_but(kWords);
        return true;
      case 'a':
        set = {{'\a', '\a'}};
        return true;
      case 'f':
        set = {{'\f', '\f'}};
        return true;
      case 'n':
        set = {{'\n', '\n'}};
        return true;
      case 'r':
        set = {{'\r', '\r'}};
        return true;
      case 't':
        set = {{'\t', '\t'}};
        return true;
      case 'v':
        set = {{'\v', '\v'}};
        return true;
      default:
        break;
    }
    set = {{c, c}};
    return c < 0x80 && !holds(kNamedSets[0].set, c);
  }

  static bool read_class(std::string_view& rest, Step& step) {
    step.negated = cut(rest, "^");
    for (bool first = true; first || !rest.starts_with(']'); first = false) {
      if (rest.empty()) return false;
      if (rest.starts_with("[:") && rest.find(":]", 2) != std::string_view::npos) {
        const std::size_t end = rest.find(":]", 2);
        if (!add_named(rest.substr(2, end - 2), step.set)) return false;
        rest.remove_prefix(end + 2);
      } else if (!read_range(rest, step.set)) {
        return false;
      }
    }
    rest.remove_prefix(1);
    return true;
  }

  static bool add_named(std::string_view name, Set& set) {
    const bool negated = cut(name, "^");
    const auto found = std::ranges::find(kNamedSets, name, &NamedSet::name);
    if (found == kNamedSets.end()) return false;
    const Set named = negated ? all_but(found->set) : found->set;
    set.insert(set.end(), named.begin(), named.end());
    return true;
  }

  static bool read_end(std::string_view& rest, Set& set) {
    if (rest.empty()) return false;
    if (cut(rest, "\\")) return read_escape(rest, set);
    const char32_t c = take_character(rest);
    set = {{c, c}};
    return true;
  }

  static bool read_range(std::string_view& rest, Set& set) {
    const bool is_class = rest.size() > 1 && rest[0] == '\\' && std::string_view("dDsSwW").contains(rest[1]);
    Set low, high;
    if (!read_end(rest, low)) return false;
    if (!is_class && rest.size() > 1 && rest[0] == '-' && rest[1] != ']') {
      rest.remove_prefix(1);
      const bool ends_in_class = rest.size() > 1 && rest[0] == '\\' && std::string_view("dDsSwW").contains(rest[1]);
      if (ends_in_class || !read_end(rest, high) || high[0].first < low[0].first) return false;
      low[0].second = high[0].first;
    }
    set.insert(set.end(), low.begin(), low.end());
    return true;
  }
};

std::optional<IgnorePattern> IgnorePattern::parse(std::string_view text) {
  if (!is_good_for_match(text)) return std::nullopt;
  IgnorePattern pattern;
  ExpressionReader reader;
  pattern.kind_ = reader.write(text);
  pattern.text_ = text;
  if (pattern.kind_ != Kind::expression) return pattern;
  if (!reader.read()) return std::nullopt;
  pattern.steps_ = std::move(reader.steps);
  return pattern;
}

bool IgnorePattern::Step::takes(char32_t c) const { return holds(set, c) != negated; }

bool IgnorePattern::matches(std::string_view path) const {
  const std::string_view text = text_;
  switch (kind_) {
    case Kind::whole:
      return path == text;
    case Kind::prefix:
      return path.starts_with(text.substr(0, text.size() - 2));
    case Kind::suffix: {
      const std::string_view suffix = text.substr(2);
      return path.ends_with(suffix) || (suffix.starts_with('/') && path == suffix.substr(1));
    }
    case Kind::expression:
      return expression_matches(path);
  }
  return false;
}

/// All ways through the steps at once: time grows with steps times characters, whatever the pattern.
bool IgnorePattern::expression_matches(std::string_view path) const {
  std::vector<bool> active(steps_.size() + 1), next;
  enter(0, true, active);
  while (!path.empty()) {
    const char32_t c = take_character(path);
    next.assign(steps_.size() + 1, false);
    for (std::size_t at = 0; at < steps_.size(); ++at) {
      if (!active[at]) continue;
      const Step& step = steps_[at];
      if (step.kind == Step::Kind::one && step.takes(c)) enter(at + 1, false, next);
      if (step.kind == Step::Kind::any_times && step.takes(c)) enter(at, false, next);
      if (step.kind == Step::Kind::in_folders) {
        if (c != '\n') next[at] = true;
        if (c == '/') enter(at + 1, false, next);
      }
    }
    active.swap(next);
  }
  return active.back();
}

void IgnorePattern::enter(std::size_t at, bool at_start, std::vector<bool>& active) const {
  if (active[at]) return;
  active[at] = true;
  if (at == steps_.size()) return;
  const Step::Kind kind = steps_[at].kind;
  if (kind == Step::Kind::any_times || (kind == Step::Kind::at_start && at_start)) enter(at + 1, at_start, active);
  if (kind == Step::Kind::folders) {
    active[at + 1] = true;
    enter(at + 2, at_start, active);
  }
}

bool IgnorePattern::could_match_below(std::string_view folder) const {
  constexpr std::string_view kMagic = "*?[]\\^";
  if (text_.find_first_of(kMagic) != std::string::npos) return true;
  return text_.size() > folder.size() && text_.starts_with(folder) && text_[folder.size()] == '/';
}

}  // namespace defang::compose
