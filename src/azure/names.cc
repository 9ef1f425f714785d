#include "azure/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "support/digest.h"
#include "support/text.h"

namespace defang::azure {
namespace {

using Characters = ResourceType::NameRule::Characters;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

struct CharacterSet {
  Characters characters;
  bool upper;
  std::string_view also;         // beside letters and digits
  std::string_view description;  // "may hold only ..."
};
constexpr auto kSets = std::to_array<CharacterSet>({
    {Characters::lower_alnum, false, "", "lower-case letters and digits"},
    {Characters::lower_alnum_dash, false, "-", "lower-case letters, digits and `-`"},
    {Characters::alnum, true, "", "letters and digits"},
    {Characters::alnum_dash, true, "-", "letters, digits and `-`"},
    {Characters::alnum_dash_underscore, true, "-_", "letters, digits, `-` and `_`"},
    {Characters::alnum_dash_underscore_dot, true, "-_.", "letters, digits, `-`, `_` and `.`"},
    {Characters::guid, true, "-", "a GUID"},
    {Characters::fixed, true, "-", "`default`"},
});

const CharacterSet& set_of(Characters characters) {
  return *std::ranges::find(kSets, characters, &CharacterSet::characters);
}

bool is_allowed(const CharacterSet& set, char c) {
  return is_digit(c) || is_lower(c) || (set.upper && is_letter(c)) || set.also.find(c) != std::string_view::npos;
}

// ARM-101, sorted. Names that only contain or start with a reserved word are handled beside the table.
constexpr auto kReserved = std::to_array<std::string_view>({
    "ACCESS",
    "APP_BROWSERS",
    "APP_CODE",
    "APP_DATA",
    "APP_GLOBALRESOURCES",
    "APP_LOCALRESOURCES",
    "APP_THEMES",
    "APP_WEBREFERENCES",
    "AZURE",
    "BING",
    "BIZSPARK",
    "BIZTALK",
    "CORTANA",
    "DIRECTX",
    "DOTNET",
    "DYNAMICS",
    "EXCEL",
    "EXCHANGE",
    "FOREFRONT",
    "GROOVE",
    "HOLOLENS",
    "HYPERV",
    "KINECT",
    "LYNC",
    "MSDN",
    "O365",
    "OFFICE",
    "OFFICE365",
    "ONEDRIVE",
    "ONENOTE",
    "OUTLOOK",
    "POWERPOINT",
    "SHAREPOINT",
    "SKYPE",
    "VISIO",
    "VISUALSTUDIO",
    "WEB.CONFIG",
    "XBOX",
});
static_assert(std::ranges::is_sorted(kReserved));

bool needs_clean_end(Characters characters) { return characters != Characters::fixed; }

/// Every character legal, no "--" where that is forbidden, ends trimmed; may be empty, too long or too short.
std::string cleaned(const ResourceType::NameRule& rule, std::string_view wanted) {
  const auto& set = set_of(rule.characters);
  const bool dashes = set.also.find('-') != std::string_view::npos;
  std::string name;
  for (char c : wanted) {
    if (!set.upper && is_letter(c)) c = to_lower(std::string_view(&c, 1))[0];
    if (!is_allowed(set, c)) {
      if (!dashes) continue;
      c = '-';
    }
    if (c == '-' && name.ends_with('-') && !rule.double_dash) continue;
    name += c;
  }
  const auto is_end = [](char c) { return is_digit(c) || is_letter(c); };
  const auto first =
      std::ranges::find_if(name, [&](char c) { return rule.starts_with_letter ? is_letter(c) : is_end(c); });
  name.erase(name.begin(), first);
  while (!name.empty() && !is_end(name.back())) name.pop_back();
  return name;
}

/// `name`, cut as needed, then a dash where dashes are allowed, then `tail`.
std::string with_tail(const ResourceType::NameRule& rule, std::string name, const std::string& tail) {
  const bool dashes = set_of(rule.characters).also.find('-') != std::string_view::npos;
  const std::size_t room = rule.max - tail.size() - (dashes ? 1 : 0);
  if (name.size() > room) name.resize(room);
  while (name.ends_with('-') || name.ends_with('_') || name.ends_with('.')) name.pop_back();
  if (name.empty()) return tail;
  return name + (dashes ? "-" : "") + tail;
}

/// The same but for case and for `_` and `.` written as `-`: what a reader recognises without a hash.
bool is_recognisable(std::string_view wanted, std::string_view name) {
  return std::ranges::equal(wanted, name, [](char a, char b) {
    return b == ((a == '_' || a == '.') ? '-' : to_lower(std::string_view(&a, 1))[0]);
  });
}

}  // namespace

std::optional<std::string> name_fault(const ResourceType& type, std::string_view name) {
  const auto& rule = type.name;
  if (name.size() < rule.min) return fmt::format("is shorter than {} characters", rule.min);
  if (name.size() > rule.max) return fmt::format("is longer than {} characters", rule.max);
  if (rule.characters == Characters::fixed && name != "default") return "must be `default`";
  const auto& set = set_of(rule.characters);
  if (!std::ranges::all_of(name, [&](char c) { return is_allowed(set, c); }))
    return fmt::format("may hold only {}", set.description);
  if (rule.starts_with_letter && !is_letter(name.front())) return "must start with a letter";
  if (!rule.double_dash && name.find("--") != std::string_view::npos) return "must not contain `--`";
  if (needs_clean_end(rule.characters) && !is_digit(name.back()) && !is_letter(name.back()) && name.back() != '_')
    return "must end with a letter or digit";
  return std::nullopt;
}

bool is_reserved_name(std::string_view name) {
  const auto upper = to_upper(name);
  return std::ranges::binary_search(kReserved, upper) || upper.starts_with("LOGIN") ||
         upper.find("MICROSOFT") != std::string::npos || upper.find("WINDOWS") != std::string::npos;
}

std::string short_hash(std::string_view seed, std::size_t length) {
  // Hexadecimal digits; the first is mapped to a letter, so that the hash can start a name or follow a dot.
  auto text = sha256_hex(seed).substr(0, length);
  if (!text.empty() && is_digit(text[0])) text[0] = static_cast<char>('g' + (text[0] - '0'));
  return text;
}

std::string legal_name(const ResourceType& type, std::string_view wanted, std::string_view seed) {
  auto name = cleaned(type.name, wanted);
  const bool fits = !name_fault(type, name) && !is_reserved_name(name);
  if (fits && (name == wanted || is_recognisable(wanted, name))) return name;
  // A reserved word must not stay recognisable: "login-3fa2c1" still starts with LOGIN.
  if (is_reserved_name(name)) name = "app-" + name;
  if (is_reserved_name(name)) name = "app";
  return with_tail(type.name, std::move(name), short_hash(seed, 6));
}

std::string unique_name(const ResourceType& type, std::string_view wanted, std::string_view seed) {
  auto name = cleaned(type.name, wanted);
  if (is_reserved_name(name)) name = "app";
  return with_tail(type.name, std::move(name), short_hash(seed, 8));
}

}  // namespace defang::azure
