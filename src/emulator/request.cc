#include "emulator/request.h"

#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "support/text.h"

namespace defang::emulator {

std::string Request::query_value(std::string_view lower_name) const {
  const auto found = query.find(std::string(lower_name));
  return found == query.end() ? std::string() : found->second;
}

std::string Request::content() const {
  if (body_file.empty()) return body;
  std::ifstream file(body_file, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::optional<Json> Request::json() const {
  const std::string text = content();
  if (trim(text).empty()) return Json();
  return parse_json(text);
}

std::map<std::string, std::string> parse_form(std::string_view text) {
  std::map<std::string, std::string> fields;
  for (const auto& part : split(text, '&')) {
    if (part.empty()) continue;
    const auto equals = part.find('=');
    const auto name = to_lower(percent_decode(replace_all(part.substr(0, equals), "+", " ")));
    const auto value = equals == std::string::npos ? std::string() : part.substr(equals + 1);
    fields[name] = percent_decode(replace_all(value, "+", " "));
  }
  return fields;
}

void parse_target(Request& request) {
  const auto question = request.target.find('?');
  request.path = request.target.substr(0, question);
  request.query.clear();
  if (question != std::string::npos) request.query = parse_form(request.target.substr(question + 1));
  request.segments.clear();
  for (const auto& part : split(request.path, '/'))
    if (!part.empty()) request.segments.push_back(percent_decode(part));
  const std::string host = request.headers.get("Host");
  request.base_url = "https://" + (host.empty() ? fmt::format("localhost:{}", request.port) : host);
}

}  // namespace defang::emulator
