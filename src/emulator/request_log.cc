#include "emulator/request_log.h"

#include <fmt/format.h>

#include <array>
#include <regex>

#include "support/text.h"

namespace defang::emulator {

namespace {

constexpr std::size_t kLongestText = 20000;

// Members that hold secrets wherever they stand.
constexpr auto kSecretMembers = std::to_array<std::string_view>({
    "access_token",
    "accesskey",
    "accountkey",
    "administratorloginpassword",
    "client_assertion",
    "client_secret",
    "connectionstring",
    "clientsecret",
    "instrumentationkey",
    "key1",
    "key2",
    "password",
    "primaryconnectionstring",
    "primarykey",
    "primarysharedkey",
    "refresh_token",
    "secondaryconnectionstring",
    "secondarykey",
    "secondarysharedkey",
    "sharedkey",
    "token",
});
// Lists whose elements have the secret in `value`.
constexpr auto kSecretLists = std::to_array<std::string_view>({"keys", "passwords", "secrets"});

bool is_one_of(std::span<const std::string_view> names, const std::string& name) {
  return std::ranges::any_of(names, [&](std::string_view other) { return equals_ignoring_case(other, name); });
}

void redact_below(Json& value, bool values_are_secret) {
  if (value.is_array())
    for (auto& element : value) redact_below(element, values_are_secret);
  if (value.is_string()) value = redact_text(value.get<std::string>());
  if (!value.is_object()) return;
  // Of a run of the registry: an argument that is not to be shown, and a password.
  values_are_secret |= true_at(value, "isSecret") || text_at(value, "type") == "Opaque";
  for (auto& [name, member] : value.items()) {
    const bool secret = is_one_of(kSecretMembers, name) || (values_are_secret && equals_ignoring_case(name, "value"));
    if (secret && (member.is_string() || member.is_number()))
      member = "REDACTED";
    else
      redact_below(member, values_are_secret || is_one_of(kSecretLists, name));
  }
}

Json headers_of(const rest::Headers& headers) {
  Json shown = Json::object();
  for (const auto& [name, value] : headers.fields()) {
    const std::string lower = to_lower(name);
    if (lower == "authorization" || lower == "x-ms-copy-source-authorization")
      shown[lower] = value.substr(0, value.find(' '));
    else if (lower == "api-key")
      shown[lower] = "REDACTED";
    else if (lower != "host" && lower != "user-agent" && !lower.starts_with("accept"))
      shown[lower] = redact_text(value);
  }
  return shown;
}

bool is_readable(const std::string& text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 9; });
}

Json body_of(const std::string& text, const std::string& path) {
  if (text.empty()) return nullptr;
  if (auto json = parse_json(text)) return redact(std::move(*json), path);
  if (!is_readable(text) || text.size() > kLongestText) return fmt::format("<binary {} bytes>", text.size());
  return redact_text(text);
}

}  // namespace

std::string redact_text(std::string text) {
  if (text.find('=') == std::string::npos) return text;
  static const std::regex kSecrets(
      R"(((?:^|[?&;])(?:sig|client_secret|refresh_token|access_token|client_assertion|AccountKey|password)=)[^&;"]*)",
      std::regex::icase);
  return text.size() > kLongestText ? text : std::regex_replace(text, kSecrets, "$1REDACTED");
}

Json redact(Json body, const std::string& path) {
  const std::string lower = to_lower(path);
  const bool values_are_secret = lower.find("/secrets/") != std::string::npos || lower.ends_with("/listkeys") ||
                                 lower.ends_with("/listsecrets") || lower.ends_with("/listcredentials");
  redact_below(body, values_are_secret);
  return body;
}

RequestLog::RequestLog(Disk& disk, Clock& clock, std::filesystem::path file)
    : disk_(disk), clock_(clock), file_(std::move(file)) {}

void RequestLog::write(const Request& request, const Answer& answer, Clock::Duration started) {
  const std::lock_guard guard(mutex_);
  const std::int64_t now =
      std::chrono::duration_cast<std::chrono::milliseconds>(clock_.now().time_since_epoch()).count();
  if (next_ == 0) first_ms_ = now;
  Json line = {{"seq", next_},
               {"method", request.method},
               {"host", request.headers.get("Host")},
               {"path", redact_text(request.target)},
               {"req_headers", headers_of(request.headers)}};
  const Json sent = request.body_file.empty() ? body_of(request.body, request.path) : Json("<large body>");
  if (!sent.is_null()) line["req_body"] = sent;
  line["status"] = answer.drop ? 0 : answer.status;
  if (next_ == 0) line["date"] = http_date(now);
  line["t"] = static_cast<double>(now - first_ms_) / 1000;
  line["duration"] = static_cast<double>((clock_.elapsed() - started).count()) / 1000;
  line["resp_headers"] = headers_of(answer.headers);
  const Json got = answer.file ? Json(fmt::format("<binary {} bytes>", answer.file->size_bytes))
                               : body_of(answer.body, request.path);
  if (!got.is_null()) line["resp_body"] = got;
  ++next_;
  // A log that cannot be written must not stop the emulator; `status` would be the place to say so.
  [[maybe_unused]] const auto written = disk_.append(file_, dump(line) + "\n");
}

}  // namespace defang::emulator
