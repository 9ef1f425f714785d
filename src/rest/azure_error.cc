#include "rest/azure_error.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "support/text.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kLongestPlainText = 500;
constexpr int kDeepestNesting = 6;

// A storage answer begins with a byte order mark (wire facts, Storage).
std::string_view without_mark(std::string_view body) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  if (body.starts_with(kMark)) body.remove_prefix(kMark.size());
  return trim(body);
}

const Json* member(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  for (const auto& item : object.items()) {
    if (equals_ignoring_case(item.key(), name)) return &item.value();
  }
  return nullptr;
}

std::string text_of(const Json* value) {
  if (!value || value->is_null()) return "";
  if (value->is_string()) return value->get<std::string>();
  return value->is_number() ? value->dump() : "";
}

struct Said {
  std::string code, message;
  bool empty() const { return code.empty() && message.empty(); }
};

Said look_into(const Json& value, int depth);

/// A message may hold another error as JSON text; the innermost one says what is wrong.
Said unwrap(Said said, int depth) {
  const std::string_view text = trim(said.message);
  if (!text.starts_with('{')) return said;
  const Json inner = Json::parse(text, nullptr, false);
  if (inner.is_discarded()) return said;
  Said found = look_into(inner, depth + 1);
  if (found.empty()) return said;
  if (found.code.empty()) found.code = said.code;
  if (found.message.empty()) found.message = said.message;
  return found;
}

void add_details(Said& said, const Json* details) {
  if (!details || !details->is_array()) return;
  for (const Json& detail : *details) {
    const Said one = look_into(detail, 1);
    if (one.message.empty() || said.message.find(one.message) != std::string::npos) continue;
    said.message +=
        one.code.empty() ? fmt::format("; {}", one.message) : fmt::format("; {}: {}", one.code, one.message);
  }
}

Said look_into(const Json& value, int depth) {
  if (depth > kDeepestNesting || !value.is_object()) return {};
  if (const Json* error = member(value, "error")) {
    if (error->is_object()) return look_into(*error, depth + 1);
    if (error->is_string()) return {error->get<std::string>(), text_of(member(value, "error_description"))};
  }
  if (const Json* errors = member(value, "errors"); errors && errors->is_array() && !errors->empty()) {
    return look_into(errors->front(), depth + 1);
  }
  Said said{text_of(member(value, "code")), text_of(member(value, "message"))};
  // Key Vault's "Forbidden" says nothing that its inner code does not say better (KV-14).
  if (const Json* inner = member(value, "innererror"); said.code == "Forbidden" && inner) {
    if (const std::string code = text_of(member(*inner, "code")); !code.empty()) said.code = code;
  }
  said = unwrap(std::move(said), depth);
  add_details(said, member(value, "details"));
  return said;
}

std::string between(std::string_view text, std::string_view begin, std::string_view end) {
  const auto from = text.find(begin);
  if (from == std::string_view::npos) return "";
  const auto to = text.find(end, from + begin.size());
  if (to == std::string_view::npos) return "";
  return std::string(text.substr(from + begin.size(), to - from - begin.size()));
}

Said look_into_xml(std::string_view text) {
  const std::string message = between(text, "<Message>", "</Message>");
  // Storage puts request id and time on lines of their own behind the message.
  Said said{between(text, "<Code>", "</Code>"), std::string(trim(message.substr(0, message.find("\nRequestId:"))))};
  for (const std::string_view tag : {"AuthenticationErrorDetail", "Reason", "HeaderName", "QueryParameterName"}) {
    const std::string more = between(text, fmt::format("<{}>", tag), fmt::format("</{}>", tag));
    if (!more.empty()) said.message += fmt::format("; {}: {}", tag, more);
  }
  return said;
}

Said read(const HttpResponse& response) {
  const std::string_view body = without_mark(response.body);
  if (body.starts_with('{') || body.starts_with('[')) {
    const Json json = Json::parse(body, nullptr, false);
    if (!json.is_discarded()) {
      const Said said = look_into(json.is_array() && !json.empty() ? json.front() : json, 0);
      if (!said.empty()) return said;
      if (const Json* properties = member(json, "properties")) {
        if (const Said inside = look_into(*properties, 0); !inside.empty()) return inside;
      }
    }
  }
  if (body.starts_with('<')) return look_into_xml(body);
  if (body.starts_with('{')) return {};
  return {"", std::string(body.substr(0, kLongestPlainText))};
}

constexpr auto kAbsentCodes = std::to_array<std::string_view>({
    // ARM-33, and what was recorded (wire facts 1.13, Blob, Key Vault)
    "BlobNotFound",
    "ContainerNotFound",
    "DeletedVaultNotFound",
    "NotFound",
    "ParentResourceNotFound",
    "ResourceGroupNotFound",
    "ResourceNotFound",
    "RevisionNotFound",
    "RoleAssignmentNotFound",
    "SecretNotFound",
    "VaultNotFound",
});

constexpr auto kNotReadyCodes = std::to_array<std::string_view>({
    "AnotherOperationInProgress",                // NET-1, wire facts "Private endpoints, DNS, VNet"
    "ContainerAppLockConflict",                  // CA-48
    "ContainerAppOperationInProgress",           // CA-48
    "ContainerBeingDeleted",                     // ST-6
    "ManagedEnvironmentNotReadyForAppCreation",  // CA-8
    "NamespaceInTransition",                     // wire facts "Throttling"
    "ObjectIsBeingDeleted",                      // KV-13
    "PrincipalNotFound",                         // ARM-42, wire facts "Identity and RBAC"
    "ProvisioningServerBusy",                    // wire facts "PostgreSQL"
    "ReferencedResourceNotProvisioned",          // wire facts "Private endpoints, DNS, VNet"
    "RetryableError",                            // same
    "RetryableErrorDueToAnotherOperation",       // ARM-25
    "ServerIsBusy",                              // wire facts "PostgreSQL"
});

template <std::size_t N>
bool holds(const std::array<std::string_view, N>& codes, std::string_view code) {
  return std::ranges::any_of(codes, [&](std::string_view one) { return equals_ignoring_case(one, code); });
}

}  // namespace

Error error_of(const HttpResponse& response) {
  Said said = read(response);
  if (said.code.empty()) said.code = response.headers.get("x-ms-error-code");
  if (said.code.empty()) said.code = fmt::format("http-{}", response.status);
  if (said.message.empty()) said.message = fmt::format("answered {} without an explanation", response.status);
  const bool later = response.status == 408 || response.status == 429 || response.status >= 500;
  Error error{.kind = later ? Error::Kind::unreachable : Error::Kind::refused,
              .code = std::move(said.code),
              .message = std::move(said.message),
              .http_status = response.status};
  error.request_id = response.headers.get("x-ms-request-id");
  if (error.request_id.empty()) error.request_id = response.headers.get("x-ms-correlation-request-id");
  return error;
}

bool means_absent(const Error& error) {
  return error.http_status == 404 &&
         (holds(kAbsentCodes, error.code) || error.code == "http-404" || error.code == "404");
}

bool means_not_ready(const Error& error) { return holds(kNotReadyCodes, error.code); }

}  // namespace defang::rest
