#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>

namespace defang {

/// Time as a parameter. Nothing below main asks the system for it.
class Clock {
 public:
  using Duration = std::chrono::milliseconds;
  virtual ~Clock() = default;

  /// Wall time, for what is written down and for tokens that expire.
  virtual std::chrono::system_clock::time_point now() const = 0;
  /// Time since some start, never set back, counting while the machine is suspended (CLOCK_BOOTTIME): for waits and
  /// leases.
  virtual Duration elapsed() const = 0;
  /// False: stopped before the time was up.
  virtual bool sleep_for(Duration duration, std::stop_token stop) = 0;

  /// A thread that sleeps on this clock says so for as long as it lives. Only FakeClock cares: it moves when every
  /// worker sleeps.
  virtual void add_worker() {}
  virtual void remove_worker() {}
};

class Worker {
 public:
  explicit Worker(Clock& clock) : clock_(clock) { clock_.add_worker(); }
  ~Worker() { clock_.remove_worker(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

 private:
  Clock& clock_;
};

std::unique_ptr<Clock> make_system_clock();

/// Time that stands still until every registered worker sleeps, then jumps to the earliest wake-up. Simulated minutes
/// run in milliseconds, and always in the same order. With no registered worker each sleep returns at once and moves
/// the time.
class FakeClock : public Clock {
 public:
  explicit FakeClock(std::chrono::system_clock::time_point start = std::chrono::sys_days{std::chrono::year{2026} / 1 /
                                                                                         1});
  ~FakeClock() override;

  std::chrono::system_clock::time_point now() const override;
  Duration elapsed() const override;
  bool sleep_for(Duration duration, std::stop_token stop) override;
  void add_worker() override;
  void remove_worker() override;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace defang
