#include "rest/ares_channel.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

namespace defang::rest {
namespace {

/// Ends a poll() when a stop is asked for.
class StopSignal {
 public:
  explicit StopSignal(std::stop_token stop) : descriptor_(eventfd(0, EFD_CLOEXEC)) {
    callback_.emplace(std::move(stop), [this] { eventfd_write(descriptor_, 1); });
  }
  ~StopSignal() {
    callback_.reset();  // before the descriptor that it writes to
    close(descriptor_);
  }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
  std::optional<std::stop_callback<std::function<void()>>> callback_;
};

}  // namespace

AresChannel::AresChannel(const ares_options& options, int mask) {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
  ares_options copy = options;
  status_ = ares_init_options(&channel_, &copy, mask);
}

AresChannel::~AresChannel() {
  if (status_ == ARES_SUCCESS) ares_destroy(channel_);
}

void AresChannel::wait(const bool& done, const std::stop_token& stop) {
  const StopSignal signal(stop);
  while (!done) {
    if (stop.stop_requested()) {
      ares_cancel(channel_);
      return;
    }
    std::array<ares_socket_t, ARES_GETSOCK_MAXNUM> sockets{};
    const int wanted = ares_getsock(channel_, sockets.data(), static_cast<int>(sockets.size()));
    std::vector<pollfd> waiting{{.fd = signal.descriptor(), .events = POLLIN, .revents = 0}};
    for (int i = 0; i < static_cast<int>(sockets.size()); ++i) {
      short events = 0;
      if (ARES_GETSOCK_READABLE(wanted, i)) events |= POLLIN;
      if (ARES_GETSOCK_WRITABLE(wanted, i)) events |= POLLOUT;
      if (events) waiting.push_back({.fd = sockets[static_cast<std::size_t>(i)], .events = events, .revents = 0});
    }
    timeval longest{.tv_sec = 5, .tv_usec = 0};
    timeval space{};
    const timeval* wait = ares_timeout(channel_, &longest, &space);
    poll(waiting.data(), waiting.size(), static_cast<int>(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
    for (const pollfd& one : waiting) {
      if (one.fd == signal.descriptor()) continue;
      ares_process_fd(channel_, one.revents & (POLLIN | POLLERR | POLLHUP) ? one.fd : ARES_SOCKET_BAD,
                      one.revents & POLLOUT ? one.fd : ARES_SOCKET_BAD);
    }
    ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // time-outs
  }
}

}  // namespace defang::rest
