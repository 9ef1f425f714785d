#include "deploy/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/services.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string line_text(const deploy::LogLine& line, const Arguments& arguments) {
  if (!arguments.json) return fmt::format("{} {} | {}\n", line.time, line.service, line.text);
  return Json{{"type", "log"},           {"time", line.time},           {"service", line.service},
              {"replica", line.replica}, {"container", line.container}, {"line", line.text}}
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

/// The services that the words name, all where there are none; a word that names none is the user's mistake.
bool select(std::vector<deploy::ServiceStatus>& services, const std::vector<std::string>& words,
            Diagnostics& diagnostics) {
  std::vector<std::string> names;
  for (const auto& service : services) names.push_back(service.service);
  for (const auto& word : words) {
    if (std::ranges::find(names, word) != names.end()) continue;
    const auto near = did_you_mean(word, names);
    diagnostics.error("logs.unknown-service", fmt::format("no service `{}` runs in this stack", word), {},
                      near ? fmt::format("did you mean `{}`?", *near) : "`defang ps` shows what runs");
  }
  if (!words.empty())
    std::erase_if(services,
                  [&](const auto& service) { return std::ranges::find(words, service.service) == words.end(); });
  return !diagnostics.has_errors();
}

}  // namespace

int run_logs(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  auto services = session ? services_of(*session, project->name, context) : std::unexpected(session.error());
  if (!services) {
    print(services.error(), arguments, context);
    return exit_code_of(services.error());
  }
  if (!select(*services, arguments.words, diagnostics)) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  const deploy::LogOptions options{.tail = arguments.tail.value_or(100), .follow = arguments.follow};
  const auto read = deploy::read_logs(
      *session->arm, *session->unsigned_pipeline, context.clock, *services, options,
      [&](const deploy::LogLine& line) { context.out.write(line_text(line, arguments)); }, context.stop);
  if (!read && read.error().kind != Error::Kind::stopped) print(read.error(), arguments, context);
  return read ? exit_done : exit_code_of(read.error());
}

}  // namespace defang::cli
