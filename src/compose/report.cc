#include "compose/report.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

#include "compose/diagnostics.h"
#include "compose/limits.h"

namespace defang::compose {
namespace {

/// The message without the name of the service, which is all that differs where several inherit one mistake.
std::string without_service(const std::string& message) {
  std::string text;
  std::size_t at = 0;
  while (at < message.size()) {
    const std::string_view rest = std::string_view(message).substr(at);
    std::size_t skipped = 0;
    for (const std::string_view lead : {"services.", "service `"}) {
      if (!rest.starts_with(lead)) continue;
      text += lead;
      skipped = std::min(rest.find_first_of(lead.ends_with('.') ? ".[`" : "`", lead.size()), rest.size());
    }
    if (skipped == 0) text += message[at];
    at += skipped == 0 ? 1 : skipped;
  }
  return text;
}

void add_chain(Diagnostic& diagnostic, const std::vector<Origin>& origins) {
  std::set<const Origin*> told;
  SourceSpan place = diagnostic.span;
  while (place) {
    const auto led_here = std::ranges::find_if(origins, [&](const Origin& origin) {
      return origin.file == place.file->path && place.line >= origin.first_line && place.line <= origin.last_line;
    });
    if (led_here == origins.end() || !told.insert(&*led_here).second) return;
    diagnostic.related.push_back({led_here->how, led_here->span});
    place = led_here->span;
  }
}

}  // namespace

void report(const Diagnostics& found, const std::vector<Origin>& origins, Diagnostics& diagnostics) {
  std::map<std::string, std::size_t> files;  // in the order in which something is said of them
  using Place = std::tuple<std::size_t, std::size_t, std::size_t>;
  std::set<std::tuple<std::string, Place, std::string>> said;
  std::multimap<Place, Diagnostic> all;
  std::size_t room_for_errors = kMostMistakes, left_out = 0;
  std::size_t room_for_others = kMostMistakes - std::min(found.error_count(), kMostMistakes);
  for (const Diagnostic& diagnostic : found.all()) {
    const std::string file = diagnostic.span ? diagnostic.span.file->path : "";
    const std::size_t number = file.empty() ? 0 : files.emplace(file, files.size() + 1).first->second;
    const Place place{number, diagnostic.span.line, diagnostic.span.column};
    if (!said.emplace(diagnostic.code, place, without_service(diagnostic.message)).second) continue;
    const bool is_error = diagnostic.severity == Diagnostic::Severity::error;
    std::size_t& room = is_error ? room_for_errors : room_for_others;
    left_out += room == 0 ? 1 : 0;
    if (room == 0) continue;
    --room;
    all.emplace(place, diagnostic);
  }
  for (auto& [place, diagnostic] : all) {
    add_chain(diagnostic, origins);
    diagnostics.add(std::move(diagnostic));
  }
  if (left_out > 0) diagnostics.add(too_many_mistakes(left_out));
}

}  // namespace defang::compose
