// Dockerfiles: every stage can be named by its number.
#include "compose/dockerfile.h"

#include <string>

#include "fuzz.h"

void examine(std::string_view input) {
  const auto dockerfile = defang::compose::parse_dockerfile(input);
  for (std::size_t i = 0; i < dockerfile.stages.size(); ++i) PROMISE(dockerfile.has_stage(std::to_string(i)));
  PROMISE(!dockerfile.has_stage(std::to_string(dockerfile.stages.size())));
}
