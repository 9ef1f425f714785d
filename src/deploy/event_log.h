#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "deploy/event.h"
#include "rest/blob_client.h"
#include "support/clock.h"

/// The events of a run as an append blob in the stack's storage, so that others can follow it.
namespace defang::deploy {

/// "runs/2026-01-31T12:00:00.000Z.jsonl"
std::string event_blob(const std::string& run);
/// Names of all runs that left events, oldest first: the times when they began.
Result<std::vector<std::string>> list_runs(rest::BlobClient& blobs, std::stop_token stop);

/// Appends what it is told, a second's worth at a time: a blob takes 50,000 pieces, and a run may last for hours.
/// Storage that does not answer holds nobody up; meanwhile lines of logs are dropped before anything else is.
class EventLog {
 public:
  EventLog(rest::BlobClient& blobs, Clock& clock, const std::string& run);
  /// Writes what is left.
  ~EventLog();
  EventLog(const EventLog&) = delete;
  EventLog& operator=(const EventLog&) = delete;

  void add(const Event& event);

 private:
  void flush();

  rest::BlobClient& blobs_;
  Clock& clock_;
  std::string blob_;
  std::mutex mutex_;
  std::string pending_;  // whole lines
  std::jthread writer_;
};

/// Reads a run's events as they come.
class EventReader {
 public:
  EventReader(rest::BlobClient& blobs, const std::string& run);
  /// Those that came since the last call. Error no-such-run. A piece that was written twice, since an answer was lost,
  /// is read once.
  Result<std::vector<Event>> next(std::stop_token stop);

 private:
  rest::BlobClient& blobs_;
  std::string run_, blob_;
  std::uint64_t read_bytes_ = 0, last_seq_ = 0;
  std::string rest_;  // of a line whose end has not come yet
};

}  // namespace defang::deploy
