#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace defang::rest {

/// An absolute http or https URL, taken apart but never re-encoded: signed URLs are replayed verbatim (wire facts 1.4).
struct Url {
  std::string scheme;  // lower case
  std::string host;    // lower case, without the brackets of an IPv6 address
  std::uint16_t port = 0;
  std::string target;  // "/path?query" as it stood, without a fragment

  static std::optional<Url> parse(std::string_view text);
  std::string path() const;   // of the target
  std::string query() const;  // of the target, without the question mark
  /// "https://host:port", the port left out where it is the scheme's own.
  std::string origin() const;
  /// The Host header: the port only where it is not the scheme's own.
  std::string authority() const;
};

/// A link as a service wrote it, fit to be sent: recorded ones hold bare spaces ("/locations/UK South/"), and nothing
/// else of them may change.
std::string sendable(std::string link);
/// The pairs of a query, percent-decoded, in order.
std::vector<std::pair<std::string, std::string>> query_pairs(std::string_view query);
/// Adds "name=value" with ? or &; the value is encoded.
std::string with_query(std::string url, std::string_view name, std::string_view value);
/// application/x-www-form-urlencoded.
std::string form_body(const std::vector<std::pair<std::string, std::string>>& fields);

}  // namespace defang::rest
