#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/command.h"
#include "deploy/event.h"

/// How a run is shown while it goes on. Views fold events into lines; the engine knows nothing of them.
namespace defang::cli {

/// Lines for people: what starts and what is done, logs of builds, failures with their cause, a summary.
deploy::EventSink make_human_view(const Arguments& arguments, Context& context);
/// One JSON line an event on standard output.
deploy::EventSink make_json_view(Context& context);
/// The one that --json asks for.
deploy::EventSink make_view(const Arguments& arguments, Context& context);

/// A table with upper-case headings and two blanks between columns; empty cells stay empty.
std::string table(const std::vector<std::string>& headings, const std::vector<std::vector<std::string>>& rows);

}  // namespace defang::cli
