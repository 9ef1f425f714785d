#pragma once

#include <functional>
#include <optional>
#include <stop_token>

#include "deploy/azure_access.h"
#include "deploy/engine.h"

/// Waiting for what runs: an app's revision, a job's execution.
namespace defang::deploy {

/// Action AwaitRevision. Output fqdn, of an app with ingress.
Result<Outputs> run_await_revision(const graph::Action& action, const AzureAccess& access, NodeScope& scope,
                                   std::stop_token stop);

/// Action RunJob: starts it once for each change and waits. Output exitCode.
Result<Outputs> run_job(const graph::Action& action, const AzureAccess& access, NodeScope& scope, std::stop_token stop);

/// Looks at the latest revision while the app is still being written: a bad image keeps the operation `InProgress` for
/// twenty minutes (wire facts, "Container app"). Empty for anything but an app.
std::function<std::optional<Error>()> app_watchdog(const graph::Resource& resource,
                                                   const std::optional<nlohmann::json>& before,
                                                   const AzureAccess& access, NodeScope& scope, std::stop_token stop);

}  // namespace defang::deploy
