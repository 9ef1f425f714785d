#include "cli/stack_vault.h"

#include <fmt/format.h>

#include "azure/resource_types.h"
#include "cli/views/view.h"
#include "deploy/actions.h"
#include "deploy/deployment.h"
#include "deploy/engine.h"
#include "deploy/survey.h"
#include "deploy/vault_secrets.h"

namespace defang::cli {
namespace {

std::string version_of(std::string_view type) { return std::string(azure::find_resource_type(type)->api_version); }

azure::ResourceId vault_id(const std::string& project, const plan::Stack& stack) {
  return deploy::vault_id(deploy::stack_scope(project, stack), plan::vault_name(project, stack));
}

}  // namespace

Result<void> ensure_vault(StackVault& place, const Arguments& arguments, Context& context) {
  const plan::Stack& stack = place.session.stack();
  TRY_ASSIGN(const auto live,
             place.session.arm->get(place.vault, version_of("Microsoft.KeyVault/vaults"), context.stop));
  if (live) return {};
  TRY_ASSIGN(const auto principal, place.session.principal(context.stop));
  const auto say = [&](const std::string& text) { context.err.write("  " + text + "\n"); };
  TRY(deploy::register_providers(*place.session.arm, context.clock, stack.subscription_id, {"Microsoft.KeyVault"}, say,
                                 context.stop));
  TRY_ASSIGN(const auto facts,
             deploy::survey(*place.session.arm, stack, plan::resource_group_name(place.project, stack),
                            place.vault.last_name(), principal.id, context.stop));
  const auto access = place.session.access(context);
  const auto actions = deploy::make_actions(access);
  deploy::EngineOptions options;
  options.scope = deploy::stack_scope(place.project, stack);
  const deploy::EventSink show = arguments.verbose && !arguments.json ? make_human_view(arguments, context)
                                                                      : deploy::EventSink([](const deploy::Event&) {});
  auto result = deploy::run(plan::build_config_graph(place.project, stack, facts), *place.session.arm, *actions,
                            context.clock, show, options, context.stop);
  if (!result.failures.empty()) return fail(std::move(result.failures.front().error));
  if (result.finished.how == deploy::RunFinished::How::stopped) return stopped();
  return {};
}

int in_vault(const Arguments& arguments, Context& context, Diagnostics& diagnostics,
             const std::function<Result<void>(StackVault& place)>& work) {
  auto settings = find_stack(arguments, context, diagnostics);
  const auto project = settings ? project_name(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project || diagnostics.has_errors()) {
    print(diagnostics, arguments, context);
    return exit_input_wrong;
  }
  auto session = open_session(std::move(*settings), arguments, context);
  Result<void> done;
  if (session) {
    const auto vault = vault_id(*project, session->stack());
    StackVault place{*project, std::move(*session), vault};
    done = work(place);
  } else {
    done = std::unexpected(session.error());
  }
  if (diagnostics.has_errors()) print(diagnostics, arguments, context);
  if (!done) print(done.error(), arguments, context);
  if (!done) return exit_code_of(done.error());
  return diagnostics.has_errors() ? exit_input_wrong : exit_done;
}

}  // namespace defang::cli
