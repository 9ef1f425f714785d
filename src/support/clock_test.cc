#include "support/clock.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace defang {
namespace {
using namespace std::chrono_literals;

TEST(FakeClock, JumpsToTheEarliestWakeUpOnceEveryWorkerSleeps) {
  FakeClock clock;
  std::vector<std::string> order;
  std::mutex mutex;
  const auto work = [&](std::string name, Clock::Duration wait, int times) {
    for (int i = 0; i < times; ++i) {
      clock.sleep_for(wait, {});
      std::lock_guard lock(mutex);
      order.push_back(name + "@" + std::to_string(clock.elapsed().count()));
    }
    clock.remove_worker();
  };
  clock.add_worker();
  clock.add_worker();
  std::jthread slow(work, "slow", 60s, 1), quick(work, "quick", 25s, 2);
  slow.join();
  quick.join();
  EXPECT_EQ(order, (std::vector<std::string>{"quick@25000", "quick@50000", "slow@60000"}));
}

TEST(FakeClock, ReturnsFalseWhenStopped) {
  FakeClock clock;
  clock.add_worker();
  clock.add_worker();  // the second never sleeps, so time stands still
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_FALSE(clock.sleep_for(1h, stop.get_token()));
}

TEST(FakeClock, DoesNotWaitForAThreadThatOnceSleptWithoutBeingAWorker) {
  for (int round = 0; round < 50; ++round) {
    FakeClock clock;
    clock.add_worker();
    clock.add_worker();
    std::jthread worker([&] {
      clock.sleep_for(10s, {});
      clock.remove_worker();  // the other one
      clock.sleep_for(10s, {});
      clock.remove_worker();
    });
    clock.sleep_for(20s, {});
    worker.join();
  }
}

}  // namespace
}  // namespace defang
