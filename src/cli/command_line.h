#pragma once

#include <string>
#include <variant>
#include <vector>

#include "cli/command.h"

namespace defang::cli {

struct Invocation {
  const Command* command = nullptr;
  Arguments arguments;
};
/// The command line asks for help or a version, or it is wrong: print the text and exit.
struct Answer {
  std::string text;
  int exit_code = exit_done;
};
std::variant<Invocation, Answer> parse(const std::vector<std::string>& words);

}  // namespace defang::cli
