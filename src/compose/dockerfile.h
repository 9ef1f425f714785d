#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace defang::compose {

/// As much of a Dockerfile as is needed to find mistakes before a build. Dockerfile reference, "FROM".
struct Dockerfile {
  struct Stage {
    std::string image;
    std::string name;  // lower-case; empty without AS
  };
  std::vector<Stage> stages;
  bool is_empty = true;  // nothing but blanks and comments

  /// By name without case, or by number; true where the target is made of variables.
  bool has_stage(std::string_view target) const;
};
Dockerfile parse_dockerfile(std::string_view text);

}  // namespace defang::compose
