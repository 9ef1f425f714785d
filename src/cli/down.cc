#include <algorithm>

#include "cli/commands.h"
#include "cli/session.h"
#include "cli/views/view.h"
#include "deploy/teardown.h"
#include "deploy/vault_secrets.h"

namespace defang::cli {
namespace {

/// Config is the user's own: with it in the vault, the vault stays unless the user says otherwise.
Result<bool> has_config(Session& session, const azure::ResourceId& vault, Context& context) {
  TRY_ASSIGN(const auto secrets, deploy::list_secrets(*session.arm, vault, context.stop));
  return std::ranges::any_of(secrets, [](const auto& secret) { return !secret.config.empty(); });
}

}  // namespace

int run_down(const Arguments& arguments, Context& context) {
  Diagnostics diagnostics;
  if (arguments.detach) diagnostics.error("down.unsupported", "`--detach` is not supported yet", {}, "leave it out");
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
  deploy::TeardownOptions options;
  options.scope = {*project, stack.name, stack.subscription_id, plan::resource_group_name(*project, stack),
                   stack.location};
  const std::string vault = plan::vault_name(*project, stack);
  const auto vault_id =
      azure::ResourceId::resource(stack.subscription_id, options.scope.group, "Microsoft.KeyVault/vaults", vault);
  const auto config = has_config(*session, vault_id, context);
  if (!config) {
    print(config.error(), arguments, context);
    return exit_code_of(config.error());
  }
  options.keep_vault = *config && !arguments.remove;
  options.keep_data = !arguments.delete_data;
  const auto finished =
      deploy::tear_down(*session->arm, context.clock, make_view(arguments, context), options, context.stop);
  if (finished.how == deploy::RunFinished::How::stopped) return exit_interrupted;
  if (finished.how == deploy::RunFinished::How::failed) return exit_world_refused;
  if (!arguments.remove) return exit_done;
  const auto purged = deploy::purge_vault(session->access(context), options.scope, vault, context.stop);
  if (purged) return exit_done;
  print(purged.error(), arguments, context);
  return exit_code_of(purged.error());
}

}  // namespace defang::cli
