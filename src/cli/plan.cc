#include "plan/plan.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "arm/template.h"
#include "azure/costs.h"
#include "cli/commands.h"
#include "cli/planned.h"
#include "cli/views/plan_text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;

bool goes(const deploy::KeptStore& store, const Arguments& arguments) {
  return !store.service.empty() &&
         std::ranges::find(arguments.delete_data_of, store.service) != arguments.delete_data_of.end();
}

std::string as_json(const Planned& planned, const Arguments& arguments) {
  Json document = Json::parse(arm::to_plan_json(planned.graph));
  document["kept"] = Json::array();
  for (const auto& store : planned.kept)
    document["kept"].push_back({{"resourceType", store.type},
                                {"name", store.name},
                                {"service", store.service},
                                {"costs", azure::idle_cost_of(store.type)},
                                {"deleted", goes(store, arguments)}});
  return document.dump(2) + "\n";
}

std::string as_text(const Planned& planned, const Arguments& arguments, const Context& context) {
  KeptView view{.stays = {}, .goes = {}, .wants_color = arguments.color == "always"};
  if (arguments.color == "auto")
    view.wants_color =
        context.out.is_terminal() && context.variable("NO_COLOR").empty() && context.variable("TERM") != "dumb";
  for (const auto& store : planned.kept) (goes(store, arguments) ? view.goes : view.stays).push_back(store);
  return plan_text(planned.project, planned.stack, planned.graph, view);
}

std::string written(const Planned& planned, const std::string& format, const Arguments& arguments,
                    const Context& context) {
  if (format == "json") return as_json(planned, arguments);
  if (format == "arm") return arm::to_template(planned.graph, planned.template_scope());
  if (format == "bicep") return arm::to_bicep(planned.graph, planned.template_scope());
  if (format == "dot") return arm::to_dot(planned.graph);
  if (format == "svg") return arm::to_svg(planned.graph);
  return as_text(planned, arguments, context);
}

/// A name that leads to nothing may be a slip of the hand, and then the data would stay without a word.
void note_unknown(const Planned& planned, const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  for (const auto& service : arguments.delete_data_of) {
    if (std::ranges::find(planned.kept, service, &deploy::KeptStore::service) != planned.kept.end()) continue;
    if (planned.project.services.contains(service))
      diagnostics.note("plan.delete-data",
                       "service `" + service +
                           "` is part of the project: its store stays, and only changes that would "
                           "empty it are allowed",
                       {}, "");
    else
      diagnostics.warning("plan.delete-data", "no store of a service `" + service + "` is there to be deleted", {}, "");
  }
  print(diagnostics, arguments, context);
}

}  // namespace

int run_plan(const Arguments& arguments, Context& context) {
  int exit_code = exit_done;
  if (arguments.offline && !arguments.delete_data_of.empty()) {
    Diagnostics diagnostics;
    diagnostics.error("plan.usage", "what `--delete-data` would delete is known to Azure only", {},
                      "leave out `--offline`");
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  const auto planned = make_plan(arguments, context, exit_code);
  if (!planned) return exit_code;
  note_unknown(*planned, arguments, context);
  context.out.write(
      written(*planned, arguments.format.empty() && arguments.json ? "json" : arguments.format, arguments, context));
  return exit_code;
}

}  // namespace defang::cli
