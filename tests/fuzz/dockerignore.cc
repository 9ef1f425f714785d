// `.dockerignore`: the rules stand above an empty line, paths below it. Judging a path alone is judging it on a walk; a
// folder that is left out, and into which nothing can come back, has nothing in it that stays.
#include "compose/ignore_rules.h"
#include "fuzz.h"
#include "support/text.h"

namespace {

using defang::compose::IgnoreRules;

void walk(const IgnoreRules& rules, std::string_view path) {
  IgnoreRules::Verdict verdict;
  bool is_closed = false;
  for (std::size_t slash = path.find('/');; slash = path.find('/', slash + 1)) {
    const std::string_view part = path.substr(0, slash);
    verdict = rules.judge(part, verdict);
    PROMISE(verdict.ignored == rules.ignores(part));
    PROMISE(!is_closed || verdict.ignored);
    is_closed = is_closed || (verdict.ignored && !rules.may_bring_back_below(part));
    if (slash == std::string_view::npos) return;
  }
}

}  // namespace

void examine(std::string_view input) {
  const std::size_t end = input.find("\n\n");
  const auto rules = IgnoreRules::parse(input.substr(0, end));
  if (!rules || end == std::string_view::npos) return;
  for (const auto& path : defang::split(input.substr(end + 2), '\n'))
    if (!path.empty() && path.front() != '/' && path.back() != '/' && !path.contains("//")) walk(*rules, path);
}
