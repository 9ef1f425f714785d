#include "emulator/providers/blob_access.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "support/digest.h"
#include "support/text.h"

namespace defang::emulator::blobs {

namespace {

constexpr std::string_view kAudience = "https://storage.azure.com";

using Fields = std::map<std::string, std::string>;

std::string field(const Fields& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? std::string() : found->second;
}

std::string sign(const std::string& key_base64, const std::string& text) {
  return base64(hmac_sha256(from_base64(key_base64), text));
}

std::string lines(const std::vector<std::string>& parts) { return join(parts, "\n"); }

Answer failed(std::string_view detail) {
  return blob_error(403, "AuthenticationFailed",
                    fmt::format("Server failed to authenticate the request. Make sure the value of Authorization "
                                "header is formed correctly including the signature.\n{}",
                                detail));
}

std::optional<Answer> check_shared_key(const Request& request, const Json& account, const std::string& credential) {
  const auto colon = credential.find(':');
  if (colon == std::string::npos || credential.substr(0, colon) != text_at(account, "name"))
    return failed("The account name does not match.");
  if (!true_at(account, "sharedKey"))
    return blob_error(403, "KeyBasedAuthenticationNotPermitted",
                      "Key based authentication is not permitted on this storage account.");
  const std::string text = shared_key_string(request, text_at(account, "name"));
  const std::string given = credential.substr(colon + 1);
  if (given == sign(text_at(account, "key1"), text) || given == sign(text_at(account, "key2"), text))
    return std::nullopt;
  return failed("The MAC signature found in the HTTP request is not the same as any computed signature.");
}

/// Times in a SAS: "2026-01-01T00:00:00Z" or "2026-01-01"; they compare as texts.
bool in_time(Core& core, const Fields& fields) {
  const std::string now = core.now_text().substr(0, 19) + "Z";
  const std::string start = field(fields, "st"), end = field(fields, "se");
  return (start.empty() || start <= now) && !end.empty() && end >= now.substr(0, end.size());
}

bool has_letter(const std::string& permissions, std::string_view any_of) {
  return permissions.find_first_of(any_of) != std::string::npos;
}

std::string account_signature(const std::string& key, const std::string& account, const Fields& f) {
  std::vector<std::string> parts = {account,        field(f, "sp"),  field(f, "ss"),  field(f, "srt"), field(f, "st"),
                                    field(f, "se"), field(f, "sip"), field(f, "spr"), field(f, "sv")};
  if (field(f, "sv") >= "2020-12-06") parts.push_back(field(f, "ses"));
  return sign(key, lines(parts) + "\n");
}

std::string delegation_signature(const std::string& key, const std::string& account, const Place& place,
                                 const Fields& f) {
  const std::string resource =
      fmt::format("/blob/{}/{}{}", account, place.container, field(f, "sr") == "b" ? "/" + place.blob : "");
  std::vector<std::string> parts = {field(f, "sp"),    field(f, "st"),    field(f, "se"),  resource,
                                    field(f, "skoid"), field(f, "sktid"), field(f, "skt"), field(f, "ske"),
                                    field(f, "sks"),   field(f, "skv")};
  if (field(f, "sv") >= "2020-02-10")
    parts.insert(parts.end(), {field(f, "saoid"), field(f, "suoid"), field(f, "scid")});
  // 2025-07-05 added the delegated user's tenant and object.
  if (field(f, "sv") >= "2025-07-05") parts.insert(parts.end(), {field(f, "skdutid"), field(f, "sduoid")});
  parts.insert(parts.end(), {field(f, "sip"), field(f, "spr"), field(f, "sv"), field(f, "sr"), field(f, "snapshot")});
  if (field(f, "sv") >= "2020-12-06") parts.push_back(field(f, "ses"));
  parts.insert(parts.end(), {field(f, "rscc"), field(f, "rscd"), field(f, "rsce"), field(f, "rscl"), field(f, "rsct")});
  return sign(key, lines(parts));
}

std::string scope_of(const Place& place) {
  return place.container.empty() ? place.key
                                 : fmt::format("{}/blobServices/default/containers/{}", place.key, place.container);
}

std::optional<Answer> check_sas(Core& core, const Request& request, const Json& account, const Place& place,
                                const Need& need) {
  const Fields& f = request.query;
  const std::string given = field(f, "sig");
  const std::string name = text_at(account, "name");
  if (!in_time(core, f))
    return failed(
        fmt::format("Signature not valid in the specified time frame: Start [{}] - Expiry [{}] - Current [{}]",
                    field(f, "st"), field(f, "se"), core.now_text()));
  bool good = false;
  if (!field(f, "skoid").empty()) {
    good = given ==
           delegation_signature(delegation_key(core, place.key, field(f, "skoid"), field(f, "skt"), field(f, "ske")),
                                name, place, f);
    // The one who made the key must be allowed as well (ST-4).
    if (good && !core.may(field(f, "skoid"), need.action, scope_of(place), /*data=*/true))
      return blob_error(403, "AuthorizationPermissionMismatch",
                        "This request is not authorized to perform this operation using this permission.");
  } else {
    if (!true_at(account, "sharedKey"))
      return blob_error(403, "KeyBasedAuthenticationNotPermitted",
                        "Key based authentication is not permitted on this storage account.");
    for (const char* key : {"key1", "key2"})
      good = good || given == (f.contains("ss")
                                   ? account_signature(text_at(account, key), name, f)
                                   : service_signature(text_at(account, key), name, place.container, place.blob, f));
  }
  if (!good) return failed("Signature did not match.");
  if (!has_letter(field(f, "sp"), need.sas))
    return blob_error(403, "AuthorizationPermissionMismatch",
                      "This request is not authorized to perform this operation using this permission.");
  return std::nullopt;
}

std::optional<Answer> check_bearer(Core& core, const Request& request, const Place& place, const Need& need,
                                   const std::string& token) {
  const auto caller = core.check_token(token);
  const bool for_us =
      caller && (caller->audience.starts_with(kAudience) || caller->audience.starts_with(request.base_url));
  if (!for_us)
    return blob_error(
        401, "InvalidAuthenticationInfo",
        "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.");
  if (core.may(caller->object_id, need.action, scope_of(place),
               /*data=*/!need.action.ends_with("userDelegationKey/action") &&
                   need.action.find("/blobs/") != std::string_view::npos))
    return std::nullopt;
  return blob_error(403, "AuthorizationPermissionMismatch",
                    "This request is not authorized to perform this operation using this permission.");
}

}  // namespace

Answer blob_error(int status, std::string_view code, std::string_view message) {
  Answer answer = text_answer(
      status,
      fmt::format(
          "\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?><Error><Code>{}</Code><Message>{}</Message></Error>",
          code, message),
      "application/xml");
  answer.headers.set("x-ms-error-code", std::string(code));
  return answer;
}

std::string service_signature(const std::string& account_key, const std::string& account, const std::string& container,
                              const std::string& blob, const Fields& f) {
  const std::string version = field(f, "sv");
  const std::string resource =
      fmt::format("/blob/{}/{}{}", account, container, field(f, "sr") == "b" ? "/" + blob : "");
  std::vector<std::string> parts = {field(f, "sp"), field(f, "st"),  field(f, "se"),  resource,
                                    field(f, "si"), field(f, "sip"), field(f, "spr"), version};
  if (version >= "2018-11-09") parts.insert(parts.end(), {field(f, "sr"), field(f, "snapshot")});
  if (version >= "2020-12-06") parts.push_back(field(f, "ses"));
  parts.insert(parts.end(), {field(f, "rscc"), field(f, "rscd"), field(f, "rsce"), field(f, "rscl"), field(f, "rsct")});
  return sign(account_key, lines(parts));
}

std::string delegation_key(Core& core, const std::string& key, const std::string& object_id, const std::string& start,
                           const std::string& expiry) {
  const Json* account = core.store().find_document("blob-accounts", key);
  return base64(hmac_sha256(account == nullptr ? "" : text_at(*account, "key2"),
                            fmt::format("{}|{}|{}", object_id, start, expiry)));
}

std::string shared_key_string(const Request& request, const std::string& account) {
  const auto header = [&](std::string_view name) { return request.headers.get(name); };
  const std::string length = header("Content-Length");
  std::vector<std::string> parts = {request.method,
                                    header("Content-Encoding"),
                                    header("Content-Language"),
                                    length == "0" ? "" : length,
                                    header("Content-MD5"),
                                    header("Content-Type"),
                                    header("x-ms-date").empty() ? header("Date") : "",
                                    header("If-Modified-Since"),
                                    header("If-Match"),
                                    header("If-None-Match"),
                                    header("If-Unmodified-Since"),
                                    header("Range")};
  std::map<std::string, std::string> own;
  for (const auto& [name, value] : request.headers.fields())
    if (to_lower(name).starts_with("x-ms-")) own[to_lower(name)] = std::string(trim(value));
  std::string text = lines(parts) + "\n";
  for (const auto& [name, value] : own) text += fmt::format("{}:{}\n", name, value);
  text += fmt::format("/{}{}", account, request.path);
  for (const auto& [name, value] : request.query) text += fmt::format("\n{}:{}", name, value);
  return text;
}

std::optional<Answer> refuse(Core& core, const Request& request, const Place& place, const Need& need) {
  const Json* account = core.store().find_document("blob-accounts", place.key);
  if (account == nullptr) return Answer{.drop = true};
  const std::string authorization = request.headers.get("Authorization");
  const bool signed_url = request.query.contains("sig");
  // Exactly one of them (ST-5).
  if (signed_url && !authorization.empty())
    return blob_error(
        400, "InvalidAuthenticationInfo",
        "Authentication information is not given in the correct format. Check the value of Authorization header.");
  if (signed_url) return check_sas(core, request, *account, place, need);
  if (equals_ignoring_case(authorization.substr(0, 10), "SharedKey "))
    return check_shared_key(request, *account, authorization.substr(10));
  if (equals_ignoring_case(authorization.substr(0, 7), "Bearer "))
    return check_bearer(core, request, place, need, authorization.substr(7));
  Answer answer = blob_error(
      401, "NoAuthenticationInformation",
      "Server failed to authenticate the request. Please refer to the information in the www-authenticate header.");
  answer.headers.set("WWW-Authenticate", fmt::format("Bearer authorization_uri={}/{}/oauth2/authorize resource_id={}",
                                                     core.arm_base_url(), core.tenant(), kAudience));
  return answer;
}

}  // namespace defang::emulator::blobs
