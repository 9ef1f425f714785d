#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "rest/blob_client.h"
#include "support/clock.h"
#include "support/digest.h"
#include "support/result.h"

/// Keeps two runs of one stack apart. A blob lease fences nothing by itself, since Resource Manager ignores it: who
/// holds it asks `may_write` before every write (design.md section 4).
namespace defang::deploy {

class StackLease {
 public:
  /// Waits for another run's lease to end or to expire, up to a limit, telling so once. `blobs` must outlive it.
  static Result<std::unique_ptr<StackLease>> take(rest::BlobClient& blobs, Clock& clock, Random& random,
                                                  const std::function<void(const std::string&)>& tell,
                                                  std::stop_token stop);
  /// Lets go of it, so that the next run need not wait.
  ~StackLease();
  StackLease(const StackLease&) = delete;
  StackLease& operator=(const StackLease&) = delete;

  /// Nothing while the last renewal is younger than the lease. Otherwise "lease-lost", which is for good, or, as long
  /// as it is not known whether another run has begun, "lease-late": an ended lease that nobody else has taken can be
  /// renewed (REST reference, "Lease Blob"), so the request is tried again a little later.
  std::optional<Error> may_write() const;

 private:
  StackLease(rest::BlobClient& blobs, Clock& clock, std::string id, Clock::Duration acquired);
  void renew(std::stop_token stop);

  rest::BlobClient& blobs_;
  Clock& clock_;
  std::string id_;
  mutable std::mutex mutex_;
  Clock::Duration renewed_;
  bool lost_ = false;
  std::jthread renewal_;
};

/// Whether a lease that was renewed then still holds; some time before its end it does not, for requests take a while.
bool still_holds(Clock::Duration renewed, Clock::Duration now);

}  // namespace defang::deploy
