#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace defang::emulator {

/// A program that runs on a terminal of its own, which is ours to read, write and size. Nothing blocks.
class PseudoTerminal {
 public:
  static Result<std::unique_ptr<PseudoTerminal>> start(const std::vector<std::string>& arguments,
                                                       const std::map<std::string, std::string>& environment);
  /// Hangs up.
  ~PseudoTerminal();
  PseudoTerminal(const PseudoTerminal&) = delete;
  PseudoTerminal& operator=(const PseudoTerminal&) = delete;

  int descriptor() const { return ours_; }
  /// What the program does not take yet is kept, see unwritten() and flush().
  void write(std::string_view bytes);
  std::size_t unwritten() const { return pending_.size(); }
  void flush();
  void resize(int columns, int rows);
  /// What it has written by now, may be empty; nothing: it has ended.
  std::optional<std::string> read();

 private:
  PseudoTerminal(int ours, pid_t pid) : ours_(ours), pid_(pid) {}
  int ours_;
  pid_t pid_;
  std::string pending_;
};

}  // namespace defang::emulator
