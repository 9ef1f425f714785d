#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace defang::emulator {

/// One instruction of a Dockerfile, continuation lines joined, comments gone.
struct DockerInstruction {
  std::string keyword;             // upper case
  std::vector<std::string> flags;  // `--from=build`
  std::string rest;
  int line = 0;  // where it begins, from 1
};
std::vector<DockerInstruction> parse_dockerfile(std::string_view text);

/// What buildah 1.28 would take for something else, in words for the build's log. Empty: nothing.
std::vector<std::string> unsupported_in(const std::vector<DockerInstruction>& instructions);

/// What the older builder says of the first thing that only BuildKit knows; empty: there is none.
std::string unknown_to_older_builder(const std::vector<DockerInstruction>& instructions);

/// The text without `--link` of COPY and ADD, which changes how layers are made and not what is in them.
std::string without_link_flags(std::string text);

/// The images that are pulled: of FROM and `COPY --from`, stages and `scratch` left out, `ARG` defaults before FROM
/// filled in.
std::vector<std::string> images_needed(const std::vector<DockerInstruction>& instructions);

/// The paths of the context that COPY and ADD name, patterns and addresses left out.
struct ContextPath {
  std::string path;
  int line = 0;
};
std::vector<ContextPath> context_paths(const std::vector<DockerInstruction>& instructions);

}  // namespace defang::emulator
