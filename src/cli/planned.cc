#include "cli/planned.h"

#include <algorithm>

#include "cli/session.h"
#include "deploy/check_build.h"
#include "deploy/deployment.h"
#include "deploy/survey.h"

namespace defang::cli {
namespace {

/// Mistakes in builds are errors before anything is deployed; a plan without network is a preview, and only warns.
void check_builds(const compose::Project& project, const Context& context, Diagnostics& diagnostics) {
  Diagnostics found;
  for (const auto& [name, service] : project.services)
    if (service.build) deploy::check_build(name, *service.build, context.disk, found);
  for (auto diagnostic : found.all()) {
    diagnostic.severity = std::max(diagnostic.severity, Diagnostic::Severity::warning);
    diagnostics.add(std::move(diagnostic));
  }
}

/// As the last run found them; the others are looked up.
Result<void> pin_images(const compose::Project& project, Session& session, const Arguments& arguments, Context& context,
                        plan::Facts& facts, Diagnostics& diagnostics) {
  const plan::Stack& stack = session.stack();
  const auto images = deploy::images_to_pin(project, stack, {}, deploy::parse_pull(arguments.pull));
  if (images.empty()) return {};
  const auto access = session.access(context);
  const auto scope = deploy::stack_scope(project.name, stack);
  const deploy::StackNames names{plan::vault_name(project.name, stack), plan::storage_name(project.name, stack)};
  TRY_ASSIGN(const auto pinned, deploy::pin_images(images, deploy::recorded_images(access, scope, names, context.stop),
                                                   facts.registry_users, deploy::vault_id(scope, names.vault), access,
                                                   diagnostics, context.stop));
  facts.image_digests = deploy::digests_of(pinned);
  return {};
}

/// What the plan depends on beside the project: who may do what, which host names are bound. Reads only.
Result<std::pair<plan::Stack, plan::Facts>> ask_azure(const compose::Project& project, Session& session,
                                                      const Arguments& arguments, Context& context,
                                                      Diagnostics& diagnostics) {
  TRY_ASSIGN(const auto principal, session.principal(context.stop));
  const plan::Stack& stack = session.stack();
  TRY_ASSIGN(auto facts, deploy::survey(*session.arm, stack, plan::resource_group_name(project.name, stack),
                                        plan::vault_name(project.name, stack), principal.id, context.stop));
  facts.principal_type = principal.type;
  if (plan::uses_models(project)) {
    TRY_ASSIGN(facts.models, deploy::survey_models(*session.arm, stack, plan::resource_group_name(project.name, stack),
                                                   plan::model_account_name(project.name, stack), context.stop));
  }
  TRY(pin_images(project, session, arguments, context, facts, diagnostics));
  TRY(deploy::survey_registries(*session.arm, project.name, stack,
                                plan::own_servers(project, facts, session.cloud.registry_suffix), facts, context.stop));
  return std::pair(stack, std::move(facts));
}

}  // namespace

arm::TemplateScope Planned::template_scope() const {
  return {.subscription_id = stack.subscription_id.empty() ? plan::kUnknownId : stack.subscription_id,
          .tenant_id = stack.tenant_id.empty() ? plan::kUnknownId : stack.tenant_id,
          .group = plan::resource_group_name(project.name, stack)};
}

std::optional<Planned> make_plan(const Arguments& arguments, Context& context, int& exit_code) {
  Diagnostics diagnostics;
  exit_code = exit_input_wrong;
  auto settings = find_stack(arguments, context, diagnostics);
  auto project = settings ? load_project(arguments, *settings, context, diagnostics) : std::nullopt;
  if (!project) {
    print(diagnostics, arguments, context);
    return std::nullopt;
  }
  const auto refused = [&](Error error) {
    if (error.help.empty()) error.help = "`--offline` asks nobody";
    print(error, arguments, context);
    exit_code = exit_code_of(error);
    return std::nullopt;
  };
  plan::Stack stack = settings->stack;
  plan::Facts facts;
  std::optional<Session> session;
  if (!arguments.offline) {
    auto opened = open_session(std::move(*settings), arguments, context);
    if (!opened) return refused(std::move(opened).error());
    session.emplace(std::move(*opened));
    auto asked = ask_azure(*project, *session, arguments, context, diagnostics);
    if (!asked) return refused(std::move(asked).error());
    std::tie(stack, facts) = std::move(*asked);
  }
  plan::look_at_disk(*project, context.disk, facts);
  auto graph = plan::build_graph(*project, stack, facts, diagnostics);
  if (!diagnostics.has_errors()) check_builds(*project, context, diagnostics);
  print(diagnostics, arguments, context);
  if (diagnostics.has_errors()) return std::nullopt;
  std::vector<deploy::KeptStore> kept;
  if (session) {
    auto found = deploy::kept_stores(*session->arm, graph, deploy::stack_scope(project->name, stack), context.stop);
    if (!found) return refused(std::move(found).error());
    kept = std::move(*found);
  }
  exit_code = exit_done;
  return Planned{std::move(*project), std::move(stack), std::move(graph), std::move(diagnostics), std::move(kept)};
}

}  // namespace defang::cli
