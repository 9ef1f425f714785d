#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "emulator/json.h"
#include "rest/http_transport.h"

namespace defang::emulator {

/// Who asks, as the token says. Empty object id: nobody signed in.
struct Caller {
  std::string object_id;
  std::string audience;  // of the token
  std::string tenant;
};

/// One HTTP request as the emulator sees it, from a socket or from a test.
struct Request {
  std::string method;  // upper case
  std::string target;  // path and query, verbatim
  std::uint16_t port = 0;
  bool is_private = false;  // came through a private endpoint
  rest::Headers headers;
  std::string body;
  std::filesystem::path body_file;  // a large body was written here instead; the one who answers may move it away

  // Derived from the above by parse_target().
  std::string path;                          // verbatim, without the query
  std::vector<std::string> segments;         // of the path, decoded
  std::map<std::string, std::string> query;  // decoded; names in lower case
  std::string base_url;                      // "https://localhost:PORT" as the client named it

  Caller caller;
  std::map<std::string, std::string> captures;  // of the route pattern

  std::string query_value(std::string_view lower_name) const;
  /// The body as JSON: null for an empty body, nothing where it is no JSON.
  std::optional<Json> json() const;
  /// The body whether held in memory or in a file.
  std::string content() const;
};

/// Fills in path, segments, query and base_url.
void parse_target(Request& request);
/// "a=b&c=d%20e", names in lower case: queries and forms.
std::map<std::string, std::string> parse_form(std::string_view text);

}  // namespace defang::emulator
