#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/command.h"
#include "deploy/known_errors.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Diagnostic& diagnostic) {
  Json out = {{"severity", name_of(diagnostic.severity)}, {"code", diagnostic.code}, {"message", diagnostic.message}};
  if (diagnostic.span) {
    out["file"] = diagnostic.span.file->path;
    out["line"] = diagnostic.span.line;
    out["column"] = diagnostic.span.column;
  }
  if (!diagnostic.help.empty()) out["help"] = diagnostic.help;
  for (const auto& related : diagnostic.related) {
    Json place = {{"message", related.message}};
    if (related.span)
      place.update({{"file", related.span.file->path}, {"line", related.span.line}, {"column", related.span.column}});
    out["related"].push_back(std::move(place));
  }
  return out;
}

}  // namespace

void print(const Diagnostics& diagnostics, const Arguments& arguments, Context& context) {
  if (!arguments.json) {
    for (const auto& diagnostic : diagnostics.all())
      if (!arguments.quiet || diagnostic.severity != Diagnostic::Severity::note) context.err.write(to_text(diagnostic));
    return;
  }
  if (!diagnostics.has_errors()) return;  // a command that goes on puts its warnings into its own document
  Json all = Json::array();
  for (const auto& diagnostic : diagnostics.all()) all.push_back(to_json(diagnostic));
  context.out.write(Json{{"diagnostics", std::move(all)}}.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void print(const Error& world, const Arguments& arguments, Context& context) {
  const Error error = deploy::explained(world);
  if (error.kind == Error::Kind::stopped) {
    if (!arguments.json) context.err.write("interrupted\n");
    return;
  }
  Diagnostic diagnostic{Diagnostic::Severity::error, error.code, error.message, error.origin, error.help, {}};
  for (const auto& doing : error.context) diagnostic.related.push_back({"while " + doing, {}});
  if (!error.request_id.empty()) diagnostic.related.push_back({"request ID " + error.request_id, {}});
  if (!arguments.json) {
    context.err.write(to_text(diagnostic));
    return;
  }
  context.out.write(
      Json{{"diagnostics", Json::array({to_json(diagnostic)})}}.dump(-1, ' ', false, Json::error_handler_t::replace) +
      "\n");
}

int exit_code_of(const Error& error) {
  return error.kind == Error::Kind::stopped ? exit_interrupted : exit_world_refused;
}

}  // namespace defang::cli
