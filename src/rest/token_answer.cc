#include "rest/token_answer.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <optional>

#include "support/digest.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::system_clock;

constexpr auto kUnknownLifetime = minutes(10);

std::optional<std::int64_t> number_of(const Json& object, const char* name) {
  if (!object.is_object() || !object.contains(name)) return std::nullopt;
  const Json& value = object[name];
  if (value.is_number()) return value.get<std::int64_t>();
  if (!value.is_string()) return std::nullopt;  // the v1 endpoint, identities and az spell numbers as text
  const auto number = to_number(value.get<std::string>());
  return number ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
}

std::string text_of(const Json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string() ? object[name].get<std::string>() : "";
}

}  // namespace

Result<AccessToken> token_in(const std::string& body, system_clock::time_point asked, const std::string& issuer) {
  const Json answer = Json::parse(body, nullptr, false);
  std::string token;
  for (const char* name : {"access_token", "accessToken", "token"})
    if (token.empty()) token = text_of(answer, name);
  if (token.empty()) return fail(Error::Kind::invalid, "token-invalid", fmt::format("{} gave no token", issuer));
  // az's `expiresOn` is local time without a zone, so it is not used.
  auto expires = asked + kUnknownLifetime;
  const Json claims = Json::parse(token_claims(Secret(token)), nullptr, false);
  if (const auto at = number_of(answer, "expires_on"))
    expires = system_clock::time_point(seconds(*at));
  else if (const auto in = number_of(answer, "expires_in"))
    expires = asked + seconds(*in);
  else if (const auto own = number_of(claims, "exp"))
    expires = system_clock::time_point(seconds(*own));
  return AccessToken{Secret(std::move(token)), expires};
}

std::string token_claims(const Secret& token) {
  const auto parts = split(token.reveal(), '.');
  return parts.size() == 3 ? from_base64(parts[1]) : "";
}

}  // namespace defang::rest
