#include "rest/pipeline.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <mutex>
#include <vector>

#include "rest/azure_error.h"
#include "rest/credential.h"
#include "rest/operation.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kMostAttempts = 7;          // about 25 s in all
constexpr int kMostAttemptsOffline = 10;  // about 85 s: a network that is gone and comes back
constexpr int kMostAttemptsAtFirst = 3;   // before the first answer of all: an address that is wrong should fail soon
constexpr milliseconds kFirstDelay(400);
constexpr milliseconds kLongestDelay = seconds(20);
constexpr milliseconds kLongestWish = std::chrono::minutes(5);

/// A step of the pipeline: may change the request, hand it on any number of times, and change the answer.
class Policy {
 public:
  using Next = std::function<Result<HttpResponse>(HttpRequest&)>;
  virtual ~Policy() = default;
  virtual Result<HttpResponse> send(HttpRequest& request, const Call& call, const Next& next, std::stop_token stop) = 0;
};

/// Random is not made for several threads.
class SharedRandom {
 public:
  explicit SharedRandom(Random& random) : random_(random) {}
  std::string uuid() {
    const std::scoped_lock lock(mutex_);
    return random_.uuid();
  }
  double chance() {
    const std::scoped_lock lock(mutex_);
    return static_cast<double>(random_.below(1'000'000)) / 1e6;
  }

 private:
  std::mutex mutex_;
  Random& random_;
};

// ---- names on the request ---------------------------------------------------------------------------------------

class ClientRequestId : public Policy {
 public:
  explicit ClientRequestId(SharedRandom& random) : random_(random) {}
  Result<HttpResponse> send(HttpRequest& request, const Call&, const Next& next, std::stop_token) override {
    // A signature of the account key covers every header of storage's own, so nothing is added behind it.
    const bool is_signed = request.headers.get("Authorization").starts_with("SharedKey ");
    if (!is_signed && !request.headers.has("x-ms-client-request-id"))
      request.headers.set("x-ms-client-request-id", random_.uuid());
    return next(request);
  }

 private:
  SharedRandom& random_;
};

class UserAgent : public Policy {
 public:
  explicit UserAgent(std::string name) : name_(std::move(name)) {}
  Result<HttpResponse> send(HttpRequest& request, const Call&, const Next& next, std::stop_token) override {
    request.headers.set("User-Agent", name_);
    return next(request);
  }

 private:
  std::string name_;
};

// ---- retries ----------------------------------------------------------------------------------------------------

/// Which answers and errors are worth another try, and whether the request may already have been carried out then.
struct Trouble {
  std::string_view code;  // of an Error, or the status as text
  enum class Reached { no, perhaps } reached;
};
constexpr auto kTroubles = std::to_array<Trouble>({
    {"408", Trouble::Reached::perhaps},
    {"429", Trouble::Reached::no},  // ARM-25
    {"500", Trouble::Reached::perhaps},
    {"502", Trouble::Reached::perhaps},
    {"503", Trouble::Reached::no},
    {"504", Trouble::Reached::perhaps},
    {"connect-failed", Trouble::Reached::no},
    {"connection-lost", Trouble::Reached::perhaps},
    {"lease-late", Trouble::Reached::no},  // of deploy/stack_lease: held again, or lost, soon after the network is back
    {"name-not-found", Trouble::Reached::no},
    {"time-out", Trouble::Reached::perhaps},
});

const Trouble* find_trouble(const Result<HttpResponse>& result) {
  const std::string code = result ? std::to_string(result->status) : result.error().code;
  const auto found = std::ranges::find(kTroubles, code, &Trouble::code);
  return found == kTroubles.end() ? nullptr : &*found;
}

/// RFC 9110 9.2.2; ARM's PATCH is a merge, so the same one twice changes nothing more (ARM-32).
bool is_repeatable_method(std::string_view method) { return method != "POST"; }

bool is_not_ready(const Result<HttpResponse>& result) {
  return result && result->status >= 400 && means_not_ready(error_of(*result));
}

class Retry : public Policy {
 public:
  Retry(Clock& clock, SharedRandom& random, std::shared_ptr<std::atomic<bool>> answered)
      : clock_(clock), random_(random), answered_(std::move(answered)) {}

  Result<HttpResponse> send(HttpRequest& request, const Call& call, const Next& next, std::stop_token stop) override {
    const auto begin = clock_.elapsed();
    bool delivered = false;
    if (request.sink) {
      request.sink = [&delivered, sink = request.sink](std::string_view piece) {
        delivered = true;
        return sink(piece);
      };
    }
    for (int attempt = 1;; ++attempt) {
      auto result = next(request);
      if (result) *answered_ = true;
      if (delivered || stop.stop_requested()) return result;
      const bool not_ready = is_not_ready(result);
      if (not_ready) {
        if (clock_.elapsed() - begin >= call.not_ready_limit) return result;
      } else if (attempt >= most_attempts(result) || !may_repeat(request, call, result)) {
        return result;
      }
      const auto wished = result ? retry_after(result->headers) : std::nullopt;
      if (wished && *wished > kLongestWish) return result;
      if (request.source && !request.source->rewind()) return result;
      if (!clock_.sleep_for(retry_delay(attempt, wished, random_.chance()), stop)) return stopped();
    }
  }

