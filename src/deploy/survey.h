#pragma once

#include <nlohmann/json_fwd.hpp>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "deploy/event.h"
#include "deploy/stack_record.h"
#include "graph/graph.h"
#include "plan/plan.h"
#include "rest/arm_client.h"
#include "support/clock.h"
#include "support/result.h"

/// What planning needs to know of Azure, read before anything is written. The only write is the registration of
/// resource providers, which belongs to the subscription and costs nothing.
namespace defang::deploy {

/// "Microsoft.App" and its like, of all the types in the graph.
std::set<std::string> namespaces_of(const graph::ResourceGraph& graph);

/// Registers what is missing and waits for it (ARM-40). `tell` hears which are waited for.
Result<void> register_providers(rest::ArmClient& arm, Clock& clock, const std::string& subscription,
                                const std::set<std::string>& namespaces,
                                const std::function<void(const std::string&)>& tell, std::stop_token stop);

/// Whether the answer of `Microsoft.Authorization/permissions` allows an action. Wildcards as Azure has them. Pure.
bool allows(const std::vector<nlohmann::json>& permissions, const std::string& action);

/// `group` need not exist yet. `principal_id` is the object id of who deploys, empty when unknown.
Result<plan::Facts> survey(rest::ArmClient& arm, const plan::Stack& stack, const std::string& group,
                           const std::string& vault, const std::string& principal_id, std::stop_token stop);

/// What the stack's region and the subscription's quota offer of models, and which of them the stack has deployed in
/// `account`. A provider that is not registered yet offers nothing that can be asked: then nothing.
Result<std::optional<providers::ModelFacts>> survey_models(rest::ArmClient& arm, const plan::Stack& stack,
                                                           const std::string& group, const std::string& account,
                                                           std::stop_token stop);

/// What of the user's own registries planning has to know: one request, and one for each that the project uses. Nothing
/// is asked for a project that names none (see `plan::own_servers`).
Result<void> survey_registries(rest::ArmClient& arm, const std::string& project, const plan::Stack& stack,
                               const std::set<std::string>& servers, plan::Facts& facts, std::stop_token stop);

/// Reads the answers of `locations/{l}/models` and `locations/{l}/usages`. Pure.
std::vector<providers::OfferedModel> offered_models(const std::vector<nlohmann::json>& models,
                                                    const std::vector<nlohmann::json>& usages);

/// The same of a stack that was deployed before, without asking again.
plan::Facts facts_of(const StackView& view, const std::string& principal_id);

}  // namespace defang::deploy
