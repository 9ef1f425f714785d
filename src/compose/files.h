#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "compose/interpolate.h"
#include "compose/limits.h"
#include "compose/node.h"
#include "compose/report.h"
#include "compose/reset.h"
#include "support/diagnostic.h"
#include "support/disk.h"

namespace defang::compose {

/// What variables stand for: the process environment (as far as it counts), `.env` and env files.
struct Variables {
  std::map<std::string, std::string, std::less<>> values;

  Lookup lookup() const;  // refers to this
  void add_missing(const std::vector<std::pair<std::string, std::string>>& entries);
};

/// One file whose service another extends: its documents merged, in long form, with absolute paths, but neither
/// checked nor extended itself.
struct ExtendedFile {
  Node project;
  Resets resets;
  KeyIndex index;  // of its services
};
using ExtendedFiles = std::map<std::filesystem::path, std::shared_ptr<ExtendedFile>>;

/// The world that one run of the loader sees. Files are read and parsed once.
class Workspace {
 public:
  Workspace(const Disk& the_disk, Diagnostics& the_diagnostics) : disk(the_disk), diagnostics(the_diagnostics) {}

  const Disk& disk;
  Diagnostics& diagnostics;
  std::filesystem::path working_folder;  // where paths in messages are relative to
  std::filesystem::path home;
  std::string standard_input;  // what the file "-" holds
  Unset unset = Unset::blank;
  OnUnset on_unset = [](const std::string&, const SourceSpan&) {};
  bool interpolated = true;
  std::function<void(const Node& document)> on_document;  // sees each as it was written; may be empty
  std::size_t includes = 0;                               // so far
  std::vector<Origin> origins;                            // what led to the files that the command line does not name

  /// Nothing after an error, which is reported at `asked_by`.
  std::shared_ptr<const SourceFile> source(const std::filesystem::path& path, const SourceSpan& asked_by);
  const std::vector<Node>* documents(const std::filesystem::path& path, const SourceSpan& asked_by);
  /// Counts what is about to become part of the project. False: too much, which is reported at `place`.
  bool admit(std::size_t count, const SourceSpan& place);
  bool has_room() const { return values_ <= kMostValues; }
  std::string shown(const std::filesystem::path& path) const;

 private:
  std::map<std::filesystem::path, std::shared_ptr<const SourceFile>> sources_;
  std::map<std::filesystem::path, std::optional<std::vector<Node>>> documents_;
  std::size_t values_ = 0;  // admitted so far
};

/// Files that make one project: of the command line, or of one `include` entry.
struct FileSet {
  std::vector<std::filesystem::path> files;
  std::filesystem::path folder;  // the project directory
  Variables variables;
  std::vector<std::filesystem::path> including;  // files whose `include` led here, outermost first
  /// What their services extend, loaded once; null when it cannot be read.
  std::shared_ptr<ExtendedFiles> extended = std::make_shared<ExtendedFiles>();
};

/// Loads and merges them: long forms, absolute paths, checked. Errors are in the diagnostics; then the result is what
/// is left without what was wrong, good for finding more errors only.
Node load_files(Workspace& workspace, const FileSet& set);

std::shared_ptr<ExtendedFile> load_extended_file(Workspace& workspace, const FileSet& set,
                                                 const std::filesystem::path& path, const SourceSpan& asked_by);

}  // namespace defang::compose
