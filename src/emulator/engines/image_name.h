#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace defang::emulator {

/// `[SERVER/]REPOSITORY[:TAG][@DIGEST]`
struct ImageName {
  std::string server;  // empty: Docker Hub
  std::string repository;
  std::string tag = "latest";
  std::string digest;
  /// What a registry is asked for.
  const std::string& reference() const { return digest.empty() ? tag : digest; }
};

/// Nothing for a text that can be no image's name.
std::optional<ImageName> parse_image_name(std::string_view text);

}  // namespace defang::emulator
