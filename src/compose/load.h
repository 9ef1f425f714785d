#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "compose/interpolate.h"
#include "compose/project.h"
#include "support/diagnostic.h"
#include "support/disk.h"

namespace defang::compose {

struct LoadOptions {
  enum class Loader {
    defang,   // compose-semantics.md section O: project variables only, unresolved ${X} stays, profile `defang`
    compose,  // as `docker compose config`
  };
  Loader loader = Loader::defang;
  std::vector<std::string> files;      // -f, "-" is standard input; empty: COMPOSE_FILE, then discovery
  std::vector<std::string> env_files;  // --env-file
  std::vector<std::string> profiles;
  std::optional<std::string> project_name;
  std::optional<std::string> project_directory;
  std::map<std::string, std::string> environment;  // of the process
  std::string stack;                               // for `.env.<stack>` (DM-1); empty: none
  std::string provider = "azure";                  // for `.env.<provider>`
  std::string standard_input;                      // read by the caller when "-" is among the files
  bool all_profiles = false;                       // every service is active
  bool interpolate = true;
  bool check_consistency = true;  // ignored by the defang loader, which never does (DM-5)
};

/// Loads, merges, validates and normalises. Nothing is returned when an error was reported; warnings do not prevent a
/// result.
std::optional<Project> load(const LoadOptions& options, const Disk& disk, Diagnostics& diagnostics);

/// The variables that the files name, sorted, each with the first default and alternative that is given for it.
std::vector<VariableUse> variables_of(const LoadOptions& options, const Disk& disk, Diagnostics& diagnostics);

/// Project::canonical as JSON or YAML, as `compose config` prints it.
std::string to_json(const Node& canonical);
std::string to_yaml(const Node& canonical);

}  // namespace defang::compose
