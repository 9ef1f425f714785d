#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "support/result.h"

namespace defang::deploy {

/// What a `.dockerignore` leaves out of a build context, decided as BuildKit decides it: the last pattern that matches
/// a path or one of its parents wins. Docker docs, "Build context", section ".dockerignore files".
class IgnoreRules {
 public:
  IgnoreRules() = default;
  /// Fails for a lone `!` and for a class without its `]`, which BuildKit refuses too.
  static Result<IgnoreRules> parse(std::string_view text);

  /// `path` is relative to the context, with slashes.
  bool ignores(std::string_view path) const;
  /// A `!` pattern may bring back something from inside an ignored folder, so such folders must be walked.
  bool has_exceptions() const { return has_exceptions_; }

 private:
  struct Rule {
    std::string pattern;
    bool exception = false;
  };
  std::vector<Rule> rules_;
  bool has_exceptions_ = false;
};

}  // namespace defang::deploy