 private:
  int most_attempts(const Result<HttpResponse>& result) const {
    if (!*answered_) return kMostAttemptsAtFirst;
    return result ? kMostAttempts : kMostAttemptsOffline;
  }

  Clock& clock_;
  SharedRandom& random_;
  std::shared_ptr<std::atomic<bool>> answered_;
};

// ---- sign-in ----------------------------------------------------------------------------------------------------

/// The value of claims="..." in a challenge: what continuous access evaluation wants the next token to hold.
std::string claims_of(const std::string& challenge) {
  const auto at = challenge.find("claims=\"");
  if (at == std::string::npos) return "";
  const auto end = challenge.find('"', at + 8);
  return end == std::string::npos ? "" : from_base64(challenge.substr(at + 8, end - at - 8));
}

class SignIn : public Policy {
 public:
  explicit SignIn(TokenCache& tokens) : tokens_(tokens) {}

  Result<HttpResponse> send(HttpRequest& request, const Call& call, const Next& next, std::stop_token stop) override {
    if (call.audience.empty()) return next(request);
    TRY_ASSIGN(const AccessToken token, tokens_.get(call.audience, stop));
    request.headers.set("Authorization", "Bearer " + token.value.reveal());
    auto response = next(request);
    if (!response || response->status != 401) return response;
    // Revoked, or expired on the way. Once: a second 401 is a refusal.
    if (request.source && !request.source->rewind()) return response;
    const TokenRequest wanted{call.audience, claims_of(response->headers.get("WWW-Authenticate"))};
    auto renewed = tokens_.renew(wanted, token, stop);
    if (!renewed) return response;
    request.headers.set("Authorization", "Bearer " + renewed->value.reveal());
    return next(request);
  }

 private:
  TokenCache& tokens_;
};

// ---- load -------------------------------------------------------------------------------------------------------

/// Resource Manager counts a subscription's requests in buckets that fill up steadily (ARM-25). Near the bottom
/// requests go out only as fast as that, which costs less time than being refused.
struct Bucket {
  std::string_view remaining;  // header
  std::string_view methods;
  milliseconds refill;  // for one more request
};
constexpr auto kBuckets = std::to_array<Bucket>({
    {"x-ms-ratelimit-remaining-subscription-reads", "GET HEAD", milliseconds(40)},
    {"x-ms-ratelimit-remaining-subscription-writes", "PUT PATCH POST", milliseconds(100)},
    {"x-ms-ratelimit-remaining-subscription-deletes", "DELETE", milliseconds(100)},
});
constexpr double kNearTheBottom = 25;

class SpreadLoad : public Policy {
 public:
  explicit SpreadLoad(Clock& clock) : clock_(clock) {}

  Result<HttpResponse> send(HttpRequest& request, const Call&, const Next& next, std::stop_token stop) override {
    const auto of_method = [&](const Bucket& one) { return one.methods.find(request.method) != one.methods.npos; };
    const auto bucket = static_cast<std::size_t>(std::ranges::find_if(kBuckets, of_method) - kBuckets.begin());
    if (bucket == kBuckets.size()) return next(request);
    if (const auto wait = my_turn(bucket); wait > milliseconds(0) && !clock_.sleep_for(wait, stop)) return stopped();
    auto response = next(request);
    if (response) {
      if (const auto left = to_number(response->headers.get(kBuckets[bucket].remaining)))
        is_low_[bucket] = *left < kNearTheBottom;
    }
    return response;
  }

 private:
  /// How long to wait; those who wait follow each other.
  milliseconds my_turn(std::size_t bucket) {
    if (!is_low_[bucket]) return milliseconds(0);
    const std::scoped_lock lock(mutex_);
    const auto now = clock_.elapsed();
    next_[bucket] = std::max<milliseconds>(next_[bucket], now) + kBuckets[bucket].refill;
    return next_[bucket] - now;
  }

  Clock& clock_;
  std::array<std::atomic<bool>, kBuckets.size()> is_low_{};
  std::mutex mutex_;
  std::array<milliseconds, kBuckets.size()> next_{};
};

// ---- fence ------------------------------------------------------------------------------------------------------

class Fenced : public Policy {
 public:
  explicit Fenced(const WriteFence& fence) : fence_(fence) {}
  Result<HttpResponse> send(HttpRequest& request, const Call& call, const Next& next, std::stop_token) override {
    const bool reads = request.method == "GET" || request.method == "HEAD" || call.repeat == Call::Repeat::always;
    if (!reads && call.fence == Call::Fence::writes) {
      if (auto refusal = fence_.refusal()) return fail(std::move(*refusal));
      request.refusal = [this] { return fence_.refusal(); };  // connecting takes a while, too
    }
    return next(request);
  }

