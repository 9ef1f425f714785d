#include "emulator/engines/image_name.h"

#include "emulator/registry/image_store.h"

namespace defang::emulator {

std::optional<ImageName> parse_image_name(std::string_view text) {
  ImageName name;
  if (const auto at = text.find('@'); at != std::string_view::npos) {
    name.digest = text.substr(at + 1);
    if (!is_digest(name.digest)) return std::nullopt;
    text = text.substr(0, at);
  }
  // The first part is a server if it cannot be a repository of Docker Hub: with a dot, a port, or `localhost`.
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto first = text.substr(0, slash);
    if (first == "localhost" || first.find_first_of(".:") != std::string_view::npos) {
      name.server = first;
      text = text.substr(slash + 1);
    }
  }
  if (const auto colon = text.rfind(':'); colon != std::string_view::npos) {
    name.tag = text.substr(colon + 1);
    if (!is_tag(name.tag)) return std::nullopt;
    text = text.substr(0, colon);
  }
  name.repository = text;
  if (!is_repository_name(name.repository)) return std::nullopt;
  return name;
}

}  // namespace defang::emulator
