#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// What is said over the web socket of a container's `execEndpoint` (facts from azure-cli 2.91, module containerapp).
/// The first byte of a message is the proxy's: 0 passes on, 1 tells, 2 is a fault. What is passed on has a second byte,
/// the stream: 0 standard input, 1 standard output, 2 standard error, 4 the terminal's size. No message tells how the
/// program ended, so our shells do (ShellOutput).
namespace defang::deploy {

std::string input_message(std::string_view bytes);
std::string size_message(int columns, int rows);

struct ExecMessage {
  enum class Kind { output, note, fault, unknown };
  Kind kind = Kind::unknown;
  std::string text;
  friend bool operator==(const ExecMessage&, const ExecMessage&) = default;
};
/// Pure.
ExecMessage read_message(std::string_view message);

/// Takes the marks out of what a shell writes: "\x1e<secret> ready\x1e", "... exit 3\x1e", "... end\x1e". The secret
/// keeps rows of a table from looking like one.
class ShellOutput {
 public:
  explicit ShellOutput(const std::string& secret) : begin_("\x1e" + secret + " ") {}

  struct Piece {
    enum class Kind { text, ready, exit, end };
    Kind kind = Kind::text;
    std::string text;
    int exit_code = 0;
    friend bool operator==(const Piece&, const Piece&) = default;
  };
  std::vector<Piece> take(std::string_view bytes);
  /// What was held back since it might have become a mark.
  std::string rest() const { return pending_; }

 private:
  std::string begin_, pending_;
};

}  // namespace defang::deploy
