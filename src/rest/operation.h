#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>

#include "rest/http_transport.h"
#include "support/result.h"

/// Long-running operations. azure-wire-facts.md sections 1 and 2 are the law; ARM-20..24.
namespace defang::rest {

/// Where and when to ask next. The URL is replayed verbatim.
struct Poll {
  std::string url;
  enum class Style {
    operation,
    location,
    resource
  } style = Style::operation;                            // Azure-AsyncOperation, Location, GET of the resource
  std::optional<std::chrono::milliseconds> retry_after;  // as the service wished; nothing: our own delay
  std::string state;                                     // as the service spelt it, for progress
  friend bool operator==(const Poll&, const Poll&) = default;
};
struct Succeeded {
  bool body_is_resource = false;  // the answer holds the final resource; otherwise GET it once more (wire facts 1.8)
  friend bool operator==(const Succeeded&, const Succeeded&) = default;
};
struct Failed {
  Error error;  // Azure's code and message
};
using NextStep = std::variant<Poll, Succeeded, Failed>;

/// What an answer means. `request_url` and `method` are those of the first request; `previous` is the poll that was
/// answered, if it was one.
NextStep next_step(const HttpResponse& response, const std::string& method, const std::string& request_url,
                   const std::optional<Poll>& previous);

}  // namespace defang::rest
