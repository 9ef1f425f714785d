#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace defang::compose {

/// As much of a Dockerfile as is needed to find mistakes before a build. Dockerfile reference, "Format", "FROM",
/// "COPY", "Here-Documents"; BuildKit's own parser is the judge (tests/peers).
struct Dockerfile {
  static constexpr std::size_t kBeforeStages = static_cast<std::size_t>(-1);

  struct Instruction {
    std::string name;                // upper-case
    std::vector<std::string> flags;  // "--from=build", in front of the arguments
    std::string arguments;           // continued lines joined
    std::vector<std::string> heredocs;
    std::size_t line = 0;  // where it begins, from 1
    std::size_t stage = kBeforeStages;

    std::optional<std::string> flag(std::string_view name) const;  // "build" of --from
  };
  struct Stage {
    std::string image;  // as written
    std::string name;   // lower-case; empty without AS
    std::size_t line = 0;
  };
  /// A COPY or ADD that takes something from the build context.
  struct Copy {
    std::vector<std::string> sources;  // as written; none of another stage, of the net or of a here-document
    std::size_t line = 0;
    std::size_t stage = 0;
  };
  struct Argument {  // an ARG before the first FROM
    std::string name;
    std::optional<std::string> value;
  };

  std::vector<Instruction> instructions;
  std::vector<Stage> stages;
  std::vector<Argument> arguments;

  bool is_empty() const { return instructions.empty(); }
  /// By name without case, or by number; the last stage where the target is made of variables, or empty.
  std::optional<std::size_t> stage(std::string_view target) const;
  std::vector<Copy> copies() const;
  /// The image of a stage with variables replaced by `given` build arguments, then by their defaults; nothing where
  /// that cannot be told. Empty text: the builder would find no name.
  std::optional<std::string> image_of(const Stage& stage,
                                      const std::function<std::optional<std::string>(std::string_view)>& given) const;
};
Dockerfile parse_dockerfile(std::string_view text);

/// What only BuildKit can do: "RUN --mount", "here-documents". Nothing for what every builder can.
std::optional<std::string> needs_buildkit(const Dockerfile::Instruction& instruction);

}  // namespace defang::compose
