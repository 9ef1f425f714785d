#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace defang::emulator {

/// A task file as registry tasks take it, read as far as the emulator can run it.
struct TaskStep {
  enum class Kind { build, push, command } kind = Kind::command;
  std::string text;                 // arguments of build, or the command
  std::vector<std::string> images;  // of push
  std::map<std::string, std::string> environment;
};

/// The steps of a task file in YAML, in its usual form: a list of `- build:`, `- cmd:` and `- push:` below `steps:`.
std::vector<TaskStep> read_task(std::string_view yaml);

/// "-t web:1 -f Dockerfile --build-arg A=b --secret id=s,env=S ." taken apart. What names no value is taken from the
/// step's environment.
struct BuildArguments {
  std::vector<std::string> images;
  std::string dockerfile = "Dockerfile";
  std::string target;
  std::vector<std::pair<std::string, std::string>> arguments, secrets;
  std::string context;
};
BuildArguments read_build_arguments(const TaskStep& step);

/// "... pack build NAME --builder X ...": the image that a buildpacks command makes; empty where it is none.
std::string packed_image(std::string_view command);

/// Quotes and blanks as a shell has them.
std::vector<std::string> words_of_command(std::string_view text);

}  // namespace defang::emulator
