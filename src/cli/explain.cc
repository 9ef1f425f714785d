#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/planned.h"
#include "cli/views/explain_text.h"
#include "support/text.h"

namespace defang::cli {
namespace {

void print_unknown(const std::string& word, const Planned& planned, const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  const auto known = explainable(planned.graph);
  const auto near = did_you_mean(word, known);
  diagnostics.error("cli.explain", fmt::format("`{}` is neither a service nor a resource of the plan", word), {},
                    near ? "did you mean `" + *near + "`?" : "known are " + join(known, ", "));
  print(diagnostics, arguments, context);
}

}  // namespace

int run_explain(const Arguments& arguments, Context& context) {
  if (arguments.words.size() != 1) {
    Diagnostics diagnostics;
    diagnostics.error("usage", "`explain` takes one service or resource", {},
                      "`defang explain web`; `defang plan` lists all");
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  const std::string& word = arguments.words.front();
  Arguments silent = arguments;
  silent.quiet = true;  // notes are shown with what they are about
  int exit_code = exit_done;
  const auto planned = make_plan(silent, context, exit_code);
  if (!planned) return exit_code;
  const auto nodes = nodes_named(planned->graph, word);
  if (nodes.empty()) {
    print_unknown(word, *planned, arguments, context);
    return exit_input_wrong;
  }
  if (!arguments.json) {
    context.out.write(explain_text(planned->graph, nodes, word, planned->diagnostics));
    return exit_done;
  }
  // The nodes as `plan --json` shows them.
  auto plan = nlohmann::ordered_json::parse(arm::to_plan_json(planned->graph));
  for (auto& [kind, list] : plan.items())
    std::erase_if(list.get_ref<nlohmann::ordered_json::array_t&>(), [&](const auto& one) {
      return std::ranges::find(nodes, one["id"].template get<std::string>()) == nodes.end();
    });
  context.out.write(plan.dump(2) + "\n");
  return exit_done;
}

}  // namespace defang::cli
