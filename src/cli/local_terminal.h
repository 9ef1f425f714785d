#pragma once

#include <termios.h>

#include <functional>
#include <stop_token>
#include <string_view>

namespace defang::cli {

/// Every key as it is pressed, Ctrl-C among them, and nothing shown by itself; as before at the end of the scope.
class RawTerminal {
 public:
  RawTerminal();
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool is_raw_ = false;
};

/// Hands on what arrives on standard input until its end (true) or a stop (false); `at_rest` is called several times a
/// second.
bool read_input(const std::function<void(std::string_view)>& hand_on, const std::function<void()>& at_rest,
                std::stop_token stop);

}  // namespace defang::cli
