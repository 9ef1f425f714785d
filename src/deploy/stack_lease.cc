#include "deploy/stack_lease.h"

#include <algorithm>

namespace defang::deploy {
namespace {

using namespace std::chrono_literals;

// Short, so that a run that was killed does not keep the next one waiting (15 to 60 are allowed, ST-8).
constexpr auto kLeaseTime = 30s;
constexpr auto kRenewEvery = 7s;
constexpr auto kMargin = 10s;
/// A run that was killed leaves a lease that ends within its time; a living one may take longer than anybody waits.
constexpr auto kWaitLimit = 90s;

constexpr const char* kContainer = "state";
constexpr const char* kBlob = "lease";

Error another_run() {
  return {
      .kind = Error::Kind::refused,
      .code = "another-run",
      .message = "another run of this stack is going on",
      .help = "wait until it has ended, then run the command again; `defang attach` shows one that Azure carries out"};
}

Result<std::string> acquire(rest::BlobClient& blobs, const std::string& proposed, std::stop_token stop) {
  auto lease = blobs.acquire_lease(kContainer, kBlob, kLeaseTime, proposed, stop);
  if (lease || (lease.error().code != "BlobNotFound" && lease.error().code != "ContainerNotFound")) return lease;
  TRY(blobs.create_container(kContainer, stop));
  rest::BlobClient::PutOptions options;
  options.conditions.if_none_match = "*";
  auto made = blobs.put(kContainer, kBlob, rest::text_source(""), options, stop);
  if (!made && made.error().code != "BlobAlreadyExists" && made.error().code != "LeaseIdMissing")
    return fail(std::move(made.error()));
  return blobs.acquire_lease(kContainer, kBlob, kLeaseTime, proposed, stop);
}

}  // namespace

bool still_holds(Clock::Duration renewed, Clock::Duration now) { return now - renewed < kLeaseTime - kMargin; }

Result<std::unique_ptr<StackLease>> StackLease::take(rest::BlobClient& blobs, Clock& clock, Random& random,
                                                     const std::function<void(const std::string&)>& tell,
                                                     std::stop_token stop) {
  const std::string proposed = random.uuid();
  const auto started = clock.elapsed();
  for (Clock::Duration pause = 500ms;; pause = std::min<Clock::Duration>(pause * 2, 5s)) {
    const auto asked = clock.elapsed();  // the lease counts from when the service took the request, not from the answer
    auto id = acquire(blobs, proposed, stop);
    if (id) {
      // An answer that came late may be of a lease that has ended meanwhile. The id that holds a lease may take it
      // again (REST reference, "Lease Blob"; UNV here): where that is refused, the loop waits until it has ended.
      if (!still_holds(asked, clock.elapsed()) && clock.elapsed() - started < kWaitLimit) continue;
      return std::unique_ptr<StackLease>(new StackLease(blobs, clock, std::move(*id), asked));
    }
    if (id.error().code != "LeaseAlreadyPresent")
      return fail(std::move(id.error().during("taking the lease of the stack")));
    if (clock.elapsed() - started > kWaitLimit) return fail(another_run());
    if (pause == 500ms) tell("another run of this stack may be going on: waiting for it");
    if (!clock.sleep_for(pause, stop)) return stopped();
  }
}

StackLease::StackLease(rest::BlobClient& blobs, Clock& clock, std::string id, Clock::Duration acquired)
    : blobs_(blobs), clock_(clock), id_(std::move(id)), renewed_(acquired) {
  clock_.add_worker();
  renewal_ = std::jthread([this](std::stop_token stop) {
    renew(stop);
    clock_.remove_worker();
  });
}

StackLease::~StackLease() {
  renewal_.request_stop();
  renewal_.join();
  (void)blobs_.release_lease(kContainer, kBlob, id_, {});  // otherwise it ends by itself
}

void StackLease::renew(std::stop_token stop) {
  bool is_late = false;
  while (is_late || clock_.sleep_for(kRenewEvery, stop)) {
    const auto asked = clock_.elapsed();
    const auto renewed = blobs_.renew_lease(kContainer, kBlob, id_, stop);
    const std::lock_guard lock(mutex_);
    if (renewed)
      renewed_ = asked;
    else if (renewed.error().kind == Error::Kind::refused)
      lost_ = true;
    is_late = renewed && clock_.elapsed() - asked > kRenewEvery;
  }
}

std::optional<Error> StackLease::may_write() const {
  const std::lock_guard lock(mutex_);
  if (lost_)
    return Error{.kind = Error::Kind::refused,
                 .code = "lease-lost",
                 .message = "another run of this stack has taken over",
                 .help = "wait until it has ended, then run the command again"};
  if (still_holds(renewed_, clock_.elapsed())) return std::nullopt;
  return Error{.kind = Error::Kind::unreachable,
               .code = "lease-late",
               .message = "the lease of the stack could not be renewed, so another run may have begun",
               .help = "run the command again"};
}

}  // namespace defang::deploy
