#include "cli/local_terminal.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace defang::cli {

RawTerminal::RawTerminal() {
  if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
  termios raw = before_;
  ::cfmakeraw(&raw);
  is_raw_ = ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) == 0;
}

RawTerminal::~RawTerminal() {
  if (is_raw_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
}

bool read_input(const std::function<void(std::string_view)>& hand_on, const std::function<void()>& at_rest,
                std::stop_token stop) {
  constexpr int kRestMs = 200;
  std::array<char, 16384> bytes;
  while (!stop.stop_requested()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, kRestMs) <= 0) {
      at_rest();
      continue;
    }
    const ssize_t count = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return true;
    hand_on({bytes.data(), static_cast<std::size_t>(count)});
  }
  return false;
}

}  // namespace defang::cli
