#pragma once

#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "rest/http_transport.h"

namespace defang::rest {

/// Answers by a script instead of a network, for tests; keeps what it was asked.
class FakeTransport : public HttpTransport {
 public:
  using Answer = std::function<Result<HttpResponse>(const HttpRequest&)>;

  FakeTransport() = default;
  /// Answers every request that no queued answer is left for.
  explicit FakeTransport(Answer otherwise) : otherwise_(std::move(otherwise)) {}

  FakeTransport& then(int status, Headers headers = {}, std::string body = "") {
    return then([=](const HttpRequest&) -> Result<HttpResponse> { return HttpResponse{status, headers, body}; });
  }
  FakeTransport& then_error(std::string code, Error::Kind kind = Error::Kind::unreachable) {
    return then([=](const HttpRequest&) -> Result<HttpResponse> { return fail(kind, code, code); });
  }
  FakeTransport& then(Answer answer) {
    const std::scoped_lock lock(mutex_);
    queue_.push_back(std::move(answer));
    return *this;
  }

  Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) override {
    if (stop.stop_requested()) return stopped();
    HttpRequest kept = request;
    if (request.source) {
      TRY_ASSIGN(kept.body, read_all(*request.source));
    }
    Answer answer;
    {
      const std::scoped_lock lock(mutex_);
      requests_.push_back(kept);
      if (!queue_.empty()) {
        answer = std::move(queue_.front());
        queue_.pop_front();
      } else {
        answer = otherwise_;
      }
    }
    if (!answer)
      return fail(Error::Kind::invalid, "nothing-scripted", "no answer for " + request.method + " " + request.url);
    auto response = answer(kept);
    if (response && request.sink && response->status / 100 == 2) {
      TRY(request.sink(response->body));
      response->body.clear();
    }
    return response;
  }

  std::vector<HttpRequest> requests() const {
    const std::scoped_lock lock(mutex_);
    return requests_;
  }
  /// "PUT https://..." of each request.
  std::vector<std::string> lines() const {
    std::vector<std::string> lines;
    for (const HttpRequest& request : requests()) lines.push_back(request.method + " " + request.url);
    return lines;
  }
  HttpRequest last() const { return requests().back(); }

 private:
  static Result<std::string> read_all(BodySource& source) {
    std::string all, piece(4096, '\0');
    while (true) {
      TRY_ASSIGN(const std::size_t got, source.read(piece.data(), piece.size()));
      if (got == 0) return all;
      all.append(piece, 0, got);
    }
  }

  mutable std::mutex mutex_;
  std::deque<Answer> queue_;
  Answer otherwise_;
  std::vector<HttpRequest> requests_;
};

}  // namespace defang::rest
