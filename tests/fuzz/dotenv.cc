// Env files: each key once, and a value in single quotes is read as it was written.
#include "compose/dotenv.h"

#include <set>

#include "fuzz.h"

void examine(std::string_view input) {
  using namespace defang::compose;
  const Lookup lookup = [](std::string_view name) -> std::optional<std::string> {
    if (name == "HOME") return "/home/u";
    return std::nullopt;
  };
  const auto entries = parse_env_file(input, lookup);
  if (!entries) {
    PROMISE(entries.error().line >= 1 && !entries.error().message.empty());
    return;
  }
  std::set<std::string> keys;
  for (const auto& [key, value] : *entries) {
    PROMISE(keys.insert(key).second);
    if (key.empty() || value.find_first_of("'\\\r") != std::string::npos) continue;
    const auto again = parse_env_file("K='" + value + "'\n", lookup);
    PROMISE(again && again->size() == 1 && again->front().second == value);
  }
}
