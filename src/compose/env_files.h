#pragma once

#include <filesystem>
#include <vector>

#include "compose/files.h"

namespace defang::compose {

struct EnvFile {
  std::filesystem::path path;
  SourceSpan asked_by;  // empty: the command line, or a default
};

/// Adds what the files say and `variables` does not know yet; of several files the later wins. False after an error.
bool read_env_files(Workspace& workspace, const std::vector<EnvFile>& files, Variables& variables);

/// Folds env_file into environment and label_file into labels (CS-136, CS-138) for every service of a canonical
/// project.
void fold_env_files(Workspace& workspace, const Variables& variables, Node& project);

}  // namespace defang::compose
