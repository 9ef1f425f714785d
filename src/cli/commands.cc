#include "cli/commands.h"

namespace defang::cli {
namespace {

const Option kLoadOptions[] = {
    {"--env-file", &Arguments::env_files, "PATH", "variables for interpolation; may be repeated (COMPOSE_ENV_FILES)"},
    {"--profile", &Arguments::profiles, "NAME", "activate a profile; may be repeated"},
    {"--project-directory", &Arguments::project_directory, "DIR", "what relative paths are relative to"},
};

}  // namespace

const std::vector<Command>& commands() {
  // One row a command, in the order of `defang --help`.
  static const std::vector<Command> kCommands = {
      {"version", {}, "Print the version", {}, "", run_version},
  };
  (void)kLoadOptions;
  return kCommands;
}

}  // namespace defang::cli
