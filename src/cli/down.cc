#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "azure/costs.h"
#include "cli/commands.h"
#include "cli/detached.h"
#include "cli/session.h"
#include "cli/views/view.h"
#include "cli/views/wording.h"
#include "deploy/deployment.h"
#include "deploy/teardown.h"
#include "deploy/vault_secrets.h"
#include "support/text.h"

namespace defang::cli {
namespace {

using Json = nlohmann::ordered_json;
using Why = deploy::Remaining::Why;

struct WhyRow {
  Why why;
  bool costs;  // what its type is billed for
  std::string_view name, text, remedy;
};
constexpr auto kWhys = std::to_array<WhyRow>({
    {Why::data, true, "data", "holds data or is needed by it", "; `defang compose down --delete-data` deletes it"},
    {Why::config, false, "config", "holds the config that was set, and costs nothing while it is not read",
     "; `defang compose down --remove` deletes it"},
    {Why::foreign, true, "foreign", "is not this stack's by its tags; so the group stays, too", ""},
    {Why::soft_deleted, false, "soft-deleted",
     "is deleted, and costs nothing; Azure keeps it for some days, in which `up` recovers it", ""},
    {Why::not_removed, true, "not-removed", "could not be deleted", "; `defang compose down` again goes on"},
});
const WhyRow& row_of(Why why) { return *std::ranges::find(kWhys, why, &WhyRow::why); }

std::string_view cost_of(const deploy::Remaining& one) {
  return row_of(one.why).costs ? azure::idle_cost_of(one.type) : "";
}

std::string line_of(const deploy::Remaining& one) {
  const auto& row = row_of(one.why);
  const auto cost = cost_of(one);
  return fmt::format("{} {}{}{}{}\n", resource_title(one.type, one.name), row.text, cost.empty() ? "" : ", and costs ",
                     cost, row.remedy);
}

/// Config is the user's own: with it in the vault, the vault stays unless the user says otherwise.
Result<bool> has_config(Session& session, const azure::ResourceId& vault, Context& context) {
  TRY_ASSIGN(const auto secrets, deploy::list_secrets(*session.arm, vault, context.stop));
  return std::ranges::any_of(secrets, [](const auto& secret) { return !secret.config.empty(); });
}

/// On a terminal only, and not for the emulator, which holds nothing that costs or counts.
bool is_confirmed(const deploy::TeardownOptions& options, const StackSettings& settings, const Arguments& arguments,
                  Context& context) {
  if (arguments.yes || arguments.non_interactive || arguments.json || settings.is_local) return true;
  if (!context.input_is_terminal || !context.err.is_terminal()) return true;
  // A word that has to be thought of: data does not come back.
  if (!options.keep_data) {
    const auto typed = context.ask(
        fmt::format("delete stack `{}` of project `{}` (resource group `{}`) with all its volumes and databases? Type "
                    "the project's name to go on: ",
                    options.scope.stack, options.scope.project, options.scope.group),
        Context::Echo::shown);
    return typed && trim(*typed) == options.scope.project;
  }
  const auto answer = context.ask(
      fmt::format("delete stack `{}` of project `{}` (resource group `{}`){}? [y/N] ", options.scope.stack,
                  options.scope.project, options.scope.group, options.keep_vault ? ", all but its config" : ""),
      Context::Echo::shown);
  return answer && (equals_ignoring_case(trim(*answer), "y") || equals_ignoring_case(trim(*answer), "yes"));
}

void print(const std::vector<deploy::Remaining>& remaining, const Arguments& arguments, Context& context) {
  if (arguments.json) {
    Json rows = Json::array();
    for (const auto& one : remaining)
      rows.push_back(
          {{"resourceType", one.type}, {"name", one.name}, {"why", row_of(one.why).name}, {"costs", cost_of(one)}});
    const auto time = std::chrono::duration_cast<std::chrono::milliseconds>(context.clock.now().time_since_epoch());
    context.out.write(
        Json{{"type", "remaining"}, {"time", to_iso8601(time.count())}, {"resources", std::move(rows)}}.dump() + "\n");
    return;
  }
  if (arguments.quiet) return;
  if (remaining.empty()) context.err.write("nothing of the stack remains\n");
  for (const auto& one : remaining) context.err.write(line_of(one));
}

}  // namespace

int run_down(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  if ((arguments.no_wait || arguments.detach) && arguments.remove)
    diagnostics.error("down.usage", "`--remove` purges the vault once it is deleted, which needs waiting", {},
                      arguments.detach ? "leave out `--detach`" : "leave out `--no-wait`");
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? project_name(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  if (!session) {
    print(session.error(), arguments, context);
    return exit_code_of(session.error());
  }
  const auto& stack = session->stack();
  deploy::TeardownOptions options{.scope = deploy::stack_scope(*project, stack), .no_wait = arguments.no_wait};
  const std::string vault = plan::vault_name(*project, stack);
  const auto config = has_config(*session, deploy::vault_id(options.scope, vault), context);
  if (!config) {
    print(config.error(), arguments, context);
    return exit_code_of(config.error());
  }
  options.keep_vault = *config && !arguments.remove;
  options.keep_data = !arguments.delete_data;
  options.pulls_with = plan::pull_identity_id(*project, stack);
  if (!is_confirmed(options, session->settings, arguments, context)) {
    context.err.write("nothing was deleted\n");
    return exit_interrupted;
  }
  if (arguments.detach) {
    const auto whole = deploy::takes_whole_group(*session->arm, options, context.stop);
    if (!whole) {
      print(whole.error(), arguments, context);
      return exit_code_of(whole.error());
    }
    if (!*whole) return take_down_detached(options, *session, arguments, context);
    options.no_wait = true;  // Azure deletes a group by itself
  }
  auto [finished, remaining] =
      deploy::tear_down(*session->arm, context.clock, make_view(arguments, context), options, context.stop);
  if (finished.how == deploy::RunFinished::How::done && arguments.remove) {
    const auto purged = deploy::purge_vault(session->access(context), options.scope, vault, context.stop);
    if (!purged) {
      print(purged.error(), arguments, context);
      return exit_code_of(purged.error());
    }
    std::erase_if(remaining, [&](const auto& one) { return one.name == vault && one.why == Why::soft_deleted; });
  }
  print(remaining, arguments, context);
  if (finished.how == deploy::RunFinished::How::stopped) return exit_interrupted;
  return finished.how == deploy::RunFinished::How::failed ? exit_world_refused : exit_done;
}

}  // namespace defang::cli
