// Without libFuzzer: every file of the folders that are named, and each cut off everywhere (long ones at every line
// end). A test of every build then, so that what fuzzing found stays found.
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "fuzz.h"

int main(int count, char** arguments) {
  std::size_t examined = 0;
  for (int i = 1; i < count; ++i) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(arguments[i])) {
      if (!entry.is_regular_file()) continue;
      std::ifstream file(entry.path(), std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(file), {}};
      for (std::size_t size = 0; size <= text.size(); ++size)
        if (size == text.size() || text.size() < 300 || text[size] == '\n')
          examine(std::string_view(text).substr(0, size));
      ++examined;
    }
  }
  std::printf("%zu inputs, whole and cut off\n", examined);
  return examined == 0 ? 1 : 0;
}
