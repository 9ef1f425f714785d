#include "support/clock.h"

#include <ctime>
#include <set>

namespace defang {
namespace {

class SystemClock : public Clock {
 public:
  std::chrono::system_clock::time_point now() const override { return std::chrono::system_clock::now(); }

  Duration elapsed() const override {
    timespec time{};
    clock_gettime(CLOCK_BOOTTIME, &time);
    return std::chrono::duration_cast<Duration>(std::chrono::seconds(time.tv_sec) +
                                                std::chrono::nanoseconds(time.tv_nsec));
  }

  bool sleep_for(Duration duration, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, duration, [] { return false; });
    return !stop.stop_requested();
  }
};

}  // namespace

std::unique_ptr<Clock> make_system_clock() { return std::make_unique<SystemClock>(); }

struct FakeClock::State {
  mutable std::mutex mutex;
  std::condition_variable_any wake;
  std::chrono::system_clock::time_point start;
  Duration elapsed{0};
  int workers = 0;
  std::multiset<Duration> sleepers;  // when each sleeping thread wants to wake

  /// Called with the lock held: moves the time when nobody is left awake.
  void advance_if_all_sleep() {
    if (sleepers.empty() || static_cast<int>(sleepers.size()) < workers) return;
    if (*sleepers.begin() > elapsed) elapsed = *sleepers.begin();
    wake.notify_all();
  }
};

FakeClock::FakeClock(std::chrono::system_clock::time_point start) : state_(std::make_unique<State>()) {
  state_->start = start;
}
FakeClock::~FakeClock() = default;

std::chrono::system_clock::time_point FakeClock::now() const {
  std::lock_guard lock(state_->mutex);
  return state_->start + state_->elapsed;
}

Clock::Duration FakeClock::elapsed() const {
  std::lock_guard lock(state_->mutex);
  return state_->elapsed;
}

bool FakeClock::sleep_for(Duration duration, std::stop_token stop) {
  std::unique_lock lock(state_->mutex);
  if (stop.stop_requested()) return false;
  const Duration until = state_->elapsed + duration;
  const auto mine = state_->sleepers.insert(until);
  state_->advance_if_all_sleep();
  state_->wake.wait(lock, stop, [&] { return state_->elapsed >= until; });
  state_->sleepers.erase(mine);
  state_->advance_if_all_sleep();  // one that is no worker may never sleep again: those that do would wait for it
  return !stop.stop_requested();
}

void FakeClock::add_worker() {
  std::lock_guard lock(state_->mutex);
  ++state_->workers;
}

void FakeClock::remove_worker() {
  std::lock_guard lock(state_->mutex);
  --state_->workers;
  state_->advance_if_all_sleep();
}

}  // namespace defang
