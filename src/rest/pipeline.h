#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>

#include "rest/http_transport.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/result.h"

namespace defang::rest {

class TokenCache;

/// How a request is to be sent, beside what it says.
struct Call {
  std::string audience;  // a token for it is added; empty: none (SAS, account key, public)
  enum class Repeat {
    when_safe,  // by its method, and by what is known of how far it got
    always,     // a POST that only reads: listKeys, token requests
    never       // whoever asks can do without the answer
  } repeat = Repeat::when_safe;
  /// A request without the fence is sent whoever holds the lease: those that take and keep it are.
  enum class Fence { writes, nothing } fence = Fence::writes;
  /// How long refusals that mean "not yet" are waited out (azure_error.h); 0: they are handed on at once.
  std::chrono::milliseconds not_ready_limit{std::chrono::minutes(2)};
};

/// Requests with retries, sign-in and a log. A 4xx or 5xx that stays is an answer like any other: error_of() reads it.
class Pipeline {
 public:
  virtual ~Pipeline() = default;
  virtual Result<HttpResponse> send(HttpRequest request, const Call& call, std::stop_token stop) = 0;
};

/// Says whether this process may still change anything. It is asked before each attempt of each request that is no
/// plain read, and again by the transport just before its bytes go out: a process that was suspended must not go on
/// with what it had decided on before.
class WriteFence {
 public:
  using MayWrite = std::function<std::optional<Error>()>;
  /// Empty: everything may be written.
  void ask(MayWrite may_write);
  std::optional<Error> refusal() const;

 private:
  mutable std::mutex mutex_;
  MayWrite may_write_;
};

struct PipelineParts {
  HttpTransport& transport;
  Clock& clock;
  Random& random;
  TokenCache* tokens = nullptr;  // nothing: no request is signed in
  const WriteFence* fence = nullptr;
  std::string user_agent = "defang";
  std::function<void(const std::string& line)> log;  // for us, off by default; already redacted
  /// Whether anything has ever answered: pipelines made of copies of the same parts tell each other.
  std::shared_ptr<std::atomic<bool>> answered = std::make_shared<std::atomic<bool>>(false);
};
/// Must not outlive its parts.
std::unique_ptr<Pipeline> make_pipeline(PipelineParts parts);

/// How long to wait before attempt number `attempt` (1 is the first repetition); `chance` in [0, 1). Pure.
/// An explicit wish is never undercut: what comes early is not served and resets the wait (ARM-25).
std::chrono::milliseconds retry_delay(int attempt, std::optional<std::chrono::milliseconds> wished, double chance);

/// Whether a request may be sent once more after this answer or error. Pure.
bool may_repeat(const HttpRequest& request, const Call& call, const Result<HttpResponse>& result);

/// The URL with the values of all query parameters hidden but those on the list of harmless ones.
std::string redacted_url(const std::string& url);

}  // namespace defang::rest