 private:
  const WriteFence& fence_;
};

// ---- log --------------------------------------------------------------------------------------------------------

class Log : public Policy {
 public:
  Log(std::function<void(const std::string&)> sink, Clock& clock) : sink_(std::move(sink)), clock_(clock) {}

  Result<HttpResponse> send(HttpRequest& request, const Call&, const Next& next, std::stop_token) override {
    const auto begin = clock_.elapsed();
    auto response = next(request);
    const auto took = (clock_.elapsed() - begin).count();
    const std::string what = fmt::format("{} {}", request.method, redacted_url(request.url));
    const std::string how = response ? fmt::format("{} in {} ms, request id {}", response->status, took,
                                                   response->headers.get("x-ms-request-id"))
                                     : fmt::format("{} in {} ms", response.error().code, took);
    const std::scoped_lock lock(one_line_at_a_time_);
    sink_(fmt::format("{} -> {}", what, how));
    return response;
  }

 private:
  std::mutex one_line_at_a_time_;
  std::function<void(const std::string&)> sink_;
  Clock& clock_;
};

// ---- the pipeline -----------------------------------------------------------------------------------------------

class OrderedPipeline : public Pipeline {
 public:
  explicit OrderedPipeline(PipelineParts parts) : transport_(parts.transport), random_(parts.random) {
    // The order matters: a retry asks for a token again, since waits can outlast one; the log sees every attempt.
    policies_.push_back(std::make_unique<ClientRequestId>(random_));
    policies_.push_back(std::make_unique<UserAgent>(parts.user_agent));
    policies_.push_back(std::make_unique<Retry>(parts.clock, random_, parts.answered));
    policies_.push_back(std::make_unique<SpreadLoad>(parts.clock));
    if (parts.tokens) policies_.push_back(std::make_unique<SignIn>(*parts.tokens));
    if (parts.fence) policies_.push_back(std::make_unique<Fenced>(*parts.fence));
    if (parts.log) policies_.push_back(std::make_unique<Log>(parts.log, parts.clock));
  }

  Result<HttpResponse> send(HttpRequest request, const Call& call, std::stop_token stop) override {
    return send_from(0, request, call, stop);
  }

 private:
  Result<HttpResponse> send_from(std::size_t index, HttpRequest& request, const Call& call, std::stop_token stop) {
    if (index == policies_.size()) return transport_.send(request, stop);
    return policies_[index]->send(
        request, call, [&](HttpRequest& next) { return send_from(index + 1, next, call, stop); }, stop);
  }

  HttpTransport& transport_;
  SharedRandom random_;
  std::vector<std::unique_ptr<Policy>> policies_;
};

constexpr auto kHarmlessParameters = std::to_array<std::string_view>({
    "$expand",
    "$filter",
    "$top",
    "api-version",
    "blockid",
    "comp",
    "follow",
    "maxresults",
    "monitor",
    "prefix",
    "restype",
    "tailLines",
    "timeout",
});

}  // namespace

void WriteFence::ask(MayWrite may_write) {
  const std::scoped_lock lock(mutex_);
  may_write_ = std::move(may_write);
}

std::optional<Error> WriteFence::refusal() const {
  const std::scoped_lock lock(mutex_);
  return may_write_ ? may_write_() : std::nullopt;
}

std::unique_ptr<Pipeline> make_pipeline(PipelineParts parts) {
  return std::make_unique<OrderedPipeline>(std::move(parts));
}

milliseconds retry_delay(int attempt, std::optional<milliseconds> wished, double chance) {
  if (wished)
    return *wished + milliseconds(static_cast<std::int64_t>(static_cast<double>(wished->count()) * 0.1 * chance));
  const auto doubled = kFirstDelay * (std::int64_t{1} << std::clamp(attempt - 1, 0, 10));
  const auto delay = std::min<milliseconds>(doubled, kLongestDelay);
  return milliseconds(static_cast<std::int64_t>(static_cast<double>(delay.count()) * (0.75 + 0.5 * chance)));
}

bool may_repeat(const HttpRequest& request, const Call& call, const Result<HttpResponse>& result) {
  const Trouble* trouble = find_trouble(result);
  if (!trouble || call.repeat == Call::Repeat::never) return false;
  if (call.repeat == Call::Repeat::always || is_repeatable_method(request.method)) return true;
  return trouble->reached == Trouble::Reached::no;
}

std::string redacted_url(const std::string& url) {
  const auto mark = url.find('?');
  if (mark == std::string::npos) return url;
  std::vector<std::string> parts;
  for (const std::string& part : split(std::string_view(url).substr(mark + 1), '&')) {
    const std::string name = part.substr(0, part.find('='));
    const bool harmless =
        std::ranges::any_of(kHarmlessParameters, [&](std::string_view one) { return equals_ignoring_case(one, name); });
    parts.push_back(harmless ? part : name + "=...");
  }
  return url.substr(0, mark + 1) + join(parts, "&");
}

}  // namespace defang::rest
