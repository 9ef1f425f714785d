// Dockerfiles: every stage can be named by its number, instructions stand in order and belong to the stages before
// them.
#include "compose/dockerfile.h"

#include <algorithm>
#include <string>

#include "fuzz.h"

void examine(std::string_view input) {
  using defang::compose::Dockerfile;
  const Dockerfile dockerfile = defang::compose::parse_dockerfile(input);
  const std::size_t count = dockerfile.stages.size();
  PROMISE(count == 0 || dockerfile.stage("") == count - 1);
  for (std::size_t i = 0; i < count; ++i) PROMISE(dockerfile.stage(std::to_string(i)).has_value());
  for (const auto& stage : dockerfile.stages) {
    PROMISE(stage.name.empty() || dockerfile.stage(stage.name).has_value());
    dockerfile.image_of(stage, [](std::string_view name) { return std::optional<std::string>(name); });
  }
  const auto lines = static_cast<std::size_t>(std::ranges::count(input, '\n')) + 1;
  std::size_t line = 0;
  for (const auto& instruction : dockerfile.instructions) {
    PROMISE(instruction.line > line && instruction.line <= lines);
    PROMISE(instruction.stage == Dockerfile::kBeforeStages || instruction.stage < count);
    line = instruction.line;
    needs_buildkit(instruction);
  }
  for (const auto& copy : dockerfile.copies()) PROMISE(copy.stage < count);
}
