#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace defang {

/// The variables of this process with `added` over them, as "NAME=value".
std::vector<std::string> environment_with(const std::map<std::string, std::string>& added);

/// Starts child programs. Never through a shell; secrets go in by environment or standard input, never by argument.
class Processes {
 public:
  struct Command {
    std::vector<std::string> arguments;              // [0] is looked up in PATH unless it holds a slash
    std::map<std::string, std::string> environment;  // added to ours
    std::filesystem::path folder;                    // empty: ours
    std::string input;                               // standard input; then closed
    /// Called with pieces of output as they arrive (from the calling thread), beside being collected.
    std::function<void(std::string_view)> on_output;
    std::optional<std::chrono::milliseconds> limit;  // then the child is ended and the error is process-too-slow
    bool merge_error_output = false;                 // standard error arrives in `output`, in order
  };
  struct Ended {
    int exit_code = 0;  // 128 + signal where a signal ended it
    std::string output;
    std::string error_output;
  };
  virtual ~Processes() = default;
  /// Waits for the end. A stop ends the child (SIGTERM, then SIGKILL after two seconds). An exit code other than 0 is
  /// no Error here. Codes: program-not-found, process-too-slow, process-other.
  virtual Result<Ended> run(const Command& command, std::stop_token stop) = 0;

  /// A child that lives on; ending the object does not end it.
  class Child {
   public:
    virtual ~Child() = default;
    virtual int pid() const = 0;
    virtual void terminate() = 0;                // SIGTERM to this child only
    virtual void kill() = 0;                     // SIGKILL
    virtual std::optional<int> exit_code() = 0;  // nothing while it runs
  };
  /// Output goes to the file (appended), or nowhere when the path is empty. `detached`: own session, outlives us.
  struct Background {
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::filesystem::path folder;
    std::filesystem::path output;
    bool detached = false;
  };
  virtual Result<std::unique_ptr<Child>> start(const Background& command) = 0;
};

std::unique_ptr<Processes> make_processes();

/// Where PATH finds a program; nothing when it does not.
std::optional<std::filesystem::path> find_program(std::string_view name);

}  // namespace defang
