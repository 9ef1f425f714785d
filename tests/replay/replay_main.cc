#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "replay.h"

/// Serves the recordings of a folder to our clients. The tables go to standard output, what ended otherwise than
/// recorded to standard error.
int main(int argc, char** argv) {
  using namespace defang::replay;
  const auto files = argc == 2 ? trace_files(argv[1]) : std::vector<std::filesystem::path>();
  if (files.empty()) {
    fmt::print(stderr, "usage: {} FOLDER\nFOLDER holds recordings, *.jsonl\n", argv[0]);
    return 2;
  }
  Replay replay;
  for (const auto& path : files) {
    std::ifstream file(path);
    replay.drive(parse_trace(path.stem(), {std::istreambuf_iterator<char>(file), {}}));
  }
  fmt::print("{}", markdown(replay));
  for (const auto& one : replay.wrong) fmt::print(stderr, "{}\n", one);
  return replay.wrong.empty() ? 0 : 1;
}
