#pragma once

#include "emulator/core.h"
#include "emulator/providers/app_keeper.h"
#include "emulator/providers/container_app_rules.h"

/// Microsoft.App, a file for each of its parts. The keeper must outlive the core.
namespace defang::emulator {

void add_managed_environments(Core& core, AppKeeper& keeper);  // with storages and certificates
void add_container_apps(Core& core, AppKeeper& keeper);        // with revisions, replicas and authConfigs
void add_container_jobs(Core& core, AppKeeper& keeper);        // with executions
void add_app_streams(Core& core, AppKeeper& keeper);           // tokens, logstream, eventstream
void add_app_exec(Core& core, AppKeeper& keeper);              // programs in containers that run

/// All of them.
void add_microsoft_app(Core& core, AppKeeper& keeper);

// --- what apps and jobs share
// -----------------------------------------------------------------------------------------

std::optional<Answer> refuse(const std::optional<Refusal>& refusal);

/// The environment that `properties` names, ready for apps; else an answer (CA-8).
struct FoundEnvironment {
  const Resource* environment = nullptr;
  std::optional<Answer> refusal;
};
FoundEnvironment find_environment(Core& core, const Json& properties);

/// What the rules need to know; `identity` and `name` are the caller's.
AppSurroundings surroundings_of(Core& core, const Resource& environment, const std::string& app_id);

/// Secrets with values for `hidden.secrets`: those that were sent, or those kept where a PATCH does not name them.
Json secrets_to_keep(const Write& write);

/// Where logs of the environment's apps and of the environment itself are streamed from.
std::string event_stream(Core& core, const ArmPath& path, std::string_view collection);

/// One per subscription: hex, upper case.
std::string verification_id(Core& core);

/// POST getAuthToken of an app, a job or an environment.
Answer auth_token(const Context& context, std::string_view type);
/// A refusal unless the request bears such a token for the resource `id`.
std::optional<Answer> check_stream_token(Core& core, const Request& request, const std::string& id);

}  // namespace defang::emulator
