#include "deploy/logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "cli/commands.h"
#include "cli/services.h"
#include "compose/durations.h"
#include "deploy/log_history.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kUsualTail = 100;
constexpr int kMostOfAReplica = 300;  // CA-151
constexpr int kAllOfThePast = 30000;

/// How a service is called in front of its lines: by its name, and from a second replica on with the replica's last
/// part.
class Names {
 public:
  std::string of(const deploy::LogLine& line) {
    auto& replicas = seen_[line.service];
    replicas.insert(line.replica);
    if (replicas.size() < 2) return line.service;
    return line.service + "/" + line.replica.substr(line.replica.rfind('-') + 1);
  }

 private:
  std::map<std::string, std::set<std::string>> seen_;
};

struct KindRow {
  deploy::LogKind kind;
  std::string_view name;
};
constexpr auto kKinds = std::to_array<KindRow>({
    {deploy::LogKind::run, "run"},
    {deploy::LogKind::system, "system"},
    {deploy::LogKind::build, "build"},
});

/// `--type build,RUN`, `--type all`.
std::set<deploy::LogKind> kinds_of(const Arguments& arguments, Diagnostics& diagnostics) {
  std::set<deploy::LogKind> kinds;
  for (const auto& word : split(arguments.format.empty() ? "run" : arguments.format, ',')) {
    const auto row = std::ranges::find_if(
        kKinds, [&](const KindRow& one) { return equals_ignoring_case(one.name, trim(std::string_view(word))); });
    if (row != kKinds.end())
      kinds.insert(row->kind);
    else if (equals_ignoring_case(trim(std::string_view(word)), "all"))
      for (const auto& one : kKinds) kinds.insert(one.kind);
    else
      diagnostics.error("logs.type", fmt::format("`--type {}` is no kind of log", word), {},
                        "`run`, `build`, `system` or `all`; several with commas between them");
  }
  return kinds;
}

std::string line_text(const deploy::LogLine& line, Names& names, const Arguments& arguments) {
  const auto kind = std::ranges::find(kKinds, line.kind, &KindRow::kind)->name;
  if (!arguments.json)
    return fmt::format("{} {} | {}\n", line.time,
                       line.kind == deploy::LogKind::run ? names.of(line) : fmt::format("{} {}", line.service, kind),
                       line.text);
  return Json{{"type", "log"},           {"time", line.time},           {"service", line.service}, {"log", kind},
              {"replica", line.replica}, {"container", line.container}, {"line", line.text}}
             .dump(-1, ' ', false, Json::error_handler_t::replace) +
         "\n";
}

/// `--since 10m`, or a time in UTC; empty where it is not given.
std::string since_of(const Arguments& arguments, Context& context, Diagnostics& diagnostics) {
  if (arguments.since.empty()) return "";
  if (const auto ago = compose::parse_duration(arguments.since)) {
    const auto since = context.clock.now() - *ago;
    return deploy::log_time(
        to_iso8601(std::chrono::duration_cast<std::chrono::milliseconds>(since.time_since_epoch()).count()));
  }
  const std::string time = deploy::log_time(arguments.since);
  if (time.size() >= 10 && time[4] == '-' && time[7] == '-' &&
      time.find_first_not_of("0123456789-:.T") == std::string::npos)
    return time;
  diagnostics.error("logs.since", fmt::format("`--since {}` is neither a duration nor a time", arguments.since), {},
                    "such as `10m`, or `2026-01-31T12:00:00Z`");
  return "";
}

}  // namespace

int run_logs(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto since = since_of(arguments, context, diagnostics);
  const auto kinds = kinds_of(arguments, diagnostics);
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? project_name(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  auto services = session ? services_of(*session, *project, context) : std::unexpected(session.error());
  if (!services) {
    print(services.error(), arguments, context);
    return exit_code_of(services.error());
  }
  if (!select_services(*services, arguments.words, diagnostics)) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  std::size_t replicas = 0;
  for (const auto& service : *services) replicas += service.replicas.size();
  const int tail = arguments.tail.value_or(since.empty() ? kUsualTail : kAllOfThePast);
  // Replicas show their last lines only, and none once they are gone.
  const bool asks_history =
      kinds.contains(deploy::LogKind::run) &&
      (!since.empty() || tail > kMostOfAReplica ||
       std::ranges::any_of(*services, [](const deploy::ServiceStatus& one) { return one.replicas.empty(); }));
  deploy::LogOptions options{.tail = tail,
                             .follow = arguments.follow,
                             .kinds = kinds,
                             .group = azure::ResourceId::group(session->stack().subscription_id,
                                                               plan::resource_group_name(*project, session->stack()))
                                          .text(),
                             .since = since};
  if (asks_history)
    options.history = [&](const std::vector<deploy::ServiceStatus>& looked) {
      auto lines = deploy::read_history(*session->arm, *session->pipeline, session->cloud, options.group, looked, since,
                                        context.stop);
      if (lines) return std::move(*lines);
      Diagnostics told;
      told.warning("logs.history", "what was written longer ago cannot be read: " + lines.error().message, {},
                   "only the last lines of replicas that run are shown; the workspace of the stack holds the rest");
      print(told, arguments, context);
      return std::vector<deploy::LogLine>();
    };
  const auto look = [&, first = std::optional(std::move(*services))]() mutable {
    if (first) return Result<std::vector<deploy::ServiceStatus>>(*std::exchange(first, std::nullopt));
    auto now = services_of(*session, *project, context);
    Diagnostics gone;  // a service that was named may go while others are followed
    if (now) select_services(*now, arguments.words, gone);
    return now;
  };
  Names names;
  bool has_shown = false;
  const auto read = deploy::read_logs(
      *session->arm, *session->unsigned_pipeline, context.clock, look, options,
      [&](const deploy::LogLine& line) {
        has_shown = true;
        context.out.write(line_text(line, names, arguments));
      },
      context.stop);
  if (!read && read.error().kind != Error::Kind::stopped) print(read.error(), arguments, context);
  if (read && replicas == 0 && !has_shown && kinds == std::set{deploy::LogKind::run} && !arguments.quiet)
    context.err.write(
        "no replica runs and nothing of the past is kept yet (`defang ps` shows the state, `--type all` what else "
        "there is)\n");
  return read ? exit_done : exit_code_of(read.error());
}

}  // namespace defang::cli
