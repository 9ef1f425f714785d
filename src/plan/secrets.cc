#include "plan/secrets.h"

#include <algorithm>
#include <filesystem>

#include "plan/addresses.h"
#include "plan/plan.h"
#include "providers/authorization.h"
#include "providers/key_vault.h"
#include "support/text.h"

namespace defang::plan {

using graph::Value;
using providers::Workload;

std::string config_node(Planning& plan, const std::string& name, const std::string& service, const SourceSpan& span) {
  const auto id = node("config", name);
  if (!plan.graph.find(id))
    plan.graph.add(graph::Action{
        .id = id,
        .what = graph::WriteSecret{std::string(providers::kVault), config_secret_name(name), graph::ConfigRecipe{name}},
        .origin = span,
        .because = "service `" + service + "` needs config `" + name + "`",
        .service = {},
        .after = {}});
  return id;
}

std::string file_node(Planning& plan, const std::string& path, const std::string& service, const SourceSpan& span) {
  const auto name = std::filesystem::path(path).lexically_relative(plan.project.folder).string();
  const auto id = node("file", name);
  if (!plan.graph.find(id))
    plan.graph.add(graph::Action{
        .id = id,
        .what = graph::WriteSecret{std::string(providers::kVault), providers::derived_secret_name("file/" + name),
                                   graph::FileRecipe{path}},
        .origin = span,
        .because = "service `" + service + "` reads file `" + name + "`",
        .service = {},
        .after = {}});
  return id;
}

std::string composed_node(Planning& plan, const ComposedText& text, const std::vector<compose::TextPiece>& pieces) {
  const auto id = node("secret", text.what);
  if (plan.graph.find(id)) return id;
  graph::ComposedRecipe recipe;
  for (const auto& piece : pieces) {
    if (piece.is_config)
      recipe.pieces.emplace_back(providers::output_of(config_node(plan, piece.text, text.service, text.span), "value"));
    else
      recipe.pieces.emplace_back(with_addresses(plan, text.service, piece.text, text.where, text.span));
  }
  plan.graph.add(graph::Action{.id = id,
                               .what = graph::WriteSecret{std::string(providers::kVault),
                                                          providers::derived_secret_name(text.what), std::move(recipe)},
                               .origin = text.span,
                               .because = text.because,
                               .service = text.service,
                               .after = {}});
  return id;
}

namespace {

std::vector<graph::Edge> right_to_read(Planning& plan) {
  if (!plan.scope.can_assign_roles || plan.facts.principal_id.empty()) return {};
  if (!plan.graph.find(providers::kDeployerRole))
    plan.graph.add(providers::principal_role(plan.scope, providers::kDeployerRole,
                                             *plan.graph.resource(providers::kVault), plan.facts.principal_id,
                                             plan.facts.principal_type, azure::Role::key_vault_secrets_user));
  return {{std::string(providers::kDeployerRole), "who deploys must be allowed to read config"}};
}

}  // namespace

void order_reads_of_values(Planning& plan) {
  auto read = plan.graph.nodes_with_wanted("value");
  for (const auto& [id, node] : plan.graph.nodes())
    if (const auto* action = std::get_if<graph::Action>(&node))
      if (const auto* write = std::get_if<graph::WriteSecret>(&action->what))
        if (std::holds_alternative<graph::FileRecipe>(write->recipe)) read.insert(id);
  for (const auto& id : read)
    if (auto* action = plan.graph.action(id)) std::ranges::copy(right_to_read(plan), std::back_inserter(action->after));
}

Value::Text use_secret(Planning& plan, Workload& workload, const std::string& secret_node) {
  const auto& secret = std::get<graph::WriteSecret>(plan.graph.action(secret_node)->what);
  const Value::Text name = {to_lower(secret.name) + "-", providers::output_of(secret_node, "version")};
  const Value entry = Value::Map{{"name", name},
                                 {"keyVaultUrl", providers::output_of(secret_node, "secretUri")},
                                 {"identity", providers::id_of(providers::kSecretsIdentity)}};
  if (std::ranges::find(workload.secrets, entry) == workload.secrets.end()) workload.secrets.push_back(entry);
  return name;
}

}  // namespace defang::plan
