#include "rest/operation.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "rest/azure_error.h"
#include "rest/http_date.h"
#include "rest/url.h"
#include "support/text.h"

namespace defang::rest {
namespace {

using Json = nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Style = Poll::Style;

constexpr milliseconds kQuickly[] = {seconds(1), seconds(1), seconds(2), seconds(2),
                                     seconds(3), seconds(5), seconds(8)};
constexpr milliseconds kOwnLongest = seconds(10);
constexpr milliseconds kWatchdogEvery = seconds(5);
// So many polls in a row may say nothing about the operation before we believe them.
constexpr int kPatience = 12;

// ---- reading answers --------------------------------------------------------------------------------------------

Json parse(const HttpResponse& response) {
  const std::string_view body = trim(response.body);
  return body.starts_with('{') ? Json::parse(body, nullptr, false) : Json(Json::value_t::discarded);
}

std::string text(const Json& object, const char* name) {
  if (!object.is_object()) return "";
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

const Json& part(const Json& object, const char* name) {
  static const Json kNothing;
  if (!object.is_object()) return kNothing;
  const auto found = object.find(name);
  return found == object.end() ? kNothing : *found;
}

std::string provisioning_state(const Json& body) { return text(part(body, "properties"), "provisioningState"); }

std::string link(const HttpResponse& response, std::string_view header) {
  return sendable(std::string(trim(response.headers.get(header))));
}

bool is_resource(const Json& body) {
  return body.is_object() && !text(body, "id").empty() && (body.contains("properties") || body.contains("type"));
}

enum class Phase { running, succeeded, failed };

/// Whatever is not one of ARM's terminal words is running; words compare without case (wire facts 1.3).
Phase phase_of(std::string_view state) {
  if (equals_ignoring_case(state, "Succeeded")) return Phase::succeeded;
  if (equals_ignoring_case(state, "Failed") || equals_ignoring_case(state, "Canceled") ||
      equals_ignoring_case(state, "Cancelled")) {
    return Phase::failed;
  }
  return Phase::running;
}

Failed failure(const HttpResponse& response, std::string_view state) {
  Error error = error_of(response);
  error.kind = Error::Kind::refused;
  if (error.code.starts_with("http-")) {
    error.code = equals_ignoring_case(state, "Failed") ? "OperationFailed" : "OperationCanceled";
    error.message = fmt::format("the operation ended as `{}` without an explanation", state);
  }
  return {std::move(error)};
}

bool has_error(const Json& body) { return part(body, "error").is_object() && !part(body, "error").empty(); }

bool says_nothing(int status) { return status == 408 || status == 429 || status >= 500; }

Poll again(const HttpResponse& response, const Poll& previous, std::string state) {
  Poll poll = previous;
  // Every answer may name a fresh URL; the old one stays valid too (resource group DELETE, storage).
  const std::string fresh = previous.style == Style::operation  ? link(response, "Azure-AsyncOperation")
                            : previous.style == Style::location ? link(response, "Location")
                                                                : "";
  if (!fresh.empty()) poll.url = fresh;
  poll.retry_after = retry_after(response.headers);
  if (!state.empty()) poll.state = std::move(state);
  poll.troubled = false;
  return poll;
}

Poll troubled(const HttpResponse& response, const Poll& previous) {
  Poll poll = previous;
  poll.retry_after = retry_after(response.headers);
  poll.troubled = true;
  return poll;
}

// ---- the first answer -------------------------------------------------------------------------------------------

NextStep first_step(const HttpResponse& response, const std::string& method, const std::string& request_url) {
  if (response.status >= 400) return Failed{error_of(response)};
  const Json body = parse(response);
  const std::string state = provisioning_state(body).empty() ? text(body, "status") : provisioning_state(body);
  const Poll poll{.url = "", .style = Style::operation, .retry_after = retry_after(response.headers), .state = state};
  const auto at = [&](std::string url, Style style) {
    Poll next = poll;
    next.url = std::move(url);
    next.style = style;
    return next;
  };
  // A PUT of an existing resource may repeat its old, terminal state beside the header: the header wins.
  if (const auto url = link(response, "Azure-AsyncOperation"); !url.empty()) return at(url, Style::operation);
  // At 200 and 201 a Location is the resource itself (wire facts 1.6), so only 202 makes it a place to poll.
  if (const auto url = link(response, "Location"); response.status == 202 && !url.empty())
    return at(url, Style::location);
  if (!is_resource(body) && has_error(body)) return failure(response, "Failed");
  if (!provisioning_state(body).empty() && method != "POST") {
    if (phase_of(state) == Phase::failed) return failure(response, state);
    if (phase_of(state) == Phase::running) return at(request_url, Style::resource);
  }
  if (response.status == 202 && method != "POST") return at(request_url, Style::resource);
  return Succeeded{.body_is_resource = body.is_object()};
}

// ---- answers to polls -------------------------------------------------------------------------------------------

NextStep resource_step(const HttpResponse& response, const std::string& method, const Poll& previous) {
  const bool removing = method == "DELETE";
  if (response.status == 404) {
    if (removing) return Succeeded{};
    return troubled(response, previous);  // created, and not visible everywhere yet (wire facts, PostgreSQL)
  }
  if (response.status >= 400) return Failed{error_of(response)};
  if (response.status == 204) return Succeeded{};
  const Json body = parse(response);
  const std::string state = provisioning_state(body);
  if (phase_of(state) == Phase::failed) return failure(response, state);
  if (removing) return again(response, previous, state);
  if (!state.empty() && phase_of(state) == Phase::running) return again(response, previous, state);
  return Succeeded{.body_is_resource = true};
}

NextStep location_step(const HttpResponse& response, const std::string& method, const Poll& previous) {
  const Json body = parse(response);
  const std::string state = provisioning_state(body).empty() ? text(body, "status") : provisioning_state(body);
  if (phase_of(state) == Phase::failed) return failure(response, state);
  if (response.status == 202) return again(response, previous, state);
  if (!is_resource(body) && has_error(body)) return failure(response, "Failed");
  // A 200 is the end, unless the resource that it shows is still being made.
  if (is_resource(body) && !state.empty() && phase_of(state) == Phase::running) return again(response, previous, state);
  return Succeeded{.body_is_resource = method == "POST" ? body.is_object() : is_resource(body)};
}

NextStep operation_step(const HttpResponse& response, const Poll& previous) {
  const Json body = parse(response);
  // Key Vault's private endpoint connections give the resource itself as the place to poll.
  const std::string state = text(body, "status").empty() ? provisioning_state(body) : text(body, "status");
  if (state.empty()) {
    if (has_error(body)) return failure(response, "Failed");
    if (response.status == 202) return again(response, previous, "");
    return Succeeded{.body_is_resource = is_resource(body)};
  }
  switch (phase_of(state)) {
    case Phase::succeeded:
      return Succeeded{.body_is_resource = is_resource(body) && text(body, "status").empty()};
    case Phase::failed:
      return failure(response, state);
    case Phase::running:
      return again(response, previous, state);
  }
  return Succeeded{};
}

/// The place to poll is gone: the operation is over and forgotten, or its URL ran out. The resource knows.
NextStep vanished(const HttpResponse& response, const std::string& method, const std::string& request_url,
                  const Poll& previous) {
  if (method == "DELETE" && previous.style == Style::location) return Succeeded{};
  if (method == "POST") return Failed{error_of(response)};
  Poll poll = previous;
  poll.url = request_url;
  poll.style = Style::resource;
  poll.retry_after = std::nullopt;
  return poll;
}

// ---- waiting ----------------------------------------------------------------------------------------------------

/// Operations that are known to hang, and what is behind it when they do.
struct KnownHang {
  std::string_view method, type, because;
};
constexpr auto kKnownHangs = std::to_array<KnownHang>({
    // Wire facts, "Container app": one recorded PUT stayed InProgress for over 1,200 s after its registry login was
    // changed.
    {"PUT", "/microsoft.app/containerapps/",
     "a new revision does not become ready: its image cannot be pulled (image name, registry login or role), or its "
     "container does not start; "
     "look at the revision's state and at the system log"},
    // Wire facts, "Custom domains and managed certificates": 70 s where the records exist.
    {"PUT", "/managedcertificates/", "the certificate authority cannot see the domain's DNS records yet"},
});

std::string known_reason(const Operation& operation) {
  const std::string url = to_lower(operation.request_url);
  const auto found = std::ranges::find_if(kKnownHangs, [&](const KnownHang& hang) {
    return operation.method == hang.method && url.find(hang.type) != std::string::npos;
  });
  return found == kKnownHangs.end() ? "" : std::string(found->because);
}

std::unexpected<Error> stuck(const Operation& operation, const Poll& poll, milliseconds waited) {
  const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(waited).count();
  const std::string took = minutes > 1 ? fmt::format("{} min", minutes)
                                       : fmt::format("{} s", std::chrono::duration_cast<seconds>(waited).count());
  return fail(Error{.kind = Error::Kind::unreachable,
                    .code = "operation-stuck",
                    .message = fmt::format("the {} is still `{}` after {}", operation.method,
                                           poll.state.empty() ? "running" : poll.state, took),
                    .help = known_reason(operation)});
}

class Wait {
 public:
  Wait(Operation operation, const Fetch& fetch, const WaitOptions& options, Clock& clock, std::stop_token stop)
      : operation_(std::move(operation)), fetch_(fetch), options_(options), clock_(clock), stop_(std::move(stop)) {}

  Result<Finished> run() {
    const auto begin = clock_.elapsed();
    HttpResponse response = std::move(operation_.answer);
    NextStep step = next_step(response, operation_.method, operation_.request_url, std::nullopt);
    for (int index = 0;; ++index) {
      if (auto* failed = std::get_if<Failed>(&step)) return fail(std::move(failed->error));
      if (auto* succeeded = std::get_if<Succeeded>(&step)) return Finished{std::move(response), *succeeded};
      const Poll poll = std::get<Poll>(step);
      if (options_.on_progress && !poll.troubled) options_.on_progress(poll.state);
      const auto waited = clock_.elapsed() - begin;
      if (waited >= options_.limit) return stuck(operation_, poll, waited);
      TRY(sleep(std::min(poll_delay(index, poll.retry_after), options_.limit - waited)));
      TRY_ASSIGN(step, ask(poll, response));
    }
  }

 private:
  Result<NextStep> ask(const Poll& poll, HttpResponse& response) {
    auto answer = fetch_(poll.url);
    if (!answer) {
      // The network may come back; the operation goes on without us.
      if (answer.error().kind != Error::Kind::unreachable || ++troubles_ >= kPatience)
        return fail(std::move(answer).error());
      Poll next = poll;
      next.troubled = true;
      return NextStep(next);
    }
    response = std::move(*answer);
    NextStep step = next_step(response, operation_.method, operation_.request_url, poll);
    const auto* next = std::get_if<Poll>(&step);
    if (!next || !next->troubled) {
      troubles_ = 0;
    } else if (++troubles_ >= kPatience) {
      return fail(error_of(response));
    }
    return step;
  }

  Result<void> sleep(milliseconds left) {
    while (true) {
      if (options_.watchdog) {
        if (auto error = options_.watchdog()) return fail(std::move(*error));
      }
      const milliseconds slice = options_.watchdog ? std::min(left, kWatchdogEvery) : left;
      if (!clock_.sleep_for(slice, stop_)) return stopped();
      left -= slice;
      if (left <= milliseconds(0)) return {};
    }
  }

  Operation operation_;
  const Fetch& fetch_;
  const WaitOptions& options_;
  Clock& clock_;
  std::stop_token stop_;
  int troubles_ = 0;
};

}  // namespace

NextStep next_step(const HttpResponse& response, const std::string& method, const std::string& request_url,
                   const std::optional<Poll>& previous) {
  if (!previous) return first_step(response, method, request_url);
  if (says_nothing(response.status)) return troubled(response, *previous);
  if (previous->style == Style::resource) return resource_step(response, method, *previous);
  if (response.status == 404 || response.status == 410) return vanished(response, method, request_url, *previous);
  if (response.status >= 400) return Failed{error_of(response)};
  return previous->style == Style::location ? location_step(response, method, *previous)
                                            : operation_step(response, *previous);
}

std::optional<milliseconds> retry_after(const Headers& headers) {
  // The emulator's scaled clock sends parts of a second; they are ours first.
  for (const auto& [name, unit] : {std::pair{"retry-after-ms", milliseconds(1)},
                                   {"x-ms-retry-after-ms", milliseconds(1)},
                                   {"Retry-After", milliseconds(1000)}}) {
    const auto number = to_number(trim(headers.get(name)));
    if (number && *number > 0 && *number < 86'400'000) return unit * static_cast<std::int64_t>(*number);
  }
  // The other form is a moment. It is measured against the server's own clock, which stands beside it.
  const auto until = from_http_date(headers.get("Retry-After"));
  const auto now = from_http_date(headers.get("Date"));
  if (until && now && *until > *now && *until - *now < std::chrono::hours(24)) return *until - *now;
  return std::nullopt;
}

milliseconds poll_delay(int index, std::optional<milliseconds> wished) {
  const milliseconds longest = wished.value_or(kOwnLongest);
  const auto quick = static_cast<std::size_t>(std::max(index, 0));
  return quick < std::size(kQuickly) ? std::min(kQuickly[quick], longest) : longest;
}

Result<Finished> wait_for(Operation operation, const Fetch& fetch, const WaitOptions& options, Clock& clock,
                          std::stop_token stop) {
  return Wait(std::move(operation), fetch, options, clock, std::move(stop)).run();
}

}  // namespace defang::rest
