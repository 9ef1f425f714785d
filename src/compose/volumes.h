#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace defang::compose {

/// The short form `[SOURCE:]TARGET[:OPTIONS]` of a mount (CS-120).
struct ShortMount {
  enum class Kind { bind, volume };
  Kind kind = Kind::volume;
  std::string source;  // empty: anonymous
  std::string target;
  bool read_only = false;
  bool nocopy = false;
  std::string propagation;
  std::string selinux;
};
/// The error says what is wrong, without the text itself.
std::expected<ShortMount, std::string> parse_mount(std::string_view text);

/// Container path of a mount or device in its short form; the text itself where it cannot be told.
std::string mount_target(std::string_view text);

/// "./a", "/a", "~/a", "C:\a", "\\server\share".
bool is_file_path(std::string_view source);

}  // namespace defang::compose
