#include "deploy/json_path.h"

#include "support/text.h"

namespace defang::deploy {

const nlohmann::json* at_path(const nlohmann::json& body, std::string_view path) {
  const nlohmann::json* at = &body;
  for (const auto& part : split(path, '.')) {
    const std::string_view text = part;
    const auto bracket = text.find('[');
    const std::string key(text.substr(0, bracket));
    if (!key.empty()) {
      if (!at->is_object() || !at->contains(key)) return nullptr;
      at = &at->at(key);
    }
    if (bracket == std::string_view::npos) continue;
    const auto index = to_number(text.substr(bracket + 1, text.size() - bracket - 2));
    if (!index || !at->is_array() || *index >= at->size()) return nullptr;
    at = &at->at(*index);
  }
  return at;
}

std::string text_at(const nlohmann::json& body, std::string_view path) {
  const auto* found = at_path(body, path);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace defang::deploy
