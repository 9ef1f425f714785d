#include "emulator/registry/tokens.h"

#include "emulator/json.h"
#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator {
namespace {

Json access_json(const std::vector<RegistryToken::Access>& list) {
  Json out = Json::array();
  for (const auto& access : list) {
    out.push_back({{"type", "repository"}, {"name", access.repository}, {"actions", access.actions}});
  }
  return out;
}

std::vector<RegistryToken::Access> access_of(const Json& claims) {
  std::vector<RegistryToken::Access> out;
  const auto* list = find_member(claims, "access");
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& entry : *list) {
    RegistryToken::Access access{.repository = text_at(entry, "name"), .actions = {}};
    if (const auto* actions = find_member(entry, "actions"); actions != nullptr && actions->is_array()) {
      for (const auto& action : *actions) {
        if (action.is_string()) access.actions.push_back(action.get<std::string>());
      }
    }
    out.push_back(std::move(access));
  }
  return out;
}

}  // namespace

std::string sign_registry_token(const RegistryToken& token, std::string_view key) {
  const Json claims = {{"sub", token.subject},
                       {"iss", "Azure Container Registry"},
                       {"aud", token.service},
                       {"exp", token.expires},
                       {"grant_type", token.refresh ? "refresh_token" : "access_token"},
                       {"access", access_json(token.access)}};
  const auto signed_part = base64url(R"({"alg":"HS256","typ":"JWT"})") + "." + base64url(dump(claims));
  return signed_part + "." + base64url(hmac_sha256(key, signed_part));
}

std::optional<RegistryToken> verify_registry_token(std::string_view text, std::string_view key, std::int64_t now) {
  const auto parts = split(text, '.');
  if (parts.size() != 3 || parts[2] != base64url(hmac_sha256(key, parts[0] + "." + parts[1]))) return std::nullopt;
  const auto claims = parse_json(from_base64(parts[1]));
  if (!claims) return std::nullopt;
  const auto* expires = find_member(*claims, "exp");
  RegistryToken token{.subject = text_at(*claims, "sub"),
                      .service = text_at(*claims, "aud"),
                      .refresh = text_at(*claims, "grant_type") == "refresh_token",
                      .expires = expires != nullptr && expires->is_number() ? expires->get<std::int64_t>() : 0,
                      .access = access_of(*claims)};
  if (token.expires <= now) return std::nullopt;
  return token;
}

std::vector<RegistryToken::Access> parse_scopes(std::string_view scopes) {
  std::vector<RegistryToken::Access> out;
  for (const auto& scope : split(scopes, ' ')) {
    const auto first = scope.find(':');
    const auto last = scope.rfind(':');
    if (first == std::string::npos || last == first || scope.substr(0, first) != "repository") continue;
    out.push_back({scope.substr(first + 1, last - first - 1), split(scope.substr(last + 1), ',')});
  }
  return out;
}

}  // namespace defang::emulator
