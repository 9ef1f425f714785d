#include "compose/volumes.h"

#include <algorithm>
#include <array>
#include <vector>

#include "support/text.h"

namespace defang::compose {
namespace {

/// How many bytes the letter at the beginning has; 0: there is none. Beyond ASCII, nearly all that people write is one.
std::size_t letter_at_start(std::string_view text) {
  if (text.empty()) return 0;
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z') ? 1 : 0;
  for (std::size_t size = 2; size <= std::min<std::size_t>(4, text.size()); ++size)
    if (is_utf8(text.substr(0, size))) return size;
  return 0;
}

// Compose specification, "volumes", short syntax; mount(8) for the propagations.
constexpr auto kPropagations =
    std::to_array<std::string_view>({"private", "rprivate", "rshared", "rslave", "shared", "slave"});

/// Sections between colons; the colon of a Windows drive belongs to its section, as do those inside `${...}`.
std::vector<std::string> sections(std::string_view text) {
  std::vector<std::string> out(1);
  int braces = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '{' && at > 0 && text[at - 1] == '$') ++braces;
    if (c == '}' && braces > 0) --braces;
    const bool is_drive = !out.back().empty() && letter_at_start(out.back()) == out.back().size();
    if (c == ':' && braces == 0 && !is_drive) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

void apply_option(ShortMount& mount, std::string_view option) {
  if (option == "ro") mount.read_only = true;
  if (option == "rw") mount.read_only = false;
  if (option == "nocopy") mount.nocopy = true;
  if (option == "z" || option == "Z") mount.selinux = option;
  if (std::ranges::find(kPropagations, option) != kPropagations.end()) mount.propagation = option;
}

}  // namespace

bool is_file_path(std::string_view source) {
  if (source.empty()) return false;
  if (source[0] == '.' || source[0] == '/' || source[0] == '~' || source.starts_with("\\\\")) return true;
  const std::size_t letter = letter_at_start(source);
  return letter > 0 && source.substr(letter).starts_with(':');
}

std::expected<ShortMount, std::string> parse_mount(std::string_view text) {
  ShortMount mount;
  if (text.empty()) return std::unexpected("is empty");
  const std::vector<std::string> parts = text.size() <= 2 ? std::vector{std::string(text)} : sections(text);
  if (std::ranges::any_of(parts, &std::string::empty)) return std::unexpected("has an empty section between colons");
  if (parts.size() > 3) return std::unexpected("has too many colons");
  mount.target = parts.size() == 1 ? parts[0] : parts[1];
  if (parts.size() > 1) mount.source = parts[0];
  if (parts.size() > 2)
    for (const std::string& option : split(parts[2], ',')) apply_option(mount, option);
  if (is_file_path(mount.source)) mount.kind = ShortMount::Kind::bind;
  return mount;
}

std::string mount_target(std::string_view text) {
  const auto mount = parse_mount(text);
  return mount ? mount->target : std::string(text);
}

}  // namespace defang::compose
