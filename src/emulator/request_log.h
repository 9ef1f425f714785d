#pragma once

#include <filesystem>
#include <mutex>
#include <string>

#include "emulator/answer.h"
#include "emulator/request.h"
#include "support/clock.h"
#include "support/disk.h"

namespace defang::emulator {

/// Every request with its answer as one JSON line, in the form of recorded Azure traffic: seq, method, host, path,
/// req_headers, req_body, status, date, t, duration, resp_headers, resp_body. Secrets are redacted.
class RequestLog {
 public:
  RequestLog(Disk& disk, Clock& clock, std::filesystem::path file);
  void write(const Request& request, const Answer& answer, Clock::Duration started);

 private:
  std::mutex mutex_;
  Disk& disk_;
  Clock& clock_;
  std::filesystem::path file_;
  std::int64_t next_ = 0;
  std::int64_t first_ms_ = 0;
};

/// Keys, passwords, tokens and signatures become "REDACTED". `path` tells what a member called `value` is.
Json redact(Json body, const std::string& path);
std::string redact_text(std::string text);

}  // namespace defang::emulator
