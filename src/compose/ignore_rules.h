#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compose/ignore_pattern.h"
#include "support/result.h"

namespace defang::compose {

/// What a `.dockerignore` leaves out of a build context, decided as BuildKit decides it while it walks the folder: the
/// last pattern that matches a path, or matched a folder above it, wins. Docker docs, "Build context", section
/// ".dockerignore files"; moby/patternmatcher is the judge (tests/peers).
class IgnoreRules {
 public:
  /// What is known of one path. Its children are judged by it: a pattern that was not asked about the folder, because
  /// it could not have changed the verdict, counts for what is below as not matching.
  struct Verdict {
    bool ignored = false;
    std::vector<bool> matched;  // one a rule; empty for the context itself
  };

  IgnoreRules() = default;
  /// Fails for a lone `!` and for patterns that BuildKit refuses.
  static Result<IgnoreRules> parse(std::string_view text);

  /// `path` is relative to the context, with slashes; `parent` is the verdict of the folder it is in.
  Verdict judge(std::string_view path, const Verdict& parent) const;
  /// The same for one path alone.
  bool ignores(std::string_view path) const;
  /// A `!` pattern may bring back something from inside an ignored folder, so such folders must be walked.
  bool may_bring_back_below(std::string_view folder) const;

 private:
  struct Rule {
    IgnorePattern pattern;
    bool exception = false;
  };
  std::vector<Rule> rules_;
};

}  // namespace defang::compose
