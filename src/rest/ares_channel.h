#pragma once

#include <ares.h>

#include <stop_token>

namespace defang::rest {

/// One c-ares channel for one question at a time. Included by the files that speak to c-ares only.
class AresChannel {
 public:
  /// `status` says whether it came about.
  AresChannel(const ares_options& options, int mask);
  ~AresChannel();
  AresChannel(const AresChannel&) = delete;
  AresChannel& operator=(const AresChannel&) = delete;

  ares_channel get() const { return channel_; }
  int status() const { return status_; }
  /// Until `done`, which the question's callback sets; a stop cancels the question.
  void wait(const bool& done, const std::stop_token& stop);

 private:
  ares_channel channel_ = nullptr;
  int status_ = ARES_SUCCESS;
};

}  // namespace defang::rest
