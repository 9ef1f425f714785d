#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <variant>

#include "rest/http_transport.h"
#include "support/clock.h"
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
  bool troubled = false;  // the answer said nothing about the operation (throttled, 5xx, not visible yet)
  friend bool operator==(const Poll&, const Poll&) = default;
};
struct Succeeded {
  bool body_is_resource = false;  // the answer holds the final resource; otherwise GET it once more (wire facts 1.8)
  friend bool operator==(const Succeeded&, const Succeeded&) = default;
};
struct Failed {
  Error error;  // Azure's code and message
  friend bool operator==(const Failed& a, const Failed& b) {
    return a.error.code == b.error.code && a.error.message == b.error.message;
  }
};
using NextStep = std::variant<Poll, Succeeded, Failed>;

/// What an answer means. `request_url` and `method` are those of the first request; `previous` is the poll that was
/// answered, if it was one.
NextStep next_step(const HttpResponse& response, const std::string& method, const std::string& request_url,
                   const std::optional<Poll>& previous);

/// retry-after-ms before Retry-After in seconds; nothing where neither is there, or it says 0.
std::optional<std::chrono::milliseconds> retry_after(const Headers& headers);

/// How long to wait before poll number `index` (0 is the first): quickly at first, since most operations end within
/// seconds, then as the service wished, never longer. Pure.
std::chrono::milliseconds poll_delay(int index, std::optional<std::chrono::milliseconds> wished);

struct WaitOptions {
  /// Called at every poll with the state as the service spelt it ("InProgress", "Waiting").
  std::function<void(const std::string& state)> on_progress;
  /// Asked at every poll, and every few seconds between; an error returned here ends the wait (a revision that crashes,
  /// for instance). May be empty.
  std::function<std::optional<Error>()> watchdog;
  std::chrono::milliseconds limit{std::chrono::minutes(60)};  // then Error{unreachable, "operation-stuck"}
};

/// An operation that somebody started: the first request and its answer.
struct Operation {
  std::string method;
  std::string request_url;
  HttpResponse answer;
};
struct Finished {
  HttpResponse response;  // the last answer
  Succeeded how;
};
using Fetch = std::function<Result<HttpResponse>(const std::string& url)>;

/// The only loop: asks until the operation is over. `fetch` sends a signed-in GET.
Result<Finished> wait_for(Operation operation, const Fetch& fetch, const WaitOptions& options, Clock& clock,
                          std::stop_token stop);

}  // namespace defang::rest
