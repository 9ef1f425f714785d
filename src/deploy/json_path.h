#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace defang::deploy {

/// "properties.loginServer", "keys[0].value"; nullptr when there is no such place.
const nlohmann::json* at_path(const nlohmann::json& body, std::string_view path);
/// The text at a path, empty when it is absent or no text.
std::string text_at(const nlohmann::json& body, std::string_view path);

}  // namespace defang::deploy
