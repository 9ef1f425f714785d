// Half a file is what an editor saves and a broken download leaves: whatever line a real project ends at, loading ends,
// too, with a project or with an error that can be printed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "compose/load.h"

namespace defang::compose {
namespace {

namespace fs = std::filesystem;

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

bool is_input(const fs::path& path) {
  return path.extension() == ".yaml" || path.extension() == ".yml" || path.filename().string().contains(".env");
}

/// Loads a project whose file `changed` has just been cut, and looks at what comes of it.
void load_cut(const FakeDisk& disk, const std::string& file, LoadOptions::Loader loader) {
  Diagnostics diagnostics;
  const auto project = load({.loader = loader, .files = {file}, .environment = {{"HOME", "/home"}}}, disk, diagnostics);
  ASSERT_NE(project.has_value(), diagnostics.has_errors()) << file;
  for (const Diagnostic& diagnostic : diagnostics.all()) ASSERT_FALSE(to_text(diagnostic).empty());
  if (project) {
    ASSERT_FALSE(to_yaml(project->canonical).empty());
  }
}

TEST(TruncatedInput, OfEveryRealProjectIsLoadedOrRefused) {
  const char* shared = std::getenv("DEFANG_SHARED");
  const fs::path corpus = fs::path(shared ? shared : "../shared") / "corpus";
  if (!fs::is_directory(corpus)) GTEST_SKIP() << "the corpus of real projects is not here";
  std::map<fs::path, std::map<std::string, std::string>> projects;  // folder -> its files, as if in /project
  for (const auto& entry : fs::recursive_directory_iterator(corpus)) {
    const fs::path path = entry.path().lexically_relative(corpus);
    const auto depth = std::distance(path.begin(), path.end());
    if (!entry.is_regular_file() || depth < 3 || path.begin()->string() == "expect") continue;
    const fs::path folder = *path.begin() / *std::next(path.begin());
    projects[folder]["/project/" + path.lexically_relative(folder).string()] = read(entry.path());
  }
  std::size_t loads = 0;
  for (auto& [folder, files] : projects) {
    FakeDisk disk(files);
    for (const auto& [cut, whole] : files) {
      if (!is_input(cut)) continue;
      for (std::size_t end = 0; end != std::string::npos; end = whole.find('\n', end + 1)) {
        disk.files[cut] = whole.substr(0, end);
        for (const auto& [file, text] : files) {
          const bool is_env_of_it = !cut.ends_with("ml") && fs::path(file).parent_path() == fs::path(cut).parent_path();
          if ((file != cut && !is_env_of_it) || !file.ends_with("ml")) continue;
          load_cut(disk, file, LoadOptions::Loader::compose);
          load_cut(disk, file, LoadOptions::Loader::defang);
          loads += 2;
        }
        if (HasFatalFailure()) FAIL() << folder << " " << cut << " cut at " << end;
      }
      disk.files[cut] = whole;
    }
  }
  EXPECT_GT(loads, 10000U);
}

}  // namespace
}  // namespace defang::compose
